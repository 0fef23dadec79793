"""Conditions as plugins make and ask them."""

import tomllib
from datetime import UTC, datetime
from ipaddress import IPv4Address

import pytest

from zcadapt import Conditions
from zcadapt.config import SettingsError
from zcadapt.icp import build, parse
from zcadapt.testing import reqmod_request, respmod_request

URL = "http://www.example.com/news/today?a=b"
MONDAY_NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp


def request(**parts):
    return reqmod_request(
        URL,
        **{
            "method": "POST",
            "headers": {"Content-Type": "text/html; charset=utf-8"},
            "client_ip": "192.0.2.7",
            "user": "Ann",
            "icap_headers": {"X-Authenticated-Groups": "Staff, Guests"},
            **parts,
        },
    )


def response(**parts):
    return respmod_request(
        URL, **{"status": 404, "headers": {"Content-Type": "IMAGE/png"}, **parts}
    )


def query(url=URL, requester=None):
    datagram = bytearray(build(url))
    if requester:
        datagram[20:24] = IPv4Address(requester).packed
    return parse(bytes(datagram), ("198.51.100.1", 3130))


HOLDING = {
    "hosts": ["other.example", ".example.com"],
    "paths": ["/news"],
    "methods": ["GET", "POST"],
    "types": ["text/*"],
    "clients": ["192.0.2.0/24"],
    "users": ["ann"],
    "groups": ["guests"],
    "times": ["Mon 10:00-13:00"],
    "timezone": "UTC",
}
OTHERS = {
    "hosts": ["example.com"],
    "paths": ["/newspaper"],
    "methods": ["GET"],
    "types": ["text/plain"],
    "clients": ["192.0.2.8"],
    "users": ["a"],
    "groups": ["guest"],
    "times": ["Mon 13:00-14:00"],
    "status": ["2xx"],  # a request has none
}


def test_nothing_set_always_holds():
    conditions = Conditions({})
    assert conditions.holds(request())
    assert conditions.holds(response())
    assert conditions.holds_for(query())


def test_all_that_is_set_must_hold():
    assert Conditions(HOLDING, clock=MONDAY_NOON).holds(request())


@pytest.mark.parametrize("key", OTHERS)
def test_one_that_does_not_hold_is_enough(key):
    table = {**HOLDING, key: OTHERS[key]}
    assert not Conditions(table, clock=MONDAY_NOON).holds(request())


@pytest.mark.parametrize("key", sorted(HOLDING.keys() - {"timezone"}))
def test_each_holds_by_itself(key):
    table = {key: HOLDING[key]} | ({"timezone": "UTC"} if key == "times" else {})
    assert Conditions(table, clock=MONDAY_NOON).holds(request())


@pytest.mark.parametrize("status", [404, "404", "4xx", "400-499"])
def test_the_status_is_that_of_the_response(status):
    conditions = Conditions({"status": [302, status]})
    assert conditions.holds(response())
    assert not conditions.holds(response(status=500))
    assert not conditions.holds(request())


def test_the_type_is_that_of_the_message_under_adaptation():
    conditions = Conditions({"types": ["image/png"]})
    assert conditions.holds(response(request_headers={"Content-Type": "text/html"}))
    assert not conditions.holds(response(headers={}))
    assert not Conditions({"types": ["text/html"]}).holds(
        response(request_headers={"Content-Type": "text/html"})
    )


def test_of_several_types_one_will_do():
    twice = response(headers=[("Content-Type", "image/png"), ("Content-Type", "text/html")])
    assert Conditions({"types": ["text/html"]}).holds(twice)


@pytest.mark.parametrize("key", ["clients", "users", "groups", "types"])
def test_what_is_not_told_does_not_hold(key):
    table = {"clients": ["0.0.0.0/0", "::/0"], "users": ["*"], "groups": ["*"], "types": ["*/*"]}
    assert not Conditions({key: table[key]}).holds(reqmod_request(URL))


@pytest.mark.parametrize(
    ("key", "listed"),
    [("users", "*N"), ("users", "ann"), ("users", "ANN"), ("groups", "STA*"), ("groups", "staff")],
)
def test_users_and_groups_are_told_in_any_case_perhaps_with_wildcards(key, listed):
    assert Conditions({key: ["x", listed]}).holds(request())


def test_what_is_in_not_must_not_hold():
    conditions = Conditions({"hosts": [".example.com"], "not": {"groups": ["it"], "users": ["*"]}})
    assert conditions.holds(request())
    assert not conditions.holds(request(icap_headers={"X-Authenticated-Groups": "IT"}))


def test_what_is_not_told_does_not_hold_in_not_either():
    assert Conditions({"not": {"groups": ["it"]}}).holds(reqmod_request(URL))


def test_without_a_host_no_host_holds():
    http = reqmod_request(URL, headers={"Host": ""})
    http._head.request = b"GET / HTTP/1.1\r\n\r\n"
    assert not Conditions({"hosts": [".example.com"]}).holds(http)


@pytest.mark.parametrize("hosts", [["www.example.com", "x"], ["x", "www.example.com"]])
def test_of_several_hosts_one_will_do_and_in_not_it_takes_all(hosts):
    twice = reqmod_request("/", headers=[("Host", each) for each in hosts])
    assert Conditions({"hosts": [".example.com"]}).holds(twice)
    assert Conditions({"not": {"hosts": [".example.com"]}}).holds(twice)
    assert not Conditions({"not": {"hosts": [".example.com", "x"]}}).holds(twice)
    assert not Conditions({"not": {"hosts": [".example.com"]}}).holds(reqmod_request(URL))


def test_an_address_mapped_into_ipv6_is_listed_as_either():
    for listed in ("192.0.2.1", "::ffff:192.0.2.1"):
        for url in ("http://192.0.2.1/", "http://[::ffff:c000:201]/"):
            assert Conditions({"hosts": [listed]}).holds(reqmod_request(url))
    assert Conditions({"clients": ["::ffff:192.0.2.0/120"]}).holds(request())


@pytest.mark.parametrize("url", ["www.example.com:443", "[2001:db8::1]:443"])
def test_of_connect_the_host_is_told_and_no_path(url):
    connect = reqmod_request(url, method="CONNECT", headers={"Host": "x"})
    assert Conditions({"hosts": [".example.com", "2001:db8::1"]}).holds(connect)
    assert not Conditions({"paths": ["/", "*"]}).holds(connect)


# ICP


@pytest.mark.parametrize("key", ["hosts", "paths", "clients", "times"])
def test_a_query_tells_of_the_url_and_the_client(key):
    asked = query(requester="192.0.2.7")
    table = {key: HOLDING[key], **({"timezone": "UTC"} if key == "times" else {})}
    assert Conditions(table, clock=MONDAY_NOON).holds_for(asked)
    assert not Conditions({**table, key: OTHERS[key]}, clock=MONDAY_NOON).holds_for(asked)


@pytest.mark.parametrize("key", ["methods", "users", "groups", "types", "status"])
def test_what_a_query_cannot_tell_does_not_hold(key):
    table = {"methods": ["GET"], "users": ["*"], "groups": ["*"], "types": ["*/*"]}
    table["status"] = ["100-599"]
    assert not Conditions({key: table[key]}).holds_for(query())
    assert Conditions({"not": {key: table[key]}}).holds_for(query())


def test_a_query_that_names_no_requester_has_no_client():
    assert not Conditions({"clients": ["0.0.0.0/0"]}).holds_for(query())


@pytest.mark.parametrize("url", ["", "no URL at all", "http://", "http://caf\xe9/\xff", "\r\n\r\n"])
def test_a_query_may_be_for_anything(url):
    conditions = Conditions({"hosts": [".example.com"], "paths": ["/x"]})
    assert not conditions.holds_for(query(url))


# Time


def test_the_state_says_which_times_hold_now():
    now = [MONDAY_NOON()]
    table = {"times": ["12:00-13:00"], "timezone": "UTC", "not": {"times": ["Tue"]}}
    conditions = Conditions(table, clock=lambda: now[0])
    states = [conditions.state]
    for _ in range(2):
        now[0] += 24 * 3600 - 1
        states.append(conditions.state)
    assert states == ["10", "01", "00"]
    assert Conditions({"hosts": ["x"], "not": {"hosts": ["y"]}}).state == ""


# Settings

TABLE = """
host = ["x"]
hosts = ["*.example.com", "ok.example", 3]
paths = "/admin"
methods = ["get"]
status = ["7xx", 404, 3.5]
types = []
clients = ["192.0.2.1/24", "nobody"]
users = [""]
times = ["all day"]
timezone = "Europe/Berlni"
[not]
grups = ["it"]
timezone = "UTC"
[not.not]
users = ["x"]
"""


def test_all_problems_are_told_at_once_each_with_its_place():
    with pytest.raises(SettingsError) as raised:
        Conditions(tomllib.loads(TABLE), at="rules[2].when")
    told = {each.where: each.what for each in raised.value.problems}
    expected = {
        "host": 'no such condition. Did you mean "hosts"?',
        "hosts[0]": 'not "*.example.com": a domain with all below it is ".example.com"',
        "hosts[2]": "must be a host, or a domain that begins with a dot, not 3",
        "paths": 'must be a list, each a path, which begins with "/" or "*", not "/admin"',
        "methods[0]": 'must be an HTTP method, such as "GET", not "get"',
        "status[0]": 'must be a status, such as 404, "5xx" or "400-499", not "7xx"',
        "status[2]": "not 3.5",
        "types": "is empty, so it would never hold; leave it out, or list something",
        "clients[0]": "the network is 192.0.2.0/24",
        "clients[1]": 'must be an address or a network, not "nobody"',
        "users[0]": 'must be the name of a user, not ""',
        "times[0]": 'must be times of the week, such as "Mon-Fri 08:00-18:00", not "all day"',
        "timezone": 'not "Europe/Berlni": Did you mean "Europe/Berlin"?',
        "not.grups": 'no such condition. Did you mean "groups"?',
        "not.timezone": "says nothing without times",
        "not.not": "no such condition; there are clients, groups, hosts",
    }
    assert told.keys() == {f"rules[2].when.{key}" for key in expected}
    for key, what in expected.items():
        assert what in told[f"rules[2].when.{key}"]


@pytest.mark.parametrize("table", [{"not": {}}, {"not": ["x"]}, {"timezone": 3}, {"times": [3]}])
def test_other_nonsense_is_told_too(table):
    with pytest.raises(SettingsError):
        Conditions(table)


def test_what_is_no_table_is_told_where_it_stands():
    with pytest.raises(SettingsError, match=r'^when: must be a table, not "x"$'):
        Conditions("x", at="when")


@pytest.mark.parametrize("value", [None, 1, 1.5, True, "x", [], [[]], [{}], [None], [True], {}])
@pytest.mark.parametrize("key", [*HOLDING, "status", "not", "", "a b"])
def test_no_nonsense_in_a_table_is_taken_for_settings(key, value):
    with pytest.raises(SettingsError) as raised:
        Conditions({key: value})
    assert all(each.where and each.what for each in raised.value.problems)
