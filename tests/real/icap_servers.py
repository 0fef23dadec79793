"""The ICAP servers that can stand behind Squid: zcadapt, and c-icap to compare it with."""

import contextlib
import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

from programs import free_port, listens, program, ready, running

HERE = Path(__file__).parent
C_ICAP = """\
PidFile {folder}/c-icap.pid
CommandsSocket {folder}/c-icap.ctl
Port 127.0.0.1:{port}
TmpDir {folder}
MaxKeepAliveRequests -1
StartServers 1
MaxServers 1
ThreadsPerChild 800
Pipelining on
ModulesDir {modules}
ServicesDir {modules}
TemplateDir /usr/share/c_icap/templates/
LoadMagicFile /etc/c-icap/c-icap.magic
ServerLog {folder}/server.log
Service echo srv_echo.so
"""


class Server(NamedTuple):
    """`reqmod` and `respmod` are its endpoints."""

    pid: int
    port: int
    icp_port: int | None
    reqmod: str
    respmod: str
    output: Path


@contextlib.contextmanager
def zcadapt(folder):
    """Run zcadapt with the services and policies of services.py."""
    output = folder / "zcadapt.output"
    command = [sys.executable, "-m", "zcadapt", "serve", "--load", "services"]
    command += ["--icap", "127.0.0.1:0", "--icp", "127.0.0.1:0"]
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}

    def ports():
        told = output.read_text()
        found = [re.search(rf"(?i){name}\b.*?127\.0\.0\.1:(\d+)", told) for name in ("icap", "icp")]
        return [int(match[1]) for match in found if match] if all(found) else None

    with running(command, output, env=environment, cwd=folder) as process:
        icap, icp = ready(process, ports, output)
        yield Server(process.pid, icap, icp, "reqmod", "respmod", output)


@contextlib.contextmanager
def c_icap(folder):
    """Run c-icap with its echo service."""
    path, port, output = program("c-icap", "c-icap"), free_port(), folder / "c-icap.output"
    modules = next(Path("/usr/lib").glob("*/c_icap"))
    conf = folder / "c-icap.conf"
    conf.write_text(C_ICAP.format(folder=folder, port=port, modules=modules))
    with running([path, "-N", "-f", conf], output) as process:
        ready(process, lambda: listens(port), output)
        yield Server(process.pid, port, None, "echo", "echo", output)


BY_NAME = {"zcadapt": zcadapt, "c-icap": c_icap}
