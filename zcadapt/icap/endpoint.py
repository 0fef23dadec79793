"""One endpoint: the services consulted under a path, and the answers that follow from them."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from zcadapt.icap.answer import CLOSE, Answer, field
from zcadapt.icap.errors import WrongMethodError
from zcadapt.icap.options import http_date, istag, options_fields
from zcadapt.icap.settings import ICAPSettings
from zcadapt.rule import Candidate
from zcadapt.version import VERSION

__all__ = ["METHODS", "Endpoint"]

logger = logging.getLogger("zcadapt.icap")

METHODS: Final = ("REQMOD", "RESPMOD")

#: The longest preview that is asked for: of more Squid 5.7 holds no more than this, and hangs.
MOST_PREVIEW: Final = 65535


class Endpoint:
    """What is consulted for a path.

    Attributes:
        name: the path, without slashes around it.
        services: the candidates, in the order of their names.
        methods: the methods it answers.
    """

    def __init__(
        self,
        name: str,
        services: Iterable[Candidate],
        settings: ICAPSettings,
        *,
        methods: Sequence[str] = (),
        fingerprint: Callable[[str, Any], str] = lambda name, service: "",  # noqa: ARG005
    ) -> None:
        self.name = name
        self.services = tuple(services)
        self.methods = tuple(m for m in METHODS if m in methods or (not methods and self._ask(m)))
        self._settings = settings
        self._by_method = {method: self._ask(method) for method in self.methods}
        self._previews = {
            method: max((service.utility.preview for service in asked), default=0)
            for method, asked in self._by_method.items()
        }
        self._constant = tuple(
            f"{each.name} {fingerprint(each.name, each.utility)} {_version(each.utility)}"
            for each in self.services
        )
        self._stateful = tuple(
            service.utility for service in self.services if _has_state(service.utility)
        )
        self._states: tuple[str, ...] = ()
        self._is_told = False  # that a state cannot be read
        self._second = -1
        self._fields = b""
        self._unmodified = Answer(204, b"")
        self._options: dict[tuple[bool, bool], Answer] = {}

    def _ask(self, method: str) -> tuple[Candidate, ...]:
        return tuple(each for each in self.services if method in each.utility.methods)

    def asked(self, method: str) -> tuple[Candidate, ...]:
        """Return who is asked about a message.

        Raises:
            WrongMethodError: the endpoint does not serve `method`.
        """
        try:
            return self._by_method[method]
        except KeyError:
            served = ", ".join(self.methods)
            raise WrongMethodError(f"/{self.name} serves {served}, not {method}") from None

    def preview(self, method: str) -> int:
        """Return how many bytes of a body those who are asked want to see first."""
        return self._previews[method]

    def fields(self, second: int) -> bytes:
        """Return the header lines that every answer has; `second` is the time, for Date."""
        if second != self._second or self._stateful:
            self._renew(second)
        return self._fields

    def unmodified(self, second: int) -> Answer:
        """Return the answer 204."""
        if second != self._second or self._stateful:
            self._renew(second)
        return self._unmodified

    def options(self, second: int, *, trailers: bool, close: bool) -> Answer:
        """Return the answer to OPTIONS; `trailers` and `close` are what it offers and says."""
        fields = self.fields(second)
        answer = self._options.get((trailers, close))
        if answer is None:
            fields += self._options_fields(trailers=trailers) + (CLOSE if close else b"")
            answer = self._options[trailers, close] = Answer(200, fields)
        return answer

    def _options_fields(self, *, trailers: bool) -> bytes:
        utilities = [service.utility for service in self.services]
        complete = {ext for each in utilities for ext in getattr(each, "transfer_complete", ())}
        return options_fields(
            methods=self.methods,
            service=f"zcadapt {VERSION}",
            service_id=_label(self.name),
            connections=self._settings.connections,
            ttl=self._settings.options_ttl,
            preview=min(max(self._previews.values(), default=0), MOST_PREVIEW),
            ignore=_shared(utilities),
            complete=sorted(complete),
            trailers=trailers,
        )

    def _read_states(self) -> tuple[str, ...]:
        try:
            return tuple([f"{each.state}" for each in self._stateful])
        except Exception:
            if not self._is_told:
                logger.exception("the state of a service under /%s cannot be read", self.name)
                self._is_told = True
            return self._states

    def _renew(self, second: int) -> None:
        """Make anew what the second, or a service's state, has changed."""
        states = self._read_states()
        if second == self._second and states == self._states:
            return
        self._second = second
        self._states = states
        tag = istag((VERSION, *self._constant, *states))
        self._fields = field("ISTag", f'"{tag}"') + field("Date", http_date(second))
        self._unmodified = Answer(204, self._fields)
        self._options.clear()


def _has_state(service: object) -> bool:
    try:
        return hasattr(service, "state")
    except Exception:  # noqa: BLE001 - it has one, which cannot be read now
        return True


def _version(service: object) -> str:
    kind = service if hasattr(service, "__qualname__") else type(service)
    name = getattr(kind, "__qualname__", "")
    return f"{getattr(kind, '__module__', '')}:{name} {getattr(service, 'version', '')}"


def _label(name: str) -> str:
    """Return `name` as a token, for Service-ID."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in name)[:64] or "zcadapt"


def _shared(utilities: Sequence[Any]) -> list[str]:
    """Return the file extensions that no service needs to see."""
    sets = [set(getattr(each, "transfer_ignore", ())) for each in utilities]
    return sorted(set.intersection(*sets)) if sets else []
