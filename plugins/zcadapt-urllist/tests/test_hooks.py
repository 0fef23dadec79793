"""The part in the server's life."""

import asyncio
import threading

import click
import pytest
from zcadapt_urllist import URLList
from zcadapt_urllist.hooks import Plugin
from zope.interface.registry import Components

from zcadapt.hooks import Hooks
from zcadapt.interfaces import IICAPService, IICPPolicy


@pytest.fixture
def registry():
    return Components()


def names(registry):
    return sorted(name for name, _ in registry.getUtilitiesFor(IICPPolicy))


def test_its_hooks_are_hooks():
    Hooks().add("urllist", Plugin())


@pytest.mark.parametrize("settings", [{}, {"when": {"clients": ["192.0.2.0/24"]}}])
def test_a_service_with_lists_is_a_policy_of_the_same_name(registry, service_of, settings):
    registry.registerUtility(service_of(a=(["a.example"], settings)), IICAPService, "10-a")
    registry.registerUtility(URLList({}), IICAPService, "20-none")
    Plugin().zcadapt_register(registry)
    assert names(registry) == ["10-a"]


def test_a_policy_that_has_the_name_already_keeps_it(registry, service_of):
    registry.registerUtility(service_of(a=(["a.example"], {})), IICAPService, "10-a")
    registry.registerUtility(len, IICPPolicy, "10-a")
    Plugin().zcadapt_register(registry)
    assert registry.getUtility(IICPPolicy, "10-a") is len


def test_who_is_not_configured_is_told_once(registry, caplog):
    caplog.set_level("INFO")
    registry.registerUtility(URLList({}), IICAPService, "urllist")
    Plugin().zcadapt_startup(registry)
    assert caplog.messages == ["service 'urllist' is not configured: it has no lists"]


def test_files_are_looked_after_from_start_to_end(registry, service_of):
    seen = threading.Event()
    service = service_of(a=(["a.example"], {}))

    def refresh(_):
        seen.set()
        raise OSError("and is tried again")

    service.refresh = refresh
    registry.registerUtility(service, IICAPService, "a")
    plugin = Plugin()
    plugin.zcadapt_startup(registry)
    assert seen.wait(30)
    seen.clear()
    assert seen.wait(30)
    asyncio.run(plugin.zcadapt_shutdown())
    assert not [each for each in threading.enumerate() if each.name == "zcadapt-urllist"]
    asyncio.run(plugin.zcadapt_shutdown())


def test_the_command_is_added():
    group = click.Group()
    Plugin().zcadapt_commands(group)
    assert sorted(group.commands["urllist"].commands) == ["build", "find"]
