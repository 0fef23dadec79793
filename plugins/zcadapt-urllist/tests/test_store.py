"""What is on a list is found, in memory and in a file."""

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zcadapt_urllist.canonical import shown
from zcadapt_urllist.formats import told
from zcadapt_urllist.reading import Report, SourceError
from zcadapt_urllist.store import Store, is_compiled, write
from zcadapt_urllist.subjects import subject_of_url


def find(store, url):
    found = store.find(subject_of_url(url))
    return None if found is None else told(found)


@pytest.fixture
def filed(written, read, tmp_path):
    """How to make a store in a file."""

    def store(*lines, wanted="auto"):
        keys, report = read(written(*lines), wanted=wanted)
        write(keys, report, tmp_path / "list.urls")
        return Store.open(tmp_path / "list.urls")

    return store


@pytest.fixture(params=["stored", "filed"])
def store_of(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("http://a.example/", "a.example"),
        ("http://x.y.a.example/z", "a.example"),
        ("http://www.b.example/xyz", "www.b.example/x"),
        ("http://b.example/", None),
        ("http://xa.example/", None),
        ("http://example/", None),
        ("http://c.example/d", None),
        ("http://c.example/d/e", "c.example/d/"),
        ("http://www.c.example/d/e?f", "www.c.example/d/"),
        ("http://x.c.example/d/e", None),
        ("http://192.0.2.1:80/x", "192.0.2.1"),
        ("http://192.0.2.1.example/", None),
    ],
)
def test_domains_hosts_urls_and_addresses_are_found(store_of, url, entry):
    store = store_of("a.example", "http://www.b.example/x", "c.example/d/", "192.0.2.1")
    assert find(store, url) == entry


def test_a_host_alone_is_not_what_is_below_it(store_of):
    store = store_of("a.example", ".b.example", wanted="dstdomain")
    assert find(store, "http://a.example/x") == "a.example"
    assert find(store, "http://www.a.example/x") is None
    assert find(store, "http://www.b.example/x") == "b.example"


@pytest.mark.parametrize("number", [2, 1000])
def test_expressions_are_found_in_the_whole_url(store_of, number):
    lines = [f"word{each}x" for each in range(number)] + ["^http://[^/]*casino", r"/ads\.js$"]
    store = store_of(*lines, wanted="expressions")
    assert find(store, "http://my.CASINO.example/") == "an expression"
    assert find(store, "http://a.example/x/%61ds.js") == "an expression"
    assert find(store, "http://a.example/word1x") == "an expression"
    assert find(store, "http://a.example/ads.jsp") is None


def test_an_expression_that_would_take_others_for_ever_does_not(store_of):
    store = store_of("(x+x+)+y", wanted="expressions")
    assert find(store, "http://a.example/" + "x" * 60_000) is None


def test_what_is_excepted_is_not_found(store_of):
    store = store_of("||example.com^", "@@||good.example.com^")
    assert find(store, "http://example.com/") == "example.com"
    assert find(store, "http://bad.example.com/") == "example.com"
    assert find(store, "http://www.good.example.com/") is None


def test_an_empty_list_has_nothing(tmp_path):
    report = Report()
    assert find(Store.of([], report), "http://a.example/") is None
    with pytest.raises(SourceError, match="nothing in the sources"):
        write([], report, tmp_path / "empty.urls")
    write([], report, tmp_path / "empty.urls", allow_empty=True)
    assert find(Store.open(tmp_path / "empty.urls"), "http://a.example/") is None


LABEL = st.text("abc", min_size=1, max_size=2)
NAME = st.lists(LABEL, min_size=2, max_size=4).map(".".join)


@given(st.sets(NAME, max_size=20), st.lists(NAME, max_size=20))
@settings(max_examples=50)
def test_a_host_is_found_if_and_only_if_it_or_one_above_is_listed(listed, asked):
    keys = [b".".join(name.encode().split(b".")[::-1]) + b"." for name in listed]
    store = Store.of(keys, Report(hosts=len(keys)))
    for name in [*asked, *listed]:
        labels = name.split(".")
        above = {".".join(labels[at:]) for at in range(len(labels))}
        found = store.find(subject_of_url(f"http://{name}/"))
        assert (found is not None) == bool(above & listed)
        assert found is None or shown(found) in above & listed


@pytest.mark.parametrize(
    "content", [b"", b"a.example\n", b"x" * 1000, b"We love Marisa.\0" + b"\0" * 100]
)
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "list.urls"
    path.write_bytes(content)
    assert not is_compiled(path)
    with pytest.raises(SourceError, match="zcadapt urllist build"):
        Store.open(path)


@pytest.mark.parametrize("cut", [1, 30, 100, 200])
def test_a_file_that_is_cut_off_is_refused(filed, tmp_path, cut):
    filed(*[f"a{number}.example" for number in range(100)])
    path = tmp_path / "list.urls"
    whole = path.read_bytes()
    for part in (whole[:-cut], whole[cut:]):
        path.write_bytes(part)
        with pytest.raises(SourceError):
            Store.open(path)


def test_a_file_is_replaced_in_one_step_and_who_has_it_open_keeps_the_old(tmp_path, filed):
    old = filed("a.example")
    path = tmp_path / "list.urls"
    path.chmod(0o640)
    new = filed("b.example")
    assert [find(old, f"http://{name}.example/") for name in "ab"] == ["a.example", None]
    assert [find(new, f"http://{name}.example/") for name in "ab"] == [None, "b.example"]
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["list.txt", "list.urls"]


def test_what_fails_leaves_the_file_as_it_was_and_nothing_beside_it(filed, tmp_path):
    filed("a.example")

    def keys():
        yield b"example.b."
        raise SourceError("gone")

    with pytest.raises(SourceError, match="gone"):
        write(keys(), Report(), tmp_path / "list.urls")
    assert find(Store.open(tmp_path / "list.urls"), "http://a.example/") == "a.example"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["list.txt", "list.urls"]


def test_who_may_read_a_new_file_follows_from_the_umask(filed, tmp_path):
    before = os.umask(0o022)
    try:
        filed("a.example")
    finally:
        os.umask(before)
    assert (tmp_path / "list.urls").stat().st_mode & 0o777 == 0o644


def test_the_file_is_mapped_not_read(filed, tmp_path):
    """Another process that opens it sees it in its own map, not in its own memory."""
    filed(*[f"a{number}.example" for number in range(1000)])
    code = (
        "import sys; from pathlib import Path; from zcadapt_urllist.store import Store\n"
        "store = Store.open(Path(sys.argv[1]))\n"
        "print(sys.argv[1] in Path('/proc/self/maps').read_text())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "list.urls")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
