"""The diagrams of the book show the program as it is, in the colours of their page."""

import re
import runpy
from itertools import combinations
from pathlib import Path
from pkgutil import resolve_name
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "explanation"
SVG = "{http://www.w3.org/2000/svg}"
DRAWN = runpy.run_path(str(ROOT / "docs" / "diagrams.py"))
ARCHITECTURE = runpy.run_path(str(ROOT / "tests" / "test_architecture.py"))

#: How wide a character of each kind of text may be, in a generous font.
CHARACTER = {"name": 7.6, "title": 7.4, None: 7.0}


def tree(name):
    return ET.fromstring((FOLDER / f"{name}.svg").read_text())


def texts(name, kind):
    return [each for each in tree(name).iter(f"{SVG}text") if each.get("class") == kind]


def boxes(name):
    """Each box of a diagram, from the top, with the texts in it."""
    found = []
    for box in tree(name).iter(f"{SVG}rect"):
        left, top, width, height = (float(box.get(key)) for key in ("x", "y", "width", "height"))
        inside = [
            text
            for text in tree(name).iter(f"{SVG}text")
            if text.get("x") is not None
            and left <= float(text.get("x")) <= left + width
            and top <= float(text.get("y")) <= top + height
        ]
        found.append((top, left, width, inside))
    return sorted(found, key=lambda each: each[:2])


def rows():
    """The names in each layer that is drawn, from the bottom to the top."""
    lines = [" ".join(text.text for text in inside) for _, _, _, inside in boxes("layout")]
    return [line.split(", ") for line in reversed(lines)]


@pytest.mark.parametrize("name", ["way", "layout"])
def test_it_is_as_it_would_be_drawn_now(name):
    drawn = DRAWN[name]()
    assert (FOLDER / f"{name}.svg").read_text() == drawn, "run: python docs/diagrams.py"


def test_everything_that_is_named_on_the_way_exists():
    names = [text.text for text in texts("way", "name")]
    assert len(names) > 20
    for name in names:
        resolve_name(f"zcadapt.{name}")


def test_the_layers_are_drawn_in_their_order():
    layers = [{name or "zcadapt" for name in layer} for layer in ARCHITECTURE["LAYERS"]]
    drawn = rows()
    assert len(drawn) == len(layers) == len(DRAWN["CAPTIONS"])
    for row, layer in zip(drawn, layers, strict=True):
        assert layer - {"icap", "icp"} <= set(row)


def test_every_module_is_drawn_in_its_layer_and_nothing_else_is():
    drawn = rows()
    left = {name for row in drawn for name in row}
    for path in ARCHITECTURE["MODULES"]:
        name = ARCHITECTURE["name_of"](path)
        row = drawn[ARCHITECTURE["layer_of"](name)]
        parents = {name.rsplit(".", count)[0] for count in range(3)} | {name or "zcadapt"}
        if name not in {"icap", "icp"}:  # their modules are drawn, one by one
            assert parents & set(row), name
        left -= parents
    assert not left, "drawn, and not there"


@pytest.mark.parametrize("name", ["way", "layout"])
def test_every_line_fits_into_its_box(name):
    for _, left, width, inside in boxes(name):
        assert inside, f"an empty box in {name}"
        for text in inside:
            room = left + width - float(text.get("x"))
            assert len(text.text) * CHARACTER[text.get("class")] <= room, text.text


@pytest.mark.parametrize("name", ["way", "layout"])
def test_no_box_lies_upon_another(name):
    found = list(tree(name).iter(f"{SVG}rect"))
    assert len(found) > 10
    for one, other in combinations(found, 2):
        assert is_apart(one, other, "x", "width") or is_apart(one, other, "y", "height")


def is_apart(one, other, where, size):
    """Whether one ends before the other begins, from left to right or from the top."""
    first, second = sorted((float(box.get(where)), float(box.get(size))) for box in (one, other))
    return sum(first) < second[0]


def test_what_stands_at_the_bar_imports_what_the_protocols_may():
    (bar,) = tree("layout").iterfind(f"{SVG}path[@class='side']")
    begin, end = map(int, re.fullmatch(r"M\d+ (\d+) V(\d+)", bar.get("d")).groups())
    beside = {
        name
        for top, _, _, inside in boxes("layout")
        if begin <= top < end
        for text in inside
        for name in re.findall(r"[\w.]+", text.text)
    }
    assert beside >= ARCHITECTURE["PROTOCOL"]
    for name in beside:
        path = ARCHITECTURE["ROOT"] / (name.replace(".", "/") + ".py")
        roots = {each.partition(".")[0] for each in ARCHITECTURE["imports_of"](path)}
        assert not roots & ARCHITECTURE["FOREIGN"], name


@pytest.mark.parametrize("name", ["way", "layout"])
def test_it_can_be_read_aloud_and_has_the_colours_of_the_page(name):
    root = tree(name)
    title, text = root.get("aria-labelledby").split()
    assert root.find(f"{SVG}title").get("id") == title
    assert len(root.find(f"{SVG}desc").text) > 100
    assert root.find(f"{SVG}desc").get("id") == text
    style = root.find(f"{SVG}style").text
    colours = re.findall(r"(?:fill|stroke): ([^;]+);", style)
    assert colours
    assert all(colour == "none" or colour.startswith("var(--color-") for colour in colours)
    assert f":file: {name}.svg" in (FOLDER / "way.rst").read_text()
