"""The reference pages are what is made from settings, hooks and commands."""

from pathlib import Path

import docutils.core
import pytest

from zcadapt.cli import BUILT_IN
from zcadapt.cli.reference import PAGES, TABLES, write
from zcadapt.config import Settings
from zcadapt.hooks import HOOKS
from zcadapt.runtime.exits import Exit

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_up_to_date(name):
    """If not: python -m zcadapt.cli.reference docs."""
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name]()


@pytest.mark.parametrize("name", [*PAGES, "plugins.rst"])
def test_the_page_is_well_formed(name):
    text = (DOCS / name).read_text(encoding="utf-8")
    docutils.core.publish_string(text, settings_overrides={"halt_level": 2, "report_level": 2})


def test_every_table_is_described():
    page = PAGES["settings.rst"]()
    for name in Settings.__dataclass_fields__:
        assert f"[{name}" in page
    for kind in TABLES.values():
        for name in kind.__dataclass_fields__:
            assert f"``{name}``" in page or name == "options"


def test_every_hook_is_described():
    assert all(f"\n{name}\n---" in PAGES["hooks.rst"]() for name in HOOKS)


def test_every_command_and_exit_code_is_described():
    page = PAGES["cli.rst"]()
    assert all(f"$ zcadapt {name} --help" in page for name in BUILT_IN)
    words = " ".join(page.split())
    assert all(f" {code:d} {code.text} " in words for code in Exit)


def test_lines_are_short_enough_for_a_terminal():
    assert all(len(line) <= 84 for line in PAGES["cli.rst"]().splitlines())


def test_all_pages_are_written(tmp_path):
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(PAGES)
