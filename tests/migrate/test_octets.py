"""In handlers of pyicap, bytes that meet text are told."""

import ast
import textwrap

import pytest

from zcadapt.migrate.octets import bytes_as_text


def told(code):
    text = f"class A:\n    def a_REQMOD(self):\n{textwrap.indent(textwrap.dedent(code), ' ' * 8)}"
    return [
        finding.text.partition(" is bytes:")[0]
        for finding in bytes_as_text(ast.parse(text).body[0])
    ]


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("self.command == 'REQMOD'", "self.command"),
        ("'POST' != self.enc_req[0].upper()", "self.enc_req"),
        ("'bbc' not in self.enc_req[1]", "self.enc_req"),
        ("self.enc_req[1].startswith('http')", "self.enc_req"),
        ("' '.join(self.enc_res_status)", "self.enc_res_status"),
        ("self.headers['host']", "self.headers"),
        ("self.enc_req_headers.get('host', [b''])", "self.enc_req_headers"),
        ("self.read_chunk() == ''", "what self.read_chunk() returns"),
        ("for h in self.enc_req_headers:\n    h.lower() == 'host'", "self.enc_req_headers"),
        (
            "while True:\n    c = self.read_chunk()\n    if c == '': break",
            "what self.read_chunk() returns",
        ),
    ],
)
def test_it_is_told(code, what):
    assert told(code) == [what]


@pytest.mark.parametrize(
    "code",
    [
        "self.command == b'REQMOD'",
        "self.enc_req[1].decode() == 'a'",
        "self.preview == '0', '204' in self.allow",
        "b' '.join(self.enc_req)",
        "c = self.read_chunk()\nc = c.decode()\nc == ''",
        "c = self.read_chunk() or ''\nc == ''",
        "c = self.read_chunk()\n(c, d) = f()\nc == ''",
        "other.headers['host']",
        "self.mine['host'] == 'a'",
        "for h in self.enc_req_headers:\n    h = str(h)\n    h == 'host'",
    ],
)
def test_what_is_right_is_not_told(code):
    assert told(code) == []
