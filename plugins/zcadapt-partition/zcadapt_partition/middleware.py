"""What an application tells of itself: a WSGI and an ASGI middleware.

Each notes the key of a request in a `Table` when the answer begins, unless that
is an error: who asks for what there is not, leaves nothing in the memory of the
application, and shall leave nothing here. What goes wrong with that is told in
the log, and neither the application nor its server sees it.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from time import monotonic
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from zcadapt_partition.keys import Key
from zcadapt_partition.table import Table

__all__ = ["ASGIAffinity", "WSGIAffinity"]

log = logging.getLogger(__name__)

#: Seconds between two lines in the log about what cannot be noted.
SILENCE: Final = 60.0

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _Notes:
    """Notes keys in a table, and never fails the application."""

    def __init__(self, table: Table, key_of: Callable[[Key, Mapping[str, Any]], bytes]) -> None:
        self._table = table
        self._key_of = key_of
        self._silent_until = float("-inf")

    def key(self, request: Mapping[str, Any]) -> bytes | None:
        """Return the key of a request, ``None`` where it has none."""
        try:
            return self._key_of(self._table.key, request)
        except Exception as error:  # noqa: BLE001 - servers send what they like
            self._tell(error)
            return None

    def note(self, key: bytes | None, status: object) -> None:
        """Count a request with this key, unless `status` says that it was in error."""
        try:
            if key is not None and str(status)[:1] in {"1", "2", "3"}:
                self._table.note(key)
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer goes out
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        if monotonic() >= self._silent_until:
            self._silent_until = monotonic() + SILENCE
            why = type(error).__name__
            log.warning("what was handled cannot be noted: %s: %.200s", why, error)


class WSGIAffinity:
    """A WSGI application that notes in `table` what `application` handles."""

    def __init__(self, application: Callable[..., Iterable[bytes]], table: Table) -> None:
        self._application = application
        self._notes = _Notes(table, _key_of_environ)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Handle a request (PEP 3333)."""
        key = self._notes.key(environ)  # now: the application may change what is in there

        def start(status: str, *more: Any, **named: Any) -> Any:  # noqa: ANN401 - handed on
            self._notes.note(key, status)
            return start_response(status, *more, **named)

        return self._application(environ, start)


class ASGIAffinity:
    """An ASGI application that notes in `table` what `application` handles."""

    def __init__(
        self, application: Callable[[Scope, Receive, Send], Awaitable[None]], table: Table
    ) -> None:
        self._application = application
        self._notes = _Notes(table, _key_of_scope)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a connection; those of HTTP are noted (ASGI 3)."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        key = self._notes.key(scope)  # now, as above

        async def noting(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self._notes.note(key, message.get("status"))
            await send(message)

        await self._application(scope, receive, noting)


def _key_of_environ(key: Key, environ: Mapping[str, Any]) -> bytes:
    host = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return key.of(host, path.encode("latin-1"), environ.get("QUERY_STRING", ""))


def _key_of_scope(key: Key, scope: Mapping[str, Any]) -> bytes:
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    raw = scope.get("raw_path")
    if raw is None:
        path = scope["path"].encode("utf-8", "surrogateescape")
    else:
        path = unquote_to_bytes(raw.partition(b"?")[0])
    return key.of(host.decode("latin-1"), path, scope.get("query_string", b"").decode("latin-1"))
