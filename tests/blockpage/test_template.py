"""Templates are text with names in it, and every other character stays as it is."""

import pytest

from zcadapt.blockpage.template import KNOWN, VALUES, compiled, read_template


def test_texts_are_put_in_once_and_values_each_time():
    template = compiled("$title|${url}|$id", {"title": "T"}, str)
    values = dict.fromkeys(VALUES, "")
    assert template % {**values, "url": "u", "id": "1"} == "T|u|1"
    assert template % {**values, "url": "v", "id": "2"} == "T|v|2"


def test_no_other_character_has_a_meaning():
    template = compiled("100% %s %(url)s {url} $$title $title", {"title": "50% $url %(id)s"}, str)
    values = dict.fromkeys(VALUES, "%s $id")
    assert template % values == "100% %s %(url)s {url} $title 50% $url %(id)s"


def test_texts_are_escaped_as_they_are_put_in():
    assert compiled("<p>$title</p>", {"title": "a"}, str.upper) == "<p>A</p>"


def test_every_known_name_may_stand_in_a_template(tmp_path):
    path = tmp_path / "t"
    path.write_text("".join(f"${name} " for name in KNOWN), encoding="utf-8-sig")
    assert read_template(str(path)).startswith("$")


def test_a_folder_is_no_template(tmp_path):
    with pytest.raises(ValueError, match="Is a directory"):
        read_template(str(tmp_path))
