"""A program as it was written for icapserver, but for where it imports from.

Squid and c-icap-client ask it; and a zcadapt server, which loads its handler.
It serves one client after the other, in a thread, as the package's examples do.
"""
# ruff: noqa: C901, FBT003, N802, N815 - as such programs are written

import signal
import sys
import threading

from zcadapt.compat.icapserver import BaseICAPRequestHandler, ICAPServer, set_logger


class ICAPHandler(BaseICAPRequestHandler):
    """Its services: echo, copy, whole, scan."""

    def say(self, **headers):
        self.set_icap_response(200)
        self.set_icap_header("Methods", "RESPMOD, REQMOD")
        self.set_icap_header("Service", "ICAP Server" + " " + self._server_version)
        self.set_icap_header("Options-TTL", "3600")
        for name, value in headers.items():
            self.set_icap_header(name.replace("_", "-"), value)
        self.send_headers(False)

    def echo_OPTIONS(self):
        self.say()

    def echo_REQMOD(self):
        self.no_adaptation_required()

    def echo_RESPMOD(self):
        self.no_adaptation_required()

    def copy_OPTIONS(self):
        self.say(Preview="1024", Transfer_Preview="*")

    def copy_REQMOD(self):
        self.set_icap_response(200)
        if "refuse" in self.enc_req[1]:
            self.send_enc_error(403, body="<p>we do not want this</p>")
            return
        if "elsewhere" in self.enc_req[1]:
            self.set_enc_status("HTTP/1.1 307 Temporary Redirect")
            self.set_enc_header("Location", "http://elsewhere.test/")
            self.send_headers(False)
            return
        line = [self.enc_req[0], self.enc_req[1].replace("/wrong", "/digest"), self.enc_req[2]]
        self.set_enc_request(" ".join(line))
        self.copy(self.enc_req_headers)

    def copy_RESPMOD(self):
        self.set_icap_response(200)
        self.set_enc_status(" ".join(self.enc_res_status))
        self.copy(self.enc_res_headers)

    def copy(self, headers):
        for h in headers:
            for v in headers[h]:
                self.set_enc_header(h, v)
        self.set_enc_header("X-Adapted", "no")
        self.set_enc_header("X-Gone", "1")
        self.update_enc_header("x-adapted", "yes")
        self.delete_enc_header("x-gone")
        if not self.has_body:
            self.send_headers(False)
            return
        if self.preview:
            seen = ""
            while True:
                chunk = self.read_chunk()
                if chunk == "":
                    break
                seen += chunk
            if self.ieof:
                self.send_headers(True)
                if len(seen) > 0:
                    self.send_chunk(swapped(seen))
                self.send_chunk("")
                return
            self.cont()
            self.send_headers(True)
            if len(seen) > 0:
                self.send_chunk(swapped(seen))
        else:
            self.send_headers(True)
        while True:
            chunk = self.read_chunk()
            self.send_chunk(swapped(chunk))
            if chunk == "":
                break

    def whole_OPTIONS(self):
        self.say(Preview="0")  # which is not asked for: nothing says for which files

    def whole_REQMOD(self):
        self.set_enc_request(" ".join(self.enc_req))
        self.answer_with(self.enc_req_headers)

    def whole_RESPMOD(self):
        self.set_enc_status(" ".join(self.enc_res_status))
        self.answer_with(self.enc_res_headers)

    def answer_with(self, headers):
        buff = ""
        while self.has_body:
            chunk = self.read_chunk()
            if chunk == "":
                buff += "&and=more"
                break
            buff += chunk
        self.set_icap_response(200)
        for h in headers:
            for v in headers[h]:
                self.set_enc_header(h, str(len(buff)) if h.lower() == "content-length" else v)
        self.send_headers(self.has_body)
        if self.has_body:
            self.send_chunk(buff)  # and no last chunk

    def scan_OPTIONS(self):
        self.say(Preview="1024", Transfer_Preview="*")

    def scan_REQMOD(self):
        found = self.finds("eicar")
        if self.preview and not self.ieof:
            self.cont()
            found = self.finds("eicar") or found
        if found:
            self.send_enc_error(403, body="<p>not for you</p>")
        else:
            self.no_adaptation_required()

    scan_RESPMOD = scan_REQMOD

    def finds(self, word):
        seen = ""
        while True:
            chunk = self.read_chunk()
            if chunk == "":
                return word in seen
            seen += chunk


def swapped(text):
    """Return the letters of ASCII in the other case."""
    return text.encode("latin-1").swapcase().decode("latin-1")


class ExampleICAPServer:
    def __init__(self, addr="", port=13440):
        self.addr = addr
        self.port = port

    def start(self):
        self.server = ICAPServer((self.addr, self.port), ICAPHandler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return True

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(2)
        return True


if __name__ == "__main__":
    set_logger("info")
    server = ExampleICAPServer("127.0.0.1", int(sys.argv[1]))
    server.start()
    try:
        signal.pause()
    except KeyboardInterrupt:
        server.stop()
        print("Finished")  # noqa: T201 - as programs do
