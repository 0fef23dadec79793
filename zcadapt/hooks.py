"""What a plugin can take part in: the hooks, and how they are called.

The docstrings of the hooks are their reference. A plugin is a module or an
object with some of these functions, each marked with `hookimpl`, found through
the entry point group ``zcadapt.plugins``. Hooks are called by `Hooks`, one
implementation after the other in the order of the plugins' names, so that one
that fails leaves the others in place. What they return is not looked at.
Wrappers (pluggy's ``wrapper=True``) are refused.
"""

import asyncio
import inspect
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import click
import pluggy
from zope.interface.interfaces import IComponents

from zcadapt.config import Address, Settings, did_you_mean

__all__ = ["HOOKS", "Failure", "Hooks", "Observer", "hookimpl"]

log = logging.getLogger(__name__)

hookspec: Final = pluggy.HookspecMarker("zcadapt")
#: Takes what `zcadapt_decision` does.
Observer = Callable[[str, str | None, object, object], None]

hookimpl: Final = pluggy.HookimplMarker("zcadapt")


@hookspec
def zcadapt_configure(settings: Settings) -> None:
    """Look at the settings, before anything is made of them.

    Called once, before services and policies are made, by ``serve``, ``check``
    and ``plugins``. A plugin's own table is ``settings.plugins[NAME].options``
    where there is one. An exception is how to say that a setting is wrong: it
    is reported with the plugin's name, and fatal only with ``--strict``. Those
    of a `zcadapt.SettingsError` are told with their lines in the file.
    """


@hookspec
def zcadapt_register(registry: IComponents, settings: Settings) -> None:
    """Add utilities to `registry`, once, before the first client is accepted.

    Called by ``serve``, ``check`` and ``plugins``, after the services and
    policies that entry points name were registered and before the modules of
    ``--load`` are imported: a later registration under the same name replaces
    an earlier one. An exception is reported with the plugin's name, and fatal
    only with ``--strict``; what the plugin has registered until then stays.
    """


@hookspec
def zcadapt_startup(
    registry: IComponents, settings: Settings, addresses: Mapping[str, Sequence[Address]]
) -> None:
    """Begin what runs as long as the server does.

    Called once, in the event loop, when the server listens. `addresses` has
    the keys ``icap`` and ``icp``, each with the addresses really listened on.
    A coroutine function is awaited; the next plugin is called when it has
    ended. An exception is logged with the plugin's name and the server goes on.
    Who tells the server to end meanwhile does not wait for it: a coroutine is
    cancelled, and what blocks the event loop ends with the process when the
    setting ``grace`` is over.
    """


@hookspec
def zcadapt_shutdown(registry: IComponents, settings: Settings) -> None:
    """End what `zcadapt_startup` began.

    Called once, in the event loop, after the last client was served, in the
    reverse order of the names, whether or not the plugin's start failed. A
    coroutine function is awaited, all of them together for no longer than the
    setting ``grace``. An exception is logged with the plugin's name.
    """


@hookspec
def zcadapt_decision(protocol: str, name: str | None, question: object, answer: object) -> None:
    """See what was decided, and by whom.

    Called in the event loop, so it must be quick and must not block: once for
    each REQMOD or RESPMOD request, and each query, whose answer follows from the
    rule, when it is decided and before the answer goes out. That is so where
    nobody was asked, too, as under ``/echo``. It is not called for OPTIONS, nor
    for what the server answers itself: an ICAP error, be it the 500 of a service
    that failed with ``on_error`` ``'error'``; a datagram that is refused or no
    query; one query more than ``pending``; and a client that goes away before.

    `protocol` is ``'icap'`` or ``'icp'``. `name` is that of the utility whose
    `answer` won; where its ``on_error`` has made the answer of a failure (a block,
    ``'ICP_OP_ERR'``), of the one that failed. It is ``None`` where nobody had
    an opinion. `question` is the `zcadapt.Request`, whose body is no longer to
    be read, or the `zcadapt.icp.Query`. `answer` is the
    `zcadapt.Decision`, a `zcadapt.Block` with its page and its number, or
    ``None``; over ICP it is the name of the answer, such as ``'ICP_OP_MISS'``.

    An exception is logged with the plugin's name and changes nothing about the
    answer. Without a plugin that uses this hook it costs nothing.
    """


@hookspec
def zcadapt_commands(group: click.Group) -> None:
    """Add commands to `group`, the command ``zcadapt``.

    Called when a command is looked for that zcadapt itself does not have, and
    for ``--help``. The settings file has not been read, so a plugin that it
    disables is called too. The commands of zcadapt cannot be replaced. An
    exception is told on standard error with the plugin's name.
    """


class Failure(NamedTuple):
    """A hook of a plugin that failed."""

    plugin: str
    hook: str
    error: BaseException

    def __str__(self) -> str:
        return f"{self.hook} failed: {type(self.error).__name__}: {self.error}"


class Hooks:
    """The plugins, and the way to call them: in the order of their names, each safely."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager("zcadapt")
        self._manager.add_hookspecs(sys.modules[__name__])

    @property
    def plugins(self) -> list[str]:
        """The names of the plugins, in order."""
        return sorted(name for name, _ in self._manager.list_name_plugin())

    def add(self, name: str, plugin: object) -> None:
        """Take `plugin` in under `name`.

        Raises:
            ValueError: it has no hooks, or such as cannot be called.
        """
        try:
            self._manager.register(plugin, name)
            self._check(plugin)
        except (ValueError, pluggy.PluginValidationError) as error:
            if self._manager.get_plugin(name) is plugin:
                self._manager.unregister(name=name)
            raise ValueError(str(error)) from error

    def _check(self, plugin: object) -> None:
        callers = self._manager.get_hookcallers(plugin) or []
        if not callers:
            raise ValueError(
                "it has no hooks: each is a function marked with zcadapt.hooks.hookimpl"
            )
        known = [each.name for each in callers if each.spec is not None]
        for caller in callers:
            if caller.name not in known:
                raise ValueError(f"no such hook: {caller.name}{did_you_mean(caller.name, HOOKS)}")
            for each in caller.get_hookimpls():
                if each.plugin is plugin and (each.wrapper or each.hookwrapper):
                    raise ValueError(f"{caller.name} is a wrapper; zcadapt calls none")

    def call(self, hook: str, **arguments: object) -> list[Failure]:
        """Call a hook of every plugin that has it; return what failed."""
        failures = []
        for name, function in self._of(hook, arguments):
            try:
                function()
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                failures.append(Failure(name, hook, error))
        return failures

    async def call_async(self, hook: str, *, backwards: bool = False, **arguments: object) -> None:
        """Call a hook of every plugin that has it, await what it returns, log what failed."""
        functions = list(self._of(hook, arguments))
        for name, function in reversed(functions) if backwards else functions:
            try:
                result = function()
                if inspect.isawaitable(result):
                    await result
            except asyncio.CancelledError:
                log.warning("plugin %s: %s was cut off", name, hook)
                raise
            except Exception:
                log.exception("plugin %s: %s failed", name, hook)

    def observer(self) -> Observer | None:
        """Return what tells `zcadapt_decision` of a decision; ``None`` if no plugin has it."""
        if not self._manager.hook.zcadapt_decision.get_hookimpls():
            return None

        def observe(protocol: str, name: str | None, question: object, answer: object) -> None:
            told = {"protocol": protocol, "name": name, "question": question, "answer": answer}
            for failure in self.call("zcadapt_decision", **told):
                log.error("plugin %s: %s", failure.plugin, failure)

        return observe

    def _of(
        self, hook: str, arguments: Mapping[str, object]
    ) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Return (name of the plugin, call without arguments) in the order of the names.

        Not pluggy's own call: that stops at the first exception, and begins
        with the last registered.
        """
        found = getattr(self._manager.hook, hook).get_hookimpls()
        for each in sorted(found, key=lambda each: each.plugin_name):
            wanted = [arguments[name] for name in each.argnames]
            yield each.plugin_name, partial(each.function, *wanted)


#: The names of all hooks, as they stand above.
HOOKS: Final = tuple(name for name in dict(globals()) if name.startswith("zcadapt_"))
