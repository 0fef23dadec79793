"""The interface of icap_server 0.14, over this server.

Code written for it goes on with another import line: `run_server` serves its
handlers by themselves, `service_of` makes one a service that stands next to
others. What reads the requests and writes the answers is what serves every
service of zcadapt. So no handler sees an OPTIONS request: the server answers
that (RFC 3507, 4.10).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, Final, Never, Self
from urllib.parse import quote, unquote

from zope.interface.registry import Components

from zcadapt.compat.icap_handlers import (
    MOST_BODY,
    ContentAdaptationResponse,
    EncapsulatedData,
    Handler,
    ICAPMethod,
    ICAPRequest,
    ICAPRequestLine,
    service_of,
)
from zcadapt.icap.answer import Answer
from zcadapt.icap.declarations import check_declarations
from zcadapt.icap.endpoint import Endpoint
from zcadapt.icap.endpoints import Endpoints
from zcadapt.icap.errors import UnknownServiceError
from zcadapt.icap.server import BACKLOG, ICAPServer
from zcadapt.icap.service import FunctionService
from zcadapt.icap.settings import ICAPSettings
from zcadapt.icap.wire import Wire

__all__ = [
    "LOG",
    "ContentAdaptationResponse",
    "EncapsulatedData",
    "ICAPMethod",
    "ICAPRequest",
    "ICAPRequestLine",
    "Server",
    "run_server",
    "service_of",
]

#: Where what goes wrong is logged.
LOG: Final = logging.getLogger("zcadapt.icap")

#: Seconds that requests have to end when the server closes.
GRACE: Final = 10.0

#: Where it listens if nothing is said.
ADDRESS: Final = {"host": "127.0.0.1", "port": 1344}


class Server:
    """What `run_server` yields: it has the interface of `asyncio.Server`.

    Other than there, who closes it need not wait for clients that stay
    connected: once they are answered they are told to go.
    """

    def __init__(self, icap: "_Listening", listener: asyncio.Server) -> None:
        self._icap = icap
        self._listener = listener
        self._closed = asyncio.Event()
        self._forever: asyncio.Future[None] | None = None

    @property
    def sockets(self) -> tuple[Any, ...]:
        """The sockets it listens on; none any more when it is closed."""
        return tuple(self._listener.sockets)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the event loop that it runs in."""
        return self._listener.get_loop()

    def is_serving(self) -> bool:
        """Return whether it accepts clients."""
        return self._listener.is_serving()

    async def start_serving(self) -> None:
        """Accept clients, where ``start_serving=False`` was among the options."""
        await self._listener.start_serving()

    async def serve_forever(self) -> None:
        """Accept clients until this is cancelled, or the server closed; then close it.

        Raises:
            RuntimeError: this is awaited elsewhere, or the server is closed.
            asyncio.CancelledError: it was cancelled, or the server was closed.
        """
        if self._forever is not None:
            raise RuntimeError("the server is already told to serve forever")
        if self._closed.is_set():
            raise RuntimeError("the server is closed")
        self._forever = asyncio.get_running_loop().create_future()
        try:
            await self.start_serving()
            await self._forever
        finally:
            self._forever = None
            self.close()

    def close(self) -> None:
        """Accept nobody more."""
        self._listener.close()
        self._closed.set()
        if self._forever is not None:
            self._forever.cancel()

    def close_clients(self) -> None:
        """Tell clients to go; who is being answered has the whole answer first."""
        for client in self._icap.clients():
            client.close()

    def abort_clients(self) -> None:
        """Cut all clients off."""
        for client in self._icap.clients():
            client.break_off()

    async def wait_closed(self) -> None:
        """Wait for `close`, and then until clients are answered: for 10 seconds at most.

        Who is cancelled here waits no longer; clients have their time all the same.
        """
        await self._closed.wait()
        await asyncio.shield(self._icap.close(GRACE))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        await self.wait_closed()


@asynccontextmanager
async def run_server(
    *,
    service_name_to_handler: Mapping[bytes, Handler | FunctionService],
    server_options: Mapping[str, Any] | None = None,
    settings: ICAPSettings = ICAPSettings(),  # noqa: B008 - it is immutable
    body_bytes: int = MOST_BODY,
) -> AsyncIterator[Server]:
    """Serve handlers until the end of the block, then until clients are answered.

    Args:
        service_name_to_handler: the handler of each path, without the slash
            that it begins with; one that `service_of` has made a service keeps
            what was said there. Any other path is answered 404.
        server_options: as `asyncio.start_server` takes them: ``host``, ``port``,
            ``sock``, ``ssl``, ``backlog`` and so on; ``limit`` is of no use
            here. None: 127.0.0.1, port 1344.
        settings: what clients may do, as in the table ``[icap]``. ``listen``
            does not count.
        body_bytes: the longest body that a handler gets, in bytes: it has all
            of it in memory. With a longer one, or one that is longer than the
            ``body_bytes`` of `settings`, the answer is 413.

    Raises:
        OSError: the address cannot be had.
        TypeError: there is no such option.
        ValueError: options that do not go together; two handlers have the same
            path; or a service says something of itself that cannot be.
    """
    settings = replace(settings, body_bytes=min(settings.body_bytes, body_bytes))
    icap = _Listening(_Handlers(service_name_to_handler, settings), settings)
    options = {"backlog": BACKLOG, **(ADDRESS if server_options is None else server_options)}
    options.pop("limit", None)  # of a buffer that there is none of
    async with AsyncExitStack() as stack:
        stack.push_async_callback(icap.close, GRACE)
        server = Server(icap, await icap.start(options))
        stack.callback(server.close)
        yield server


class _Listening(ICAPServer):
    """The ICAP server, listening as asyncio has it."""

    async def start(self, options: Mapping[str, Any]) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        self._tick()
        return await loop.create_server(lambda: Wire(self), **options)

    def clients(self) -> list[Wire]:
        return self._clients.all()


class _Handlers(Endpoints):
    """One handler under each path, whatever paths mean elsewhere, or none."""

    def __init__(
        self, handlers: Mapping[bytes, Handler | FunctionService], settings: ICAPSettings
    ) -> None:
        components: Any = Components()  # zope.interface has no annotations
        super().__init__(components, settings=settings)
        self._by_name: dict[str, Endpoint] = {}
        for path, handler in handlers.items():
            service = handler
            if not isinstance(service, FunctionService):
                service = service_of(service, body_bytes=settings.body_bytes)
            check_declarations(service)
            name = _name(path.decode("latin-1"))
            if name in self._by_name:
                raise ValueError(f"{path!r} is the path of another handler, too")
            self._by_name[name] = Endpoint(name, [self._candidate(name, service)], settings)

    def find(self, path: str) -> Endpoint:
        """Return the endpoint of a path, which may be one that answers 404."""
        name = _name(path)
        return self._by_name.get(name) or _Nowhere(name, (), self.settings)


class _Nowhere(Endpoint):
    """The endpoint of no handler: of use for the ISTag that each answer has, errors too."""

    def asked(self, method: str) -> Never:
        del method
        raise UnknownServiceError(f"no handler under /{quote(self.name[:80], errors='replace')}")

    def options(self, second: int, *, trailers: bool, close: bool) -> Answer:
        del second, trailers, close
        return self.asked("OPTIONS")


def _name(path: str) -> str:
    """Return a path as paths are compared: in plain characters, without slashes around it."""
    return unquote(path).strip("/")
