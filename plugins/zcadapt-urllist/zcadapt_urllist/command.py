"""``zcadapt urllist``."""

import sys
from pathlib import Path

import click

from zcadapt_urllist.formats import told
from zcadapt_urllist.reading import (
    FORMATS,
    MOST_BYTES,
    Report,
    Source,
    SourceError,
    keys_of,
    sources_of,
)
from zcadapt_urllist.sniffing import refuse_pages
from zcadapt_urllist.store import Store, write
from zcadapt_urllist.subjects import subject_of_url

__all__ = ["urllist"]


@click.group()
def urllist() -> None:
    """Build and search lists of URLs."""


@urllist.command()
@click.argument("paths", metavar="SOURCES...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--output",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.",
)
@click.option(
    "--format",
    "wanted",
    type=click.Choice(FORMATS),
    default="auto",
    help="How SOURCES are written.",
)
@click.option(
    "--source",
    "more",
    multiple=True,
    type=(click.Choice(FORMATS), click.Path(path_type=Path)),
    metavar="FORMAT SOURCE",
    help="A further source with a format of its own; may be repeated.",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    default=MOST_BYTES,
    show_default=True,
    help="How much the sources may hold in all, unpacked.",
)
@click.option("--allow-empty", is_flag=True, help="Write a list with nothing in it, too.")
def build(  # noqa: PLR0913 - an option each
    *,
    paths: tuple[Path, ...],
    output: Path,
    wanted: str,
    more: tuple[tuple[str, Path], ...],
    max_bytes: int,
    allow_empty: bool,
) -> None:
    """Compile lists to one FILE, which is mapped into memory and shared by all processes.

    SOURCES are files, packed with gzip or not, and squidGuard directories with
    domains, urls and expressions. FILE is replaced in one step when all is
    done, and a running server takes it up.

    Lines that cannot be read are told, counted and left out. Exits with 1, and
    leaves FILE as it was, when a source cannot be read or there is nothing in
    them.
    """
    report = Report()
    try:
        sources = sources_of(paths, wanted)
        for each, path in more:
            sources += sources_of([path], each)
        if not sources:
            raise click.UsageError("Missing argument 'SOURCES...'.")
        _build(sources, report, output, max_bytes, allow_empty=allow_empty)
    except SourceError as error:
        raise click.ClickException(f"{error}; {output} is as it was") from error
    except OSError as error:
        raise click.ClickException(f"{output}: cannot be written: {error.strerror}") from error
    for line in report.told:
        click.echo(line, err=True)
    click.echo(f"{output}: {report}", err=True)


def _build(
    sources: list[Source], report: Report, output: Path, max_bytes: int, *, allow_empty: bool
) -> None:
    refuse_pages(sources)
    size = sum(source.path.stat().st_size for source in sources)
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=size, label="reading", file=sys.stderr, hidden=hidden) as bar:
        keys = keys_of(sources, report, most_bytes=max_bytes, on_progress=bar.update)
        write(keys, report, output, allow_empty=allow_empty)


@urllist.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("url")
def find(*, file: Path, url: str) -> None:
    """Tell for which entry of FILE, which was built, a URL or host is listed.

    Exits with 1 where it is not.
    """
    try:
        store = Store.open(file)
    except SourceError as error:
        raise click.ClickException(str(error)) from error
    subject = subject_of_url(url.encode().decode("latin-1"))
    entry = store.find(subject) if subject else None
    click.echo("not listed" if entry is None else told(entry))
    raise SystemExit(entry is None)
