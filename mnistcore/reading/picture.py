"""Any picture -> one plane of ink: the file opened, its polarity found, its light flattened out."""

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
from scipy import ndimage
from skimage.measure import label

MAX_PIXELS = 100_000_000  # a larger picture is not decoded
TOO_MANY = f"at most {MAX_PIXELS // 10**6} million pixels are read"
QUIET = threading.Lock()  # which warnings are shown is one setting of all threads
MAX_SIDE = 1600  # pixels; a larger picture is shrunk: a digit on a page is still 40 px high

Plane = NDArray[np.float32]  # (H, W), ink in [0, 1] where nothing else is said
Picture = Path | str | bytes | Image.Image | NDArray[Any]


class PictureError(ValueError):
    """Something that is no picture, or none that can be read."""


@dataclass(frozen=True)
class Ink:
    """A picture and the ink on it."""

    picture: NDArray[np.uint8]  # (H, W, 3), its transparent parts filled
    ink: Plane  # (H, W), 1 ink, 0 paper
    scale: float  # pixels of the given picture in one of these, at least 1
    notes: list[str]  # what was done and why, a sentence each


def read_ink(picture: Picture) -> Ink:
    """Any picture as one plane of ink.

    Args:
        picture: a file, its bytes, a PIL image, or an array (H, W) or (H, W, C) of gray, gray and
            alpha, RGB or RGBA: integers up to 255 or 65,535, floats up to 1 (or 255), booleans.
            Transparent is paper; dark on light or light on dark is found out.

    Raises:
        PictureError: it is no picture, cannot be decoded, or is too large.
        FileNotFoundError: there is no such file.
    """
    rgba, scale = _load(picture)
    rgb, notes = _on_paper(rgba)
    if scale > 1:
        notes.insert(0, f"Shrunk {scale:.3g} times: more pixels would show no more of a digit.")
    ink, how = _flatten(rgb)
    sheet = _sheet(ink)
    if sheet is not None:
        notes.append("A sheet lies on something else: what is on the sheet is read.")
        ink, how = _flatten(np.where(sheet[:, :, None], rgb, np.median(rgb[sheet], 0)))
    return Ink(np.round(rgb * 255).astype(np.uint8), ink, scale, [*notes, how])


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
            with suppress(TypeError):  # of a number of channels that Pillow does not know
                return _decode(Image.fromarray(picture))  # several times as fast
        return _from_array(picture)
    try:
        with QUIET, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, about sizes and odd metadata
            if isinstance(picture, Image.Image):
                return _decode(picture)
            with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as file:
                width = file.width
                if file.format == "JPEG":  # decoded at a half, a fourth or an eighth
                    _check_size(*file.size)
                    file.draft("RGB", (MAX_SIDE, MAX_SIDE))
                drafted = width / file.width
                rgba, scale = _decode(file)
                return rgba, scale * drafted
    except (FileNotFoundError, IsADirectoryError):
        raise FileNotFoundError(f"no picture {picture!s}") from None
    except PermissionError:
        raise PictureError(f"{picture!s} may not be read; change its permissions") from None
    except Image.DecompressionBombError:
        raise PictureError(f"the picture is too large; {TOO_MANY}") from None
    except PictureError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever they trip over
        name = Path(picture).name[:80] if isinstance(picture, str | Path) else "the data"
        raise PictureError(f"{name} is not a picture that can be read") from error


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

    Full light is ``top``: by default the least of 1, 255 and 65,535 that nothing exceeds.
    """
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 2, 3, 4):
        raise PictureError(
            f"an array of shape {array.shape} is no picture; it must be (H, W) or (H, W, 1 to 4)"
        )
    _check_size(array.shape[1], array.shape[0])
    if array.dtype.kind not in "buif":
        raise PictureError(f"an array of {array.dtype} is no picture; it must hold numbers")
    lowest, highest = float(array.min()), float(array.max())
    if not (lowest >= 0 and highest <= 65535):  # so neither is NaN
        raise PictureError(
            f"the picture has values from {lowest:g} to {highest:g}; "
            "they must be from 0 to 1, to 255 or to 65,535"
        )
    top = top or next(limit for limit in (1, 255, 65535) if highest <= limit)
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
    if values.shape[2] in (1, 3):
        return _means(values, factor), float(factor)
    alpha = values[:, :, -1:].astype(np.float32)
    weights = _means(alpha, factor)
    colours = _means(values[:, :, :-1] * alpha, factor)  # what is transparent adds none
    return np.concatenate([colours / np.maximum(weights, 1e-6), weights], 2), float(factor)


def _means(values: NDArray[Any], factor: int) -> Plane:
    """The means of blocks of ``factor`` rows and columns, cut short at the far edges."""
    for axis in (0, 1):
        starts = np.arange(0, values.shape[axis], factor)
        sizes = np.diff(starts, append=values.shape[axis])
        sums = np.add.reduceat(values, starts, axis, dtype=np.float32)
        values = sums / sizes.astype(np.float32).reshape([-1, 1, 1] if axis == 0 else [1, -1, 1])
    return values


def _on_paper(rgba: Plane) -> tuple[Plane, list[str]]:
    """RGBA (H, W, 4) -> RGB (H, W, 3), laid on a paper on which its ink can be seen."""
    rgb, alpha = rgba[:, :, :3], rgba[:, :, 3:]
    if alpha.min() == 1:
        return rgb, []
    visible = alpha[:, :, 0] > alpha.max() / 2
    if not visible.any():
        return np.ones_like(rgb), ["All of it is transparent."]
    colours = rgb[visible]
    if visible.mean() < 0.5 or colours.std(0).max() < 0.1:  # ink on nothing
        paper = np.full(3, float(colours.mean() < 0.5), np.float32)
    else:  # a picture with a hole
        paper = np.median(colours, 0)
    note = f"Transparent: laid on {'white' if paper.mean() > 0.5 else 'black'}."
    return rgb * alpha + paper * (1 - alpha), [note]


MIN_CONTRAST = 0.06  # of ink to its paper, where black on white is 1
PLAIN = 0.01  # a plain colour varies by less; the paper of a photograph varies more
NOISE = 6  # standard deviations of the paper's grain: ink stands out by more


def _flatten(rgb: Plane) -> tuple[Plane, str]:
    """The ink of a picture, (H, W) in [0, 1], and how it was told from the paper."""
    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    paper = np.median(border, 0)
    planes = np.ascontiguousarray(np.moveaxis(rgb, 2, 0))  # numpy is slow along an axis of three
    contrast = np.abs(planes - paper[:, None, None]).max(0)
    on_border = np.abs(border - paper).max(1)
    if (contrast < PLAIN).mean() < 0.35 or (on_border < 3 * PLAIN).mean() < 0.6:
        return _flatten_photo(rgb)
    grain = float(np.sqrt(np.mean(contrast[contrast < 3 * PLAIN] ** 2)))
    peak = _peak(contrast)
    if peak < max(MIN_CONTRAST, NOISE * grain):
        return np.zeros_like(contrast), "One plain colour: no ink."
    ink = np.clip(contrast / peak, 0, 1)
    return ink, f"{_polarity(paper.mean() > 0.5)}: the border shows the plain colour of the paper."


def _sheet(ink: Plane) -> NDArray[np.bool_] | None:
    """Where a sheet of paper is, (H, W), if one lies on something else that the border shows."""
    mask = ink > 0.5
    if mask.mean() < 0.2:
        return None
    labels = label(mask, connectivity=2)
    solid = labels == np.bincount(labels[labels > 0]).argmax()
    filled = ndimage.binary_fill_holes(solid)
    rows, columns = np.nonzero(filled)
    sides = np.ptp(rows) + 1, np.ptp(columns) + 1
    wide = min(side / whole for side, whole in zip(sides, ink.shape, strict=True))
    holes = 1 - solid.sum() / filled.sum()  # the ink on it, if it is a sheet
    if min(sides) < 50 or wide < 0.4 or holes > 0.3 or filled.all():
        return None
    turned = np.exp(1j * np.radians(np.arange(-20, 21, 2)))[:, None] * (columns + 1j * rows)[::7]
    if len(rows) < 0.93 * (np.ptp(turned.real, axis=1) * np.ptp(turned.imag, axis=1)).min():
        return None  # no rectangle
    soft = max(1, int(min(sides)) // 50)  # its edge is blurred
    return ndimage.binary_erosion(filled, iterations=soft)


def _polarity(dark_ink: bool) -> str:
    return "Dark ink on light paper" if dark_ink else "Light ink on dark paper"


def _peak(contrast: NDArray[Any]) -> float:
    """The contrast of full ink: that of the strongest few pixels, but not of one alone."""
    count = min(contrast.size, max(8, min(contrast.size // 5000, 30)))
    inked = contrast[contrast > 0]  # without the paper's many equal pixels, ten times as fast
    return float(np.partition(inked, -count)[-count]) if inked.size >= count else 0.0


def _is_dark_ink(gray: NDArray[Any]) -> bool:
    """Whether the thin things of a photograph are darker than what they lie on, or lighter.

    Strokes are narrow at some scale and shadows are not: at each octave the few places that
    differ most from their surroundings are compared, the darker ones with the lighter.
    """
    octave = np.log(gray + 0.05)  # as the eye does: in shadow, less light is as much contrast
    darker = lighter = 0.0
    while min(octave.shape) >= 6:
        detail = octave - ndimage.gaussian_filter(octave, 2, mode="nearest")
        few = max(4, detail.size // 2000)
        darker -= np.partition(detail.ravel(), few)[few]
        lighter += np.partition(detail.ravel(), -few)[-few]
        octave = ndimage.gaussian_filter(octave, 0.8)[::2, ::2]
    return darker >= lighter


def _flatten_photo(rgb: Plane) -> tuple[Plane, str]:
    longest = max(rgb.shape[:2])
    gray = ndimage.gaussian_filter(rgb.mean(2), longest / 800)
    dark_ink = _is_dark_ink(gray)
    if not dark_ink:
        gray = 1 - gray
    # Twice: what is wider than the window is a shadow, and strokes are as wide as they prove to be.
    step = math.ceil(longest / 400)
    coarse = gray[::step, ::step]
    ink = _darker(coarse, max(3, max(coarse.shape) // 4))
    strokes = ndimage.distance_transform_edt(ink > _peak(ink) / 2)
    width = 4 * step * float(strokes[strokes > 0].mean()) if strokes.any() else longest / 16
    ink = _darker(gray, max(3, math.ceil(4 * width)))
    least, paper_ink = np.quantile(ink, [0.05, 0.3])  # of the paper, even if half of all is ink
    grain = float(paper_ink - least)  # about its standard deviation
    peak = _peak(ink)
    if peak < max(MIN_CONTRAST, paper_ink + NOISE * grain):
        return np.zeros_like(ink), "No ink stands out from the paper."
    floor = paper_ink + 3 * grain
    ink = np.clip((ink - floor) / (peak - floor), 0, 1).astype(np.float32)
    return ink, f"{_polarity(dark_ink)}; its light and shade are taken out."


def _darker(gray: NDArray[Any], window: int) -> NDArray[Any]:
    """By how much, of 1, each place is darker than the paper around it.

    The paper is a morphological closing: what is dark and narrower than the window is filled. A
    slope of light goes on beyond the border, so that its dark end is not taken for something dark.
    """
    margin = min(window, *(side - 1 for side in gray.shape))
    padded = np.pad(gray, margin, mode="reflect", reflect_type="odd")
    paper = ndimage.grey_closing(padded, size=(window, window), mode="nearest")
    paper = paper[margin : margin + gray.shape[0], margin : margin + gray.shape[1]]
    return (paper - gray) / np.maximum(paper, 0.1)
