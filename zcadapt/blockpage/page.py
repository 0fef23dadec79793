"""The page that zcadapt itself makes of a block, as the settings want it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from zope.interface import implementer

from zcadapt.blockpage.accept import HTML, JSON, TEXT, best_language, best_type
from zcadapt.blockpage.blocked import Blocked
from zcadapt.blockpage.settings import BlockSettings
from zcadapt.blockpage.template import compiled, read_template
from zcadapt.blockpage.texts import LANGUAGES, Texts
from zcadapt.icap.decisions import Pairs, Respond
from zcadapt.interfaces import IBlockPage

__all__ = ["BlockPage", "shown"]

HERE: Final = Path(__file__).parent

#: Characters of each that are shown; what is longer is cut.
MOST: Final = {"url": 500, "reason": 1000, "rule": 100, "client": 100, "user": 100}

NOSNIFF: Final = ("X-Content-Type-Options", "nosniff")
#: What our own template needs. Another one may show a logo from anywhere.
POLICY: Final = ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")


@dataclass(frozen=True, slots=True)
class _Language:
    """The page in one language."""

    html: str
    text: str
    contact: str
    html_headers: Pairs
    text_headers: Pairs
    json_headers: Pairs


@implementer(IBlockPage)
class BlockPage:
    """Makes the page in HTML, JSON or plain text, as the user's client wants it.

    Everything that comes from outside is escaped for where it stands, and cut
    where it is long; of the URL neither user nor query is shown.

    Raises:
        ValueError: a template of the settings cannot be used; the message says
            why.
    """

    def __init__(self, settings: BlockSettings | None = None) -> None:
        settings = BlockSettings() if settings is None else settings
        self._languages = _languages(settings)
        self._known = tuple(self._languages)
        self._default = self._languages[settings.language.lower()]

    def __call__(self, blocked: Blocked) -> Respond:
        """Return the response with the page."""
        wanted = blocked.request.http.request.headers
        language = self._default
        if accepted := wanted.get("accept-language"):
            found = best_language(accepted, self._known)
            language = self._default if found is None else self._languages[found]
        values = _values(blocked)
        kind = best_type(wanted.get("accept", ""))
        if kind == HTML:
            page = language.html % {name: escape(value) for name, value in values.items()}
            headers = language.html_headers
        elif kind == JSON:
            page, headers = _json(values, language), language.json_headers
        else:
            page, headers = language.text % values, language.text_headers
        decision = blocked.decision
        return Respond(
            status=decision.status, phrase=decision.phrase, headers=headers, body=page.encode()
        )


def shown(text: str, most: int) -> str:
    r"""Return `text` in one line of at most `most` characters, none of which steers anything.

    >>> shown('caf\xe9\x1b[2J\nau lait', 12)
    'café [2J au…'
    """
    if len(text) > most:
        text = text[: most - 1] + "…"
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else " " for each in text)


def _values(blocked: Blocked) -> dict[str, str]:
    request, decision = blocked.request, blocked.decision
    values = {
        "client": request.client_ip or "",
        "id": blocked.id,
        "reason": decision.reason or "-",
        "rule": blocked.service,
        "status": str(decision.status),
        "url": request.http.shown_url,
        "user": request.user or "",
    }
    return {name: shown(value, MOST.get(name, 100)) for name, value in values.items()}


def _json(values: Mapping[str, str], language: _Language) -> str:
    told = {name: values[name] for name in ("reason", "url", "rule", "id")}
    page = {"error": "blocked", **told, "contact": language.contact}
    return json.dumps(page, ensure_ascii=False) + "\n"


def _languages(settings: BlockSettings) -> dict[str, _Language]:
    """Return the page in each language, by its tag in lower case.

    A text is what the settings say for its language, else what they say for
    all, else ours in its language, else ours in English.
    """
    html, text = settings.html_template, settings.text_template
    html_template = (HERE / "page.html").read_text("utf-8") if html is None else read_template(html)
    text_template = (HERE / "page.txt").read_text("utf-8") if text is None else read_template(text)
    policy = (POLICY,) if html is None else ()
    theirs = {tag.lower(): texts.said() for tag, texts in settings.texts.items()}
    everywhere = Texts(title=settings.title, contact=settings.contact).said()
    made = {}
    for key, tag in {tag.lower(): tag for tag in (*LANGUAGES, *settings.texts)}.items():
        ours = {**LANGUAGES["en"].said(), **LANGUAGES.get(key, Texts()).said()}
        texts = {**ours, **everywhere, **theirs.get(key, {}), "lang": tag}
        common = (("Content-Language", tag), NOSNIFF)
        made[key] = _Language(
            html=compiled(html_template, texts, escape),
            text=compiled(text_template, texts, str),
            contact=texts["contact"],
            html_headers=(("Content-Type", f"{HTML}; charset=utf-8"), *common, *policy),
            text_headers=(("Content-Type", f"{TEXT}; charset=utf-8"), *common),
            json_headers=(("Content-Type", JSON), *common),
        )
    return made
