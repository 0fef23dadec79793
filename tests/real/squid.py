"""A Squid of our own: its configuration, its life, and what it writes down."""

import contextlib
import itertools
import re
import shutil
import subprocess
from typing import NamedTuple

import pytest
from programs import as_nobody, free_port, listens, program, ready, running, until

from .origin import HOST

#: Where browsers connect; what follows is in every squid.conf.
FRONT = """\
http_port 127.0.0.1:{port} ssl-bump tls-cert={folder}/squid.pem tls-key={folder}/squid.key \
generate-host-certificates=on dynamic_cert_mem_cache_size=4MB
sslcrtd_program {certgen} -s {folder}/certificates -M 4MB
sslcrtd_children 2 startup=1 idle=1
ssl_bump bump all
tls_outgoing_options cafile={folder}/origins.pem
http_access allow all
"""
REST = """\
visible_hostname squid.test
hosts_file {folder}/hosts
dns_nameservers 127.0.0.1
strip_query_terms off
pinger_enable off
netdb_filename none
pid_filename {folder}/squid.pid
coredump_dir {folder}
cache_log {folder}/cache.log
logformat access %ru|%>Hs|%Ss|%Sh|%err_code
access_log stdio:{folder}/access.log access
logformat icap %ru|%icap::rm|%icap::Hs|%icap::to|%{{Preview}}icap::>h|%{{Connection}}icap::>h
icap_log stdio:{folder}/icap.log icap
shutdown_lifetime 0 seconds
read_ahead_gap 64 MB
client_request_buffer_max_size 64 MB
"""
# The last two lines keep clear of two bugs that have nothing to do with us: Squid 5.7 may take an
# adapted body that had to wait for the browser for a truncated one, and a full request buffer for
# a browser that is gone (its bug 5405).

ICAP = """\
cache deny all
icap_enable on
icap_service reqmod reqmod_precache bypass=off icap://127.0.0.1:{port}/{reqmod}
icap_service respmod respmod_precache bypass=off icap://127.0.0.1:{port}/{respmod}
adaptation_access reqmod allow all
adaptation_access respmod allow all
icap_preview_enable {preview}
icap_206_enable {partial}
icap_persistent_connections {persistent}
quick_abort_min 0 KB
quick_abort_max 0 KB
force_request_body_continuation allow all
"""
# quick_abort: nothing is fetched to the end when the browser has gone, however little is missing.
# The last line: without it Squid 5.7 waits for the body that `Expect: 100-continue` holds back.

BAD_NEWS = re.compile(
    r"ERROR|FATAL|WARNING|assertion|exception|ICAP|adaptation|essential|suspended|\bdown\b",
    re.IGNORECASE,
)


def understands(folder, lines):
    """Return what Squid says of a squid.conf that has these lines."""
    conf = folder / "lines.conf"
    conf.write_text(f"http_port 127.0.0.1:{free_port()}\n{lines}\n")
    command = [program("squid", "squid-openssl"), "-k", "parse", "-f", conf]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Access(NamedTuple):
    url: str
    status: str
    outcome: str
    hierarchy: str
    error: str


class Adaptation(NamedTuple):
    url: str
    method: str
    status: str
    outcome: str
    preview: str
    connection: str


class Settings(NamedTuple):
    """The settings of Squid's that change how it speaks ICAP."""

    preview: bool = True
    partial: bool = True
    persistent: bool = True

    def __str__(self):
        return "-".join(f"{'' if value else 'no'}{name}" for name, value in self._asdict().items())

    def lines(self, server):
        """Return the lines of squid.conf that make `server` the ICAP server."""
        words = {name: "on" if value else "off" for name, value in self._asdict().items()}
        return ICAP.format(port=server.port, reqmod=server.reqmod, respmod=server.respmod, **words)


ALL_SETTINGS = [Settings(*each) for each in itertools.product([True, False], repeat=3)]
EXTREMES = [ALL_SETTINGS[0], ALL_SETTINGS[-1]]


class Squid:
    """`lines` end its squid.conf, `base` begins it.

    `authority` signs the certificates it shows; it trusts those that `origins` signed.
    """

    def __init__(self, folder, authority, origins, lines, base=FRONT + REST):
        self.folder = folder
        self.authority = authority
        self.port = free_port()
        self.program = program("squid", "squid-openssl")
        certgen = program("security_file_certgen", "squid-openssl")
        certificates = [certgen, "-c", "-s", folder / "certificates", "-M", "4MB"]
        subprocess.run(certificates, check=True, capture_output=True)
        for file in authority.pem, authority.key, origins.pem:
            shutil.copy(file, folder)
        (folder / "hosts").write_text(f"127.0.0.1 {HOST}\n")
        places = {"port": self.port, "folder": folder, "certgen": certgen}
        (folder / "squid.conf").write_text(base.format(**places) + lines)

    @contextlib.contextmanager
    def running(self):
        """Run it, in the foreground, as the user `nobody` if we are root."""
        # The name keeps its shared memory apart from that of others.
        command = [self.program, "-N", "-n", f"zc{self.port}", "-f", self.folder / "squid.conf"]
        output = self.folder / "output"
        with running(command, output, **as_nobody(self.folder)) as self.process:
            ready(self.process, lambda: listens(self.port), output)
            yield self

    @contextlib.contextmanager
    def content(self):
        """Fail if something goes wrong in the block, save what `forgiven` names."""
        self.read = {path.stem: path.stat().st_size for path in self.folder.glob("*.log")}
        self.forgiven = set()
        yield
        icap = [Adaptation(*line.split("|")) for line in self.lines("icap")]
        bad = [each for each in icap if "ERR" in each.outcome and each.outcome not in self.forgiven]
        bad += [line for line in self.lines("cache") if BAD_NEWS.search(line)]
        if bad or self.process.poll() is not None:
            pytest.fail(f"Squid is not content: {bad or 'it is dead'}")

    def lines(self, name):
        """Return the lines that a log has got in the block of `content`."""
        with (self.folder / f"{name}.log").open("rb") as file:
            file.seek(self.read.get(name, 0))
            return file.read().decode().splitlines()

    def accesses(self, url, number=1):
        """Wait for what access.log says of the first `number` requests for `url`."""
        return self._logged("access", Access, url, number)

    def adaptations(self, url, number=2):
        """Wait for the first `number` transactions that the icap log has for `url`."""
        return self._logged("icap", Adaptation, url, number)

    def _logged(self, name, kind, url, number):
        def found():
            every = [kind(*line.split("|")) for line in self.lines(name)]
            about = [each for each in every if each.url == url]
            return about if len(about) >= number else None

        return until(found, lambda: f"{url} {number} times in {self.lines(name)}")
