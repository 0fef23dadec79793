"""What the test of the whole needs: a Squid and an origin server."""

import contextlib
import http.server
import threading

from programs import as_nobody, free_port, listens, program, ready, running

FRIEND = "good.blocked.example"

CONFIGURATION = """\
http_port 127.0.0.1:{port}
http_access allow all
visible_hostname squid.test
dns_nameservers 127.0.0.1
hosts_file {folder}/hosts
pinger_enable off
netdb_filename none
cache deny all
pid_filename {folder}/squid.pid
coredump_dir {folder}
cache_log {folder}/cache.log
logformat access %ru|%{{X-Attribute}}adapt::<last_h|%{{X-Decision-ID}}adapt::<last_h
access_log stdio:{folder}/access.log access
logformat icap %ru|%icap::to|%{{X-Attribute}}icap::<h
icap_log stdio:{folder}/icap.log icap
shutdown_lifetime 0 seconds
icap_enable on
icap_service urllist reqmod_precache bypass=off icap://127.0.0.1:{icap}/reqmod
adaptation_access urllist allow all
"""


@contextlib.contextmanager
def origin():
    """Run a server that says hello to everybody; give its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def squid(folder, icap):
    """Run a Squid that asks the server at port `icap`; give its port."""
    port = free_port()
    (folder / "squid.conf").write_text(CONFIGURATION.format(port=port, folder=folder, icap=icap))
    (folder / "hosts").write_text(f"127.0.0.1 {FRIEND}\n")
    path, output = program("squid", "squid-openssl"), folder / "output"
    command = [path, "-N", "-n", f"zcul{port}", "-f", folder / "squid.conf"]
    with running(command, output, **as_nobody(folder)) as process:
        ready(process, lambda: listens(port), output)
        yield port
