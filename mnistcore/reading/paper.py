"""What is printed on the paper, taken out of a plane of ink: lines, forms, frames and rings.

A line is followed from column to column, so that it may be turned or a little bent. Where a stroke
crosses it, the ink is deeper than the line is thick, and all of it stays.

A line by itself looks like a 1, a dash or the bar of a 7. It is taken out only for what it does:
it crosses the picture, is much longer than all digits are high, or makes a form with others.

The thresholds are rules of thumb, set on pictures of :mod:`mnistcore.benchmark.forms` and so that
no digit on a plain ground changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mnistcore.reading.ink import FAINT, LEAST_INK, Mask, Plane, ink_level

EIGHT = np.ones((3, 3), bool)  # pixels that touch at a corner belong together

# A line. Its pieces are columns of ink that are no deeper than a line is thick.
STEEPEST = np.tan(np.radians(5.5))  # its slope; what people photograph is turned by less
THICKEST = 0.025  # of the picture's longer side
LEAST_THICKEST = 4  # pixels: a fine line in a small picture is blurred to that
SHORTEST_PART = 6  # pixels: shorter parts say nothing of a line's slope
MOST_PARTS = 2000  # the longest; squared paper has some 800
BEND = 0.7, 0.002  # pixels, and share of its length: how far from straight a line may be, RMS
OFF = 1.5, 0.02  # pixels, and share of the gap: how far from the line its next part may be
HIDDEN = 2  # times the length so far: the longest gap, where digits hide a line
OVERLAP = 4  # pixels: parts overlap where a stroke leaves the line at a sharp angle
SEEN = 0.2  # of a line's length, at least; strokes lie over the rest
INKED = 0.85  # of its length, at least, has ink: between dashes, or the bars of 7s, there is none
SHAPE = 4  # a line is at least that many times as long as it is thick
EDGE = 2  # pixels of soft edge on both sides of a line
CROSSED = 1.5  # times its thickness, and EDGE: where ink is deeper, a stroke crosses the line

# Lines that cross the picture, and long ones. Lengths are in heights of the tallest digit.
CROSSING_MARGIN = 0.06  # of the picture: a line crosses it if it ends that near to its sides
CROSSING_LENGTH = 1.2  # the 1 in a tight crop is as long as its neighbours are high
LONG = 3  # a level line that does not cross the picture, such as one to write on
WRITTEN = 6  # thicknesses of a line: what is lower is a foot, a flag or a speck, not a digit
LONG_SHARE = 0.4  # of the picture's longer side, at least
PAPER_THICKNESS = 0.01  # of the picture's longer side: so thin, lines on empty paper are no dashes

# Forms.
MEET = 3  # pixels, beyond half of both thicknesses: so near, the ends of two lines meet
ALIKE = 0.12  # two walls of a row differ by less, as a share of their length
INSIDE = 0.2  # of a form's depth or of a ring's size: what is inside is as large, at least
DIVIDER_LENGTH = 1.15  # of the tallest digit, at least: 1s are no longer than other digits
DIVIDER_THICKNESS = 0.75  # of the strokes' width, at most, unless it is longer than
SURE_DIVIDER_LENGTH = 1.4  # of the tallest digit

# Frames and rings: pieces of ink around others.
FRAME_SIDE = 7  # the sides are no thicker than the width or height divided by this
RING_SHAPE = 0.8  # a ring is at least that wide for its height; most 0s are slimmer
RING_INNER = 0.7  # of its radius: its ink is all further out
RING_TURN = 0.9  # of a full turn, at least
RING_BINS = 36  # in a full turn
RINGED_SIZE = 0.78  # of the ring, at most, for what is inside: the slash of a 0 is longer

Numbers = NDArray[np.float64]
Size = tuple[float, float]


@dataclass(frozen=True)
class Paper:
    """A plane of ink, parted into what was written and what was printed."""

    ink: Plane  # (H, W) in [0, 1], what was written
    printed: Plane  # (H, W) in [0, 1], what was taken out
    notes: list[str]


@dataclass(frozen=True, eq=False)
class Line:
    """A thin straight line. Along an upright one, "columns" are rows and the other way round."""

    upright: bool
    xs: Numbers  # (n,) the columns in which it was seen, ascending
    ys: Numbers  # (n,) its middle in each
    thickness: float  # pixels

    @cached_property
    def _fit(self) -> Numbers:
        return np.polyfit(self.xs, self.ys, 1)

    @property
    def start(self) -> float:
        """Its first column."""
        return float(self.xs[0])

    @property
    def stop(self) -> float:
        """Its last column."""
        return float(self.xs[-1])

    @property
    def length(self) -> float:
        """Columns from its first to its last."""
        return self.stop - self.start + 1

    def at(self, x: float) -> float:
        """Its middle in a column, on the straight line through all of it."""
        return float(np.polyval(self._fit, x))


def take_paper(ink: Plane) -> Paper:
    """Part what was written from the lines of ruled and squared paper, forms, frames and rings.

    Args:
        ink: float32 (H, W) in [0, 1].
    """
    if ink.max() <= LEAST_INK:
        return Paper(ink, np.zeros_like(ink), [])
    mask = ink > FAINT * ink_level(ink)
    lines = [*find_lines(mask, upright=False), *find_lines(mask, upright=True)]
    taken = _forms(lines, mask)
    taken += _crossing([line for line in lines if line not in taken], taken, mask)
    taken += _dividers([line for line in lines if line not in taken], taken, mask)
    rest = _without(mask, taken)
    notes = ["The lines of the paper were taken out."] if taken else []
    frames = _frames(rest)
    if frames.any():
        notes.append("A frame around what was written was taken out.")
    rest &= ~frames
    if not notes:
        return Paper(ink, np.zeros_like(ink), [])
    soft = ndimage.binary_dilation(mask & ~rest, EIGHT, EDGE) & ~ndimage.binary_dilation(
        rest, EIGHT
    )
    printed = np.where((mask & ~rest) | soft, ink, np.float32(0))
    return Paper(ink - printed, printed, notes)


def find_lines(mask: Mask, upright: bool) -> list[Line]:
    """The thin straight lines of a mask that are level, or upright, within STEEPEST."""
    thickest = max(LEAST_THICKEST, THICKEST * max(mask.shape))
    plane = mask.T if upright else mask
    columns, first, last = _runs(plane)
    thin = last - first <= thickest
    columns, first, last = columns[thin], first[thin], last[thin]
    middle = (first + last - 1) / 2
    parts = _parts(columns, middle, last - first)
    lines = []
    while parts:
        chosen = _joined(parts)
        parts = [part for part in parts if part not in chosen]
        members = np.concatenate([part.members for part in chosen])
        members = members[np.argsort(columns[members])]
        thickness = float(np.median((last - first)[members]))
        line = Line(upright, columns[members].astype(float), middle[members], thickness)
        seen = len(np.unique(columns[members]))
        if (
            line.length >= SHAPE * thickness
            and seen >= SEEN * line.length
            and _inked_share(plane, line) >= INKED
        ):
            lines.append(line)
    return lines


def _inked_share(mask: Mask, line: Line) -> float:
    """The share of a line's columns that have ink there: its own, or that of a stroke over it."""
    xs = np.arange(int(line.start), int(line.stop) + 1)
    ys = np.interp(xs, line.xs, line.ys).round().astype(int)
    near = [mask[(ys + step).clip(0, len(mask) - 1), xs] for step in (-1, 0, 1)]
    return float(np.any(near, 0).mean())


def _runs(mask: Mask) -> tuple[Numbers, Numbers, Numbers]:
    """The runs of ink down the columns: column, first row, row after the last; in that order."""
    padded = np.zeros((mask.shape[1], mask.shape[0] + 2), np.int8)
    padded[:, 1:-1] = mask.T
    change = np.diff(padded, axis=1)
    columns, first = np.nonzero(change == 1)
    return columns, first, np.nonzero(change == -1)[1]


@dataclass(frozen=True, eq=False)
class Part:
    """A stretch of a line between two strokes that cross it."""

    members: NDArray[np.intp]  # its runs, from column to column
    columns: Numbers
    middle: Numbers


def _parts(columns: Numbers, middle: Numbers, depth: Numbers) -> list[Part]:
    """The straight chains of thin runs, the longest first."""
    if not len(columns):
        return []
    # The nearest run in the next column, if that one's nearest is this.
    tall = middle.max() + 3
    key = columns * tall + middle
    after, before = (_nearest(key, key + step * tall) for step in (1, -1))
    index = np.arange(len(key))
    reach = (depth + depth[after]) / 2
    linked = (columns[after] == columns + 1) & (before[after] == index)
    linked &= np.abs(middle[after] - middle) <= reach
    graph = coo_array(
        (np.ones(linked.sum(), bool), (index[linked], after[linked])), (len(key), len(key))
    )
    chain = connected_components(graph, directed=False)[1]
    n, slope, off = _fits(chain, columns, middle)
    members = np.nonzero(np.abs(off) <= OFF[0] + BEND[1] * n[chain])[0]  # a stroke may lead away
    chain, columns, middle = chain[members], columns[members], middle[members]
    n, slope, off = _fits(chain, columns, middle)
    bend = np.sqrt(np.bincount(chain, off**2, len(n)) / np.maximum(n, 1))
    good = (n >= SHORTEST_PART) & (bend <= BEND[0] + BEND[1] * n)
    good &= np.abs(slope) <= STEEPEST + 1 / np.maximum(n, 1)  # a short part's is inexact
    order = np.argsort(chain, kind="stable")
    ends = np.cumsum(n)
    chosen = sorted(np.nonzero(good)[0], key=lambda c: -n[c])[:MOST_PARTS]
    stretches = [order[ends[c] - n[c] : ends[c]] for c in chosen]
    return [Part(members[s], columns[s].astype(float), middle[s]) for s in stretches]


def _fits(chain: Numbers, x: Numbers, y: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """A straight line through each chain: its length, its slope; each point's distance."""
    count = int(chain.max()) + 1
    n = np.bincount(chain, minlength=count)
    means = [np.bincount(chain, v, count) / np.maximum(n, 1) for v in (x, y)]
    x, y = x - means[0][chain], y - means[1][chain]
    slope = np.bincount(chain, x * y, count) / np.maximum(np.bincount(chain, x * x, count), 1e-9)
    return n, slope, y - slope[chain] * x


def _nearest(keys: Numbers, wanted: Numbers) -> NDArray[np.intp]:
    """The index of the key nearest to each wanted one; the keys ascend."""
    right = np.clip(np.searchsorted(keys, wanted), 1, max(1, len(keys) - 1))
    right = np.minimum(right, len(keys) - 1)
    left = np.maximum(right - 1, 0)
    return np.where(np.abs(keys[left] - wanted) <= np.abs(keys[right] - wanted), left, right)


def _joined(parts: list[Part]) -> list[Part]:
    """The longest part, with the parts that go on where it ends, to either side."""
    line = [parts[0]]
    starts, stops = (np.array([part.columns[i] for part in parts]) for i in (0, -1))
    at_start, at_stop = (np.array([part.middle[i] for part in parts]) for i in (0, -1))
    free = np.ones(len(parts), bool)
    free[0] = False
    while True:
        xs = np.concatenate([part.columns for part in line])
        slope, offset = np.polyfit(xs, np.concatenate([part.middle for part in line]), 1)
        if abs(slope) > STEEPEST:
            return line
        low, high = xs.min(), xs.max()
        gap = np.maximum(starts - high, low - stops)  # negative where both have a column
        off = np.maximum(
            np.abs(offset + slope * starts - at_start), np.abs(offset + slope * stops - at_stop)
        )
        good = free & (gap >= -OVERLAP) & (gap <= HIDDEN * (high - low))
        good &= off <= OFF[0] + OFF[1] * (np.abs(gap) + stops - starts)
        if not good.any():
            return line
        nearest = int(np.argmin(np.where(good, gap, np.inf)))
        line.append(parts[nearest])
        free[nearest] = False


def _without(mask: Mask, lines: Iterable[Line]) -> Mask:
    """A mask without lines, but with the strokes that cross them."""
    rest = mask.copy()
    for upright in (False, True):
        own = [line for line in lines if line.upright == upright]
        if not own:
            continue
        plane = rest.T if upright else rest
        columns, first, last = _runs(plane)
        for line in own:
            thick = line.thickness
            low, high = line.start - thick - MEET, line.stop + thick + MEET
            some = slice(*np.searchsorted(columns, [low, high + 1]))
            x, top, bottom = columns[some], first[some], last[some]
            middle = np.interp(x, line.xs, line.ys)
            beyond = (x < line.start) | (x > line.stop)
            middle[beyond] = [line.at(c) for c in x[beyond]]
            near = np.abs((top + bottom - 1) / 2 - middle) <= thick / 2 + OFF[0]
            near &= bottom - top <= CROSSED * thick + EDGE
            for column, a, b in zip(x[near], top[near], bottom[near], strict=True):
                plane[a:b, column] = False
    return rest


def _pieces(mask: Mask) -> list[Size]:
    """Height and width of the connected pieces of a mask."""
    found = ndimage.find_objects(ndimage.label(mask, EIGHT)[0])
    return [(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in found]


def _tallest(mask: Mask) -> float:
    return max((height for height, _ in _pieces(mask)), default=0)


def _meet(a: Line, b: Line) -> float:
    """The most that the ends of two lines may be apart where they meet, in pixels."""
    return MEET + (a.thickness + b.thickness) / 2


def _ends_at(wall: Line, line: Line) -> bool:
    """Whether a wall starts or ends at a line across it."""
    y = line.at(wall.at(wall.start))
    return min(abs(wall.start - y), abs(wall.stop - y)) <= _meet(wall, line)


def _alike(a: float, b: float, slack: float) -> bool:
    return abs(a - b) <= ALIKE * max(a, b) + slack


def _forms(lines: list[Line], mask: Mask) -> list[Line]:
    """The lines of boxes, rows of cells and combs that have something written in them."""
    level = sorted((p for p in lines if not p.upright), key=lambda p: -p.length)
    upright = [p for p in lines if p.upright]
    forms: list[Line] = []
    for base in level:
        if base in forms:
            continue
        walls = [w for w in upright if w not in forms and _ends_at(w, base)]
        ends = [
            [w for w in walls if abs(w.at(base.at(x)) - x) <= _meet(w, base)]
            for x in (base.start, base.stop)
        ]
        for left, right in product(*ends):
            if left is right or not _alike(left.length, right.length, MEET):
                continue
            form = _form(base, left, right, walls, level)
            if form and _tallest(_without(mask, form)) >= INSIDE * left.length:
                forms += form
                break
    return forms


def _form(base: Line, left: Line, right: Line, walls: list[Line], level: list[Line]) -> list[Line]:
    """A form with this base and these ends; empty if it lacks both inner walls and a lid."""
    lids = [
        lid
        for lid in level
        if lid is not base
        and _alike(lid.length, base.length, 2 * MEET)
        and _ends_at(left, lid)
        and _ends_at(right, lid)
    ]
    inner = [
        wall
        for wall in walls
        if wall not in (left, right)
        and base.start < wall.at(base.at(wall.start)) < base.stop
        and _alike(wall.length, left.length, MEET)
    ]
    return [base, left, right, *lids, *inner] if lids or inner else []


def _crossing(lines: list[Line], taken: list[Line], mask: Mask) -> list[Line]:
    """The lines that cross the picture, and those much longer than what is written is high."""

    def crosses(line: Line) -> bool:
        side = mask.shape[not line.upright]
        margin = CROSSING_MARGIN * side
        return line.start <= margin and line.stop >= side - 1 - margin

    across = [line for line in lines if crosses(line)]
    longest = max(mask.shape)
    longer = [
        p for p in lines if not (p in across or p.upright) and p.length > LONG_SHARE * longest
    ]
    if not across and not longer:
        return []
    height = _tallest(_without(mask, [*taken, *across, *longer]))
    return [
        line
        for line in across + longer
        if (
            line.length >= (CROSSING_LENGTH if line in across else LONG) * height
            if height >= WRITTEN * line.thickness
            else line in across and line.thickness <= max(1, PAPER_THICKNESS * longest)
        )
    ]


def _dividers(lines: list[Line], taken: list[Line], mask: Mask) -> list[Line]:
    """Upright lines between digits: alike, level with each other, and longer than the digits."""
    upright = sorted((p for p in lines if p.upright), key=lambda p: -p.length)
    for first in upright:
        group = [
            wall
            for wall in upright
            if _alike(wall.length, first.length, 2)
            and abs(_above(first, wall)) <= MEET + ALIKE * first.length / 2
        ]
        if len(group) < 2:
            continue
        rest = _without(mask, [*taken, *group])
        height = _tallest(rest)
        thickness = max(wall.thickness for wall in group)
        if height < WRITTEN * thickness or first.length < DIVIDER_LENGTH * height:
            return []
        width = 4 * float(ndimage.distance_transform_edt(rest)[rest].mean())
        if thickness <= DIVIDER_THICKNESS * width or first.length >= SURE_DIVIDER_LENGTH * height:
            return group
    return []


def _above(a: Line, b: Line) -> float:
    """By how much the middle of an upright line is higher than another's, as both are turned."""
    middles = [(line.start + line.stop) / 2 for line in (a, b)]
    slope = (a.at(a.stop) - a.at(a.start)) / a.length
    across = b.at(middles[1]) - a.at(middles[0])
    return middles[1] - middles[0] + slope * across


def _frames(mask: Mask) -> Mask:
    """The boxes and rings around other ink, as a mask."""
    labels, _ = ndimage.label(mask, EIGHT)
    found = ndimage.find_objects(labels)
    frames = np.zeros_like(mask)
    for number, (rows, columns) in enumerate(found, 1):
        size = rows.stop - rows.start, columns.stop - columns.start
        inner = [
            max(r.stop - r.start, c.stop - c.start)
            for r, c in found
            if rows.start < r.start
            and r.stop < rows.stop
            and columns.start < c.start
            and c.stop < columns.stop
        ]
        share = max(inner, default=0) / max(size)
        if share > INSIDE:
            own = labels[rows, columns] == number
            if _is_box(own) or (share <= RINGED_SIZE and _is_ring(own)):
                frames[rows, columns] |= own
    return frames


def _is_box(mask: Mask) -> bool:
    """Whether all ink lies along the sides of its box."""
    rows, columns = (side // FRAME_SIDE for side in mask.shape)
    return min(rows, columns) > 0 and not mask[rows:-rows, columns:-columns].any()


def _is_ring(mask: Mask) -> bool:
    """Whether all ink lies on an ellipse that is not slim like a 0."""
    height, width = mask.shape
    if width < RING_SHAPE * height:
        return False
    rows, columns = np.nonzero(mask)
    x, y = (2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1
    turns = np.floor((np.arctan2(y, x) / (2 * np.pi) + 0.5) * RING_BINS).clip(0, RING_BINS - 1)
    seen = len(np.unique(turns)) >= RING_TURN * RING_BINS
    return bool(seen and np.hypot(x, y).min() >= RING_INNER)
