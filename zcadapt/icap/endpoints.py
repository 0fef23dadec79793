"""The paths of ICAP URIs, and which services each consults.

``/NAME`` consults the service NAME and every service whose name begins with
``NAME/``; ``/reqmod`` and ``/respmod`` all services of that method; ``/`` all
of both. The settings add further paths. ``/echo`` is always there.

Where several of these claim a path the first of them has it: ``/``,
``/reqmod`` and ``/respmod``; the settings; the names of services; the built-in
``echo``. So a service called ``reqmod``, ``respmod`` or nothing at all has no
path of its own, and is consulted under ``/`` like any other; the settings can
give it one. Paths and names are compared without the slashes around them, and
what cannot stand in a path is written with ``%`` in it, as in any URI.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from operator import attrgetter
from time import monotonic
from typing import Any, Final
from urllib.parse import quote, unquote

from zope.interface.interfaces import IComponents

from zcadapt.icap.decisions import Decision, Pairs, block
from zcadapt.icap.declarations import check_declarations
from zcadapt.icap.echo import echo
from zcadapt.icap.endpoint import METHODS, Endpoint
from zcadapt.icap.errors import ServiceFailedError, UnknownServiceError
from zcadapt.icap.request import Request
from zcadapt.icap.service import FunctionService
from zcadapt.icap.settings import ICAPSettings
from zcadapt.icap.unable import UnableError
from zcadapt.interfaces import IICAPService
from zcadapt.overrides import UtilitySettings
from zcadapt.registry import Utilities
from zcadapt.rule import DEFAULT_TIMEOUT, Candidate

__all__ = ["Endpoints"]

logger = logging.getLogger("zcadapt.icap")

ECHO: Final = "echo"
ALL: Final = {"": METHODS, "reqmod": ("REQMOD",), "respmod": ("RESPMOD",)}

Fingerprint = Callable[[str, Any], str]


class Endpoints:
    """What answers under which path.

    Args:
        components: the registry; a registration counts from the next request.
        aliases: further paths, each with the names that it consults, among
            which ``echo`` may be.
        overrides: what an administrator set for the service of a name.
        settings: the table ``[icap]``.
        fingerprint: returns, for a (name, service), what is known of its
            version and settings: part of the ISTag.
    """

    def __init__(
        self,
        components: IComponents,
        *,
        settings: ICAPSettings,
        aliases: Mapping[str, Sequence[str]] | None = None,
        overrides: Mapping[str, UtilitySettings] | None = None,
        fingerprint: Fingerprint = lambda name, service: "",  # noqa: ARG005 - nothing is known
    ) -> None:
        self.components = components
        self.settings = settings
        self._aliases = {
            path.strip("/"): tuple(name.strip("/") for name in names)
            for path, names in (aliases or {}).items()
        }
        self._overrides = dict(overrides or {})
        self._fingerprint = fingerprint
        self._services = Utilities(components, IICAPService, self._candidate)
        self._echo = Candidate(ECHO, echo, echo.adapt, valid=_is_decision, on_failure=_raise)
        self._known: dict[str, Endpoint] = {}  # by the path as some client spells it
        self._made: dict[str, Endpoint] = {}  # by the name, one for all spellings
        self._seen = -1  # the generation of services that these are made of
        self._hinted = 0.0  # when an unknown path was last told what there is

    def services(self) -> tuple[Candidate, ...]:
        """Return all services in the order of their names."""
        return self._services()

    def find(self, path: str) -> Endpoint:
        """Return the endpoint of the path of an ICAP URI.

        Raises:
            UnknownServiceError: no service is consulted there.
        """
        if self._services.has_changed or self._seen != self._services.generation:
            self._services()
            self._seen = self._services.generation
            self._known.clear()
            self._made.clear()
        return self._known.get(path) or self._spelt(path)

    def names(self) -> list[str]:
        """Return the paths that lead somewhere, without their slashes."""
        names = {candidate.name.strip("/") for candidate in self._services()}
        groups = {name.partition("/")[0] for name in names}
        return sorted({*names, *groups, *ALL, *self._aliases, ECHO} - {""})

    def _spelt(self, path: str) -> Endpoint:
        """Return the endpoint of a path that is not spelt as one before."""
        name = unquote(path).strip("/")
        endpoint = self._made.get(name)
        if endpoint is None:
            # Only names that lead somewhere are kept: they are as few as the services.
            endpoint = self._made[name] = self._make(name)
        if len(self._known) >= MOST_SPELLINGS:
            self._known.clear()
        self._known[path] = endpoint
        return endpoint

    def _make(self, name: str) -> Endpoint:
        services = self._services()
        if name in ALL:
            return Endpoint(
                name, services, self.settings, methods=ALL[name], fingerprint=self._fingerprint
            )
        wanted = self._aliases.get(name, (name,))
        chosen = [service for service in services if _is_wanted(service, wanted)]
        if ECHO in wanted and not any(_is_wanted(each, (ECHO,)) for each in chosen):
            chosen = sorted([*chosen, self._echo], key=attrgetter("name"))
        if not chosen:
            raise UnknownServiceError(self._no_service(name))
        return Endpoint(name, chosen, self.settings, fingerprint=self._fingerprint)

    def _no_service(self, name: str) -> str:
        """Return what a log says of an unknown path; what there is, once in a second only."""
        now = monotonic()
        if now - self._hinted < 1:
            return f"no service under /{_quoted(name[:80])}"
        self._hinted = now
        known = self.names()
        near = get_close_matches(name, known[:MOST_COMPARED], n=1)
        hint = f"; the nearest is /{_quoted(near[0])}" if near else ""
        listed = ", ".join(f"/{_quoted(each)}" for each in known[:20])
        return f"no service under /{_quoted(name[:80])}{hint}; there are {listed}"

    def _candidate(self, name: str, service: Any) -> Candidate:  # noqa: ANN401 - IICAPService
        override = self._overrides.get(name, UtilitySettings())
        try:
            check_declarations(service)
            on_error = override.on_error or getattr(service, "on_error", None) or "error"
            timeout = override.timeout or getattr(service, "timeout", None) or DEFAULT_TIMEOUT
            ask, on_failure = service.adapt, ON_FAILURE[on_error]
        except Exception as error:  # noqa: BLE001 - a plugin's attributes may be anything
            logger.error("service %r is left out: %s: %s", name, type(error).__name__, error)  # noqa: TRY400
            service, ask, on_failure, timeout = NEVER_ASKED, echo.adapt, _skip, None
        return Candidate(
            name, service, ask, valid=_is_decision, on_failure=on_failure, timeout=timeout
        )


def _is_wanted(service: Candidate, wanted: Iterable[str]) -> bool:
    name = service.name.strip("/")
    return any(name == each or name.startswith(each + "/") for each in wanted)


def _quoted(name: str) -> str:
    """Return `name` as it stands in a path."""
    return quote(name, errors="replace")


#: Stands where a service was registered that cannot be one.
NEVER_ASKED: Final = FunctionService(echo.adapt, ())

#: Spellings of paths that are kept; a client has one or two.
MOST_SPELLINGS: Final = 256
#: Characters of what a service tells of its failure that are logged.
MOST_TOLD: Final = 500
#: Names that one that is not known is compared with; each costs some 20 µs.
MOST_COMPARED: Final = 256


def _is_decision(answer: object) -> bool:
    return isinstance(answer, Decision)


def _log_failure(candidate: Candidate, request: Request, error: BaseException) -> None:
    kind = {"kind": candidate.name}  # a flood of one does not hide another in the log
    if isinstance(error, UnableError):
        why = ", ".join(map(str, error.args))[:MOST_TOLD]  # a plugin's __str__ may do anything
        logger.error("service %r cannot decide on %r: %s", candidate.name, request, why, extra=kind)
        return
    what = "took too long" if isinstance(error, TimeoutError) else "failed"
    logger.error("service %r %s for %r", candidate.name, what, request, exc_info=error, extra=kind)


def _raise(candidate: Candidate, request: Request, error: BaseException) -> Any:  # noqa: ANN401
    _log_failure(candidate, request, error)
    failed = ServiceFailedError(f"service {candidate.name!r} failed")
    failed.icap_headers = _headers_of(error)
    raise failed from error


def _skip(candidate: Candidate, request: Request, error: BaseException) -> None:
    _log_failure(candidate, request, error)


def _block(candidate: Candidate, request: Request, error: BaseException) -> Decision:
    _log_failure(candidate, request, error)
    headers = _headers_of(error)
    return block(request, reason="It could not be checked.", icap_headers=headers)


def _headers_of(error: BaseException) -> Pairs:
    return error.icap_headers if isinstance(error, UnableError) else ()


ON_FAILURE: Final = {"error": _raise, "skip": _skip, "block": _block}
