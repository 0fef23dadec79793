# ruff: noqa: ANN001, ANN002, ANN201, D103, INP001, S311, T201
"""A directory as UT1's: what a look-up takes, and what expressions take at the worst."""

import random
import tempfile
import time
from pathlib import Path

from five_million import timed
from zcadapt_urllist.formats import size_of
from zcadapt_urllist.reading import MOST_INSTRUCTIONS, Report, keys_of, sources_of
from zcadapt_urllist.store import Store
from zcadapt_urllist.subjects import subject_of_url

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SAMPLE = 20_000
EXPRESSIONS = [
    r"(^|[-\?+=/_0-9])(adult|casino|hardcore|lotto|poker|roulette|xxx)s?([-\?+=/_0-9]|$)",
    *[f"(.*)foo{number}(.*)bar" for number in range(8)],
]


def written(folder):
    """Write 200 000 domains, 59 000 URLs of 3000 hosts and 9 expressions."""
    random_ = random.Random(7)
    number = random_.randrange
    names = (f"d{number(10**9):x}.com" for _ in range(200_000))
    (folder / "domains").write_text("\n".join(names))
    urls = (f"h{number(3000)}.example.net/p{number(10**6)}" for _ in range(59_000))
    (folder / "urls").write_text("\n".join(urls))
    (folder / "expressions").write_text("\n".join(EXPRESSIONS))
    return folder


def opened(*paths):
    report = Report()
    return Store.of(keys_of(sources_of(paths), report), report)


def look_ups(folder):
    number = random.Random(8).randrange
    questions = {
        "unlisted": [f"http://www.u{number(10**9):x}.com/a/b/c.html?x=1" for _ in range(SAMPLE)],
        "a host with URLs": [
            f"http://h{number(3000)}.example.net/q{number(10**6)}?x=1" for _ in range(SAMPLE)
        ],
    }
    for what, names in {
        "domains": ["domains"],
        "domains and URLs": ["domains", "urls"],
        "all": ["domains", "urls", "expressions"],
    }.items():
        store = opened(*[folder / name for name in names])
        for kind, urls in questions.items():
            ready = timed(store.find, urls, subject_of_url)
            whole = timed(lambda url, find=store.find: find(subject_of_url(url)), urls)
            print(f"{what}, {kind}: {ready:.2f} µs, from a URL {whole:.2f} µs")


def bounded(expressions):
    """Return as many of `expressions` as a list may have."""
    size, found = 0, {}
    for each in expressions:
        size += size_of(each.encode())
        if size > MOST_INSTRUCTIONS:
            break
        found[each.encode()] = None
    return found


def worst():
    random_ = random.Random(9)
    words = ["".join(random_.choices(LETTERS, k=8)) for _ in range(10_000)]
    for what, expressions, parts in (
        ("x.{900}[^a-z]", ["x.{900}[^a-z]"], "xyab"),
        ("[xa].{400}[yb].{300}Q", [f"[xa].{{{400 + n}}}[yb].{{300}}Q" for n in range(30)], "xyab"),
        ("[a-z]+WORD[a-z]+q", [f"[a-z]+{word}[a-z]+q" for word in words], words),
        ("WORD.*WORD", [f"{word}.*{word[::-1]}" for word in words], words),
        ("WORD", words, words),
        ("UT1's", EXPRESSIONS, words),
    ):
        chosen = bounded(expressions)
        store = Store.of([], Report(expressions=chosen))
        took = []
        for _ in range(10):
            path = "".join(random_.choices(parts, k=7_000))
            subject = subject_of_url(f"http://a.example/{path}")
            before = time.thread_time()
            store.find(subject)
            took.append(time.thread_time() - before)
        print(
            f"{len(chosen)} times {what}: {max(took) * 1000:.1f} ms at most, "
            f"{sorted(took)[len(took) // 2] * 1000:.1f} ms in the middle of {len(took)}"
        )


def main():
    with tempfile.TemporaryDirectory() as name:
        look_ups(written(Path(name)))
    worst()


if __name__ == "__main__":
    main()
