"""What clamd finds, and how it is told."""

import asyncio
import gzip
import hashlib
import io
import json
import logging
import zipfile
import zlib
from base64 import b64encode
from functools import partial

import brotli
import pytest
from backports import zstd
from zcadapt_clamav import ClamAV, NotScannedError, Trouble

from zcadapt import Allow, Respond
from zcadapt.testing import check_service, reqmod_request, respmod_request

MIB = 1 << 20
URL = "http://www.example.com/file"
CODINGS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
    "gzip, br": lambda body: brotli.compress(gzip.compress(body)),
}


@pytest.fixture(params=["unix", "tcp"])
def place(request, clamd):
    return clamd.socket if request.param == "unix" else f"127.0.0.1:{clamd.port}"


@pytest.fixture
def service(clamd):
    return ClamAV({"clamd": [clamd.socket]})


@pytest.fixture
def scanned(service, asked):
    """How to ask it with its default settings."""
    return partial(asked, service)


@pytest.fixture
def service_with(clamd):
    return lambda **options: ClamAV({"clamd": [clamd.socket], **options})


def form(*files, boundary="XX"):
    """Return a form with these (file name or None, content)."""
    parts = []
    for number, (name, content) in enumerate(files):
        told = f'; filename="{name}"' if name is not None else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="f{number}"{told}\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return b"".join([*parts, f"--{boundary}--\r\n".encode()])


def upload(body, kind="multipart/form-data; boundary=XX", **more):
    return reqmod_request(URL, method="POST", headers={"Content-Type": kind}, body=body, **more)


def encrypted_zip():
    """Return a zip file that says that its content is encrypted."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("secret.txt", b"nobody knows what this is" * 10)
    data = bytearray(file.getvalue())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize("preview", [None, 0, 30, 4096])
@pytest.mark.parametrize("make", [respmod_request, reqmod_request])
def test_what_is_infected_is_blocked_and_told_as_clients_read_it(
    place, asked, eicar, preview, make
):
    decision = asked(ClamAV({"clamd": [place]}), make(URL, body=eicar, preview=preview))
    assert isinstance(decision, Respond)
    assert decision.status == 403
    assert decision.reason == "A virus was found: Eicar-Test-Signature.UNOFFICIAL"
    assert decision.icap_headers == (
        ("X-Infection-Found", "Type=0; Resolution=2; Threat=Eicar-Test-Signature.UNOFFICIAL;"),
        ("X-Virus-ID", "Eicar-Test-Signature.UNOFFICIAL"),
        ("X-Virus-Name", "Eicar-Test-Signature.UNOFFICIAL"),
        (
            "X-Violations-Found",
            "1\r\n\t-\r\n\tEicar-Test-Signature.UNOFFICIAL\r\n\t0\r\n\t0",
        ),
        ("X-Clamav-Outcome", "infected"),
    )


@pytest.mark.parametrize("body", [None, b"", b"x", b"hello" * 1000, bytes(900_000)])
@pytest.mark.parametrize("preview", [None, 0, 4096])
def test_about_what_is_clean_it_has_no_opinion(place, asked, body, preview):
    request = respmod_request(URL, body=body, preview=preview)
    assert asked(ClamAV({"clamd": [place]}), request) is None


def test_a_message_without_a_body_costs_nothing(service):
    assert service.adapt(reqmod_request(URL)) is None
    assert service.adapt(respmod_request(URL, body=b"")) is None
    assert not service.counters


@pytest.mark.parametrize("coding", list(CODINGS))
@pytest.mark.parametrize("before", [0, 500_000])
@pytest.mark.parametrize("make", [respmod_request, reqmod_request])
def test_content_codings_hide_nothing(scanned, eicar, coding, before, make):
    body = CODINGS[coding](bytes(before) + eicar)
    request = make(URL, headers={"Content-Encoding": coding}, body=body, preview=100)
    assert scanned(request).status == 403


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("rest", [b"\n", b"\r\n", b"\0\0", b"<!-- 0.01 s -->"])
def test_what_follows_a_coding_is_scanned_by_itself(scanned, evil, coding, rest):
    def page(content, rest):
        body = CODINGS[coding](content) + rest
        return respmod_request(URL, headers={"Content-Encoding": coding}, body=body)

    assert scanned(page(b"<p>", rest)) is None
    assert scanned(page(evil, rest)) is not None
    assert scanned(page(b"<p>", evil)) is not None


def test_so_is_what_follows_each_of_two(scanned, evil):
    body = zlib.compress(gzip.compress(b"<p>") + evil) + b"more"
    assert scanned(respmod_request(URL, headers={"Content-Encoding": "gzip, deflate"}, body=body))


def test_and_what_follows_that_of_a_form_or_a_document(service_with, asked, evil):
    service = service_with(json=True)
    for kind, body in (
        ("multipart/form-data; boundary=XX", form(("a", b"x"))),
        ("application/json", b"[]"),
    ):
        headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
        more = gzip.compress(body) + evil
        request = reqmod_request(URL, method="POST", headers=headers, body=more)
        assert asked(service, request) is not None


@pytest.mark.parametrize("coding", list(CODINGS))
def test_what_is_clean_in_a_coding_is_clean(service, asked, coding):
    body = CODINGS[coding](b"a page, and a long one " * 20_000)
    request = respmod_request(URL, headers={"Content-Encoding": coding}, body=body)
    assert asked(service, request) is None


def test_several_fields_name_several_codings(service, asked, evil):
    headers = [("Content-Encoding", "gzip"), ("Content-Encoding", "br")]
    body = brotli.compress(gzip.compress(evil))
    assert asked(service, respmod_request(URL, headers=headers, body=body)).status == 403


def test_each_file_of_a_form_is_scanned_with_its_name(service, asked, evil, eicar, known):
    body = form(("a.txt", b"hello"), ("b c.exe", evil), ("", b"x"), ("d;é\u202e.com", eicar))
    decision = asked(service, upload(body))
    told = dict(decision.icap_headers)
    assert told["X-Infection-Found"] == f"Type=0; Resolution=2; Threat={known[evil]};"
    assert told["X-Virus-ID"] == known[evil]
    assert told["X-Violations-Found"].split("\r\n\t") == [
        "2",
        *("b%20c.exe", known[evil], "0", "0"),
        *("d%3B%C3%A9%E2%80%AE.com", known[eicar], "0", "0"),
    ]
    assert f"{known[evil]} in b c.exe, {known[eicar]} in d;é\ufffd.com" in decision.reason


def test_a_form_that_is_clean_is_clean(service, asked):
    body = form((None, b"a title"), ("a.txt", b"hello" * 100_000), ("b", b""))
    assert asked(service, upload(body, preview=100)) is None


@pytest.mark.parametrize("padding", [0, 400_000])
def test_fields_are_scanned_too(service, asked, eicar, padding):
    assert asked(service, upload(form((None, bytes(padding) + eicar), ("a", b"x")))) is not None


def test_short_fields_are_scanned_in_one(service, asked):
    assert asked(service, upload(form(*[(None, b"value %d" % n) for n in range(50)]))) is None
    assert service.scanner.scanned == 1


@pytest.mark.parametrize(
    "parts",
    [
        [(b'name="f"', "evil")],
        [(b'name="a"', b""), (b'name="f"', "evil"), (b'name="b"', b"")],
        [(b'name="a"', b"x"), (b'name="f"\r\nContent-Type: application/zip', "evil")],
        [(b'name="a"', b"x"), (b'name="f"; filename=""', "evil"), (b'name="b"', b"y")],
        [(b'name="a"', b"x"), (b"name=f; filename*=utf-8''evil", "evil"), (b'name="b"', b"y")],
        [(b'name="a"', b"x"), (b'name="f" filename="x.exe"', "evil")],
        [(b'name="a"', b"x"), (b'\tname="f";\tfilename="x.exe"', "evil")],
        [(b'name="a"', b"x"), (b'name="f"; filename*0="x.exe"', "evil")],
        [(b'name="a"', b"x"), (b'name="f"; filename="\xfc"', "evil")],
        [
            (b'name="a"', b"x"),
            (b'name=f; filename=x\r\nContent-Disposition: form-data; name="f"', "evil"),
        ],
    ],
)
def test_what_may_be_a_file_is_scanned_by_itself(service, asked, evil, parts):
    body = b"".join(
        b"--XX\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n"
        % (head, evil if content == "evil" else content)
        for head, content in parts
    )
    assert asked(service, upload(body + b"--XX--\r\n")) is not None


def test_a_long_field_is_scanned_by_itself(own_clamd, asked):
    contents = [b"a long text" + bytes(size) for size in (1013, 5000, 300_000)]
    own_clamd.folder.joinpath("db", "long.hsb").write_text(
        "".join(f"{hashlib.sha256(each).hexdigest()}:{len(each)}:Long\n" for each in contents)
    )
    own_clamd.reload()
    service = ClamAV({"clamd": [own_clamd.socket]})
    for content in contents:
        fields = form((None, b"x"), (None, content), (None, b"y"))
        assert asked(service, upload(fields)) is not None


def test_a_form_in_a_coding_is_taken_apart(service, asked, evil):
    headers = {
        "Content-Type": "multipart/form-data; boundary=XX",
        "Content-Encoding": "gzip",
    }
    body = gzip.compress(form(("a", b"x"), ("evil", evil)))
    request = reqmod_request(URL, method="POST", headers=headers, body=body)
    assert "evil" in dict(asked(service, request).icap_headers)["X-Violations-Found"]


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("kind", ["application/json", "application/vnd.api+json; charset=utf-8"])
def test_base64_in_json_is_decoded_where_that_is_set(service_with, asked, eicar, wanted, kind):
    body = json.dumps({"name": "x", "content": b64encode(eicar).decode()}).encode()
    decision = asked(service_with(json=wanted), upload(body, kind))
    assert (decision is not None) == wanted


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"skip_types": ["video/*"]}, "type"),
        ({"skip_types": ["Video/MP4"]}, "type"),
        ({"skip_hosts": [".Example.COM."]}, "host"),
        ({"skip_hosts": ["other.example", "www.example.com"]}, "host"),
        ({"skip_larger": 1000}, "size"),
    ],
)
def test_what_is_skipped_is_never_sent(service_with, asked, evil, options, why):
    service = service_with(**options)
    body = evil + bytes(5000)
    request = respmod_request(
        URL, headers={"Content-Type": "Video/mp4; codecs=x"}, body=body, preview=4096
    )
    assert asked(service, request) is None
    assert not request.body.was_continued
    assert service.counters == {f"skipped-{why}": 1}


@pytest.mark.parametrize(
    "options",
    [
        {"skip_types": ["video/*", "application/zip"]},
        {"skip_hosts": [".ample.com", "example.com", "other.example", "www"]},
        {"skip_larger": 21},
    ],
)
def test_all_else_is_not(service_with, asked, evil, options):
    request = respmod_request(URL, headers={"Content-Type": "text/video/"}, body=evil)
    assert asked(service_with(**options), request) is not None


TWO_TYPES = pytest.mark.parametrize(
    "headers",
    [
        [("Content-Type", "video/mp4"), ("Content-Type", "application/x-msdownload")],
        [("Content-Type", "application/x-msdownload"), ("Content-Type", "video/mp4")],
        [("Content-Type", "video/mp4, application/x-msdownload")],
        [("Content-Type", "video/mp4; a=b, application/x-msdownload")],
        [("Content-Type", 'video/mp4; a="b\\"", application/x-msdownload; c=""')],
        [("Content-Type", 'video/mp4; a="b, application/x-msdownload')],
        [("Content-Type", "")],
    ],
)


@TWO_TYPES
def test_a_type_is_skipped_only_where_it_is_the_only_one(service_with, asked, evil, headers):
    service = service_with(skip_types=["video/*"])
    assert asked(service, respmod_request(URL, headers=headers, body=evil)) is not None


def test_a_type_that_is_told_twice_or_has_parameters_is_one(service_with, asked, evil):
    kind = 'video/mp4; codecs="avc1, mp4a"'
    headers = [("Content-Type", kind), ("Content-Type", kind), ("Content-Type", "Video/MP4")]
    service = service_with(skip_types=["video/*"])
    assert asked(service, respmod_request(URL, headers=headers, body=evil)) is None


def test_a_host_that_is_skipped_excuses_no_other(service_with, asked, evil):
    service = service_with(skip_hosts=["www.example.com"])
    hosts = [("Host", "www.example.com"), ("Host", "evil.example")]
    request = reqmod_request("/file", method="POST", headers=hosts, body=evil)
    assert asked(service, request) is not None


def test_a_body_of_unknown_length_is_skipped_when_it_is_too_long(service_with, asked):
    service = service_with(skip_larger=200_000)
    headers = {"Transfer-Encoding": "chunked"}
    request = respmod_request(URL, headers=headers, body=bytes(400_000), preview=100)
    assert asked(service, request) is None
    assert service.counters == {"skipped-size": 1}


# What cannot be scanned


def expect(decision_or_error, action, trouble):
    """See that `action` was taken because of `trouble`."""
    if action == "error":
        assert isinstance(decision_or_error, NotScannedError)
        assert decision_or_error.trouble is trouble
        return
    told = dict(decision_or_error.icap_headers)
    assert told["X-Clamav-Outcome"] == trouble
    if action == "allow":
        assert isinstance(decision_or_error, Allow)
        assert list(told) == ["X-Clamav-Outcome"]
    else:
        assert decision_or_error.status == 403
        assert told["X-Infection-Found"].startswith("Type=2; Resolution=2; Threat=")
        assert told["X-Infection-Found"].endswith(";")
        assert told["X-Violations-Found"].startswith("1\r\n\t")


def outcome(asked, service, request):
    try:
        return asked(service, request)
    except NotScannedError as error:
        return error


ACTIONS = pytest.mark.parametrize("action", ["allow", "block", "error"])


@ACTIONS
@pytest.mark.parametrize("size", [MIB + 1, 2 * MIB, 8 * MIB])
def test_what_is_larger_than_clamd_takes(place, asked, action, size, caplog):
    service = ClamAV({"clamd": [place], "too_large": action})
    for _ in range(3):
        request = respmod_request(URL, body=bytes(size), preview=100)
        expect(outcome(asked, service, request), action, Trouble.TOO_LARGE)
    assert service.counters == {"too-large": 3}
    told = 0 if action == "error" else 1  # an error is for the server to log
    assert caplog.text.count("too-large: <RESPMOD") == told


def test_what_is_just_as_large_as_clamd_takes_is_scanned(service, asked):
    assert asked(service, respmod_request(URL, body=bytes(MIB), preview=100)) is None
    assert service.counters == {"clean": 1}


@ACTIONS
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Encoding": "gzip"}, b"this is no gzip"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"x" * 1000)[:-5]),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"x") + b"\0" + gzip.compress(b"x")),
        ({"Content-Encoding": "deflate"}, zlib.compress(b"x" * 1000) + b"x" * 100_000),
        ({"Content-Encoding": "br"}, brotli.compress(b"x" * 1000) + b"PK\x03\x04"),
        ({"Content-Encoding": "br"}, b"this is no brotli"),
        ({"Content-Encoding": "sdch"}, b"nobody knows what this is"),
        ({"Content-Encoding": "gzip," * 5}, b"x"),
        ({"Content-Type": "multipart/form-data; boundary=XX"}, b"this is no form"),
        ({"Content-Type": "multipart/form-data"}, form(("a", b"x"))),
        ({"Content-Type": "multipart/form-data; boundary=XX"}, form(("a", b"x"))[:-10]),
    ],
)
def test_what_cannot_be_decoded(service_with, asked, action, headers, body):
    service = service_with(undecodable=action)
    request = reqmod_request(URL, method="POST", headers=headers, body=body)
    expect(outcome(asked, service, request), action, Trouble.UNDECODABLE)
    assert service.counters == {"undecodable": 1}


def test_a_bomb_cannot_be_decoded(service_with, asked):
    service = service_with(expanded=500_000, undecodable="allow")
    body = brotli.compress(bytes(20 * MIB))
    request = respmod_request(URL, headers={"Content-Encoding": "br"}, body=body)
    expect(asked(service, request), "allow", Trouble.UNDECODABLE)


@pytest.mark.parametrize(
    "kinds",
    [
        ["multipart/form-data; boundary=XX", "multipart/form-data; boundary=YY"],
        ["text/plain", "multipart/form-data; boundary=XX"],
        ["multipart/form-data", "multipart/form-data; boundary=XX"],
        ["multipart/form-data; boundary=XX", "image/png"],
        ["text/plain, multipart/form-data; boundary=XX"],
        ["multipart/form-data; boundary=XX, text/plain"],
    ],
)
def test_two_types_cannot_be_told_apart(service_with, asked, evil, kinds):
    headers = [("Content-Type", kind) for kind in kinds]
    request = reqmod_request(URL, method="POST", headers=headers, body=form(("a", evil)))
    expect(asked(service_with(), request), "block", Trouble.UNDECODABLE)


@pytest.mark.parametrize("kinds", [["application/json", "text/plain"], ["text/plain, text/json"]])
def test_what_may_be_json_is_read_as_such(service_with, asked, eicar, kinds):
    headers = [("Content-Type", kind) for kind in kinds]
    body = json.dumps([b64encode(eicar).decode()]).encode()
    request = reqmod_request(URL, method="POST", headers=headers, body=body)
    assert asked(service_with(json=True), request) is not None


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [
        ("application/json", "utf-16"),
        ("application/json", "utf-32-be"),
        ("application/json; charset=utf-16", "utf-16-le"),
        ("application/json; Charset='UTF-16'", "utf-8"),
        ('application/json; charset="cp037"', "cp037"),
        ("application/json; charset=utf-7", "utf-7"),
        ("application/json; charset=shift_jis", "shift_jis"),
        ("application/json; charset=GBK", "gbk"),
        ("application/json; charset=gb2312", "gb2312"),
        ("application/json; charset=big5", "big5"),
        ("application/json; charset=euc-kr", "euc-kr"),
        ("application/json; charset=iso-2022-jp", "iso-2022-jp"),
        ("application/json; charset=nobody-knows", "utf-8"),
    ],
)
def test_json_in_other_encodings_cannot_be_read(service_with, asked, eicar, kind, encoding):
    body = json.dumps([b64encode(eicar).decode()]).encode(encoding)
    expect(asked(service_with(json=True), upload(body, kind)), "block", Trouble.UNDECODABLE)


@pytest.mark.parametrize(
    "charset",
    ["UTF8", "utf-8-sig", "us-ascii", "cp1252", "Windows-1251", "koi8-r", "iso-8859-15", "cp866"],
)
def test_json_in_those_that_are_like_ascii_is_read(service_with, asked, eicar, charset):
    service = service_with(json=True)
    kind = f"application/json; charset={charset}"
    assert asked(service, upload(b'["a"]', kind)) is None
    body = json.dumps([b64encode(eicar).decode()]).encode(charset)
    assert asked(service, upload(body, kind)) is not None


def test_articles_in_json_are_clean_however_many_there_are(service_with, asked):
    sentence = "The quick brown fox jumps over the lazy dog while other animals look on. "
    body = json.dumps([{"text": sentence * 30}] * 150).encode()
    assert asked(service_with(json=True), upload(body, "application/json")) is None


def test_ordinary_json_is_clean_however_many_digests_are_in_it(service_with, asked, eicar):
    service = service_with(json=True, json_strings=10)
    digests = [hashlib.sha256(b"%d" % n).hexdigest() for n in range(500)]
    kind = "application/json; charset=UTF-8"
    assert asked(service, upload(json.dumps(digests).encode(), kind)) is None
    assert service.scanner.scanned == 1 + 10 + 1
    body = json.dumps([*digests, b64encode(bytes(2000) + eicar).decode()]).encode()
    assert asked(service, upload(body, kind)) is not None


def test_json_has_only_so_many_files(service_with, asked):
    service = service_with(json=True, json_strings=10)
    files = [b64encode(bytes(1000)).decode()] * 11
    assert asked(service, upload(json.dumps(files[1:]).encode(), "application/json")) is None
    request = upload(json.dumps(files).encode(), "application/json")
    expect(asked(service, request), "block", Trouble.UNDECODABLE)


def test_json_that_is_downloaded_is_not_taken_apart(service_with, asked, eicar):
    service = service_with(json=True)
    body = json.dumps([b64encode(eicar).decode()]).encode()
    headers = {"Content-Type": "application/json"}
    assert asked(service, respmod_request(URL, headers=headers, body=body)) is None
    assert service.scanner.scanned == 1


@pytest.mark.parametrize("coding", ["gzip", "sdch"])
def test_what_cannot_be_decoded_is_scanned_as_it_is(service_with, asked, evil, coding):
    request = respmod_request(URL, headers={"Content-Encoding": coding}, body=evil)
    decision = asked(service_with(undecodable="allow"), request)
    assert dict(decision.icap_headers)["X-Clamav-Outcome"] == "infected"


def test_a_form_without_parts_has_nothing_to_scan(service, asked):
    assert asked(service, upload(b"--XX--\r\n")) is None


def test_nor_has_one_that_turns_out_to_be_empty(service, asked):
    request = upload(b"x", preview=0)
    request.body.never_ends()

    async def story():
        asyncio.get_running_loop().call_soon(request.body.end)
        return await asked.awaited(service, request)

    assert asyncio.run(story()) is None


@pytest.mark.parametrize(("before", "behind"), [("evil", b""), (b"\r\n", "evil"), (b"", "evil")])
def test_what_stands_outside_the_parts_is_scanned(service, asked, evil, before, behind):
    def outside(what):
        first, last = (what if each == "evil" else each for each in (before, behind))
        return upload(first + b"\r\n" + form(("a", b"x"), (None, b"y")) + last)

    assert asked(service, outside(b"This is a message in MIME format.")) is None
    assert asked(service, outside(evil)) is not None


def test_a_file_behind_half_a_line_break_is_refused(service, asked, evil):
    hidden = form(("e.exe", evil)).replace(b"\r\n--XX", b"\n--XX")
    body = form((None, b"hi")).removesuffix(b"\r\n--XX--\r\n") + b"\n" + hidden + b"--XX--\r\n"
    expect(asked(service, upload(body)), "block", Trouble.UNDECODABLE)


@pytest.mark.parametrize("parameters", ["", "; boundary=XX"])
def test_what_is_downloaded_is_no_form(service, asked, evil, parameters):
    headers = {"Content-Type": f"multipart/form-data{parameters}"}
    assert asked(service, respmod_request(URL, headers=headers, body=evil)) is not None
    clean = respmod_request(URL, headers=headers, body=b"no form " + form(("a", b"x")) + b"at all")
    assert asked(service, clean) is None
    assert service.counters == {"infected": 1, "clean": 1}


@ACTIONS
def test_what_is_encrypted(service_with, asked, action):
    service = service_with(encrypted=action)
    decision = outcome(asked, service, respmod_request(URL, body=encrypted_zip()))
    expect(decision, action, Trouble.ENCRYPTED)
    if action == "block":
        assert "Heuristics.Encrypted" in dict(decision.icap_headers)["X-Virus-ID"]


def test_a_virus_goes_before_all_that(service_with, asked, evil):
    service = service_with(encrypted="error", too_large="error")
    body = form(("a.zip", encrypted_zip()), ("big", bytes(2 * MIB)), ("evil", evil))
    decision = asked(service, upload(body))
    assert dict(decision.icap_headers)["X-Clamav-Outcome"] == "infected"


def test_of_several_troubles_the_strictest_setting_counts(service_with, asked):
    body = form(("big", bytes(2 * MIB)), ("a.zip", encrypted_zip()))
    service = service_with(encrypted="block", too_large="allow")
    expect(asked(service, upload(body)), "block", Trouble.ENCRYPTED)
    assert service.counters == {"encrypted": 1, "too-large": 1}


def test_the_log_names_what_was_found_and_no_secret(service, asked, evil, caplog):
    caplog.set_level(logging.INFO)
    url = "http://ann:secret@www.example.com/file?token=secret"
    asked(service, respmod_request(url, body=evil))
    assert "infected: <RESPMOD 'http://www.example.com/file'>: Test.Evil.One" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    "options",
    [{}, {"json": True, "skip_types": ["text/*"]}, {"preview": 0, "remember": 0}],
)
def test_it_keeps_the_promises_of_a_service(clamd, options):
    check_service(lambda: ClamAV({"clamd": [clamd.socket], **options}))


def test_it_keeps_them_without_a_clamd_too(tmp_path):
    check_service(
        lambda: ClamAV({"clamd": [str(tmp_path / "none")], "patience": 0, "down": "allow"})
    )
