"""Servers to be measured, and the load that is put on them."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")


def compiled(name):
    """Return a load generator, compiled if need be."""
    binary = Path(tempfile.gettempdir()) / f"zcadapt-{name}-{os.getuid()}"
    source = HERE / f"{name}.c"
    if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["gcc", "-O2", "-w", "-o", binary, source], check=True)
    return str(binary)


def cpu_seconds(pid):
    """Return the CPU time of a process and its children, user and system."""
    total = 0
    for each in tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICK


def tree(pid):
    """Return all live processes below `pid`, itself included."""
    children = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        found.append(queue[-1])
        queue.extend(children.get(queue.pop(), []))
    return found


@contextlib.contextmanager
def zcadapt(*options, modules=("opinionless",), **environment):
    """Run the server; yield (process, ICAP port, ICP port)."""
    command = [sys.executable, "-m", "zcadapt", "serve", "--icap", "127.0.0.1:0"]
    command += ["--icp", "127.0.0.1:0", *options]
    command += [word for module in modules for word in ("--load", module)]
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, **environment}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        ports = {}
        while len(ports) < 2:
            protocol, _, address = process.stdout.readline().partition(" ")
            ports[protocol] = int(address.rpartition(":")[2])
        yield process, ports["icap"], ports["icp"]
    finally:
        process.terminate()
        process.communicate()


def free_port():
    """Return a port that is free now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


C_ICAP_CONF = """\
PidFile {folder}/c-icap.pid
CommandsSocket {folder}/c-icap.ctl
Port 127.0.0.1:{port}
TmpDir {folder}
Timeout 300
MaxKeepAliveRequests -1
KeepAliveTimeout 600
StartServers 2
MaxServers 4
MinSpareThreads 10
MaxSpareThreads 120
ThreadsPerChild 60
MaxRequestsPerChild 0
MaxMemObject 131072
DebugLevel 0
Pipelining on
ModulesDir {modules}
ServicesDir {modules}
TemplateDir /usr/share/c_icap/templates/
LoadMagicFile /etc/c-icap/c-icap.magic
ServerLog {folder}/server.log
Service echo srv_echo.so
"""


@contextlib.contextmanager
def c_icap():
    """Run c-icap with its echo service; yield (process, port), or None where it is missing."""
    if not shutil.which("c-icap"):
        yield None
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o777)
        port = free_port()
        modules = next(Path("/usr/lib").glob("*/c_icap"))
        conf = Path(folder) / "c-icap.conf"
        conf.write_text(C_ICAP_CONF.format(folder=folder, port=port, modules=modules))
        command = ["c-icap", "-f", conf, "-N"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, **quiet)
        try:
            wait_for(port)
            yield process, port
        finally:
            process.terminate()
            process.wait(10)


@contextlib.contextmanager
def icp_bare():
    """Run the ICP server that does nothing but receive and send; yield (process, port)."""
    process = subprocess.Popen([compiled("icpbare")], stdout=subprocess.PIPE, text=True)
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate()


def wait_for(port, seconds=10):
    """Wait until somebody listens on a port."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def load(command, pid, requests):
    """Run a load generator; return what it printed and the server's CPU time per request, in µs."""
    before = cpu_seconds(pid)
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=600, check=False)
    used = cpu_seconds(pid) - before
    return {**json.loads(out.stdout), "cpu_us": used / requests * 1e6}
