"""What ink may be: pieces and joined neighbours as digits, signs and stray strokes, with costs.

The cost of a candidate is minus the logarithm of its chance, by the nets and by plain geometry.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mnistcore.reading.ensemble import Probs
from mnistcore.reading.lines import STACKED, Line
from mnistcore.reading.picture import Plane
from mnistcore.reading.pieces import LEAST_SIZE, Box, Key, Piece
from mnistcore.reading.signs import FoundSign

# Lengths are shares of the height of the line's digits.
MOST_JOINED = 5  # pieces of one candidate
WIDEST = 1.7  # width of several pieces joined, in their heights
JOIN_GAP = 0.3  # between pieces that are joined
LEVEL = 0.5  # of the height of two pieces: if they share more rows, they stand side by side
LEVEL_GAP = 0.2  # between pieces side by side that are joined
LEVEL_WIDTH = 1.0  # of both, in their heights
LEAST_DIGIT = 0.35  # a piece that is lower may be a stray stroke, whatever the nets say
STUB_HEIGHT = 0.42  # a slender piece that is lower may be a stray stroke
STUB_SHAPE = 0.5  # a slender piece is at most this share of its height wide

# Costs, in nats. Those marked * were fitted by a random search over 550 scenes made from MNIST's
# training digits (touching pairs, numbers, dates, two lines) and 100 drawings by people: one point
# for a right text, a quarter more if sure, minus two if wrong and sure.
LEAST_SURE = 1e-3  # the chance of what is ruled out
NETS_COST = 8.0  # * times minus the logarithm of the nets' mean probability
JOIN_COST = 0.14  # * for each pair of pieces joined
JOIN_GAP_COST = 3.0  # * times the gap between them
LEVEL_COST = 4.0  # * where they stand side by side
SHAPE_COST = 0.9  # * times the square of the standard deviations beyond USUAL
USUAL = 2.0  # standard deviations of the shape of a digit
MOST_SHAPE_COST = 4.0
STACKED_COST = 3.2  # * for a piece that is left alone above or below another of its line
STUB_COST = 0.7  # * for a stray stroke, and
STUB_SIZE_COST = 4.0  # times its size

# Width over height of MNIST's training digits 0 to 9: medians, and the standard deviations of the
# logarithm.
SHAPES = 0.9, 0.4, 0.95, 0.8, 0.8, 0.9, 0.7, 0.75, 0.75, 0.65
SPREADS = 0.21, 0.48, 0.23, 0.22, 0.22, 0.27, 0.22, 0.22, 0.23, 0.21


Node = tuple[int, ...]  # (k,) before the k-th piece; (i, j, k) the k-th cut through pieces i to j


@dataclass(frozen=True)
class Answer:
    """What the nets say about a piece of ink."""

    piece: Piece
    fitted: Plane  # its ink, the longer side 20
    image: Plane  # (28, 28) in [0, 1], as MNIST frames it
    probs: dict[str, Probs]  # (10,) of each net
    doubt: str = ""  # another reading of the same ink that is nearly as likely, in words

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


@dataclass(frozen=True, eq=False)
class Candidate:
    """Ink as a digit, as a sign, or as nothing that counts."""

    box: Box  # in pixels of the plane
    start: Node
    stop: Node
    costs: dict[str, float]  # by their reasons; their sum is minus the logarithm of its chance
    answer: Answer | None = None  # of a digit
    sign: str = ""  # the character of a sign
    sure: float = 0.0  # of a sign
    doubt: str = ""  # of a sign; see :class:`Answer`
    cuts: int = 0  # the sides on which it is cut off
    joined: int = 1  # pieces
    chosen: bool = False

    @cached_property
    def cost(self) -> float:
        """Minus the logarithm of its chance."""
        return sum(self.costs.values())

    @property
    def text(self) -> str:
        """What it adds to the text of its line."""
        return str(self.answer.label) if self.answer else self.sign


@dataclass(frozen=True, eq=False)
class Row:
    """A line, its pieces, and those of its specks that may be signs, from left to right."""

    line: Line
    signs: list[FoundSign]

    @cached_property
    def pieces(self) -> list[Piece]:
        """What may be a digit, a part of one, or a sign."""
        points = [piece for found in self.signs for piece in found.pieces]
        specks = [speck for speck in self.line.specks if speck in points]
        return sorted([*self.line.pieces, *specks], key=lambda piece: piece.left + piece.right)

    @cached_property
    def spans(self) -> list[tuple[int, int, Piece]]:
        """Neighbours that may be one digit: from, to (not included), and joined."""
        spans = []
        pieces = self.pieces
        for start, joined in enumerate(pieces):
            if joined in self.line.specks:
                continue
            spans.append((start, start + 1, joined))
            for stop in range(start + 2, min(start + MOST_JOINED, len(pieces)) + 1):
                piece = pieces[stop - 1]
                if piece in self.line.specks:
                    continue
                level = _are_level(joined, piece)
                if _gap(joined, piece) > (LEVEL_GAP if level else JOIN_GAP) * self.line.height:
                    break
                joined = joined.joined(piece)
                widest = LEVEL_WIDTH if level else WIDEST
                if joined.width > widest * max(joined.height, self.line.height):
                    break
                spans.append((start, stop, joined))
        return spans


def _gap(a: Piece, b: Piece) -> float:
    """The space between the boxes of two pieces, in pixels."""
    return math.hypot(max(0, -a.columns_shared(b)), max(0, -a.rows_shared(b)))


def _are_level(a: Piece, b: Piece) -> bool:
    """Whether two pieces stand side by side, as digits do and the strokes of a 4 do not."""
    both = max(a.bottom, b.bottom) - min(a.top, b.top)
    return a.rows_shared(b) > LEVEL * both


def uncut(row: Row, known: dict[Key, Answer]) -> list[Candidate]:
    """All candidates of a line, before any piece is cut.

    Args:
        row: the line.
        known: what the nets say about each of its spans, by their keys.
    """
    order = {piece: k for k, piece in enumerate(row.pieces)}
    against = [0.0] * len(order)  # the cost of not taking each piece for a sign
    edges = []
    for found in row.signs:
        places = sorted(order[piece] for piece in found.pieces)
        if places[-1] - places[0] >= len(places):
            continue  # something else stands between the dots of a colon
        for k in places:
            against[k] = max(against[k], _minus_log(1 - found.sure))
        edges.append(
            Candidate(
                _box(found.pieces),
                (places[0],),
                (places[-1] + 1,),
                {"sign": _minus_log(found.sure)},
                sign=found.character,
                sure=found.sure,
            )
        )
    for start, stop, piece in row.spans:
        answer = known[piece.key]
        if piece.height < LEAST_DIGIT * row.line.height:
            answer = replace(answer, doubt=f"{answer.label}, or a stray stroke")
        parts = [p for p in row.pieces[start:stop] if p not in row.line.specks]
        costs = digit_costs(answer) | {
            "joins": _joins_cost(parts, row.line.height),
            "not a sign": max(against[start:stop]),
            "stacked": STACKED_COST * _is_stacked(piece, start, stop, row.pieces),
        }
        edges.append(Candidate(piece.box, (start,), (stop,), costs, answer, joined=len(parts)))
    for k, piece in enumerate(row.pieces):
        cost = _stub_cost(piece, row.line)
        if cost is not None:
            costs = {"left out": cost, "not a sign": against[k]}
            edges.append(Candidate(piece.box, (k,), (k + 1,), costs))
    return edges


def _minus_log(chance: float) -> float:
    return -math.log(max(chance, LEAST_SURE))


def _box(pieces: Sequence[Piece]) -> Box:
    """The box around pieces."""
    left, top, right, bottom = zip(*(piece.box for piece in pieces), strict=True)
    return min(left), min(top), max(right), max(bottom)


def digit_costs(answer: Answer) -> dict[str, float]:
    """What the nets and its shape say against a digit."""
    ratio, label = answer.piece.width / answer.piece.height, answer.label
    deviation = abs(math.log(ratio / SHAPES[label])) / SPREADS[label]
    shape = SHAPE_COST * max(0.0, deviation - USUAL) ** 2
    return {"nets": NETS_COST * _minus_log(answer.sure), "shape": min(shape, MOST_SHAPE_COST)}


def join_cost(gap: float) -> float:
    """The cost of two pieces as one digit, whose gap is a share of a digit's height."""
    return JOIN_COST + JOIN_GAP_COST * gap


def _joins_cost(pieces: Sequence[Piece], height: float) -> float:
    """The cost of several pieces as one digit."""
    cost = 0.0
    joined = pieces[0]
    for piece in pieces[1:]:
        cost += join_cost(_gap(joined, piece) / height)
        cost += LEVEL_COST * _are_level(joined, piece)
        joined = joined.joined(piece)
    return cost


def _is_stacked(piece: Piece, start: int, stop: int, pieces: list[Piece]) -> bool:
    """Whether another piece of the line lies above or below this one."""
    return any(
        piece.rows_shared(other) <= 0
        and piece.columns_shared(other) > STACKED * min(piece.width, other.width)
        for other in pieces[:start] + pieces[stop:]
        if other.height > STUB_HEIGHT * piece.height
    )


def _stub_cost(piece: Piece, line: Line) -> float | None:
    """The cost of a piece as a stray stroke or speck; None if it is neither."""
    low = piece.height < STUB_HEIGHT * max(p.height for p in line.pieces)
    slender = piece.width <= STUB_SHAPE * piece.height
    if piece in line.specks:
        return 0.0
    if low and (slender or piece.size < LEAST_SIZE):
        return STUB_COST + STUB_SIZE_COST * piece.size / line.height
    return None
