"""What commands print, and what follows where it cannot be printed."""

import errno
import os
import sys
from typing import TextIO

import click

__all__ = ["complain", "say"]


def say(text: object) -> None:
    """Print `text`, or bytes, on standard output.

    Raises:
        click.ClickException: it cannot be written, as where a disk is full.
        BrokenPipeError: nobody reads any more, which ends a command silently.
    """
    try:
        click.echo(text)
    except OSError as error:
        _drop(sys.stdout)
        if error.errno == errno.EPIPE:
            raise
        what = f"standard output cannot be written: {error.strerror or error}"
        raise click.ClickException(what) from error


def complain(text: object) -> None:
    """Print `text` on standard error, if that can be written."""
    try:
        click.echo(text, err=True)
    except OSError:
        _drop(sys.stderr)


def _drop(stream: TextIO) -> None:
    """Let what is written from now on go nowhere.

    So does what could not be written now. Python would try again when the
    process ends, and spoil the exit code.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)
