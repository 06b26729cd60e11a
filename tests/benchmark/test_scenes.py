from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage
from torch import Tensor

from mnistcore.benchmark import scenes
from mnistcore.benchmark.scenes import Pixels
from mnistcore.pens.font import DIGITS
from mnistcore.reading.picture import Plane

EIGHT = np.ones((3, 3))


@pytest.fixture(scope="module")
def digits(few: tuple[Tensor, Tensor]) -> Plane:
    """float32 (256, 28, 28) in [0, 1]."""
    return few[0][:, 0].numpy().astype(np.float32) / np.float32(255)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def box(ink: Plane) -> tuple[int, int]:
    rows, columns = np.nonzero(ink)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


NO_DIGITS: list[Callable[[np.random.Generator], Pixels]] = [
    scenes.blank,
    scenes.dot,
    scenes.drawn_scribble,
    scenes.drawn_letter,
    scenes.drawn_shape,
    scenes.printed_letter,
]


@pytest.mark.parametrize("draw", NO_DIGITS)
@pytest.mark.parametrize("seed", range(4))
def test_pictures_of_no_digit(draw: Callable[[np.random.Generator], Pixels], seed: int) -> None:
    picture = draw(rng(seed))
    assert picture.dtype == np.uint8
    assert picture.shape[2] in (3, 4)
    assert all(280 <= side <= 1000 for side in picture.shape[:2])
    np.testing.assert_array_equal(picture, draw(rng(seed)))
    if draw is not scenes.blank:
        assert np.ptp(picture.reshape(-1, picture.shape[2]), axis=0).max() > 40


@pytest.mark.parametrize("size", [12, 20, 100])
def test_enlarge(digits: Plane, size: int) -> None:
    for digit in digits[:8]:
        ink = scenes.enlarge(digit, size)
        given = box(digit)
        assert max(ink.shape) == size
        assert min(ink.shape) == pytest.approx(size * min(given) / max(given), abs=0.51)
        assert ink.min() >= 0
        assert ink.max() <= 1


def test_redrawn_lines_are_of_one_colour(digits: Plane) -> None:
    ink = scenes.redraw(digits[0], 200)
    assert max(ink.shape) == pytest.approx(200, abs=2)
    assert ((ink > 0) & (ink < 1)).mean() < 0.05
    assert ink.max() == 1


def test_redrawn_lines_are_thinner_or_thicker_and_whole(digits: Plane) -> None:
    for digit in digits[:20]:
        thin, same, thick = (scenes.redraw(digit, 160, line) for line in (1.5, None, 4))
        assert (thin > 0.5).mean() <= (same > 0.5).mean() + 0.02 <= (thick > 0.5).mean() + 0.05
        pieces = [ndimage.label(ink > 0.5, EIGHT)[1] for ink in (thin, same)]
        assert pieces[0] <= pieces[1]


def test_place_keeps_all_of_the_ink() -> None:
    ink = rng().uniform(0.1, 1, (30, 20)).astype(np.float32)
    places = set()
    for seed in range(20):
        canvas = scenes.place(ink, 50, 60, rng(seed))
        rows, columns = np.nonzero(canvas)
        places.add((rows[0], columns[0]))
        top, left = rows.min(), columns.min()
        np.testing.assert_array_equal(canvas[top : top + 30, left : left + 20], ink)
        assert canvas.sum() == pytest.approx(ink.sum(), rel=1e-5)
    assert len(places) > 10


def test_place_fits_exactly() -> None:
    ink = np.ones((10, 10), np.float32)
    room = 10 + 2 * scenes.MARGIN
    assert scenes.place(ink, room, room, rng())[scenes.MARGIN, scenes.MARGIN] == 1


def test_canvas_and_digit_sizes() -> None:
    for seed in range(50):
        shape = scenes.canvas_shape(rng(seed))
        assert all(280 <= side <= 1000 for side in shape)
        size = scenes.digit_size(shape, rng(seed)) + 2 * scenes.MARGIN
        assert 0.12 * min(shape) - 1 <= size <= 0.9 * min(shape) + 1


def test_gaps_of_a_number() -> None:
    stick = np.zeros((28, 28), np.float32)
    stick[4:24, 12:16] = 1
    gaps = [2, 20, 7]
    number = scenes.write_number([stick] * 4, 60, gaps, rng())
    empty = number.max(0) == 0
    runs, count = ndimage.label(empty)
    assert count == 3
    assert np.bincount(runs)[1:].tolist() == gaps
    assert number.shape[0] < 60 * 1.3


def test_pen_drawing_is_whole() -> None:
    for seed in range(10):
        ink = scenes.pen_drawing(DIGITS["8"], rng(seed))
        assert ink.shape[0] == ink.shape[1]
        border = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
        assert border.max() == 0
        assert 0.2 < max(box(ink)) / len(ink) < 0.9


def test_canvas_styles() -> None:
    ink = np.zeros((40, 40), np.float32)
    ink[10:30, 10:30] = 1
    seen = set()
    for seed in range(40):
        picture = scenes.canvas(ink, rng(seed))
        if picture.shape[2] == 4:
            np.testing.assert_array_equal(picture[:, :, 3], 255 * ink)
            seen.add("transparent")
            continue
        weights = np.array([0.299, 0.587, 0.114])
        paper, pen = picture[0, 0] @ weights, picture[20, 20] @ weights
        assert abs(paper - pen) > 0.34 * 255
        seen.add("light" if pen > paper else "dark")
    assert seen == {"transparent", "light", "dark"}
