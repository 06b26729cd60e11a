"""Which pieces of ink are one digit, which are several that touch, and which are signs.

Heuristic over-segmentation: many joins and cuts are proposed, the nets score each of them, and the
cheapest way through a line is its reading. Nodes are gaps between pieces and cuts through them;
edges are candidates. The cost of a candidate is minus the logarithm of its chance, by the nets and
by plain geometry.

References:
    LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition.
    Proceedings of the IEEE 86(11), 1998, sections V to VII (heuristic over-segmentation).
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace

from mnistcore.reading.candidates import (
    Answer,
    Candidate,
    Node,
    Row,
    digit_costs,
    join_cost,
    uncut,
)
from mnistcore.reading.cuts import Part, cut_parts
from mnistcore.reading.lines import Line, find_lines, join_stacked
from mnistcore.reading.pieces import Piece
from mnistcore.reading.signs import find_signs

SURE_WIDTH = 0.95  # as wide as two narrow digits: cut although the nets are sure
DOUBTED_WIDTH = 0.5  # two digits that touch are wider
MOST_CUTS = 5  # through a piece that the nets doubt, and
SURE_CUTS = 2  # through one that they do not doubt
BAR_WIDTH = 6  # what is wider is a bar, not a number
LINE_COST = 1.0  # nats, for a line that exists only because broken pieces are not joined
MOST_DIGITS = 64  # in a picture; more are not a number
MOST_ASKED = 400  # candidates; a number of so many digits has fewer, however close they stand
PATHS = 3  # kept to every node
MARGIN = 1.5  # nats: a second path that costs less than this more is a doubt


@dataclass(frozen=True)
class Path:
    """Candidates from one end of a line to the other, or from a node to the end."""

    cost: float
    steps: tuple[Candidate, ...] = ()

    @property
    def text(self) -> str:
        """What they read together."""
        return "".join(step.text for step in self.steps)

    @property
    def starts_with_sign(self) -> bool:
        """Whether the first of them that is read is a sign; a sign follows no other."""
        return next((bool(step.sign) for step in self.steps if step.text), False)


@dataclass(frozen=True)
class Graph:
    """The best reading of a picture, line by line, and all that was considered for it."""

    lines: list[list[Candidate]] = field(default_factory=list)  # the chosen digits and signs
    candidates: list[list[Candidate]] = field(default_factory=list)  # all that was considered
    notes: list[str] = field(default_factory=list)  # what was done, one sentence each


# Asks about pieces, is sent what the nets say about each, and returns the graph.
Asking = Generator[Sequence[Piece], Sequence[Answer] | None, Graph]


def read_graph(pieces: list[Piece], specks: list[Piece], threshold: float) -> Asking:
    """The digits and signs that pieces of ink show.

    A generator, so that many pictures can be read together: it yields the pieces that it asks
    about, once for all candidates and once more if some must be cut, and is sent the answers.

    Args:
        pieces: at least one.
        specks: ink too small for a digit; it may be a point.
        threshold: the nets are sure of an answer with at least this mean probability.

    Returns:
        The graph; empty if there are too many pieces for a number.
    """
    layouts = [
        (cost, [Row(line, find_signs(line)) for line in lines])
        for cost, lines in _layouts(pieces, specks)
    ]
    if min(sum(len(row.line.full) for row in rows) for _, rows in layouts) > MOST_DIGITS:
        return Graph()
    wanted = {p.key: p for _, rows in layouts for row in rows for *_, p in row.spans}
    if len(wanted) > MOST_ASKED:
        return Graph()
    answers = yield list(wanted.values())
    known = dict(zip(wanted, answers or [], strict=True))
    read = []
    for cost, rows in layouts:
        edges = [uncut(row, known) for row in rows]
        read.append((cost + sum(_paths(own)[0].cost for own in edges), edges))
    (cost, edges), *other = sorted(read, key=lambda layout: layout[0])
    parts = _parts(edges, threshold)
    if parts:
        answers = yield [part.piece for *_, part in parts]
        edges = _with_parts(edges, parts, answers or [], threshold)
    graph = _graph(edges)
    if other:
        costs_little = other[0][0] - cost < MARGIN
        if costs_little or _are_sure_apart(edges, other[0][1], threshold):
            return _doubted_layout(graph, other[0][1])
    return graph


def _are_sure_apart(
    joined: list[list[Candidate]], apart: list[list[Candidate]], threshold: float
) -> bool:
    """Whether pieces that were joined are sure digits, each for itself, on more lines."""
    return len(apart) > len(joined) and all(
        step.answer is not None and step.answer.sure >= threshold
        for own in apart
        for step in _paths(own)[0].steps
    )


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
    cost = sum(map(join_cost, gaps))
    return [(LINE_COST * more, apart), (cost, whole)]


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
            if not (edge.sign and rest.starts_with_sign)
        ]
        best: dict[str, Path] = {}
        for path in sorted(found, key=lambda path: path.cost):
            best.setdefault(path.text, path)
        known[node] = list(best.values())[:PATHS]
    return known[(0,)]


def paths_through(edges: Sequence[Candidate]) -> list[Path | None]:
    """For each candidate of a line the cheapest path through it; None if none leads to the end."""
    end = max((edge.stop for edge in edges), key=_place)
    to: dict[Node, Path] = {(0,): Path(0.0)}
    on: dict[Node, Path] = {end: Path(0.0)}
    for edge in sorted(edges, key=lambda edge: _place(edge.start)):
        if edge.start in to:
            path = Path(to[edge.start].cost + edge.cost, (*to[edge.start].steps, edge))
            to[edge.stop] = min(to.get(edge.stop, path), path, key=lambda path: path.cost)
    for edge in sorted(edges, key=lambda edge: _place(edge.start), reverse=True):
        if edge.stop in on:
            path = Path(edge.cost + on[edge.stop].cost, (edge, *on[edge.stop].steps))
            on[edge.start] = min(on.get(edge.start, path), path, key=lambda path: path.cost)
    return [
        Path(
            to[edge.start].cost + edge.cost + on[edge.stop].cost,
            (*to[edge.start].steps, edge, *on[edge.stop].steps),
        )
        if edge.start in to and edge.stop in on
        else None
        for edge in edges
    ]


def _place(node: Node) -> tuple[int, int, int]:
    """Where a node comes in its line: after those that lead to it."""
    return (node[0], 0, 0) if len(node) == 1 else (node[0], node[2], 1)


def _parts(edges: list[list[Candidate]], threshold: float) -> list[tuple[int, Candidate, Part]]:
    """The parts between cuts through wide or doubted digits: line, digit and part."""
    return [
        (k, edge, part)
        for k, own in enumerate(edges)
        for edge in _paths(own)[0].steps
        if edge.answer and (most := _cuts_through(edge.answer, threshold))
        for part in cut_parts(edge.answer.piece, most)
    ]


def _with_parts(
    edges: list[list[Candidate]],
    parts: list[tuple[int, Candidate, Part]],
    answers: Sequence[Answer],
    threshold: float,
) -> list[list[Candidate]]:
    """The candidates, and those parts of digits that the nets are sure of."""
    grown = [list(own) for own in edges]
    for (k, edge, part), answer in zip(parts, answers, strict=True):
        if answer.sure < threshold:
            continue
        start = (*edge.start, *edge.stop, part.start) if part.start else edge.start
        stop = (*edge.start, *edge.stop, part.stop) if part.stop else edge.stop
        costs = digit_costs(answer) | {"cut": part.cost}
        joined = 1
        if not part.start:  # what speaks against the whole piece counts once
            costs |= {name: edge.costs[name] for name in ("joins", "not a sign", "stacked")}
            joined = edge.joined
        sides = (part.start > 0) + (part.stop > 0)
        box = part.piece.box
        grown[k].append(Candidate(box, start, stop, costs, answer, cuts=sides, joined=joined))
    return grown


def _cuts_through(answer: Answer, threshold: float) -> int:
    """How many cuts are tried through a piece; 0 if it cannot be several digits."""
    least, most = (
        (SURE_WIDTH, SURE_CUTS) if answer.sure >= threshold else (DOUBTED_WIDTH, MOST_CUTS)
    )
    return most if least < answer.piece.width / answer.piece.height < BAR_WIDTH else 0


def _graph(edges: list[list[Candidate]]) -> Graph:
    """The reading of lines from their candidates."""
    lines, candidates = [], []
    dropped = joins = 0
    for own in edges:
        paths = _paths(own)
        best = list(paths[0].steps)
        if len(paths) > 1 and paths[1].cost - paths[0].cost < MARGIN:
            best = _doubted(best, paths[1].steps)
        # However cheap its path, one cut in ten was wrong.
        best = [_with_doubt(e, "cut where digits seem to touch") if e.cuts else e for e in best]
        chosen = {(edge.start, edge.stop, edge.text) for edge in best}
        candidates.append(
            [replace(edge, chosen=(edge.start, edge.stop, edge.text) in chosen) for edge in own]
        )
        dropped += sum(not edge.text for edge in best)
        joins += sum(edge.joined - 1 for edge in best)
        lines.append(_kept(best))
    notes = []
    if joins:
        notes.append(f"Pieces joined to others: {joins}.")
    if dropped:
        notes.append(f"Stray strokes left out: {dropped}.")
    return Graph(lines, candidates, notes)


def _kept(path: list[Candidate]) -> list[Candidate]:
    """The digits and signs of a path; one beside ink that was left out has its doubt, too."""
    kept: list[Candidate] = []
    doubt = ""
    for edge in path:
        if edge.text:
            kept.append(_with_doubt(edge, doubt) if doubt else edge)
            doubt = ""
        elif edge.doubt and kept:
            kept[-1] = _with_doubt(kept[-1], edge.doubt)
        else:
            doubt = edge.doubt
    return kept


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
        doubted.append(_with_doubt(edge, words))
    return doubted


def _with_doubt(edge: Candidate, words: str) -> Candidate:
    """The candidate with a doubt, unless it has one."""
    if edge.answer and not edge.answer.doubt:
        return replace(edge, answer=replace(edge.answer, doubt=words))
    return replace(edge, doubt=edge.doubt or words)


def _doubted_layout(graph: Graph, other: list[list[Candidate]]) -> Graph:
    """The graph with a doubt of every digit: its pieces may lie on other lines."""
    first = " above ".join("".join(edge.text for edge in line) for line in graph.lines)
    second = " above ".join(_paths(own)[0].text for own in other)
    words = f"{first}, or {second}"
    return replace(graph, lines=[[_with_doubt(e, words) for e in line] for line in graph.lines])


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
    "": "a stray stroke",
}


def _doubt(best: list[Candidate], second: list[Candidate]) -> str:
    """Two readings of the same ink in words; "" if they are the same."""
    first, other = ("".join(edge.text for edge in path) for path in (best, second))
    if first == other:
        return ""
    first, other = NAMES.get(first, first), NAMES.get(other, other)
    if any(edge.joined > 1 for edge in second):
        return f"{first}, or {other} if these strokes belong together"
    if any(edge.joined > 1 for edge in best):
        return f"{first}, or {other} if these strokes do not belong together"
    if any(edge.cuts for edge in best):
        return f"{first} if digits touch here, or {other}"
    if any(edge.cuts for edge in second):
        return f"{first}, or {other} if digits touch here"
    return f"{first}, or {other}"
