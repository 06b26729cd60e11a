import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy import ndimage
from torch import Tensor

from mnistcore.data import split_train_val
from mnistcore.reading import touching
from mnistcore.reading.digits import MOST_PIECES, find_digits, frame
from mnistcore.reading.picture import Plane
from mnistcore.reading.pieces import Box, Piece
from tests.tools.pictures import canvas, digit, pen, write

quick = settings(max_examples=40, derandomize=True, deadline=None, database=None)


def boxes(ink: Plane) -> list[list[Box]]:
    """The boxes of the digits found, line by line."""
    return [[piece.box for piece in line] for line in find_digits(ink)[0]]


def box_of(ink: Plane) -> Box:
    """The box of all ink."""
    rows, columns = np.nonzero(ink > 0.3)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def assert_near(found: Box, expected: Box, pixels: int = 2) -> None:
    assert np.abs(np.subtract(found, expected)).max() <= pixels


def assert_one(ink: Plane, expected: Plane) -> None:
    """Exactly one digit is found: this one."""
    ((found,),) = boxes(ink)
    assert_near(found, box_of(expected))


# Framing.


def test_mnist_digits_stay_as_they_are(mnist_train: tuple[Tensor, Tensor]) -> None:
    images = mnist_train[0][split_train_val(5000, 60_000)[1][:500], 0].numpy() / np.float32(255)
    differences = [float(np.abs(frame(image)[1] - image).mean()) for image in images]
    assert np.mean(differences) < 2 / 255
    assert np.quantile(differences, 0.95) < 4 / 255


@pytest.mark.parametrize("name", "0123456789")
@pytest.mark.parametrize("height", [12, 60, 600])
def test_digits_are_framed_as_mnist_frames_them(name: str, height: int) -> None:
    fitted, image = frame(digit(name, height, 0.1 * height, side=height + 30))
    assert (image.shape, image.dtype) == ((28, 28), np.float32)
    assert (image.min(), image.max()) == (0, 1)
    assert max(fitted.shape) == 20
    rows, columns = np.nonzero(image)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
    ink = pen(name, height, 0.1 * height)
    assert min(fitted.shape) == pytest.approx(20 * min(ink.shape) / max(ink.shape), abs=1.6)
    for found in ndimage.center_of_mass(image):  # MNIST's is at 14, in pixels' edges
        assert found + 0.5 == pytest.approx(14, abs=1.1)


@pytest.mark.parametrize("width", [8, 16, 30])
def test_lines_are_dark_however_fine_the_pen(width: int) -> None:
    image = frame(digit("3", 200, width, side=300))[1]
    assert (image[image > 0.02] > 0.5).mean() > 1 / 3  # in MNIST, over half for nearly every digit


@given(st.sampled_from("0123456789"), st.integers(0, 60), st.integers(0, 60))
@quick
def test_place_does_not_matter(name: str, left: int, top: int) -> None:
    ink = pen(name)
    moved = canvas((ink, left, top), shape=(ink.shape[0] + 60, ink.shape[1] + 60))
    assert np.array_equal(frame(moved)[1], frame(ink)[1])


@given(st.sampled_from("0123456789"), st.floats(0.3, 3))
@quick
def test_size_does_not_matter(name: str, scale: float) -> None:
    image = frame(pen(name, 150, 15))[1]
    resized = frame(pen(name, round(150 * scale), 15 * scale))[1]
    # Off by at most a pixel, where the middle lies on the edge of one.
    shifted = [np.roll(resized, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    assert min(np.abs(other - image).mean() for other in shifted) < 0.045


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 900), (500, 500)])
def test_ink_of_any_shape_can_be_framed(shape: tuple[int, int]) -> None:
    fitted, image = frame(np.ones(shape, np.float32))
    assert max(fitted.shape) == 20
    assert image.sum() >= 19
    assert np.isfinite(image).all()


# Finding.


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


@pytest.mark.parametrize("gap", [3, 8, 14])
def test_a_bar_that_floats_belongs_to_its_5(gap: int) -> None:
    ink = digit("5 two strokes")
    top = box_of(ink)[1]
    bar, body = ink.copy(), ink.copy()
    bar[top + 18 :], body[: top + 18] = 0, 0
    apart = np.maximum(body, np.roll(bar, -gap, 0))
    assert ndimage.label(apart > 0.3)[1] == 2
    assert_one(apart, apart)


@pytest.mark.parametrize("right", [0, 15, 30])
def test_a_bar_may_stand_to_the_right_of_its_5(right: int) -> None:
    bar = np.ones((14, 60), np.float32)
    body = pen("5 short bar", 120, 14)[16:]
    ink = canvas((body, 60, 70), (bar, 60 + body.shape[1] - 60 + right, 48))
    assert_one(ink, ink)


@pytest.mark.parametrize("name", ["4 open", "4 square", "4 low bar", "7 crossed", "9 two strokes"])
def test_digits_of_two_strokes_are_one(name: str) -> None:
    assert_one(digit(name), digit(name))


def test_strokes_of_a_4_that_do_not_meet_are_one() -> None:
    image = Image.new("L", (280, 280))
    draw = ImageDraw.Draw(image)
    draw.line([(90, 50), (80, 150), (150, 150)], fill=255, width=16, joint="curve")
    draw.line([(172, 60), (168, 230)], fill=255, width=16)
    ink: Plane = np.asarray(image, np.float32) / np.float32(255)
    assert [len(line) for line in boxes(ink)] in ([1], [2])  # the nets may be asked to join them


@pytest.mark.parametrize("name", "0235689")
@pytest.mark.parametrize("rows", [3, 6])
def test_a_broken_scan_is_one(name: str, rows: int) -> None:
    ink = digit(name)
    middle = sum(box_of(ink)[1::2]) // 2
    broken = ink.copy()
    broken[middle : middle + rows] = 0
    assert_one(broken, ink)


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
    measure = touching._gap

    def gap(a: Piece, b: Piece) -> float:
        pairs.append(1)
        return measure(a, b)

    monkeypatch.setattr(touching, "_gap", gap)
    return pairs


@pytest.mark.parametrize("kind", ["dots", "salt", "dashes"])
def test_a_page_of_too_many_pieces_is_given_up_at_once(kind: str, compared: list[int]) -> None:
    (line,) = find_digits(page_of(kind))[0]
    assert len(line) > MOST_PIECES
    assert compared == []


def test_many_pieces_are_joined_without_comparing_all_pairs_each_time(compared: list[int]) -> None:
    lines = find_digits(page_of("125 times the letter i"))[0]
    assert [len(line) for line in lines] == [25] * 5
    assert len(compared) < MOST_PIECES**2  # each time, it would be twenty times as many
