"""A program as it was written for pyicap, but for where it imports from.

Squid and c-icap-client ask it; and a zcadapt server, which loads its handler.
"""
# ruff: noqa: C901, FBT003, N802, N815 - as such programs are written

import socketserver
import sys

from zcadapt.compat.pyicap import BaseICAPRequestHandler, ICAPServer


class ThreadingSimpleServer(socketserver.ThreadingMixIn, ICAPServer):
    """A client in each thread."""


class ICAPHandler(BaseICAPRequestHandler):
    """Its services: echo, copy, whole, scan."""

    # echo leaves all as it is, after a look at the heads.

    def echo_OPTIONS(self):
        self.set_icap_response(200)
        self.set_icap_header("Methods", "REQMOD, RESPMOD")
        self.set_icap_header("Service", "echo 1.0")
        self.send_headers(False)

    def echo_REQMOD(self):
        self.no_adaptation_required()

    def echo_RESPMOD(self):
        self.no_adaptation_required()

    # copy passes the body on as it comes, with other letters.

    def copy_OPTIONS(self):
        self.set_icap_response(200)
        self.set_icap_header(b"Methods", b"REQMOD, RESPMOD")
        self.set_icap_header(b"Service", b"copy 1.0")
        self.set_icap_header(b"Preview", b"1024")
        self.set_icap_header(b"Transfer-Preview", b"*")
        self.set_icap_header(b"Transfer-Complete", b"")
        self.set_icap_header(b"Max-Connections", b"100")
        self.set_icap_header(b"Options-TTL", b"3600")
        self.send_headers(False)

    def copy_REQMOD(self):
        self.set_icap_response(200)
        line = self.enc_req[:]
        if b"refuse" in line[1]:
            self.send_enc_error(403, "Not Here", body="<p>we do not want this</p>")
            return
        if b"elsewhere" in line[1]:
            self.set_enc_status(b"HTTP/1.1 307 Temporary Redirect")
            self.set_enc_header(b"location", b"http://elsewhere.test/")
            self.send_headers(False)
            return
        line[1] = line[1].replace(b"/wrong", b"/digest")
        self.set_enc_request(b" ".join(line))
        self.copy(self.enc_req_headers)

    def copy_RESPMOD(self):
        self.set_icap_response(200)
        self.set_enc_status(b" ".join(self.enc_res_status))
        self.copy(self.enc_res_headers)

    def copy(self, headers):
        for h in headers:
            for v in headers[h]:
                self.set_enc_header(h, v)
        self.set_enc_header("X-Adapted", "yes")
        if not self.has_body:
            self.send_headers(False)
            return
        if self.preview:
            seen = b""
            while True:
                chunk = self.read_chunk()
                if chunk == b"":
                    break
                seen += chunk
            if not self.ieof:
                self.cont()
            self.send_headers(True)
            if len(seen) > 0:
                self.write_chunk(seen.swapcase())
            if self.ieof:
                self.write_chunk(b"")
                return
        else:
            self.send_headers(True)
        while True:
            chunk = self.read_chunk()
            self.write_chunk(chunk.swapcase())
            if chunk == b"":
                break

    # whole has all of the body before it answers.

    def whole_OPTIONS(self):
        self.set_icap_response(200)
        self.set_icap_header("Methods", "REQMOD, RESPMOD")
        self.send_headers(False)

    def whole_REQMOD(self):
        body = self.all()
        self.set_icap_response(200)
        self.set_enc_request(b" ".join(self.enc_req))
        self.answer_with(self.enc_req_headers, body)

    def whole_RESPMOD(self):
        body = self.all()
        self.set_icap_response(200)
        self.set_enc_status(b" ".join(self.enc_res_status))
        self.answer_with(self.enc_res_headers, body)

    def answer_with(self, headers, body):
        if self.has_body:
            body += b"&and=more"
        for h in headers:
            for v in headers[h]:
                self.set_enc_header(h, str(len(body)) if h == b"content-length" else v)
        self.send_headers(self.has_body)
        if self.has_body:
            self.send_chunk(body)  # and no last chunk

    def all(self):
        pieces = []
        while True:
            chunk = self.read_chunk()
            if chunk == b"":
                return b"".join(pieces)
            pieces.append(chunk)

    # scan has all of the body, beyond the preview, before it leaves it as it is.

    def scan_OPTIONS(self):
        self.copy_OPTIONS()

    def scan_REQMOD(self):
        found = b"eicar" in self.all()
        if self.preview and not self.ieof:
            self.cont()
            found = b"eicar" in self.all() or found
        if found:
            self.set_icap_header("X-Infection-Found", "Type=0; Resolution=2; Threat=eicar;")
            self.send_enc_error(403, body="<p>not for you</p>")
        else:
            self.no_adaptation_required()

    scan_RESPMOD = scan_REQMOD


if __name__ == "__main__":
    server = ThreadingSimpleServer(("127.0.0.1", int(sys.argv[1])), ICAPHandler)
    try:
        while 1:
            server.handle_request()
    except KeyboardInterrupt:
        print("Finished")  # noqa: T201 - as programs do
