import contextlib
import socketserver

import pytest
from peers import Served

from zcadapt.compat import pyicap


@pytest.fixture
def serve():
    """Serve a handler class, or one made of these methods, with a thread for each client."""
    with contextlib.ExitStack() as stack:

        def serve(handler=None, *, package=pyicap, threads=True, settings=None, **methods):
            kinds = (socketserver.ThreadingMixIn, package.ICAPServer)
            kind = type("Server", kinds if threads else kinds[1:], {})
            if settings is not None:
                kind.icap_settings = settings
            if handler is None:
                quiet = {"log_message": lambda self, *args: None}
                handler = type("Handler", (package.BaseICAPRequestHandler,), quiet | methods)
            served = Served(kind(("127.0.0.1", 0), handler))
            stack.callback(served.end)
            return served

        yield serve


@pytest.fixture
def ask(serve):
    """Ask a method, as ``echo_RESPMOD`` or whatever the request is for, once."""

    def ask(method, *request, package=pyicap, **more):
        command = request[0] if request else "RESPMOD"
        served = serve(package=package, **{f"echo_{command}": method})
        return served.connect().ask(*request, **more)

    return ask
