"""Three origin servers, a zcadapt for each, and a Squid that asks these whom to ask."""

import asyncio
import contextlib
import http.client
import json
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from installation import environment
from programs import as_nobody, free_port, listens, program, ready, running

from zcadapt.icp import ask

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


@contextlib.contextmanager
def started(command, output, condition, **more):
    """Run `command` for as long as the block lasts, which begins when `condition()` holds."""
    with running(command, output, **more) as process:
        ready(process, condition, output)
        yield process


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
    return started(
        installation.command("python", *args),
        member.folder / "origin.log",
        lambda: listens(member.http),
        env=environment(),
    )


def zcadapt(installation, member, settings):
    file, log = member.folder / "zcadapt.toml", member.folder / "zcadapt.log"
    listen = f'[icap]\nlisten = []\n[icp]\nlisten = ["127.0.0.1:{member.icp}"]\n'
    file.write_text(listen + settings)
    return started(
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
    # The name keeps its shared memory apart from that of others.
    command = [program("squid", "squid-openssl"), "-N", "-n", f"zc{port}", "-f", str(conf)]
    with started(command, folder / "output", lambda: listens(port), **as_nobody(folder)):
        yield port
