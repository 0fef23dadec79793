"""What can be set about the block page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from zcadapt.blockpage.template import read_template
from zcadapt.blockpage.texts import Texts
from zcadapt.fields import Format, setting

__all__ = ["BlockSettings", "language_tag"]

_TAG: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


def language_tag(text: str) -> str:
    """Return `text`, which is a language tag (RFC 5646, 2.1).

    Raises:
        ValueError: it is none.
    """
    if _TAG.fullmatch(text) is None:
        raise ValueError
    return text


LANGUAGE: Final = Format("a language tag, such as en or pt-BR", language_tag)
TEMPLATE: Final = Format("a file with a template", read_template)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSettings:
    """The table ``[block]``."""

    language: str = setting(
        "en", "The language for clients that ask for none that there is.", format=LANGUAGE
    )
    title: str | None = setting(None, "The title of the page, in all languages.")
    contact: str | None = setting(None, "Whom to ask, in a sentence, in all languages.")
    html_template: str | None = setting(
        None, "A file with a template for the page in HTML.", format=TEMPLATE
    )
    text_template: str | None = setting(
        None, "A file with a template for the page in plain text.", format=TEMPLATE
    )
    texts: Mapping[str, Texts] = field(
        default_factory=dict,
        metadata={"text": "A table for each language: see below.", "is_table": True},
    )
