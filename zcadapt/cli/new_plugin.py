"""``zcadapt new-plugin``."""

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Final, NamedTuple

import click

from zcadapt.cli.output import say

__all__ = ["new_plugin"]

TEMPLATES: Final = Path(__file__).parent / "templates"
SUFFIX: Final = ".template"
#: Stands for the package in the path of a template.
PACKAGE: Final = "package"

#: Longer ones would not fit into the lines of what is written.
LONGEST: Final = 30
NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


class _Kind(NamedTuple):
    """What there can be in the distribution."""

    description: str
    group: str
    object: str


KINDS: Final[Mapping[str, _Kind]] = {
    "service": _Kind(
        "An ICAP service for zcadapt that blocks certain requests",
        "zcadapt.icap_services",
        "Service",
    ),
    "policy": _Kind(
        "An ICP policy for zcadapt that does not want certain URLs",
        "zcadapt.icp_policies",
        "Policy",
    ),
}

DONE: Final = """\
{distribution} is written. It blocks nothing yet. To go on:
    cd {distribution}
    pip install -e '.[test]'
    pytest && ruff check && ruff format --check && mypy
    zcadapt plugins"""


@click.command("new-plugin", short_help="Write a plugin to begin with.")
@click.argument("name")
@click.option(
    "--service", "kind", flag_value="service", default="service", help="An ICAP service (default)."
)
@click.option("--policy", "kind", flag_value="policy", help="An ICP policy.")
def new_plugin(*, name: str, kind: str) -> None:
    """Write a plugin NAME to begin with: a distribution in the folder zcadapt-NAME.

    It installs, is found, and passes its tests, lint and types as it stands.
    NAME is at most 30 lower-case letters, digits and single hyphens, and
    begins with a letter.

    Exits with 0 when it is written, 1 when it cannot be, as where the folder
    is there already or a distribution of this name is installed, 2 when the
    command line is wrong.
    """
    name = _checked(name.removeprefix("zcadapt-"))
    distribution = f"zcadapt-{name}"
    package = distribution.replace("-", "_")
    with suppress(PackageNotFoundError):
        raise click.ClickException(
            f"{distribution} {version(distribution)} is installed; another name is wanted"
        )
    if find_spec(package) is not None:
        raise click.ClickException(f"there is a module {package} here; another name is wanted")
    values = {
        "name": name,
        "distribution": distribution,
        "package": package,
        "underline": "=" * len(distribution),
        **KINDS[kind]._asdict(),
    }
    try:
        _write(Path(distribution), kind, values)
    except OSError as error:
        what = f"{error.filename or distribution}: {error.strerror or error}"
        raise click.ClickException(f"it cannot be written: {what}") from error
    say(DONE.format(**values))


def _checked(name: str) -> str:
    if len(name) > LONGEST or NAME.fullmatch(name) is None:
        expected = f"at most {LONGEST} letters a to z, digits and single hyphens, a letter first"
        raise click.BadParameter(f"{name!r:.80} is not {expected}", param_hint="'NAME'")
    return name


def _write(folder: Path, kind: str, values: Mapping[str, str]) -> None:
    """Write the distribution into `folder`.

    Raises:
        OSError: there is such a folder, or it cannot be written.
    """
    made = {path: Template(text).substitute(values) for path, text in _templates(kind)}
    folder.mkdir()
    try:
        for path, text in made.items():
            target = folder / str(path).replace(PACKAGE, values["package"])
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError:  # a part of it would be in the way of the next try
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _templates(kind: str) -> Iterator[tuple[Path, str]]:
    """Return the paths in the distribution, and the templates."""
    for folder in (TEMPLATES / "common", TEMPLATES / kind):
        for path in sorted(folder.rglob(f"*{SUFFIX}")):
            where = path.relative_to(folder)
            yield where.with_name(where.name.removesuffix(SUFFIX)), path.read_text("utf-8")
