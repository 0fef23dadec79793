"""``zcadapt migrate``."""

import os
from collections.abc import Iterator
from difflib import diff_bytes, unified_diff
from io import BytesIO
from itertools import chain

import click

from zcadapt.cli.output import complain, say
from zcadapt.migrate import Finding, Unusable, found, migrated, read, write
from zcadapt.observe.log import harmless
from zcadapt.runtime.exits import Exit

__all__ = ["migrate"]


@click.command(
    short_help="Make code for pyicap, icapserver, icap_server or zc.icp code for zcadapt."
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--write", "to_write", is_flag=True, help="Make the changes.")
def migrate(*, files: tuple[str, ...], to_write: bool) -> None:
    """Show what makes code for pyicap, icapserver, icap_server or zc.icp code for zcadapt.

    The changes are on standard output, as a unified diff. They are of imports,
    and of names that follow from them; nothing is run. On standard error is
    told, with file and line, what is left to do, and what behaves otherwise
    now ("note").

    A FILE may be Python, a text with examples (.txt, .rst, .md), or anything
    that lists distributions or names modules, which is told and never changed.
    Of a folder, its Python files are looked at and those that list what it
    needs, but nothing in folders whose names begin with a dot, environments
    and what is built.

    Exits with 0 when nothing is left to do, 1 when something is: changes,
    unless --write makes them, what has to be done by hand, or a file that
    cannot be read or written; 2 when the command line is wrong.
    """
    seen: set[str] = set()
    done = True

    def unusable(path: str, why: str) -> None:
        nonlocal done
        done = False
        _tell(path, why)

    for path in chain.from_iterable(found(file, unusable) for file in files):
        real = os.path.realpath(path)
        if real not in seen:
            seen.add(real)
            done &= _migrate(path, to_write=to_write)
    raise SystemExit(Exit.OK if done else Exit.PROBLEMS)


def _tell(path: str, text: object) -> None:
    complain(harmless(f"{path}: {text}"))


def _migrate(path: str, *, to_write: bool) -> bool:
    """Show, or make, the changes to a file; return whether nothing is left to do."""
    try:
        content = read(path)
        text, findings = migrated(path, content.text)
        changed = content.encoded(text)
    except Unusable as error:
        _tell(path, error)
        return False
    if findings or changed != content.data:
        findings = [*(() if content.known else _unknown(content.data)), *findings]
    if changed != content.data:
        say(b"".join(_diff(path, content.data, changed)).removesuffix(b"\n"))
    for line, told, left in findings:
        _tell(f"{path}:{line}", told if left else f"note: {told}")
    if changed != content.data:
        if not to_write:
            return False
        try:
            write(path, changed, content.data)
        except Unusable as error:
            _tell(path, error)
            return False
    return not any(finding.left for finding in findings)


def _unknown(data: bytes) -> Iterator[Finding]:
    """Yield where bytes are no UTF-8."""
    for number, line in enumerate(data.splitlines(), 1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            what = f"byte 0x{line[error.start]:02x} is no UTF-8"
            yield Finding(number, f"{what}: name the encoding in the first line (PEP 263)")
            return


def _diff(path: str, old: bytes, new: bytes) -> Iterator[bytes]:
    name = os.fsencode(harmless(path))
    if b" " in name:
        name += b"\t"  # so that patch knows where it ends
    before, after = (list(BytesIO(data)) for data in (old, new))  # patch knows no other line ends
    for line in diff_bytes(unified_diff, before, after, name, name):
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"
