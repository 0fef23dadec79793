"""The unit on the page about running zcadapt as a service is one that systemd takes."""

import subprocess
import sys
from pathlib import Path

from pages import DOCS, blocks
from programs import program

from zcadapt.config import ServerSettings

PAGE = DOCS / "howto" / "service.rst"


def verify(text, folder):
    unit = folder / "zcadapt.service"
    here = Path(sys.executable).with_name("zcadapt")
    unit.write_text(text.replace("/opt/zcadapt/bin/zcadapt", str(here)))
    command = [program("systemd-analyze", "systemd"), "verify", unit]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_has_nothing_to_say_of_the_unit(tmp_path):
    (text,) = [text for language, text in blocks(PAGE) if language == "ini"]
    done = verify(text, tmp_path)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    misspelt = verify(text.replace("ProtectSystem", "ProtectSytem"), tmp_path)
    assert "ProtectSytem" in misspelt.stderr


def test_who_is_answered_has_as_long_as_the_page_says():
    assert f"({ServerSettings().grace:g} seconds" in " ".join(PAGE.read_text().split())
