"""Exit codes are numbers with a meaning."""

from zcadapt.runtime.exits import Exit


def test_each_code_is_a_number_with_a_text():
    assert [int(each) for each in Exit] == [0, 1, 2, 3]
    assert all(each.text.endswith(".") for each in Exit)


def test_a_code_can_end_the_process():
    assert SystemExit(Exit.CANNOT_LISTEN).code == 3
