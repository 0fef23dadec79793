"""Any record is one line of valid JSON, with the fields of the Elastic Common Schema."""

import io
import json
import logging

import pytest

from zcadapt.config import LogSettings
from zcadapt.observe.ecs import ECS, LONGEST, MOST, MOST_VALUES
from zcadapt.observe.log import PERIOD, configure


@pytest.fixture
def configured():
    """Return a logger that writes ECS to a stream and nowhere else, the stream, the filter."""
    logger = logging.Logger("zcadapt.test.ecs")  # noqa: LOG001 - with no handlers but ours
    stream = io.StringIO()
    return logger, stream, configure(LogSettings(), logger, stream, ECS())


@pytest.fixture
def logger(configured):
    return configured[0]


@pytest.fixture
def written(configured):
    """Return what gives the only line that was written, as any strict reader has it."""

    def refuse(word):
        raise AssertionError(word)

    def written():
        (line,) = configured[1].getvalue().splitlines()
        assert line.isascii()
        fields = json.loads(line, parse_constant=refuse)
        assert fields["@timestamp"]
        json.dumps(fields, ensure_ascii=False).encode()  # no half of a surrogate pair
        return fields

    return written


class Text(str):
    """Is a text, and lets nobody look at it."""

    __slots__ = ()

    def __len__(self):
        raise ValueError("no")


class Broken:
    """Cannot be shown."""

    def __repr__(self):
        raise ValueError("no")


def test_a_record_has_the_fields_of_the_schema(logger, written):
    logger.warning("left out: %s", "x")
    fields = written()
    assert fields["message"] == "left out: x"
    assert fields["log.level"] == "warning"
    assert fields["log"]["logger"] == "zcadapt.test.ecs"
    assert fields["log"]["origin"]["file"]["name"] == "test_ecs.py"
    assert fields["service"] == {"name": "zcadapt"}
    assert fields["ecs.version"]
    assert "error" not in fields


def test_an_error_has_its_type_text_and_traceback_with_the_causes(logger, written):
    try:
        try:
            {}["no list"]
        except LookupError as error:
            raise OSError("it failed") from error
    except OSError:
        logger.exception("plugin failed")
    error = written()["error"]
    assert (error["type"], error["message"]) == ("OSError", "it failed")
    assert "KeyError: 'no list'" in error["stack_trace"]
    assert error["stack_trace"].endswith("OSError: it failed")


def test_a_stack_without_an_error_is_a_stack_trace(logger, written):
    logger.warning("here", stack_info=True)
    assert written()["error"]["stack_trace"].startswith("Stack (most recent call last)")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("a\n{}", "a\n{}"),
        ("\x1b[2J\x00", "\x1b[2J\x00"),
        ("\u2028\u202egnp", "\u2028\u202egnp"),
        ("a\udc80b", "a\\udc80b"),
        ("häßlich \U0001f600", "häßlich \U0001f600"),
        ("x" * (LONGEST + 1), "x" * LONGEST + "..."),
    ],
)
def test_what_a_client_sent_is_in_one_line_and_steers_nothing(logger, written, sent, read):
    logger.warning("%s", sent)
    assert written()["message"] == read


def test_the_number_left_out_is_a_field(configured, written):
    logger, stream, repeats = configured
    repeats._clock = lambda: now
    now = 1e9
    repeats._most = 1
    for number in range(3):
        logger.warning("refused %s", number)
    stream.truncate(0)
    stream.seek(0)
    now += PERIOD
    logger.warning("refused %s", 3)
    fields = written()
    assert fields["zcadapt"] == {"left_out": 2}
    assert fields["message"] == "refused 3"


def test_what_is_for_the_filter_is_no_field(logger, written):
    logger.warning("a", extra={"kind": 404, "each": True})
    assert not {"kind", "each", "left_out", "zcadapt"} & set(written())


def test_extra_fields_are_fields(logger, written):
    logger.warning("a", extra={"url.full": "icap://here/", "http": {"request": {"bytes": 5}}})
    fields = written()
    assert fields["url"] == {"full": "icap://here/"}
    assert fields["http"] == {"request": {"bytes": 5}}


class Closed(dict):
    """Has something in it, and does not say what."""

    def items(self):
        raise ValueError("no")


def test_what_is_said_of_an_error_takes_no_other_field_away(logger, written):
    logger.warning("a", exc_info=OSError("b"), extra={"error": "c", "mine": 1})
    fields = written()
    assert fields["labels"] == {"error": "c", "mine": 1}
    assert fields["error"]["message"] == "b"


@pytest.mark.parametrize(
    ("extra", "labels"),
    [
        ({"user": "bob", "host": "h", "url": "u"}, {"user": "bob", "host": "h", "url": "u"}),
        ({"mine": [1, "a"]}, {"mine": "[1, 'a']"}),
        ({"mine.a": 1.5, "": None}, {"mine_a": 1.5}),
        ({"mine": True, "labels": {"a": "b"}}, {"mine": True, "a": "b"}),
        ({"tags": "t"}, {"tags": "t"}),
        ({"mine": Text("abc")}, {"mine": "abc"}),
    ],
    ids=range(6),
)
def test_what_is_in_no_object_of_the_schema_is_a_label(logger, written, extra, labels):
    """Where ``user`` is an object, a line in which it is a text is refused."""
    logger.warning("a", extra=extra)
    fields = written()
    assert fields["labels"] == labels
    assert not {"user", "host", "url", "mine", "tags"} & set(fields)


def test_what_belongs_to_the_record_is_not_changed(logger, written):
    record = logging.makeLogRecord({"msg": "a", "mine": 1, "kind": 2})
    before = dict(record.__dict__)
    ECS().format(record)
    assert record.__dict__ == before


def wide():
    made = []
    made += [made] * 8
    return made


def deep():
    """The same few lists, that many ways there are to them."""
    made = []
    for _ in range(40):
        made = [made, (made,), {"a": made}]
    return made


def cycle():
    made = {}
    made["me"] = made
    return made


@pytest.mark.parametrize(
    "value",
    [
        Broken(),
        [Closed(a=1)],
        object(),
        {1: "a", "b": {2: Broken()}},
        float("nan"),
        [float("-inf")],
        10**5000,
        2**70,
        {"a": {"b": 1}, "a.b": 2},
        cycle(),
        wide(),
        deep(),
        {"host": {"a": deep()}},
        [[1] * MOST] * MOST,
        {1, frozenset({2})},
        Text("a"),
        b"\xff",
        list(range(MOST * 2)),
        {"\udc80": "\udc80"},
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_extra_field_is_valid_json(logger, written, value):
    logger.warning("a %s", "b", extra={"mine": value, "http": value})
    assert written()["message"] == "a b"


def test_how_much_is_written_of_any_value_is_bounded(configured):
    logger, stream, _ = configured
    logger.warning("a", extra={"http": {"a": wide(), "b": deep(), "c": [[1] * MOST] * MOST}})
    assert len(stream.getvalue()) < 20 * MOST_VALUES


@pytest.mark.parametrize("name", ["log", "error", "ecs", "service", "log.level", "@timestamp"])
def test_a_field_that_is_not_free_does_not_take_the_line_away(logger, written, name):
    try:
        {}["no list"]
    except LookupError:
        logger.exception("failed", extra={name: "x"})
    fields = written()
    assert fields["message"] == "failed"
    assert fields["error"]["type"] == "KeyError"


def broken_error():
    error = SyntaxError("m", ("f", 1, 1, "x"))
    error.text = 5
    return error


class BrokenNotesError(Exception):
    """Has notes that cannot be read."""

    @property
    def __notes__(self):
        raise ValueError("no")


@pytest.mark.parametrize("error", [broken_error(), BrokenNotesError("m")])
def test_an_error_that_has_no_traceback_is_told_all_the_same(logger, written, error):
    logger.error("failed", exc_info=error)
    fields = written()
    assert fields["message"] == "failed"
    assert fields["error"]["type"] == type(error).__name__
    assert fields["error"]["stack_trace"]


@pytest.mark.parametrize("text", [Broken(), Text("a")], ids=["broken", "text"])
def test_a_text_may_be_of_any_class(logger, written, text):
    logger.error(text, extra={"kind": text})
    assert written()["message"].startswith("a" if text == "a" else "<Broken> (ValueError")


@pytest.mark.parametrize("args", [("a", "b"), (Broken(),)])
def test_a_text_that_cannot_be_made_is_told(args):
    record = logging.makeLogRecord({"msg": "refused %s", "args": args})
    message = json.loads(ECS().format(record))["message"]
    assert message.startswith("refused %s (")
    assert message.endswith("Error where it was written)")


def test_an_error_that_cannot_be_shown_has_its_type(logger, written):
    class SilentError(Exception):
        def __str__(self):
            raise ValueError("no")

    logger.error("failed", exc_info=SilentError())
    error = written()["error"]
    assert (error["type"], error["message"]) == ("SilentError", "<SilentError>")
