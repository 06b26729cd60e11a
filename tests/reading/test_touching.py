import numpy as np
import pytest
from PIL import Image, ImageDraw
from torch import Tensor

from mnistcore.benchmark.scenes import Pixels
from mnistcore.data import split_train_val
from mnistcore.reading.picture import Plane
from mnistcore.reading.recognizer import read
from tests.tools.pictures import assert_reads, canvas, digit, gray, pen


def bar_apart(gap: int) -> Plane:
    """A 5 whose bar floats."""
    ink = digit("5 two strokes")
    top = int(np.nonzero(ink.any(1))[0][0])
    apart = ink.copy()
    apart[top - gap : top + 18 - gap] = ink[top : top + 18]
    apart[top + 18 - gap : top + 18] = 0
    return apart


@pytest.mark.parametrize("gap", [4, 10])
def test_a_5_whose_bar_floats(gap: int) -> None:
    assert_reads(gray(bar_apart(gap)), "5")


@pytest.mark.parametrize("lower", [0, 40])
def test_a_4_of_two_strokes_that_do_not_meet(lower: int) -> None:
    image = Image.new("L", (280, 280), 255)
    draw = ImageDraw.Draw(image)
    draw.line([(90, 50), (80, 150), (150, 150)], fill=0, width=16, joint="curve")
    draw.line([(170, 60 + lower), (166, 230 + lower)], fill=0, width=16)
    assert_reads(image, "4")


def test_a_1_is_not_split_from_its_long_flag() -> None:
    image = Image.new("L", (280, 280), 255)
    strokes = [(60, 250), (110, 90), (190, 25), (205, 170)]
    ImageDraw.Draw(image).line(strokes, fill=0, width=14, joint="curve")
    assert read(image).text == "1"


def glued(pair: str, overlap: int) -> Pixels:
    """Two digits side by side that touch."""
    left, right = (pen(name, 120, 14) for name in pair)
    ink = canvas((left, 60, 60), (right, 60 + left.shape[1] - overlap, 60), shape=(240, 360))
    return gray(ink)


PAIRS = ["34", "27", "50", "86", "92", "68", "40", "33", "05", "89"]


@pytest.mark.parametrize("overlap", [3, 8])
@pytest.mark.parametrize("pair", PAIRS)
def test_digits_that_touch_are_split_or_flagged(pair: str, overlap: int) -> None:
    reading = read(glued(pair, overlap))
    assert reading.text == pair or reading.verdict != "digit"


def test_most_digits_that_touch_are_split() -> None:
    assert sum(read(glued(pair, 4)).text == pair for pair in PAIRS) >= 7


def test_single_digits_are_not_split(mnist_train: tuple[Tensor, Tensor]) -> None:
    images, _ = mnist_train
    chosen = split_train_val(5000, len(images))[1][200:280]
    single = 0
    for image in images[chosen, 0].numpy():
        large = Image.fromarray(image).resize((196, 196), Image.Resampling.BICUBIC)
        single += len(read(np.pad(np.asarray(large), 42)).digits) == 1
    assert single >= 79


@pytest.mark.parametrize("width", [700, 1500])
def test_a_bar_is_not_cut_into_digits(width: int) -> None:
    page = np.full((200, width), 255, np.uint8)
    page[90:110, 10:-10] = 0
    assert len(read(page).digits) <= 1
