"""What a how-to page tells an administrator to write, taken from it and used."""

import contextlib
import os
import re
import sys
import tempfile
import textwrap
from pathlib import Path
from types import MappingProxyType

from programs import ready, running, until

from .icap_servers import Server
from .squid import REST, Squid

HERE = Path(__file__).parent
HOWTO = HERE.parents[1] / "docs" / "howto"
BLOCK = re.compile(
    r"^\.\. code-block:: (?P<language>\S+)\n"
    r"(?:   :name: (?P<name>\S+)\n)?\n(?P<text>(?:   .*\n|\n)+)",
    re.MULTILINE,
)
PAGES = ["squid", "squid-peers", "troubleshooting"]
HOSTS = MappingProxyType(
    dict.fromkeys(["www.bank.example", "www.updates.example", "walled.test"], "127.0.0.1")
)
FRONT = "http_port 127.0.0.1:{port}\nhttp_access allow all\n"


def blocks(page, language="squid"):
    """Return the blocks of a page that are in a language, by their names."""
    found = [each for each in BLOCK.finditer(page_text(page)) if each["language"] == language]
    return {each["name"]: textwrap.dedent(each["text"]).strip("\n") + "\n" for each in found}


def page_text(page):
    return (HOWTO / f"{page}.rst").read_text()


def shows(page, words):
    """Whether a page shows these words as those of a program."""
    return any(words in literal for literal in re.findall(r"``(.+?)``", page_text(page), re.DOTALL))


def adjusted(text, changes):
    """Return `text` with each key of `changes`, which must be in it, replaced by its value."""
    for old, new in changes.items():
        assert old in text, f"{old!r} is not in:\n{text}"
        text = text.replace(old, str(new))
    return text


def placed(text, places):
    """Return `adjusted` text for what stands before the rest of a squid.conf.

    In the values of `places`, ``{folder}`` and ``{port}`` are those of the Squid.
    """
    return adjusted(text.replace("{", "{{").replace("}", "}}"), places)


def forward(server, changes=()):
    """Return the lines with which the page about Squid begins, for a server."""
    lines = blocks("squid")["squid-forward"]
    return adjusted(lines, {"1344": server.port, **dict(changes)})


@contextlib.contextmanager
def serving(folder, load, config="", port=0):
    """Run zcadapt with the services of a module beside this one, and these settings."""
    folder.mkdir(exist_ok=True)
    output, settings = folder / "zcadapt.output", folder / "zcadapt.toml"
    settings.write_text(config)
    command = [sys.executable, "-m", "zcadapt", "serve", "--load", load, "--config", settings]
    command += ["--icap", f"127.0.0.1:{port}", "--icp", "127.0.0.1:0"]
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}

    def ports():
        told = output.read_text()
        found = [
            re.search(rf"^{name} 127\.0\.0\.1:(\d+)", told, re.MULTILINE)
            for name in ("icap", "icp")
        ]
        return [int(match[1]) for match in found] if all(found) and "\nready" in told else None

    with running(command, output, env=environment, cwd=folder) as process:
        icap, icp = ready(process, ports, output)
        yield Server(process.pid, icap, icp, "reqmod", "respmod", output)


@contextlib.contextmanager
def squid(authority, origins, lines, front=FRONT, hosts=HOSTS, prepare=None):
    """Run a Squid whose squid.conf ends with `lines`, and begins with `front`.

    `hosts` are names with their addresses; `prepare` is called with its folder before it starts.
    """
    with tempfile.TemporaryDirectory(prefix="zcadapt-") as place:
        made = Squid(Path(place), authority, origins, lines, front + REST)
        with (made.folder / "hosts").open("a") as file:
            file.writelines(f"{address} {name}\n" for name, address in hosts.items())
        if prepare is not None:
            prepare(made.folder)
        with made.running():
            yield made


def logged(squid, name, words):
    """Wait for a line of a log that has these words."""
    file = squid.folder / f"{name}.log"

    def found():
        return [line for line in file.read_text().splitlines() if words in line]

    return until(found, lambda: f"{words!r} in:\n{file.read_text()}")[0]
