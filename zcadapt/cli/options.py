"""Options that several commands have."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click
from zope.component import getGlobalSiteManager  # type: ignore[import-untyped]
from zope.interface.interfaces import IComponents

from zcadapt.config import parse_address

__all__ = ["ADDRESS", "config_option", "load_option", "registry"]

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
        help="The settings file, in TOML. Without it every setting has its default.",
    )
    return option(function)


def load_option(function: Function) -> Function:
    """Add ``--load``, which makes `modules`."""
    option = click.option(
        "--load",
        "modules",
        metavar="MODULE",
        multiple=True,
        help="Import MODULE, which registers services or policies. Can be repeated.",
    )
    return option(function)


def registry(context: click.Context) -> IComponents:
    """Return the registry that is asked: the global one, unless the caller brought another.

    The global one, because that is where ``provideUtility`` registers.
    """
    found: IComponents = getGlobalSiteManager() if context.obj is None else context.obj
    return found
