"""The version of the database: who asks for it, how often, and what counts."""

import asyncio
import os
import time

import pytest
from zcadapt_clamav.database import UNKNOWN, Database, Version


class Asked:
    """Somebody at /a who is asked, and says the next of these; or somebody elsewhere does."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.commands = []

    async def __call__(self, command):
        self.commands.append(command)
        reply = self.replies.pop(0)
        return reply if isinstance(reply, tuple) else ("/a", reply)


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


def test_each_place_has_its_own():
    database = Database(Asked("ClamAV 1/2/x", ("/b", "ClamAV 1/1/x")), 0, "", [].append)
    look(database)
    assert database.at("/b") == UNKNOWN
    look(database)
    assert database.version == "ClamAV 1/1/x"
    assert database.at("/a") == Version("ClamAV 1/2/x", "/a", is_telling=True)
    assert database.at("/b") == Version("ClamAV 1/1/x", "/b", is_telling=True)
    assert database.last == database.at("/b")


def test_two_that_have_the_same_are_of_one_version_with_verdicts_of_their_own():
    told = []
    database = Database(Asked("ClamAV 1/1/x", ("/b", "ClamAV 1/1/x")), 0, "", told.append)
    look(database, 2)
    assert told == ["ClamAV 1/1/x"]
    assert database.at("/a").key != database.at("/b").key


def test_nothing_is_remembered_under_no_version():
    assert not UNKNOWN.key
    assert not Database(Asked(), 0, "ClamAV 1/1/x", [].append).last.key


def test_a_version_without_a_database_does_not_tell_of_new_signatures():
    database = Database(Asked("ClamAV 1.4.6"), 0, "", [].append)
    look(database)
    assert database.at("/a") == Version("ClamAV 1.4.6", "/a", is_telling=False)


# The folder


@pytest.fixture
def folder(tmp_path):
    """Where signatures are, which have not changed for an hour."""
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "own.hdb").write_text("1")
    return tmp_path / "db"


def seen(folder, asked="ClamAV 1.4.6"):
    database = Database(Asked(asked), 0, "", [].append, str(folder))
    look(database)
    return database.at("/a")


def change(folder):
    (folder / "own.hdb").write_text("2")


def touch(folder):
    os.utime(folder / "own.hdb", (1, 1))


def add(folder):
    (folder / "new.hdb").touch()


def rename(folder):
    (folder / "own.hdb").rename(folder / "x.hdb")


def replace(folder):
    (folder / "new").write_text("22")
    (folder / "new").rename(folder / "own.hdb")


def remove(folder):
    (folder / "own.hdb").unlink()


@pytest.mark.parametrize("act", [change, touch, add, rename, replace, remove])
def test_a_change_of_signatures_is_a_new_version(folder, act):
    before = seen(folder)
    assert before.text.startswith("ClamAV 1.4.6 ")
    assert seen(folder) == before
    act(folder)
    assert seen(folder).text != before.text


def test_what_clamd_does_not_load_is_none(folder):
    before = seen(folder)
    (folder / "freshclam.dat").write_text("x")
    (folder / "tmp.1").mkdir()
    (folder / "gone").symlink_to(folder / "away")
    assert seen(folder) == before


def test_the_folder_tells_once_clamd_has_surely_loaded_it(folder, monkeypatch):
    assert not seen(folder).is_telling
    changed = folder.stat().st_ctime
    monkeypatch.setattr(time, "time", lambda: changed + 901)
    assert seen(folder).is_telling


def test_a_folder_that_cannot_be_read_is_told_once_and_done_without(tmp_path, caplog):
    database = Database(Asked(*["ClamAV 1/1/x"] * 2), 0, "", [].append, str(tmp_path / "none"))
    look(database, 2)
    assert database.version == "ClamAV 1/1/x"
    assert len(caplog.messages) == 1
    assert str(tmp_path / "none") in caplog.text
