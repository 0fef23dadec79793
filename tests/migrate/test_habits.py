"""What has another effect now is told, and not by the dozen."""

import pytest

from zcadapt.migrate.kinds import migrated

HANDLER = "from pyicap import *\nclass A(BaseICAPRequestHandler):\n"


def told(code):
    return [(each.line, each.text, each.left) for each in migrated("a.py", code).findings]


SERVER = (
    "start_server answers this machine, private networks and the link only, "
    "unless settings=ICPSettings(allow=...) says whom else"
)


@pytest.mark.parametrize(
    "code",
    [
        "import zc.icp\nzc.icp.start_server('', 3130)",
        "from zc.icp import start_server as s\ns()",
        "from zc.icp import *\nstart_server()",
    ],
)
def test_that_not_everybody_is_answered(code):
    assert told(code) == [(2, SERVER, False)]


@pytest.mark.parametrize(
    "code",
    [
        "import zc.icp\nzc.icp.start_server(settings=a)",
        "import zc.icp\nzc.icp.start_server(**a)",
        "import asyncio\nfrom zc.icp import check_url\nasyncio.start_server(a)",
        "from zcadapt.compat.zc_icp import start_server\nstart_server()",
    ],
)
def test_what_is_said_already_is_not_told(code):
    assert told(code) == []


IV = "from icap_server import *\nfrom icap_server.structures.icap_method import ICAPMethod\n"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("m == ICAPMethod.OPTIONS", "no handler is asked with OPTIONS: the server answers it"),
        (
            "ContentAdaptationResponse(a, 404, {}, True)",
            "icap_response_code 404: any but 200 and 204 is a failure, answered 500",
        ),
        (
            "ContentAdaptationResponse(icap_response_headers={b'ISTag': [b'a'], b'X-A': [b'b']})",
            "the ICAP header ISTag is not sent: the server says it itself",
        ),
        (
            "run_server(server_options=dict(host='a', limit=3))",
            "the option limit has no effect: how long lines may be is in settings",
        ),
    ],
)
def test_what_icap_server_did_otherwise(code, text):
    assert told(IV + code) == [(3, text, False)]


@pytest.mark.parametrize(
    "code",
    [
        "ICAPMethod.REQMOD, other.OPTIONS",
        "ContentAdaptationResponse(a, 204, {b'X-A': [b'b'], **c}, True)",
        "ContentAdaptationResponse(a, code, headers, True)",
        "run_server(server_options={'host': 'a', 'port': 1})",
    ],
)
def test_what_icap_server_did_likewise(code):
    assert told(IV + code) == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("    def a_REQMOD(self, name): pass", "a_REQMOD is called with no argument but self"),
        (
            "    async def a_REQMOD(self): pass",
            "a_REQMOD is not awaited: make it a plain function",
        ),
        (
            "    def f(self): self.send_response(200)",
            "self.send_response is no more: make it self.set_icap_response",
        ),
        ("    a = lambda self: self.methos", "self.methos is no more: make it self.command"),
        (
            "    def f(self): int(self.preview.decode())",
            "self.preview is a number: it has no .decode",
        ),
        ("    def f(self): self.allow[0]", "self.allow is a set: ask with in, and take no item"),
        ("    def f(self): self.rfile.read(1)", "self.rfile is no more: make it self.read_chunk()"),
    ],
)
def test_what_handlers_did(body, text):
    assert told(HANDLER + body) == [(3, text, True)]


@pytest.mark.parametrize(
    "body",
    [
        "    def a_REQMOD(self): self.no_adaptation_required()",
        "    def a_options(self): self.send_headers()",
        "    def a_REQMOD(self, name=None): pass",
        "    def send_response(self): self.send_response()",
        "    def f(self): self.methos = 1; self.methos",
        "    def f(self): self.version, self.preview == b'0', b'204' in self.allow",
    ],
)
def test_what_handlers_may_do(body):
    assert told(HANDLER + body) == []


def test_other_classes_are_nobodys_concern():
    assert told("import pyicap\nclass A(B):\n    def f(self): self.send_response(200)") == []


def test_a_handler_may_be_one_by_way_of_another():
    code = HANDLER + "    pass\nclass B(A):\n    def f(self): self.methos\n"
    assert [line for line, _, _ in told(code)] == [5]
    assert told("import pyicap\nclass A(B): pass\nclass B(A): self.methos\n") == []


def test_bytes_are_those_of_pyicap_only():
    body = "    def a_REQMOD(self): return self.command == 'REQMOD'"
    assert len(told(HANDLER + body)) == 1
    assert told(HANDLER.replace("pyicap", "icapserver") + body) == []


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import os, asyncore", "the module asyncore"),
        ("from asynchat import a", "the module asynchat"),
        ("ssl.wrap_socket(a)", "ssl.wrap_socket"),
    ],
)
def test_what_left_python_is_told(code, what):
    assert told(f"import pyicap\n{code}") == [(2, f"{what} is not in Python 3.12", False)]


@pytest.mark.parametrize(
    "code",
    [
        "import six\nsix.iteritems(a)",
        "import sys\nif sys.version_info[0] == 2:\n    import SocketServer",
        "from .asyncore import a",
        "a.has_key(b)",
        "from pyicap import *\nclass A:\n    class B(A): self.methos",
    ],
)
def test_what_others_can_tell_is_not_told(code):
    assert told(f"import pyicap\n{code}") == []


@pytest.mark.parametrize("inner", ["Other", "BaseICAPRequestHandler"])
def test_self_is_another_one_in_a_class_in_a_class(inner):
    code = f"{HANDLER}    def f(self):\n        class B({inner}):\n            a = self.methos\n"
    assert len(told(code)) == (inner != "Other")


def test_classes_may_go_round_in_a_circle():
    """Python would refuse it, if it were not in two branches, say."""
    code = "from pyicap import *\nclass A(B, BaseICAPRequestHandler): pass\nclass B(A): self.methos"
    assert [line for line, *_ in told(code)] == [3]


def test_long_chains_of_classes_take_no_long_time():
    """Each class is looked at once: there are more pairs of them than anybody waits for."""
    chain = "".join(f"class A{number}(A{number - 1}): pass\n" for number in range(1, 9000))
    code = f"from pyicap import *\nclass A0(BaseICAPRequestHandler): pass\n{chain}"
    same = "class A(A): pass\n" * 9000
    assert told(code + same + "class B(A8999): self.methos\n") == [
        (18002, "self.methos is no more: make it self.command", True)
    ]
