"""What the how-to pages show is so: with their settings and a real clamd, their conversations.

In a conversation ``>`` begins what the client says, ``<`` what it is told; ``(EICAR)`` stands for
that test file, and ``...`` in an answer for anything.
"""

import doctest
import re
import socket
from itertools import groupby

import pytest
from pages import DOCS

from zcadapt.testing import TRANSCRIPTS, Client, transcript

#: By page, whose transcripts they are that it shows.
CLIENTS = {
    "e2guardian": ["e2guardian"],
    "f5": ["f5"],
    "fortigate": ["fortigate"],
    "g3proxy": ["g3"],
    "nextcloud": ["nextcloud"],
    "oracle-zfs": ["vscand"],
    "owncloud": ["owncloud", "ocis"],
    "proxysg": ["proxysg"],
    "rspamd": ["rspamd"],
}
#: By page, the ICAP status and the type of infection of what is too large for clamd.
NOT_CLEAN = {
    "nextcloud": (500, ""),
    "oracle-zfs": (200, "Type=2"),
    "owncloud": (200, "Type=2"),
}
LARGE = bytes(2_000_000)  # clamd takes 1 MiB here
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE  # there are tabs in an answer
#: It depends on what the server asks for, and on the size of the body.
PREVIEW = re.compile(rb"Preview: [0-9]+\r\n")


@pytest.fixture(scope="module", params=CLIENTS)
def page(request):
    return request.param


@pytest.fixture(scope="module")
def server(page, serving):
    """The port, and the file of its output, of a server with the settings of the page."""
    with serving(page) as server:
        yield server


@pytest.fixture
def turns(page, shown, eicar):
    """The conversations of the page, each as (who speaks, what is said)."""

    def said(lines):
        return "".join(f"{line[2:]}\r\n" for line in lines).encode().replace(b"(EICAR)", eicar)

    every = shown(page, "> ")
    assert len(every) > 1
    return [
        [(who, said(lines)) for who, lines in groupby(text.splitlines(), lambda line: line[:1])]
        for text in every
    ]


def test_the_conversations_go_as_the_page_says(server, page, turns, shown):
    port, output = server
    for conversation in turns:
        with (
            socket.create_connection(("127.0.0.1", port), 10) as sock,
            sock.makefile("rb") as file,
        ):
            for who, said in conversation:
                if who == ">":
                    sock.sendall(said)
                else:
                    answer = told(file).decode()
                    assert like(said.decode(), answer), answer
    told_later = [line.partition(" INFO ")[2] for line in output.read_text().splitlines()]
    for line in shown(page, "INFO "):
        assert any(like(line.removeprefix("INFO "), each) for each in told_later), told_later


def like(shown, got):
    return doctest.OutputChecker().check_output(shown + "\n", got + "\n", FLAGS)


def told(file):
    """Return the next answer, to its end."""
    got = b""
    for line in file:
        got += line
        head, ended, body = got.partition(b"\r\n\r\n")
        has_body = re.search(rb"Encapsulated:.*[qs]-body=", head)
        if ended and (not has_body or body.endswith(b"\r\n0\r\n\r\n")):
            break
    return got


def test_it_is_what_that_client_sends(page, turns):
    names = [name for name in TRANSCRIPTS if name.partition("-")[0] in CLIENTS[page]]
    for said in (said for conversation in turns for _, said in conversation if b" icap://" in said):
        size = re.search(rb"Content-Length: ([0-9]+)\r\n", said)
        known = (transcript(name, size=int(size[1]) if size else 0) for name in names)
        sent = PREVIEW.sub(b"", said)
        assert any(sent.startswith(PREVIEW.sub(b"", each)) for each in known), said.decode()


def test_what_is_too_large_for_clamd_is_clean_only_where_the_page_says_so(server, page):
    name = f"{CLIENTS[page][-1]}-respmod"
    with Client("127.0.0.1", server[0]) as client:
        answer = client.play(name if name in TRANSCRIPTS else f"{CLIENTS[page][-1]}-reqmod", LARGE)
    assert answer.headers["X-Clamav-Outcome"] == "too-large"
    kind = answer.headers.get("X-Infection-Found", "").partition(";")[0]
    text = (DOCS / "howto" / f"{page}.rst").read_text()
    if "is larger than clamd takes (``StreamMaxLength``, 25 MB in Debian) passes as clean" in text:
        assert (answer.status in (200, 204), kind) == (True, "")
    else:
        assert (answer.status, kind) == NOT_CLEAN[page]


def test_what_could_not_be_scanned_is_infected_for_who_looks_at_nothing_else(serving, tmp_path):
    with (
        serving("owncloud", clamd=str(tmp_path / "nobody")) as (port, _),
        Client("127.0.0.1", port) as client,
    ):
        answer = client.play("ocis-reqmod", b"hello")
    assert answer.headers["X-Infection-Found"].startswith("Type=2; ")
    assert answer.headers["X-Clamav-Outcome"] == "down"
