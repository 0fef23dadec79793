"""clamd comes and goes, is slow, reloads: nothing passes unseen that should not."""

import asyncio
import contextlib
import logging
import socket
import threading

import pytest
from programs import until
from zcadapt_clamav import ClamAV, NotScannedError, Trouble, service
from zcadapt_clamav.incoming import PAUSE

from zcadapt.testing import check_service, reqmod_request, respmod_request

URL = "http://www.example.com/file"
CLEAN = b"clean " * 100
MIB = 1 << 20


@pytest.fixture
def nowhere(tmp_path):
    return str(tmp_path / "nobody.sock")


def outcome(asked, scanner, body=CLEAN):
    """Return what becomes of a body: a word."""
    request = respmod_request(URL, body=body, preview=100)
    try:
        decision = asked(scanner, request)
    except NotScannedError as error:
        return f"error {error.trouble}"
    return "clean" if decision is None else dict(decision.icap_headers)["X-Clamav-Outcome"]


def many(scanner, asked, bodies):
    """Ask about all bodies at once, and return the outcomes."""

    async def one(body):
        request = respmod_request(URL, body=body, preview=100)
        try:
            decision = await asked.awaited(scanner, request)
        except NotScannedError as error:
            return f"error {error.trouble}"
        return "clean" if decision is None else dict(decision.icap_headers)["X-Clamav-Outcome"]

    async def all_of_them():
        return await asyncio.gather(*map(one, bodies))

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("action", ["allow", "block", "error"])
def test_while_it_is_down(nowhere, asked, action):
    scanner = ClamAV({"clamd": [nowhere], "patience": 0, "down": action})
    assert outcome(asked, scanner) == ("error down" if action == "error" else "down")
    assert scanner.counters == {"down": 1}


@pytest.mark.parametrize("place", ["127.0.0.1:1", "no-such-host.invalid:3310", "a..b:3310"])
def test_nobody_there_over_tcp(asked, place, caplog):
    scanner = ClamAV({"clamd": [place], "patience": 0})
    assert outcome(asked, scanner) == "error down"
    caplog.clear()
    asyncio.run(scanner.begin())
    assert f"clamd cannot be reached: {place} (" in caplog.text


def test_the_first_that_can_be_reached_is_asked(clamd, nowhere, asked, eicar):
    scanner = ClamAV({"clamd": [nowhere, "127.0.0.1:1", clamd.socket], "patience": 0})
    assert outcome(asked, scanner, eicar) == "infected"


def test_it_is_found_when_it_comes(own_clamd, asked, eicar, caplog, until_true):
    own_clamd.stop()
    scanner = ClamAV({"clamd": [own_clamd.socket], "patience": 0.2})
    assert outcome(asked, scanner) == "error down"
    own_clamd.start()
    until_true(lambda: outcome(asked, scanner, eicar) == "infected", "it is found")
    assert caplog.text.count("clamd cannot be reached: " + own_clamd.socket + " (") == 1
    assert caplog.text.count("clamd can be reached again") == 1


def test_while_it_is_away_for_long_nobody_waits(nowhere, asked):
    scanner = ClamAV({"clamd": [nowhere], "patience": 0.3})

    async def times():
        loop = asyncio.get_running_loop()
        taken = []
        for _ in range(3):
            begin = loop.time()
            with contextlib.suppress(NotScannedError):
                await asked.awaited(scanner, respmod_request(URL, body=CLEAN))
            taken.append(loop.time() - begin)
        return taken

    first, *others = asyncio.run(times())
    assert first >= 0.3
    assert max(others) < 0.1


def test_nor_does_anybody_try_for_a_while(new_fake_clamd, tmp_path, asked, until_true):
    scanner = ClamAV({"clamd": [str(tmp_path / "late.sock")], "patience": 0})
    assert outcome(asked, scanner) == "error down"
    fake = new_fake_clamd("late.sock")
    assert outcome(asked, scanner) == "error down"
    assert not fake.streams
    until_true(lambda: outcome(asked, scanner) == "clean", "it is found")


def test_a_restart_under_load_is_waited_out(own_clamd, asked, eicar, evil):
    scanner = ClamAV({"clamd": [own_clamd.socket], "patience": 30, "remember": 0})
    bodies = [eicar, evil, *(b"%d" % n + CLEAN * 1000 for n in range(100))] * 2
    outcomes = []
    load = threading.Thread(target=lambda: outcomes.extend(many(scanner, asked, bodies)))
    load.start()
    for _ in range(2):
        own_clamd.stop()
        own_clamd.start()
    load.join()
    assert outcomes == ["infected", "infected", *["clean"] * 100] * 2


def test_a_restart_in_mid_body_is_made_up_for(own_clamd, asked, eicar, until_true):
    scanner = ClamAV({"clamd": [own_clamd.socket], "patience": 30})
    request = reqmod_request(URL, method="POST", body=bytes(200_000), preview=100_000)
    request.body.never_ends()

    async def story():
        asking = asyncio.ensure_future(asked.awaited(scanner, request))
        await asyncio.to_thread(until_true, lambda: request.body.was_continued, "more is wanted")
        await asyncio.to_thread(own_clamd.stop)
        await asyncio.to_thread(own_clamd.start)
        request.body.feed(eicar)
        request.body.end()
        return await asking

    assert dict(asyncio.run(story()).icap_headers)["X-Clamav-Outcome"] == "infected"


def answers(*each):
    """Return what a fake clamd answers with: one after the other, about whatever body."""
    left = list(each)
    return lambda _: left.pop(0)


FOUND = b"stream: Test.Evil FOUND"


@pytest.mark.parametrize(
    ("said", "become"),
    [
        ([b"", b"stream: OK"], "clean"),
        ([b"", FOUND], "infected"),
        ([b"COMMAND READ TIMED OUT", FOUND], "infected"),
        ([b"", b""], "error down"),
    ],
)
def test_a_connection_that_is_lost_is_made_up_for_once(fake_clamd, asked, said, become):
    fake_clamd.answer = answers(*said)
    scanner = ClamAV({"clamd": [fake_clamd.socket], "remember": 0})
    assert outcome(asked, scanner) == become
    assert fake_clamd.streams == 2


FORM = {"Content-Type": "multipart/form-data; boundary=X"}
FILE = b'--X\r\nContent-Disposition: form-data; name="f"; filename="%b"\r\n\r\n%b\r\n'


@pytest.mark.parametrize("then", [[b"", b""], [b"", b"stream: OK"]])
def test_what_was_found_before_a_connection_was_lost_counts(fake_clamd, asked, then):
    fake_clamd.answer = answers(FOUND, *then)
    options = {"clamd": [fake_clamd.socket], "remember": 0, "patience": 0, "down": "allow"}
    body = FILE % (b"a", b"x") + FILE % (b"b", b"y") + b"--X--\r\n"
    request = reqmod_request(URL, method="POST", headers=FORM, body=body)
    decision = asked(ClamAV(options), request)
    assert decision.reason == "A virus was found: Test.Evil in a"


def test_what_is_found_twice_is_told_once(fake_clamd, asked):
    fake_clamd.answer = answers(FOUND, b"", b"stream: OK")
    scanner = ClamAV({"clamd": [fake_clamd.socket], "remember": 0})
    body = FILE % (b"a", b"x") + FILE % (b"b", b"y") + b"--X--\r\n"
    decision = asked(scanner, reqmod_request(URL, method="POST", headers=FORM, body=body))
    assert dict(decision.icap_headers)["X-Violations-Found"].startswith("1\r\n\ta\r\n")


def test_a_reload_under_load_harms_nobody(own_clamd, asked, eicar):
    scanner = ClamAV({"clamd": [own_clamd.socket], "remember": 0})
    bodies = [eicar, *(b"%d" % n + CLEAN * 1000 for n in range(100))] * 3
    outcomes = []
    load = threading.Thread(target=lambda: outcomes.extend(many(scanner, asked, bodies)))
    load.start()
    for _ in range(3):
        own_clamd.reload()
    load.join()
    assert outcomes == ["infected", *["clean"] * 100] * 3


def test_so_does_one_that_lets_nobody_scan_meanwhile(new_clamd, asked, eicar, later):
    # It waits for its threads to end, which they do when they have been idle.
    with new_clamd("ConcurrentDatabaseReload no\nIdleTimeout 1\n") as clamd:
        scanner = ClamAV({"clamd": [clamd.socket], "remember": 0, "queue_timeout": 30})
        assert outcome(asked, scanner, later) == "clean"
        clamd.learn()
        bodies = [eicar, *(b"%d" % n + CLEAN * 1000 for n in range(50))]
        outcomes = []
        load = threading.Thread(target=lambda: outcomes.extend(many(scanner, asked, bodies)))
        load.start()
        clamd.reload()
        load.join()
        assert outcomes == ["infected", *["clean"] * 50]
        assert outcome(asked, scanner, later) == "infected"


@pytest.mark.parametrize("action", ["allow", "block", "error"])
def test_while_it_reloads_and_answers_nobody(new_clamd, asked, action):
    with new_clamd("ConcurrentDatabaseReload no\nIdleTimeout 60\n") as clamd:
        options = {"clamd": [clamd.socket], "scan_timeout": 0.3, "reloading": action}
        scanner = ClamAV(options)
        assert outcome(asked, scanner) == "clean"
        assert clamd.ask(b"zRELOAD\0") == b"RELOADING\0"
        word = outcome(asked, scanner, b"another one")
    assert word == ("error reloading" if action == "error" else "reloading")


@pytest.mark.parametrize("action", ["allow", "block", "error"])
@pytest.mark.parametrize("size", [10, 5_000_000])
def test_one_that_answers_nobody(own_clamd, asked, action, size):
    options = {"clamd": [own_clamd.socket], "scan_timeout": 0.3, "reloading": action}
    scanner = ClamAV(options)
    with own_clamd.paused():
        word = outcome(asked, scanner, bytes(size))
        assert word == ("error reloading" if action == "error" else "reloading")
    assert outcome(asked, scanner, b"x") == "clean"


@pytest.mark.parametrize("action", ["allow", "block", "error"])
def test_one_that_answers_others_but_takes_too_long(busy_clamd, asked, action):
    options = {"clamd": [busy_clamd.socket], "slow": action, "scan_timeout": 0.5}
    word = outcome(asked, ClamAV(options))
    assert word == ("error slow" if action == "error" else "slow")


@pytest.fixture
def busy_clamd(new_clamd, until_true):
    """One whose only thread is at work for some seconds."""
    with new_clamd("MaxThreads 1\n") as clamd, socket.socket(socket.AF_UNIX) as sock:
        sock.connect(clamd.socket)
        sock.sendall(b"zCONTSCAN /usr\0")
        until_true(clamd.answers, "it has seen that, and does what needs no thread")
        yield clamd


def test_all_connections_in_use(own_clamd, asked):
    options = {"clamd": [own_clamd.socket], "connections": 2, "queue_timeout": 0.1}
    scanner = ClamAV({**options, "scan_timeout": 1, "reloading": "block"})
    with own_clamd.paused():
        assert many(scanner, asked, [CLEAN] * 5) == ["reloading"] * 5
    assert outcome(asked, scanner) == "clean"


def test_so_many_bodies_that_they_wait_in_vain(busy_clamd, asked):
    options = {"clamd": [busy_clamd.socket], "connections": 1, "queue_timeout": 0.1}
    scanner = ClamAV({**options, "scan_timeout": 0.5, "slow": "allow"})
    assert many(scanner, asked, [CLEAN] * 3) == ["slow"] * 3


def test_connections_are_bounded(fake_clamd, asked):
    scanner = ClamAV({"clamd": [fake_clamd.socket], "connections": 3, "remember": 0})
    go_on = threading.Event()
    fake_clamd.answer = lambda _: b"stream: OK" if go_on.wait(10) else b""

    async def story():
        bodies = [respmod_request(URL, body=b"%d" % n + CLEAN * 2000) for n in range(30)]
        asking = [asyncio.ensure_future(asked.awaited(scanner, each)) for each in bodies]
        await asyncio.wait(asking, timeout=0.5)
        go_on.set()
        return await asyncio.gather(*asking)

    assert asyncio.run(story()) == [None] * 30
    assert fake_clamd.at_once == 3
    assert fake_clamd.streams == scanner.scanner.scanned == 30


def coming(begin, headers=()):
    """Return a request of which `begin` is there, and no more comes by itself."""
    body = begin + b"x"
    request = reqmod_request(URL, method="POST", headers=headers, body=body, preview=len(begin))
    request.body.never_ends()
    return request


def is_unread(body):
    """Whether there is more than anybody has read: the server takes no more then."""
    return body.spool.size > body.position


def test_while_others_have_them_all_no_more_is_taken_from_a_client(fake_clamd, asked):
    scanner = ClamAV({"clamd": [fake_clamd.socket], "connections": 1, "queue_timeout": 20})
    go_on = threading.Event()
    fake_clamd.answer = lambda _: b"stream: OK" if go_on.wait(10) else b""
    late = coming(bytes(100_000))

    async def story():
        first = asyncio.ensure_future(asked.awaited(scanner, respmod_request(URL, body=CLEAN)))
        await asyncio.to_thread(until, lambda: fake_clamd.streams, "clamd is at work")
        second = asyncio.ensure_future(asked.awaited(scanner, late))
        await asyncio.wait([second], timeout=0.2)
        late.body.feed(bytes(900_000))
        await asyncio.wait([second], timeout=0.2)
        read = late.body.position
        go_on.set()
        late.body.end()
        return read, await first, await second

    assert asyncio.run(story()) == (100_000, None, None)


def test_a_body_that_still_comes_has_its_turn_like_all_others(clamd, asked):
    options = {"connections": 1, "remember": 0, "too_large": "block", "queue_timeout": 20}
    scanner = ClamAV({"clamd": [clamd.socket], **options})  # which takes 1 MiB
    large = coming(bytes(10))

    async def whole(number):
        while True:
            await asked.awaited(scanner, respmod_request(URL, body=b"%d" % number + CLEAN))

    async def story():
        others = [asyncio.ensure_future(whole(number)) for number in range(4)]
        asking = asyncio.ensure_future(asked.awaited(scanner, large))
        while not asking.done():
            await asyncio.wait([asking], timeout=0.001)
            if not is_unread(large.body):
                large.body.feed(bytes(65536))
        for each in others:
            each.cancel()
        await asyncio.wait(others)
        return large.body.position, asking.result()

    taken, decision = asyncio.run(asyncio.wait_for(story(), 30))
    assert dict(decision.icap_headers)["X-Clamav-Outcome"] == "too-large"
    assert taken < 3 * MIB


def test_it_waits_for_its_turn_only_so_long(fake_clamd, asked):
    scanner = ClamAV({"clamd": [fake_clamd.socket], "connections": 1, "queue_timeout": 0.2})
    go_on = threading.Event()
    fake_clamd.answer = lambda _: b"stream: OK" if go_on.wait(10) else b""

    async def story():
        first = asyncio.ensure_future(asked.awaited(scanner, respmod_request(URL, body=CLEAN)))
        await asyncio.to_thread(until, lambda: fake_clamd.streams, "clamd is at work")
        with pytest.raises(NotScannedError) as told:
            await asked.awaited(scanner, coming(bytes(100_000)))
        go_on.set()
        return told.value.trouble, await first

    assert asyncio.run(story()) == (Trouble.SLOW, None)


def test_many_that_are_slow_and_many_that_are_quick_get_their_verdicts(own_clamd, asked, eicar):
    # Were they waited for one after the other, it would be 15 seconds.
    options = {"connections": 2, "remember": 0, "queue_timeout": 8}
    scanner = ClamAV({"clamd": [own_clamd.socket], **options})

    async def one(number, is_slow):
        end = eicar if number % 2 else b"%d" % number + CLEAN
        if not is_slow:
            return await asked.awaited(scanner, respmod_request(URL, body=bytes(200_000) + end))
        request = coming(bytes(100_000))
        asking = asyncio.ensure_future(asked.awaited(scanner, request))
        for _ in range(10):
            await asyncio.wait([asking], timeout=PAUSE * 1.5)
            while is_unread(request.body) and not asking.done():
                await asyncio.wait([asking], timeout=PAUSE / 10)
            request.body.feed(bytes(200_000))
        request.body.feed(end)
        request.body.end()
        return await asking

    async def all_of_them():
        return await asyncio.gather(*(one(n, slow) for n in range(20) for slow in (True, False)))

    decisions = asyncio.run(all_of_them())
    found = [decision is not None for decision in decisions]
    assert found == [bool(n % 2) for n in range(20) for _ in range(2)]
    assert scanner.counters == {"infected": 20, "clean": 20}


def test_each_file_of_a_form_that_comes_slowly_is_scanned_once(fake_clamd, asked):
    scanned = []
    fake_clamd.answer = lambda body: scanned.append(body) or b"stream: OK"
    scanner = ClamAV({"clamd": [fake_clamd.socket], "remember": 0})
    files = [*(b"%d" % n + CLEAN for n in range(20)), bytes(5 * MIB)]
    body = b"".join(FILE % (b"f", each) for each in files) + b"--X--\r\n"
    request = coming(body[:100_000], FORM)

    async def story():
        asking = asyncio.ensure_future(asked.awaited(scanner, request))
        for at in range(100_000, len(body), MIB):
            await asyncio.wait([asking], timeout=PAUSE * 1.5)
            request.body.feed(body[at : at + MIB])
        request.body.end()
        return await asking

    assert asyncio.run(story()) is None
    assert scanned == files
    assert fake_clamd.streams > len(files)  # of the last one, in vain


def test_a_client_that_goes_away_leaves_its_connection_to_others(own_clamd, asked):
    scanner = ClamAV({"clamd": [own_clamd.socket], "connections": 1, "queue_timeout": 1})

    async def story():
        for _ in range(5):
            request = reqmod_request(URL, method="POST", body=bytes(300_000), preview=100_000)
            request.body.never_ends()
            asking = asked.awaited(scanner, request)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asking, 0.1)
            assert request.body.was_continued
        return await asked.awaited(scanner, respmod_request(URL, body=CLEAN))

    assert asyncio.run(story()) is None
    assert scanner.counters == {"clean": 1}


def test_of_what_is_too_large_no_more_is_waited_for_than_shows_it(clamd, asked):
    scanner = ClamAV({"clamd": [clamd.socket], "too_large": "allow"})  # which takes 1 MiB
    request = respmod_request(URL, body=bytes(10_000_000), preview=600_000)
    request.body.never_ends()

    async def story():
        asking = asyncio.ensure_future(asked.awaited(scanner, request))
        await asyncio.wait([asking], timeout=PAUSE * 2)
        assert not asking.done()
        request.body.feed(bytes(MIB))
        return await asking

    assert dict(asyncio.run(story()).icap_headers) == {"X-Clamav-Outcome": "too-large"}


def test_nor_is_more_waited_for_where_clamd_has_said_so_already(clamd, asked):
    scanner = ClamAV({"clamd": [clamd.socket]})
    request = coming(bytes(MIB))
    request.body.feed(b"beyond")  # which is so little that it can be sent though nobody reads it
    decision = asyncio.run(asyncio.wait_for(asked.awaited(scanner, request), 10))
    assert dict(decision.icap_headers) == {"X-Clamav-Outcome": "too-large"}


def test_nor_than_shows_it_to_who_has_seen_others_refused(clamd, asked):
    scanner = ClamAV({"clamd": [clamd.socket]})
    other, request = coming(bytes(10)), coming(bytes(1_000_000))
    for _ in range(100):
        other.body.feed(bytes(65536))
    assert asked(scanner, other) is not None

    async def story():
        asking = asyncio.ensure_future(asked.awaited(scanner, request))
        while not asking.done():
            await asyncio.wait([asking], timeout=PAUSE * 2)
            request.body.feed(bytes(100_000))
        return request.body.position

    assert asyncio.run(story()) < 1_800_000


# Not configured


def test_without_a_clamd_anywhere_it_harms_nobody(asked, caplog, monkeypatch, nowhere):
    monkeypatch.setattr(service, "SOCKETS", (nowhere,))
    caplog.set_level(logging.INFO)
    scanner = ClamAV({})
    for _ in range(3):
        assert outcome(asked, scanner) == "clean"
    assert not scanner.counters
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "clamd is not configured" in caplog.text
    check_service(lambda: ClamAV({}))


@pytest.fixture
def usual_clamd(own_clamd, monkeypatch):
    """One that listens where distributions let it."""
    monkeypatch.setattr(service, "SOCKETS", (own_clamd.socket,))
    monkeypatch.setattr(service, "LOOK_EVERY", 0)
    return own_clamd


@pytest.mark.parametrize("leaves_its_socket", [True, False])
@pytest.mark.parametrize("action", ["allow", "block", "error"])
def test_one_that_was_there_unconfigured_is_down_when_it_goes_away(
    asked, usual_clamd, caplog, leaves_its_socket, action
):
    scanner = ClamAV({"patience": 0, "remember": 0, "down": action})
    assert outcome(asked, scanner) == "clean"
    if leaves_its_socket:
        usual_clamd.process.kill()
        usual_clamd.process.wait()
    else:
        usual_clamd.stop()
    assert outcome(asked, scanner) == ("error down" if action == "error" else "down")
    assert "not configured" not in caplog.text


def test_so_is_one_that_has_left_its_socket_there(asked, usual_clamd):
    usual_clamd.process.kill()
    usual_clamd.process.wait()
    assert outcome(asked, ClamAV({"patience": 0})) == "error down"


def test_a_clamd_at_its_usual_place_is_asked(asked, monkeypatch, clamd, nowhere, eicar):
    monkeypatch.setattr(service, "SOCKETS", (nowhere, clamd.socket))
    assert outcome(asked, ClamAV({}), eicar) == "infected"


def test_the_settings_of_trouble_have_a_word_each():
    names = {trouble.setting for trouble in Trouble}
    assert names == {"too_large", "undecodable", "encrypted", "down", "slow", "reloading"}
