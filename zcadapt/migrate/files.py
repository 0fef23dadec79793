"""Files: which, what is in them, and how they are written."""

import os
import shutil
import stat
import tempfile
import tokenize
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from zcadapt.migrate.kinds import PYTHON, REQUIREMENTS, is_script

__all__ = ["Content", "Unusable", "found", "read", "write"]

#: The longest file, in bytes, that is looked at: code of this length was not written by hand.
LONGEST: Final = 2 * 1024 * 1024

#: Folders in which there is no code of one's own; nor is there in those that begin with a dot.
FOREIGN: Final = {
    "__pycache__",
    "__pypackages__",
    "_build",
    "build",
    "dist",
    "node_modules",
    "site-packages",
    "venv",
}
#: What is looked at in a folder, beside Python and lists of distributions.
WANTED: Final = {"Pipfile", "pyproject.toml", "setup.cfg"}


class Unusable(Exception):  # noqa: N818 - it is a file, and no error of ours
    """A file that cannot be looked at or written; its text says why."""


@dataclass(frozen=True)
class Content:
    """What is in a file.

    Attributes:
        data: the bytes.
        text: what they say.
        encoding: in which encoding.
        known: whether that is what the file or Python says, and not a guess.
    """

    data: bytes
    text: str
    encoding: str
    known: bool = True

    def encoded(self, text: str) -> bytes:
        """Return the bytes of another text in the same encoding.

        Raises:
            Unusable: there are none.
        """
        try:
            return text.encode(self.encoding)
        except UnicodeError as error:
            raise Unusable(f"its encoding: {error}") from error


def found(path: str, told: Callable[[str, str], None]) -> Iterator[str]:
    """Yield `path`, or, if it is a folder, what is of interest in it, in the order of names.

    Args:
        path: of a file or folder.
        told: takes the path of a folder that cannot be read, and the reason.
    """
    if not os.path.isdir(path):  # noqa: PTH112 - paths are shown as they were given
        yield path
        return
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError as error:
        told(path, error.strerror or str(error))
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if not (entry.name.startswith(".") or entry.name in FOREIGN or _is_environment(entry)):
                yield from found(entry.path, told)
        elif entry.is_file() and _is_wanted(entry):
            yield entry.path


def _is_wanted(entry: os.DirEntry[str]) -> bool:
    name, path = entry.name, entry.path.replace(os.sep, "/")
    if name in WANTED or PYTHON.fullmatch(name) or REQUIREMENTS.fullmatch(path):
        return True
    return "." not in name and is_script(_beginning(entry.path))


def _beginning(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(200).decode("latin-1")
    except OSError:
        return ""  # nothing says that it is of interest


def _is_environment(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(".egg-info") or Path(entry.path, "pyvenv.cfg").exists()


def read(path: str) -> Content:
    """Return what is in a file.

    Raises:
        Unusable: it is none, too long, no text, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unusable("it is no regular file")
            data = file.read(LONGEST + 1)
    except OSError as error:
        raise Unusable(error.strerror or str(error)) from error
    if len(data) > LONGEST:
        raise Unusable(f"it is longer than {LONGEST} bytes")
    if b"\0" in data:
        raise Unusable("it is no text")
    return _decoded(data)


def _decoded(data: bytes) -> Content:
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(data).readline)
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return Content(data, data.decode("latin-1"), "latin-1", known=False)
    except (LookupError, SyntaxError, UnicodeError) as error:
        if "invalid or missing encoding" in str(error):  # in the first two lines
            return Content(data, data.decode("latin-1"), "latin-1", known=False)
        raise Unusable(f"its encoding: {error}") from error
    content = Content(data, text, encoding)
    if content.encoded(text) != data:
        raise Unusable(f"what is in it cannot be written as it is, in the encoding {encoding}")
    return content


def write(path: str, data: bytes, before: bytes) -> None:
    """Write a file as a whole or not at all; who may do what with it stays as it is.

    Args:
        path: of the file.
        data: what is to be in it.
        before: what was in it when it was read.

    Raises:
        Unusable: it cannot be written, or something else is in it by now.
    """
    real = Path(path).resolve()  # a link stays one
    temporary: str | None = None
    try:
        old = real.stat()
        if not os.access(real, os.W_OK):
            raise Unusable("it may not be written")
        descriptor, temporary = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name[:50]}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        new = Path(temporary).stat()
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            os.chown(temporary, old.st_uid, old.st_gid)
        shutil.copystat(real, temporary)
        os.utime(temporary)
        if real.read_bytes() != before:
            raise Unusable("it was changed meanwhile, and is left as it is")
        Path(temporary).replace(real)
    except OSError as error:
        raise Unusable(f"it cannot be written: {error.strerror or error}") from error
    finally:  # and if the user has enough of it
        _remove(temporary)


def _remove(path: str | None) -> None:
    if path is not None:
        with suppress(OSError):
            Path(path).unlink()
