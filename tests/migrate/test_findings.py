"""What is told is in the order of its lines, and told once."""

from zcadapt.migrate.findings import MOST_LINES, Finding, gathered


def test_they_are_in_the_order_of_their_lines():
    assert gathered([Finding(3, "b"), Finding(1, "c"), Finding(2, "a")]) == [
        Finding(1, "c"),
        Finding(2, "a"),
        Finding(3, "b"),
    ]


def test_what_is_in_many_lines_is_told_once():
    (told,) = gathered([Finding(number, "print") for number in range(1, MOST_LINES + 4)])
    assert told == Finding(1, "print (and in lines 2, 3, 4, 5, 6 and 2 more)")


def test_a_line_counts_once():
    assert gathered([Finding(1, "a"), Finding(1, "a")]) == [Finding(1, "a")]


def test_a_note_is_not_the_same_as_something_left():
    assert len(gathered([Finding(1, "a"), Finding(1, "a", left=False)])) == 2
