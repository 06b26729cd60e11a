"""Any picture -> one plane of ink: the file opened, shrunk, laid on paper, its ink found."""

import io
import math
import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mnistcore.reading.ink import Plane, find_ink
from mnistcore.reading.paper import take_paper

MAX_PIXELS = 100_000_000  # a larger picture is not decoded
TOO_MANY = f"at most {MAX_PIXELS // 10**6} million pixels are read"
QUIET = threading.Lock()  # which warnings are shown is one setting of all threads
MAX_SIDE = 1600  # pixels; a larger picture is shrunk: a digit on a page is still 40 px high
FULL_LIGHT = 1, 255, 65535  # of floats and booleans, of 8 and of 16 bits

# Paper under transparent parts: the colour on which the rest can be seen.
VISIBLE = 0.5  # of the largest alpha; more counts as visible
INK_AREA = 0.5  # of the picture: what is visible is ink if it covers less, or
ONE_COLOUR = 0.1  # if its colours' standard deviation is less; otherwise it is a picture

Picture = Path | str | bytes | Image.Image | NDArray[Any]


class PictureError(ValueError):
    """Something that is not a picture, or not one that can be read."""


@dataclass(frozen=True)
class Ink:
    """A picture and the ink on it."""

    picture: NDArray[np.uint8]  # (H, W, 3), its transparent parts filled
    ink: Plane  # (H, W), 1 ink, 0 paper: what was written
    printed: Plane  # (H, W), likewise: lines, forms and frames on the paper
    scale: float  # pixels of the given picture in one of these, at least 1
    notes: list[str]  # what was done and why, one sentence each


def read_ink(picture: Picture) -> Ink:
    """Any picture as one plane of ink.

    Args:
        picture: a file, its bytes, a PIL image, or an array (H, W) or (H, W, C) of gray, gray and
            alpha, RGB or RGBA: integers up to 255 or 65,535, floats up to 1 (or 255), booleans.
            Transparent parts count as paper. Dark ink on light paper and light on dark both work.

    Raises:
        PictureError: it is not a picture, cannot be decoded, or is too large.
        FileNotFoundError: there is no such file.
    """
    rgba, scale = _load(picture)
    rgb, notes = _on_paper(rgba)
    if scale > 1:
        notes.insert(0, f"Shrunk {scale:.3g} times: more pixels would show no more of a digit.")
    ink, how = find_ink(rgb)
    paper = take_paper(ink)
    shown = np.round(rgb * 255).astype(np.uint8)
    return Ink(shown, paper.ink, paper.printed, scale, [*notes, *how, *paper.notes])


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PictureError(f"the picture has {width} x {height} pixels; {TOO_MANY}")
    if width * height == 0:
        raise PictureError("the picture has no pixels")


def _load(picture: Picture) -> tuple[Plane, float]:
    """RGBA, float32 (H, W, 4) in [0, 1], at most MAX_SIDE long, and how much it was shrunk."""
    if isinstance(picture, np.ndarray):
        bytes_ = picture.dtype == np.uint8 and picture.ndim in (2, 3) and picture.size > 0
        if bytes_ and max(picture.shape) > MAX_SIDE and picture.max() > 1:
            with suppress(TypeError):  # for a number of channels that Pillow does not know
                return _decode(Image.fromarray(picture))  # several times as fast
        return _from_array(picture)
    if not isinstance(picture, Path | str | bytes | Image.Image):
        raise PictureError(
            f"a {type(picture).__name__} is not a picture; "
            "give a file, its bytes, a PIL image or a NumPy array"
        )
    try:
        with QUIET, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from Pillow, about sizes and odd metadata
            return _decode(picture) if isinstance(picture, Image.Image) else _open(picture)
    except FileNotFoundError:
        raise FileNotFoundError(f"no picture {str(picture) or repr('')}") from None
    except IsADirectoryError:
        raise FileNotFoundError(f"no picture {picture!s}: it is a folder") from None
    except PermissionError:
        raise PictureError(f"{picture!s} may not be read; change its permissions") from None
    except Image.DecompressionBombError:
        raise PictureError(f"the picture is too large; {TOO_MANY}") from None
    except PictureError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever they trip over
        name = Path(picture).name[:80] if isinstance(picture, str | Path) else "the data"
        raise PictureError(f"{name} is not a picture that can be read") from error


def _open(picture: Path | str | bytes) -> tuple[Plane, float]:
    """A picture file, or its bytes, as :func:`_load` gives it."""
    with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as file:
        width = file.width
        if file.format == "JPEG":  # decoded at a half, a quarter or an eighth of its size
            _check_size(*file.size)
            file.draft("RGB", (MAX_SIDE, MAX_SIDE))
        drafted = width / file.width
        rgba, scale = _decode(file)
        return rgba, scale * drafted


def _decode(image: Image.Image) -> tuple[Plane, float]:
    """The first frame of a picture, upright, as :func:`_load` gives it."""
    _check_size(*image.size)
    if image.mode.startswith(("I", "F")):  # 16 or 32 bits a pixel
        return _from_array(np.asarray(ImageOps.exif_transpose(image)))
    transparent = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
    upright = ImageOps.exif_transpose(image).convert("RGBA" if transparent else "RGB")
    factor = math.ceil(max(upright.size) / MAX_SIDE)
    return _from_array(np.asarray(upright.reduce(factor)), 255)[0], float(factor)


def _from_array(array: NDArray[Any], top: int | None = None) -> tuple[Plane, float]:
    """Gray, gray and alpha, RGB or RGBA of any number type, as :func:`_load` gives it.

    Full light is ``top``: by default the least of FULL_LIGHT that nothing exceeds.
    """
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 2, 3, 4):
        raise PictureError(
            f"an array of shape {array.shape} is not a picture; it must be (H, W) or (H, W, 1 to 4)"
        )
    _check_size(array.shape[1], array.shape[0])
    if array.dtype.kind not in "buif":
        raise PictureError(f"an array of {array.dtype} is not a picture; it must hold numbers")
    lowest, highest = float(array.min()), float(array.max())
    if not (lowest >= 0 and highest <= FULL_LIGHT[-1]):  # so neither is NaN
        raise PictureError(
            f"the picture has values from {lowest:g} to {highest:g}; "
            "they must be from 0 to 1, to 255 or to 65,535"
        )
    top = top or next(limit for limit in FULL_LIGHT if highest <= limit)
    values, factor = _shrink(array.reshape(*array.shape[:2], channels))
    values /= np.float32(top)
    if channels < 3:
        values = np.concatenate([values[:, :, [0, 0, 0]], values[:, :, 1:]], 2)
    if values.shape[2] == 3:
        values = np.concatenate([values, np.ones_like(values[:, :, :1])], 2)
    return values, factor


def _shrink(values: NDArray[Any]) -> tuple[Plane, float]:
    """An array (H, W, C), its rows and columns at most MAX_SIDE, and by how much it was shrunk."""
    factor = math.ceil(max(values.shape[:2]) / MAX_SIDE)
    if factor == 1:
        return values.astype(np.float32), 1.0

    def reduced(channel: NDArray[Any]) -> Plane:
        return np.asarray(Image.fromarray(channel.astype(np.float32)).reduce(factor))

    channels = [values[:, :, c] for c in range(values.shape[2])]
    if len(channels) in (1, 3):
        return np.dstack([reduced(channel) for channel in channels]), float(factor)
    *colours, alpha = channels
    weights = reduced(alpha)
    alpha = alpha.astype(np.float32)  # what is transparent adds no colour
    shrunk = [reduced(colour * alpha) / np.maximum(weights, 1e-6) for colour in colours]
    return np.dstack([*shrunk, weights]), float(factor)


def _on_paper(rgba: Plane) -> tuple[Plane, list[str]]:
    """RGBA (H, W, 4) -> RGB (H, W, 3), laid on a paper on which its ink can be seen."""
    rgb, alpha = rgba[:, :, :3], rgba[:, :, 3:]
    if alpha.min() == 1:
        return rgb, []
    visible = alpha[:, :, 0] > VISIBLE * alpha.max()
    if not visible.any():
        return np.ones_like(rgb), ["All of it is transparent."]
    colours = rgb[visible]
    if visible.mean() < INK_AREA or colours.std(0).max() < ONE_COLOUR:  # ink on nothing
        paper = np.full(3, float(colours.mean() < 0.5), np.float32)
    else:  # a picture with a hole
        paper = np.median(colours, 0)
    note = f"Transparent: laid on {'white' if paper.mean() > 0.5 else 'black'}."
    return rgb * alpha + paper * (1 - alpha), [note]
