# ruff: noqa: ANN001, ANN201, D103, INP001, S311, T201
"""Heads of 64 KB that were made to take long: what they take, with one list and with ten."""

import random
import tempfile
import time
from pathlib import Path

from zcadapt_urllist import URLList

from zcadapt.testing import reqmod_request

LONGEST = 56_000
PATHS = {
    "%25": "%25",
    "%41": "%41",
    "%2525252541": "%2525252541",
    "%ZZ": "%ZZ",
    "a/../": "a/../",
    "//": "//",
    "a backslash": "\\",
    "a byte": "\xe4",
}


def services(folder):
    """Yield services with URLs of 20 hosts on one list or ten, of which half allow."""
    lines = [f"h{number}.example/{path}/x" for number in range(20) for path in ("pub", "%ad")]
    (folder / "urls").write_text("\n".join(lines))
    for number in (1, 10):
        yield URLList(
            {
                "lists": {
                    str(each): {
                        "sources": [str(folder / "urls")],
                        "action": "allow" if each % 2 else "block",
                    }
                    for each in range(number)
                }
            }
        )


def heads(seed):
    """Yield names, targets and Host fields; the hosts differ with `seed`."""
    for name, part in PATHS.items():
        path = "/" + part * (LONGEST // len(part))
        yield f"{name}, one host", f"http://h0.example{path}", "h0.example"
        hosts = " ".join(f"h{number}.example" for number in range(8))
        yield f"{name}, eight hosts", f"http://h0.example{path}", hosts
        yield f"{name}, read in six ways", f"http:/\th0.example%2f{path}", "h1.example h2.example"
    random_ = random.Random(seed)
    letters = [chr(code).encode().decode("latin-1") for code in range(0x4E00, 0x9000)]
    labels = (".".join("".join(random_.choices(letters, k=63)) for _ in range(4)) for _ in range(8))
    yield "eight hosts of Han characters", "/", " ".join(labels)
    yield (
        "eight hosts of marks",
        "/",
        " ".join(f"{seed}{n}" + "\xcc\x81\xcc\xa3" * 1700 for n in range(8)),
    )
    yield "9000 hosts", "/", " ".join(f"{number:x}.a" for number in range(9000))


def main():
    with tempfile.TemporaryDirectory() as name:
        both = list(services(Path(name)))
    for runs in zip(*map(heads, range(6)), strict=True):
        took = []
        for (_, target, hosts), service in zip(runs, both * 3, strict=True):
            request = reqmod_request(target, headers=[("Host", hosts)])
            before = time.thread_time()
            service.adapt(request)
            took.append((time.thread_time() - before) * 1000)
        print(f"{runs[0][0]}: {min(took[::2]):.1f} ms, with ten lists {min(took[1::2]):.1f} ms")


if __name__ == "__main__":
    main()
