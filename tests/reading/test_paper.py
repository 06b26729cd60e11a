import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistcore.reading.paper import take_paper
from mnistcore.reading.picture import Plane
from tests.tools.pictures import assert_near, assert_reads, box_of, boxes, canvas, digit, gray, pen

Segments = list[tuple[tuple[int, int], tuple[int, int]]]

PITCH, LEFT, TOP, BASE = 90, 40, 40, 150  # pixels, of a row of cells
WALLS = [LEFT + PITCH * k for k in range(5)]

SIDES: Segments = [((x, TOP), (x, BASE)) for x in WALLS]
ENDS: Segments = [((WALLS[0], y), (WALLS[-1], y)) for y in (TOP, BASE)]
FORMS: dict[str, Segments] = {
    "cells": SIDES + ENDS,
    "cells open at the top": SIDES + ENDS[1:],
    "comb with short teeth": [((x, BASE - 30), (x, BASE)) for x in WALLS] + ENDS[1:],
    "dividers only": SIDES[1:-1],
    "ruled paper": [((-50, y), (500, y)) for y in (20, 85, 150)],
    "squared paper": [((-50, y), (500, y)) for y in range(9, 200, 25)]
    + [((x, -50), (x, 250)) for x in range(9, 500, 25)],
    "margin line": [((25, -50), (25, 250))],
}


def number(text: str) -> Plane:
    """Digits in the middle of the cells of FORMS."""
    inks = [pen(name, 70, 7) for name in text]
    middles = [LEFT + PITCH * k + PITCH // 2 for k in range(len(text))]
    parts = [(ink, x - ink.shape[1] // 2, 60) for ink, x in zip(inks, middles, strict=True)]
    return canvas(*parts, shape=(190, 440))


def with_print(ink: Plane, segments: Segments, degrees: float, darkness: float) -> Plane:
    """Ink with printed lines of 2 pixels, turned about its middle."""
    image = Image.new("L", ink.shape[::-1])
    middle = np.array(ink.shape[::-1]) / 2
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    for segment in segments:
        a, b = ((np.array(segment) - middle) @ matrix + middle).tolist()
        ImageDraw.Draw(image).line((*a, *b), fill=255, width=2)
    return np.maximum(ink, darkness * np.asarray(image, np.float32) / 255).astype(np.float32)


@pytest.mark.parametrize("text", ["1518", "7115"])
def test_tall_thin_1s_are_no_dividers(text: str) -> None:
    """Dividers have digits on both sides, and one digit between two of them."""
    parts = [pen(name, 105 if name == "1" else 80, 6 if name == "1" else 10) for name in text]
    left = np.cumsum([40, *(part.shape[1] + 30 for part in parts)])
    places = [(p, int(x), 150 - len(p)) for p, x in zip(parts, left, strict=False)]
    assert_reads(gray(canvas(*places, shape=(190, int(left[-1]) + 40))), text)


@pytest.mark.parametrize("rows", [5, 8])
def test_dashes_in_a_column_of_numbers_are_not_what_is_left_of_a_frame(rows: int) -> None:
    two, eight, dash = pen("2", 50, 6), pen("8", 50, 6), np.ones((6, 22), np.float32)
    parts = [
        part
        for row in range(rows)
        for part in (
            (dash, 20, 42 + 80 * row),
            (two, 60, 20 + 80 * row),
            (eight, 110, 20 + 80 * row),
        )
    ]
    ink = canvas(*parts, shape=(80 * rows + 10, 180))
    assert_reads(gray(ink), "\n".join(rows * ["-28"]))


def test_a_grid_of_cells_is_taken_out_and_its_digits_are_read_row_by_row() -> None:
    """Rows are lower than the grid: digits need not be as high as a part of all of it."""
    edges = range(30, 431, 100)
    grid = [((x, 30), (x, 430)) for x in edges] + [((30, y), (430, y)) for y in edges]
    rows = ["5..3", ".27.", "1...", ".81."]
    parts = [
        (pen(name, 60, 6), 60 + 100 * column, 50 + 100 * row)
        for row, names in enumerate(rows)
        for column, name in enumerate(names)
        if name != "."
    ]
    ink = canvas(*parts, shape=(460, 460))
    assert_reads(gray(with_print(ink, grid, 0, 0.7)), "53\n27\n1\n81")


@pytest.mark.parametrize("degrees", [-2.5, 0, 0.4, 3])
@pytest.mark.parametrize("form", FORMS)
def test_print_is_taken_out_and_digits_stay(form: str, degrees: float) -> None:
    ink = number("4085")
    for darkness in (0.4, 1):
        given = with_print(ink, FORMS[form], degrees, darkness)
        paper = take_paper(given)
        np.testing.assert_array_equal(paper.ink + paper.printed, given)
        (found,), (expected,) = boxes(given), boxes(ink)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_near(one, other, pixels=4)


def test_a_line_that_is_not_found_does_not_keep_the_others() -> None:
    squared = with_print(number("4085"), FORMS["squared paper"], 0, 0.7)
    for row in range(len(squared)):
        left = 20 + round(8 * np.sin(row / 15))  # as high as the picture, and not straight
        squared[row, left : left + 4] = 0.7
    printed = take_paper(squared).printed
    assert (printed[95:105, 40:] > 0.3).all(0).sum() >= 24  # 12 of the upright lines, 2 wide


def test_a_line_that_leaves_through_a_corner_is_taken_out() -> None:
    level: Segments = [((-50, y + 13), (500, y - 32)) for y in range(9, 230, 25)]
    given = with_print(number("4085"), level, 0, 0.7)
    corner = given[165:, 200:]
    assert corner.any()
    assert not take_paper(given).ink[165:, 200:].any()


def test_a_box_that_the_digit_crosses_is_taken_out() -> None:
    ink = digit("4", 110, 9)
    box: Segments = [((90, y), (190, y)) for y in (90, 175)]
    box += [((x, 90), (x, 175)) for x in (90, 190)]
    given = with_print(ink, box, 1, 1)
    assert take_paper(given).notes
    ((found,),) = boxes(given)
    assert_near(found, box_of(ink), pixels=4)


@pytest.mark.parametrize("gap", [0, 30])  # degrees: hands do not close every ring
def test_a_ring_is_taken_out(gap: float) -> None:
    for name in ("7", "1"):
        ink = digit(name, 90, 9)
        image = Image.fromarray(ink)
        ImageDraw.Draw(image).arc((50, 45, 230, 225), gap / 2, 360 - gap / 2, fill=1, width=9)
        ((found,),) = boxes(np.asarray(image))
        assert_near(found, box_of(ink))


def test_remains_of_a_frame_at_the_border_are_taken_out_but_no_tight_digit() -> None:
    ink = digit("3", 150, 16)
    remains = ink.copy()
    remains[10:70, 3:8] = remains[2:6, 200:260] = 1
    ((found,),) = boxes(remains)
    assert_near(found, box_of(ink))
    for name in ("5", "7", "1"):
        tight = pen(name, 150, 6)
        assert take_paper(tight).ink is tight


def bar(width: int, height: int, side: int = 280) -> Plane:
    """A filled rectangle in the middle of a square canvas."""
    left, top = (side - width) // 2, (side - height) // 2
    return canvas((np.ones((height, width), np.float32), left, top), shape=(side, side))


KEPT = {
    "an upright 1": bar(12, 200),
    "a thin upright 1": bar(3, 200),
    "an upright 1 of MNIST's size": bar(2, 20, 28),
    "a dash": bar(200, 12),
    "an upright 1 in a tight crop": bar(10, 120)[80:200, 130:150],
    "three thin 1s in a tight crop": canvas(
        *((np.ones((80, 2), np.float32), 4 + 30 * k, 2) for k in range(3)),
        (pen("7", 80, 2), 100, 2),
        shape=(84, 160),
    ),
    "a 1 with a foot": np.maximum(bar(10, 200), np.roll(bar(80, 10), 100, 0)),
    "a 1 and a speck": np.maximum(bar(10, 200), np.roll(bar(30, 30), 100, 1)),
    "a 0": digit("0"),
    "a slashed 0": digit("0 slashed"),
    "a thin and large 7": digit("7", 260, 3),
    "a number of 1s": number("1111"),
    "upright 1s taller than a 5": canvas(
        (np.ones((90, 7), np.float32), 30, 20),
        (np.ones((86, 7), np.float32), 80, 22),
        (pen("5", 80, 7), 120, 28),
        shape=(130, 220),
    ),
    "7s whose bars are level": canvas(
        *((np.ones((4, 50), np.float32), 20 + 60 * k, 40 + 2 * (k % 2)) for k in range(6)),
        *((np.ones((66, 4), np.float32), 60 + 60 * k, 44) for k in range(6)),
        shape=(140, 400),
    ),
    "dashes in a date": canvas(
        *((np.ones((6, 40), np.float32), 100 + 140 * k, 60) for k in range(2)),
        *((pen(name, 80, 8), x, 20) for name, x in (("4", 20), ("8", 160), ("3", 300))),
        shape=(120, 400),
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_only_looks_like_print_stays(name: str) -> None:
    paper = take_paper(KEPT[name])
    assert paper.ink is KEPT[name]
    assert not paper.printed.any()
    assert paper.notes == []
