"""``zcadapt query`` prints the answer, and its exit code tells whether there was one."""

import asyncio
import socket
import threading

import pytest
from click.testing import CliRunner
from zope.interface import provider
from zope.interface.registry import Components

from zcadapt.cli.query import query
from zcadapt.icp import ICPServer, Policies
from zcadapt.interfaces import IICPPolicy, IICPQueryPolicy

URL = "http://example.com/foo"


@pytest.fixture
def components():
    return Components()


@pytest.fixture
def server(components):
    """HOST:PORT of a server that runs in a thread of its own, as one does from here."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)

    server = ICPServer(Policies(components))
    host, port = run(server.listen("127.0.0.1", 0))
    yield f"{host}:{port}"
    run(server.close())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def zcadapt_query(*arguments):
    return CliRunner().invoke(query, arguments)


def test_the_answer_is_printed(server):
    result = zcadapt_query(URL, "--server", server)
    assert (result.exit_code, result.output) == (0, "ICP_OP_MISS\n")


@pytest.mark.parametrize("answer", ["ICP_OP_HIT", "ICP_OP_DENIED", "ICP_OP_ERR"])
def test_whatever_the_answer_is_there_was_one(server, components, answer):
    components.registerUtility(lambda url: answer, IICPPolicy)
    result = zcadapt_query(URL, "--server", server)
    assert (result.exit_code, result.output) == (0, f"{answer}\n")


def test_verbose_draws_query_and_reply_before_the_answer(server):
    result = zcadapt_query(URL, "--server", server, "--verbose")
    lines = result.output.splitlines()
    assert result.exit_code == 0
    assert lines[1] == "|  ICP_OP_QUERY |   Version: 2  |     Message Length: 47        |"
    assert lines[16] == "|  ICP_OP_MISS  |   Version: 2  |     Message Length: 43        |"
    assert lines[3] == lines[18]  # the request number
    assert lines[-1] == "ICP_OP_MISS"


def test_the_query_may_be_for_somebody(server, components):
    seen = []

    @provider(IICPQueryPolicy)
    def policy(query):
        seen.append(str(query.requester))

    components.registerUtility(policy, IICPQueryPolicy)
    assert zcadapt_query(URL, "--server", server, "--requester", "192.0.2.7").exit_code == 0
    assert zcadapt_query(URL, "--server", server).exit_code == 0
    assert seen == ["192.0.2.7", "None"]


def test_no_answer_in_time():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        server = f"127.0.0.1:{silent.getsockname()[1]}"
        result = zcadapt_query(URL, "--server", server, "--timeout", "0.05")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: no answer from {server} in 0.05 s\n"


def test_nobody_listens_there():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    result = zcadapt_query(URL, "--server", f"127.0.0.1:{port}", "--timeout", "60")
    assert result.exit_code == 1
    assert result.stderr == f"Error: no answer from 127.0.0.1:{port}: Connection refused\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'URL'"),
        ([URL, "--server", "nonsense"], "is not HOST:PORT"),
        ([URL, "--timeout", "0"], "Invalid value for '--timeout'"),
        ([URL, "--timeout", "-1"], "Invalid value for '--timeout'"),
        ([URL, "--timeout", "nan"], "Invalid value for '--timeout'"),
        ([URL, "--timeout", "inf"], "Invalid value for '--timeout'"),
        ([URL, "--timeout", "-inf"], "Invalid value for '--timeout'"),
        ([URL, "--timeout", "1e400"], "Invalid value for '--timeout'"),
        ([URL, "--requester", "::1"], "'::1' is no IPv4 address"),
        ([URL, "--requester", "somebody"], "'somebody' is no IPv4 address"),
        ([URL, "--server", "h:65536"], "is not HOST:PORT: the highest port is 65535"),
        ([URL, "--timeout", "soon"], "Invalid value for '--timeout'"),
        (["http://x/\u20ac"], "Invalid value for URL"),
        (["u" * 16384], "a query has at most 16384 bytes"),
    ],
)
def test_a_wrong_command_line(arguments, message):
    result = zcadapt_query(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_the_help_tells_the_exit_codes():
    text = " ".join(zcadapt_query("--help").output.split())
    assert "Exits with 0 when an answer came" in text
    assert "1 when none came in time" in text
    assert "2 when the command line is wrong" in text
