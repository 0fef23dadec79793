"""One line a record, nothing in it that steers a terminal, and no kind of it by the thousand."""

import contextlib
import io
import itertools
import logging
import threading

import pytest

from zcadapt.config import LogSettings
from zcadapt.observe.log import MOST_KINDS, PERIOD, Repeats, configure, shown


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def configured(stream):
    """Return a logger that writes to `stream` and nowhere else, and its filter."""
    logger = logging.Logger("zcadapt.test")  # noqa: LOG001 - with no handlers but ours

    def configured(**settings):
        return logger, configure(LogSettings(**settings), logger, stream)

    return configured


@pytest.fixture
def logger(configured):
    return configured()[0]


@pytest.fixture
def lines(stream):
    return lambda: stream.getvalue().splitlines()


class Clock:
    """Stands still until it is told to go on."""

    now = 0.0

    def __call__(self):
        return self.now


def record(text="refused %s", *values, name="zcadapt.icp", **extra):
    made = logging.LogRecord(name, logging.WARNING, __file__, 1, text, values, None)
    made.__dict__.update(extra)
    return made


# lines


def test_a_record_is_a_line_with_time_level_logger_and_text(logger, lines):
    logger.warning("left out: %s", "x")
    (line,) = lines()
    assert line.endswith("WARNING zcadapt.test: left out: x")
    assert line[:4].isdecimal()


def test_a_traceback_is_in_the_same_line(logger, lines):
    try:
        {}["no list"]
    except LookupError:
        logger.exception("plugin failed")
    (line,) = lines()
    assert "plugin failed | Traceback" in line
    assert line.endswith("| KeyError: 'no list'")


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("a\nERROR forged", "a | ERROR forged"),
        ("a\r\nb", "a | b"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x00", "\\x00"),
        ("\u2028x", "x"),
        ("\u202egnp", "\\u202egnp"),
        ("\x85x", "x"),
        ("häßlich", "häßlich"),
    ],
)
def test_what_a_client_sent_cannot_forge_a_line(logger, lines, sent, written):
    logger.warning("%s", sent)
    (line,) = lines()
    assert line.rpartition("zcadapt.test:")[2].strip(" |") == written


def test_less_than_the_level_is_not_written(configured, lines):
    logger, _ = configured(level="error")
    logger.warning("quiet")
    logger.error("loud")
    assert len(lines()) == 1


def test_configuring_again_replaces_our_handler_and_no_other(logger, stream, lines):
    other = logging.NullHandler()
    logger.addHandler(other)
    configure(LogSettings(), logger, stream)
    logger.warning("once")
    assert len(lines()) == 1
    assert other in logger.handlers


def test_the_formatter_may_be_another(stream):
    logger = logging.getLogger("zcadapt.test")
    try:
        configure(LogSettings(), logger, stream, logging.Formatter("<%(message)s>"))
        logger.warning("a")
    finally:
        logger.handlers.clear()
    assert stream.getvalue() == "<a>\n"


def test_without_a_logger_it_is_the_root_logger(stream):
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        configure(LogSettings(), stream=stream)
        logging.getLogger("somebody.else").warning("heard")
    finally:
        root.handlers[:], root.level = before, level
    assert "somebody.else: heard" in stream.getvalue()


# repeats


def test_the_first_of_a_kind_are_written_and_the_rest_is_counted():
    repeats = Repeats(3, Clock())
    assert [repeats.filter(record()) for _ in range(5)] == [True] * 3 + [False] * 2
    assert repeats.left_out() == [("refused %s", 2)]


def test_a_kind_is_the_text_before_its_arguments_are_put_in():
    repeats = Repeats(1, Clock())
    assert repeats.filter(record("refused %s", "a"))
    assert not repeats.filter(record("refused %s", "b"))


@pytest.mark.parametrize(
    "other", [record("another"), record(name="zcadapt.icap"), record(kind=404)]
)
def test_other_kinds_are_counted_by_themselves(other):
    repeats = Repeats(1, Clock())
    assert repeats.filter(record())
    assert repeats.filter(other)


def test_after_a_minute_the_next_one_says_how_many_were_left_out():
    clock = Clock()
    repeats = Repeats(1, clock)
    for _ in range(4):
        repeats.filter(record())
    clock.now = PERIOD
    later = record()
    assert repeats.filter(later)
    assert later.left_out == 3
    assert repeats.left_out() == []


def test_the_number_left_out_is_written(configured, lines):
    logger, repeats = configured(repeats=1)
    clock = repeats._clock = Clock()
    clock.now = 1e9
    for number in range(3):
        logger.warning("refused %s", number)
    clock.now += PERIOD
    logger.warning("refused %s", 3)
    first, second = lines()
    assert first.endswith("refused 0")
    assert second.endswith("refused 3 (2 more like it were not written)")


def test_who_logs_can_say_the_kind_more_exactly(configured, lines):
    logger, repeats = configured(repeats=1)
    for status in (400, 404, 400, 400):
        logger.warning("%s: %d", "a client", status, extra={"kind": status})
    assert [line[-3:] for line in lines()] == ["400", "404"]
    assert repeats.left_out() == [("%s: %d (400)", 2)]


def test_what_is_looked_for_by_itself_is_always_written():
    repeats = Repeats(1, Clock())
    assert all(repeats.filter(record(each=True)) for _ in range(3))
    assert repeats.left_out() == []


def test_a_kind_may_be_anything():
    repeats = Repeats(1, Clock())
    assert repeats.filter(record(kind=["cannot", "be", "hashed"]))
    assert not repeats.filter(record(kind=["cannot", "be", "hashed"]))


def test_what_several_threads_log_at_once_is_counted_one_after_the_other():
    both = threading.Barrier(2)

    class Most(int):
        """A number, and time for another thread while a record is compared with it."""

        def __le__(self, written):
            with contextlib.suppress(threading.BrokenBarrierError):
                both.wait(0.1)
            return int(self) <= written

    repeats = Repeats(Most(1), Clock())
    passed = []
    threads = [
        threading.Thread(target=lambda: passed.append(repeats.filter(record()))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(passed) == [False, True]


def test_what_logs_while_it_is_thrown_away_holds_up_nobody():
    """Memory is tidied up at any moment, and so while a record is counted."""
    repeats = Repeats(1)

    class Thrown:
        def __del__(self):
            told.append(repeats.filter(record("thrown away")))

    told, thrown = [], [Thrown()]
    with repeats._lock:  # as it is while a record is counted
        thrown.clear()
    assert told == [True]


def test_what_is_remembered_is_bounded():
    repeats = Repeats(1, Clock())
    for number in itertools.islice(itertools.count(), MOST_KINDS * 2):
        repeats.filter(record(f"kind {number}"))
    assert len(repeats._kinds) == MOST_KINDS
    assert not repeats.filter(record(f"kind {MOST_KINDS * 2 - 1}"))
    assert repeats.filter(record("kind 0"))


# what cannot be written


class Broken:
    """Cannot be shown."""

    def __str__(self):
        raise ValueError("no")

    __repr__ = __str__


def broken_error():
    error = SyntaxError("m", ("f", 1, 1, "x"))
    error.text = 5
    return error


@pytest.mark.parametrize(
    ("text", "args", "extra"),
    [
        (Broken(), (), {}),
        ("a %s", (Broken(),), {}),
        ("a %s %s", (1,), {}),
        ("a", (), {"exc_info": broken_error()}),
        (Broken(), (), {"exc_info": broken_error(), "extra": {"kind": Broken()}}),
    ],
)
def test_who_logs_never_hears_of_what_cannot_be_written(logger, lines, text, args, extra):
    try:
        raise broken_error()  # in whose context all that follows fails
    except SyntaxError:
        logger.error(text, *args, **extra)  # noqa: TRY400 - with or without a traceback
    logger.error("the next")
    assert lines()[-1].endswith("the next")


@pytest.mark.parametrize(("value", "text"), [(1, "1"), (Broken(), "<Broken>")])
def test_anything_is_shown(value, text):
    assert shown(value) == text
