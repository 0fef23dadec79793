"""The block page: what a user sees in the place of what was blocked."""

from zcadapt.blockpage.blocked import Blocked
from zcadapt.blockpage.page import BlockPage
from zcadapt.blockpage.pages import Pages, new_id, numbered
from zcadapt.blockpage.settings import BlockSettings, language_tag
from zcadapt.blockpage.texts import LANGUAGES, Texts

__all__ = [
    "LANGUAGES",
    "BlockPage",
    "BlockSettings",
    "Blocked",
    "Pages",
    "Texts",
    "language_tag",
    "new_id",
    "numbered",
]
