"""Options that several commands have."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from zope.component import getGlobalSiteManager  # type: ignore[import-untyped]
from zope.interface.interfaces import IComponents

from zcadapt.cli.output import complain
from zcadapt.config import Loaded, load, parse_address

__all__ = ["ADDRESS", "config_option", "load_option", "load_settings", "registry"]

#: What a settings file is called everywhere in the documentation.
USUAL: Final = "zcadapt.toml"

Function = TypeVar("Function", bound=Callable[..., Any])


class _Address(click.ParamType[str]):
    """HOST:PORT."""

    name = "HOST:PORT"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            parse_address(value)
        except ValueError as error:
            self.fail(f"{value!r} is not HOST:PORT: {error}", param, ctx)
        return value


ADDRESS: Final = _Address()


def config_option(function: Function) -> Function:
    """Add ``--config``, the path of the settings file."""
    option = click.option(
        "--config",
        metavar="FILE",
        help="The settings file, in TOML. Without it every setting has its default. Relative "
        "paths in it are taken from its folder.",
    )
    return option(function)


def load_settings(
    context: click.Context, path: str | None, listen: Mapping[str, Sequence[str]] | None = None
) -> Loaded:
    """Return what the settings file at `path` says, as `zcadapt.config.load` does.

    Until the command ends the folder of the file is the working directory, so
    that relative paths in it mean the same wherever the command is given: for
    us and for each plugin.
    """
    if path is None and Path(USUAL).is_file():
        complain(f"note: {USUAL} is here, and is not read: it takes --config {USUAL}")
    if path is None or not Path(path).is_file():  # a pipe is in no folder of its own
        return load(path, listen)
    file = Path(path) if Path(path).is_absolute() else _here() / path
    context.with_resource(_inside(file.parent))
    return load(str(file), listen, told=path)


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    try:
        before = os.open(".", os.O_RDONLY)  # also where it has no name any more
    except OSError:
        before = None
    os.chdir(folder)
    try:
        yield
    finally:
        if before is not None:
            os.chdir(before)
            os.close(before)


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise click.ClickException(f"the working directory: {error.strerror}") from error


def load_option(function: Function) -> Function:
    """Add ``--load``, which makes `modules`, to be found in the working directory too."""
    option = click.option(
        "--load",
        "modules",
        metavar="MODULE",
        multiple=True,
        callback=_here_too,
        help="Import MODULE, which registers services or policies. Can be repeated.",
    )
    return option(function)


def _here_too(
    _context: click.Context, _param: click.Parameter, modules: tuple[str, ...]
) -> tuple[str, ...]:
    """Let modules be imported from where the command is given, as in ``python -m``."""
    if modules and (here := str(_here())) not in sys.path:
        sys.path.insert(0, here)
    return modules


def registry(context: click.Context) -> IComponents:
    """Return the registry that is asked: the global one, unless the caller brought another.

    The global one, because that is where ``provideUtility`` registers.
    """
    found: IComponents = getGlobalSiteManager() if context.obj is None else context.obj
    return found
