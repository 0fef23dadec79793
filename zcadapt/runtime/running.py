"""From settings to an exit code: the whole life of ``zcadapt serve``."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from zope.interface.interfaces import IComponents

from zcadapt.config import Loaded, Problem
from zcadapt.observe.log import Repeats, configure
from zcadapt.runtime.assembly import Assembled, assemble
from zcadapt.runtime.exits import Exit
from zcadapt.runtime.files import raise_open_files
from zcadapt.runtime.loop import loop_factory
from zcadapt.runtime.report import report
from zcadapt.runtime.server import Addresses, CannotListenError, serve
from zcadapt.runtime.threads import Executor
from zcadapt.threads import Threads, use_threads

__all__ = ["run_assembled", "run_server"]

log = logging.getLogger(__name__)

Say = Callable[[str], None]


def run_server(  # noqa: PLR0913 - what a command gives it
    loaded: Loaded,
    components: IComponents,
    modules: Iterable[str],
    *,
    strict: bool,
    say: Say,
    complain: Say,
) -> Exit:
    """Serve until told to stop.

    Args:
        loaded: the settings; any problem in them is fatal.
        components: the registry that is filled and asked.
        modules: names of modules to import, which register utilities.
        strict: whether a problem with a plugin, or a warning, is fatal too.
        say: takes the start-up report.
        complain: takes what was fatal, and what was left out.
    """
    if loaded.problems:
        return _refused(loaded.problems, complain)
    repeats = configure(loaded.settings.log)
    assembled = assemble(loaded, components, modules)
    if strict and (told := (*assembled.problems, *assembled.logged)):
        return _refused(told, complain)
    for problem in assembled.problems:
        complain(problem.told)  # no log level, no filter: all of them
    try:
        return run_assembled(assembled, lambda found: say(report(assembled, found)), complain)
    finally:
        _tell_left_out(repeats)


def run_assembled(
    assembled: Assembled, started: Callable[[Addresses], None], complain: Say
) -> Exit:
    """Serve what is put together until told to stop."""
    raise_open_files()
    try:
        loop = loop_factory(assembled.settings.server.loop)
    except ImportError:
        return _refused([Problem("[server] loop", "uvloop is not installed")], complain)
    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            server = assembled.settings.server
            use_threads(runner.get_loop(), Threads(server.threads, server.waiting_threads))
            runner.get_loop().set_default_executor(Executor(server.threads))
            runner.run(serve(assembled, started))
    except CannotListenError as error:
        complain(str(error))
        return Exit.CANNOT_LISTEN
    return Exit.OK


def _refused(problems: Sequence[Problem], complain: Say) -> Exit:
    for problem in problems:
        complain(str(problem))
    return Exit.PROBLEMS


def _tell_left_out(repeats: Repeats) -> None:
    for text, number in repeats.left_out():
        log.info("%d more lines were not written of: %s", number, text)
