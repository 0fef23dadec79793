import pytest

pytest.importorskip("zcadapt_urllist", reason="zcadapt-urllist is not installed")

from zcadapt_urllist.reading import Report, keys_of, sources_of
from zcadapt_urllist.service import URLList
from zcadapt_urllist.store import Store


@pytest.fixture
def written(tmp_path):
    """How to write the lines of a list; returns the path."""

    def write(*lines, name="list.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(_bytes(line) + b"\n" for line in lines))
        return path

    return write


@pytest.fixture
def read():
    """How to read files; returns the keys and the report."""

    def read(*paths, wanted="auto", **more):
        report = Report()
        return list(keys_of(sources_of(paths, wanted), report, **more)), report

    return read


@pytest.fixture
def stored(written, read):
    """How to make a store of lines."""

    def store(*lines, wanted="auto"):
        keys, report = read(written(*lines), wanted=wanted)
        return Store.of(keys, report)

    return store


@pytest.fixture
def options_of(written):
    """How to make options with lists, each named and told by its lines and settings."""

    def make(**lists):
        tables = {}
        for name, (lines, settings) in lists.items():
            path = written(*lines, name=f"{name}.txt")
            tables[name] = {"sources": [str(path)], **settings}
        return {"lists": tables}

    return make


@pytest.fixture
def service_of(options_of):
    """How to make a service of the same."""
    return lambda **lists: URLList(options_of(**lists))


def _bytes(line):
    return line if isinstance(line, bytes) else line.encode()
