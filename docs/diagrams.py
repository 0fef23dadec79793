"""Draws the diagrams of the book: ``python docs/diagrams.py`` writes both anew."""  # noqa: INP001 - a script

import runpy
from collections.abc import Iterable
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "docs" / "explanation"

#: The colours are those of the page, so that they follow when its reader wants it dark.
STYLE: Final = """
.diagram { width: 100%; height: auto; display: block; margin: 1.5rem 0; }
.diagram text { font: 13px var(--font-stack, sans-serif);
  fill: var(--color-foreground-primary, #000); }
.diagram .name { font: 12.5px var(--font-stack--monospace, monospace); }
.diagram .title { font-weight: bold; }
.diagram .quiet { fill: var(--color-foreground-secondary, #5a5c63); }
.diagram .box { fill: var(--color-background-secondary, #f8f9fb);
  stroke: var(--color-foreground-border, #878787); }
.diagram .outer { fill: none; stroke: var(--color-foreground-border, #878787);
  stroke-dasharray: 4 3; }
.diagram .rule { stroke: var(--color-brand-primary, #0a4bff); stroke-width: 2; }
.diagram .arrow { stroke: var(--color-foreground-secondary, #5a5c63); stroke-width: 1.5;
  fill: none; }
.diagram .side { fill: none; stroke: var(--color-brand-primary, #0a4bff); stroke-width: 2; }
.diagram marker path { fill: var(--color-foreground-secondary, #5a5c63); }
"""
HEAD: Final = """<svg class="diagram" xmlns="http://www.w3.org/2000/svg"
  viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-title {name}-text">
<title id="{name}-title">{title}</title>
<desc id="{name}-text">{text}</desc>
<style>{style}</style>
<defs><marker id="{name}-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"
  orient="auto"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>
"""

LINE: Final = 17  # from one line of text to the next
WIDTH: Final = 760


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """Return one line of text."""
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{attribute}>{escape(words)}</text>\n'


def rectangle(x: float, y: float, width: float, height: float, kind: str) -> str:
    """Return a box."""
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect class="{kind}" {place} rx="5"/>\n'


def turned(x: float, y: float, words: str) -> str:
    """Return a line of text that goes up, with its middle at a point."""
    place = f"translate({x:g} {y:g}) rotate(-90)"
    return f'<text class="quiet" text-anchor="middle" transform="{place}">{words}</text>\n'


def arrow(name: str, *points: tuple[float, float]) -> str:
    """Return an arrow through some points, in the diagram `name`."""
    way = " L".join(f"{x:g} {y:g}" for x, y in points)
    return f'<path class="arrow" d="M{way}" marker-end="url(#{name}-head)"/>\n'


def svg(name: str, height: float, title: str, description: str, parts: Iterable[str]) -> str:
    """Return a whole diagram."""
    head = HEAD.format(
        name=name, width=WIDTH, height=f"{height:g}", title=title, text=description, style=STYLE
    )
    return head + "".join(parts) + "</svg>\n"


class Box(NamedTuple):
    """Something on the way: what it is called in the code, and what it does."""

    x: float
    y: float
    width: float
    title: str
    names: tuple[str, ...]
    lines: tuple[str, ...]
    kind: str = "box"

    @property
    def height(self) -> float:
        """How much room its lines take."""
        return LINE * (1 + len(self.names) + len(self.lines)) + 12

    def drawn(self) -> str:
        """Return it as SVG."""
        parts = [
            rectangle(self.x, self.y, self.width, self.height, self.kind),
        ]
        rows = [(self.title, "title"), *((name, "name") for name in self.names)]
        rows += [(line, "") for line in self.lines]
        at = self.y + LINE
        for words, kind in rows:
            parts.append(text(self.x + 10, at, words, kind))
            at += LINE
        return "".join(parts)


# The way of a request

IN, OUT, ICP = 10, 272, 534  # the columns
COLUMN: Final = 216
TOPS: Final = (10, 76, 196, 316, 436, 556, 668, 764)
BOXES: Final = (
    Box(IN, TOPS[0], 478, "An ICAP client: a proxy, a file server", (), ()),
    Box(ICP, TOPS[0], COLUMN, "An ICP peer: a proxy", (), ()),
    Box(
        *(IN, TOPS[1], COLUMN),
        "The socket",
        ("icap.wire.Wire", "icap.patience"),
        ("takes what comes, holds the", "client back, keeps time"),
    ),
    Box(
        *(OUT, TOPS[1], COLUMN),
        "The way out",
        ("icap.outlet.Outlet",),
        ("few writes; sees whether", "the client takes them"),
    ),
    Box(
        *(ICP, TOPS[1], COLUMN),
        "The socket",
        ("icp.server.ICPServer",),
        ("reads what waits in one go,", "sends the replies"),
    ),
    Box(
        *(IN, TOPS[2], COLUMN),
        "Bytes to events",
        ("icap.connection.Connection",),
        ("receive_data, next_event;", "no socket, no clock"),
    ),
    Box(
        *(OUT, TOPS[2], COLUMN),
        "Answers to bytes",
        ("icap.connection.Connection", "icap.answer.Answer"),
        ("continue_, answer, data, end",),
    ),
    Box(
        *(ICP, TOPS[2], COLUMN),
        "A datagram to its reply",
        ("icp.responder.Responder", "icp.datagram"),
        ("who may ask, what is asked,", "what is replied"),
    ),
    Box(
        *(IN, TOPS[3], COLUMN),
        "Who is asked",
        ("icap.endpoints.Endpoints", "registry.Utilities"),
        ("the services under the path,", "in the order of their names"),
    ),
    Box(
        *(OUT, TOPS[3], COLUMN),
        "How it goes out",
        ("icap.reply.choose",),
        ("204, 206 or 200, as the", "client allows"),
    ),
    Box(
        *(IN, TOPS[4], COLUMN),
        "One request",
        ("icap.exchange.Exchange",),
        ("waits for as much of the", "body as services want to see"),
    ),
    Box(
        *(OUT, TOPS[4], COLUMN),
        "What was decided",
        ("icap.decisions.Decision",),
        ("Allow, Modify, Respond; or", "nobody has an opinion"),
    ),
    Box(
        *(ICP, TOPS[4], 176),
        "Who is asked",
        ("icp.policies.Policies", "registry.Utilities"),
        ("all policies, in the", "order of their names"),
    ),
    Box(
        *(64, TOPS[5], 372),
        "The body",
        ("icap.body.Body", "icap.spool.Spool"),
        ("kept in memory, then in a file, while it is of use",),
    ),
    Box(
        *(IN, TOPS[6], 740),
        "The rule",
        ("rule.consult",),
        ("asks in turn: the first answer that is not None wins, and nobody else is asked",),
        "box rule",
    ),
    Box(IN, TOPS[7], 150, "A plain function", (), ("is called in place:", "no task, no thread")),
    Box(
        *(168, TOPS[7], 200),
        "A coroutine",
        ("rule.go_on", "icap.clock.Clock"),
        ("in a task; its time stands", "still for a slow client"),
    ),
    Box(
        *(376, TOPS[7], 154),
        "@blocking",
        ("threads.Threads",),
        ("in a thread, while a", "coroutine waits"),
    ),
    Box(
        *(538, TOPS[7], 212),
        "A failure",
        ("icap.endpoints.ON_FAILURE", "icp.policies.ON_ERROR"),
        ("is logged and counted, then", "treated as on_error says"),
    ),
)
#: Each goes from one box to the next, but for those of the body.
ARROWS: Final = (
    ((118, 39), (118, 74)),
    ((118, 173), (118, 194)),
    ((118, 276), (118, 314)),
    ((118, 413), (118, 434)),
    ((40, 516), (40, 666)),
    ((458, 668), (458, 518)),
    ((380, 436), (380, 398)),
    ((380, 316), (380, 278)),
    ((380, 196), (380, 158)),
    ((380, 76), (380, 41)),
    ((600, 39), (600, 74)),
    ((600, 156), (600, 194)),
    ((600, 293), (600, 434)),
    ((600, 533), (600, 666)),
    ((730, 668), (730, 295)),
    ((680, 196), (680, 158)),
    ((680, 76), (680, 41)),
    ((150, 516), (150, 554)),
    ((249, 636), (249, 666)),
    ((249, 556), (249, 236), (270, 236)),
)
WAY_TEXT: Final = (
    "Bytes of an ICAP client go from the socket through the connection, which makes events of "
    "them, to the endpoint of the path and to an exchange, which keeps the body. The rule asks the "
    "services in the order of their names. What was decided goes through the choice of the status, "
    "the connection and the outlet to the client; a body that stays goes the shorter way. An ICP "
    "query goes from its socket through the responder to the same rule, and its reply back."
)


def way() -> str:
    """Return the diagram of the way of a request."""
    parts = [box.drawn() for box in BOXES] + [arrow("way", *points) for points in ARROWS]
    parts.append(turned(243, 412, "what stays as it is"))
    return svg("way", 872, "The way of a request", WAY_TEXT, parts)


# The layout

#: What each layer is, from the bottom to the top.
CAPTIONS: Final = (
    "words, bounds, interfaces",
    "what there is to say",
    "heads and headers",
    "parts of messages",
    "events, decisions, datagrams",
    "whole messages",
    "who wins",
    "what the rule needs",
    "services, bodies, settings",
    "what a path leads to",
    "the two servers",
    "the settings file",
    "plugins: conditions, hooks",
    "what a plugin imports",
    "finding plugins; logs",
    "the program",
    "what people type and import",
    "python -m zcadapt",
)
PER_LINE: Final = 58
BAND: Final = 470
LAYOUT_TEXT: Final = (
    "Packages and modules in layers. Each imports only what stands in its own layer or below. "
    "From the bottom: interfaces and bounds, the modules of both protocols, the rule, the "
    "registry and threads, the two servers, settings, hooks, discovery, the runtime, and on top "
    "the command line."
)


def named(architecture: dict[str, Any], number: int) -> list[str]:
    """Return what stands in a layer; in place of the two protocols, their modules that are left."""
    names = sorted(architecture["LAYERS"][number])
    for package in {"icap", "icp"}.intersection(names):
        names.remove(package)
        modules = map(architecture["name_of"], architecture["MODULES"])
        names += [
            name
            for name in modules
            if name.startswith(f"{package}.") and architecture["layer_of"](name) == number
        ]
    return sorted(name or "zcadapt" for name in names)


def layout() -> str:
    """Return the diagram of the layers, as the test of the architecture has them."""
    architecture = runpy.run_path(str(ROOT / "tests" / "test_architecture.py"))
    layers = architecture["LAYERS"]
    parts, tops, at = [], {}, 14
    for number in reversed(range(len(layers))):
        tops[number] = at
        names = ", ".join(named(architecture, number))
        lines = wrap(names, PER_LINE, break_long_words=False, break_on_hyphens=False)
        height = LINE * len(lines) + 11
        parts.append(rectangle(44, at, BAND, height, "box"))
        parts += [text(54, at + LINE * row, line, "name") for row, line in enumerate(lines, 1)]
        parts.append(text(BAND + 70, at + LINE, CAPTIONS[number], "quiet"))
        at += height + 6
    parts.append(arrow("layout", (26, 14), (26, at - 8)))
    parts.append(turned(18, at / 2, "imports"))
    silent = [number for number, layer in enumerate(layers) if layer & architecture["PROTOCOL"]]
    above, below = tops[silent[-1]], tops[silent[0] - 1] - 6
    parts.append(f'<path class="side" d="M{BAND + 56} {above} V{below}"/>\n')
    parts.append(turned(WIDTH - 6, (above + below) / 2, "no socket, no loop, no log"))
    return svg("layout", at + 4, "The layers of the program", LAYOUT_TEXT, parts)


def main() -> None:
    """Write both diagrams."""
    (FOLDER / "way.svg").write_text(way())
    (FOLDER / "layout.svg").write_text(layout())


if __name__ == "__main__":
    main()
