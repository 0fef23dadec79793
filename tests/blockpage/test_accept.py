"""Each client gets the form and the language that it asked for."""

import pytest

from zcadapt.blockpage.accept import HTML, JSON, TEXT, best_language, best_type

FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CHROME = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
    "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (FIREFOX, HTML),
        (CHROME, HTML),
        ("image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", TEXT),
        ("*/*", TEXT),  # curl, wget, scripts of pages
        ("application/json, text/plain, */*", JSON),  # axios
        ("application/json", JSON),
        ("application/json, */*;q=0.5", JSON),  # HTTPie
        ("application/vnd.github+json", JSON),
        ("application/*", JSON),
        ("text/*", HTML),
        ("text/plain", TEXT),
        ("TEXT/HTML", HTML),
        ("text/html;level=1", HTML),
        ("text/html;level=1;q=0.3, text/plain;q=0.4", TEXT),
        ("text/html;q=0.3, application/json;q=0.4", JSON),
        ("text/html ; Q=0.3 , application/json ; q=0.4", JSON),
        ("text/html;q=0, */*", TEXT),
        ("text/html;q=0", TEXT),
        ("text/html;q=0.1, */*", TEXT),
        ("application/json;q=0, application/*", TEXT),
        ("text/html, text/*;q=0.1, */*", HTML),
        ("image/png", TEXT),
        ("text/html;q=7, application/json", HTML),
        ("text/html;q=nan, application/json;q=0.9", HTML),
        ("text/html;q=.5, application/json;q=0.6", JSON),
        ("text/html;q=0.0001, application/json;q=0.5", JSON),
        ("text/html;q=1., application/json;q=0.5", HTML),
        ("image/svg+json, text/html;q=0.9", HTML),
        ("application/json;q=0.9, application/problem+json;q=0.1, text/html;q=0.5", JSON),
        ("", HTML),
        (",,;q=1,", HTML),
        ("text/html" + ";a=b" * 100_000, HTML),
    ],
)
def test_the_form(accept, wanted):
    assert best_type(accept) == wanted


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("PT-br", "pt-br"),
        ("pt", None),
        ("nl, fr;q=0.3, de;q=0.4", "de"),
        ("nl, fr;q=0.4, de;q=0.4", "fr"),
        ("de;q=0, en;q=0.1", "en"),
        ("*", None),
        ("xx", None),
        ("", None),
        ("-", None),
        ("-".join(["de"] * 100_000), "de"),
    ],
)
def test_the_language(accept, wanted):
    assert best_language(accept, ("en", "de", "fr", "pt-br")) == wanted
