"""The reference pages, made from what they describe.

``python -m zcadapt.cli.reference docs/reference`` writes them; a test compares.
Other pages link to a table of the settings, a hook or a command by its label:
``settings-icap``, ``zcadapt_decision``, ``zcadapt-serve``.
"""

import ast
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from textwrap import fill, indent
from typing import Any, Final, get_type_hints

import click

from zcadapt import hooks
from zcadapt.blockpage import BlockSettings, Texts
from zcadapt.cli import ADDED, BUILT_IN, main
from zcadapt.config import LogSettings, PluginTable, ServerSettings, UtilityTable
from zcadapt.config.shape import Shape, shape_of
from zcadapt.icap.settings import ICAPSettings
from zcadapt.icp.settings import ICPSettings
from zcadapt.runtime.exits import Exit

__all__ = ["PAGES", "write"]

WIDTH: Final = 80

TABLES: Final[Mapping[str, type]] = {
    "[server]": ServerSettings,
    "[log]": LogSettings,
    "[icap]": ICAPSettings,
    "[icp]": ICPSettings,
    "[block]": BlockSettings,
    "[block.texts.LANGUAGE]": Texts,
    "[services.NAME] and [policies.NAME]": UtilityTable,
    "[plugins.NAME]": PluginTable,
}

SETTINGS: Final = """\
The settings file
=================

``zcadapt serve --config zcadapt.toml`` reads its settings from one TOML file.
Everything has a default, and without ``--config`` no file is read. What is
wrong in a file is told all at once, each with its line; ``zcadapt check
zcadapt.toml`` tells it without starting, and checks the plugins too. Items of
lists are counted from 0 in what is told: ``[icp] allow[2]`` is the third.

.. code-block:: toml

    [icap]
    listen = ["127.0.0.1:1344"]

    [services."10-trackers"]       # the name: the order
    use = "10-block-hosts"         # the entry point, here of zcadapt-example
    hosts = ["tracker.example"]    # the rest is for the plugin

    [endpoints]
    filter = ["10-trackers"]

What is wrong with the file itself keeps the server from starting: with a table
of zcadapt's own, or with a setting of zcadapt's in a plugin's table. What is
wrong with a plugin, or with what its table gives it, leaves that plugin out, and
keeps the server from starting with ``--strict`` only; so does a warning, and a
name under ``[endpoints]`` that is no service's: it may become one, as services
are registered at any time, and until then nothing is asked for it.

Relative paths are taken from the folder of the file, in each setting and for
each plugin: while it runs, the server has that folder for its working
directory. Modules of ``--load`` are looked for where the command is given.

Settings are read at start. To take changed ones up, see that ``zcadapt check``
has nothing to say of them, and restart the server: it lets those who are being
answered finish (``grace``). SIGHUP is answered with a line in the log only.

What is installed is active under the name of its entry point. These are the
groups of entry points:

=========================  ===========================  ========================
group                      what it names                its table
=========================  ===========================  ========================
``zcadapt.icap_services``  services                     ``[services.NAME]``
``zcadapt.icp_policies``   policies                     ``[policies.NAME]``
``zcadapt.plugins``        plugins with :doc:`hooks`    ``[plugins.NAME]``
=========================  ===========================  ========================
"""

UTILITIES: Final = """\
NAME is that of an entry point, or another: with ``use`` the service or policy is
active under NAME instead of the name of its entry point, and only there; several
tables may use the same entry point. What is registered in Python, by a module of
``--load`` or by a hook, is made already: its table has ``on_error`` and
``timeout``, and nothing else.
"""

PLUGINS: Final = """\
NAME is that of an entry point in the group ``zcadapt.plugins``, which need not be
that of the distribution.
"""

ENDPOINTS: Final = """\
Further paths of ICAP URIs, each with a list of the services that it consults,
in the order of their names. A name stands for the service of this name and
for those whose names begin with it and a slash; ``echo`` also for the one that
leaves every message alone.

.. code-block:: toml

    [endpoints]
    avscan = ["50-clamav"]         # icap://HOST/avscan
    first = [""]                   # what is registered under the empty name
    maintenance = ["echo"]

Where several claim a path the first of them has it:

1. ``/``, ``/reqmod`` and ``/respmod``, which consult all services (of that method);
2. the paths of this table, which can be none of these, nor ``/echo``;
3. the names of services: ``icap://HOST/NAME`` consults the service NAME, with
   those whose names begin with ``NAME/``;
4. ``/echo``, where nobody is asked and every message stays as it is.

So a service called ``echo`` takes the place of the built-in one. One called
``reqmod`` or ``respmod``, or registered under the empty name to be asked first,
is consulted with all the others and has no path but one that this table gives it.
What cannot stand in a path is written with ``%``, as in any URI
(``icap://HOST/b%20c``); slashes around a path or a name do not count.
"""

#: What is to be said of a table before its keys.
ABOUT: Final = {
    "[services.NAME] and [policies.NAME]": UTILITIES,
    "[plugins.NAME]": PLUGINS,
}

HOOKS: Final = """\
Hooks
=====

A plugin that takes part in the life of the server, or watches it, is a module
or an object with some of these functions. Each is marked::

    from zcadapt import hookimpl

    @hookimpl
    def zcadapt_startup(registry, settings): ...

and the whole is named in the entry point group ``zcadapt.plugins``. A function
may leave out arguments that it does not want. Plugins are called one after the
other, in the order of the names of their entry points; ``tryfirst`` and
``trylast`` change nothing about that, and wrappers are refused. What fails is
told with the plugin's name and leaves the others in place.

``registry``
    An ``IComponents`` of zope.interface: the registry whose utilities are asked,
    under ``zcadapt`` the global one, ``zope.component.getGlobalSiteManager()``.

``settings``
    All that is set, with the defaults filled in: an attribute for each table of
    :doc:`the settings file <settings>`, with an attribute for each key, as in
    ``settings.icap.body_bytes``. ``settings.services``, ``settings.policies`` and
    ``settings.plugins`` are mappings by name, whose ``options`` are a mapping of
    the keys that are the plugin's own; ``settings.endpoints`` is one of paths to
    names. It is not to be changed.

``addresses``
    ``addresses['icap']`` and ``addresses['icp']``, each a sequence of
    `zcadapt.Address`.

``group``
    The ``click.Group`` of the command ``zcadapt``, as Click has it:
    ``group.add_command(mine)`` adds one.

``question`` and ``answer``
    See :ref:`zcadapt_decision`.
"""

COMMANDS: Final = """\
The command line
================

Plugins can add commands (see ``zcadapt_commands`` in :doc:`hooks`).
"""

JSON: Final = """
The object of ``--json`` has three keys: ``icap`` and ``icp``, each a list of the
services or policies in the order in which they are asked, and ``plugins``, a list
of the names of those with hooks. Each service or policy is an object:

================  ==============================================================
key               value, a string but for ``methods``
================  ==============================================================
``protocol``      ``icap`` or ``icp``
``name``          the name under which it is registered
``methods``       a list of ``REQMOD`` and ``RESPMOD``; ``QUERY`` of a policy
``distribution``  the distribution that it comes from; empty where it was
                  registered in Python, as are the next two
``version``       the version of that
``entry_point``   the name of its entry point
``module``        the module of its code
``on_error``      what follows when it fails: ``error``, ``skip`` or ``block``
================  ==============================================================
"""

SIGNALS: Final = """
The first SIGTERM or SIGINT asks the server to end. Where a plugin does not let
it, it ends when its time is over, with 0 too and a line in the log. A second
signal ends the process at once, with no exit code but that signal. Code in C
that never comes back to the interpreter can only be ended by SIGKILL.

SIGHUP changes nothing once the server has started, and is answered with a line
in the log: changed settings are taken up by a restart. That also holds for the
SIGHUP of a terminal that is closed.
"""


def settings_page() -> str:
    """Return the reference of settings."""
    endpoints = "[endpoints]"
    parts = [SETTINGS, *map(_table, TABLES), _headed(endpoints, _label(endpoints)) + ENDPOINTS]
    return "\n".join(parts)


def _table(title: str) -> str:
    kind = TABLES[title]
    hints = get_type_hints(kind)
    entries = [_setting(each, hints[each.name]) for each in fields(kind)]
    about = f"{ABOUT[title]}\n" if title in ABOUT else ""
    return _headed(title, _label(title)) + about + "\n".join(entries)


def _headed(title: str, label: str) -> str:
    """Return a heading that other pages can link to."""
    return f".. _{label}:\n\n{title}\n{'-' * len(title)}\n\n"


def _label(title: str) -> str:
    """Return the label of a table: ``settings-icap``, ``settings-block-texts``."""
    return "-".join(["settings", *re.findall("[a-z]+", title.partition("]")[0])])


def _setting(declared: Any, hint: object) -> str:  # noqa: ANN401 - a dataclasses.Field
    text = declared.metadata["text"]
    if declared.metadata.get("rest"):
        return f"*all other keys*\n    {text}\n"
    if declared.metadata.get("is_table"):
        return f"``{declared.name}``\n    {text}\n"
    expected = _expected(shape_of(declared, hint))
    return f"``{declared.name}``\n    {text}\n    Must be {expected}; {_default(declared)}.\n"


def _expected(shape: Shape) -> str:
    """Return what a setting must be; that of each item of a list may be a mere pattern."""
    if shape.many and shape.one.isupper():
        return f"a list of {shape.one}"
    return shape.expected


def _default(declared: Any) -> str:  # noqa: ANN401 - a dataclasses.Field
    if declared.default is MISSING or declared.default is None:
        return "not set by default"
    return f"by default ``{json.dumps(declared.default)}``"


def hooks_page() -> str:
    """Return the reference of hooks."""
    return "\n".join([HOOKS, *map(_hook, hooks.HOOKS)])


def _hook(name: str) -> str:
    function = getattr(hooks, name)
    (source,) = ast.parse(inspect.getsource(function)).body  # with the types as one writes them
    arguments = ast.unparse(source.args) if isinstance(source, ast.FunctionDef) else ""
    text = inspect.getdoc(function)
    return _headed(name, name) + f"``{name}({arguments})``\n\n{text}\n"


def commands_page() -> str:
    """Return the reference of commands."""
    return "\n".join([COMMANDS, _exit_codes(), *_helps()])


def _exit_codes() -> str:
    lines = [f"{code:d}\n{indent(fill(code.text, WIDTH - 4), '    ')}" for code in Exit]
    return "Exit codes\n----------\n\n" + "\n".join(lines) + "\n" + SIGNALS


def _helps() -> Iterator[str]:
    context = click.Context(
        main, info_name="zcadapt", terminal_width=WIDTH, **main.context_settings
    )
    context.meta[ADDED] = click.Group()  # what happens to be installed is not ours to describe
    yield _help("zcadapt", main, context)
    for name in BUILT_IN:
        command = main.get_command(context, name)
        if command is not None:
            below = click.Context(command, info_name=name, parent=context, terminal_width=WIDTH)
            yield _help(f"zcadapt {name}", command, below) + (JSON if name == "plugins" else "")


def _help(title: str, command: click.Command, context: click.Context) -> str:
    text = indent(f"$ {title} --help\n{command.get_help(context)}", "    ")
    return _headed(title, title.replace(" ", "-")) + f"::\n\n{text}\n"


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "settings.rst": settings_page,
    "hooks.rst": hooks_page,
    "cli.rst": commands_page,
}


def write(folder: Path) -> None:
    """Write the pages into `folder`."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
