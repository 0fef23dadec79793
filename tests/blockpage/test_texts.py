"""The page speaks several languages, and each says everything."""

import pytest

from zcadapt.blockpage.texts import LANGUAGES, NAMES, Texts


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there(language):
    said = LANGUAGES[language].said()
    assert set(said) == set(NAMES)
    assert all(text.strip() == text != "" for text in said.values())


def test_what_is_not_said_is_left_to_others():
    assert Texts(title="Halt").said() == {"title": "Halt"}
