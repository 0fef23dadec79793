"""What an application tells of itself: a WSGI and an ASGI middleware.

Each notes the key of a request in a `Table` when the answer begins, unless that
is an error: who asks for what there is not, leaves nothing in the memory of the
application, and shall leave nothing here.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from time import monotonic
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from zcadapt_partition.table import Table

__all__ = ["ASGIAffinity", "WSGIAffinity"]

log = logging.getLogger(__name__)

FIRST_ERROR: Final = 400
#: Seconds between two lines in the log about a table that cannot be written.
SILENCE: Final = 60.0

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _Notes:
    """Notes keys in a table, and never fails the application."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._silent_until = float("-inf")

    def note(self, host: str, path: bytes, query: str) -> None:
        """Count a request for this path of this host."""
        table = self._table
        try:
            table.note(table.key.of(host, path, query))
        except OSError as error:
            if monotonic() >= self._silent_until:
                self._silent_until = monotonic() + SILENCE
                log.warning("the table of what was handled cannot be written: %s", error)


class WSGIAffinity:
    """A WSGI application that notes in `table` what `application` handles."""

    def __init__(self, application: Callable[..., Iterable[bytes]], table: Table) -> None:
        self._application = application
        self._notes = _Notes(table)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Handle a request (PEP 3333)."""
        host = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
        # Now: the application may change what is in there.
        path = (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1")
        query = environ.get("QUERY_STRING", "")

        def start(status: str, *more: Any, **named: Any) -> Any:  # noqa: ANN401 - handed on
            if status[:1] in {"1", "2", "3"}:
                self._notes.note(host, path, query)
            return start_response(status, *more, **named)

        return self._application(environ, start)


class ASGIAffinity:
    """An ASGI application that notes in `table` what `application` handles."""

    def __init__(
        self, application: Callable[[Scope, Receive, Send], Awaitable[None]], table: Table
    ) -> None:
        self._application = application
        self._notes = _Notes(table)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a connection; those of HTTP are noted (ASGI 3)."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        raw = scope.get("raw_path")
        path = scope["path"].encode("utf-8", "surrogateescape")
        path = path if raw is None else unquote_to_bytes(raw.partition(b"?")[0])
        query = scope.get("query_string", b"").decode("latin-1")

        async def noting(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and message["status"] < FIRST_ERROR:
                self._notes.note(host.decode("latin-1"), path, query)
            await send(message)

        await self._application(scope, receive, noting)
