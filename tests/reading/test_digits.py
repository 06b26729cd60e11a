import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import Tensor

from mnistcore.data import split_train_val
from mnistcore.reading.digits import frame
from tests.tools.pictures import canvas, digit, pen

quick = settings(max_examples=40, derandomize=True, deadline=None, database=None)


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
