"""Requests as real clients send them, and answers that each of them takes.

What a client sends is a transcript of `zcadapt.testing`. How it reads the answer
is told here again, as its own source does it, shortcomings included.
"""

import re
import socket
import threading

import pytest

from zcadapt import block, modify, reqmod, respmod
from zcadapt.testing import transcript

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
CLEAN = b"Nothing to see here.\n" * 100
FOUND = {
    "X-Infection-Found": "Type=0; Resolution=2; Threat=Eicar;",
    "X-Virus-ID": "Eicar",
    "X-Violations-Found": "1",
}


@respmod
@reqmod(preview=1024)
async def avscan(request):
    """Scan as a virus scanner does: all of it."""
    if EICAR in await request.body.read():
        return block(request, reason="Eicar", icap_headers=FOUND)
    return None


@respmod
@reqmod
def tagged(request):
    return modify(set_headers={"X-Tag": "1"})


def one_chunk(body):
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"


@pytest.fixture
def scanner(serve):
    return serve({"avscan": avscan, "tag": tagged}, stall_timeout=0.1)


def request_of(name, body):
    return transcript(name, size=len(body)) + one_chunk(body)


# Squid


def test_squid_takes_the_options(scanner):
    client = scanner.client()
    answer = client.ask(transcript("squid-options"))
    assert answer.status == 200
    assert "RESPMOD" in answer["Methods"]
    assert answer["Transfer-Preview"] == "*", "else it uses no preview"
    assert int(answer["Preview"]) == 1024
    assert answer["Allow"] == "204, 206, trailers"
    assert answer["Date"]
    assert int(answer["Max-Connections"]) > 0


@pytest.mark.parametrize("name", ["squid-reqmod", "squid-respmod"])
def test_squid_is_answered_in_its_preview(scanner, name):
    client = scanner.client()
    sent = transcript(name) + (b"" if "reqmod" in name else b"0\r\n\r\n")
    if "respmod" in name:
        assert client.ask(sent).status == 100
        client.send(one_chunk(EICAR))
        answer = client.answer()
        assert answer.status == 200
        assert "res-hdr" in answer.heads
        assert b"Content-Length: " in answer.http
        assert answer["Trailer"] is None
    else:
        assert client.ask(sent).status == 204


def test_squid_takes_a_change_of_headers_as_206(scanner):
    sent = transcript("squid-respmod", endpoint="tag") + b"0\r\n\r\n"
    answer = scanner.client().ask(sent)
    assert (answer.status, answer.last) == (206, b"0; use-original-body=0")


# Web applications


def write_all_then_read(address, sent):
    """As Nextcloud and django-lasuite: nothing is read before all is written."""
    with socket.create_connection(address, timeout=10) as sock:
        sock.sendall(sent)
        sock.shutdown(socket.SHUT_WR)
        data = b""
        while more := sock.recv(65536):
            data += more
    return data


def nextcloud(data):
    """ICAP status, ICAP headers by their very names, HTTP status line."""
    lines = iter(data.decode("latin-1").split("\r\n"))
    version, status, *phrase = next(lines).split(" ", 2)
    assert version.startswith("ICAP/")
    assert phrase, "it wants four tokens"
    headers = {}
    for line in lines:
        if not line:
            break
        name, value = line.split(": ", 1)
        headers[name] = value
    return int(status), headers, next(lines, "")


@pytest.mark.parametrize("mode", ["reqmod", "respmod"])
@pytest.mark.parametrize("size", [0, len(CLEAN), 20 << 20])
def test_nextcloud_finds_a_clean_file_clean(scanner, mode, size):
    body = (CLEAN * (size // len(CLEAN) + 1))[:size]
    sent = request_of(f"nextcloud-{mode}", body) + (b"0\r\n\r\n" if not size else b"")
    assert nextcloud(write_all_then_read(scanner.address, sent))[0] == 204


@pytest.mark.parametrize("mode", ["reqmod", "respmod"])
def test_nextcloud_finds_a_virus(scanner, mode):
    status, headers, http = nextcloud(
        write_all_then_read(scanner.address, request_of(f"nextcloud-{mode}", EICAR))
    )
    assert status == 200
    assert headers["X-Infection-Found"] == FOUND["X-Infection-Found"]
    assert "403 Forbidden" in http
    assert headers["Encapsulated"].startswith("res-hdr=0")


def owncloud(data):
    """It reads ICAP headers until Encapsulated; an empty line does not stop it."""
    lines = data.decode("latin-1").split("\r\n")
    headers = {}
    for number, line in enumerate(lines[1:], 1):
        if ":" in line:
            name, value = line.split(":", 1)
            headers[name] = value.strip()
            if name == "Encapsulated":
                return int(lines[0].split(" ")[1]), headers, lines[number + 2]
    raise AssertionError("it waits for Encapsulated for ever")


@pytest.mark.parametrize("mode", ["reqmod", "respmod", "mcafee"])
def test_owncloud_finds_a_virus(scanner, mode):
    status, headers, http = owncloud(
        write_all_then_read(scanner.address, request_of(f"owncloud-{mode}", EICAR))
    )
    assert status == 200
    assert headers["X-Infection-Found"]
    assert headers["Encapsulated"].startswith("res-hdr=0")
    assert "403" in http


def test_owncloud_reads_errors_too(scanner):
    sent = request_of("owncloud-reqmod", EICAR).replace(b"/avscan", b"/unknown")
    assert owncloud(write_all_then_read(scanner.address, sent))[0] == 404


def ocis(sock):
    """It reads until what it has so far ends in a blank line, or says 204 Unmodified."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        more = sock.recv(4096)
        if not more:
            break
        data += more
    return data


def test_ocis_finds_a_virus_behind_its_preview(scanner):
    with socket.create_connection(scanner.address, timeout=10) as sock:
        sock.sendall(transcript("ocis-options"))
        assert b"\r\nPreview: 1024\r\n" in ocis(sock)
    body = EICAR.ljust(3000)
    with socket.create_connection(scanner.address, timeout=10) as sock:
        sent = transcript("ocis-reqmod", size=3000)
        sock.sendall(sent + b"400\r\n%s\r\n0\r\n\r\n" % body[:1024])
        assert ocis(sock).startswith(b"ICAP/1.0 100 Continue\r\n")
        sock.sendall(one_chunk(body[1024:]))
        data = ocis(sock)
    assert re.search(rb"\r\nX-Infection-Found: .*Threat=(.*);\r\n", data)[1] == b"Eicar"
    assert b"\r\n\r\nHTTP/1.1 403 Forbidden\r\n" in data


def test_rspamd_finds_a_virus(scanner):
    client = scanner.client()
    assert "RESPMOD" in client.ask(transcript("rspamd-options"))["Methods"]
    client.send(request_of("rspamd-respmod", EICAR))
    head = client.until(b"\r\n\r\n").decode()
    found = re.search(r"\nX-Infection-Found: Type=(.); Resolution=(.); Threat=(.*);\r\n", head)
    assert found.groups() == ("0", "2", "Eicar")


def test_lasuite_takes_204_for_safe_and_200_with_the_header_for_not(scanner):
    clean = write_all_then_read(scanner.address, request_of("lasuite-reqmod", CLEAN))
    assert clean.startswith(b"ICAP/1.0 204 ")
    virus = write_all_then_read(scanner.address, request_of("lasuite-reqmod", EICAR))
    assert virus.startswith(b"ICAP/1.0 200 ")
    assert b"\r\nX-Infection-Found: " in virus.partition(b"\r\n\r\n")[0]


def test_assemblyline_reads_no_more_than_one_short_recv(scanner):
    with socket.create_connection(scanner.address, timeout=10) as sock:
        sock.sendall(transcript("assemblyline-options"))
        assert b"\r\nMethods: " in sock.recv(65565)
        sock.sendall(request_of("assemblyline-respmod", EICAR))
        data = sock.recv(65565)
        assert b"\r\nX-Virus-ID: Eicar\r\n" in data
        assert data.endswith(b"0\r\n\r\n")


# Gateways and appliances


def test_g3proxy_takes_the_options(scanner):
    answer = scanner.client().ask(transcript("g3-options"))
    assert 200 <= answer.status < 300
    assert answer["ISTag"]
    assert [name for name, _ in answer.parts] == ["null-body"]
    assert all(word.strip().isdigit() for word in answer["Allow"].split(","))
    for name in ("Options-TTL", "Max-Connections", "Preview"):
        assert answer[name].isdigit()
    assert answer["Opt-body-type"] is None


def test_g3proxy_tells_who_asks(serve):
    seen = []

    @reqmod
    def look(request):
        seen.append((request.client_ip, request.user))

    sent = transcript("g3-reqmod")
    assert serve({"avscan": look}).client().ask(sent).status == 204
    assert seen == [("192.0.2.7", "ann")]


def test_f5_gets_204_in_a_preview_and_the_body_back_outside_of_it(scanner):
    client = scanner.client()
    preview = transcript("f5-respmod")
    client.send(preview + b"400\r\n%s\r\n0\r\n\r\n" % CLEAN[:1024])
    assert client.answer().status == 100
    client.send(one_chunk(CLEAN[1024:]))
    answer = client.answer()
    assert (answer.status, answer.body) == (200, CLEAN)
    client.send(preview + b"5\r\nhello\r\n0; ieof\r\n\r\n")
    assert client.answer().status == 204


def test_proxysg_is_healthy_and_tells_user_and_groups(serve):
    seen = []

    @respmod
    @reqmod
    def look(request):
        seen.append((request.user, request.groups))

    client = serve({"avscan": look}).client()
    assert client.ask(transcript("proxysg-options")).status == 200
    assert client.ask(transcript("proxysg-reqmod")).status == 204
    ((user, groups),) = seen
    assert user.endswith("ann")
    assert len(groups) == 2


def test_vscand_is_told_204_and_never_a_repaired_file(scanner):
    client = scanner.client()
    options = client.ask(transcript("vscand-options"))
    names = [name for name, _ in options.fields]
    for name in ("ISTag", "Methods", "Options-TTL", "Preview", "Allow"):
        assert name in names, "names are compared to the letter"
    sent = transcript("vscand-respmod")
    client.send(sent + b"4\r\nNoth\r\n0\r\n\r\n")
    assert client.answer().status == 100
    client.send(one_chunk(CLEAN[4:]))
    answer = client.answer()
    assert answer.status == 204
    assert answer["ISTag"] == options["ISTag"], "another one would rescan the whole file system"


# All of them


def test_many_clients_of_all_kinds_at_once(scanner):
    kinds = [
        (f"nextcloud-{mode}", body) for mode in ("reqmod", "respmod") for body in (CLEAN, EICAR)
    ]
    got = {}

    def run(number, name, body):
        got[number] = write_all_then_read(scanner.address, request_of(name, body))

    threads = [threading.Thread(target=run, args=(n, *kinds[n % 4])) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, data in got.items():
        assert data.startswith(
            b"ICAP/1.0 200 " if kinds[number % 4][1] is EICAR else b"ICAP/1.0 204 "
        )
