"""Which pieces of ink are one digit together, and which piece is several digits that touch.

First by geometry alone: :func:`join`. Then, where the nets doubt what they see: :func:`settle`.
For how the thresholds were measured, see :mod:`mnistcore.reading.pieces`.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from mnistcore.reading.ensemble import Probs
from mnistcore.reading.picture import Plane
from mnistcore.reading.pieces import Piece

# Pieces that are one digit by their places alone. Gaps are shares of the longer side of both.
PART_HEIGHT = 0.5  # of the taller piece: what is lower is a part of a digit, such as a bar
STACKED = 0.4  # of the narrower piece's width, by which one lies above the other
PART_GAP = 0.3  # between a digit and a part above or below it; 0.24 misreads one digit more
WHOLE_GAP = 0.1  # between two pieces of similar height, such as the halves of a broken scan
BAR_SHAPE = 1.3  # the bar of a 5 is wider than this many times its height
BAR_GAP = 0.15  # between a 5 and its bar, off to the right

# Neighbours that may be one digit. Shares of the height of both.
NEIGHBOUR_GAP = 0.2
LEVEL_NEIGHBOURS = 0.5  # rows that they share if they are level; 0.4 reads one page more

# A piece that may be several digits. Its width and rows are shares of its height.
SURE_WIDTH = 0.95  # as wide as two narrow digits: tried although the nets are sure
DOUBTED_WIDTH = 0.6  # two digits that touch are wider
BAR_WIDTH = 6  # what is wider is a bar, not a number
LEVEL_PARTS = 0.7  # rows that both parts share
CUT_INK = 0.35  # in the column of a cut, at most; 0.28 misreads two more of 25 touching pairs
LEAST_PART = 5  # the height divided by this is the least width of a part
CUTS_APART = 10  # the height divided by this lies between two cuts
MOST_CUTS = 6  # columns that the nets are asked about
MOST_TRIED = 2  # cuts that are followed further, the best first


@dataclass(frozen=True)
class Answer:
    """What the nets say about a piece of ink."""

    piece: Piece
    fitted: Plane  # its ink, the longer side 20
    image: Plane  # (28, 28) in [0, 1], as MNIST frames it
    probs: dict[str, Probs]  # (10,) of each net
    touching: bool = False  # cut off from a neighbour that it touches
    rival: str = ""  # the digits that it shows if it is several that touch

    @cached_property
    def mean(self) -> Probs:
        """The mean of the nets' probabilities, (10,)."""
        return np.mean(list(self.probs.values()), 0)

    @property
    def sure(self) -> float:
        """The mean probability of the likeliest digit."""
        return float(self.mean.max())

    @property
    def label(self) -> int:
        """The likeliest digit."""
        return int(self.mean.argmax())


Ask = Callable[[Sequence[Piece]], list[Answer]]  # what the nets say about each of some pieces


def join(pieces: list[Piece]) -> list[Piece]:
    """The pieces, with those joined that lie close above each other, the nearest first."""
    gaps = _gaps(combinations(pieces, 2))
    while gaps:
        a, b = min(gaps, key=gaps.__getitem__)
        both = a.joined(b)
        pieces = [piece for piece in pieces if piece not in (a, b)]
        gaps = {pair: gap for pair, gap in gaps.items() if a not in pair and b not in pair}
        gaps |= _gaps((piece, both) for piece in pieces)
        pieces.append(both)
    return pieces


def _gaps(pairs: Iterable[tuple[Piece, Piece]]) -> dict[tuple[Piece, Piece], float]:
    """The gaps of those pairs that are one digit."""
    return {pair: gap for pair in pairs if (gap := _gap(*pair)) < math.inf}


def _gap(a: Piece, b: Piece) -> float:
    """The space between two pieces of one digit, relative to its size; inf if they are two."""
    small, large = sorted((a, b), key=lambda piece: piece.height)
    space = math.hypot(max(0, -a.columns_shared(b)), max(0, -a.rows_shared(b)))
    height = max(a.bottom, b.bottom) - min(a.top, b.top)
    width = max(a.right, b.right) - min(a.left, b.left)
    gap = space / max(height, width)
    is_part = small.height < PART_HEIGHT * large.height
    if a.columns_shared(b) >= STACKED * min(a.width, b.width):
        most = PART_GAP if is_part else WHOLE_GAP
    elif is_part and small.width > BAR_SHAPE * small.height:  # the bar of a 5, off to the right
        most = BAR_GAP
    else:
        return math.inf
    return gap if gap < most else math.inf


def settle(lines: list[list[Piece]], ask: Ask, threshold: float) -> list[list[Answer]]:
    """What the nets say about the digits, once it is settled which pieces belong together.

    Args:
        lines: the pieces, line by line, left to right.
        ask: asks the nets.
        threshold: the nets are sure of an answer with at least this mean probability.
    """
    answers = iter(ask([piece for line in lines for piece in line]))  # all in one batch
    settled = []
    for line in lines:
        joined = _join_doubted([next(answers) for _ in line], ask, threshold)
        settled.append([part for one in joined for part in _split_doubted(one, ask, threshold)])
    return settled


def _join_doubted(line: list[Answer], ask: Ask, threshold: float) -> list[Answer]:
    """A line, with neighbours joined where the nets are surer of them as one digit."""
    joined: list[Answer] = []
    for right in line:
        whole = _as_one(joined[-1], right, ask, threshold) if joined else None
        if whole:
            joined[-1] = whole
        else:
            joined.append(right)
    return joined


def _as_one(left: Answer, right: Answer, ask: Ask, threshold: float) -> Answer | None:
    """Two neighbours as one digit, if they may be one and the nets are sure enough of it."""
    both = left.piece.joined(right.piece)
    if both.width >= both.height:
        return None
    if right.piece.left - left.piece.right >= NEIGHBOUR_GAP * both.height:
        return None
    # Digits on a line are level, the strokes of a 4 are not.
    level = right.piece.rows_shared(left.piece) > LEVEL_NEIGHBOURS * both.height
    if level and min(left.sure, right.sure) >= threshold:
        return None
    (whole,) = ask([both])
    least = max(threshold, left.sure, right.sure) if level else threshold
    return whole if whole.sure >= least else None


def _split_doubted(one: Answer, ask: Ask, threshold: float) -> list[Answer]:
    """A piece that the nets doubt as digits that touch, if they know each of these.

    One that they do not doubt, but that is as wide as two, is kept and its rival named.
    """
    sure = one.sure >= threshold
    least = SURE_WIDTH if sure else DOUBTED_WIDTH
    if not least < one.piece.width / one.piece.height < BAR_WIDTH:
        return [one]
    for halves in _best_halves(one.piece, ask, threshold):
        parts = [part for half in halves for part in _split_doubted(half, ask, threshold)]
        if any(part.sure < threshold for part in parts):
            continue
        if not sure:
            return [replace(part, touching=True) for part in parts]
        labels = "".join(str(part.label) for part in parts)
        if one.label != 0 and "1" not in labels:  # the sides of a 0 look like digits, too
            return [replace(one, rival=labels)]
    return [one]


def _best_halves(piece: Piece, ask: Ask, threshold: float) -> list[tuple[Answer, Answer]]:
    """The halves of the most promising cuts through a piece; the nets are sure of one at least."""
    # Digits that touch are level; the flag of a 1 ends where its stem goes on.
    level = LEVEL_PARTS * piece.height
    cuts = [piece.split(column) for column in _columns_to_cut(piece)]
    cuts = [(left, right) for left, right in cuts if left.rows_shared(right) > level]
    if not cuts:
        return []
    answers = ask([half for cut in cuts for half in cut])
    pairs = list(zip(answers[::2], answers[1::2], strict=True))
    pairs.sort(key=lambda pair: -min(pair[0].sure, pair[1].sure))
    return [p for p in pairs[:MOST_TRIED] if max(p[0].sure, p[1].sure) >= threshold]


def _columns_to_cut(piece: Piece) -> list[int]:
    """The columns where two digits may touch: those with the least ink, the best first.

    Each part is at least a fifth of the height wide, and no stroke is cut along its length.
    """
    margin = max(1, piece.height // LEAST_PART)
    apart = piece.height // CUTS_APART
    inked = piece.mask.sum(0)
    chosen: list[int] = []
    for column in np.argsort(inked[margin : piece.width - margin], kind="stable") + margin:
        near = any(abs(column - other) <= apart for other in chosen)
        if inked[column] < CUT_INK * piece.height and not near:
            chosen.append(int(column))
    return chosen[:MOST_CUTS]
