"""``zcadapt serve`` as a process: what it prints, what it answers, how it ends."""

import os
import re
import signal
import socket
import struct

import pytest

OPTIONS = b"OPTIONS icap://here/%s ICAP/1.0\r\nHost: here\r\n\r\n"

PORTS = ("--icap", "127.0.0.1:0", "--icp", "127.0.0.1:0")


def report_of(process):
    """Return the lines of the start-up report, which ends with ``ready``."""
    lines = []
    while (line := process.stdout.readline()) != "ready\n":
        assert line, process.stderr.read()
        lines.append(line.rstrip("\n"))
    return lines


def address(lines, protocol):
    (line,) = [line for line in lines if line.startswith(f"{protocol} ")]
    return "127.0.0.1", int(re.fullmatch(rf"{protocol} 127\.0\.0\.1:(\d+)", line)[1])


def options(address, service):
    with socket.create_connection(address, 10) as sock:
        sock.sendall(OPTIONS % service)
        return sock.makefile("rb").readline()


def opcode(address, url):
    payload = b"\0" * 4 + url + b"\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.connect(address)
        sock.send(struct.pack("!BBHIIII", 1, 2, 20 + len(payload), 7, 0, 0, 0) + payload)
        return sock.recv(4096)[0]


def connect_for_ever(address):
    while True:
        socket.create_connection(address, 10).close()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_what_is_installed_until_it_is_told_to_stop(start, stop):
    process = start("serve", *PORTS)
    lines = report_of(process)
    assert options(address(lines, "icap"), b"lists") == b"ICAP/1.0 200 OK\r\n"
    assert opcode(address(lines, "icp"), b"http://x/foo") == 2
    told = [line.split() for line in lines]
    assert ["lists", "REQMOD", "RESPMOD", "on_error=error", "plug-cli", "1.5", "(lists)"] in told
    process.send_signal(stop)
    assert process.wait(20) == 0


def test_what_is_broken_is_left_out_and_told(start):
    process = start("serve", *PORTS)
    report_of(process)
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert "left out: plug-cli 1.5 (zcadapt.icp_policies: broken): " in err
    assert "Traceback" not in err


def test_strict_makes_what_is_broken_fatal(start):
    process = start("serve", *PORTS, "--strict")
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (1, "")
    assert "plug-cli 1.5 (zcadapt.icp_policies: broken): " in err


NOISY = (
    "import logging, zope.component\n"
    "from zcadapt.interfaces import IICPPolicy\n"
    "logging.getLogger('lists').warning('line %d is no host', 3)\n"
    "zope.component.provideUtility(lambda url: None, IICPPolicy, 'noisy')\n"
)


@pytest.fixture
def only_noisy(folder):
    """Let nothing be wrong but what a module logs as a warning."""
    (folder / "plug_cli-1.5.dist-info" / "entry_points.txt").unlink()
    (folder / "noisy_rules.py").write_text(NOISY)
    (folder / "my.toml").write_text('[log]\nlevel = "error"\n')


@pytest.mark.usefixtures("only_noisy")
def test_strict_makes_what_is_logged_as_a_warning_fatal_whatever_the_log_has(start):
    args = ("--load", "noisy_rules", "--config", "my.toml", "--strict")
    process = start("serve", *PORTS, *args)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (1, "")
    assert "lists: line 3 is no host" in err.splitlines()


@pytest.mark.usefixtures("only_noisy")
def test_what_is_logged_as_a_warning_is_otherwise_in_the_log_only(start):
    process = start("serve", *PORTS, "--load", "noisy_rules")
    report_of(process)
    process.terminate()
    _, err = process.communicate(timeout=20)
    (line,) = [line for line in err.splitlines() if "no host" in line]
    assert line.endswith(" WARNING lists: line 3 is no host")


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_sighup_is_answered_in_the_log_only(start, folder, loop):
    (folder / "my.toml").write_text(f'[server]\nloop = "{loop}"\n')
    process = start("serve", *PORTS, "--config", "my.toml")
    lines = report_of(process)
    process.send_signal(signal.SIGHUP)
    while "settings are read at start: restart to take them up" not in process.stderr.readline():
        assert process.poll() is None
    assert options(address(lines, "icap"), b"lists") == b"ICAP/1.0 200 OK\r\n"
    process.terminate()
    assert process.wait(20) == 0


def test_relative_paths_are_those_of_the_file_and_modules_those_of_the_command(start, folder):
    (folder / "etc").mkdir()
    (folder / "etc" / "list.txt").write_text("foo")
    (folder / "etc" / "my.toml").write_text("[services.'10-lists']\nuse = 'lists'\n")
    (folder / "my_rules_p.py").write_text(
        "import pathlib, zope.component\nfrom zcadapt.interfaces import IICPPolicy\n"
        "word = pathlib.Path('list.txt').read_text()\n"
        "def listed(url): return 'ICP_OP_DENIED' if word in url else None\n"
        "zope.component.provideUtility(listed, IICPPolicy, '10-listed')\n"
    )
    args = ("--config", "etc/my.toml", "--load", "my_rules_p")
    lines = report_of(start("serve", *PORTS, *args, PYTHONPATH=str(folder)))
    assert opcode(address(lines, "icp"), b"http://x/foo") == 22


def test_an_endpoint_of_a_service_that_there_is_not_is_told_and_fatal_where_that_is_wanted(
    start, folder
):
    (folder / "plug_cli-1.5.dist-info" / "entry_points.txt").write_text(
        "[zcadapt.icap_services]\nlists = plug_cli:Service\n"
    )
    (folder / "my.toml").write_text("[endpoints]\nfilter = ['list']\n")
    told = '[endpoints] filter[0]: no service is called "list". Did you mean "lists"?'
    process = start("serve", *PORTS, "--config", "my.toml")
    assert report_of(process)
    process.terminate()
    assert f"left out: my.toml:2: {told}" in process.communicate(timeout=20)[1].splitlines()
    process = start("serve", *PORTS, "--config", "my.toml", "--strict")
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (1, "")
    assert f"my.toml:2: {told}" in err.splitlines()


@pytest.mark.parametrize(("unwanted", "wanted"), [("icap", "icp"), ("icp", "icap")])
def test_a_protocol_can_be_left_out(start, unwanted, wanted):
    process = start("serve", f"--{wanted}", "127.0.0.1:0", f"--no-{unwanted}")
    lines = report_of(process)
    assert address(lines, wanted)
    assert not [line for line in lines if line.startswith(f"{unwanted} ")]


def test_addresses_can_be_repeated(start):
    process = start("serve", *PORTS, "--icap", "127.0.0.1:0", "--icp", "127.0.0.1:0")
    lines = report_of(process)
    assert [line.split()[0] for line in lines[:5]] == ["icap", "icap", "icp", "icp", "ICAP"]


def test_the_command_line_wins_over_the_file(start, folder):
    (folder / "my.toml").write_text(
        '[icap]\nlisten = ["192.0.2.1:1"]\n[icp]\nlisten = ["127.0.0.1:0"]\n'
    )
    process = start("serve", "--config", "my.toml", "--icap", "127.0.0.1:0")
    lines = report_of(process)
    assert address(lines, "icap")
    assert address(lines, "icp")


def test_a_file_in_the_working_directory_is_not_read_by_itself(start, folder):
    (folder / "zcadapt.toml").write_text("nonsense = 1\n")
    process = start("serve", *PORTS)
    assert report_of(process)


def test_wrong_settings_are_fatal_and_all_are_told(start, folder):
    (folder / "my.toml").write_text("[icap]\nlisten = 3\n[server]\ngrace = 'x'\n")
    process = start("serve", "--config", "my.toml")
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (1, "")
    assert [line.partition(": must")[0] for line in err.splitlines()] == [
        "my.toml:2: [icap] listen",
        "my.toml:4: [server] grace",
    ]


def test_what_a_module_provides_is_served(start, folder):
    (folder / "my_rules.py").write_text(
        "import zope.component\nfrom zcadapt.interfaces import IICPPolicy\n"
        "def baz(url): return 'ICP_OP_MISS_NOFETCH' if 'baz' in url else None\n"
        "zope.component.provideUtility(baz, IICPPolicy, 'baz')\n"
    )
    lines = report_of(start("serve", *PORTS, "--load", "my_rules"))
    assert opcode(address(lines, "icp"), b"http://x/foo/baz") == 21


def test_a_taken_address_is_told(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start("serve", "--icap", f"127.0.0.1:{port}", "--no-icp")
        _, err = process.communicate(timeout=20)
    assert process.returncode == 3
    assert f"cannot listen on 127.0.0.1:{port} (ICAP): Address already in use\n" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.0.1:x", "::1:80"])
def test_what_is_no_address_is_a_wrong_command_line(invoke, text):
    result = invoke("serve", "--icap", text)
    assert result.exit_code == 2
    assert f"'{text}' is not HOST:PORT: the port is " in result.output or text == "::1:80"


@pytest.mark.parametrize("protocol", ["icap", "icp"])
def test_there_and_nowhere_is_a_wrong_command_line(start, protocol):
    process = start("serve", *PORTS, f"--no-{protocol}")
    _, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert f"--{protocol} and --no-{protocol} contradict each other" in err


@pytest.mark.parametrize("protocol", ["icap", "icp"])
def test_the_same_address_twice_is_a_wrong_command_line(start, protocol):
    process = start("serve", *[f"--{protocol}", "127.0.0.1:5"] * 2)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert f"--{protocol} 127.0.0.1:5 is given twice" in err


@pytest.mark.parametrize("args", [["--no-icap", "--no-icp"], ["--config", "my.toml", "--no-icp"]])
def test_nothing_to_serve_is_told(start, folder, args):
    (folder / "my.toml").write_text("[icap]\nlisten = []\n")
    process = start("serve", *args)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (1, "")
    assert "there is nothing to serve" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("closed", [">/dev/full", ">&-", "1</dev/null", "2>&-", "2>/dev/full"])
def test_it_serves_whoever_can_hear_what_it_says(start, folder, closed):
    """The port is found out by a plugin, as the report may not arrive."""
    (folder / "plug_cli.py").write_text(
        "from zcadapt.hooks import hookimpl\n"
        "@hookimpl\n"
        "def zcadapt_startup(addresses):\n"
        "    with open('port', 'w') as fifo:\n"
        "        print(addresses['icap'][0].port, file=fifo)\n"
    )
    os.mkfifo(folder / "port")
    process = start("serve", "--icap", "127.0.0.1:0", "--no-icp", closed=closed)
    port = int((folder / "port").read_text())
    assert options(("127.0.0.1", port), b"echo") == b"ICAP/1.0 200 OK\r\n"
    process.terminate()
    assert process.wait(20) == 0
    assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize("when", ["start", "end"])
@pytest.mark.parametrize("how", ["waits", "blocks", "stays"])
def test_a_plugin_that_hangs_does_not_outlive_the_grace(start, folder, when, how):
    (folder / "my.toml").write_text("[server]\ngrace = 0.5\n")
    process = start("serve", *PORTS, "--config", "my.toml", HANG=f"{how} at {when}")
    if when == "end":
        report_of(process)
        process.terminate()
    assert process.stdout.readline() == "hanging\n"
    if when == "start":
        process.terminate()
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    (line,) = [line for line in err.splitlines() if " ERROR " in line or "cut off" in line]
    assert ("zcadapt_" in line) == (how == "waits")
    assert ("the server ends at once" in line) == (how != "waits")


@pytest.mark.parametrize("how", ["blocks", "stays"])
def test_a_second_signal_ends_it_at_once_while_a_plugin_starts(start, folder, how):
    (folder / "my.toml").write_text("[server]\ngrace = 3600\n")
    process = start("serve", *PORTS, "--config", "my.toml", HANG=f"{how} at start")
    assert process.stdout.readline() == "hanging\n"
    while process.poll() is None:  # two signals that come together count as one
        process.terminate()
    assert process.returncode == -signal.SIGTERM


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_second_signal_ends_it_at_once(start, folder, stop, loop):
    (folder / "my.toml").write_text(f'[server]\nloop = "{loop}"\ngrace = 3600\n')
    process = start("serve", *PORTS, "--config", "my.toml", HANG="waits at end")
    report_of(process)
    process.send_signal(stop)
    assert process.stdout.readline() == "hanging\n"
    process.send_signal(stop)
    assert process.wait(20) == -stop


def test_a_client_that_is_being_answered_gets_its_answer(start, folder):
    """A service waits for a file; meanwhile the server is told to stop."""
    (folder / "slow_rules.py").write_text(
        "import asyncio, pathlib, zope.component\n"
        "from zcadapt import reqmod, respond\n"
        "from zcadapt.interfaces import IICAPService\n"
        "@reqmod\n"
        "async def slow(request):\n"
        "    print('asked', flush=True)\n"
        "    while not pathlib.Path('go').exists():\n"
        "        await asyncio.sleep(0.01)\n"
        "    return respond(200, body=b'late')\n"
        "zope.component.provideUtility(slow, IICAPService, 'slow')\n"
    )
    process = start("serve", "--icap", "127.0.0.1:0", "--no-icp", "--load", "slow_rules")
    where = address(report_of(process), "icap")
    with socket.create_connection(where, 10) as sock:
        sock.sendall(
            b"REQMOD icap://here/slow ICAP/1.0\r\nHost: here\r\n"
            b"Encapsulated: req-hdr=0, null-body=37\r\n\r\n"
            b"GET http://x/ HTTP/1.1\r\nHost: xxxx\r\n\r\n"
        )
        assert process.stdout.readline() == "asked\n"
        process.terminate()
        with pytest.raises((ConnectionRefusedError, ConnectionResetError)):
            connect_for_ever(where)
        (folder / "go").touch()
        answer = sock.makefile("rb").read()
    assert answer.startswith(b"ICAP/1.0 200 OK\r\n")
    assert b"late" in answer
    assert process.wait(20) == 0


def test_a_service_that_goes_on_when_it_is_cancelled_does_not_keep_the_server(start, folder):
    (folder / "my.toml").write_text("[server]\ngrace = 0.5\n")
    (folder / "stubborn.py").write_text(
        "import asyncio, zope.component\n"
        "from zcadapt import reqmod\n"
        "from zcadapt.interfaces import IICAPService\n"
        "@reqmod\n"
        "async def stays(request):\n"
        "    print('asked', flush=True)\n"
        "    while True:\n"
        "        try:\n"
        "            await asyncio.Event().wait()\n"
        "        except asyncio.CancelledError:\n"
        "            pass\n"
        "zope.component.provideUtility(stays, IICAPService, 'stays')\n"
    )
    args = ("--icap", "127.0.0.1:0", "--no-icp", "--load", "stubborn", "--config", "my.toml")
    process = start("serve", *args)
    with socket.create_connection(address(report_of(process), "icap"), 10) as sock:
        sock.sendall(
            b"REQMOD icap://here/stays ICAP/1.0\r\nHost: here\r\n"
            b"Encapsulated: req-hdr=0, null-body=37\r\n\r\n"
            b"GET http://x/ HTTP/1.1\r\nHost: xxxx\r\n\r\n"
        )
        assert process.stdout.readline() == "asked\n"
        process.terminate()
        assert process.wait(20) == 0
    assert "the server ends at once" in process.stderr.read()
