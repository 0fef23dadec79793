"""``zcadapt migrate`` shows the changes, or makes them, and tells what is left."""

import os
import shutil
import subprocess
import sys

import pytest

from zcadapt.testing import Client, reqmod_request

IMPORT = b"import os, pyicap\r\n"
CHANGED = b"import os\r\nfrom zcadapt.compat import pyicap\r\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(here):
    def write(data, name="a.py"):
        path = here / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path

    return write


def test_changes_are_shown_and_not_made(invoke, write):
    path = write(b"# \xc3\xa9\n" + IMPORT)
    result = invoke("migrate", "a.py")
    assert result.exit_code == 1
    assert result.stdout_bytes == (
        b"--- a.py\n+++ a.py\n@@ -1,2 +1,3 @@\n # \xc3\xa9\n-import os, pyicap\r\n"
        b"+import os\r\n+from zcadapt.compat import pyicap\r\n"
    )
    assert result.stderr == ""
    assert path.read_bytes() == b"# \xc3\xa9\n" + IMPORT


def test_changes_are_made_and_a_second_time_there_is_nothing_to_say(invoke, write):
    path = write(IMPORT)
    path.chmod(0o755)
    first = invoke("migrate", "--write", "a.py")
    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout.startswith("--- a.py\n")
    assert path.read_bytes() == CHANGED
    assert path.stat().st_mode & 0o777 == 0o755
    for options in ([], ["--write"]):
        second = invoke("migrate", *options, "a.py")
        assert (second.exit_code, second.output) == (0, "")


@pytest.mark.skipif(shutil.which("patch") is None, reason="there is no patch")
@pytest.mark.parametrize(
    "data", [b"import pyicap", b"a\n" * 9 + IMPORT + b"\n\x0c\nb", b"x = 1# \rimport pyicap\r\na"]
)
@pytest.mark.parametrize("name", ["a.py", "a b.py"])
def test_what_is_shown_is_a_patch(invoke, write, here, data, name):
    path = write(data, name)
    shown = invoke("migrate", name).stdout_bytes
    args = ["patch", "--binary", "-p0", "--quiet"]
    subprocess.run(args, input=shown, check=True, cwd=here)
    patched = path.read_bytes()
    path.write_bytes(data)
    invoke("migrate", "--write", name)
    assert path.read_bytes() == patched != data


def test_what_is_left_is_told_with_file_and_line(invoke, write):
    write(b"from zc.icp import *\nasyncore_map\nstart_server()\n")
    result = invoke("migrate", "--write", "a.py")
    assert result.exit_code == 1
    left, note = result.stderr.splitlines()
    assert left.startswith("a.py:2: zc.icp.asyncore_map: there is no loop of asyncore")
    assert note.startswith("a.py:3: note: start_server answers this machine")


def test_notes_alone_leave_nothing_to_do(invoke, write):
    write(b"from zc.icp import *\nstart_server()\n")
    assert invoke("migrate", "--write", "a.py").exit_code == 0


def test_folders_are_walked_and_no_file_is_looked_at_twice(invoke, write, here):
    for name in ("b.py", "a/c.py", ".git/d.py", "notes.md"):
        write(b"import pyicap\n", name)
    (here / "link.py").symlink_to("b.py")
    shown = invoke("migrate", ".", "b.py", "a").stdout
    assert [line for line in shown.splitlines() if line.startswith("---")] == [
        "--- ./a/c.py",
        "--- ./b.py",
    ]


def test_of_two_hard_links_both_are_changed(invoke, write, here):
    (here / "b.py").hardlink_to(write(IMPORT))
    result = invoke("migrate", "--write", "a.py", "b.py", "a.py")
    assert (result.exit_code, result.stdout.count("--- ")) == (0, 2)
    assert (here / "a.py").read_bytes() == (here / "b.py").read_bytes() == CHANGED


def test_a_folder_is_searched_for_all_that_is_told(invoke, write):
    write(b"pyicap\n", "requirements/base.txt")
    write(b"#!/usr/bin/env python2\nprint 'a'; import pyicap\n", "serve")
    result = invoke("migrate", ".")
    assert (result.exit_code, result.stdout) == (1, "")
    base, script = result.stderr.splitlines()
    assert base == "./requirements/base.txt:1: depends on pyicap: make it zcadapt"
    assert script.startswith("./serve:2: the print statement is Python 2")


def test_what_cannot_be_read_is_told_and_the_others_are_done(invoke, write):
    write(b"a\0b", "binary.py")
    path = write(IMPORT)
    result = invoke("migrate", "--write", "nowhere.py", "binary.py", "a.py")
    assert result.exit_code == 1
    assert result.stderr == "nowhere.py: No such file or directory\nbinary.py: it is no text\n"
    assert path.read_bytes() == CHANGED


def test_what_cannot_be_written_is_told(invoke, write, monkeypatch):
    write(IMPORT)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    result = invoke("migrate", "--write", "a.py")
    assert (result.exit_code, result.stderr) == (1, "a.py: it may not be written\n")


def test_bytes_of_no_encoding_are_told_and_stay(invoke, write):
    path = write(b"# a\n\n\n# \xe9\nimport pyicap\n")
    result = invoke("migrate", "--write", "a.py")
    assert result.exit_code == 1
    assert result.stderr.startswith("a.py:4: byte 0xe9 is no UTF-8: name the encoding")
    assert path.read_bytes().startswith(b"# a\n\n\n# \xe9\nfrom zcadapt")


@pytest.mark.parametrize(
    ("data", "after"),
    [
        (b"\xef\xbb\xbfimport pyicap\n", b"\xef\xbb\xbffrom zcadapt.compat import pyicap\n"),
        (
            b"# coding: cp1252\nimport pyicap # \x80",
            b"# coding: cp1252\nfrom zcadapt.compat import pyicap # \x80",
        ),
    ],
)
def test_the_encoding_stays(invoke, write, data, after):
    path = write(data)
    assert invoke("migrate", "--write", "a.py").exit_code == 0
    assert path.read_bytes() == after


def test_a_name_cannot_steer_a_terminal(invoke, write):
    write(b"import pyicap\npyicap._x\npyicap.ICAPServer", "a\x1b\n\udc80.py")
    result = invoke("migrate", "a\x1b\n\udc80.py")
    assert b"\x1b" not in result.stdout_bytes + result.stderr_bytes
    assert result.stdout.startswith("--- a\\x1b\\n\\udc80.py\n")


def test_nothing_of_the_code_is_run(invoke, write, here):
    write(b"import pyicap\nopen('ran', 'w')\n", "pyicap.py")
    write(b"open('ran', 'w')\nimport pyicap\n")
    assert invoke("migrate", "--write", ".").exit_code == 0
    assert not (here / "ran").exists()
    assert "pyicap" not in sys.modules


def test_a_file_is_wanted(invoke):
    assert invoke("migrate").exit_code == 2


def test_the_help_tells_the_exit_codes(invoke):
    text = " ".join(invoke("migrate", "--help").output.split())
    assert "Exits with 0 when nothing is left to do, 1 when something is" in text


HANDLER = b"""\
import socketserver
import sys
from pyicap import *

class Server(socketserver.ThreadingMixIn, ICAPServer):
    pass

class Handler(BaseICAPRequestHandler):
    def echo_OPTIONS(self):
        self.set_icap_response(200)
        self.set_icap_header(b'Methods', b'REQMOD')
        self.send_headers(False)

    def echo_REQMOD(self):
        self.no_adaptation_required()

with Server(('127.0.0.1', 0), Handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
"""


def test_what_was_migrated_runs(invoke, write, here):
    write(HANDLER)
    assert invoke("migrate", "--write", "a.py").exit_code == 0
    args = [sys.executable, "a.py"]
    with subprocess.Popen(args, stdout=subprocess.PIPE, text=True, cwd=here) as process:
        try:
            port = int(process.stdout.readline())
            with Client("127.0.0.1", port) as client:
                assert client.options("echo").status == 200
                assert client.ask(reqmod_request("http://a/", endpoint="echo")).status == 204
        finally:
            process.kill()
