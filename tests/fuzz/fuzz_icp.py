"""Feed whatever comes to mind to the ICP codec.

    python tests/fuzz/fuzz_icp.py -max_total_time=30

Needs atheris. The properties are those that the tests check on each run: any
bytes give a query or a verdict, a verdict's reply is an ERR that is no longer
than its cause, a query's reply carries its request number and its URL, and
any header can be drawn.
"""

import sys
from contextlib import suppress

if __name__ == "__main__":  # pytest looks for doctests in here, and needs no atheris
    import atheris

    with atheris.instrument_imports(include=["zcadapt.icp"]):
        import zcadapt.icp  # noqa: F401

# Instrumented by now, if this is no test run.
from zcadapt.icp.box import format_datagram
from zcadapt.icp.datagram import HEADER_SIZE, build, build_reply, parse, parse_reply
from zcadapt.icp.errors import BadReplyError, MalformedQueryError, NotAQueryError
from zcadapt.icp.opcodes import ANSWERS


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def check_query(datagram):
    try:
        query = parse(datagram, ("192.0.2.1", 3130))
    except NotAQueryError as wrong:
        check(wrong.reply is None, "silence")
    except MalformedQueryError as wrong:
        check(parse_reply(wrong.reply).answer == "ICP_OP_ERR", "an ERR")
        check(len(wrong.reply) <= len(datagram), "not an amplifier")
    else:
        check_replies(query)


def check_replies(query):
    for answer, opcode in ANSWERS.items():
        reply = parse_reply(build_reply(query, opcode))
        check(reply.answer == answer, "the answer")
        check(reply.url == query.url, "the URL")
        check(reply.request_number == query.request_number, "the request number")
    again = build(
        query.url,
        request_number=query.request_number,
        requester=query.requester or "0.0.0.0",
        options=query.options,
        option_data=query.option_data,
        sender=query.sender,
        version=query.version,
    )
    check(again == query.datagram, "build after parse is the identity")


def check_any(datagram):
    check_query(datagram)
    check_query(b"\1\2" + len(datagram).to_bytes(4, "big")[2:] + datagram[4:])
    with suppress(BadReplyError):
        parse_reply(datagram)
    if len(datagram) >= HEADER_SIZE:
        format_datagram(datagram)


if __name__ == "__main__":
    atheris.Setup(sys.argv, check_any)
    atheris.Fuzz()
