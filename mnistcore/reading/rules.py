"""Thin straight lines in a mask of ink: found, followed across strokes, and taken out.

A line is followed from column to column, so that it may be turned or a little bent. Where a stroke
crosses it, the ink is deeper than the line is thick, and all of it stays.

The thresholds are rules of thumb, set on pictures of :mod:`mnistcore.benchmark.forms` and so that
no digit on a plain ground changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mnistcore.reading.ink import Mask, inked_box

# A line. Its pieces are columns of ink that are no deeper than a line is thick.
STEEPEST = np.tan(np.radians(5.5))  # its slope; what people photograph is turned by less
THICKEST = 0.025  # of the picture's longer side
LEAST_THICKEST = 4  # pixels: a fine line in a small picture is blurred to that
SHORTEST_PART = 6  # pixels: shorter parts say nothing of a line's slope
MOST_PARTS = 800  # the longest, as many as fine squared paper has
MOST_LINES = 100  # the longest, of one direction
BEND = 0.7, 0.002  # pixels, and share of its length: how far from straight a line may be, RMS
OFF = 1.5, 0.02  # pixels, and share of the gap: how far from the line its next part may be
HIDDEN = 2  # times the length so far: the longest gap, where digits hide a line
OVERLAP = 4  # pixels: parts overlap where a stroke leaves the line at a sharp angle
SEEN = 0.2  # of a line's length, at least; strokes lie over the rest
INKED = 0.9  # of its length, at least, has ink: between dashes, or the bars of 7s, there is none
SHAPE = 4  # a line is at least that many times as long as it is thick
BEYOND = 2  # thicknesses: it may go on that far under a line that it ends at
EDGE = 2  # pixels of soft edge on both sides of a line
CROSSED = 1.5  # times its thickness, and EDGE: where ink is deeper, a stroke crosses the line

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Rule:
    """A thin straight line. Along an upright one, "columns" are rows and the other way round."""

    upright: bool
    xs: Floats  # (n,) the columns in which it was seen, ascending
    ys: Floats  # (n,) its middle in each
    thickness: float  # pixels

    @cached_property
    def _fit(self) -> Floats:
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


def find_rules(mask: Mask, upright: bool) -> list[Rule]:
    """The thin straight lines of a mask that are level, or upright, within STEEPEST."""
    thickest = max(LEAST_THICKEST, THICKEST * max(mask.shape))
    plane = mask.T if upright else mask
    columns, first, last = _runs(plane)
    thin = last - first <= thickest
    columns, first, last = columns[thin], first[thin], last[thin]
    middle = (first + last - 1) / 2
    parts = _parts(columns, middle, last - first)
    rules: list[Rule] = []
    for _ in range(MOST_LINES):
        if not parts:
            break
        chosen = _joined(parts)
        parts = [part for part in parts if part not in chosen]
        members = np.concatenate([part.members for part in chosen])
        members = members[np.argsort(columns[members])]
        depth = (last - first)[members]
        thickness = float(np.median(depth))
        members = members[depth <= CROSSED * thickness + EDGE]
        rule = Rule(upright, columns[members].astype(float), middle[members], thickness)
        seen = len(np.unique(columns[members]))
        if (
            rule.length >= SHAPE * thickness
            and seen >= SEEN * rule.length
            and _inked_share(plane, rule) >= INKED
        ):
            rules.append(rule)
    return rules


def _inked_share(mask: Mask, line: Rule) -> float:
    """The share of a line's columns that have ink there: its own, or that of a stroke over it."""
    xs = np.arange(int(line.start), int(line.stop) + 1)
    ys = np.interp(xs, line.xs, line.ys).round().astype(int)
    near = [mask[(ys + step).clip(0, len(mask) - 1), xs] for step in (-1, 0, 1)]
    return float(np.any(near, 0).mean())


def _runs(mask: Mask) -> tuple[Integers, Integers, Integers]:
    """The runs of ink down the columns: column, first row, row after the last; in that order."""
    box = inked_box(mask)
    top, left = (side.start for side in box)
    change = np.diff(np.pad(mask[box].T.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    columns, first = np.nonzero(change == 1)
    return columns + left, first + top, np.nonzero(change == -1)[1] + top


@dataclass(frozen=True, eq=False)
class Stretch:
    """A stretch of a line between two strokes that cross it."""

    members: Integers  # its runs, from column to column
    columns: Floats
    middle: Floats


def _parts(columns: Integers, middle: Floats, depth: Integers) -> list[Stretch]:
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
    shallow, deep = np.minimum(depth, depth[after]), np.maximum(depth, depth[after])
    linked &= deep <= CROSSED * shallow + EDGE  # a dash beside a line is not part of it
    chain = index.copy()  # of each run: an earlier one of its chain, in the end its first
    chain[after[linked]] = index[linked]
    while (chain[chain] != chain).any():
        chain = chain[chain]
    chain = np.unique(chain, return_inverse=True)[1]
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
    return [Stretch(members[s], columns[s].astype(float), middle[s]) for s in stretches]


def _fits(chain: Integers, columns: Integers, middle: Floats) -> tuple[Integers, Floats, Floats]:
    """A straight line through each chain: its length, its slope; each point's distance."""
    count = int(chain.max(initial=-1)) + 1
    n = np.bincount(chain, minlength=count)
    x, y = (v - (np.bincount(chain, v, count) / np.maximum(n, 1))[chain] for v in (columns, middle))
    slope = np.bincount(chain, x * y, count) / np.maximum(np.bincount(chain, x * x, count), 1e-9)
    return n, slope, y - slope[chain] * x


def _nearest(keys: Floats, wanted: Floats) -> Integers:
    """The index of the key nearest to each wanted one; the keys ascend."""
    right = np.clip(np.searchsorted(keys, wanted), 1, max(1, len(keys) - 1))
    right = np.minimum(right, len(keys) - 1)
    left = np.maximum(right - 1, 0)
    return np.where(np.abs(keys[left] - wanted) <= np.abs(keys[right] - wanted), left, right)


def _joined(parts: list[Stretch]) -> list[Stretch]:
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


def without_rules(mask: Mask, rules: Iterable[Rule]) -> Mask:
    """A mask without rules, but with the strokes that cross them."""
    rest = mask.copy()
    for upright in (False, True):
        own = [rule for rule in rules if rule.upright == upright]
        if not own:
            continue
        plane = rest.T if upright else rest
        columns, first, last = _runs(plane)
        for line in own:
            thick = line.thickness
            low, high = line.start - BEYOND * thick, line.stop + BEYOND * thick
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
