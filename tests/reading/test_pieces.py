import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistcore.reading.picture import Plane
from tests.tools.pictures import assert_one, box_of, boxes, canvas, digit, pen


def test_specks_are_dropped() -> None:
    ink = digit("8")
    specks = ink.copy()
    rng = np.random.default_rng(0)
    for row, column in rng.integers(5, 270, (60, 2)):
        specks[row : row + rng.integers(1, 6), column : column + rng.integers(1, 6)] = 1
    left, top, right, bottom = box_of(ink)
    specks[top - 20 : bottom + 20, left - 20 : right + 20] = ink[
        top - 20 : bottom + 20, left - 20 : right + 20
    ]
    assert_one(specks, ink)


def with_lines(ink: Plane, *lines: tuple[int, int, int, int], width: int = 3) -> Plane:
    image = Image.fromarray(ink)
    for line in lines:
        ImageDraw.Draw(image).line(line, fill=1, width=width)
    return np.asarray(image)


@pytest.mark.parametrize("name", ["2", "5", "8"])
def test_rules_above_and_below_are_dropped(name: str) -> None:
    ink = digit(name)
    assert_one(with_lines(ink, (0, 40, 279, 40), (0, 240, 279, 240)), ink)
    assert_one(with_lines(ink, (15, 240, 265, 240)), ink)


@pytest.mark.parametrize("name", ["2", "4", "8"])
def test_ruled_paper_is_dropped(name: str) -> None:
    ink = digit(name)
    assert_one(with_lines(ink, *((0, y, 279, y) for y in range(20, 280, 45)), width=2), ink)


@pytest.mark.parametrize("name", ["2", "4", "8"])
def test_squared_paper_is_dropped(name: str) -> None:
    ink = digit(name)
    level = [(0, y, 279, y) for y in range(15, 280, 30)]
    upright = [(x, 0, x, 279) for x in range(12, 280, 30)]
    assert_one(with_lines(ink, *level, *upright, width=1), ink)


@pytest.mark.parametrize("margin", [0, 12])
@pytest.mark.parametrize("width", [2, 6])
def test_a_box_around_the_digit_is_dropped(margin: int, width: int) -> None:
    ink = digit("3")
    image = Image.fromarray(ink)
    far = 279 - margin
    ImageDraw.Draw(image).rectangle((margin, margin, far, far), outline=1, width=width)
    assert_one(np.asarray(image), ink)


def test_boxes_for_each_digit_of_a_form_are_dropped() -> None:
    parts = [(pen(name, 60, 8), 60 + 100 * i, 60) for i, name in enumerate("405")]
    image = Image.fromarray(canvas(*parts, shape=(180, 400)))
    for i in range(3):
        ImageDraw.Draw(image).rectangle((40 + 100 * i, 40, 128 + 100 * i, 140), outline=1, width=2)
    assert [len(line) for line in boxes(np.asarray(image))] == [3]


def test_what_the_border_cuts_is_dropped() -> None:
    ink = canvas((pen("6", 100, 12), 90, 90))
    cut = canvas((ink, 0, 0), (pen("2", 100, 12)[75:], 120, 0), (pen("8", 100, 12)[:20], 20, 260))
    cut[:, 266:] = 1  # the edge of the table
    assert_one(cut, ink)


@pytest.mark.parametrize("side", ["left", "top", "right", "bottom"])
def test_a_digit_that_touches_the_border_stays(side: str) -> None:
    ink = pen("3")
    height, width = ink.shape
    left = {"left": 0, "right": 280 - width}.get(side, 90)
    top = {"top": 0, "bottom": 280 - height}.get(side, 65)
    at_border = canvas((ink, left, top))
    assert_one(at_border, at_border)
    assert_one(ink, ink)  # all four sides
