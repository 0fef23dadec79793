"""Times of the week, by a clock that the test holds."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from zcadapt.conditions.times import Times, minutes, timezone

BERLIN = ZoneInfo("Europe/Berlin")


def holds(spec, when, zone=UTC):
    """Whether `spec` holds at `when`, which is told in `zone`; 2 March 2026 is a Monday."""
    now = datetime.fromisoformat(f"2026-03-{when}").replace(tzinfo=zone)
    return Times(minutes(spec), zone, now.timestamp).hold()


@pytest.mark.parametrize(
    ("spec", "inside", "outside"),
    [
        ("Mon-Fri 08:00-18:00", ["02 08:00:00", "06 17:59:59"], ["02 07:59:59", "06 18:00:00"]),
        ("08:00-18:00", ["07 12:00:00"], ["07 18:00:00"]),
        ("Sat,Sun", ["07 00:00:00", "08 23:59:59"], ["06 23:59:59", "09 00:00:00"]),
        ("Fri-Mon", ["06 01:00:00", "08 12:00:00", "09 12:00:00"], ["10 00:00:00", "05 23:59:59"]),
        ("Mon 22:00-06:00", ["02 22:00:00", "03 05:59:59"], ["02 05:00:00", "03 06:00:00"]),
        ("Sun 22:00-06:00", ["08 23:00:00", "09 05:00:00", "02 05:00:00"], ["08 05:00:00"]),
        ("Mon,Wed-Thu 12:00-13:00", ["02 12:00:00", "05 12:30:00"], ["03 12:30:00"]),
        ("mon 00:00-24:00", ["02 00:00:00", "02 23:59:00"], ["03 00:00:00"]),
        ("20:00-00:00", ["02 23:59:00"], ["02 00:00:00"]),
        (" Mon  08:00-09:00 ", ["02 08:30:00"], []),
    ],
)
def test_times_hold_from_their_first_minute_up_to_their_end(spec, inside, outside):
    assert [when for when in [*inside, *outside] if holds(spec, when)] == inside


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("", "^$"),
        ("always", "^$"),
        ("8-18", "^$"),
        ("08:00", "^$"),
        ("08:00-18:60", "there is no 18:60"),
        ("08:00-24:01", "there is no 24:01"),
        ("08:00-08:00", "ends when it begins"),
        ("Mo-Fr", "^$"),
        ("Mon-Foo 08:00-09:00", "days are Mon, Tue"),
        ("Mon-Tue-Wed", "^$"),
        ("Mon08:00-09:00", "^$"),
        ("\u0660\u0668:00-09:00", "^$"),
    ],
)
def test_what_is_no_time_is_refused(spec, why):
    with pytest.raises(ValueError, match=why):
        minutes(spec)


def test_the_time_is_that_of_the_zone():
    now = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
    spec = minutes("Mon 08:00-09:00")
    assert not Times(spec, UTC, now.timestamp).hold()
    assert Times(spec, BERLIN, now.timestamp).hold()


def test_summer_time_is_followed():
    for month, hour in ((1, 7), (7, 6)):  # 08:00 in Berlin
        now = datetime(2026, month, 5, hour, 0, tzinfo=UTC)
        assert Times(minutes("08:00-08:01"), BERLIN, now.timestamp).hold()


def test_without_a_zone_it_is_the_time_of_the_machine():
    now = datetime(2026, 3, 2, 12, 34).timestamp()  # noqa: DTZ001 - that is what it is about
    assert Times(minutes("Mon 12:34-12:35"), None, lambda: now).hold()
    assert not Times(minutes("Mon 12:35-12:36"), None, lambda: now).hold()


def test_the_answer_changes_with_the_minute():
    now = [datetime(2026, 3, 2, 7, 59, 59, tzinfo=UTC).timestamp()]
    times = Times(minutes("08:00-09:00"), UTC, lambda: now[0])
    answers = [times.hold()]
    now[0] += 1
    answers.append(times.hold())
    now[0] += 3600
    answers.append(times.hold())
    now[0] -= 60  # a clock may be put back
    answers.append(times.hold())
    assert answers == [False, True, False, True]


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "Europe", "a\0b"])
def test_what_is_no_time_zone_is_refused(name):
    with pytest.raises(ValueError, match=r"^$|Europe/"):
        timezone(name)


def test_the_nearest_time_zone_is_told():
    with pytest.raises(ValueError, match=r'^Did you mean "Europe/Berlin"'):
        timezone("Europe/Berlni")
