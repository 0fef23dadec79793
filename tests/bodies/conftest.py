import asyncio

import pytest


class Bodies:
    """Bodies in pieces, and what comes out of them."""

    @staticmethod
    async def pieces(data, size=1000):
        for at in range(0, len(data), size):
            yield data[at : at + size]

    @staticmethod
    def read(pieces):
        """Return all of an asynchronous iterator, in one."""

        async def read():
            return b"".join([piece async for piece in pieces])

        return asyncio.run(read())

    @staticmethod
    def each(sections, *names):
        """Return (attributes..., content) of every section."""

        async def read():
            return [
                (
                    *(getattr(section, name) for name in names),
                    b"".join([piece async for piece in section]),
                )
                async for section in sections
            ]

        return asyncio.run(read())


@pytest.fixture
def bodies():
    return Bodies


@pytest.fixture(scope="session")
def session_bodies():
    """The same, for examples of one test that share it."""
    return Bodies
