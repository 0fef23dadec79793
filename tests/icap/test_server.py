"""What a server says of itself, what it refuses, for how long it waits, and how it ends."""

import asyncio
import logging
import threading

import pytest

from zcadapt import blocking, reqmod, respmod
from zcadapt.overrides import UtilitySettings


def service(function=None, *, methods=("REQMOD", "RESPMOD"), **attributes):
    """A service with any attributes."""
    made = respmod(reqmod(function or (lambda request: None)))
    made.methods = methods
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


# OPTIONS


def test_options_tell_what_the_services_of_the_endpoint_declare(ask, icap):
    services = {
        "a": service(methods=("REQMOD",), preview=10),
        "b": service(methods=("RESPMOD",), preview=4096, transfer_complete=("exe", "zip")),
    }
    answer = ask(icap.options("/"), services, connections=77, options_ttl=99)
    assert answer.first == "ICAP/1.0 200 OK"
    fields = dict(answer.fields)
    assert fields.pop("Service").startswith("zcadapt ")
    assert fields.pop("Date").endswith(" GMT")
    assert fields.pop("ISTag")
    assert fields == {
        "Methods": "REQMOD, RESPMOD",
        "Service-ID": "zcadapt",
        "Max-Connections": "77",
        "Options-TTL": "99",
        "Allow": "204, 206",
        "Preview": "4096",
        "Transfer-Preview": "*",
        "Transfer-Complete": "exe, zip",
        "Encapsulated": "null-body=0",
    }


def test_options_are_answered_for_each_kind_of_endpoint(serve, icap):
    services = {"av": service(), "av/1": service(), "lists/2": service(methods=("RESPMOD",))}
    client = serve(services, around={"aliases": {"avscan": ["lists"]}}).client()
    methods = {
        path: client.ask(icap.options(path))["Methods"]
        for path in ("/", "", "/reqmod", "/respmod", "/av", "/av/1", "/lists", "/avscan", "/echo")
    }
    assert methods == {
        "/": "REQMOD, RESPMOD",
        "": "REQMOD, RESPMOD",
        "/reqmod": "REQMOD",
        "/respmod": "RESPMOD",
        "/av": "REQMOD, RESPMOD",
        "/av/1": "REQMOD, RESPMOD",
        "/lists": "RESPMOD",
        "/avscan": "RESPMOD",
        "/echo": "REQMOD, RESPMOD",
    }


@pytest.mark.parametrize(
    "request_",
    [
        b"OPTIONS icap://127.0.0.1/echo ICAP/1.0\r\n\r\n",
        b"OPTIONS /echo ICAP/1.0\r\nHost: 127.0.0.1\r\n\r\n",
        b"OPTIONS icap://127.0.0.1:1344/echo?profile=1&x ICAP/1.0\r\nHost: h\r\n\r\n",
        b"OPTIONS icap://[::1]:1344/echo/ ICAP/1.0\r\nHost: h\r\n\r\n",
        b"OPTIONS icaps://h/echo ICAP/1.0\r\nHost: h\r\nEncapsulated: null-body=0\r\n\r\n",
        b"OPTIONS http://ann:secret@h/echo#part ICAP/1.0\r\n\r\n",
        b"OPTIONS icap://h/echo ICAP/1.0\r\nEncapsulated: opt-body=0\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"OPTIONS /%65cho ICAP/1.0\r\nPreview: 0\r\nEncapsulated: opt-body=0\r\n\r\n0\r\n\r\n",
    ],
)
def test_options_come_in_many_forms_and_keep_the_connection(serve, request_):
    client = serve().client()
    for _ in range(3):
        assert client.ask(request_)["Methods"] == "REQMOD, RESPMOD"


def test_trailers_are_offered_only_to_who_asks_for_them(serve, icap):
    client = serve().client()
    assert client.ask(icap.options("/echo"))["Allow"] == "204, 206"
    assert (
        client.ask(icap.options("/echo", "Allow: 206, trailers"))["Allow"] == "204, 206, trailers"
    )


def test_extensions_are_ignored_only_where_every_service_ignores_them(ask, icap):
    services = {
        "a": service(transfer_ignore=("gif", "css")),
        "b": service(transfer_ignore=("jpg", "gif")),
    }
    assert ask(icap.options("/"), services)["Transfer-Ignore"] == "gif"


# ISTag


def istag(serve, icap, services, path="/", **options):
    return serve(services, **options).client().ask(icap.options(path))["ISTag"]


def test_the_istag_is_quoted_and_fits_32_characters(serve, icap):
    tag = istag(serve, icap, {"a": service()})
    assert tag[0] == tag[-1] == '"'
    assert len(tag) <= 32


def test_the_istag_is_the_same_in_every_answer(serve, icap):
    client = serve({"a": service()}).client()
    requests = [
        icap.options(),
        icap.reqmod("/reqmod", "Allow: 204"),
        icap.reqmod(),
        icap.reqmod(body=b"x"),
    ]
    assert len({client.ask(request)["ISTag"] for request in requests}) == 1


def test_the_istag_is_the_same_in_every_server_with_the_same_services(serve, icap):
    services = {"a": service(version="1"), "b": service(state="x")}
    assert istag(serve, icap, services) == istag(serve, icap, dict(reversed(services.items())))


@pytest.mark.parametrize(
    "other",
    [
        {"a": service(version="1"), "b": service()},
        {"b": service(version="1")},
        {"a": service(version="2")},
        {"a": service(version="1", state="new")},
        {},
    ],
)
def test_another_service_version_or_state_makes_another_istag(serve, icap, other):
    assert istag(serve, icap, other) != istag(serve, icap, {"a": service(version="1")})


def test_another_setting_makes_another_istag(serve, icap):
    around = {"fingerprint": lambda name, service: "limit = 2"}
    services = {"a": service()}
    assert istag(serve, icap, services, around=around) != istag(serve, icap, services)


def test_a_state_that_changes_changes_the_istag_of_the_next_answer(serve, icap):
    lists = service(state="1")
    client = serve({"a": lists}).client()
    before = client.ask(icap.reqmod("/reqmod", "Allow: 204"))["ISTag"]
    lists.state = "2"
    assert client.ask(icap.reqmod("/reqmod", "Allow: 204"))["ISTag"] != before


# Registration


def test_a_registration_counts_from_the_very_next_request(serve, icap):
    running = serve()
    client = running.client()
    assert client.ask(icap.reqmod("/late")).status == 404
    before = client.ask(icap.options())["ISTag"]
    seen = []
    running.register("late", service(lambda request: seen.append(1)))
    assert client.ask(icap.reqmod("/late", "Allow: 204")).status == 204
    assert client.ask(icap.options())["ISTag"] != before
    running.register("late", service(lambda request: seen.append(2)))
    client.ask(icap.reqmod("/late", "Allow: 204"))
    assert seen == [1, 2], "a second one under the same name replaces the first"


def with_attribute(**attributes):
    made = service()
    vars(made).update(attributes)
    return made


def test_a_service_that_cannot_be_one_is_left_out_and_does_not_hide_the_others(serve, icap, caplog):
    class NoMethods:
        preview = 0

        def adapt(self, request):
            raise AssertionError

    running = serve({"b": service()})
    for name, broken in {
        "a": NoMethods(),
        "c": service(methods="REQMOD"),
        "d": service(preview=None),
        "e": service(on_error="explode"),
        "f": with_attribute(timeout="5"),
        "g": with_attribute(transfer_complete=("exe\r\nX-Evil: 1",)),
        "h": with_attribute(transfer_ignore=None),
    }.items():
        running.register(name, broken)
    client = running.client()
    assert client.ask(icap.reqmod("/reqmod", "Allow: 204")).status == 204
    assert client.ask(icap.options()).status == 200
    for name in "acdefgh":
        assert f"service '{name}' is left out: " in caplog.text


def test_a_state_that_cannot_be_read_does_no_harm(serve, icap, caplog):
    class Moody(type(service())):
        @property
        def state(self):
            raise OSError("no list")

    moody = Moody(lambda request: None, ("REQMOD",))
    client = serve({"a": moody}).client()
    for _ in range(2):
        assert client.ask(icap.reqmod("/a", "Allow: 204")).status == 204
    assert caplog.text.count("cannot be read") == 1


def test_what_an_administrator_sets_for_a_service_counts(ask, icap):
    def broken(request):
        raise ValueError

    around = {"overrides": {"a": UtilitySettings(on_error="block")}}
    assert ask(icap.reqmod("/a", "Allow: 204"), {"a": service(broken)}, around=around).status == 200


# Errors


def test_an_unknown_path_is_404_and_the_log_names_the_nearest(serve, icap, caplog):
    client = serve({"clamav": service(), "lists": service()}).client()
    answer = client.ask(icap.reqmod("/clamv", body=b"x" * 1000))
    assert answer.first == "ICAP/1.0 404 ICAP Service Not Found"
    for part in ("127.0.0.1:", "/clamv", "nearest is /clamav", "/lists", "/echo"):
        assert part in caplog.text
    assert client.ask(icap.options()).status == 200, "the connection is kept"


def test_an_error_has_the_istag_of_the_last_endpoint_and_a_date(serve, icap):
    client = serve({"a": service(), "b": service()}).client()
    tag = client.ask(icap.options("/a"))["ISTag"]
    answers = [client.ask(icap.options("/none"))]
    client.send(b"rubbish\r\n\r\n")
    answers.append(client.answer())
    assert [answer.status for answer in answers] == [404, 400]
    assert [answer["ISTag"] for answer in answers] == [tag, tag]
    assert all(answer["Date"] for answer in answers)
    assert [[name for name, _ in answer.fields] for answer in answers] == [
        ["ISTag", "Date", "Encapsulated"],
        ["ISTag", "Date", "Connection", "Encapsulated"],
    ]


def test_an_error_at_first_has_the_istag_of_all_services(serve, icap):
    running = serve({"a": service(), "b": service()})
    tag = running.client().ask(icap.options("/"))["ISTag"]
    assert running.client().ask(icap.options("/none"))["ISTag"] == tag


def test_a_path_in_the_log_is_bounded(serve, icap, caplog):
    serve().client().ask(icap.reqmod("/" + "x" * 5000))
    assert len(caplog.text) < 1000


def test_a_wrong_method_is_405(serve, icap):
    client = serve({"a": service(methods=("RESPMOD",))}).client()
    for path in ("/a", "/respmod"):
        assert client.ask(icap.reqmod(path)).first == "ICAP/1.0 405 Method Not Allowed For Service"
    assert client.ask(icap.respmod("/a", "Allow: 204")).status == 204


FAILURES = {
    b"GET / HTTP/1.1\r\nHost: h\r\n\r\n": 400,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500): 400,
    b"REQMOD icap://h/echo ICAP/1.0\r\nHost: h\r\n\r\n": 400,
    b"REQMOD icap://h/echo ICAP/1.0\r\nEncapsulated: rubbish\r\n\r\n": 400,
    b"REQMOD icap://h/echo ICAP/1.0\r\nEncapsulated: req-body=0\r\n\r\nzz\r\n": 400,
    b"REQMOD icap://h/echo ICAP/1.0\r\nNo colon\r\n\r\n": 400,
    b"REQMOD icap://h/echo ICAP/1.0\r\nPreview: -1\r\nEncapsulated: req-body=0\r\n\r\n": 400,
    b"PATCH icap://h/echo ICAP/1.0\r\nHost: h\r\n\r\n": 501,
    b"OPTIONS icap://h/echo ICAP/2.0\r\nHost: h\r\n\r\n": 505,
    b"OPTIONS icap://h/" + b"x" * 200 + b" ICAP/1.0\r\n\r\n": 413,
    b"OPTIONS icap://h/echo ICAP/1.0\r\n" + b"A: 1\r\n" * 20 + b"\r\n": 413,
    b"OPTIONS icap://h/echo ICAP/1.0\r\nA: " + b"x" * 2000: 413,
    b"REQMOD icap://h/echo ICAP/1.0\r\nEncapsulated: req-hdr=0, null-body=5000\r\n\r\n": 413,
    b"REQMOD icap://h/slow ICAP/1.0\r\nEncapsulated: req-body=0\r\n\r\n"
     b"fff\r\n" + bytes(0xFFF) + b"\r\n1\r\nx\r\n": 413,
    b"REQMOD icap://h/slow ICAP/1.0\r\nEncapsulated: req-body=0\r\n\r\nffff\r\n": 413,
    b"REQMOD icap://h/slow ICAP/1.0\r\nEncapsulated: req-body=0\r\n\r\n1;" + b"x" * 99: 413,
}  # fmt: skip
LIMITS = {
    "uri_bytes": 100,
    "header_bytes": 1024,
    "header_count": 16,
    "chunk_line_bytes": 32,
    "chunk_bytes": 0xFFF,
    "body_bytes": 0xFFF,
}


@pytest.mark.parametrize(
    ("request_", "status"),
    [pytest.param(*pair, id=f"{n}-{pair[1]}") for n, pair in enumerate(FAILURES.items())],
)
def test_what_cannot_be_read_has_the_fitting_status_and_ends_the_connection(
    serve, icap, caplog, request_, status
):
    async def slow(request):
        await request.body.read()

    running = serve({"slow": service(slow)}, **LIMITS)
    client = running.client()
    answer = client.ask(request_)
    assert answer.status == status
    assert answer["Connection"] == "close"
    assert answer["Encapsulated"] == "null-body=0"
    assert answer["ISTag"]
    assert client.is_closed_by_server()
    assert f"127.0.0.1:{client.socket.getsockname()[1]}: {status}: " in caplog.text
    assert running.server.counters.errors == {status: 1}
    assert running.client().ask(icap.options()).status == 200


def test_what_breaks_after_the_answer_has_begun_is_cut(serve, icap):
    client = serve({"a": service()}).client()
    request = icap.respmod(body=b"x" * 100_000)
    client.send(request[:-5])
    client.until(b"x" * 1000)
    client.send(b"rubbish\r\n\r\n")
    assert not client.rest().endswith(icap.END)


def test_one_client_too_many_is_told_503(serve, icap):
    running = serve(connections=2)
    first, second = running.client(), running.client()
    assert first.ask(icap.options()).status == second.ask(icap.options()).status == 200
    third = running.client()
    answer = third.answer()
    assert answer.first == "ICAP/1.0 503 Service Overloaded"
    assert answer["Connection"] == "close"
    assert third.is_closed_by_server()
    first.close()
    running.wait_for(lambda: running.server.connections <= 2)
    assert running.client().ask(icap.options()).status == 200, "who is turned away takes no place"


# The end


def test_connection_close_is_honoured_at_once(serve, icap):
    client = serve({"a": service()}).client()
    for request in (icap.reqmod("/reqmod", "Allow: 204", "Connection: close"),):
        answer = client.ask(request)
        assert (answer.status, answer["Connection"]) == (204, "close")
        assert client.is_closed_by_server()


def test_options_with_close_say_so(serve, icap):
    client = serve().client()
    assert client.ask(icap.options("/echo", "Connection: close"))["Connection"] == "close"
    assert client.is_closed_by_server()


def test_to_close_lets_what_runs_come_to_its_end(serve, icap):
    asked, go_on = threading.Event(), threading.Event()

    @blocking
    def think(request):
        asked.set()
        go_on.wait(10)

    running = serve({"a": service(think)})
    busy, idle, begun = running.client(), running.client(), running.client()
    idle.ask(icap.options())
    begun.send(icap.options()[:20])
    busy.send(icap.reqmod("/reqmod", "Allow: 204"))
    asked.wait(10)
    running.wait_for(lambda: running.server.connections == 3)
    closing = asyncio.run_coroutine_threadsafe(running.server.close(10), running.loop)
    assert idle.is_closed_by_server()
    with pytest.raises(ConnectionRefusedError):
        running.client()
    go_on.set()
    answer = busy.answer()
    assert (answer.status, answer["Connection"]) == (204, "close")
    assert busy.is_closed_by_server()
    begun.send(icap.options()[20:])
    assert begun.answer()["Connection"] == "close"
    closing.result(10)


def test_to_close_waits_no_longer_than_it_may(serve, icap, caplog):
    asked = threading.Event()

    async def forever(request):
        asked.set()
        await asyncio.Event().wait()

    running = serve({"a": service(forever)})
    client = running.client()
    client.send(icap.reqmod())
    asked.wait(10)
    with caplog.at_level(logging.WARNING):
        running.call(running.server.close, 0.1)
    assert running.server.connections == 0
    assert client.is_closed_by_server()
    assert "1 clients are cut off" in caplog.text


def test_an_error_over_one_connection_keeps_no_other_waiting(serve, icap, caplog):
    running = serve(idle_timeout=0.3)
    silent = [running.client() for _ in range(5)]
    running.wait_for(lambda: running.server.connections == 5)
    running.call(setattr, running.server._clients.all()[0], "since", None)
    for client in silent:
        client.rest()
    running.wait_for(lambda: running.server.connections == 0)
    assert "is cut" in caplog.text


def test_what_has_happened_is_counted(serve, icap):
    running = serve()
    running.client().ask(icap.options())
    running.client().ask(icap.reqmod("/none"))
    counters = running.server.counters
    assert (counters.connections, counters.requests, counters.errors) == (2, 2, {404: 1})


def test_a_client_that_goes_away_is_no_warning(serve, icap, caplog):
    """Behind a proxy it is a user who has closed a page."""
    client = serve().client()
    client.send(icap.reqmod("/echo", body=b"x" * 1000)[:-500])
    client.half_close()
    client.rest()
    assert "400" not in caplog.text


@pytest.mark.parametrize(
    "authority", ["other.example", "192.0.2.1:99", "ann:pw@h", "[2001:db8::1]"]
)
def test_whom_the_uri_names_as_the_host_does_not_matter(serve, icap, authority):
    client = serve({"a": service()}).client()
    request = icap.reqmod("/a", "Allow: 204").replace(b"127.0.0.1", authority.encode(), 1)
    assert client.ask(request).status == 204
    assert client.ask(icap.options("/a")).status == 200


def test_an_upgrade_is_not_made(serve, icap):
    fields = ("Allow: 204", "Connection: Upgrade", "Upgrade: TLS/1.0, ICAP/1.0")
    client = serve({"a": service()}).client()
    answer = client.ask(icap.reqmod("/a", *fields))
    assert (answer.status, answer["Upgrade"], answer["Connection"]) == (204, None, None)
    assert client.ask(icap.options("/a", *fields)).status == 200


def test_who_waits_no_longer_for_the_end_leaves_no_client_and_no_timer(serve, icap):
    asked = threading.Event()

    async def forever(request):
        asked.set()
        await asyncio.Event().wait()

    running = serve({"a": service(forever)})
    idle, busy = running.client(), running.client()
    idle.ask(icap.options())
    busy.send(icap.reqmod())
    asked.wait(10)
    closing = asyncio.run_coroutine_threadsafe(running.server.close(60), running.loop)
    assert idle.is_closed_by_server()
    closing.cancel()
    assert busy.is_closed_by_server()
    running.wait_for(lambda: running.server.connections == 0)
    running.wait_for(lambda: running.server._timer is None)
