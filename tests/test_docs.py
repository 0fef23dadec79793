"""What the documentation says is there: names, tests, pages, commands, paths, messages."""

import ast
import doctest
import importlib
import json
import logging
import os
import pkgutil
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import fields
from functools import cached_property
from typing import get_type_hints

import pytest
from logged import FILLED, PLACEHOLDER, pattern, records, told_as
from packaging.requirements import Requirement
from pages import (
    DOCS,
    PAGES,
    READMES,
    ROOT,
    blocks,
    columns,
    entries,
    listed,
    literals,
    name_of,
    rows,
    text_of,
)
from zope.interface.interface import InterfaceClass

import zcadapt
from zcadapt import Request, rule
from zcadapt.cli import BUILT_IN, main
from zcadapt.config import Settings, load
from zcadapt.icap import errors
from zcadapt.icap.server import Counters as ICAPCounters
from zcadapt.icp import Counters as ICPCounters
from zcadapt.icp import policies
from zcadapt.observe.ecs import ECS
from zcadapt.version import VERSION

ALL = [*PAGES, *READMES]
OBSERVING = DOCS / "reference" / "observing.rst"

#: The packages whose code runs here: a module and a page for each.
OLDER = ("icap_server", "icapserver", "pyicap", "zc_icp")


def on_each(pages):
    return pytest.mark.parametrize("page", pages, ids=name_of)


# Names


PUBLIC = ("zcadapt", "zcadapt.icp", "zcadapt.interfaces", "zcadapt.testing", "zcadapt_pytest")
#: What can be imported from two places, and has its entry in the other one.
TWICE = {"zcadapt.icp.IICPPolicy"}


def described():
    """Return what has an entry in the reference, with the options of that."""
    pages = [page for page in PAGES if page.parent.name == "reference"]
    return {name: options for page in pages for name, options in entries(page).items()}


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_described(module):
    prefix = "" if module == "zcadapt_pytest" else f"{module}."  # fixtures are not imported
    names = {f"{prefix}{each}" for each in importlib.import_module(module).__all__}
    assert names - described().keys() - TWICE == set()


def test_what_services_are_given_is_described():
    """These have no public name, as nobody makes them."""
    names = "http.HTTPMessage http.HTTPRequest http.HTTPResponse headers.Headers body.Body"
    assert {f"zcadapt.icap.{each}" for each in (*names.split(), "body.ThreadBody")} < {*described()}


def test_a_class_with_members_says_whether_they_are_described():
    assert members_of(Request)
    for name, options in described().items():
        thing = pkgutil.resolve_name(name) if "." in name else None
        if isinstance(thing, type | InterfaceClass) and members_of(thing):
            assert {"members", "no-members"} & {*options}, name


def members_of(kind):
    if isinstance(kind, InterfaceClass):
        return kind.names()
    member = (type(members_of), property, cached_property, classmethod)
    return [each for each, it in vars(kind).items() if each[0] != "_" and isinstance(it, member)]


@pytest.mark.parametrize("name", OLDER)
def test_every_module_for_older_code_has_a_page(name):
    module = importlib.import_module(f"zcadapt.compat.{name}")
    assert re.search(rf"\b{module.__name__}\b", text_of(DOCS / "compat" / f"{name}.rst"))


# Tests

TEST = re.compile(r"((?:tests|plugins)/[\w./-]+\.py)::(\w+)")


@on_each(ALL)
def test_a_test_that_is_named_exists(page):
    for path, name in TEST.findall(text_of(page)):
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {getattr(each, "name", "") for each in tree.body}, f"{path}::{name}"


# Pages


def test_every_page_is_in_a_toctree():
    reached = {each for page in PAGES for each in listed(page)}
    assert {name_of(page) for page in {*PAGES} - reached} == {"docs/index.rst"}


@on_each(ALL)
def test_a_path_of_the_repository_exists(page):
    for literal in literals(page):
        path = literal.partition("::")[0]
        if re.fullmatch(r"(?:benchmarks|docs|plugins|tests)/\S*|zcadapt/\S+\.py", path):
            assert [*ROOT.glob(path), *ROOT.glob(f"plugins/*/{path}")], path


# Settings

HEADED = re.compile(r"\[.*\]")
PROJECT = {"build-system", "project", "tool"}


def toml(page):
    """Return the blocks of TOML; one that does not say what it is begins with a table."""
    for language, text in blocks(page):
        first = text.partition("\n")[0].partition("#")[0].strip()
        if language == "toml" or (language is None and HEADED.fullmatch(first)):
            yield text


#: ``[icap] body_bytes`` and ``body_bytes`` in ``[icap]``.
SETTING = re.compile(r"``\[(\w+)\] (\w+)|``(\w+)``(?: or ``\w+``)? in ``\[(\w+)\]``")


def named(page):
    """Return (table, key) of the settings that prose names with their tables."""
    for match in SETTING.findall(" ".join(text_of(page).split())):
        table, key = match[:2] if match[0] else match[:1:-1]
        if table in SETTINGS:
            yield table, key


SETTINGS = {
    name: kind.__dataclass_fields__
    for name, kind in get_type_hints(Settings).items()
    if hasattr(kind, "__dataclass_fields__")
}


@on_each([page for page in ALL if any(named(page))])
def test_a_setting_that_is_named_is_one(page):
    assert [(table, key) for table, key in named(page) if key not in SETTINGS[table]] == []


def test_the_bounds_of_bodies_are_settings():
    names = columns(text_of(DOCS / "story" / "bodies.rst"), "setting")
    assert {each.strip("`") for each in names} < {*SETTINGS["icap"]}


def test_the_seconds_that_answers_may_take_are_those_of_the_code():
    said = {each: " ".join(text_of(DOCS / f"{each}.rst").split()) for each in SECONDS}
    assert f"It has {rule.DEFAULT_TIMEOUT:g} seconds, or" in said["story/services"]
    assert policies.DEFAULT_TIMEOUT == 1
    assert "It has one second, or" in said["story/policies"]
    assert "it is ``'skip'``, after 1 second." in said["reference/interfaces"]


SECONDS = ("story/services", "story/policies", "reference/interfaces")


def test_what_depends_on_zcadapt_can_have_this_version():
    tables = [tomllib.loads(text) for page in ALL for text in toml(page)]
    projects = [each["project"] for each in tables if "project" in each]
    needed = [Requirement(each) for project in projects for each in project["dependencies"]]
    assert len(needed) > 1
    assert all(each.name == "zcadapt" and VERSION in each.specifier for each in needed)


@on_each([page for page in ALL if any(toml(page))])
def test_settings_are_those_that_there_are(page, tmp_path):
    """What plugins take is for their own tests, and files are with who has the settings."""
    for text in toml(page):
        tables = tomllib.loads(text).keys()
        if tables <= PROJECT:
            continue
        assert tables <= {each.name for each in fields(Settings)}, text
        file = tmp_path / "zcadapt.toml"
        file.write_text(text, encoding="utf-8")
        problems = [str(each) for each in load(str(file)).problems]
        assert [each for each in problems if "No such file" not in each] == []


# Commands

COMMAND = re.compile(r"(?:\$ )?(?:\S*/)?zcadapt (?P<name>[a-z][a-z-]*)(?P<rest>.*)")


def commands(page):
    """Return (command, options) of each command line of zcadapt, and of each part of one."""
    parts = [f"zcadapt {each}" for each in literals(page) if each.partition(" -")[0] in BUILT_IN]
    lines = [line for _, text in blocks(page) for line in re.split("\n| && ", text)]
    for each in filter(None, map(COMMAND.fullmatch, [*literals(page), *parts, *lines])):
        words = shlex.split(re.split(r"&&|[;|>\\]", each["rest"])[0], comments=True)
        yield each["name"], [word.partition("=")[0] for word in words if word.startswith("-")]


def known_options(name):
    """Return the options of a command, be it one that a plugin adds."""
    if name in BUILT_IN:
        parameters = main.get_command(None, name).params
        return {"-h", "--help", *(opt for each in parameters for opt in each.opts)}
    for hooks in ROOT.glob("plugins/*/zcadapt_*/hooks.py"):
        if f"add_command({name})" in hooks.read_text(encoding="utf-8"):
            sources = [path.read_text(encoding="utf-8") for path in hooks.parent.glob("*.py")]
            return {"--help", *re.findall(r'"(--[a-z-]+)"', "".join(sources))}
    raise AssertionError(f"there is no command {name}")


@on_each([page for page in ALL if any(commands(page))])
def test_a_command_is_there_with_its_options(page):
    for name, options in commands(page):
        assert {*options} <= known_options(name), name


def to_install(page):
    """Return (folder, extras) of what a shell is told to install out of this repository."""
    for line in [line for _, text in blocks(page) for line in text.splitlines()]:
        for part in re.findall(r"\bpip install (.*?)(?: &&|$)", line):
            for word in shlex.split(part):
                folder, _, extras = word.partition("[")
                if re.match(r"(?:\./)?plugins/|\.$", folder):
                    yield folder, [each for each in extras.strip("]").split(",") if each]


@on_each([page for page in ALL if any(to_install(page))])
def test_what_a_shell_is_to_install_is_there(page):
    for folder, extras in to_install(page):
        files = [ROOT / folder / each for each in ("pyproject.toml", "setup.cfg")]
        text = "".join(text_of(each) for each in files if each.exists())
        assert "build-backend" in text, folder
        assert [each for each in extras if not re.search(rf"^{each} =", text, re.MULTILINE)] == []


# Python


def python(page):
    """Return the blocks of Python that no doctest runs."""
    for language, text in blocks(page):
        if language == "python" or (language is None and re.match("from |import |@|def ", text)):
            yield text


@on_each([page for page in ALL if any(python(page))])
def test_a_block_of_python_can_be_run_as_far_as_names_go(page):
    for text in python(page):
        tree = compile(text, name_of(page), "exec", FLAGS)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("zcadapt"):
                assert {each.name for each in node.names} <= {"*", *names_of(node.module)}, text
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "zcadapt":
                assert hasattr(zcadapt, node.attr), text


FLAGS = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def names_of(module):
    """Return what can be imported from a module; a plugin need not be installed."""
    for plugin in ROOT.glob(f"plugins/*/{module}/__init__.py"):
        return re.findall(r'"(\w+)"', text_of(plugin).partition("__all__ = [")[2].partition("]")[0])
    return dir(importlib.import_module(module))


def test_the_tests_on_the_page_about_testing_pass(tmp_path):
    """With what its first examples have made, and what zcadapt-example has."""
    page = DOCS / "reference" / "testing.rst"
    examples = [each.source for each in doctest.DocTestParser().get_examples(text_of(page))]
    made = "".join(examples[: examples.index(UPLOAD) + 1])
    first, second = (text for language, text in blocks(page) if language == "python")
    (tmp_path / "test_first.py").write_text(f"{made}\n{first}\n", encoding="utf-8")
    (tmp_path / "test_second.py").write_text(f"{second}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    path = os.pathsep.join(map(str, (ROOT, ROOT / "plugins" / "zcadapt-example")))
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


UPLOAD = """\
upload = reqmod_request('http://example.com/', method='PUT', body=b'MZ\\x90\\x00', preview=2)
"""


# Logs and counters

SECTION = re.compile(r"^(\S+)\n-+\n\n((?:(?!^\S+.*\n[-=]+\n).*\n)*)", re.MULTILINE)


def counters(heading):
    """Return the names under a heading."""
    (text,) = (text for name, text in SECTION.findall(text_of(OBSERVING)) if name == heading)
    return re.findall(r"^``(\w+)``$", text, re.MULTILINE)


def told():
    """Return (heading, level, example) of each message on the page."""
    return [
        (heading, level, example)
        for heading, text in SECTION.findall(text_of(OBSERVING))
        for example, level in re.findall(r"^``(.+)`` : (\w+)$", text, re.MULTILINE)
    ]


def logged():
    """Return (logger, level, message) of each record of the package."""
    package = ROOT / "zcadapt"
    found = set()
    for path in package.rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for name, level, text in records(path, module):
            found |= {(name, level, each) for each in told_as(text)}
    return found


def is_told(record, message):
    """Whether `message`, of the page, is an example of `record`, of the code."""
    name, level, text = record
    heading, shown, example = message
    return (
        (name == heading or name.startswith(f"{heading}."))
        and level in {None, shown}
        and pattern(text).fullmatch(example) is not None
    )


def test_every_message_that_is_logged_is_told():
    messages = told()
    assert [each for each in logged() if not any(is_told(each, it) for it in messages)] == []


def test_every_message_that_is_told_is_logged():
    found = logged()
    assert [each for each in told() if not any(is_told(record, each) for record in found)] == []


def test_what_is_put_into_a_message_is_in_the_code():
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "zcadapt").rglob("*.py"))
    for text in [each for texts in FILLED.values() for each in texts]:
        longest = max(PLACEHOLDER.split(text.partition("\n")[0]), key=len).strip(": ")
        assert longest in code, longest


def test_every_counter_is_told():
    assert counters("zcadapt.icap.server.Counters") == [each.name for each in fields(ICAPCounters)]
    assert sorted(counters("zcadapt.icp.Counters")) == sorted(ICPCounters.__slots__)


def test_every_status_of_an_error_is_told():
    found = {each.status for each in vars(errors).values() if hasattr(each, "status")}
    shown = [row.partition("\n")[0] for row in rows(OBSERVING)]
    assert sorted(map(str, found)) == [each for each in shown if each.isdecimal()]


def test_every_field_of_the_common_schema_is_told():
    failed = KeyError, KeyError("x"), None
    record = logging.LogRecord("zcadapt", logging.ERROR, "x.py", 1, "%s", ("x",), failed, "x")
    record.left_out = 1
    setattr(record, "url.full", "icap://127.0.0.1/x")
    first = [row.partition("\n")[0] for row in rows(OBSERVING)]
    shown = {name for each in first for name in re.findall("``(.+?)``", each)}
    assert {*flat(json.loads(ECS().format(record)))} == shown


def flat(value, path=()):
    """Yield the names of all fields, with dots."""
    for name, each in value.items():
        if isinstance(each, dict):
            yield from flat(each, (*path, name))
        else:
            yield ".".join((*path, name))
