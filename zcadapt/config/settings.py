"""All that can be set: one class for each table of the settings file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zcadapt.blockpage import BlockSettings
from zcadapt.fields import setting
from zcadapt.icap.settings import ICAPSettings
from zcadapt.icp.settings import ICPSettings
from zcadapt.overrides import UtilitySettings

__all__ = ["LogSettings", "PluginTable", "ServerSettings", "Settings", "UtilityTable"]


def rest(text: str) -> Any:  # noqa: ANN401 - as setting
    """Return the field that takes the keys of a table which are no settings of ours."""
    return field(default_factory=dict, metadata={"text": text, "rest": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """The table ``[server]``."""

    grace: float = setting(
        10.0, "Seconds that running requests have to end when the server stops.", least=0, most=3600
    )
    threads: int = setting(
        32,
        "How many services and policies that block may run at once, not counting those that "
        "wait for their client's bytes.",
        least=1,
        most=1024,
    )
    waiting_threads: int = setting(
        512,
        "How many threads there may be beyond these, for those that wait for their client's "
        "bytes; while none is left no further one begins.",
        least=0,
        most=4096,
    )
    loop: str = setting(
        "auto",
        "The event loop; auto takes uvloop where it is installed.",
        choices=("auto", "uvloop", "asyncio"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """The table ``[log]``."""

    level: str = setting(
        "info",
        "The least of what is logged.",
        choices=("debug", "info", "warning", "error"),
    )
    repeats: int = setting(
        10,
        "How many lines of one kind are written in a minute; further ones are only counted.",
        least=1,
        most=1_000_000,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityTable(UtilitySettings):
    """A table ``[services.NAME]`` or ``[policies.NAME]``; the name decides the order."""

    use: str | None = setting(
        None, "The name of the entry point that makes it; without it, the name of the table."
    )
    enabled: bool = setting(default=True, text="Whether there is such a utility at all.")
    options: Mapping[str, object] = rest("What the entry point's factory is called with.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginTable:
    """A table ``[plugins.NAME]``; the name is that of the entry point."""

    enabled: bool = setting(default=True, text="Whether the plugin's hooks are called.")
    options: Mapping[str, object] = rest("What the plugin itself reads from the settings.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole settings file."""

    server: ServerSettings = field(default_factory=ServerSettings)
    log: LogSettings = field(default_factory=LogSettings)
    icap: ICAPSettings = field(default_factory=ICAPSettings)
    icp: ICPSettings = field(default_factory=ICPSettings)
    block: BlockSettings = field(default_factory=BlockSettings)
    services: Mapping[str, UtilityTable] = field(default_factory=dict)
    policies: Mapping[str, UtilityTable] = field(default_factory=dict)
    plugins: Mapping[str, PluginTable] = field(default_factory=dict)
    endpoints: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict,
        metadata={
            "text": "Further paths of ICAP URIs, each with the names of the services it consults.",
            "least": None,
            "most": None,
            "choices": (),
        },
    )
