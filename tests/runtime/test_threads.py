"""Code that hangs in a thread does not keep the server from ending."""

import signal
import socket
import subprocess
import sys

import pytest

from zcadapt.runtime.threads import Threads

HANGING = """
import threading
import zope.component
from zcadapt import blocking, reqmod
from zcadapt.interfaces import IICAPService

@reqmod
@blocking
def hanging(request):
    threading.Event().wait()

zope.component.provideUtility(hanging, IICAPService, "hanging")
"""


def test_what_has_not_begun_is_dropped_and_nobody_waits():
    with Threads(1) as threads:
        assert threads.submit(lambda: 1).result() == 1
    with pytest.raises(RuntimeError):
        threads.submit(lambda: 1)


def test_without_threads_it_is_an_exit_like_any_other():
    code = "from zcadapt.runtime.threads import leave; leave(3)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 3


def test_a_service_that_hangs_in_a_thread_does_not_outlive_the_grace(tmp_path):
    (tmp_path / "hanging_rules.py").write_text(HANGING)
    (tmp_path / "zcadapt.toml").write_text("[server]\ngrace = 0.1\n")
    command = [sys.executable, "-m", "zcadapt", "serve", "--icap", "127.0.0.1:0", "--no-icp"]
    command += ["--load", "hanging_rules", "--config", "zcadapt.toml"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(process.stdout.readline().rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port)) as client:
                head = b"GET http://a/ HTTP/1.1\r\n\r\n"
                client.sendall(
                    b"REQMOD icap://h/hanging ICAP/1.0\r\n"
                    b"Encapsulated: req-hdr=0, null-body=%d\r\n\r\n%s"
                    b"OPTIONS icap://h/echo ICAP/1.0\r\n\r\n" % (len(head), head)
                )
                with socket.create_connection(("127.0.0.1", port)) as other:
                    other.sendall(b"OPTIONS icap://h/echo ICAP/1.0\r\n\r\n")
                    assert other.recv(100), "by now the first request has been handled"
                process.send_signal(signal.SIGTERM)
                assert process.wait(10) == 0
        finally:
            process.kill()
