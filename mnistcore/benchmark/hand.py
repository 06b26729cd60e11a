"""A hand that writes numbers: digits of MNIST and signs, in one size and with one pen.

The ranges are what we assume of hands: nobody measured them. Lengths are shares of the height of
the digits unless noted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistcore.benchmark.photographs import Range
from mnistcore.benchmark.scenes import redraw
from mnistcore.data import BOX
from mnistcore.pens.strokes import render
from mnistcore.reading.picture import Plane

HEIGHT: Range = 40, 100  # pixels
PEN: Range = 1.5, 3.5  # pixels of MNIST's 28
GAP: Range = 0.12, 0.45  # between two characters
UNEVEN: Range = 0.9, 1.1  # times the height, of one digit
RISE = 0.05  # digits stand above or below the line by up to so much

# Signs.
DASH: Range = 0.3, 0.6  # long
SLASH: Range = 1.1, 1.35  # high
SLASH_SLANT: Range = 0.2, 0.45  # across for each unit of height
POINT: Range = 1.1, 1.6  # diameter, times the width of the pen
COLON = 0.65, 0.2  # above the base line

Rng = np.random.Generator


@dataclass(frozen=True)
class Hand:
    """Who writes: the digits that are drawn from, and one size and pen for a whole picture."""

    images: Plane  # (n, 28, 28), of MNIST
    labels: NDArray[np.int64]  # (n,)
    height: int  # pixels
    line: float  # width of the pen, in pixels of MNIST
    rng: Rng

    @property
    def pen(self) -> float:
        """Width of the pen in pixels."""
        return self.line * self.height / BOX

    def draw(self, low_high: Range) -> float:
        """A random length of a range given as a share of the height, in pixels."""
        return float(self.rng.uniform(*low_high) * self.height)

    def digit(self, height: float) -> tuple[Plane, str]:
        """A random digit of about that height, and which one it is."""
        chosen = self.rng.integers(len(self.images))
        rows, columns = np.nonzero(self.images[chosen])
        wide = max(1, (np.ptp(columns) + 1) / (np.ptp(rows) + 1))
        scaled = round(height * self.rng.uniform(*UNEVEN) * wide)
        return redraw(self.images[chosen], scaled, self.line), str(self.labels[chosen])

    def sign(self, name: str) -> tuple[Plane, float]:
        """A sign, and how far its lower edge is above the base line, in pixels."""
        height, pen = self.height, self.pen
        if name == "-":
            return stroke([(0, 0), (self.draw(DASH), 0)], width=pen), 0.5 * height - pen / 2
        if name == "/":
            tall = self.draw(SLASH)
            across = self.rng.uniform(*SLASH_SLANT) * tall
            return stroke([(across, 0), (0, tall)], width=pen), -(tall - height) / 2
        dot = pen * self.rng.uniform(*POINT)
        if name == ".":
            return stroke([(0, 0), (0.5, 0)], width=dot), 0.0
        if name == ",":
            return stroke([(0.6 * dot, 0), (0, 1.6 * dot)], width=pen), -dot
        upper, lower = (height * share for share in COLON)
        points = ([(0, y), (0.5, y)] for y in (0, upper - lower))
        return stroke(*points, width=dot), lower

    def line_of(self, pattern: str, heights: Range | None = None) -> tuple[Plane, str]:
        """One line of characters, trimmed, and its text; "d" in the pattern is any digit."""
        inks, rises, text = [], [], ""
        for name in pattern:
            if name == "d":
                share = self.rng.uniform(*heights) if heights else 1.0
                ink, name = self.digit(self.height * share)
                rise = self.draw((-RISE, RISE))
            else:
                ink, rise = self.sign(name)
            text += name
            inks.append(ink)
            rises.append(round(rise))
        top = max(ink.shape[0] + rise for ink, rise in zip(inks, rises, strict=True))
        depth = max(0, -min(rises))
        gaps = [round(self.draw(GAP)) for _ in inks[1:]]
        width = sum(ink.shape[1] for ink in inks) + sum(gaps)
        line = np.zeros((top + depth, width), np.float32)
        left = 0
        for ink, rise, gap in zip(inks, rises, [*gaps, 0], strict=True):
            put(line, ink, left, top - rise - ink.shape[0])
            left += ink.shape[1] + gap
        return line, text


def put(plane: Plane, ink: Plane, left: float, top: float) -> None:
    """Draw ink on a plane, all of it inside."""
    rows = slice(round(top), round(top) + ink.shape[0])
    columns = slice(round(left), round(left) + ink.shape[1])
    np.maximum(plane[rows, columns], ink, out=plane[rows, columns])


def stroke(*strokes: list[tuple[float, float]], width: float) -> Plane:
    """Strokes from point to point, x and y in pixels, as trimmed ink."""
    points = [np.array(one, np.float32) for one in strokes]
    low = np.concatenate(points).min(0) - width / 2 - 1
    high = np.concatenate(points).max(0) + width / 2 + 1
    ink = render([one - low for one in points], int(np.ceil((high - low).max())), width)
    rows, columns = np.nonzero(ink)
    return ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def random_hand(images: Plane, labels: NDArray[np.int64], rng: Rng) -> Hand:
    """A hand of random size and pen; see :class:`Hand`."""
    return Hand(images, labels, round(rng.uniform(*HEIGHT)), rng.uniform(*PEN), rng)
