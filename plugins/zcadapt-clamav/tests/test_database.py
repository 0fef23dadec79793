"""The version of the database: who asks for it, how often, and what counts."""

import asyncio

import pytest
from zcadapt_clamav.database import Database


class Asked:
    """Somebody who is asked, and says the next of these."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.commands = []

    async def __call__(self, command):
        self.commands.append(command)
        return self.replies.pop(0)


def look(database, times=1):
    async def looks():
        for _ in range(times):
            database.look()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            if others:
                await asyncio.wait(others)

    asyncio.run(looks())


def test_what_is_new_is_told_once():
    told = []
    database = Database(Asked("ClamAV 1/1/x", "ClamAV 1/1/x", "ClamAV 1/2/x"), 0, "", told.append)
    look(database, 3)
    assert database.version == "ClamAV 1/2/x"
    assert told == ["ClamAV 1/1/x", "ClamAV 1/2/x"]


@pytest.mark.parametrize("reply", ["", "UNKNOWN COMMAND", "PONG"])
def test_it_stays_while_clamd_does_not_tell(reply):
    told = []
    database = Database(Asked(reply), 0, "ClamAV 1/1/x", told.append)
    look(database)
    assert database.version == "ClamAV 1/1/x"
    assert not told


def test_it_is_asked_for_now_and_then_only():
    ask = Asked("ClamAV 1/1/x")
    look(Database(ask, 1000, "", [].append), 5)
    assert ask.commands == [b"zVERSION\0"]


def test_nobody_waits_for_it():
    async def never(_):
        await asyncio.get_running_loop().create_future()

    async def looks():
        database = Database(never, 0, "ClamAV 1/1/x", [].append)
        for _ in range(3):
            database.look()
        return database.version

    assert asyncio.run(looks()) == "ClamAV 1/1/x"


def test_where_no_event_loop_runs_nobody_is_asked():
    ask = Asked()
    Database(ask, 0, "", [].append).look()
    assert not ask.commands
