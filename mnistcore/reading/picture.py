"""Any picture -> one plane of ink: the file opened, shrunk, laid on paper, its ink found."""

import base64
import io
import math
import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from skimage.morphology import convex_hull_image
from torch import Tensor

from mnistcore.reading.ink import Plane, find_ink
from mnistcore.reading.paper import take_paper

MAX_PIXELS = 100_000_000  # a larger picture is not decoded
TOO_MANY = f"at most {MAX_PIXELS // 10**6} million pixels are read"
QUIET = threading.Lock()  # which warnings are shown is one setting of all threads
MAX_SIDE = 1600  # pixels; a larger picture is shrunk: a digit on a page is still 40 px high
CHANNELS = 1, 2, 3, 4  # gray, gray and alpha, RGB, RGBA
FULL_LIGHT = 1, 255, 65535  # of floats and booleans, of 8 and of 16 bits
# Bytes up to 16 are few grays, as scikit-learn's digits have them; a photograph that dark would
# show nothing.
FEW_GRAYS = 16
DATA_URL = "data:image/"  # begins a picture that is given as text

# Paper under transparent parts: the colour on which the rest can be seen.
VISIBLE = 0.5  # of the largest alpha; more counts as visible
INK_AREA = 0.5  # of the picture: what is visible is ink if it covers less, or
ONE_COLOUR = 0.1  # if its colours' standard deviation is less; otherwise it is a picture
# A card on a transparent picture: solid, and with something on it.
CARD_SOLID = 0.93  # of its convex hull, at least: as of a sheet of paper, see `ink.py`
CARD_SIDE = 200  # pixels of the longer side of the picture in which its shape is measured
CARD_CONTRAST = 0.3  # of full light: what is written on it differs that much from its median
CARD_INK = 0.002  # of it, at least: a 1 a fifth as high as the card covers twice as much

Picture = (
    Path
    | str
    | bytes
    | bytearray
    | memoryview
    | Image.Image
    | NDArray[Any]
    | Tensor
    | list[Any]
    | dict[str, Any]
)
KINDS = (
    "a file's path, its bytes, a data URL, a PIL image, an array, a tensor, a list of rows, or the "
    "dict of Gradio's editor"
)


class PictureError(ValueError):
    """Something that is not a picture, or not one that can be read."""


@dataclass(frozen=True)
class Ink:
    """A picture and the ink on it."""

    picture: NDArray[np.uint8]  # (H, W, 3), its transparent parts filled
    ink: Plane  # (H, W), 1 ink, 0 paper: what was written
    printed: Plane  # (H, W), likewise: lines, forms and frames on the paper
    level: float  # above which a place surely has ink
    scale: float  # pixels of the given picture in one of these, at least 1
    notes: list[str]  # what was done and why, one sentence each


def read_ink(picture: Picture) -> Ink:
    """Any picture as one plane of ink.

    Args:
        picture: a file, its bytes, a data URL, a PIL image, or an array (H, W) or (H, W, C) of
            gray, gray and alpha, RGB or RGBA: integers, floats or booleans from 0 to 65,535. A
            tensor may also be (C, H, W), and a list of rows is an array, too. Of the dict that
            Gradio's editor gives, the "composite" is read. White is 1, 255 or 65,535, the
            smallest that no value exceeds. If all values are whole and the greatest is above 1,
            it is the greatest; but in uint8 with values above FEW_GRAYS it is 255, as in files.
            Transparent parts count as paper. Dark ink on light paper and light on dark both work.

    Raises:
        PictureError: it is not a picture, cannot be decoded, or is too large.
        FileNotFoundError: there is no such file.
    """
    rgba, scale = _load(picture)
    rgb, notes = _on_paper(rgba)
    if scale > 1:
        notes.insert(0, f"Shrunk by a factor of {scale:.3g}: more pixels would add no detail.")
    ink, how = find_ink(rgb)
    paper = take_paper(ink)
    shown = np.round(rgb * 255).astype(np.uint8)
    return Ink(shown, paper.ink, paper.printed, paper.level, scale, [*notes, *how, *paper.notes])


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PictureError(f"the picture has {width} x {height} pixels; {TOO_MANY}")
    if width * height == 0:
        raise PictureError("the picture has no pixels")


def _load(picture: Any) -> tuple[Plane, float]:
    """RGBA, float32 (H, W, 4) in [0, 1], at most MAX_SIDE long, and how much it was shrunk."""
    picture = _unpacked(picture)
    if isinstance(picture, np.ndarray):
        bytes_ = picture.dtype == np.uint8 and picture.ndim in (2, 3) and picture.size > 0
        if bytes_ and max(picture.shape) > MAX_SIDE and picture.max() > FEW_GRAYS:
            with suppress(TypeError):  # for a number of channels that Pillow does not know
                return _decode(Image.fromarray(picture))  # several times as fast
        return _from_array(picture)
    try:
        with QUIET, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from Pillow, about sizes and odd metadata
            return _decode(picture) if isinstance(picture, Image.Image) else _open(picture)
    except FileNotFoundError:
        raise FileNotFoundError(f"no picture {str(picture) or repr('')}") from None
    except IsADirectoryError:
        raise FileNotFoundError(f"no picture {picture!s}: it is a folder") from None
    except PermissionError:
        raise PictureError(f"{picture!s} cannot be read; change its permissions") from None
    except Image.DecompressionBombError:
        raise PictureError(f"the picture is too large; {TOO_MANY}") from None
    except PictureError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever they trip over
        name = Path(picture).name[:80] if isinstance(picture, str | Path) else "the data"
        raise PictureError(f"{name} is not a picture that can be read") from error


def _unpacked(picture: Any) -> Path | str | bytes | Image.Image | NDArray[Any]:
    """A picture of any kind as a file, its bytes, a PIL image or an array."""
    if isinstance(picture, dict) and "composite" in picture:
        picture = picture["composite"]
        if picture is None:
            raise PictureError("the editor's picture is empty: its composite is None")
    if isinstance(picture, str) and picture.startswith(DATA_URL):
        return _from_data_url(picture)
    if isinstance(picture, Tensor):
        return _from_tensor(picture)
    if isinstance(picture, bytearray) or (isinstance(picture, memoryview) and picture.ndim == 1):
        return bytes(picture)
    if isinstance(picture, list | memoryview):
        try:
            return np.array(picture)
        # Rows of several lengths, or of pictures; tensors that numpy cannot take.
        except (ValueError, OverflowError, TypeError, RuntimeError) as error:
            raise PictureError(
                f"this {type(picture).__name__} is not a picture; all of its rows must be equally "
                "long and hold numbers"
            ) from error
    if isinstance(picture, Path | str | bytes | Image.Image | np.ndarray):
        return picture
    raise PictureError(f"a {type(picture).__name__} is not a picture; give {KINDS}")


def _from_data_url(url: str) -> bytes:
    """The file in a data URL (RFC 2397)."""
    header, _, content = url.partition(",")
    try:
        file = unquote_to_bytes(content)
        return base64.b64decode(file) if header.endswith(";base64") else file
    except ValueError as error:
        raise PictureError("the data URL is damaged: its content is not base64") from error


def _from_tensor(tensor: Tensor) -> NDArray[Any]:
    """A tensor (H, W), (C, H, W) or (H, W, C) as an array with its channels last."""
    try:
        tensor = tensor.detach().cpu()
        array = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    except (TypeError, RuntimeError, NotImplementedError) as error:  # sparse, quantised, no data
        raise PictureError(
            f"a tensor of {tensor.dtype}, {tensor.layout}, on {tensor.device} is not a picture; "
            "it must be dense and hold numbers"
        ) from error
    if array.ndim == 3 and array.shape[0] in CHANNELS:
        return np.moveaxis(array, 0, 2)
    return array


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


def _from_array(array: NDArray[Any], top: float | None = None) -> tuple[Plane, float]:
    """Gray, gray and alpha, RGB or RGBA of any number type, as :func:`_load` gives it.

    Full light is ``top``; see :func:`_full_light` for the default.
    """
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in CHANNELS:
        raise PictureError(
            f"an array of shape {array.shape} is not a picture; it must be (H, W) or (H, W, 1 to "
            "4), and a tensor may be (1 to 4, H, W)"
        )
    _check_size(array.shape[1], array.shape[0])
    if array.dtype.kind not in "buif":
        raise PictureError(f"an array of {array.dtype} is not a picture; it must hold numbers")
    lowest, highest = float(array.min()), float(array.max())
    if not (lowest >= 0 and highest <= FULL_LIGHT[-1]):  # so neither is NaN
        raise PictureError(
            f"the picture has values from {lowest:g} to {highest:g}; they must be from 0 to "
            f"{FULL_LIGHT[-1]:,}"
        )
    top = top or _full_light(array, highest)
    values, factor = _shrink(array.reshape(*array.shape[:2], channels))
    values /= np.float32(top)
    if channels < 3:
        values = np.concatenate([values[:, :, [0, 0, 0]], values[:, :, 1:]], 2)
    if values.shape[2] == 3:
        values = np.concatenate([values, np.ones_like(values[:, :, :1])], 2)
    return values, factor


def _full_light(array: NDArray[Any], highest: float) -> float:
    """The value of full light in an array whose greatest value is ``highest``."""
    limit = next(limit for limit in FULL_LIGHT if highest <= limit)
    if limit == 1 or (array.dtype == np.uint8 and highest > FEW_GRAYS):
        return limit
    whole = array.dtype.kind in "iu" or not (array % 1).any()
    return highest if whole else limit


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
        return np.ones_like(rgb), ["The whole picture is transparent."]
    colours = rgb[visible]
    is_ink = visible.mean() < INK_AREA or colours.std(0).max() < ONE_COLOUR
    if is_ink and not _is_card(visible, colours):
        paper = np.full(3, float(colours.mean() < 0.5), np.float32)
    else:  # a picture with a hole, or smaller than its canvas
        paper = np.median(colours, 0)
    note = f"Transparent: laid on {'white' if paper.mean() > 0.5 else 'black'}."
    return rgb * alpha + paper * (1 - alpha), [note]


def _is_card(visible: NDArray[np.bool_], colours: Plane) -> bool:
    """Whether what is visible, (H, W), is a card with something on it, by its colours (n, 3)."""
    differing = np.abs(colours - np.median(colours, 0)).max(1) > CARD_CONTRAST
    if differing.mean() < CARD_INK:
        return False
    step = math.ceil(max(visible.shape) / CARD_SIDE)
    coarse = visible[::step, ::step]
    return bool(coarse.sum() >= CARD_SOLID * convex_hull_image(coarse).sum() > 0)
