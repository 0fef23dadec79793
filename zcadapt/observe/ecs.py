"""Log records in the Elastic Common Schema (ECS): one JSON object a line, whatever is logged."""

import copy
import logging
import math
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from ecs_logging import StdlibFormatter

from zcadapt.observe.log import shown

__all__ = ["ECS"]

#: What records carry for our own filter.
OURS: Final = {"each", "kind", "left_out"}
#: What would be there twice, and what is better made here.
LEFT_AWAY: Final = ("log.original", "error")
#: What any record has.
KNOWN: Final = {*logging.makeLogRecord({}).__dict__, "asctime", "message"}

#: The objects of the schema; a field that is in none of them is a label.
OBJECTS: Final = re.compile(
    "agent|client|cloud|container|data_stream|destination|device|dll|dns|ecs|email|error|event"
    "|faas|file|group|host|http|labels|log|network|observer|orchestrator|organization|package"
    "|process|registry|related|rule|server|service|source|span|threat|tls|trace|transaction|url"
    "|user|user_agent|volume|vulnerability"
)

#: How deep and how long a value may be that somebody logs as an extra field.
DEEPEST: Final = 8
MOST: Final = 1000
#: How many values there may be in all of them together.
MOST_VALUES: Final = 10_000
#: Bits of the largest number.
WORD: Final = 64
#: Characters of a text; those of a traceback that never ends are not all of use.
LONGEST: Final = 100_000


class ECS(StdlibFormatter):
    r"""Writes a record as one JSON object, tracebacks in ``error.stack_trace``.

    What was left out before it is in ``zcadapt.left_out``. The line is ASCII and
    valid JSON for any record: what JSON has no word for is written as Python
    shows it, and half a surrogate pair as its escape.

    >>> record = logging.makeLogRecord({'msg': 'a\x1b\n%s', 'args': ('b',), 'levelname': 'INFO'})
    >>> print(ECS().format(record))
    {"@timestamp":"...Z","log.level":"info","message":"a\u001b\nb","ecs.version":...}
    """

    def __init__(self) -> None:
        super().__init__(exclude_fields=LEFT_AWAY, extra={"service.name": "zcadapt"})

    def format_to_ecs(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return the fields of `record`."""
        try:
            return self._fields(_labelled(record), record)
        except Exception as error:  # noqa: BLE001 - what is logged may fail in any way
            return self._fields(_bare(record, error), record)

    def _fields(self, bare: logging.LogRecord, record: logging.LogRecord) -> dict[str, Any]:
        """Return the fields of `bare`, and what belongs to any record of `record`."""
        fields = super().format_to_ecs(bare) | self._error(record)
        if left_out := getattr(record, "left_out", 0):
            fields["zcadapt"] = {"left_out": left_out}
        cleaned: dict[str, Any] = _clean(fields, iter(range(2 * MOST_VALUES)))
        return cleaned

    def _error(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return ``error.*``, here since the library leaves the causes of an error away."""
        if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
            kind, error, _ = record.exc_info
            try:
                trace = self.formatException(record.exc_info)
            except Exception as why:  # noqa: BLE001 - it shows the error's attributes
                trace = f"<{type(why).__name__} where it was written>"
            return {"error": {"type": kind.__name__, "message": shown(error), "stack_trace": trace}}
        return {"error": {"stack_trace": record.stack_info}} if record.stack_info else {}


def _bare(record: logging.LogRecord, error: Exception) -> logging.LogRecord:
    """Return `record` without its extra fields, one of which cannot be written."""
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001 - as above
        text = f"{shown(record.msg)} ({type(error).__name__} where it was written)"
    bare = logging.LogRecord(
        record.name, record.levelno, record.pathname, record.lineno, text, (), None, record.funcName
    )
    bare.created, bare.msecs = record.created, record.msecs
    return bare


def _labelled(record: logging.LogRecord) -> logging.LogRecord:
    """Return `record` with those extra fields as labels that are in no object of the schema.

    A text that is called ``user`` would be refused where ``user`` is an object.
    """
    made = copy.copy(record)
    labels: dict[str, object] = {}
    values = iter(range(MOST_VALUES))
    for name in record.__dict__.keys() - KNOWN:
        value = made.__dict__.pop(name)
        if name in OURS:
            continue
        value = _clean(value, values)
        root, dot, _ = name.partition(".")
        if OBJECTS.fullmatch(root) and (dot or isinstance(value, dict)):
            made.__dict__[name] = value
        else:
            is_word = value is None or isinstance(value, str | int | float)
            labels[name.replace(".", "_") or "_"] = (
                value if is_word else _clean(shown(value), values)
            )
    if labels:
        made.__dict__["labels"] = made.__dict__.get("labels", {}) | labels
    return made


def _clean(value: object, values: Iterator[int], depth: int = 0) -> Any:  # noqa: ANN401 - what JSON has
    """Return `value` of what JSON has words for, made of no more `values` than there are."""
    if next(values, None) is None:
        return "..."
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        if depth == DEEPEST:
            return "..."
        if isinstance(value, Mapping):
            pairs = islice(value.items(), MOST)
            return {_text(shown(key)): _clean(each, values, depth + 1) for key, each in pairs}
        return [_clean(each, values, depth + 1) for each in islice(value, MOST)]
    if value is None or isinstance(value, bool) or _is_number(value):
        return value
    return _text(value if isinstance(value, str) else shown(value, repr))


def _text(value: str) -> str:
    text = str.__str__(value)  # whatever its class makes of it
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return text.encode("utf-8", "backslashreplace").decode()


def _is_number(value: object) -> bool:
    """Return whether `value` is a number that others can read, too."""
    if isinstance(value, int):
        return value.bit_length() <= WORD
    return isinstance(value, float) and math.isfinite(value)
