"""Memory above idle while one large body passes: echoed, modified, and kept in a file."""

import argparse
import socket
import threading
from pathlib import Path

from running import zcadapt

PIECE = b"a" * 65536
MIB = 1024 * 1024


def resident(pid, which="VmRSS"):
    """Return a size of a process in bytes: what it has now, or (VmHWM) has had at most."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(which):
            return int(line.split()[1]) * 1024
    raise KeyError(which)


def forget_peak(pid):
    """Let VmHWM begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def send(connection, method, service, size):
    head = b"HTTP/1.1 200 OK\r\n\r\n" if method == "RESPMOD" else b"POST http://a/ HTTP/1.1\r\n\r\n"
    part = "res" if method == "RESPMOD" else "req"
    connection.sendall(
        f"{method} icap://a/{service} ICAP/1.0\r\nHost: a\r\n"
        f"Encapsulated: {part}-hdr=0, {part}-body={len(head)}\r\n\r\n".encode()
        + head
    )
    chunk = b"%x\r\n%s\r\n" % (len(PIECE), PIECE)
    for _ in range(size // len(PIECE)):
        connection.sendall(chunk)
    connection.sendall(b"0\r\n\r\n")


def receive(connection):
    """Read an answer; return its size."""
    size, end = 0, b""
    while not end.endswith(b"\r\n0\r\n\r\n"):
        data = connection.recv(MIB)
        if not data:
            raise EOFError(end)
        size += len(data)
        end = (end + data)[-16:]
    return size


def passes(port, method, service, size):
    """Send a body and take it back."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        sender = threading.Thread(target=send, args=(connection, method, service, size))
        sender.start()
        got = receive(connection)
        sender.join()
    if got < size:
        raise ValueError(f"{got} bytes of {size}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1024, help="MiB")
    args = parser.parse_args()
    with zcadapt(modules=("keeping",)) as (process, port, _):
        passes(port, "REQMOD", "echo", MIB)
        idle = resident(process.pid)
        print(f"idle: {idle / MIB:.1f} MiB")
        for service in ("echo", "modified", "spooled"):
            for method in ("REQMOD", "RESPMOD"):
                forget_peak(process.pid)
                passes(port, method, service, args.size * MIB)
                above = resident(process.pid, "VmHWM") - idle
                print(f"{service:9} {method:8} {above / MIB:6.1f} MiB above idle", flush=True)


if __name__ == "__main__":
    main()
