"""Digits as the tests of the reader draw them: ink in [0, 1], and pictures of it."""

from typing import Any

import numpy as np
from PIL import Image

from mnistcore.benchmark.scenes import Pixels
from mnistcore.pens.font import DIGITS
from mnistcore.pens.strokes import pen_strokes, render
from mnistcore.reading.picture import Plane
from mnistcore.reading.pieces import Box
from mnistcore.reading.recognizer import Reading, Recognizer, read

RECOGNIZER = Recognizer(device="cpu")


def pen(name: str, height: int = 150, width: float = 16) -> Plane:
    """A digit, or one form of it in our font, in one hand, its longer side ``height``."""
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


def on_lined_paper(ink: Plane, squared: bool) -> Pixels:
    """Ink on ruled or squared paper, RGB."""
    paper = np.full((*ink.shape, 3), (245, 243, 235), np.uint8)
    paper[20::40] = paper[21::40] = (150, 170, 210)
    if squared:
        paper[:, 15::40] = paper[:, 16::40] = (150, 170, 210)
    return np.where(ink[:, :, None] > 0.5, np.array([30, 30, 60], np.uint8), paper)


def assert_reads(picture: Any, text: str) -> Reading:
    """The picture is read as this, for sure."""
    reading = read(picture)
    assert (reading.text, reading.verdict, reading.reason) == (text, "digit", "")
    return reading


def boxes(ink: Plane) -> list[list[Box]]:
    """The boxes of the digits found, line by line."""
    lines = RECOGNIZER.read(gray(ink)).graph.lines
    return [[found.box for found in line if found.answer] for line in lines]


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
