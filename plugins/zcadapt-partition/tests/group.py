"""Three origin servers, a zcadapt for each, and a Squid that asks these whom to ask."""

import asyncio
import contextlib
import http.client
import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from zcadapt.icp import ask

from .conftest import environment

HERE = Path(__file__).parent
NAMES = ("app1", "app2", "app3")
HOST = "site.test"
ROOM = 40  #: articles that each server has room for
ARTICLES = 90  #: more than one has room for, and less than all three

SQUID = """\
http_port 127.0.0.1:{port} accel defaultsite={host} no-vhost
http_access allow all
icp_port {icp_port}
icp_query_timeout 2000
minimum_direct_rtt 0
visible_hostname squid.test
pinger_enable off
netdb_filename none
pid_filename {folder}/squid.pid
coredump_dir {folder}
cache_log {folder}/cache.log
access_log stdio:{folder}/access.log
shutdown_lifetime 0 seconds
{peers}
"""


def program(name, package):
    """Return the path of `name`. Without it the test is skipped, or fails where CI=true."""
    if found := shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"):
        return found
    missing = f"{name} is not installed (Debian package {package})"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


def until(condition, what, seconds=30):
    """Return the first true value of `condition()`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.01)
    return value


def free_port():
    """Return a port of 127.0.0.1 that nobody listens on and no client is given by chance."""
    while True:
        port = random.randrange(12000, 32000)  # below the ports that connections start from
        tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        with tcp, udp, contextlib.suppress(OSError):
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
            return port


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextlib.contextmanager
def running(command, output, is_ready, **more):
    """Run `command` for as long as the block lasts, which begins when `is_ready()`."""
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, **more)

    def ready():
        if process.poll() is not None:
            pytest.fail(f"{command} has ended:\n{output.read_text(errors='replace')}")
        return is_ready()

    try:
        until(ready, lambda: f"{command}:\n{output.read_text(errors='replace')}")
        yield process
    finally:
        for kind in signal.SIGTERM, signal.SIGKILL:
            process.send_signal(kind)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
                break


class Member(NamedTuple):
    name: str
    http: int
    icp: int
    folder: Path

    def says(self, path):
        """Return what its policies answer about a path."""
        url = f"http://{HOST}{path}"
        return asyncio.run(ask(url, "127.0.0.1", self.icp, timeout=10)).answer

    def counts(self):
        """Return how often it had what was asked for."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", "/counts")
            return Counter(json.load(connection.getresponse()))


class Group:
    """The servers, and a connection to the proxy in front of them."""

    def __init__(self, members, processes, port, folder):
        self.members = members
        self.processes = processes
        self.folder = folder
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def fetch(self, path, method="GET", body=None, **headers):
        """Fetch through the proxy, and return who served it."""
        self.connection.request(method, path, body, {"Host": HOST, **headers})
        answer = self.connection.getresponse()
        body = answer.read()
        assert (answer.status, body) == (200, b"an article\n"), self.told()
        return answer.headers["X-Served-By"]

    def visit(self, number, seed=2186):
        """Fetch pages of articles, all as likely, and return how many each server served."""
        chance = random.Random(seed)
        paths = (
            f"/articles/{chance.randrange(ARTICLES)}/{chance.randrange(9)}" for _ in range(number)
        )
        return Counter(map(self.fetch, paths))

    def end(self, member):
        """End a member the hard way, and its zcadapt."""
        for process in self.processes[member.name]:
            process.kill()
            process.wait()

    def counts(self):
        return sum((member.counts() for member in self.members), Counter())

    def hierarchy(self):
        """Return how often Squid has chosen for which reason."""
        lines = (self.folder / "access.log").read_text().splitlines()
        return Counter(line.split()[8].partition("/")[0] for line in lines)

    def told(self):
        return (self.folder / "cache.log").read_text()


@contextlib.contextmanager
def group(installation, folder, settings, *, icp=True, options=None):
    """Yield a running group; `settings` makes the settings of each member's zcadapt of it.

    Without `icp` Squid asks nobody and takes turns. `options` are those of the
    tables in which the servers note what they handle.
    """
    members = [Member(name, free_port(), free_port(), folder / name) for name in NAMES]
    processes = {name: [] for name in NAMES}
    with contextlib.ExitStack() as stack:
        for member in members:
            member.folder.mkdir(parents=True)
            parts = [origin(installation, member, options)]
            parts += [zcadapt(installation, member, settings(member))] if icp else []
            processes[member.name] += [stack.enter_context(part) for part in parts]
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="zcadapt-"))
        port = stack.enter_context(squid(members, Path(place), icp=icp))
        found = Group(members, processes, port, Path(place))
        stack.enter_context(contextlib.closing(found.connection))
        yield found


def origin(installation, member, options):
    table = [] if options is None else [member.folder / "affinity", json.dumps(options)]
    args = [HERE / "site_of_articles.py", member.name, member.http, ROOM, *table]
    return running(
        installation.command("python", *args),
        member.folder / "origin.log",
        lambda: listens(member.http),
        env=environment(),
    )


def zcadapt(installation, member, settings):
    file, log = member.folder / "zcadapt.toml", member.folder / "zcadapt.log"
    listen = f'[icap]\nlisten = []\n[icp]\nlisten = ["127.0.0.1:{member.icp}"]\n'
    file.write_text(listen + settings)
    return running(
        installation.command("zcadapt", "serve", "--config", file),
        log,
        lambda: "\nready\n" in log.read_text(),
        env={**environment(), "PYTHONUNBUFFERED": "1"},
    )


@contextlib.contextmanager
def squid(members, folder, *, icp):
    """Yield the port of a Squid that has the members as parents."""
    port = free_port()
    how = "" if icp else "no-query round-robin"
    peers = "\n".join(
        f"cache_peer 127.0.0.1 parent {each.http} {each.icp if icp else 0} "
        f"name={each.name} originserver no-digest no-netdb-exchange {how}"
        for each in members
    )
    conf = folder / "squid.conf"
    conf.write_text(
        SQUID.format(port=port, icp_port=free_port(), host=HOST, folder=folder, peers=peers)
    )
    more = {}
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for path in (folder, conf):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        more = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    # The name keeps its shared memory apart from that of others.
    command = [program("squid", "squid-openssl"), "-N", "-n", f"zc{port}", "-f", str(conf)]
    with running(command, folder / "output", lambda: listens(port), **more):
        yield port
