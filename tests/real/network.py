"""A network of our own: a gateway, and clients behind it whose packets go through it.

What a block starts, and each socket it makes, is in the network namespace it names.
"""

import contextlib
import ctypes
import os
import subprocess
from pathlib import Path

import pytest
from programs import program

CLONE_NEWNET = 0x40000000
#: Where the clients are, the gateway's side towards them, and what is beyond it.
CLIENT, GATEWAY, BEYOND = "192.0.2.2", "192.0.2.1", "198.51.100.10"
CLIENT6, GATEWAY6, BEYOND6 = "2001:db8:1::2", "2001:db8:1::1", "2001:db8:2::10"


class Network:
    """`gateway` has an interface ``lan``, and BEYOND as if that were routed through it."""

    def __init__(self, gateway, clients):
        self.gateway = gateway
        self.clients = clients

    @contextlib.contextmanager
    def inside(self, pid):
        """Have this thread in the namespace of a process while the block lasts."""
        with Path("/proc/thread-self/ns/net").open() as home:
            _enter(f"/proc/{pid}/ns/net")
            try:
                yield
            finally:
                _set_namespace(home.fileno())


@contextlib.contextmanager
def network():
    """Make a network, which is gone with the block."""
    if os.getuid() != 0:
        pytest.skip("only root makes network namespaces")
    ip = program("ip", "iproute2")
    with _namespace() as gateway, _namespace() as clients:
        made = Network(gateway, clients)
        with made.inside(gateway):
            _run(ip, f"link add lan type veth peer name eth0 netns {clients}")
            _run(ip, f"addr add {GATEWAY}/24 dev lan")
            _run(ip, f"addr add {GATEWAY6}/64 dev lan nodad")
            _run(ip, f"addr add {BEYOND}/32 dev lo")
            _run(ip, f"addr add {BEYOND6}/128 dev lo")
            _run(ip, "link set lan up")
            _run(ip, "link set lo up")
        with made.inside(clients):
            _run(ip, f"addr add {CLIENT}/24 dev eth0")
            _run(ip, f"addr add {CLIENT6}/64 dev eth0 nodad")
            _run(ip, "link set eth0 up")
            _run(ip, f"route add default via {GATEWAY6}")
            _run(ip, f"route add default via {GATEWAY}")
        yield made


@contextlib.contextmanager
def _namespace():
    """Yield the process that keeps a new namespace."""
    command = [program("unshare", "util-linux"), "--net", "sh", "-c", "echo; exec cat"]
    keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with keeper:
        if not keeper.stdout.readline():
            pytest.skip("no network namespaces here")
        yield keeper.pid


def _run(ip, arguments):
    subprocess.run([ip, *arguments.split()], check=True)


def _enter(path):
    with Path(path).open() as namespace:
        _set_namespace(namespace.fileno())


def _set_namespace(number):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(number, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
