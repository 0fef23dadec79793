"""A web application as users of zc.icp have it: it answers HTTP, and in a thread queries about it.

The arguments are its two ports, for ICP and for HTTP. ``?icp=HIT`` in a URL makes
a policy answer HIT.
"""

import re
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

import zope.component

from zcadapt.compat.zc_icp import zc


class ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def on_demand(url):
    found = re.search(r"[?&]icp=(\w+)", url)
    return f"ICP_OP_{found[1]}" if found else None


def broken(url):
    raise LookupError("the database is away")


def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "1000"), ("X-Served-By", "application")])
    return [b"x" * 1000]


if __name__ == "__main__":
    icp_port, http_port = map(int, sys.argv[1:])
    zope.component.provideUtility(on_demand, zc.icp.interfaces.IICPPolicy, "50-on-demand")
    zope.component.provideUtility(broken, zc.icp.interfaces.IICPPolicy, "10-broken")
    zc.icp.start_server("127.0.0.1", icp_port)
    make_server("127.0.0.1", http_port, application, ThreadingServer).serve_forever()
