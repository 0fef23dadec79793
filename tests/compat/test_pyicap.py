"""The names and types of pyicap, and its first example."""
# ruff: noqa: FBT003, N802 - as handlers are written

import socketserver
from email.utils import formatdate

import pytest
from peers import chunks

from zcadapt.compat import pyicap


def test_a_star_imports_what_it_did():
    names = {}
    exec("from zcadapt.compat.pyicap import *", names)
    del names["__builtins__"]
    assert sorted(names) == ["BaseICAPRequestHandler", "ICAPError", "ICAPServer"]


def test_the_classes_are_what_they_were():
    assert issubclass(pyicap.ICAPServer, socketserver.TCPServer)
    assert pyicap.ICAPServer.allow_reuse_address
    assert issubclass(pyicap.BaseICAPRequestHandler, socketserver.StreamRequestHandler)
    assert pyicap.BaseICAPRequestHandler.protocol_version == "ICAP/1.0"
    assert pyicap.BaseICAPRequestHandler._responses[404][0] == b"Not Found"
    assert pyicap.BaseICAPRequestHandler.send_chunk is pyicap.BaseICAPRequestHandler.write_chunk


def test_what_a_handler_has_set_is_bytes(serve):
    def look(self):
        self.set_icap_response(200)
        seen.update(code=self.icap_response_code, response=self.icap_response)
        self.set_icap_header("A", "1")
        self.set_icap_header(b"A", b"2")
        self.set_enc_header("B", "3")
        self.set_enc_status("HTTP/1.1 200 OK")
        self.set_enc_request("GET / HTTP/1.1")
        seen.update(icap=self.icap_headers, enc=self.enc_headers)
        seen.update(status=self.enc_status, request=self.enc_request, chunk=self.read_chunk())
        seen.update(version=self.version_bytes(), date=self.date_time_bytes(0))
        self.no_adaptation_required()

    seen = {}
    serve(echo_RESPMOD=look).connect().ask("RESPMOD", "echo", chunks(b"\xe9"))
    assert (seen["code"], seen["response"]) == (200, b"ICAP/1.0 200 OK")
    assert (seen["icap"], seen["enc"]) == ({b"A": [b"1", b"2"]}, {b"B": [b"3"]})
    assert (seen["status"], seen["request"]) == (b"HTTP/1.1 200 OK", b"GET / HTTP/1.1")
    assert (seen["chunk"], seen["version"].split()[1][:7]) == (b"\xe9", b"Python/")
    assert seen["date"].decode() == formatdate(0, usegmt=True)


@pytest.mark.parametrize("threads", [True, False])
def test_its_first_example_serves_clients(serve, threads):
    class ICAPHandler(pyicap.BaseICAPRequestHandler):
        def echo_OPTIONS(self):
            self.set_icap_response(200)
            self.set_icap_header("Methods", "RESPMOD")
            self.set_icap_header("Preview", "0")
            self.send_headers(False)

        def echo_RESPMOD(self):
            self.no_adaptation_required()

    peer = serve(ICAPHandler, threads=threads).connect()
    options = b"ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nPreview: 0\r\nAllow: 204\r\n*\r\n"
    assert peer.ask("OPTIONS") == options + b"Encapsulated: null-body=0\r\n\r\n"
    left = b"ICAP/1.0 204 No Modifications Needed\r\n*\r\nEncapsulated: null-body=0\r\n\r\n"
    assert peer.ask("RESPMOD", "echo", chunks(), "Preview: 0") == left
    assert peer.ask("RESPMOD", "echo", chunks(b"a"))[-3:] == b"0\r\n\r\n"[-3:]
