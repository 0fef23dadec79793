"""What the page about troubles has the programs say is what they say."""

import os
import subprocess
import sys

import pytest
from programs import free_port, program

from zcadapt.config import load

from .browser import Browser
from .squid_pages import PAGES, adjusted, blocks, forward, logged, shows

SHELL = blocks("troubleshooting", "shell")


def zcadapt(folder, *arguments):
    """Run zcadapt in a folder; return its exit code and what it says."""
    command = [sys.executable, "-m", "zcadapt", *arguments]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    return told.returncode, told.stdout + told.stderr


def commands(name, folder, changes):
    """Run the commands of a block; return what each says."""
    (folder / "zcadapt").write_text(f'#!/bin/sh\nexec {sys.executable} -m zcadapt "$@"\n')
    (folder / "zcadapt").chmod(0o755)
    path = os.pathsep.join([str(folder), os.environ["PATH"]])
    lines = adjusted(SHELL[name], changes).splitlines()
    run = {"shell": True, "text": True, "cwd": folder, "env": {**os.environ, "PATH": path}}
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return [subprocess.run(line, check=True, **run, **both).stdout for line in lines]


def test_the_server_can_be_asked_without_a_proxy(page_server, tmp_path):
    program("c-icap-client", "c-icap")
    ports = {"-p 1344": f"-p {page_server.port}", ":3130": f":{page_server.icp_port}"}
    options, reqmod, answer = commands("ask-icap", tmp_path, ports)
    assert "ICAP/1.0 200 OK" in options
    assert "Transfer-Preview: *" in options
    assert "ICAP/1.0 204 No Modifications Needed" in reqmod
    assert answer.endswith("ICP_OP_MISS\n")


def test_the_settings_can_be_checked(tmp_path):
    (tmp_path / "zcadapt.toml").write_text("[icap]\n")
    check, plugins = commands("ask-zcadapt", tmp_path, {})
    assert "ICAP services:" in plugins
    assert check == "zcadapt.toml: no problems\n"


def test_a_port_that_is_taken_is_told(page_server, tmp_path):
    address = f"127.0.0.1:{page_server.port}"
    code, told = zcadapt(tmp_path, "serve", "--icap", address, "--no-icp")
    message = f"cannot listen on {address} (ICAP): Address already in use"
    assert (code, message in told) == (3, True)
    assert shows("troubleshooting", message.replace(str(page_server.port), "1344"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            '\n\n\n[icap]\nlisen = ["127.0.0.1:1344"]\n',
            'z.toml:5: [icap] lisen: no such setting. Did you mean "listen"?',
        ),
        (
            '[services."10-lists"]\nuse = "urlist"\n',
            'z.toml:2: [services.10-lists] use: no entry point "urlist" in zcadapt.icap_services',
        ),
    ],
)
def test_what_is_wrong_with_settings_is_told(tmp_path, settings, message):
    (tmp_path / "z.toml").write_text(settings)
    code, told = zcadapt(tmp_path, "check", "z.toml")
    assert (code, message in told) == (1, True)
    assert shows("troubleshooting", message)


@pytest.mark.parametrize("page", PAGES)
def test_the_settings_of_a_page_are_settings(tmp_path, page):
    for name, text in blocks(page, "toml").items():
        (tmp_path / f"{name}.toml").write_text(text)
        problems = load(str(tmp_path / f"{name}.toml")).problems
        assert not problems


def test_an_icp_server_that_is_not_there_is_told(tmp_path):
    address = f"127.0.0.1:{free_port()}"
    code, told = zcadapt(tmp_path, "query", "--server", address, "http://www.example.com/")
    assert (code, told) == (1, f"Error: no answer from {address}: Connection refused\n")
    assert shows("troubleshooting", "no answer from 192.0.2.1:3130: Connection refused")


def test_wrong_paths_and_methods_are_told_on_both_sides(page_server, page_squid, origin):
    wrong = {"/reqmod bypass=off": "/reqmmod bypass=on", "/respmod ": "/10-rule "}
    with page_squid(forward(page_server, wrong)) as squid:
        assert Browser(squid).fetch(origin.url("/bytes/10")).status == 500
        assert logged(squid, "icap", "|OPTIONS|404|")
        assert logged(squid, "icap", "|RESPMOD|405|ICAP_ERR_OTHER|")
        for said in (
            "Squid got an invalid ICAP OPTIONS response",
            "Squid is configured to use ICAP method RESPMOD for service",
        ):
            assert logged(squid, "cache", said)
            assert shows("troubleshooting", said)
    output = page_server.output.read_text()
    for said in (
        "404: no service under /reqmmod; the nearest is /reqmod; there are",
        "405: /10-rule serves REQMOD, not RESPMOD",
    ):
        assert said in output
        assert shows("troubleshooting", said)
