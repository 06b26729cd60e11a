"""Digits as the tests of the reader draw them: ink in [0, 1], and what it is laid on."""

import numpy as np
from PIL import Image

from mnistcore.benchmark.scenes import Pixels
from mnistcore.pens.font import DIGITS
from mnistcore.pens.strokes import pen_strokes, render
from mnistcore.reading.picture import Plane


def pen(name: str, height: int = 150, width: float = 16) -> Plane:
    """A digit, or one form of it in our font, by the same hand, its longer side ``height``."""
    form = next(form for known, form in DIGITS.items() if known.startswith(name))
    strokes = pen_strokes(form, np.random.default_rng(0))
    points = np.concatenate(strokes)
    low = points.min(0)
    scale = (height - width) / np.ptp(points, axis=0).max()
    ink = render([(s - low) * scale + width / 2 for s in strokes], height, width)
    rows, columns = np.nonzero(ink)
    return ink[: rows.max() + 1, : columns.max() + 1]


def canvas(*parts: tuple[Plane, int, int], shape: tuple[int, int] = (280, 280)) -> Plane:
    """Ink on an empty plane, each part with its left and top."""
    plane = np.zeros(shape, np.float32)
    for ink, left, top in parts:
        area = plane[top : top + ink.shape[0], left : left + ink.shape[1]]
        np.maximum(area, ink, out=area)
    return plane


def digit(name: str, height: int = 150, width: float = 16, side: int = 280) -> Plane:
    """One digit in the middle of a square canvas."""
    ink = pen(name, height, width)
    left, top = (side - ink.shape[1]) // 2, (side - ink.shape[0]) // 2
    return canvas((ink, left, top), shape=(side, side))


def write(lines: list[str], height: int = 80, gap: int = 12, width: float = 9) -> Plane:
    """Numbers on white, line by line, ``gap`` pixels of paper between the digits."""
    parts, right = [], 0
    for row, line in enumerate(lines):
        left = height
        for name in line:
            ink = pen(name, height, width)
            parts.append((ink, left, height + row * height * 2))
            left += ink.shape[1] + gap
        right = max(right, left)
    return canvas(*parts, shape=(len(lines) * 2 * height + height, right + height))


def gray(ink: Plane) -> Pixels:
    """Black on white, uint8 (H, W)."""
    return np.rint((1 - ink) * 255).astype(np.uint8)


def on_nothing(ink: Plane, colour: int = 0, opacity: float = 1) -> Pixels:
    """Ink of a gray on a transparent canvas, RGBA (H, W, 4)."""
    rgba = np.full((*ink.shape, 4), colour, np.uint8)
    rgba[:, :, 3] = np.rint(ink * opacity * 255)
    rgba[ink == 0] = 0  # as an untouched canvas is
    return rgba


def coloured(ink: Plane, pen_colour: str, paper: str) -> Image.Image:
    """RGB."""
    image = Image.new("RGB", ink.shape[::-1], paper)
    image.paste(pen_colour, mask=Image.fromarray(255 - gray(ink)))
    return image
