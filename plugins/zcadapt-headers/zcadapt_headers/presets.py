"""Tenant restrictions: the headers by which services let in the accounts of some tenants only.

What a vendor documents, as of the day of the release; the README names the pages.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from typing import Any, Final, NamedTuple

from zcadapt import Conditions, Format, setting

__all__ = ["MOST_ENTERPRISES", "PRESETS", "GitHub", "Preset", "Presets"]


def _like(expected: str, pattern: str) -> Format:
    expression = re.compile(pattern)

    def check(text: str) -> None:
        if expression.fullmatch(text) is None:
            raise ValueError

    return Format(expected, check)


_HEX: Final = "[0-9a-fA-F]"
_GUID: Final = f"{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}"
_DOMAIN: Final = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{1,62}"

GUID: Final = _like('an ID such as "01234567-89ab-cdef-0123-456789abcdef"', _GUID)
DOMAIN: Final = _like('a domain such as "example.com"', _DOMAIN)
TENANT: Final = _like("a domain or the ID of a directory", f"{_DOMAIN}|{_GUID}")
GOOGLE: Final = _like('a domain, or "consumer_accounts"', f"{_DOMAIN}|consumer_accounts")
SLACK: Final = _like("the ID of a workspace (T...) or an organisation (E...)", "[TE][A-Z0-9]{2,30}")
#: So many GitHub takes.
MOST_ENTERPRISES: Final = 20
WORD: Final = _like("an ID, without commas and blanks", r"[!-+\--~]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Restriction:
    when: Conditions = setting(Conditions({}), "For whom, and when, it applies.")


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleWorkspace(_Restriction):
    """Accounts of some domains only."""

    domains: tuple[str, ...] = setting(MISSING, "The domains whose accounts get in.", format=GOOGLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Microsoft365(_Restriction):
    """Accounts of some tenants only (tenant restrictions, version 1)."""

    tenants: tuple[str, ...] = setting(MISSING, "The tenants that are let in.", format=TENANT)
    context: str = setting(MISSING, "The ID of the directory that says so.", format=GUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Microsoft365V2(_Restriction):
    """What a policy in Entra says (tenant restrictions, version 2)."""

    tenant: str = setting(MISSING, "The ID of the tenant.", format=GUID)
    policy: str = setting(MISSING, "The ID of its cross-tenant access policy.", format=GUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrosoftConsumer(_Restriction):
    """No consumer accounts of Microsoft's; there is nothing to set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YouTube(_Restriction):
    """Restricted mode."""

    mode: str = setting(MISSING, "How much is hidden.", choices=("strict", "moderate"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack(_Restriction):
    """Some workspaces only."""

    requester: str = setting(MISSING, "The ID of one's own, which asks for this.", format=SLACK)
    workspaces: tuple[str, ...] = setting(MISSING, "The IDs that are let in.", format=SLACK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropbox(_Restriction):
    """Accounts of some teams only."""

    teams: tuple[str, ...] = setting(MISSING, "The IDs of the teams.", format=WORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webex(_Restriction):
    """Users of some domains only."""

    domains: tuple[str, ...] = setting(MISSING, "The domains of the users.", format=DOMAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHub(_Restriction):
    """Accounts of some enterprises only."""

    enterprises: tuple[str, ...] = setting(MISSING, "The IDs of the enterprises.", format=WORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatGPT(_Restriction):
    """Some workspaces only."""

    workspaces: tuple[str, ...] = setting(MISSING, "The IDs of the workspaces.", format=GUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claude(_Restriction):
    """Accounts of some organisations only."""

    organizations: tuple[str, ...] = setting(MISSING, "The IDs of the organisations.", format=GUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presets:
    """The table ``presets``: none, where its name is not there."""

    google_workspace: GoogleWorkspace | None = setting(None, GoogleWorkspace.__doc__ or "")
    microsoft_365: Microsoft365 | None = setting(None, Microsoft365.__doc__ or "")
    microsoft_365_v2: Microsoft365V2 | None = setting(None, Microsoft365V2.__doc__ or "")
    microsoft_consumer: MicrosoftConsumer | None = setting(None, MicrosoftConsumer.__doc__ or "")
    youtube: YouTube | None = setting(None, YouTube.__doc__ or "")
    slack: Slack | None = setting(None, Slack.__doc__ or "")
    dropbox: Dropbox | None = setting(None, Dropbox.__doc__ or "")
    webex: Webex | None = setting(None, Webex.__doc__ or "")
    github: GitHub | None = setting(None, GitHub.__doc__ or "")
    chatgpt: ChatGPT | None = setting(None, ChatGPT.__doc__ or "")
    claude: Claude | None = setting(None, Claude.__doc__ or "")


class Preset(NamedTuple):
    """Where a preset applies, and the headers that it sets there."""

    hosts: tuple[str, ...]  #: in the words of `zcadapt.Conditions`
    headers: Callable[[Any], Mapping[str, str]]


_ENTRA: Final = ("login.microsoftonline.com", "login.microsoft.com", "login.windows.net")

PRESETS: Final[Mapping[str, Preset]] = {
    "google_workspace": Preset(
        (".google.com",), lambda it: {"X-GoogApps-Allowed-Domains": ",".join(it.domains)}
    ),
    "microsoft_365": Preset(
        _ENTRA,
        lambda it: {
            "Restrict-Access-To-Tenants": ",".join(it.tenants),
            "Restrict-Access-Context": it.context,
        },
    ),
    "microsoft_365_v2": Preset(
        (*_ENTRA, "login.live.com"),
        lambda it: {"sec-Restrict-Tenant-Access-Policy": f"{it.tenant}:{it.policy}"},
    ),
    "microsoft_consumer": Preset(
        ("login.live.com",), lambda _: {"sec-Restrict-Tenant-Access-Policy": "restrict-msa"}
    ),
    "youtube": Preset(
        (
            "www.youtube.com",
            "m.youtube.com",
            "youtubei.googleapis.com",
            "youtube.googleapis.com",
            "www.youtube-nocookie.com",
        ),
        lambda it: {"YouTube-Restrict": it.mode.title()},
    ),
    "slack": Preset(
        (".slack.com",),
        lambda it: {
            "X-Slack-Allowed-Workspaces-Requester": it.requester,
            "X-Slack-Allowed-Workspaces": ",".join(it.workspaces),
        },
    ),
    "dropbox": Preset(
        (".dropbox.com", ".dropboxapi.com"),
        lambda it: {"X-Dropbox-allowed-Team-Ids": ",".join(it.teams)},
    ),
    "webex": Preset(
        (
            "identity.webex.com",
            "identity-eu.webex.com",
            "identity-ca.webex.com",
            "idbroker.webex.com",
            "idbroker-secondary.webex.com",
            "idbroker-b-us.webex.com",
            "idbroker-eu.webex.com",
            "idbroker-ca.webex.com",
            "atlas-a.wbx2.com",
        ),
        lambda it: {"CiscoSpark-Allowed-Domains": ",".join(it.domains)},
    ),
    "github": Preset(
        ("github.com", "api.github.com", ".githubcopilot.com"),
        lambda it: {"sec-GitHub-allowed-enterprise": ", ".join(it.enterprises)},
    ),
    "chatgpt": Preset(
        (".chatgpt.com",), lambda it: {"ChatGPT-Allowed-Workspace-Id": ",".join(it.workspaces)}
    ),
    "claude": Preset(
        (".claude.ai", "api.anthropic.com"),
        lambda it: {"anthropic-allowed-org-ids": ",".join(it.organizations)},
    ),
}
