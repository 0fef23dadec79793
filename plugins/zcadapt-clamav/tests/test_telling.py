"""What is told of what was found, in the log and on the block page, and of all of it together."""

import asyncio
import logging
import sys

import pytest
from programs import ready, running
from zcadapt_clamav import ClamAV, service
from zcadapt_clamav.answers import Finding, listed, word
from zcadapt_clamav.hooks import Plugin
from zope.interface.registry import Components

from zcadapt.hooks import Hooks
from zcadapt.interfaces import IICAPService
from zcadapt.testing import reqmod_request, respmod_request

URL = "http://www.example.com/file"
FORM = {"Content-Type": "multipart/form-data; boundary=X"}


def upload(*files, **more):
    """Return an upload of files: (name, content)."""
    head = 'Content-Disposition: form-data; name="f"; filename="%s"'
    parts = [b"--X\r\n%b\r\n\r\n%b\r\n" % ((head % name).encode(), data) for name, data in files]
    body = b"".join([*parts, b"--X--\r\n"])
    headers = {**FORM, **more.pop("headers", {})}
    return reqmod_request(URL, method="POST", headers=headers, body=body, **more)


def test_people_read_names_as_they_are(clamd, asked, evil, known, caplog):
    scanner = ClamAV({"clamd": [clamd.socket]})
    decision = asked(scanner, upload(("müller brief.exe", evil)))
    assert decision.reason == f"A virus was found: {known[evil]} in müller brief.exe"
    assert caplog.messages[-1].endswith(f": {known[evil]} in müller brief.exe")
    told = dict(decision.icap_headers)["X-Violations-Found"]
    assert told.startswith("1\r\n\tm%C3%BCller%20brief.exe\r\n\t")


def test_the_log_names_some_and_says_how_many_more(clamd, asked, evil, caplog):
    scanner = ClamAV({"clamd": [clamd.socket], "connections": 1})
    asked(scanner, upload(*[(f"{number:03}" + "é" * 200, evil) for number in range(300)]))
    (line,) = caplog.messages
    assert line.endswith("é and 290 more")
    assert len(line) < 10 * 310 + 100


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "a\u202eb", "a\0b", "x" * 1000])
def test_what_people_read_is_one_line_and_short(name):
    text = listed([Finding("Eicar", name)])
    assert text.isprintable()
    assert len(text) <= len("Eicar in ") + 150


@pytest.mark.parametrize("start", range(6))
def test_a_name_that_is_cut_ends_with_a_whole_character(start):
    cut = word("a" * start + "é" * 100)
    assert cut == "a" * start + "%C3%A9" * ((150 - start) // 6)


def test_what_was_found_before_a_body_was_too_long_counts(clamd, asked, evil):
    scanner = ClamAV({"clamd": [clamd.socket], "skip_larger": 200_000})
    files = [("evil", evil), ("large", bytes(400_000))]
    request = upload(*files, headers={"Transfer-Encoding": "chunked"}, preview=100)
    assert asked(scanner, request).status == 403
    clean = upload(*files[1:], headers={"Transfer-Encoding": "chunked"}, preview=100)
    assert asked(scanner, clean) is None
    assert scanner.counters == {"infected": 1, "skipped-size": 1}


# In the server's life


@pytest.fixture
def registry():
    return Components()


def started(registry, scanner):
    registry.registerUtility(scanner, IICAPService, "10-clamav")
    asyncio.run(Plugin().zcadapt_startup(registry))


def test_its_hooks_are_hooks():
    Hooks().add("clamav", Plugin())


def test_a_clamd_that_is_named_and_not_there_is_told_at_the_start(
    registry, clamd, tmp_path, fake_clamd, caplog
):
    fake_clamd.version = b""
    wrong = [str(tmp_path / "clamd.clt"), "127.0.0.1:1", "no-such-host.invalid:3310"]
    started(registry, ClamAV({"clamd": [*wrong, clamd.socket, f"127.0.0.1:{clamd.port}"]}))
    assert [each.levelname for each in caplog.records] == ["WARNING"] * 3
    for place, message in zip(wrong, caplog.messages, strict=True):
        assert message.startswith(f"clamd cannot be reached: {place} (")
    assert "No such file" in caplog.messages[0]


def test_so_is_one_that_does_not_answer(registry, own_clamd, caplog):
    with own_clamd.paused():
        started(registry, ClamAV({"clamd": [own_clamd.socket]}))
    assert caplog.messages == [f"clamd cannot be reached: {own_clamd.socket} (it does not answer)"]


def test_and_somebody_else(registry, zcadapt_server, caplog):
    host, port = zcadapt_server({}).icap
    started(registry, ClamAV({"clamd": [f"{host}:{port}"]}))
    assert f"clamd cannot be reached: {host}:{port} (it is no clamd: " in caplog.text


def test_that_nothing_is_scanned_is_told_at_the_start(registry, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(service, "SOCKETS", (str(tmp_path / "nobody"),))
    started(registry, ClamAV({}))
    assert len(caplog.messages) == 1
    assert "nothing is scanned" in caplog.text


def test_where_all_is_well_nothing_is_told(registry, clamd, monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(service, "SOCKETS", (str(tmp_path / "nobody"), clamd.socket))
    started(registry, ClamAV({}))
    assert not caplog.messages


def test_at_the_end_it_is_told_what_came_of_all(registry, clamd, asked, eicar, caplog):
    caplog.set_level(logging.INFO)
    scanner = ClamAV({"clamd": [clamd.socket]})
    registry.registerUtility(scanner, IICAPService, "10-clamav")
    Plugin().zcadapt_shutdown(registry)
    assert not caplog.messages
    for body in eicar, b"x", b"y":
        asked(scanner, respmod_request(URL, body=body))
    for _ in range(2):
        Plugin().zcadapt_shutdown(registry)
    told = [each for each in caplog.messages if "so far" in each]
    assert told == ["messages so far: infected 1, clean 2"]


def test_and_once_an_hour(clamd, asked, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(service, "HOUR", 0)
    scanner = ClamAV({"clamd": [clamd.socket]})
    asked(scanner, respmod_request(URL, body=b"x"))
    monkeypatch.setattr(service, "HOUR", 3600)
    for body in b"y", b"z", b"zz":
        asked(scanner, respmod_request(URL, body=body))
    assert caplog.messages == ["messages so far: clean 1", "messages so far: clean 2"]


def test_a_server_tells_it(tmp_path):
    wrong, output = tmp_path / "clamd.clt", tmp_path / "output"
    (tmp_path / "zcadapt.toml").write_text(
        '[icap]\nlisten = ["127.0.0.1:0"]\n[icp]\nlisten = []\n'
        f'[services."10-clamav"]\nuse = "clamav"\nclamd = ["{wrong}"]\n'
    )
    command = [sys.executable, "-m", "zcadapt", "serve", "--config", tmp_path / "zcadapt.toml"]
    with running(command, output, cwd=tmp_path) as process:
        ready(process, lambda: f"clamd cannot be reached: {wrong} (" in output.read_text(), output)
