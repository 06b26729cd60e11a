"""A picture file with one digit on it -> the digit framed as MNIST framed its own."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from skimage.filters import threshold_otsu
from skimage.measure import centroid
from skimage.transform import rescale

MAX_PIXELS = 50_000_000  # a larger picture is not decoded
SIDE, BOX = 28, 20  # LeCun et al. 1998: the digit fits a 20x20 box in a 28x28 frame


class PictureError(ValueError):
    """A file that is no picture, or a picture without ink."""


def read_digit(path: Path | str) -> NDArray[np.float32]:
    """The one digit of a picture, framed as MNIST: ink white, 20 px, centre of mass at the centre.

    The paper is what the border shows; transparent pixels are white paper.

    Returns:
        float32 (28, 28), ink 1 on 0.

    Raises:
        PictureError: the file cannot be read as a picture, is too large or shows one plain colour.
        FileNotFoundError: there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no picture {path}")
    try:
        with Image.open(path) as file:
            if file.width * file.height > MAX_PIXELS:
                size = f"{file.width} x {file.height}"
                raise PictureError(f"{path} has {size} pixels; {MAX_PIXELS:,} are allowed")
            picture = ImageOps.exif_transpose(file).convert("RGBA")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(f"{path} is not a picture that can be read") from error
    white = Image.new("RGBA", picture.size, "white")
    gray = np.asarray(Image.alpha_composite(white, picture).convert("L"), np.float32) / 255
    border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    ink = np.abs(gray - np.median(border))
    if ink.max() < 0.1:
        raise PictureError(f"{path} shows no digit: it is one plain colour")
    ink /= ink.max()
    rows, columns = np.nonzero(ink > threshold_otsu(ink))
    ink = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    ink = rescale(ink, BOX / max(ink.shape), anti_aliasing=True).astype(np.float32)
    return _centred(ink / ink.max())


def _centred(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """A digit of at most 20x20 in a 28x28 frame, its centre of mass as near the centre as fits."""
    framed = np.zeros((SIDE, SIDE), np.float32)
    height, width = ink.shape
    middle = SIDE / 2  # MNIST's own digits have it within half a pixel of row and column 14
    row, column = np.round(middle - centroid(ink)).astype(int)
    row, column = np.clip(row, 0, SIDE - height), np.clip(column, 0, SIDE - width)
    framed[row : row + height, column : column + width] = ink
    return framed
