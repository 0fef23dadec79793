"""The page says what, why, by which rule and under which number, and nothing in it is anybody's."""

import json
import re
from html.parser import HTMLParser

import pytest

from zcadapt import Blocked, block
from zcadapt.blockpage.page import BlockPage, shown
from zcadapt.blockpage.settings import BlockSettings
from zcadapt.blockpage.texts import Texts
from zcadapt.testing import reqmod_request, respmod_request

NASTY = "<script>alert('1')</script>&\"%s$url{}\x00\r\n\x1b[2J\u202e"


class Reader(HTMLParser):
    """What a browser would see of the page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = [], {}, "", []
        self.feed(page)
        self.close()
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.setdefault(tag, []).append(dict(attrs))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def page(accept="text/html", settings=None, *, reason="a tracker", headers=(), **parts):
    request = reqmod_request(
        parts.pop("url", "http://a.example/b?key=secret"),
        headers={"Accept": accept, **dict(headers)},
        user="ann",
        client_ip="192.0.2.7",
    )
    decision = block(request, reason=reason, **parts)
    blocked = Blocked(id="abcdefgh2345", service="10-lists", request=request, decision=decision)
    return BlockPage(settings)(blocked)


def test_a_browser_gets_a_page():
    made = page()
    read = Reader(made.body.decode())
    for text in ("Access blocked", "a tracker", "http://a.example/b", "10-lists", "abcdefgh2345"):
        assert text in read.text
    assert "secret" not in made.body.decode()
    assert (made.status, made.phrase) == (403, "Forbidden")
    assert dict(made.headers) == {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Language": "en",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    }


def test_the_page_needs_nothing_from_elsewhere_and_suits_any_screen():
    made = page().body.decode()
    read = Reader(made)
    assert not set(read.tags) & {"script", "link", "img", "iframe", "form", "a", "base"}
    assert "url(" not in made
    assert "@import" not in made
    assert read.attributes["html"] == [{"lang": "en"}]
    metas = {
        each.get("name"): each["content"] for each in read.attributes["meta"] if "name" in each
    }
    assert metas["viewport"] == "width=device-width, initial-scale=1"
    assert metas["color-scheme"] == "light dark"
    assert "prefers-color-scheme:dark" in made


def test_a_program_gets_json():
    made = page("application/json", reason='"quoted" \\ </script>')
    assert dict(made.headers)["Content-Type"] == "application/json"
    assert json.loads(made.body) == {
        "error": "blocked",
        "reason": '"quoted" \\ </script>',
        "url": "http://a.example/b",
        "rule": "10-lists",
        "id": "abcdefgh2345",
        "contact": "If you think that this is wrong, tell whoever looks after this network, "
        "with the number.",
    }


def test_who_takes_anything_gets_text():
    made = page("*/*")
    assert dict(made.headers)["Content-Type"] == "text/plain; charset=utf-8"
    lines = made.body.decode().splitlines()
    assert lines[0] == "Access blocked"
    assert lines[4:8] == [
        "Reason: a tracker",
        "Address: http://a.example/b",
        "Rule: 10-lists",
        "Number: abcdefgh2345",
    ]


def test_a_response_is_blocked_for_who_asked_for_it():
    request = respmod_request("http://a/", request_headers={"Accept": "application/json"})
    decision = block(request, reason="r")
    made = BlockPage()(Blocked(id="1", service="s", request=request, decision=decision))
    assert json.loads(made.body)["url"] == "http://a/"


def test_nobody_writes_markup_into_the_page():
    made = page(reason=NASTY, url="http://a/<img/src=x>'\"").body.decode()
    read = Reader(made)
    assert set(read.tags).isdisjoint({"script", "img"})
    assert "<script>alert('1')</script>&\"%s$url{} " in read.text
    assert "http://a/<img/src=x>'\"" in read.text


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json"])
def test_nobody_steers_a_terminal(accept):
    made = page(accept, reason=NASTY + "\ud800").body.decode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", made)
    assert "\\u001b" not in made


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json"])
def test_what_is_too_long_is_cut(accept):
    made = page(accept, reason="r" * 100_000, url="http://a/" + "u" * 8000)
    assert len(made.body) < 5000 + 6 * 500
    assert "rrr…" in made.body.decode()


def test_a_block_without_a_reason_has_a_page():
    assert "Reason: -\n" in page("*/*", reason="").body.decode()


@pytest.mark.parametrize("status", [200, 403, 451, 503])
def test_the_status_is_that_of_the_decision(status):
    assert page(status=status).status == status


@pytest.mark.parametrize(
    ("wanted", "language", "title"),
    [
        ("de-AT,de;q=0.9", "de", "Zugriff gesperrt"),
        ("fr", "fr", "Accès bloqué"),
        ("es", "es", "Acceso bloqueado"),
        ("xx", "en", "Access blocked"),
        ("", "en", "Access blocked"),
    ],
)
def test_the_page_speaks_the_language_of_its_reader(wanted, language, title):
    made = page(headers={"Accept-Language": wanted})
    read = Reader(made.body.decode())
    assert title in read.text
    assert read.attributes["html"] == [{"lang": language}]
    assert dict(made.headers)["Content-Language"] == language


def test_an_administrator_has_the_last_word_on_texts():
    settings = BlockSettings(
        language="nl",
        title="<Halt>",
        contact="Call 1234 & wait",
        texts={"nl": Texts(reason_label="Reden"), "DE": Texts(title="Stopp")},
    )
    dutch = page("text/plain", settings).body.decode()
    assert dutch.startswith("<Halt>\n\nA rule of this network")
    assert "Reden: a tracker\n" in dutch
    assert dutch.endswith("Call 1234 & wait\n")
    assert "<h1>&lt;Halt&gt;</h1>" in page("text/html", settings).body.decode()
    german = page("text/plain", settings, headers={"Accept-Language": "de"})
    assert german.body.decode().startswith("Stopp\n\nEine Regel")
    assert dict(german.headers)["Content-Language"] == "DE"


def test_an_administrator_may_bring_templates(tmp_path):
    html, text = tmp_path / "p.html", tmp_path / "p.txt"
    html.write_text('<b lang="$lang" title="$user">$reason</b> $$1 100% ${client}')
    text.write_text("$status $rule $id $user $client $url\n")
    settings = BlockSettings(html_template=str(html), text_template=str(text))
    made = page("text/html", settings, reason='<"&>')
    assert made.body == (b'<b lang="en" title="ann">&lt;&quot;&amp;&gt;</b> $1 100% 192.0.2.7')
    assert "Content-Security-Policy" not in dict(made.headers), "it may show a logo"
    made = page("*/*", settings)
    assert made.body == b"403 10-lists abcdefgh2345 ann 192.0.2.7 http://a.example/b\n"


def test_a_template_that_is_gone_is_told(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        BlockPage(BlockSettings(html_template=str(tmp_path / "nothing")))


def test_what_is_shown_stays_in_its_line():
    assert shown("a\nb\tc", 10) == "a b c"
    assert shown("abcdef", 4) == "abc…"
