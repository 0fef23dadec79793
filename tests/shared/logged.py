"""What the modules of a package hand to their loggers, as far as it can be read."""

import ast
import re
from itertools import product

LEVELS = {"debug", "info", "warning", "error", "exception", "log"}
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
PLACEHOLDER = re.compile(r"%(?:\.\d+)?[a-z]")
#: What has fewer letters of its own would be found in nearly every example.
LEAST = 7
#: Messages that have fewer, with what they are when some of it is put in.
FILLED = {
    "%s:%d: %d: %s": ("%s:%d: %d: no service under /%s; the nearest is /%s; there are %s",),
    "[%s] %s": ("[%s] code %d, message %s",),
    '[%s] "%s" %s': ('[%s] "%s ICAP/1.0" %d',),
    "%s:\n    %s": (
        "Error unpacking ICP header:\n    %s",
        "Query is not long enough:\n    %s",
        "URL in ICP query is not null-terminated:\n    %s",
    ),
    "plugin %s: %s": ("plugin %s: %s failed: %s: %s",),
}


def records(path, module):
    """Return (logger, level, message) of each record that a module logs.

    The level is ``None`` where it is decided while the module runs.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    loggers = dict(_loggers(tree, module))
    outside = [node for node in tree.body if not isinstance(node, FUNCTION)]
    names = _texts(outside)
    found = set()
    functions = [node for node in ast.walk(tree) if isinstance(node, FUNCTION)]
    for function in functions:
        known = {**names, **_texts(function.body)}
        for method, arguments in _calls(function, loggers):
            level = {"exception": "error", "log": None}.get(method.attr, method.attr)
            for text in _messages(arguments[1 if method.attr == "log" else 0], known):
                found.add((loggers[method.value.id], level, text))
    return found


def told_as(message):
    """Return the messages that a page has in the place of `message`: itself, if it is telling."""
    if message not in FILLED and _letters(message) < LEAST:
        raise AssertionError(f"{message!r} says too little: write into FILLED what it becomes")
    return FILLED.get(message, (message,))


def _letters(message):
    return sum(map(str.isalpha, "".join(PLACEHOLDER.split(message))))


def pattern(message):
    """Return what matches `message` with whatever is put in, as a line of the log has it."""
    one_line = " | ".join(filter(None, map(str.strip, message.splitlines())))
    return re.compile(".+".join(map(re.escape, PLACEHOLDER.split(one_line))))


def _loggers(tree, module):
    for node in tree.body:
        value = getattr(node, "value", None)
        if isinstance(value, ast.Call) and ast.unparse(value.func) == "logging.getLogger":
            name = value.args[0]
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            yield target.id, name.value if isinstance(name, ast.Constant) else module


def _calls(function, loggers):
    """Yield (method of a logger, arguments); another may be asked to call it, too."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            parts = [node.func, *node.args]
            for at, part in enumerate(parts[:-1]):
                is_method = isinstance(part, ast.Attribute) and part.attr in LEVELS
                if is_method and getattr(part.value, "id", None) in loggers:
                    yield part, parts[at + 1 :]


def _texts(nodes):
    """Return the texts that are assigned to names."""
    found = {}
    for top in nodes:
        for node in ast.walk(top):
            if isinstance(node, ast.Assign | ast.AnnAssign):
                target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                    found.setdefault(getattr(target, "id", ""), []).append(node.value.value)
    return found


def _messages(argument, known):
    if isinstance(argument, ast.Constant):
        return [argument.value]
    if isinstance(argument, ast.Name) and argument.id in known:
        return known[argument.id]
    if isinstance(argument, ast.Tuple):  # the arguments, for another to call it with
        return _messages(argument.elts[0], known)
    if isinstance(argument, ast.JoinedStr):
        parts = [_messages(_inner(each), known) for each in argument.values]
        return ["".join(each) for each in product(*parts)]
    raise AssertionError(f"{ast.unparse(argument)} is no text that can be read here")


def _inner(part):
    """Return what stands in the braces of a text with placeholders, or the text between them."""
    return part.value if isinstance(part, ast.FormattedValue) else part
