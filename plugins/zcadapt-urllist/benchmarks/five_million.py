# ruff: noqa: ANN001, ANN201, ANN202, D103, INP001, PLR2004, S311, S603, T201
"""Five million domains: how large, how fast, how soon open; beside LMDB where that is installed.

    python benchmarks/five_million.py [--number N] [--folder FOLDER]

What is generated stays in the folder, and is used again.
"""

import argparse
import importlib.util
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from zcadapt_urllist.canonical import reversed_key
from zcadapt_urllist.store import Store
from zcadapt_urllist.subjects import subject_of_url

MIB = 1024 * 1024
SAMPLE = 100_000
ENDS = {
    "com": 50, "net": 8, "org": 7, "de": 6, "ru": 6, "xyz": 5, "info": 4, "top": 4, "cn": 4,
    "fr": 3, "co.uk": 3, "com.br": 2, "blogspot.com": 6, "tumblr.com": 3,
}  # fmt: skip
SYLLABLES = [a + b for a in "bcdfghjklmnprstvwz" for b in "aeiou"]
SYLLABLES += ["an", "er", "in", "on", "st", "cam", "shop", "web", "live", "free", "best", "x", "24"]
FRONTS = ["www", "m", "cdn", "ads", "img", "mail", "en", "video"]


def domains(number, seed):
    """Yield names of the lengths that names on such lists have: 16 to 17 characters."""
    random_ = random.Random(seed)
    ends, weights = list(ENDS), list(ENDS.values())
    for _ in range(number):
        count = random_.choices((2, 3, 4, 5, 6), (5, 20, 35, 25, 15))[0]
        name = "".join(random_.choices(SYLLABLES, k=count))
        if random_.random() < 0.35:
            name += str(random_.randrange(1000))
        if random_.random() < 0.3:
            name += "".join(random_.choices(SYLLABLES, k=2))
        front = f"{random_.choice(FRONTS)}." if random_.random() < 0.2 else ""
        yield f"{front}{name}.{random_.choices(ends, weights)[0]}"


def generated(path, number):
    if path.exists():
        return path.read_text().split()
    names, seed = set(), 0
    while len(names) < number:
        seed += 1
        names.update(domains(number // 5 + 1, seed))
    chosen = sorted(names)
    random.Random(0).shuffle(chosen)
    path.write_text("\n".join(chosen[:number]) + "\n")
    return chosen[:number]


def unlisted(listed, *, alike):
    """Hosts that nobody lists: made as the listed ones are, or as others are."""
    if alike:
        known = set(listed)
        names = (f"www.{name}" for name in domains(2 * SAMPLE, "others"))
        free = (each for each in names if not _above(each) & known)
        return [each for each, _ in zip(free, range(SAMPLE), strict=False)]
    random_ = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [
        f"www.{''.join(random_.choices(letters, k=random_.randrange(6, 14)))}.com"
        for _ in range(SAMPLE)
    ]


def _above(name):
    labels = name.split(".")
    return {".".join(labels[at:]) for at in range(len(labels))}


def timed(find, questions, ready=lambda each: each):
    """Return microseconds of CPU for each of `questions`, made `ready`, the best of seven runs."""
    best = float("inf")
    for _ in range(7):
        asked = [ready(each) for each in questions]
        before = time.thread_time()
        for each in asked:
            find(each)
        best = min(best, time.thread_time() - before)
    return best / len(questions) * 1e6


def told(name, path, opening, speeds):
    size = path.stat().st_size / MIB
    speeds = ", ".join(f"{what} {each:.2f} µs" for what, each in speeds.items())
    print(f"{name}: {size:.1f} MiB, opened in {opening * 1000:.2f} ms; {speeds}")


def ours(source, folder, questions):
    path = folder / "list.urls"
    command = [sys.executable, "-m", "zcadapt_urllist", "build", source, "--output", path]
    before = time.perf_counter()
    subprocess.run(command, check=True)
    print(f"built in {time.perf_counter() - before:.1f} s")
    before = time.perf_counter()
    store = Store.open(path)
    opening = time.perf_counter() - before
    urls = {what: [f"http://{host}/a.html" for host in hosts] for what, hosts in questions.items()}
    ready = {what: timed(store.find, some, subject_of_url) for what, some in urls.items()}
    told("marisa", path, opening, ready)
    whole = {
        what: timed(lambda url: store.find(subject_of_url(url)), some)
        for what, some in urls.items()
    }
    told("the same, from a URL that is new each time", path, opening, whole)


def lmdb_by_label(names, folder, questions):
    """The same keys in LMDB, asked for each label in turn."""
    import lmdb  # noqa: PLC0415 - perhaps it is not installed

    path, compact = folder / "list.mdb", folder / "compact.mdb"
    for each in (path, compact):
        each.unlink(missing_ok=True)
    keys = sorted(reversed_key(name.encode()) for name in names)
    make = {"subdir": False, "map_size": 4 << 30, "lock": False, "sync": False}
    with lmdb.open(os.fspath(path), **make) as store:
        with store.begin(write=True) as writing:
            writing.cursor().putmulti(((key, b"") for key in keys), append=True)
        store.copy(os.fspath(compact), compact=True)
    before = time.perf_counter()
    store = lmdb.open(os.fspath(compact), subdir=False, readonly=True, lock=False)
    get = store.begin().get
    opening = time.perf_counter() - before

    def find(key):
        at = 0
        while at := key.find(b".", at) + 1:
            if get(key[:at]) is not None:
                return True
        return False

    asked = {
        what: [reversed_key(host.encode()) for host in hosts] for what, hosts in questions.items()
    }
    told("LMDB", compact, opening, {what: timed(find, keys) for what, keys in asked.items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=5_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir(), "five-million"))
    given = parser.parse_args()
    given.folder.mkdir(exist_ok=True)
    source = given.folder / f"domains-{given.number}"
    names = generated(source, given.number)
    print(f"{len(names)} domains of {sum(map(len, names)) / len(names):.1f} characters")
    sample = random.Random(2).sample(names, SAMPLE)
    questions = {
        "listed": [f"www.{name}" for name in sample],
        "unlisted, alike": unlisted(names, alike=True),
        "unlisted": unlisted(names, alike=False),
    }
    ours(source, given.folder, questions)
    if importlib.util.find_spec("lmdb"):
        lmdb_by_label(names, given.folder, questions)


if __name__ == "__main__":
    main()
