"""Feed whatever comes to mind to the ICAP protocol.

    python tests/fuzz/fuzz_icap.py -max_total_time=30

Needs atheris. The properties are those that the tests check on each run: any
bytes give requests or an IcapError and nothing else, however they are cut, and
nothing in an encapsulated head or in a header raises.
"""

import sys
from pathlib import Path

ICAP_TESTS = Path(__file__).parent.parent / "icap"

#: What most inputs are put behind, so that they get somewhere.
BEGINNINGS = (
    b"",
    b"OPTIONS icap://h/echo ICAP/1.0\r\n",
    b"REQMOD icap://h/echo ICAP/1.0\r\nEncapsulated: req-hdr=0, ",
    b"REQMOD icap://h/echo ICAP/1.0\r\nEncapsulated: req-hdr=0, null-body=18\r\n\r\n",
    b"REQMOD icap://h/echo ICAP/1.0\r\nEncapsulated: req-body=0\r\n\r\n",
    b"RESPMOD icap://h/echo ICAP/1.0\r\nPreview: 4\r\nEncapsulated: res-body=0\r\n\r\n",
    b"RESPMOD icap://h/ ICAP/1.0\r\nEncapsulated: res-hdr=0, res-body=19\r\n\r\nHTTP/1.1 200 OK",
)


def check_any(data):
    """Hold all properties against `data`; its first bytes say how."""
    import strategies  # noqa: PLC0415 - found only when this runs as a script

    beginning = BEGINNINGS[data[0] % len(BEGINNINGS)] if data else b""
    cuts = [each * 3 for each in data[1:4]]
    limits = strategies.SMALL if data[4:5] > b"\x7f" else None
    rest = data[5:]
    for go_on in (True, False):
        strategies.check_cuts(beginning + rest, cuts, limits, go_on=go_on)
    strategies.check_chunks(rest, cuts, limits)
    strategies.check_message(rest)
    strategies.check_identity(rest.partition(b"\n")[0])


def main():
    """Fuzz until told to stop."""
    try:
        import atheris  # noqa: PLC0415 - pytest may look at this file without it
    except ImportError:
        sys.exit("This needs atheris: pip install atheris")
    sys.path.insert(0, str(ICAP_TESTS))
    with atheris.instrument_imports(include=["zcadapt.icap"]):
        import strategies  # noqa: F401, PLC0415 - imported here to be instrumented
    atheris.Setup(sys.argv, check_any)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
