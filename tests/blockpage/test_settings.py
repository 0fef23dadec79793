"""What an administrator sets is checked with the file, where it stands."""

import pytest

from zcadapt.blockpage.settings import BlockSettings, language_tag
from zcadapt.config import load


@pytest.mark.parametrize("tag", ["en", "pt-BR", "zh-Hant-TW", "gsw"])
def test_a_language_tag_is_taken(tag):
    assert language_tag(tag) == tag


@pytest.mark.parametrize("tag", ["", "e", "en_GB", "en-", 'en"><script>', "Deutsch-Österreich"])
def test_what_is_no_tag_is_refused(tag):
    with pytest.raises(ValueError):  # noqa: PT011 - it has no message: what was expected is said
        language_tag(tag)


def read(folder, text):
    path = folder / "zcadapt.toml"
    path.write_text(text, encoding="utf-8")
    return load(str(path))


def test_all_of_it_can_be_set(tmp_path):
    (tmp_path / "page.html").write_text("<p>$reason</p>")
    loaded = read(
        tmp_path,
        f"[block]\nlanguage = 'nl'\ntitle = 'No'\ncontact = 'Ann'\n"
        f"html_template = '{tmp_path}/page.html'\n[block.texts.nl]\ntitle = 'Geblokkeerd'\n",
    )
    assert loaded.problems == ()
    found = loaded.settings.block
    assert (found.language, found.title, found.contact) == ("nl", "No", "Ann")
    assert found.texts["nl"].title == "Geblokkeerd"
    assert BlockSettings().texts == {}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "No such file or directory"),
        (b"<p>$raeson</p>", "there is no $raeson; there are $client, $contact, $id,"),
        (b"<p>\n$ 5</p>", "Invalid placeholder in string: line 2, col 1; a single $ is written $$"),
        (b"caf\xe9", "it is not UTF-8: byte 0xe9"),
        (b" " * 1048577, "it is larger than 1048576 bytes"),
    ],
)
def test_a_template_that_cannot_be_used_is_a_problem_of_its_line(tmp_path, content, what):
    if content is not None:
        (tmp_path / "t").write_bytes(content)
    (problem,) = read(tmp_path, f"[block]\ntext_template = '{tmp_path}/t'\n").problems
    assert problem.where == f"{tmp_path}/zcadapt.toml:2: [block] text_template"
    assert problem.what.startswith("must be a file with a template, not ")
    assert what in problem.what


def test_an_unknown_text_is_a_problem(tmp_path):
    (problem,) = read(tmp_path, "[block.texts.de]\ntitel = 'Halt'\n").problems
    assert problem.what == 'no such setting. Did you mean "title"?'
