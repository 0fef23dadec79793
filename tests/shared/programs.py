"""Programs, ports and patience: the only place that waits, and the only one that starts things."""

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

SOMETIMES_HERE = "/usr/sbin:/usr/local/sbin:/usr/lib/squid:/usr/lib64/squid:/usr/libexec/squid"
#: What before a command makes it end with us, where Linux can do that: no fixture tidies up after
#: a signal. It is the thread that starts it which counts: start nothing from one that ends before.
ENDING_WITH_US = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def program(name, package):
    """Return the path of `name`. Without it the test is skipped, or fails where CI=true."""
    if found := shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SOMETIMES_HERE}"):
        return found
    missing = f"{name} is not installed (Debian package {package})"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


def until(condition, what, seconds=15):
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
def running(command, output, **more):
    """Run `command`, its output going to the file `output`, for as long as the block lasts."""
    with Path(output).open("wb") as file:
        command = [*ENDING_WITH_US, *command]
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, **more)
    try:
        yield process
    finally:
        for kind in signal.SIGTERM, signal.SIGKILL:
            process.send_signal(kind)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
                break


def ready(process, condition, output):
    """Wait until `condition()` holds; a process that ends before fails, with its output."""

    def told():
        return f"{process.args} is ready; it says:\n{Path(output).read_text(errors='replace')}"

    def holds():
        if process.poll() is not None:
            pytest.fail(f"ended instead of: {told()}")
        return condition()

    return until(holds, told)


def open_files(pid):
    """Return how many files and sockets a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def as_nobody(folder):
    """Return how to run what must not run as root, and give it `folder`."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
