"""Who is served, who is told that there are too many, and who is cut off."""

import pytest

from zcadapt.icap import admission
from zcadapt.icap.admission import Admission, Clients


class Somebody:
    """A client: it is only counted."""


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(admission, "MOST_TURNED_AWAY", 2)
    return Clients(3)


def test_so_many_are_served_some_are_told_and_the_rest_is_cut_off(few):
    found = [few.admit(Somebody()) for _ in range(7)]
    assert found == [Admission.ADMITTED] * 3 + [Admission.REFUSED] * 2 + [Admission.CUT] * 2
    assert len(few) == 7


def test_who_is_turned_away_takes_nobodys_place(few):
    clients = [Somebody() for _ in range(5)]
    for client in clients:
        few.admit(client)
    few.dismiss(clients[0])
    assert few.admit(Somebody()) is Admission.ADMITTED
    assert few.admit(Somebody()) is Admission.CUT
    few.dismiss(clients[3])
    assert few.admit(Somebody()) is Admission.CUT, "one who was cut is not gone yet"


def test_nobody_is_admitted_when_the_server_ends(few):
    few.admit(Somebody())
    few.is_closed = True
    assert few.admit(Somebody()) is Admission.CUT


def test_a_flood_of_clients_is_cut_off_without_a_word(serve, icap, monkeypatch):
    monkeypatch.setattr(admission, "MOST_TURNED_AWAY", 2)
    running = serve(connections=1)
    first = running.client()
    assert first.ask(icap.options()).status == 200
    told = [running.client() for _ in range(2)]
    assert [client.answer().status for client in told] == [503, 503]
    running.wait_for(lambda: running.server.connections == 3)
    assert running.client().rest() == b""
    assert first.ask(icap.options()).status == 200
