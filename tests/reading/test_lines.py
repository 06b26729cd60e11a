import numpy as np
import pytest

from mnistcore.reading import lines
from mnistcore.reading.lines import find_lines, join_stacked
from mnistcore.reading.picture import Plane
from mnistcore.reading.pieces import Piece, find_pieces
from mnistcore.reading.recognizer import read
from tests.tools.pictures import assert_near, assert_reads, boxes, canvas, gray, pen, write


@pytest.mark.parametrize("shape", [(280, 280), (1, 1), (3, 900)])
def test_nothing_is_found_on_an_empty_plane(shape: tuple[int, int]) -> None:
    assert boxes(np.zeros(shape, np.float32)) == []


@pytest.mark.parametrize("gap", [2, 4, 8, 14, 20])
def test_digits_of_a_number_are_found_from_left_to_right(gap: int) -> None:
    ((*found,),) = boxes(write(["27182818"], gap=gap))
    assert len(found) == 8
    left = 80
    for box, name in zip(found, "27182818", strict=True):
        width = pen(name, 80, 9).shape[1]
        assert_near(box, (left, 80, left + width, 160), 4)
        left += width + gap


def test_lines_are_found_from_top_to_bottom() -> None:
    assert [len(line) for line in boxes(write(["31415", "27", "602"]))] == [5, 2, 3]


def test_a_line_may_rise() -> None:
    parts = [(pen(name, 80, 9), 60 + 80 * i, 150 - 20 * i) for i, name in enumerate("7402")]
    ((*found,),) = boxes(canvas(*parts, shape=(300, 450)))
    assert [box[0] for box in found] == pytest.approx([60, 140, 220, 300], abs=3)


def test_digits_of_a_line_may_differ_in_size() -> None:
    ink = canvas(
        (pen("7", 60, 8), 40, 90),
        (pen("2", 100, 10), 130, 60),
        (pen("4"), 240, 40),
        shape=(240, 420),
    )
    assert [len(line) for line in boxes(ink)] == [3]


def page_of(kind: str) -> Plane:
    """A page with more pieces than anybody writes digits."""
    rng = np.random.default_rng(0)
    ink = np.zeros((1000, 1000), np.float32)
    if kind == "dots":
        for row, column in rng.integers(5, 990, (4000, 2)):
            ink[row : row + 4, column : column + 4] = 1
    elif kind == "salt":
        ink[:400, :400] = rng.random((400, 400)) < 0.05
    elif kind == "dashes":
        for row, column in np.ndindex(80, 80):
            ink[10 + 12 * row : 16 + 12 * row, 10 + 12 * column : 13 + 12 * column] = 1
    else:
        for row, column in np.ndindex(5, 25):
            top, left = 20 + 200 * row, 10 + 39 * column
            ink[top : top + 12, left : left + 12] = 1
            ink[top + 20 : top + 100, left : left + 12] = 1
    return ink


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one for each pair of pieces whose distance is measured."""
    pairs: list[int] = []
    measure = lines._stack_gap

    def gap(a: Piece, b: Piece) -> float | None:
        pairs.append(1)
        return measure(a, b)

    monkeypatch.setattr(lines, "_stack_gap", gap)
    return pairs


@pytest.mark.parametrize("kind", ["dots", "salt", "dashes"])
def test_a_page_of_too_many_pieces_is_given_up_at_once(kind: str, compared: list[int]) -> None:
    reading = read(gray(page_of(kind)))
    assert (reading.text, reading.reason) == ("", "too many pieces of ink for a number")
    assert compared == []


def test_many_pieces_are_joined_without_comparing_all_pairs_each_time(compared: list[int]) -> None:
    pieces, _, _ = find_pieces(page_of("125 times the letter i"), 0.5)
    assert [len(line.pieces) for line in find_lines(join_stacked(pieces)[0], [])] == [25] * 5
    assert len(compared) < len(pieces) ** 2  # each time, it would be twenty times as many


@pytest.mark.parametrize("gap", [6, 12, 24])
def test_two_lines_that_are_close_stay_two(gap: int) -> None:
    upper, lower = write(["5941"]), write(["3848"])
    upper, lower = (ink[ink.any(1)] for ink in (upper, lower))
    width = max(upper.shape[1], lower.shape[1])
    ink = canvas((upper, 0, 40), (lower, 0, 40 + len(upper) + gap), shape=(280 + gap, width))
    assert_reads(gray(ink), "5941\n3848")


@pytest.mark.parametrize("pair", ["86", "32", "47"])
def test_one_digit_above_another_stays_two(pair: str) -> None:
    upper, lower = (pen(name, 90, 10) for name in pair)
    ink = canvas((upper, 80, 30), (lower, 80, 30 + len(upper) + 8))
    assert_reads(gray(ink), "\n".join(pair))
