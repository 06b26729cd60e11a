"""Pieces of ink -> lines of text, before it is known which pieces are one digit.

For how the thresholds were measured, see :mod:`mnistcore.reading.pieces`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from statistics import median

import numpy as np

from mnistcore.reading.pieces import Piece

# A piece is on a line if they overlap by more than this share of the lower one's height. 0.5
# misreads one digit.
SAME_LINE = 0.4
LOW = 0.5  # of the tallest piece: what is lower finds no line, but joins the nearest
BESIDE_LINE = 0.3  # of the line's height, between it and the centre of a low piece that joins it
FULL = 0.5  # of the tallest piece on a line, for the height of a digit

# Pieces that may be one digit broken in two, one part above the other.
STACKED = 0.4  # of the narrower piece's width, by which one lies above the other
PART_HEIGHT = 0.5  # of the taller piece: what is lower is a part of a digit, such as a bar
PART_GAP = 0.3  # between a digit and a part above or below it; 0.24 misreads one digit more
WHOLE_GAP = 0.1  # between two pieces of similar height; both are shares of the height of both


@dataclass(frozen=True, eq=False)
class Line:
    """Pieces on one line, from left to right."""

    pieces: list[Piece]
    specks: list[Piece]  # too small for a digit, but perhaps a point or a part of a colon

    @cached_property
    def full(self) -> list[Piece]:
        """The pieces as high as a digit."""
        tallest = max(piece.height for piece in self.pieces)
        return [piece for piece in self.pieces if piece.height >= FULL * tallest]

    @cached_property
    def height(self) -> float:
        """The median height of its digits, in pixels."""
        return float(np.median([piece.height for piece in self.full]))

    @cached_property
    def stroke(self) -> float:
        """The median width of its digits' strokes, in pixels."""
        return float(np.median([piece.stroke for piece in self.full]))


def find_lines(pieces: Sequence[Piece], specks: Sequence[Piece]) -> list[Line]:
    """Pieces in lines from top to bottom. Specks far from every line are left out."""
    least = LOW * max(piece.height for piece in pieces)
    rows = _rows([piece for piece in pieces if piece.height >= least])
    heads = [list(row) for row in rows]
    alone: list[Piece] = []
    for piece in pieces:
        if piece.height < least:
            row = _nearest(piece, heads)
            (rows[row] if row is not None else alone).append(piece)
    beside: list[list[Piece]] = [[] for _ in heads]
    for speck in specks:
        row = _nearest(speck, heads)
        if row is not None:
            beside[row].append(speck)
    lines = [Line(_left_to_right(row), own) for row, own in zip(rows, beside, strict=True)]
    lines += [Line(_left_to_right(row), []) for row in _rows(alone)]
    return sorted(lines, key=lambda line: float(np.mean([piece.top for piece in line.pieces])))


def _left_to_right(pieces: list[Piece]) -> list[Piece]:
    return sorted(pieces, key=lambda piece: piece.left + piece.right)


def _rows(pieces: list[Piece]) -> list[list[Piece]]:
    """Pieces grouped by the rows that they share."""
    rows: list[list[Piece]] = []
    edges: list[tuple[float, float]] = []  # of each row, the medians of its tops and bottoms
    for piece in sorted(pieces, key=lambda p: p.top + p.bottom):
        for k, (top, bottom) in enumerate(edges):
            overlap = min(bottom, piece.bottom) - max(top, piece.top)
            if overlap > SAME_LINE * min(piece.height, bottom - top):
                rows[k].append(piece)
                edges[k] = median(p.top for p in rows[k]), median(p.bottom for p in rows[k])
                break
        else:
            rows.append([piece])
            edges.append((piece.top, piece.bottom))
    return rows


def _nearest(piece: Piece, rows: list[list[Piece]]) -> int | None:
    """The row that is nearest to the centre of a low piece, beside its nearest piece there."""
    distances = []
    for row in rows:
        near = min(row, key=lambda p: max(0, -p.columns_shared(piece)))
        centre = (piece.top + piece.bottom) / 2
        away = max(0.0, near.top - centre, centre - near.bottom)
        distances.append(away / near.height)
    best = int(np.argmin(distances))
    return best if distances[best] < BESIDE_LINE else None


def join_stacked(pieces: Sequence[Piece]) -> tuple[list[Piece], list[float]]:
    """The pieces, those joined that lie close above each other, the nearest first.

    Returns:
        The pieces; the gaps that were closed, each a share of the height of both.
    """
    found, closed = list(pieces), []
    gaps = {pair: gap for pair in combinations(found, 2) if (gap := _stack_gap(*pair)) is not None}
    while gaps:
        a, b = min(gaps, key=gaps.__getitem__)
        closed.append(gaps[a, b])
        both = a.joined(b)
        found = [piece for piece in found if piece not in (a, b)]
        gaps = {pair: gap for pair, gap in gaps.items() if a not in pair and b not in pair}
        gaps |= {
            (piece, both): gap for piece in found if (gap := _stack_gap(piece, both)) is not None
        }
        found.append(both)
    return found, closed


def _stack_gap(a: Piece, b: Piece) -> float | None:
    """The gap between a piece and one above or below it; None if they are apart or side by side."""
    if a.columns_shared(b) < STACKED * min(a.width, b.width):
        return None
    small, large = sorted((a.height, b.height))
    most = PART_GAP if small < PART_HEIGHT * large else WHOLE_GAP
    both = max(a.bottom, b.bottom) - min(a.top, b.top)
    size = max(both, max(a.right, b.right) - min(a.left, b.left))
    gap = max(0, -a.rows_shared(b)) / size
    return gap if gap < most else None
