"""The texts of the block page, in the languages that it brings along."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from zcadapt.fields import setting

__all__ = ["LANGUAGES", "NAMES", "Texts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """A table ``[block.texts.LANGUAGE]``; LANGUAGE is a tag such as ``nl`` or ``pt-BR``."""

    title: str | None = setting(None, "The title.")
    text: str | None = setting(None, "What has happened, in a sentence.")
    url_label: str | None = setting(None, "What stands before the address.")
    reason_label: str | None = setting(None, "What stands before the reason.")
    rule_label: str | None = setting(None, "What stands before the name of the service.")
    id_label: str | None = setting(None, "What stands before the number of the decision.")
    contact: str | None = setting(None, "Whom to ask, in a sentence.")

    def said(self) -> dict[str, str]:
        """Return those that are said."""
        found = {name: getattr(self, name) for name in NAMES}
        return {name: text for name, text in found.items() if text is not None}


NAMES: Final = tuple(each.name for each in fields(Texts))

LANGUAGES: Final[Mapping[str, Texts]] = {
    "en": Texts(
        title="Access blocked",
        text="A rule of this network does not let this through.",
        url_label="Address",
        reason_label="Reason",
        rule_label="Rule",
        id_label="Number",
        contact="If you think that this is wrong, tell whoever looks after this network, "
        "with the number.",
    ),
    "de": Texts(
        title="Zugriff gesperrt",
        text="Eine Regel dieses Netzes lässt das nicht durch.",
        url_label="Adresse",
        reason_label="Grund",
        rule_label="Regel",
        id_label="Nummer",
        contact="Wenn Sie das für einen Irrtum halten, wenden Sie sich mit der Nummer an "
        "diejenigen, die dieses Netz betreuen.",
    ),
    "es": Texts(
        title="Acceso bloqueado",
        text="Una regla de esta red no lo deja pasar.",
        url_label="Dirección",
        reason_label="Motivo",
        rule_label="Regla",
        id_label="Número",
        contact="Si cree que se trata de un error, diríjase a los responsables de esta red "
        "e indique el número.",
    ),
    "fr": Texts(
        title="Accès bloqué",
        text="Une règle de ce réseau ne le laisse pas passer.",
        url_label="Adresse",
        reason_label="Motif",
        rule_label="Règle",
        id_label="Numéro",
        contact="Si vous pensez qu'il s'agit d'une erreur, adressez-vous aux responsables de ce "
        "réseau en indiquant le numéro.",
    ),
}
