"""What an exchange does with a piece of the body is told by its phase."""

import asyncio

import pytest

from zcadapt import respmod
from zcadapt.icap.phase import UNDECIDED, Phase


@respmod(preview=1000)
def plain(request):
    """Have no opinion, having seen some of the body."""


@respmod
async def waits(request):
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("path", "fields", "size", "phase"),
    [
        ("/plain", (), 500, Phase.GATHER),
        ("/waits", (), 500, Phase.ASK),
        ("/plain", (), 1500, Phase.ECHO),
        ("/plain", ("Allow: 204",), 1500, Phase.HOLD),
    ],
)
def test_the_phase_follows_from_who_asks_and_what_has_come(serve, icap, path, fields, size, phase):
    running = serve({"plain": plain, "waits": waits})
    client = running.client()
    client.send(icap.respmod(path, *fields, body=b"x" * size)[: -len(icap.END)])

    def phases():
        exchanges = [wire.exchange for wire in running.server._clients.all()]
        return [exchange._phase for exchange in exchanges if exchange is not None]

    running.wait_for(lambda: phases() == [phase])
    assert (phase in UNDECIDED) == (phase in (Phase.GATHER, Phase.ASK))
