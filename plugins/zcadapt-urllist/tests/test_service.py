"""What follows from the lists, over ICAP."""

from pathlib import Path

import pytest
from zcadapt_urllist import URLList

from zcadapt import Allow, SettingsError
from zcadapt.testing import check_service, decide_now, reqmod_request


def ask(service, url, **more):
    return decide_now(service, reqmod_request(url, **more))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"action": "allow"},
        {"action": "redirect", "redirect": "https://a.example/?{url}{host}{entry}{category}"},
        {"action": "categorise"},
        {"action": "none"},
        {"when": {"methods": ["CONNECT"]}},
    ],
)
def test_it_keeps_the_promises_of_a_service(options_of, settings):
    options = options_of(a=(["example.com"], settings))
    check_service(lambda: URLList(options))


def test_without_lists_it_has_no_opinion():
    check_service(lambda: URLList({}))
    assert ask(URLList({}), "http://example.com/") is None


def test_a_block_says_why_to_the_user_and_to_the_log(service_of):
    decision = ask(service_of(ads=(["bad.example"], {})), "http://www.bad.example/x")
    assert decision.status == 403
    assert decision.reason == "bad.example is on the list ads."
    assert decision.icap_headers == (("X-Attribute", "ads"),)
    assert b"bad.example is on the list ads." in decision.body


def test_what_an_expression_has_found_is_not_told(service_of):
    service = service_of(ads=(["x=[a-z]+"], {"format": "expressions"}))
    decision = ask(service, "http://bad.example/?x=secret")
    assert decision.reason == "The URL fits an expression of the list ads."


def test_reason_and_category_can_be_told(service_of):
    service = service_of(ads=(["bad.example"], {"reason": "No ads here.", "category": "Ads"}))
    decision = ask(service, "http://bad.example/")
    assert (decision.reason, decision.icap_headers[0][1]) == ("No ads here.", "Ads")


def test_a_redirect_tells_where_the_user_came_from(service_of):
    redirect = "https://proxy.example/why?u={url}&h={host}&e={entry}&c={category}"
    service = service_of(ads=(["bad.example"], {"action": "redirect", "redirect": redirect}))
    decision = ask(service, "http://www.bad.example/a?b=c&d={host}")
    assert decision.status == 302
    assert dict(decision.headers)["Location"] == (
        "https://proxy.example/why?u=http%3A%2F%2Fwww.bad.example%2Fa%3Fb%3Dc%26d%3D%7Bhost%7D"
        "&h=www.bad.example&e=bad.example&c=ads"
    )


def test_lists_are_followed_in_the_order_of_their_names(service_of):
    lists = {
        "10-friends": (["good.bad.example"], {"action": "allow"}),
        "20-bad": (["bad.example"], {}),
    }
    service = service_of(**lists)
    assert isinstance(ask(service, "http://good.bad.example/"), Allow)
    assert ask(service, "http://bad.example/").status == 403
    service = service_of(**{"30-friends": lists["10-friends"], "20-bad": lists["20-bad"]})
    assert ask(service, "http://good.bad.example/").status == 403


def test_categories_are_gathered_and_end_nothing_before_a_list_that_blocks(service_of):
    service = service_of(
        a=(["a.example", "b.example"], {"action": "categorise", "category": "news"}),
        b=(["a.example", "b.example"], {"action": "categorise", "category": "sports"}),
        c=(["b.example"], {"category": "blocked"}),
    )
    decision = ask(service, "http://a.example/")
    assert isinstance(decision, Allow)
    assert decision.icap_headers == (("X-Attribute", "news, sports"),)
    decision = ask(service, "http://b.example/")
    assert decision.status == 403
    assert decision.icap_headers == (("X-Attribute", "news, sports, blocked"),)
    assert ask(service, "http://c.example/") is None


def test_a_list_may_be_for_icp_alone(service_of):
    service = service_of(a=(["a.example"], {"action": "none", "icp": "HIT"}))
    assert ask(service, "http://a.example/") is None
    assert service.answer("http://a.example/") == "ICP_OP_HIT"


def test_a_list_applies_under_its_conditions(service_of):
    when = {"clients": ["192.0.2.0/24"]}
    service = service_of(a=(["bad.example"], {"when": when}))
    assert ask(service, "http://bad.example/", client_ip="192.0.2.9").status == 403
    assert ask(service, "http://bad.example/", client_ip="198.51.100.9") is None
    assert ask(service, "http://bad.example/") is None


def test_where_one_list_does_not_apply_the_next_is_asked(service_of):
    service = service_of(
        a=(["bad.example"], {"action": "allow", "when": {"users": ["ann"]}}),
        b=(["bad.example"], {}),
    )
    assert isinstance(ask(service, "http://bad.example/", user="ann"), Allow)
    assert ask(service, "http://bad.example/", user="bob").status == 403


def test_a_time_that_comes_changes_the_state(options_of):
    options = options_of(a=(["bad.example"], {}))
    plain = URLList(options)
    options["lists"]["a"]["when"] = {"times": ["Mon-Sun"]}
    assert URLList(options).state == f"{plain.state} 1"


def test_several_instances_do_not_know_of_each_other(service_of):
    one, two = service_of(a=(["a.example"], {})), service_of(b=(["b.example"], {}))
    assert ask(one, "http://b.example/") is None
    assert ask(two, "http://b.example/").status == 403
    assert one.state != two.state


def test_all_that_is_wrong_is_told_at_once(written):
    good = str(written("a.example"))
    options = {
        "source_bytes": 0,
        "lists": {
            "a": {"action": "blok"},
            "b": {"sources": [good], "acton": "block"},
            "c": {"sources": [good], "when": {"user": ["x"]}},
            "d": {"sources": [good], "when": []},
        },
    }
    with pytest.raises(SettingsError) as caught:
        URLList(options)
    told = [str(problem).partition("; there are")[0] for problem in caught.value.problems]
    actions = '"block", "allow", "redirect", "categorise", "none"'
    assert told == [
        "source_bytes: must be a whole number from 1 to 4294967296, not 0",
        f'lists.a.action: must be one of {actions}, not "blok"',
        "lists.a.sources: is missing; it must be a list, each a string",
        'lists.b.acton: no such setting. Did you mean "action"?',
        'lists.c.when.user: no such condition. Did you mean "users"?',
        "lists.d.when: must be a table, not []",
    ]


def test_settings_that_do_not_fit_each_other_are_told_with_their_place(written):
    good = str(written("a.example"))
    options = {
        "lists": {
            "a b": {"sources": []},
            "d": {"sources": [good], "action": "redirect"},
            "e": {"sources": [good], "redirect": "http://x.example/"},
            "f": {"sources": [good], "category": "a\nb"},
        }
    }
    with pytest.raises(SettingsError) as caught:
        URLList(options)
    assert [str(each).partition(": ")[::2] for each in caught.value.problems] == [
        ('lists."a b".sources', "no file is listed"),
        ("lists.d.redirect", 'is wanted where the action is "redirect", and there alone'),
        ("lists.e.redirect", 'is wanted where the action is "redirect", and there alone'),
        ("lists.f.category", "the value of X-Attribute would break the line it is put in"),
    ]


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "a.example", "http://a b/", "http://ä.example/"]
)
def test_a_redirect_goes_to_a_url(written, url):
    table = {"sources": [str(written("a.example"))], "action": "redirect", "redirect": url}
    with pytest.raises(SettingsError, match=r"lists\.a\.redirect: must be a URL of http or https"):
        URLList({"lists": {"a": table}})


def test_a_redirect_says_what_its_placeholders_are(written):
    table = {"sources": [str(written("a.example"))], "action": "redirect"}
    table["redirect"] = "http://x.example/{urll}{url}{}"
    with pytest.raises(SettingsError) as caught:
        URLList({"lists": {"a": table}})
    known = "{url}, {host}, {entry}, {category}"
    assert [str(each) for each in caught.value.problems] == [
        f"lists.a.redirect: {{urll}} is none of {known}",
        f"lists.a.redirect: {{}} is none of {known}",
    ]


def test_where_a_redirect_leads_to_is_not_redirected(service_of):
    settings = {"action": "redirect", "redirect": "http://WWW.Bad.example:8080/why?{url}"}
    service = service_of(a=(["bad.example"], settings))
    assert ask(service, "http://www.bad.example:8080/why") is None
    assert service.answer("http://www.bad.example:8080/why") is None
    assert ask(service, "http://bad.example/").status == 302
    assert ask(service, "http://bad.example/", headers=[("Host", "www.bad.example")]).status == 302


@pytest.mark.parametrize(
    ("lines", "settings"),
    [
        (["a.example", "b.example"], {"format": "hosts"}),
        (["! ads", "/banner/", "example.com##.ad"], {}),
    ],
)
def test_a_list_of_which_no_line_lists_anything_is_left_out(service_of, caplog, lines, settings):
    service_of(a=(lines, settings), b=(["b.example"], {}))
    why = "none of the lines lists anything; is the format right?"
    assert errors(caplog) == [
        f"list 'a' is left out, and blocks nothing until its files are right: {why}"
    ]


def errors(caplog):
    return [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "there is no such file"),
        (b"<html>\nads.example\n", "is a page of HTML, XML or JSON, and no list"),
        (b"We love Marisa.\0" + bytes(99), "the list cannot be used: "),
        ("ads.example".encode("utf-16"), "is UTF-16"),
    ],
)
def test_a_file_that_cannot_be_used_leaves_its_list_out_and_no_other(
    options_of, caplog, content, why
):
    options = options_of(ads=([], {}), malware=(["bad.example"], {}))
    path = Path(options["lists"]["ads"]["sources"][0])
    path.unlink() if content is None else path.write_bytes(content)
    service = URLList(options)
    assert ask(service, "http://ads.example/") is None
    assert ask(service, "http://bad.example/").status == 403
    (told,) = errors(caplog)
    begin = "list 'ads' is left out, and blocks nothing until its files are right: "
    assert told.startswith(f"{begin}{path}: {why}")


def test_a_list_that_allows_and_is_left_out_allows_nothing(service_of, caplog):
    service = service_of(a=(["<html>"], {"action": "allow"}), b=(["bad.example"], {}))
    assert ask(service, "http://bad.example/").status == 403
    assert "list 'a' is left out, and allows nothing until" in errors(caplog)[0]


def test_who_has_no_list_left_says_so(service_of, caplog):
    service = service_of(a=(["<html>"], {}), b=(["<html>"], {"action": "none", "icp": "HIT"}))
    assert ask(service, "http://bad.example/") is None
    assert service.answer("http://bad.example/") is None
    *each, told = errors(caplog)
    assert len(each) == 2
    assert told == "no list is left of a, b: there is no opinion about anything"


def test_a_list_of_exceptions_alone_is_warned_of(service_of, caplog):
    service_of(a=(["! none for now", "@@||a.example^", "##.ad"], {}))
    assert caplog.messages == ["list 'a': there are exceptions in its files, and nothing else"]


def test_a_comment_of_html_makes_no_page(service_of):
    service = service_of(a=(["<!-- my list -->", "a.example"], {}))
    assert ask(service, "http://a.example/").status == 403


def test_a_list_with_nothing_in_it_is_warned_of_but_for_a_comment(service_of, caplog):
    service_of(a=([""], {}), b=(["# nothing yet"], {}), c=(["a.example"], {}))
    assert caplog.messages == ["list 'a': there is nothing in its files"]


def test_a_list_too_large_to_be_read_at_each_start_is_left_out(written, caplog):
    path = str(written(*["a.example"] * 100))
    URLList({"source_bytes": 500, "lists": {"a": {"sources": [path]}}})
    assert "too large" in errors(caplog)[0]


def test_broken_lines_are_logged_and_warned_of_where_they_are_most(service_of, caplog):
    caplog.set_level("INFO")
    service_of(a=(["a.example", "no host"], {}))
    assert [each.levelname for each in caplog.records] == ["INFO", "INFO"]
    assert "a.txt:2: not a URL" in caplog.text
    caplog.clear()
    service_of(a=(["a.example/x", "no host", "no host"], {}))
    assert [each.getMessage() for each in caplog.records if each.levelname == "WARNING"] == [
        "list 'a': 2 lines cannot be read, and 1 can; is the format right?"
    ]
