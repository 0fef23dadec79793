"""What an application tells of itself, over WSGI and over ASGI."""

import asyncio
import http.client
import threading
from contextlib import closing, contextmanager
from urllib.parse import unquote, unquote_to_bytes
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from zcadapt_partition import ASGIAffinity, Table, WSGIAffinity

STATUS = {"/missing": 404, "/broken": 500, "/moved": 302, "/unchanged": 304}


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        """Nobody reads it."""


def wsgi_site(environ, start_response):
    path = environ["SCRIPT_NAME"] + environ["PATH_INFO"]
    environ["PATH_INFO"] = "/something/else"  # as routers do
    start_response(f"{STATUS.get(path, 200)} Told", [])
    return [b""]


async def asgi_site(scope, _, send):
    if scope["type"] == "lifespan":
        await send({"type": "lifespan.startup.complete"})
        return
    status = STATUS.get(scope["path"], 200)
    scope["path"] = "/something/else"
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@contextmanager
def wsgi(table):
    """Yield how to ask a real WSGI server; it checks that both sides keep to PEP 3333."""
    application = validator(WSGIAffinity(validator(plain(wsgi_site)), table))
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def ask(target, host):
            with closing(http.client.HTTPConnection(*server.server_address)) as connection:
                connection.putrequest("GET", target, skip_host=True)
                connection.putheader("Host", host)
                connection.endheaders()
                return connection.getresponse().status

        try:
            yield ask
        finally:
            server.shutdown()
            thread.join()


def plain(site):
    """Give answers the header that the validator wants where there may be a body."""

    def answer(environ, start_response):
        def start(status, headers):
            start_response(status, [*headers, *has_type(status)])

        return site(environ, start)

    return answer


def has_type(status):
    return [] if status.startswith("304") else [("Content-Type", "text/plain")]


@contextmanager
def asgi(table, *, raw=True):
    """Yield how to ask as an ASGI server does, with `raw_path` or without."""
    application = ASGIAffinity(asgi_site, table)

    def ask(target, host):
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "method": "GET",
            "path": unquote_to_bytes(path).decode("utf-8", "replace") if raw else unquote(path),
            "query_string": query.encode(),
            "headers": [(b"accept", b"*/*"), (b"host", host.encode())],
        }
        if raw:
            scope["raw_path"] = path.encode()
        return run(application, scope)[0]["status"]

    yield ask


def run(application, scope):
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(application(scope, None, send))
    return sent


@contextmanager
def asgi_without_raw_path(table):
    with asgi(table, raw=False) as ask:
        yield ask


@pytest.fixture(params=[wsgi, asgi, asgi_without_raw_path])
def ask(request, table):
    with request.param(table) as ask:
        yield ask


@pytest.fixture
def table(new_table):
    return new_table(key={"depth": 1, "pattern": r"[?&]id=(\d+)"})


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("/articles/17?page=2", "http://example.com/articles/18"),
        ("/caf%C3%A9/17", "https://example.com/caf%c3%a9/18"),
        ("/a%20b/17", "http://EXAMPLE.com:80/a b/18"),
        ("/search?id=17", "http://example.com/other?x=y&id=17"),
    ],
)
def test_what_is_handled_is_known_by_the_url_that_a_proxy_asks_about(ask, table, target, url):
    assert table.score(table.key.of_url(url)) == 0
    assert ask(target, "example.com:8080") == 200
    assert table.score(table.key.of_url(url)) == pytest.approx(1)


def test_an_octet_that_is_no_text_is_known_too(table):
    for side in wsgi, asgi:
        with side(table) as ask:
            ask("/caf%E9/17", "example.com")
    assert table.score(table.key.of_url("http://example.com/caf\xe9")) == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize(
    ("path", "counts"), [("/moved", 1), ("/unchanged", 1), ("/missing", 0), ("/broken", 0)]
)
def test_errors_leave_nothing_behind(ask, table, path, counts):
    assert ask(path, "example.com") == STATUS[path]
    assert table.score(table.key.of_url(f"http://example.com{path}")) == pytest.approx(counts)


def test_a_table_that_cannot_be_written_does_not_fail_the_application(tmp_path, caplog):
    Table.create(str(tmp_path / "table")).close()
    table = Table.open(str(tmp_path / "table"))  # to read only
    with wsgi(table) as ask:
        assert [ask("/a", "example.com") for _ in range(3)] == [200] * 3
    assert [each.levelname for each in caplog.records] == ["WARNING"]
    assert "cannot be noted: OSError: [Errno 9] Bad file descriptor" in caplog.text


def test_a_table_that_was_closed_does_not_fail_the_application(caplog):
    table = Table.in_memory()
    table.close()
    assert handled(WSGIAffinity(wsgi_site, table), environ()) == ["200 Told"]
    assert "cannot be noted: OSError: [Errno 9] Bad file descriptor" in caplog.text


def environ(**more):
    return {"SCRIPT_NAME": "", "PATH_INFO": "/a", "HTTP_HOST": "example.com", **more}


def scope(**more):
    return {"type": "http", "path": "/a", "headers": [(b"host", b"example.com")], **more}


def handled(application, environ):
    """Return with which status an application begins its answer."""
    begun = []
    application(environ, lambda status, _: begun.append(status))
    return begun


@pytest.mark.parametrize(
    "request_",
    [
        environ(PATH_INFO="/\u20ac"),
        environ(PATH_INFO="/\udce4"),
        environ(HTTP_HOST=7),
        scope(path="/\ud800"),
        scope(raw_path="/a"),
        scope(headers=[(b"host", 7)]),
        scope(headers=None),
        scope(query_string=None),
    ],
)
def test_a_request_that_has_no_key_does_not_fail_the_application(table, caplog, request_):
    if "type" in request_:
        application = ASGIAffinity(asgi_site, table)
        assert [run(application, dict(request_))[0]["status"] for _ in range(3)] == [200] * 3
    else:
        application = WSGIAffinity(wsgi_site, table)
        assert [handled(application, dict(request_)) for _ in range(3)] == [["200 Told"]] * 3
    assert [each.levelname for each in caplog.records] == ["WARNING"]
    assert "what was handled cannot be noted: " in caplog.text


def test_whatever_goes_wrong_with_noting_does_not_fail_the_application(caplog):
    def clock():
        raise RuntimeError("it has stopped")

    table = Table.in_memory(clock=clock)
    assert run(ASGIAffinity(asgi_site, table), scope())[0]["status"] == 200
    assert handled(WSGIAffinity(wsgi_site, table), environ()) == ["200 Told"]
    text = "what was handled cannot be noted: RuntimeError: it has stopped"
    assert [each.message for each in caplog.records] == [text] * 2  # one of each
    table.close()


def test_what_is_no_http_passes_through(table):
    sent = run(ASGIAffinity(asgi_site, table), {"type": "lifespan"})
    assert sent == [{"type": "lifespan.startup.complete"}]


def test_an_application_below_another_is_known_by_the_whole_path(table):
    def mounted(environ, start_response):
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = "/shop", "/17"
        return WSGIAffinity(wsgi_site, table)(environ, start_response)

    environ = {"HTTP_HOST": "example.com", "PATH_INFO": "/shop/17"}
    setup_testing_defaults(environ)
    mounted(environ, lambda *_: None)
    assert table.score(table.key.of_url("http://example.com/shop/18")) == pytest.approx(1)
