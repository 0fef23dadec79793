"""What commands print, and what follows where it cannot be printed."""

import errno
import os
import sys
from traceback import walk_tb
from typing import TextIO

import click

__all__ = ["complain", "lost", "say"]


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
        raise click.ClickException(_unwritten(error)) from error


def lost(error: OSError) -> bool:
    """Return whether `error` is of something that click has printed; if so, tell it.

    Helps and versions are, and what plugins print. Whether standard output
    can be written cannot be asked otherwise than by writing.
    """
    *_, (frame, _line) = walk_tb(error.__traceback__)
    if frame.f_globals.get("__name__") != click.echo.__module__:
        return False
    _drop(sys.stdout)
    complain(f"Error: {_unwritten(error)}")
    return True


def _unwritten(error: OSError) -> str:
    return f"standard output cannot be written: {error.strerror or error}"


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
