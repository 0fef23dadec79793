"""What can be set."""

from dataclasses import dataclass
from typing import Any, Final

from zcadapt import Conditions, Format, SettingsError, parse_address, setting

__all__ = ["ClamAVSettings", "where"]

DAY: Final = 86400
MIB: Final = 1024 * 1024
GIB: Final = 1024 * MIB


def where(text: str) -> str | tuple[str, int]:
    """Return where clamd listens: the path of a Unix socket, or (host, port).

    Raises:
        ValueError: it is neither.

    >>> where('/run/clamav/clamd.ctl')
    '/run/clamav/clamd.ctl'
    >>> where('scanner.example:3310')
    ('scanner.example', 3310)
    """
    if text.startswith("/"):
        return text
    address = parse_address(text)
    return address.host, address.port


def _check_type(text: str) -> None:
    if text.count("/") != 1 or ";" in text or " " in text:
        raise ValueError


def _check_host(text: str) -> None:
    try:
        Conditions({"hosts": [text]})
    except SettingsError as error:
        *_, why = error.problems[0].what.rpartition('": ')
        raise ValueError(why if why != error.problems[0].what else "") from error


CLAMD: Final = Format("the path of a socket or HOST:PORT", where)
TYPE: Final = Format('a media type, such as "video/mp4" or "video/*"', _check_type)
HOST: Final = Format("a host, or a domain that begins with a dot", _check_host)


def _action(default: str, when: str) -> Any:  # noqa: ANN401 - as `setting`
    return setting(default, f"What happens {when}.", choices=("allow", "block", "error"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClamAVSettings:
    """The table of the service."""

    clamd: tuple[str, ...] = setting(
        (),
        "Where clamd listens, the path of its socket or HOST:PORT; the first that can be reached "
        "is asked. Where none is named: the sockets that distributions use, if there is one.",
        format=CLAMD,
    )
    connections: int = setting(
        10, "How many bodies are scanned at once, by one worker.", least=1, most=1000
    )
    queue_timeout: float = setting(
        5.0,
        "Seconds that a body waits, each time, until one of these connections is free.",
        least=0,
    )
    connect_timeout: float = setting(2.0, "Seconds that connecting may take.", least=0.01)
    scan_timeout: float = setting(
        60.0,
        "Seconds that clamd may take for one message in all; waiting for the client does "
        "not count.",
        least=0.01,
    )
    patience: float = setting(
        5.0,
        "Seconds that clamd may be away, to be restarted, while bodies wait for it.",
        least=0,
    )
    preview: int = setting(
        4096, "Bytes of a body that are asked for before anything is decided.", least=0, most=65536
    )

    skip_types: tuple[str, ...] = setting(
        (), "Media types that are not scanned, as the message tells them.", format=TYPE
    )
    skip_hosts: tuple[str, ...] = setting(
        (),
        "Hosts whose messages are not scanned; with a dot before, all below them, too.",
        format=HOST,
    )
    skip_larger: int = setting(
        0, "Bodies of more bytes than that are not scanned; 0: they are.", least=0
    )

    json: bool = setting(
        False,  # noqa: FBT003 - a default
        "Whether base64 in JSON documents that are uploaded is scanned decoded as well.",
    )
    json_strings: int = setting(
        100,
        "How many strings of 1024 characters or more may be base64 in a JSON document; of shorter "
        "ones so many are scanned each by itself, and all others in one.",
        least=1,
        most=100_000,
    )
    parts: int = setting(1000, "How many parts a form may have.", least=1, most=100_000)
    expanded: int = setting(
        GIB, "Bytes that a body may become when its content codings are undone.", least=1
    )
    expansion: int = setting(
        250, "How many times as large it may become so, beyond 16 MiB.", least=1
    )

    too_large: str = _action("allow", "to what is larger than clamd takes (StreamMaxLength)")
    undecodable: str = _action("block", "to what cannot be decoded or taken apart")
    encrypted: str = _action("block", "to what clamd calls encrypted (AlertEncrypted)")
    down: str = _action("error", "while clamd cannot be reached")
    slow: str = _action("error", "when clamd takes too long")
    reloading: str = _action("error", "when clamd accepts connections, and answers nobody")

    version_interval: float = setting(
        30.0, "Seconds between two looks at the version of clamd's database.", least=0.1
    )
    database: str = setting(
        "",
        "The folder where this clamd has its signatures (DatabaseDirectory), if it is on this "
        "machine: signatures of one's own are noticed when they change. Empty: only those that "
        "clamd tells the version of (daily) are.",
    )
    remember: float = setting(
        3600.0, "Seconds for which a verdict is remembered; 0: not at all.", least=0, most=30 * DAY
    )
    remember_in_memory: int = setting(
        10_000, "How many verdicts a worker keeps in memory.", least=0, most=10_000_000
    )
    remember_on_disk: int = setting(
        1_000_000, "How many verdicts are kept on disk; 0: none.", least=0, most=100_000_000
    )
    store: str = setting(
        "",
        "The file for them, shared by workers. Empty: zcadapt/clamav.sqlite3 in the cache folder "
        "($CACHE_DIRECTORY, $XDG_CACHE_HOME or ~/.cache).",
    )
