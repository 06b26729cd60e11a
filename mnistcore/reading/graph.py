"""Which pieces of ink are one digit, which are several that touch, and which are signs.

Heuristic over-segmentation: many joins and cuts are proposed, the nets score each of them, and the
cheapest way through a line is its reading. Nodes are gaps between pieces and cuts through them;
edges are candidates. The cost of a candidate is minus the logarithm of its chance, by the nets and
by plain geometry.

References:
    LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition.
    Proceedings of the IEEE 86(11), 1998, sections V to VII (heuristic over-segmentation).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mnistcore.reading.ensemble import Probs
from mnistcore.reading.lines import STACKED, Line, find_lines, join_stacked
from mnistcore.reading.picture import Plane
from mnistcore.reading.pieces import LEAST_SIZE, Box, Piece
from mnistcore.reading.signs import FoundSign, find_signs

# Candidates. Lengths are shares of the height of the line's digits.
MOST_JOINED = 5  # pieces of one candidate
WIDEST = 1.3  # width of several pieces joined, in their heights
JOIN_GAP = 0.3  # between pieces that are joined
LEVEL = 0.5  # of the height of two pieces: if they share more rows, they stand side by side
LEVEL_GAP = 0.2  # between pieces side by side that are joined
STUB_HEIGHT = 0.42  # a slender piece that is lower may be a stray stroke
STUB_SHAPE = 0.5  # a slender piece is at most this share of its height wide

# Cuts. Shares of the piece's height.
SURE_WIDTH = 0.95  # as wide as two narrow digits: cut although the nets are sure
DOUBTED_WIDTH = 0.6  # two digits that touch are wider
BAR_WIDTH = 6  # what is wider is a bar, not a number
MOST_CUTS = 5  # through one piece
CUTS_APART = 0.1
LEAST_PART = 0.15  # width of a part
WIDEST_PART = 1.2
LEAST_BETWEEN = 0.04  # of the piece's ink, between two cuts
CUT_INK = 0.35  # that a cut crosses, at most
ASIDE = 0.05  # of a pixel of ink: what a step aside costs a cut

# Costs.
LEAST_SURE = 1e-3  # the chance of what is ruled out
NETS_COST = 3.0  # times minus the logarithm of the nets' mean probability
JOIN_COST = 0.1  # for each pair of pieces joined
JOIN_GAP_COST = 3.0  # times the gap between them
LEVEL_COST = 3.0  # where they stand side by side
CUT_COST = 1.0  # for each cut
LOW_PART_COST = 5.0  # times the height that a part lacks beyond LOW_PART
LOW_PART = 0.2  # of the whole piece
CUT_INK_COST = 0.5  # times the ink that it crosses, in widths of the stroke
SHAPE_COST = 0.5  # times the square of the standard deviations beyond USUAL
USUAL = 2.0
MOST_SHAPE_COST = 4.0
STACKED_COST = 3.0  # for a piece that is left alone above or below another of its line
STUB_COST = 1.0  # for a stray stroke, and
STUB_SIZE_COST = 4.0  # times its size
LINE_COST = 1.0  # for a line that exists only because broken pieces are not joined

# Width over height of MNIST's training digits 0 to 9: medians, and the standard deviations of the
# logarithm.
SHAPES = 0.9, 0.4, 0.95, 0.8, 0.8, 0.9, 0.7, 0.75, 0.75, 0.65
SPREADS = 0.21, 0.48, 0.23, 0.22, 0.22, 0.27, 0.22, 0.22, 0.23, 0.21

PATHS = 3  # kept to every node
MARGIN = 2.0  # a second path that costs no more than this much more is a doubt

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


Ask = Callable[[Sequence[Piece]], list[Answer]]  # what the nets say about each of some pieces


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


@dataclass(frozen=True)
class Path:
    """Candidates from one end of a line to the other, or from a node to the end."""

    cost: float
    steps: tuple[Candidate, ...] = ()

    @property
    def text(self) -> str:
        """What they read together."""
        return "".join(step.text for step in self.steps)


@dataclass(frozen=True)
class Graph:
    """The best reading of a picture, line by line, and all that was considered for it."""

    lines: list[list[Candidate]] = field(default_factory=list)  # the chosen digits and signs
    candidates: list[Candidate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what was done, one sentence each


@dataclass(frozen=True, eq=False)
class _Row:
    """A line, its pieces, and those of its specks that may be signs, from left to right."""

    line: Line
    signs: list[FoundSign]

    @cached_property
    def pieces(self) -> list[Piece]:
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
                gap = _gap(joined, piece) / self.line.height
                if gap > (LEVEL_GAP if _are_level(joined, piece) else JOIN_GAP):
                    continue
                both = joined.joined(piece)
                if both.width > WIDEST * max(both.height, self.line.height):
                    break
                joined = both
                spans.append((start, stop, joined))
        return spans


def read_graph(pieces: list[Piece], specks: list[Piece], ask: Ask, threshold: float) -> Graph:
    """The digits and signs that pieces of ink show.

    Args:
        pieces: at least one.
        specks: ink too small for a digit; it may be a point.
        ask: asks the nets, once for all candidates, and once more if pieces must be cut.
        threshold: the nets are sure of an answer with at least this mean probability.
    """
    layouts = [
        (cost, [_Row(line, find_signs(line)) for line in lines])
        for cost, lines in _layouts(pieces, specks)
    ]
    wanted = {_key(p): p for _, rows in layouts for row in rows for *_, p in row.spans}
    known = dict(zip(wanted, ask(list(wanted.values())), strict=True))
    read = []
    for cost, rows in layouts:
        edges = [_edges(row, known) for row in rows]
        read.append((cost + sum(_paths(own)[0].cost for own in edges), rows, edges))
    _, rows, edges = min(read, key=lambda layout: layout[0])
    edges = _with_cuts(rows, edges, ask, threshold)
    return _graph(edges)


def _layouts(pieces: list[Piece], specks: list[Piece]) -> list[tuple[float, list[Line]]]:
    """The ways to put pieces on lines, each with its cost: as they are, and broken ones joined."""
    apart = find_lines(pieces, specks)
    joined, gaps = join_stacked(pieces)
    if not gaps:
        return [(0.0, apart)]
    whole = find_lines(joined, specks)
    more = len(apart) - len(whole)
    if more <= 0:
        return [(0.0, apart)]
    cost = sum(JOIN_COST + JOIN_GAP_COST * gap for gap in gaps)
    return [(LINE_COST * more, apart), (cost, whole)]


def _key(piece: Piece) -> tuple[Box, int]:
    """The same for the same ink."""
    return piece.box, piece.area


def _gap(a: Piece, b: Piece) -> float:
    """The space between the boxes of two pieces, in pixels."""
    return math.hypot(max(0, -a.columns_shared(b)), max(0, -a.rows_shared(b)))


def _are_level(a: Piece, b: Piece) -> bool:
    """Whether two pieces stand side by side, as digits do and the strokes of a 4 do not."""
    both = max(a.bottom, b.bottom) - min(a.top, b.top)
    return a.rows_shared(b) > LEVEL * both


def _edges(row: _Row, known: dict[tuple[Box, int], Answer]) -> list[Candidate]:
    """All candidates of a line, uncut."""
    order = {piece: k for k, piece in enumerate(row.pieces)}
    against = [0.0] * len(order)  # what it costs to take each piece for no sign
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
        answer = known[_key(piece)]
        parts = [p for p in row.pieces[start:stop] if p not in row.line.specks]
        costs = _digit_costs(answer) | {
            "joins": _join_cost(parts, row.line.height),
            "no sign": max(against[start:stop]),
            "stacked": STACKED_COST * _is_stacked(piece, start, stop, row.pieces),
        }
        edges.append(Candidate(piece.box, (start,), (stop,), costs, answer, joined=len(parts)))
    for k, piece in enumerate(row.pieces):
        cost = _stub_cost(piece, row.line)
        if cost is not None:
            costs = {"left out": cost, "no sign": against[k]}
            edges.append(Candidate(piece.box, (k,), (k + 1,), costs))
    return edges


def _minus_log(chance: float) -> float:
    return -math.log(max(chance, LEAST_SURE))


def _box(pieces: Sequence[Piece]) -> Box:
    """The box around pieces."""
    left, top, right, bottom = zip(*(piece.box for piece in pieces), strict=True)
    return min(left), min(top), max(right), max(bottom)


def _digit_costs(answer: Answer) -> dict[str, float]:
    """What the nets and its shape say against a digit."""
    ratio, label = answer.piece.width / answer.piece.height, answer.label
    deviation = abs(math.log(ratio / SHAPES[label])) / SPREADS[label]
    shape = SHAPE_COST * max(0.0, deviation - USUAL) ** 2
    return {"nets": NETS_COST * _minus_log(answer.sure), "shape": min(shape, MOST_SHAPE_COST)}


def _join_cost(pieces: Sequence[Piece], height: float) -> float:
    """The cost of several pieces as one digit."""
    cost = 0.0
    joined = pieces[0]
    for piece in pieces[1:]:
        cost += JOIN_COST + JOIN_GAP_COST * _gap(joined, piece) / height
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


def _paths(edges: Sequence[Candidate]) -> list[Path]:
    """The cheapest paths from the start of a line to its end, each with a text of its own."""
    leaving: dict[Node, list[Candidate]] = {}
    for edge in edges:
        leaving.setdefault(edge.start, []).append(edge)
    end = max((edge.stop for edge in edges), key=_place)
    known = {end: [Path(0.0)]}
    for node in sorted(leaving, key=_place, reverse=True):
        found = [
            Path(edge.cost + rest.cost, (edge, *rest.steps))
            for edge in leaving[node]
            for rest in known.get(edge.stop, [])
        ]
        best: dict[str, Path] = {}
        for path in sorted(found, key=lambda path: path.cost):
            best.setdefault(path.text, path)
        known[node] = list(best.values())[:PATHS]
    return known[(0,)]


def _place(node: Node) -> tuple[int, int, int]:
    """Where a node comes in its line: after those that lead to it."""
    return (node[0], 0, 0) if len(node) == 1 else (node[0], node[2], 1)


def _with_cuts(
    rows: list[_Row], edges: list[list[Candidate]], ask: Ask, threshold: float
) -> list[list[Candidate]]:
    """The candidates, and the parts of those digits that may be several."""
    cuts = [
        (k, edge, _cut(edge.answer.piece))
        for k, own in enumerate(edges)
        for edge in _paths(own)[0].steps
        if edge.answer and _may_be_several(edge.answer, threshold)
    ]
    parts = [(k, edge, part) for k, edge, found in cuts for part in found]
    if not parts:
        return edges
    grown = [list(own) for own in edges]
    answers = ask([part.piece for *_, part in parts])
    for (k, edge, part), answer in zip(parts, answers, strict=True):
        start = (*edge.start, *edge.stop, part.start) if part.start else edge.start
        stop = (*edge.start, *edge.stop, part.stop) if part.stop else edge.stop
        costs = _digit_costs(answer) | {"cut": part.cost}
        cuts_ = (part.start > 0) + (part.stop > 0)
        grown[k].append(Candidate(part.piece.box, start, stop, costs, answer, cuts=cuts_))
    return grown


def _may_be_several(answer: Answer, threshold: float) -> bool:
    """Whether a piece may be several digits that touch."""
    least = SURE_WIDTH if answer.sure >= threshold else DOUBTED_WIDTH
    return least < answer.piece.width / answer.piece.height < BAR_WIDTH


@dataclass(frozen=True)
class _Part:
    """What lies between two cuts, or between a cut and an end (start or stop 0)."""

    piece: Piece
    start: int
    stop: int
    cost: float  # of the cut on its left, and of its height


def _cut(piece: Piece) -> list[_Part]:
    """The parts between every two cuts of a piece."""
    cuts, inked = _seams(piece)
    width = piece.stroke
    costs = [0.0, *(CUT_COST + CUT_INK_COST * ink / width for ink in inked)]
    edges = [np.zeros(piece.height, int), *cuts, np.full(piece.height, piece.width)]
    parts = []
    for start in range(len(edges) - 1):
        for stop in range(start + 1, len(edges)):
            if stop - start == len(edges) - 1:
                continue  # the whole piece
            part = piece.between(edges[start], edges[stop])
            if part and LEAST_PART < part.width / piece.height < WIDEST_PART:
                missing = 1 - part.height / piece.height
                cost = costs[start] + LOW_PART_COST * max(0.0, missing - LOW_PART)
                parts.append(_Part(part, start, stop % (len(edges) - 1), cost))
    return parts


def _seams(piece: Piece) -> tuple[list[NDArray[np.int64]], list[float]]:
    """The ways through a piece from its top to its bottom that cross the least ink.

    Returns:
        From left to right: for each way the first column to its right, (height,) each; the pixels
        of ink that each way crosses.
    """
    ink = piece.mask.astype(np.float64)
    down, up = _least_ink(ink), _least_ink(ink[::-1])[::-1]
    through = down + up - ink
    middle = piece.height // 2
    margin = max(1, round(LEAST_PART * piece.height))
    apart = CUTS_APART * piece.height
    ways: dict[int, NDArray[np.int64]] = {}
    columns = np.arange(piece.width)
    for column in np.argsort(through[middle, margin:-margin], kind="stable") + margin:
        if through[middle, column] > CUT_INK * piece.height or len(ways) == MOST_CUTS:
            break
        if any(abs(column - other) <= apart for other in ways):
            continue
        way = _way(down, up, int(column))
        left = piece.mask & (columns < way[:, None])
        between = [left ^ (piece.mask & (columns < other[:, None])) for other in ways.values()]
        if all(ink.sum() > LEAST_BETWEEN * piece.area for ink in between):
            ways[int(column)] = way
    ordered = sorted(ways)
    return [ways[column] for column in ordered], [float(through[middle, c]) for c in ordered]


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
    least = ink.copy()
    for row in range(1, len(ink)):
        above = np.pad(least[row - 1], 1, constant_values=np.inf)
        aside = np.minimum(above[:-2], above[2:]) + ASIDE
        least[row] += np.minimum(above[1:-1], aside)
    return least


def _graph(edges: list[list[Candidate]]) -> Graph:
    """The reading of lines from their candidates."""
    lines, candidates = [], []
    dropped = joins = 0
    for own in edges:
        paths = _paths(own)
        best = list(paths[0].steps)
        if len(paths) > 1 and paths[1].cost - paths[0].cost < MARGIN:
            best = _doubted(best, paths[1].steps)
        chosen = {(edge.start, edge.stop, edge.text) for edge in best}
        candidates += [
            replace(edge, chosen=(edge.start, edge.stop, edge.text) in chosen) for edge in own
        ]
        dropped += sum(not edge.text for edge in best)
        joins += sum(edge.joined - 1 for edge in best)
        lines.append([edge for edge in best if edge.text])
    notes = []
    if joins:
        notes.append(f"Pieces joined to others: {joins}.")
    if dropped:
        notes.append(f"Stray strokes left out: {dropped}.")
    return Graph(lines, candidates, notes)


def _doubted(best: list[Candidate], second: Sequence[Candidate]) -> list[Candidate]:
    """The best path, its doubts named where the second best differs from it."""
    shared = {edge.start for edge in best} & {edge.start for edge in second}
    doubted = []
    for edge in best:
        start = max((node for node in shared if _place(node) <= _place(edge.start)), key=_place)
        later = [node for node in shared if _place(node) > _place(edge.start)]
        stop = min(later, key=_place, default=None)
        here, there = (_between(path, start, stop) for path in (best, second))
        words = _doubt(here, there)
        if words and edge.answer:
            edge = replace(edge, answer=replace(edge.answer, doubt=words))
        elif words:
            edge = replace(edge, doubt=words)
        doubted.append(edge)
    return doubted


def _between(path: Iterable[Candidate], start: Node, stop: Node | None) -> list[Candidate]:
    return [
        edge
        for edge in path
        if _place(edge.start) >= _place(start) and (not stop or _place(edge.start) < _place(stop))
    ]


NAMES = {
    "-": "a dash",
    "/": "a slash",
    ".": "a point",
    ",": "a comma",
    ":": "a colon",
    "": "a speck",
}


def _doubt(best: list[Candidate], second: list[Candidate]) -> str:
    """Two readings of the same ink in words; "" if they are the same."""
    first, other = ("".join(edge.text for edge in path) for path in (best, second))
    if first == other:
        return ""
    if len(best) == len(second) == 1:
        return f"{NAMES.get(first, first)}, or {NAMES.get(other, other)}"
    if any(edge.joined > 1 for edge in second):
        return f"{first}, or {other} if these strokes belong together"
    if any(edge.joined > 1 for edge in best):
        return f"{first}, or {other} if these strokes do not belong together"
    if any(edge.cuts for edge in best):
        return f"{first} if digits touch here, or {other}"
    return f"{first}, or {other} if digits touch here"
