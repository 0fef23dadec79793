"""The reference pages are what is made from settings, hooks and commands."""

import json
import re
import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from pages import columns

from zcadapt import rule
from zcadapt.cli import BUILT_IN
from zcadapt.cli.reference import PAGES, TABLES, write
from zcadapt.config import Settings
from zcadapt.hooks import HOOKS
from zcadapt.icp import policies
from zcadapt.overrides import UtilitySettings
from zcadapt.runtime.exits import Exit

DOCS = Path(__file__).parent.parent.parent / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_up_to_date(name):
    """If not: python -m zcadapt.cli.reference docs/reference."""
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name]()


def test_every_table_is_described():
    page = PAGES["settings.rst"]()
    for name, kind in get_type_hints(Settings).items():
        assert f"[{name}" in page
        classes = {each for each in (kind, *get_args(kind)) if is_dataclass(each)}
        assert classes <= {*TABLES.values()}, name
    for kind in TABLES.values():
        for name in kind.__dataclass_fields__:
            assert f"``{name}``" in page or name == "options"


def test_what_holds_where_nothing_is_set_is_told():
    """Of services and of policies, as neither has a default in the table itself."""
    text = UtilitySettings.__dataclass_fields__["timeout"].metadata["text"]
    assert f"{rule.DEFAULT_TIMEOUT:g} for a service" in text
    assert f"{policies.DEFAULT_TIMEOUT:g} for a policy" in text
    text = UtilitySettings.__dataclass_fields__["on_error"].metadata["text"]
    assert f"{policies.DEFAULT_ON_ERROR} for a policy" in text


def test_every_hook_is_described():
    assert all(f".. _{name}:\n\n{name}\n---" in PAGES["hooks.rst"]() for name in HOOKS)


def test_every_command_and_exit_code_is_described():
    page = PAGES["cli.rst"]()
    assert all(f"$ zcadapt {name} --help" in page for name in BUILT_IN)
    words = " ".join(page.split())
    assert all(f" {code:d} {code.text} " in words for code in Exit)


def test_every_key_of_the_json_of_plugins_is_described(tmp_path):
    (tmp_path / "ours.py").write_text(REGISTERS, encoding="utf-8")
    command = [sys.executable, "-m", "zcadapt", "plugins", "--json", "--load", "ours"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    printed = json.loads(done.stdout)
    page = PAGES["cli.rst"]()
    assert all(f"``{key}``" in page for key in printed)
    for row in (*printed["icap"], *printed["icp"]):
        assert [f"``{key}``" for key in row] == columns(page, "key")


REGISTERS = """
import zope.component
from zcadapt import reqmod
from zcadapt.interfaces import IICAPService, IICPPolicy

zope.component.provideUtility(reqmod(lambda request: None), IICAPService, "a")
zope.component.provideUtility(lambda url: None, IICPPolicy, "a")
"""


def test_no_two_headings_have_the_same_label():
    pages = "".join(page() for page in PAGES.values())
    labels = re.findall(r"^\.\. _(.+):$", pages, re.MULTILINE)
    assert {"settings-icap", "settings-block-texts", "zcadapt_startup", "zcadapt-serve"} < {*labels}
    assert len(labels) == len({*labels})


def test_lines_are_short_enough_for_a_terminal():
    assert all(len(line) <= 84 for line in PAGES["cli.rst"]().splitlines())


def test_all_pages_are_written(tmp_path):
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(PAGES)
