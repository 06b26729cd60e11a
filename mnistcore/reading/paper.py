"""What is printed on the paper, taken out of a plane of ink: lines, forms, frames and rings.

A line by itself looks like a 1, a dash or the bar of a 7. It is taken out only for what it does:
it crosses the picture, is much longer than all digits are high, or makes a form with others.

The thresholds are rules of thumb, set on pictures of :mod:`mnistcore.benchmark.forms` and so that
no digit on a plain ground changes.
"""

from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnistcore.reading.ink import FAINT, Mask, Plane, ink_level, inked_box
from mnistcore.reading.rules import EDGE, Rule, find_rules, without_rules

EIGHT = np.ones((3, 3), bool)  # pixels that touch at a corner belong together

# Lines that cross the picture, and long ones. Lengths are in heights of the tallest digit.
CROSSING_MARGIN = 0.06  # of the picture: a line crosses it if it ends that near to its sides
CROSSING_LENGTH = 1.2  # the 1 in a tight crop is as long as its neighbours are high
LONG = 3  # a level line that does not cross the picture, such as one to write on
WRITTEN = 6  # thicknesses of a line: what is lower is a foot, a flag or a speck, not a digit
LONG_SHARE = 0.4  # of the picture's longer side, at least
PAPER_THICKNESS = 0.01  # of the longer side: on empty paper, lines this thin are not dashes
MANY = 3  # lines so thin that cross in one direction are the paper's, however high the digits seem

# Forms.
MEET = 3  # pixels, beyond half of both thicknesses: so near, the ends of two lines meet
ALIKE = 0.12  # two walls of a row differ by less, as a share of their length
INSIDE = (
    0.2  # of the depth of a form's row, or of a ring's size: what is inside is as large, at least
)
DIVIDER_LENGTH = 1.15  # of the tallest digit, at least: 1s are no longer than other digits
DIVIDER_THICKNESS = 0.75  # of the strokes' width, at most, unless it is longer than
SURE_DIVIDER_LENGTH = 1.4  # of the tallest digit

# Frames and rings: pieces of ink around others.
FRAME_SIDE = 7  # the sides are no thicker than the width or height divided by this
FRAME_INKED = 0.7  # of a side of a box, at least, if it is there
RING_SHAPE = 0.8  # a ring is at least that wide for its height; most 0s are slimmer
RING_INNER = 0.7  # of its radius: its ink is all further out
RING_TURN = 0.9  # of a full turn, at least
RING_BINS = 36  # in a full turn
MOST_FRAMES = 64  # the largest pieces, which may be frames
REMAINS = 0.6  # of the tallest piece: what is left of a frame at the picture's border is shorter
REMAINS_MARGIN = 3  # pixels: it lies that near to the border
REMAINS_SHAPE = 2  # it is at least that many times as long as it is thick
RINGED_SIZE = 0.78  # of the ring, at most, for what is inside: the slash of a 0 is longer


@dataclass(frozen=True)
class Paper:
    """A plane of ink, parted into what was written and what was printed."""

    ink: Plane  # (H, W) in [0, 1], what was written
    printed: Plane  # (H, W) in [0, 1], what was taken out
    level: float  # above which a place surely has ink
    notes: list[str]


def take_paper(ink: Plane) -> Paper:
    """Part what was written from the lines of ruled and squared paper, forms, frames and rings.

    Args:
        ink: float32 (H, W) in [0, 1].
    """
    level = ink_level(ink)
    mask = ink > FAINT * level
    rules = [*find_rules(mask, upright=False), *find_rules(mask, upright=True)]
    taken = _forms(rules, mask)
    taken += _crossing([rule for rule in rules if rule not in taken], taken, mask)
    taken += _dividers([rule for rule in rules if rule not in taken], taken, mask)
    rest = without_rules(mask, taken)
    notes = ["The lines of the paper were taken out."] if taken else []
    frames = _frames(rest)
    if frames.any():
        notes.append("A frame around the writing, or the remains of one, was taken out.")
    rest &= ~frames
    if not notes:
        return Paper(ink, np.zeros_like(ink), level, [])
    soft = ndimage.binary_dilation(mask & ~rest, EIGHT, EDGE) & ~ndimage.binary_dilation(
        rest, EIGHT
    )
    printed = np.where((mask & ~rest) | soft, ink, np.float32(0))
    return Paper(ink - printed, printed, ink_level(ink - printed), notes)


def _tallest(mask: Mask) -> int:
    """The height of the tallest connected piece of a mask."""
    found = ndimage.find_objects(ndimage.label(mask, EIGHT)[0])
    return max((rows.stop - rows.start for rows, _ in found), default=0)


def _meet(a: Rule, b: Rule) -> float:
    """The most that the ends of two lines may be apart where they meet, in pixels."""
    return MEET + (a.thickness + b.thickness) / 2


def _ends_at(wall: Rule, line: Rule) -> bool:
    """Whether a wall starts or ends at a line across it."""
    y = line.at(wall.at(wall.start))
    return min(abs(wall.start - y), abs(wall.stop - y)) <= _meet(wall, line)


def _alike(a: float, b: float, slack: float) -> bool:
    return abs(a - b) <= ALIKE * max(a, b) + slack


def _forms(rules: list[Rule], mask: Mask) -> list[Rule]:
    """The lines of boxes, rows of cells and combs that have something written in them."""
    level = sorted((p for p in rules if not p.upright), key=lambda p: -p.length)
    upright = [p for p in rules if p.upright]
    forms: list[Rule] = []
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
            floors = [p for p in level if p is not base and _joins(p, left, right)]
            form = _form(base, left, right, walls, floors)
            depth = left.length / max(1, len(floors))
            if form and _tallest(without_rules(mask, form)) >= INSIDE * depth:
                forms += form
                break
    return forms


def _joins(line: Rule, left: Rule, right: Rule) -> bool:
    """Whether a level line runs from one upright line to another."""
    ends = (line.start, left), (line.stop, right)
    return all(
        abs(wall.at(line.at(x)) - x) <= _meet(wall, line)
        and abs(line.at(x) - np.clip(line.at(x), wall.start, wall.stop)) <= _meet(wall, line)
        for x, wall in ends
    )


def _form(base: Rule, left: Rule, right: Rule, walls: list[Rule], floors: list[Rule]) -> list[Rule]:
    """A form with these ends; empty if it has neither inner walls nor another level line."""
    inner = [
        wall
        for wall in walls
        if wall not in (left, right)
        and base.start < wall.at(base.at(wall.start)) < base.stop
        and _alike(wall.length, left.length, MEET)
    ]
    return [base, left, right, *floors, *inner] if floors or inner else []


def _crossing(rules: list[Rule], taken: list[Rule], mask: Mask) -> list[Rule]:
    """The lines that cross the picture, and those much longer than what is written is high."""
    across = [rule for rule in rules if _crosses(rule, mask.shape)]
    longest = max(mask.shape)
    longer = [
        p for p in rules if not (p in across or p.upright) and p.length > LONG_SHARE * longest
    ]
    if not across and not longer:
        return []
    height = _tallest(without_rules(mask, [*taken, *across, *longer]))
    thin = [line for line in across if line.thickness <= max(1, PAPER_THICKNESS * longest)]
    many = [line for line in thin if sum(p.upright == line.upright for p in thin) >= MANY]
    return [
        line
        for line in across + longer
        if (
            line in many or line.length >= (CROSSING_LENGTH if line in across else LONG) * height
            if height >= WRITTEN * line.thickness
            else line in thin
        )
    ]


def _crosses(line: Rule, shape: tuple[int, ...]) -> bool:
    """Whether both ends of a line lie at the sides of a picture."""
    side, across = shape if line.upright else shape[::-1]
    margin = CROSSING_MARGIN * side

    def leaves(x: float) -> bool:
        return min(line.at(x), across - 1 - line.at(x)) <= EDGE

    return (line.start <= margin or leaves(line.start)) and (
        line.stop >= side - 1 - margin or leaves(line.stop)
    )


def _dividers(rules: list[Rule], taken: list[Rule], mask: Mask) -> list[Rule]:
    """Upright lines between digits: alike, level with each other, and longer than the digits."""
    upright = sorted((p for p in rules if p.upright), key=lambda p: -p.length)
    for first in upright:
        group = [
            wall
            for wall in upright
            if _alike(wall.length, first.length, 2)
            and abs(_above(first, wall)) <= MEET + ALIKE * first.length / 2
        ]
        if len(group) < 2:
            continue
        rest = without_rules(mask, [*taken, *group])
        if not _part_ink(group, rest):
            continue
        height = _tallest(rest)
        thickness = max(wall.thickness for wall in group)
        if height < WRITTEN * thickness or first.length < DIVIDER_LENGTH * height:
            return []
        width = 4 * float(ndimage.distance_transform_edt(rest)[rest].mean())
        if thickness <= DIVIDER_THICKNESS * width or first.length >= SURE_DIVIDER_LENGTH * height:
            return group
    return []


def _part_ink(walls: list[Rule], rest: Mask) -> bool:
    """Whether there is ink on both sides of each of some upright lines, as of all dividers."""
    columns = rest.any(axis=0).astype(bool)
    places = sorted(round(wall.at((wall.start + wall.stop) / 2)) for wall in walls)
    return all(
        columns[max(0, left) : max(0, right)].any()
        for left, right in pairwise([0, *places, len(columns)])
    )


def _above(a: Rule, b: Rule) -> float:
    """By how much the middle of an upright line is higher than another's, as both are turned."""
    middles = [(line.start + line.stop) / 2 for line in (a, b)]
    slope = (a.at(a.stop) - a.at(a.start)) / a.length
    across = b.at(middles[1]) - a.at(middles[0])
    return middles[1] - middles[0] + slope * across


def _frames(mask: Mask) -> Mask:
    """The boxes and rings around other ink, and their remains at the border, as a mask."""
    frames = np.zeros_like(mask)
    box = inked_box(mask)
    labels, count = ndimage.label(mask[box], EIGHT)
    if count < 2:
        return frames
    places = ndimage.find_objects(labels)
    top, left = (side.start for side in box)
    boxes = np.array([[r.start, c.start, -r.stop, -c.stop] for r, c in places])
    boxes += [top, left, -top, -left]
    sides = -(boxes[:, :2] + boxes[:, 2:])
    size, tallest = sides.max(1), sides[:, 0].max()
    for number in np.argsort(-size)[:MOST_FRAMES]:
        within = (boxes > boxes[number]).all(1)
        share = size[within].max(initial=0) / size[number]
        own = labels[places[number]] == number + 1
        if (
            (share > INSIDE and _is_box(own))
            or (INSIDE < share <= RINGED_SIZE and _is_ring(own))
            or (size[number] <= REMAINS * tallest and _is_remains(boxes[number], mask.shape))
        ):
            frames[box][places[number]] |= own
    return frames


def _is_remains(box: NDArray[np.intp], shape: tuple[int, ...]) -> bool:
    """Whether a slender piece lies along the border of the picture.

    Args:
        box: top, left, -bottom, -right.
        shape: of the picture.
    """
    sides = -(box[:2] + box[2:])
    across = int(sides.argmin())  # 0 if it is level
    distances = np.array([box[across], shape[across] + box[across + 2]])  # of its near sides
    return bool(distances.min() <= REMAINS_MARGIN and sides.max() >= REMAINS_SHAPE * sides.min())


def _is_box(mask: Mask) -> bool:
    """Whether all ink lies along three or four sides of its box."""
    rows, columns = (side // FRAME_SIDE for side in mask.shape)
    if min(rows, columns) == 0 or mask[rows:-rows, columns:-columns].any():
        return False
    sides = (
        mask[:rows].any(0),
        mask[-rows:].any(0),
        mask[:, :columns].any(1),
        mask[:, -columns:].any(1),
    )
    return sum(side.mean() >= FRAME_INKED for side in sides) >= 3


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
