"""What has been scanned is not scanned again, until clamd knows more."""

import asyncio
import hashlib
import os
import sqlite3
import threading
import time

import pytest
from zcadapt_clamav import ClamAV
from zcadapt_clamav.store import Store, default_path
from zcadapt_clamav.verdicts import WAITING, Verdicts

from zcadapt.testing import reqmod_request, respmod_request

URL = "http://www.example.com/file"
SIZES = pytest.mark.parametrize("size", [10, 400_000], ids=["small", "large"])
SOON = {"version_interval": 0.1}


@pytest.fixture
def knows(until_true):
    """How to make a service that has seen the version of the database of a clamd."""

    def knows(clamd, **options):
        service = ClamAV({"clamd": [clamd.socket], **SOON, **options})
        see(service, until_true, lambda version: version)
        return service

    knows.until = until_true
    knows.see = lambda service, condition: see(service, until_true, condition)
    return knows


@pytest.fixture
def service(clamd, knows):
    return knows(clamd)


def see(service, until_true, condition):
    """Let `service` look until the version is as it should be."""

    until_true(lambda: condition(look(service)), "it sees the version")


def look(service):
    """Let `service` look at the version, if it is time, and return what it says then."""

    async def state():
        _ = service.state
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=5)
        return service.state

    return asyncio.run(state())


def ask_twice(service, asked, body):
    """Ask about a body until it is remembered, then again; return both decisions."""
    return [asked(service, respmod_request(URL, body=body, preview=100)) for _ in range(2)]


@SIZES
@pytest.mark.parametrize("infected", [True, False])
def test_what_is_known_is_not_scanned_again(service, asked, eicar, size, infected):
    body = bytes(size) + (eicar if infected else b"")
    first, second = ask_twice(service, asked, body)
    assert first == second
    assert (first is not None) == infected
    assert (service.scanner.scanned, service.scanner.known) == (1, 1)


def test_it_is_the_file_that_is_known_however_it_comes(clamd, asked, knows, eicar):
    service = knows(clamd)
    asked(service, respmod_request(URL, body=eicar))
    form = b'--X\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n%b\r\n--X--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=X"}
    request = reqmod_request(URL, method="POST", headers=headers, body=form % eicar)
    assert asked(service, request).status == 403
    assert (service.scanner.scanned, service.scanner.known) == (1, 1)


@SIZES
def test_it_is_shared_between_workers(clamd, asked, knows, eicar, size):
    body = bytes(size) + eicar
    first = knows(clamd)
    assert asked(first, respmod_request(URL, body=body)) is not None
    second = knows(clamd)
    assert asked(second, respmod_request(URL, body=body)) is not None
    assert (second.scanner.scanned, second.scanner.known) == (0, 1)


def test_nothing_is_known_while_the_version_is_not(clamd, asked):
    service = ClamAV({"clamd": [clamd.socket]})
    asked(service, respmod_request(URL, body=b"x"))
    assert service.scanner.scanned == 1


@pytest.mark.parametrize("options", [{"remember": 0}, {"remember_on_disk": 0}])
def test_it_need_not_be_remembered_on_disk_or_at_all(clamd, asked, knows, cache, options):
    service = knows(clamd, **options)
    ask_twice(service, asked, b"x")
    assert service.scanner.known == (0 if "remember" in options else 1)
    assert not cache.exists()


def test_it_is_forgotten_after_a_while(clamd, knows, asked, until_true):
    service = knows(clamd, remember=0.01)

    def scanned():
        asked(service, respmod_request(URL, body=b"x"))
        return service.scanner.scanned

    until_true(lambda: scanned() > 1, "it is scanned again")


def test_memory_is_bounded(clamd, asked, knows):
    service = knows(clamd, remember_in_memory=2, remember_on_disk=0)
    for body in b"a", b"b", b"c", b"c", b"b", b"a":
        asked(service, respmod_request(URL, body=body))
    assert (service.scanner.scanned, service.scanner.known) == (4, 2)


def test_memory_may_have_no_room_at_all(clamd, asked, knows):
    service = knows(clamd, remember_in_memory=0, remember_on_disk=0)
    ask_twice(service, asked, b"a")
    assert (service.scanner.scanned, service.scanner.known) == (2, 0)


def test_a_new_database_finds_more_and_the_istag_tells(own_clamd, knows, asked, later):
    service = knows(own_clamd)
    assert ask_twice(service, asked, later) == [None, None]
    before = service.state
    assert before.startswith("ClamAV ")
    assert "/1/" in before

    own_clamd.learn()
    own_clamd.publish(2)
    own_clamd.reload()
    knows.see(service, lambda version: version != before)
    assert "/2/" in service.state
    assert asked(service, respmod_request(URL, body=later)).status == 403


def test_a_new_signature_of_ones_own_is_noticed_where_its_folder_is_named(
    own_clamd, knows, asked, later
):
    service = knows(own_clamd, database=str(own_clamd.folder / "db"))
    assert ask_twice(service, asked, later) == [None, None]
    assert service.scanner.known == 1
    before = service.state
    own_clamd.learn()
    own_clamd.reload()
    knows.see(service, lambda version: version != before)
    assert asked(service, respmod_request(URL, body=later)).status == 403


@pytest.fixture
def held(fake_clamd, knows, asked, cache):
    """How to find out for how long a verdict about a body holds, with a version and settings."""

    def held(body, version, options):
        fake_clamd.version = version
        service = knows(fake_clamd, **options)
        asked(service, respmod_request(URL, body=body))
        store = Store(cache / "zcadapt" / "clamav.sqlite3", most=100)
        key = hashlib.sha256(body).digest(), f"{service.state} {fake_clamd.socket}"
        _, expires = knows.until(lambda: store.get(*key), "it is remembered")
        return expires - time.time()

    return held


DAILY = b"ClamAV 1.4.6/27500/Mon Jan  5 09:25:01 2026"


@pytest.mark.parametrize(
    ("version", "folder", "longest"),
    [
        (DAILY, None, 3600),
        (DAILY, "new", 60),
        (b"ClamAV 1.4.6", None, 60),
        (b"ClamAV 1.4.6", "new", 60),
    ],
)
def test_where_nothing_tells_of_new_signatures_clean_is_so_for_a_short_time(
    held, tmp_path, version, folder, longest
):
    (tmp_path / "new").mkdir()
    options = {"database": str(tmp_path / folder)} if folder else {}
    assert longest - 30 < held(b"clean", version, options) <= longest


def test_so_is_a_virus_as_it_may_be_a_false_alarm_that_has_just_been_mended(held, tmp_path, evil):
    assert 30 < held(evil, DAILY, {"database": str(tmp_path)}) <= 60


def test_otherwise_it_is_one_for_longer(held, evil):
    assert held(evil, DAILY, {}) > 3570


def test_what_one_clamd_says_is_not_taken_for_the_word_of_another(new_fake_clamd, knows, asked):
    first, second = new_fake_clamd("1"), new_fake_clamd("2")
    service = ClamAV({"clamd": [first.socket, second.socket], "patience": 0})
    knows.see(service, lambda version: version)
    first.stop()  # and nobody has asked for the version of the second
    assert ask_twice(service, asked, b"x") == [None, None]
    assert second.streams == service.scanner.scanned == 2


def test_nor_is_it_when_both_have_the_same_database(new_fake_clamd, knows, asked):
    first, second = new_fake_clamd("1"), new_fake_clamd("2")
    service = ClamAV({"clamd": [first.socket, second.socket], "patience": 0, **SOON})
    knows.see(service, lambda version: version)
    before = service.state
    assert asked(service, respmod_request(URL, body=b"x")) is None
    first.stop()

    def is_known():
        asked(service, respmod_request(URL, body=b"y"))
        return service.scanner.known

    knows.until(is_known, "the version of the second is known")
    assert service.state == before
    streams = second.streams
    assert asked(service, respmod_request(URL, body=b"x")) is None
    assert second.streams == streams + 1


def test_no_request_waits_for_the_version(own_clamd, asked, knows):
    service = knows(own_clamd)
    asked(service, respmod_request(URL, body=b"x"))
    with own_clamd.paused():
        begin = time.monotonic()
        assert asked(service, respmod_request(URL, body=b"x")) is None
        assert time.monotonic() - begin < 0.5
    assert service.scanner.known == 1


def test_the_version_is_known_after_a_restart(clamd, asked, knows):
    first = knows(clamd)
    asked(first, respmod_request(URL, body=b"x"))
    second = ClamAV({"clamd": [clamd.socket]})
    assert second.state == first.state


# The file


def test_it_is_in_the_cache_folder(clamd, asked, knows, cache):
    service = knows(clamd)
    asked(service, respmod_request(URL, body=b"x"))
    path = cache / "zcadapt" / "clamav.sqlite3"
    assert default_path() == path
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def unusable(folder):
    """Yield files that cannot be used, and why."""
    file = folder / "no-folder"
    file.write_text("")
    yield file / "verdicts", "File exists"
    broken = folder / "broken"
    broken.write_bytes(b"this is no database" * 100)
    broken.chmod(0o600)
    yield broken, "not a database"
    writable = folder / "writable"
    writable.touch()
    writable.chmod(0o666)
    yield writable, "others could write"
    link = folder / "link"
    link.symlink_to(folder / "elsewhere")
    yield link, "symbolic link"
    open_to_all = folder / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    yield open_to_all / "verdicts", "others could write"


def test_what_cannot_be_used_is_told_once_and_done_without(clamd, asked, knows, tmp_path, caplog):
    for path, why in unusable(tmp_path):
        caplog.clear()
        service = knows(clamd, store=str(path))
        ask_twice(service, asked, str(path).encode())
        assert (service.scanner.scanned, service.scanner.known) == (1, 1)
        knows.until(lambda: caplog.records, "it is told")
        told = [each.getMessage() for each in caplog.records]
        assert len(told) == 1, told
        assert "in memory only" in told[0]
        assert why in told[0]


def test_without_a_home_it_does_without(clamd, knows, monkeypatch, caplog):
    monkeypatch.setenv("CACHE_DIRECTORY", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setattr("pathlib.Path.home", no_home)
    knows(clamd)
    assert "in memory only" in caplog.text


def no_home():
    raise RuntimeError("Could not determine home directory.")


def test_another_worker_that_writes_holds_nobody_up(clamd, asked, knows, cache):
    service = knows(clamd)
    asked(service, respmod_request(URL, body=b"x"))
    other = sqlite3.connect(cache / "zcadapt" / "clamav.sqlite3")
    other.execute("BEGIN IMMEDIATE")
    begin = time.monotonic()
    for number in range(5):
        assert asked(service, respmod_request(URL, body=b"%d" % number)) is None
    other.rollback()
    other.close()
    assert time.monotonic() - begin < 5
    asked(service, respmod_request(URL, body=b"y"))
    assert asked(knows(clamd), respmod_request(URL, body=b"y")) is None


class SlowStore(Store):
    """One on a disk that takes its time, until `goes_on` is set."""

    def __init__(self, path):
        super().__init__(path, most=1000)
        self.goes_on = threading.Event()

    def get(self, digest, version):
        self.goes_on.wait(20)
        return super().get(digest, version)


def test_a_slow_second_of_the_disk_leaves_nothing_behind(tmp_path):
    store = SlowStore(tmp_path / "folder" / "verdicts")
    store.put([(b"evil", "v", "Virus", time.time() + 1000)])
    verdicts = Verdicts(3600, 0, store)

    async def looks(number):
        return await asyncio.gather(*(verdicts.get(b"evil", "v") for _ in range(number)))

    async def story():
        assert await looks(150) == [None] * 150
        store.goes_on.set()
        await verdicts.get(b"evil", "v")  # the thread has done what it was at
        return await looks(WAITING)

    assert asyncio.run(story()) == ["Virus"] * WAITING


def test_the_file_is_bounded(tmp_path):
    store = Store(tmp_path / "folder" / "verdicts", most=100)
    now = time.time()
    for number in range(1000):
        store.put([(b"%d" % number, "v", "", now + 1000 + number)])
    assert store.get(b"899", "v") is None
    assert store.get(b"900", "v") == ("", now + 1900)


def test_what_is_too_old_is_dropped(tmp_path):
    store = Store(tmp_path / "folder" / "verdicts", most=100)
    now = time.time()
    store.put([(b"old", "v", "", now - 1), (b"new", "v", "Virus", now + 1000)])
    assert store.get(b"old", "v") is None
    store.tidy()
    with sqlite3.connect(tmp_path / "folder" / "verdicts") as connection:
        assert connection.execute("SELECT count(*) FROM verdicts").fetchone() == (1,)
    connection.close()
    assert store.get(b"new", "another version") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_somebody_else_is_not_believed(tmp_path):
    path = tmp_path / "folder" / "verdicts"
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)
    os.chown(path, 65534, 65534)
    with pytest.raises(PermissionError, match="others could write"):
        Store(path, most=1).get(b"x", "v")
