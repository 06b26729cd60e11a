from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mnistcore import picture
from mnistcore.picture import PictureError, read_digit


@pytest.fixture
def ink(few_images: Tensor) -> NDArray[np.uint8]:
    """A digit, large and with paper around it: uint8 (300, 300), ink 255 on 0."""
    large = Image.fromarray(few_images[0, 0].numpy()).resize((224, 224))
    return np.pad(np.asarray(large), 38)


def read(path: Path, image: Image.Image) -> NDArray[np.float32]:
    image.save(path)
    return read_digit(path)


def on(paper: str, colour: str, ink: NDArray[np.uint8]) -> Image.Image:
    """The digit in a colour on paper of another."""
    image = Image.new("RGB", ink.shape, paper)
    image.paste(colour, mask=Image.fromarray(ink))
    return image


def on_nothing(ink: NDArray[np.uint8]) -> Image.Image:
    """Black on transparent, as a drawing page saves it."""
    image = Image.new("L", ink.shape, 0).convert("RGBA")
    image.putalpha(Image.fromarray(ink))
    return image


def test_colours_do_not_matter(tmp_path: Path, ink: NDArray[np.uint8]) -> None:
    path = tmp_path / "digit.png"
    expected = read(path, on("white", "black", ink))
    for image in (on("black", "white", ink), on("yellow", "navy", ink), on_nothing(ink)):
        assert np.allclose(read(path, image), expected, atol=0.02)


@pytest.mark.parametrize("kind", ["jpg", "bmp", "gif"])
def test_kind_of_file_does_not_matter(tmp_path: Path, ink: NDArray[np.uint8], kind: str) -> None:
    expected = read(tmp_path / "digit.png", on("white", "black", ink))
    assert np.allclose(
        read(tmp_path / f"digit.{kind}", on("white", "black", ink)), expected, atol=0.1
    )


def test_place_and_size_do_not_matter(tmp_path: Path, ink: NDArray[np.uint8]) -> None:
    path = tmp_path / "digit.png"
    expected = read(path, Image.fromarray(ink))
    moved = np.pad(ink, ((0, 100), (50, 0)))
    assert np.array_equal(read(path, Image.fromarray(moved)), expected)
    larger = Image.fromarray(ink).resize((600, 600))
    assert np.allclose(read(path, larger), expected, atol=0.2)


def test_frame_is_mnists(tmp_path: Path, ink: NDArray[np.uint8]) -> None:
    digit = read(tmp_path / "digit.png", Image.fromarray(ink))
    assert (digit.shape, digit.dtype) == ((28, 28), np.float32)
    assert digit.min() == 0
    assert digit.max() == 1
    sides = [int(np.ptp(np.nonzero(digit.any(axis))[0])) + 1 for axis in (0, 1)]
    assert max(sides) == 20


def test_mnist_digit_comes_back_nearly_unchanged(tmp_path: Path, few_images: Tensor) -> None:
    correlations = []
    for image in few_images[:64, 0].numpy():
        digit = read(tmp_path / "digit.png", Image.fromarray(image))
        correlations.append(np.corrcoef(digit.ravel(), image.ravel())[0, 1])
    assert np.quantile(correlations, 0.1) > 0.95  # a few come back a pixel beside
    assert np.median(correlations) > 0.99


def test_camera_rotation_is_undone(tmp_path: Path, ink: NDArray[np.uint8]) -> None:
    path = tmp_path / "digit.png"
    expected = read(path, Image.fromarray(ink))
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: to be turned clockwise by 90 degrees
    Image.fromarray(ink).transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    assert np.array_equal(read_digit(path), expected)


@pytest.mark.parametrize("size", [(2, 300), (300, 2), (1, 1)])
def test_thin_strokes_and_dots_have_a_frame(tmp_path: Path, size: tuple[int, int]) -> None:
    image = Image.new("L", (400, 400), "white")
    image.paste(0, (30, 30, 30 + size[0], 30 + size[1]))
    digit = read(tmp_path / "digit.png", image)
    assert digit.sum() >= 20


@pytest.mark.parametrize("content", [b"", b"no picture\n"], ids=["empty", "text"])
def test_file_that_is_no_picture(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "digit.png"
    path.write_bytes(content)
    with pytest.raises(PictureError, match=rf"{path} is not a picture"):
        read_digit(path)


def test_truncated_picture(tmp_path: Path, ink: NDArray[np.uint8]) -> None:
    path = tmp_path / "digit.png"
    Image.fromarray(ink).save(path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(PictureError, match=rf"{path} is not a picture"):
        read_digit(path)


@pytest.mark.parametrize("colour", ["white", "black", "#00000000"])
def test_blank_picture(tmp_path: Path, colour: str) -> None:
    path = tmp_path / "blank.png"
    Image.new("RGBA", (50, 50), colour).save(path)
    with pytest.raises(PictureError, match=rf"{path} shows no digit"):
        read_digit(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=rf"no picture {tmp_path}/none.png"):
        read_digit(tmp_path / "none.png")


def test_too_many_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "MAX_PIXELS", 1000)
    path = tmp_path / "large.png"
    Image.new("L", (40, 30)).save(path)
    with pytest.raises(PictureError, match=rf"{path} has 40 x 30 pixels; 1,000 are allowed"):
        read_digit(path)
