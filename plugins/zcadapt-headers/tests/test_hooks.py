"""The part in the server's life."""

import logging

from zcadapt_headers import hooks, make_service
from zope.interface.registry import Components

from zcadapt.hooks import Hooks
from zcadapt.interfaces import IICAPService


def test_its_hooks_are_hooks():
    Hooks().add("headers", hooks)


def test_who_is_not_configured_is_told_by_name(caplog):
    caplog.set_level(logging.INFO)
    registry = Components()
    rule = {"remove": ["A"]}
    for name, options in {
        "10-a": {"rules": [rule]},
        "20-b": {"rules": [{**rule, "to": "response"}]},
        "30-c": {"presets": {"microsoft_consumer": {}}},
        "zz-headers": {},
    }.items():
        registry.registerUtility(make_service(options), IICAPService, name)
    assert not caplog.records
    hooks.zcadapt_startup(registry)
    assert caplog.messages == [
        "service 'zz-headers' is not configured: it has no rules and no presets"
    ]
