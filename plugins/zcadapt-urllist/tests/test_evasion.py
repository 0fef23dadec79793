"""No spelling of a listed URL is another URL."""

import pytest
from zcadapt_urllist.canonical import MOST_HOSTS

from zcadapt.testing import decide_now, reqmod_request

LISTED = [
    "bad.example",
    "bücher.example",
    "straße.example",
    "cafà.example",
    "192.0.2.7",
    "2001:db8::7",
    "http://site.example/ads/banner",
]


@pytest.fixture
def blocker(service_of):
    return service_of(blocked=(LISTED, {}))


def asked(target, host=None, method="GET"):
    headers = () if host is None else [("Host", each) for each in host.split("|")]
    return reqmod_request(target, method=method, headers=headers or [("Host", "")])


#: Target, and the Host fields where there are any.
ATTEMPTS = [
    # as it is, and below it
    ("http://bad.example/", None),
    ("http://www.bad.example/x", None),
    ("http://a.b.c.d.e.f.bad.example", None),
    # case
    ("HTTP://BAD.eXample/", None),
    ("/", "BAD.Example"),
    # dots
    ("http://bad.example./", None),
    ("http://bad.example..../", None),
    ("http://.bad.example/", None),
    ("http://www..bad.example/", None),
    ("http://bad%2eexample/", None),
    ("http://bad\xe3\x80\x82example/", None),  # U+3002, an ideographic full stop
    ("http://bad%E3%80%82example/", None),
    (f"http://{'.' * 2100}bad.example/", None),
    (f"http://{'x' * 2100}.BAD.example/", None),
    # ports
    ("http://bad.example:80/", None),
    ("http://bad.example:8080/", None),
    ("http://bad.example:/", None),
    ("http://bad.example:080:1/", None),
    # users
    ("http://good.example@bad.example/", None),
    ("http://good.example:80@bad.example:81/", None),
    ("http://a@b@bad.example/", None),
    ("http://good.example%2F@bad.example/", None),
    (r"http://good.example\@bad.example/", None),
    # percent signs
    ("http://%62ad.example/", None),
    ("http://%42%41%44.%45xample/", None),
    ("http://%2562ad.example/", None),
    ("http://%25252562ad.example/", None),
    ("http://b%61d.example%00/", None),
    # percent signs before what ends a host
    ("http://bad.example%3a80/", None),
    ("http://bad.example%2f.good.example/", None),
    ("http://bad.example%5cx/", None),
    ("http://bad.example%3Fx/", None),
    ("http://bad.example%2523x/", None),
    ("http://bad.example%00.good.example/", None),
    ("http://good.example%40bad.example/", None),
    ("http://good.example%3a80%40bad.example/", None),
    ("http://bad.example:80%40good.example/", None),
    # what ends a host to some and not to others
    (r"http://bad.example\x", None),
    (r"http://bad.example\@good.example/", None),
    (r"http://bad.example:80\@good.example/", None),
    (r"http://good.example\bad.example/", None),
    (r"http://good.example\x\y@bad.example/", None),
    (r"http://1\2\3\4\5\6\7\8\9@bad.example/", None),
    ("/", "bad\x01.example"),
    ("http://bad.example\t/", None),
    ("http://bad\t.example/", None),
    ("http://\tbad.example/", None),
    ("\thttp://bad.example/", None),
    ("ht\ttp://bad.example/", None),
    ("http://bad.example\x0b.good.example/", None),
    ("http://bad.example\xef\xbc\x8fx/", None),  # a full-width slash
    # characters that are the same
    ("http://\xef\xbd\x82ad.example/", None),  # a full-width b
    ("http://\xe2\x93\x91ad.example/", None),  # a b in a circle
    ("http://ba\xc2\xadd.example/", None),  # a soft hyphen
    (f"http://{'%C2%AD' * 400}bad.example/", None),
    (f"http://ba{'%C2%AD' * 2100}d.example/", None),
    ("http://\xe2\xbf\xb0.\xef\xbd\x82ad.example/", None),  # below a name that is none
    # names in other scripts, in either form
    ("http://b\xc3\xbccher.example/", None),
    ("http://B\xc3\x9cCHER.example/", None),
    ("http://bu\xcc\x88cher.example/", None),  # u and two dots
    ("http://b%C3%BCcher.example/", None),
    ("http://b\xfccher.example/", None),  # latin-1
    ("http://caf\xc3\xa0.example/", None),  # whose last byte is a blank to some
    ("http://xn--bcher-kva.example/", None),
    ("http://XN--Bcher-KVA.example/", None),
    ("http://www.xn--bcher-kva.example./", None),
    ("http://stra\xc3\x9fe.example/", None),
    ("http://xn--strae-oqa.example/", None),
    # IPv4
    ("http://192.0.2.7/", None),
    ("http://192.0.2.7.:80/", None),
    ("http://3221225991/", None),
    ("http://0xC0000207/", None),
    ("http://0300.0.2.7/", None),
    ("http://0xc0.0x0.0x2.0x7/", None),
    ("http://192.0.519/", None),
    ("http://192.519/", None),
    ("http://030000001007/", None),
    ("http://%31%39%32.0.2.7/", None),
    ("http://\xe2\x91\xa092.0.2.7/", None),  # a 1 in a circle
    ("http://[::ffff:192.0.2.7]/", None),
    ("http://[::ffff:c000:207]:80/", None),
    (f"http://0x{'0' * 3000}C0000207/", None),
    # IPv6 that leads to it
    ("http://[64:ff9b::c000:207]/", None),
    ("http://[64:FF9B::192.0.2.7]:80/", None),
    ("http://[2002:c000:207::]/", None),
    ("http://[2002:c000:207::1]/", None),
    ("http://[::192.0.2.7]/", None),
    # IPv6
    ("http://[2001:db8::7]/", None),
    ("http://[2001:DB8:0:0:0:0:0:7]:8080/", None),
    ("http://[2001:0db8:0000::0007]/", None),
    ("http://[2001:db8::7%25eth0]/", None),
    ("http://u:p@[2001:db8::0.0.0.7]/", None),
    # slashes
    ("http:///bad.example/", None),
    ("http:/bad.example/", None),
    ("http:bad.example/", None),
    ("http:\\\\bad.example\\", None),
    (r"\\bad.example\x", None),
    (r"http://site.example\ads\banner", None),
    ("http://site.example%2fads/banner", None),
    ("http:/ads/banner", "site.example"),
    ("http://site.example//ads///banner", None),
    ("http://site.example/./ads/./banner", None),
    ("http://site.example/x/../ads/banner", None),
    ("http://site.example/../../ads/y/../banner.gif", None),
    ("http://site.example/x/%2e%2e/ads/banner", None),
    ("http://site.example/x/%252e%252e%252fads/banner", None),
    (r"/ads\banner", "site.example"),
    ("http://site.example/ads%5cbanner", None),
    ("http://site.example/%61ds/b%61nner", None),
    ("http://site.example/%2561ds/banner", None),
    ("http://site.example/%25252561ds/banner", None),
    ("http://SITE.example/ADS/Banner", None),
    ("http://www.site.example:80/ads/banner?x=y", None),
    ("http://site.example/ads/banner#x", None),
    ("http://site.example/ads/banner%00.html", None),
    # relative targets
    ("/", "bad.example"),
    ("/", "me@www.BAD.example.:80"),
    ("/ads/banner", "site.example"),
    ("//ads/banner", "site.example"),
    ("*", "bad.example"),
    # who disagrees is not trusted, in either direction
    ("http://bad.example/", "good.example"),
    ("http://good.example/", "bad.example"),
    ("http://good.example/ads/banner", "site.example"),
    ("/", "good.example|bad.example"),
    ("/", "bad.example|good.example"),
    ("/", "good.example bad.example"),
    ("/", "bad.example\r\n x"),
    # not quite targets
    ("bad.example/x", None),
    ("bad.example", None),
    # one host among many
    ("/", "|".join(["good.example"] * 8 + ["bad.example"])),
    ("/", "|".join([f"good{number}.example" for number in range(7)] + ["bad.example"])),
    ("/", "|".join(f"{number or 'bad'}.example" for number in range(-100, 100))),
    ("/", " ".join(f"{number or 'bad'}.example" for number in range(-100, 100))),
    (
        "/",
        "good.example" + "".join(f":{port} good.example" for port in range(100)) + " bad.example",
    ),
    (r"http://1\2\3\4\5\6\7\8\9@a\b\c\d\e\f\g\h\bad.example/", "good.example"),
    ("ftp://bad.example/", None),
    ("x-unknown://bad.example/", None),
]


@pytest.mark.parametrize(("target", "host"), ATTEMPTS)
def test_it_is_blocked_however_it_is_written(blocker, target, host):
    decision = decide_now(blocker, asked(target, host))
    assert decision is not None
    assert decision.status == 403


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("bad.example:443", None),
        ("BAD.example.:443", None),
        ("www.bad.example:8443", "good.example"),
        ("good.example:443", "bad.example:443"),
        ("[2001:db8::7]:443", None),
        ("3221225991:443", None),
        ("%62ad.example:443", None),
        ("http://bad.example:443", None),
        ("https://bad.example/", None),
        ("bad.example%3a443", None),
        (r"bad.example\:443", None),
        ("/bad.example:443", None),
        ("good.example:443/@bad.example", None),
        ("[64:ff9b::c000:207]:443", None),
    ],
)
def test_a_tunnel_is_blocked(blocker, target, host):
    assert decide_now(blocker, asked(target, host, "CONNECT")).status == 403


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("http://example/", None),
        ("http://notbad.example/", None),
        ("http://bad.example.org/", None),
        ("http://good.example/bad.example", None),
        ("http://good.example/?u=http://bad.example/", None),
        ("http://bad.example@good.example/", None),
        ("http://bad-example/", None),
        ("http://192.0.2.70/", None),
        ("http://1.192.0.2.7.example/", None),
        ("http://7.2.0.192/", None),
        ("http://[2001:db8::70]/", None),
        ("http://[64:ff9b::c000:208]/", None),
        ("http://[64:ff9b:1::c000:207]/", None),
        ("http://[2003:c000:207::]/", None),
        ("http://[1::c000:207]/", None),
        (r"http://notbad.example\x", None),
        ("http://notbad.example%2fbad/", None),
        ("http:/notbad.example/bad.example", None),
        (f"http://{'.' * 2100}notbad.example/", None),
        ("/", "|".join(f"good{number}.example" for number in range(MOST_HOSTS))),
        ("http://strasse.example/", None),
        ("http://site.example/", None),
        ("http://site.example/ads", None),
        ("http://site.example/x/ads/banner", None),
        ("http://other.site.example/ads/banner", None),
        ("http://good.example/", "good.example"),
        ("/", None),
        ("*", None),
        ("http:///", None),
        ("", "good.example"),
    ],
)
def test_what_is_not_listed_is_left_alone(blocker, target, host):
    assert decide_now(blocker, asked(target, host)) is None


@pytest.mark.parametrize(
    ("target", "host", "is_allowed"),
    [
        ("http://friend.example/", "friend.example", True),
        ("http://friend.example/", "FRIEND.example.:80", True),
        ("http://friend.example/", "bad.example", False),
        ("http://bad.example/", "friend.example", False),
        ("/", "friend.example|bad.example", False),
        ("/", "|".join(["friend.example"] * 8 + ["bad.example"]), False),
        ("/", "|".join(f"x{number}.friend.example" for number in range(8)), True),
        ("/", "|".join(f"x{number}.friend.example" for number in range(9)), False),
        (r"http://friend.example\x", "friend.example", False),
        (r"http://bad.example\@friend.example/", "friend.example", False),
        (r"http://friend.example\@bad.example/", "friend.example", False),
        ("http://bad.example%2f.friend.example/", "friend.example", False),
        ("http://friend.example%40bad.example/", None, False),
        ("http://[64:ff9b::c633:6408]/", None, False),
    ],
)
def test_to_be_allowed_all_that_is_said_must_be_allowed(service_of, target, host, is_allowed):
    friends = ["friend.example", "198.51.100.8"]
    listed = ["bad.example", "friend.example", "64:ff9b::c633:6408"]
    service = service_of(a=(friends, {"action": "allow"}), b=(listed, {}))
    decision = decide_now(service, asked(target, host))
    assert hasattr(decision, "status") is not is_allowed


#: What is allowed of a site that is blocked, and what is asked for.
PATHS = [
    ("/pub/", "/pub/x", True),
    ("/pub/", "/pub/x?y=../z", True),
    ("/pub/", "/%70ub/%7Eann/a%2Fb", True),
    ("/pub/", "/pub/a b".replace(" ", "%20"), True),
    ("/pub/", "/pub//x;y", True),
    ("/pub/", "/pub/50%25", True),
    ("/pub/", "/evil", False),
    ("/pub/", "/evil%5c..%5cpub/x", False),
    ("/pub/", r"/evil/\..\pub\x", False),
    ("/pub/", "/evil/%252e%252e/pub/x", False),
    ("/pub/", "/evil/%2525252e%2525252e/pub/x", False),
    ("/pub/", "/evil/../pub/x", False),
    ("/pub/", "/evil/..//pub/x", False),
    ("/pub/", "/pub/../evil", False),
    ("/pub/", "/pub/..;/evil", False),
    ("/pub/", "/pub/..%3b/evil", False),
    ("/pub/", "/pub%2f..%2fevil", False),
    ("/pub/", "/pub%252f..%252fevil", False),
    ("/pub/", "/pub/..%5cevil", False),
    ("/pub/", r"/pub/a\b", False),
    ("/pub/", "/pub/%25252525252e./evil", False),
    ("/pub/", "/pub/.\t./evil", False),
    ("/pub/", "/pub/#/../../evil", False),
    ("/pub/", "/PUB/x", False),
    ("/pub/", "//pub/x", False),
    ("/pub/", "/pub%2fx", False),
    ("/Pub/", "/Pub/x", True),
    ("/Pub/", "/pub/x", False),
    ("/watch?v=Ab", "/watch?v=Ab", True),
    ("/watch?v=Ab", "/watch?v=%41b&t=1", True),
    ("/watch?v=Ab", "/watch?v=ab", False),
    ("/watch?v=Ab", "/watch%3fv=Ab", False),
    ("/b\xfccher", "/b%FCcher", True),
]


@pytest.mark.parametrize(("path", "asked_for", "is_allowed"), PATHS)
def test_a_path_is_allowed_only_as_it_is_listed(service_of, path, asked_for, is_allowed):
    service = service_of(
        a=([f"site.example{path}".encode("latin-1")], {"action": "allow"}),
        b=(["site.example"], {}),
    )
    for target, host in ((f"http://site.example{asked_for}", None), (asked_for, "site.example")):
        decision = decide_now(service, asked(target, host))
        assert hasattr(decision, "status") is not is_allowed


@pytest.mark.parametrize(
    ("asked_for", "is_allowed"),
    [
        ("/pub/x", True),
        ("/evil/../pub/x", False),
        (r"/evil\..\pub\x", False),
        ("/pub%2fx", False),
        ("/evil/%252e%252e/pub/x", False),
        ("/pub/..;/evil", False),
        ("/pub/" + "x" * 5000, False),
    ],
)
def test_an_expression_allows_what_fits_in_whatever_way_it_is_read(
    service_of, asked_for, is_allowed
):
    service = service_of(
        a=(["^http://site\\.example/pub/"], {"action": "allow", "format": "expressions"}),
        b=(["site.example"], {}),
    )
    decision = decide_now(service, asked(f"http://site.example{asked_for}"))
    assert hasattr(decision, "status") is not is_allowed
