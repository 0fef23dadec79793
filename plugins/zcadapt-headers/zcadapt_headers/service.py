"""The service: which rules hold for a message, and what they make of its headers."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Final

from zope.interface import implementer

from zcadapt import Modify, Request
from zcadapt.interfaces import IICAPService
from zcadapt_headers.changes import Draft
from zcadapt_headers.options import Rule, Rules, read_rules

__all__ = ["HeaderChanges", "TimedHeaderChanges", "make_service"]


@implementer(IICAPService)
class HeaderChanges:
    """Changes headers where its rules hold; has no opinion where none does, or nothing changes."""

    preview: Final = 0  # the headers are enough

    def __init__(self, rules: Rules, version: str) -> None:
        self.rules = rules
        self.version = version
        needed = {
            "REQMOD": rules.presets + rules.requests,
            "RESPMOD": rules.responses,
        }
        self.methods = tuple(method for method in needed if needed[method]) or ("REQMOD",)

    def adapt(self, request: Request) -> Modify | None:
        """Return the changes of all rules that hold, one after the other."""
        rules = self.rules
        in_respmod = request.method == "RESPMOD"
        asked = rules.responses if in_respmod else rules.requests
        holding = [rule for rule in asked if rule.when.holds(request)]
        if not in_respmod and rules.hosts is not None and rules.hosts.holds(request):
            holding = _presets(rules.presets, request) + holding
        return _changed(holding, request) if holding else None


class TimedHeaderChanges(HeaderChanges):
    """The same, with rules that depend on the time."""

    @property
    def state(self) -> str:
        """Which of the times hold now."""
        return _state(self.rules)


def make_service(options: Mapping[str, object]) -> HeaderChanges:
    """Return the service that `options` describe.

    Raises:
        SettingsError: something in them is wrong; it tells all of that.
    """
    rules = read_rules(options)
    text = json.dumps(options, sort_keys=True, default=str)
    version = hashlib.sha256(text.encode()).hexdigest()[:16]
    # The state is read for each answer, so who needs none has none.
    return (TimedHeaderChanges if _state(rules) else HeaderChanges)(rules, version)


def _state(rules: Rules) -> str:
    each_of = (*rules.presets, *rules.requests, *rules.responses)
    return "".join([rule.when.state for rule in each_of])


def _presets(presets: Iterable[Rule], request: Request) -> list[Rule]:
    return [rule for rule in presets if rule.hosts.holds(request) and rule.when.holds(request)]


def _changed(rules: list[Rule], request: Request) -> Modify | None:
    http = request.http
    head = http.response if request.method == "RESPMOD" else http.request
    draft = Draft(head.headers)
    for rule in rules:
        for change in rule.changes:
            change.apply(draft)
    return draft.decision(", ".join([rule.name for rule in rules]))
