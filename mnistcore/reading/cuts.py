"""A piece of ink that may be several digits that touch -> its parts between cuts.

A cut runs from the top of a piece to its bottom and crosses as little ink as it can.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mnistcore.reading.pieces import Mask, Piece

FINEST = 64  # rows of the grid on which cuts are looked for
# Shares of the piece's height.
CUTS_APART = 0.1  # between two cuts, at half height
LEAST_PART = 0.15  # width of a part
LEAST_HEIGHT = 0.7  # of a part
WIDEST_PART = 1.6
LEAST_BETWEEN = 0.04  # of the piece's ink, between two cuts
CUT_INK = 0.35  # that a cut crosses, at most
ASIDE = 0.05  # of a pixel of ink: what a step aside costs a cut

# Costs in nats, fitted as those in :mod:`mnistcore.reading.candidates`.
CUT_COST = 0.45  # for each cut
LOW_PART_COST = 9.0  # times the height that a part lacks beyond LOW_PART
LOW_PART = 0.2  # of the whole piece
CUT_INK_COST = 0.45  # times the ink that it crosses, in widths of the stroke


@dataclass(frozen=True)
class Part:
    """What lies between two cuts, or between a cut and an end (start or stop 0)."""

    piece: Piece
    start: int
    stop: int
    cost: float  # of the cut on its left, and of its height


def cut_parts(piece: Piece, most: int) -> list[Part]:
    """The parts between every two of the ``most`` best cuts through a piece."""
    cuts, inked = _least_inked(piece, most)
    width = piece.stroke
    costs = [0.0, *(CUT_COST + CUT_INK_COST * ink / width for ink in inked)]
    edges = [np.zeros(piece.height, int), *cuts, np.full(piece.height, piece.width)]
    parts = []
    for start in range(len(edges) - 1):
        for stop in range(start + 1, len(edges)):
            if stop - start == len(edges) - 1:
                continue  # the whole piece
            part = piece.between(edges[start], edges[stop])
            if not part or part.height < LEAST_HEIGHT * piece.height:
                continue
            if LEAST_PART < part.width / piece.height < WIDEST_PART:
                missing = 1 - part.height / piece.height
                cost = costs[start] + LOW_PART_COST * max(0.0, missing - LOW_PART)
                parts.append(Part(part, start, stop % (len(edges) - 1), cost))
    return parts


def _least_inked(piece: Piece, most: int) -> tuple[list[NDArray[np.int64]], list[float]]:
    """The ways through a piece from its top to its bottom that cross the least ink.

    Returns:
        From left to right: for each way the first column to its right, (height,) each; the pixels
        of ink that each way crosses.
    """
    step = -(-piece.height // FINEST)
    mask = piece.mask[::step, ::step]
    ink = mask.astype(np.float64)
    down, up = _least_ink(ink), _least_ink(ink[::-1])[::-1]
    through = (down + up - ink)[len(ink) // 2]
    margin = max(1, round(LEAST_PART * len(ink)))
    columns = np.arange(mask.shape[1])
    ways: dict[int, NDArray[np.int64]] = {}
    tried: list[int] = []
    for column in np.argsort(through[margin:-margin], kind="stable") + margin:
        if through[column] > CUT_INK * len(ink) or len(ways) == most:
            break
        if any(abs(column - other) <= CUTS_APART * len(ink) for other in tried):
            continue
        tried.append(int(column))
        way = _way(down, up, int(column))
        left = mask & (columns < way[:, None])
        low = min(_height(left), _height(mask & ~left)) < LEAST_HEIGHT * len(ink)
        between = (left ^ (mask & (columns < other[:, None])) for other in ways.values())
        if not low and all(part.sum() > LEAST_BETWEEN * ink.sum() for part in between):
            ways[int(column)] = way
    fine = [np.repeat(step * ways[column], step)[: piece.height] for column in sorted(ways)]
    return fine, [step * float(through[column]) for column in sorted(ways)]


def _height(mask: Mask) -> int:
    """The rows from the first with ink to the last."""
    rows = np.flatnonzero(mask.any(1))
    return int(np.ptp(rows)) + 1 if len(rows) else 0


def _way(down: NDArray[np.float64], up: NDArray[np.float64], column: int) -> NDArray[np.int64]:
    """The way with the least ink through a column of the middle row: its column in every row."""
    height, width = down.shape
    way = np.empty(height, int)
    way[height // 2] = column
    for rows, ink in (
        (range(height // 2 - 1, -1, -1), down),
        (range(height // 2 + 1, height), up),
    ):
        at = column
        for row in rows:
            near = range(max(0, at - 1), min(width, at + 2))
            at = min(near, key=lambda c: ink[row, c] + ASIDE * abs(c - at))
            way[row] = at
    return way


def _least_ink(ink: NDArray[np.float64]) -> NDArray[np.float64]:
    """For every place the least ink on a way from the first row to it, it included."""
    least = np.pad(ink, ((0, 0), (1, 1)), constant_values=np.inf)
    for above, here in pairwise(least):
        aside = np.minimum(above[:-2], above[2:]) + ASIDE
        here[1:-1] += np.minimum(above[1:-1], aside)
    return least[:, 1:-1]
