"""The README, whose examples are run."""

import doctest
import textwrap
from pathlib import Path

README = Path(__file__).parent.parent / "README.rst"


def test_the_readme_is_true():
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    results = doctest.testfile(str(README), module_relative=False, optionflags=flags)
    assert results.attempted > 40
    assert results.failed == 0


def test_a_worker_that_comes_later_keeps_what_the_others_have_noted(tmp_path):
    """Each worker runs these lines, also one that takes the place of another."""
    begin, end = "    from zcadapt_partition import Table, WSGIAffinity\n", "\n.. code-block"
    lines = begin + README.read_text().partition(begin)[2].partition(end)[0]
    code = textwrap.dedent(lines).replace("/run/app/affinity", str(tmp_path / "table"))
    workers = [{"application": None}, {"application": None}]
    for number, worker in enumerate(workers):
        exec(code, worker)
        worker["table"].note(b"%d" % number)
    for worker in workers:
        assert [worker["table"].score(b"%d" % number) > 0.9 for number in range(2)] == [True, True]
