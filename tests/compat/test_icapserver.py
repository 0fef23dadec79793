"""What icapserver has beside pyicap, in str."""
# ruff: noqa: FBT003, N802 - as handlers are written

import logging
import subprocess
import sys

import pytest
from peers import RESPONSE, Peer, chunks
from programs import free_port, listens, running, until

from zcadapt.compat import icapserver, pyicap
from zcadapt.compat.icapserver import LOG, ICAPError, set_logger


@pytest.fixture
def log():
    """The logger as it is before anybody sets it."""
    level, handlers = LOG.level, LOG.handlers[:]
    yield LOG
    LOG.setLevel(level)
    LOG.handlers[:] = handlers


def asked(serve, method, *request):
    served = serve(package=icapserver, echo_RESPMOD=method)
    return served.connect().ask(*(request or ("RESPMOD", "echo", None, "Allow: 204")))


def test_a_star_imports_what_it_did():
    names = {}
    exec("from zcadapt.compat.icapserver import *", names)
    del names["__builtins__"]
    assert sorted(names) == ["BaseICAPRequestHandler", "ICAPError", "ICAPServer", "set_logger"]
    assert icapserver.BaseICAPRequestHandler._protocol_version == "ICAP/1.0"
    assert icapserver.BaseICAPRequestHandler._responses[451][0] == "Unavailable For Legal Reasons"
    assert icapserver.ICAPError is pyicap.ICAPError


def test_headers_and_chunks_are_str_and_may_be_set_in_bytes(serve):
    def look(self):
        self.set_icap_response(200)
        self.set_enc_status(" ".join(self.enc_res_status))
        for h in self.enc_res_headers:
            for v in self.enc_res_headers[h]:
                self.set_enc_header(h, v)
        self.set_enc_header(b"X-Bytes", b"\xe9")
        self.set_enc_header("X-Str", "\xe9")
        seen.append((self.icap_response, self.enc_headers["X-Bytes"]))
        self.send_headers(True)
        self.send_chunk(self.read_chunk() + "\xff")
        self.write_chunk(b"\xfe")
        self.send_chunk("")

    seen = []
    answer = asked(serve, look, "RESPMOD", "echo", chunks(b"caf\xe9"))
    assert seen == [("ICAP/1.0 200 OK", ["\xe9"])]
    assert answer.endswith(
        RESPONSE.removesuffix(b"\r\n")
        + b"X-Bytes: \xe9\r\nX-Str: \xe9\r\n\r\n"
        + chunks(b"caf\xe9\xff", b"\xfe")
    )


@pytest.mark.parametrize("kind", ["enc", "icap"])
def test_headers_can_be_updated_and_deleted_whatever_their_case(serve, kind, caplog):
    def change(self):
        set_header, update, delete = (
            getattr(self, f"{verb}_{kind}_header") for verb in ("set", "update", "delete")
        )
        for name, value in [("X-A", "1"), ("X-A", "2"), ("x-B", "3"), ("X-b", "4"), ("X-C", "5")]:
            set_header(name, value)
        update("x-a", b"6")
        update("x-nobody", "7")
        delete(b"x-b")
        delete("x-nobody")
        with pytest.raises(ICAPError):
            update("X-A", 7)
        with pytest.raises(ICAPError):
            delete(None)
        seen.append(getattr(self, f"{kind}_headers"))
        self.no_adaptation_required()

    seen = []
    with caplog.at_level(logging.ERROR):
        asked(serve, change)
    assert seen == [{"X-A": ["6"], "X-C": ["5"]}]
    assert caplog.text.count("header x-nobody not found") == 2


# What is written down


def test_nothing_is_set_by_an_import():
    code = (
        "import logging; before = logging.root.handlers[:], logging.root.level;"
        "from zcadapt.compat.icapserver import *;"
        "assert (logging.root.handlers, logging.root.level) == before;"
        "assert logging.getLogger('zcadapt.icap.icapserver').level == 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("level", "number"),
    [("error", logging.ERROR), ("info", logging.INFO), ("debug", logging.DEBUG), ("INFO", 20)],
)
def test_how_much_is_written_down_can_be_set(log, level, number):
    set_logger(level)
    assert log.level == number


@pytest.mark.parametrize("level", ["warning", 20, None])
def test_there_are_three_levels(log, level):
    with pytest.raises(ICAPError, match="Incorrect logging level") as refused:
        set_logger(level)
    assert refused.value.code == 500


def test_without_logging_lines_go_to_standard_error_once(log, monkeypatch):
    monkeypatch.setattr(LOG, "propagate", False)
    for _ in range(2):
        set_logger()
    assert [type(handler) for handler in log.handlers] == [logging.StreamHandler]


class Handler(icapserver.BaseICAPRequestHandler):
    def echo_RESPMOD(self):
        self.no_adaptation_required()

    def fail_RESPMOD(self):
        self.send_error(500, "no\x1b")


def test_each_request_is_written_down(serve, log, caplog):
    set_logger("info")
    with serve(Handler, package=icapserver).connect() as peer:
        peer.ask("RESPMOD", "echo?secret", None, "Allow: 204")
        peer.ask("RESPMOD", "fail")
    text = caplog.text
    assert '[127.0.0.1] "RESPMOD /echo ICAP/1.0" 204' in text
    assert "[127.0.0.1] code 500, message no\\x1b" in text
    assert "secret" not in text


# As a program


def test_it_is_a_program_that_leaves_all_as_it_is(tmp_path):
    port, output = free_port(), tmp_path / "output"
    command = [sys.executable, "-m", "zcadapt.compat.icapserver", str(port)]
    with running(command, output), connected(port) as peer:
        assert b"\r\nMethods: RESPMOD, REQMOD\r\nService: ICAP Server zcadapt/" in peer.ask(
            "OPTIONS", "example"
        )
        for method in ("REQMOD", "RESPMOD"):
            answer = peer.ask(method, "example", None, "Allow: 204")
            assert answer.startswith(b"ICAP/1.0 204 ")
    assert output.read_text().startswith(f"Serving ICAP on 0.0.0.0 port {port}\n")


def test_it_can_serve_another_handler(monkeypatch, capsys):
    class Server(icapserver.ICAPServer):
        def serve_forever(self, poll_interval=0.5):
            served.append((self.server_address, self.RequestHandlerClass))

    served, port = [], free_port()
    monkeypatch.setattr(sys, "argv", ["program", str(port)])
    icapserver.main(Handler, Server)
    assert served == [(("0.0.0.0", port), Handler)]


def connected(port):
    until(lambda: listens(port), "it listens")
    return Peer(port)
