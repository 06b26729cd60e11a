"""Signs between digits: dash, slash, point, comma and colon, by their shape and place alone.

The nets know digits only. Each condition below is a ramp from 0, where the sign is ruled out, to 1;
a sign is as certain as its worst condition. Lengths are shares of the height of the digits beside
it, unless noted. The ramps were set on numbers made from MNIST's training digits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mnistcore.reading.lines import Line
from mnistcore.reading.pieces import Box, Piece

# What is looked at.
LEAST = 0.05  # certainty of a sign that is worth considering
NEAR = 1.2  # heights of the digits, between a sign and a digit beside it
OVERLAP = 0.35  # of the narrower one's width, that a sign and a digit share at most
SMALL = 0.45  # heights of the digits: a dot is smaller

# Each ramp: where it is 0 and where it is 1.
DASH_SHAPE = 1.5, 2.5  # width in heights
DASH_WIDTH = 0.1, 0.2
LONGEST_DASH = 1.2, 0.9
DASH_MIDDLE = 0.35, 0.25  # from half height, of its centre
SLASH_REACH = 0.2, 0.5  # its height beyond that of the digits, and three times what is below them
SLASH_HEIGHT = 0.95, 1.1
SLASH_SLANT = 5, 15  # degrees from upright, leaning right
ALIKE_HEIGHT = 0.9  # of the surest slash, for another one, at least
ALIKE_SLANT = 12  # degrees, between both
STRAIGHT = 0.08, 0.04  # deviation of its ink from a straight line, in its own lengths
DOT_SHAPE = 1.7, 1.3  # longer side in shorter sides
LARGEST_DOT = 0.35, 0.25
SMALLEST_DOT = 0.4, 0.8  # in widths of the digits' strokes
POINT_ABOVE = 0.3, 0.2  # of its bottom above the base line, at most
POINT_BELOW = 0.22, 0.12  # of its bottom below the base line, at most
COMMA_HEIGHT = 0.55, 0.45
COMMA_SHAPE = 1.05, 1.3  # height in widths
COMMA_TOP = 0.35, 0.25  # of its top above the base line, at most
COMMA_TAIL = 0.02, 0.12  # of its bottom below the base line, at least
COLON_UPPER = 0.1, 0.2  # of the centre of its upper dot below the top of the digits, at least
COLON_LOWER = -0.1, 0.0  # of the centre of its lower dot above the base line, at least
COLON_APART = 0.02, 0.1  # between its dots
COLON_SHIFT = 0.25, 0.15  # of one dot beside the other


@dataclass(frozen=True)
class Sign:
    """A sign between the digits of a number, or before them."""

    character: str  # "-", "/", ".", "," or ":"
    box: Box  # in pixels of the given picture
    sure: float  # its certainty, 0 to 1
    reason: str = ""  # of a doubt, in words

    @property
    def text(self) -> str:
        """What it adds to the text of a reading."""
        return self.character

    def summary(self) -> dict[str, Any]:
        """The sign as plain data for JSON."""
        return {
            "kind": "sign",
            "character": self.character,
            "box": list(self.box),
            "sure": self.sure,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Place:
    """The digits beside a sign, in pixels of the plane."""

    top: float  # of the digits
    base: float  # their base line
    stroke: float  # the width of their strokes

    @property
    def height(self) -> float:
        """Of the digits."""
        return self.base - self.top


def _ramp(value: float, ends: tuple[float, float]) -> float:
    """0 at the first end and beyond, 1 at the second and beyond, linear between."""
    start, stop = ends
    return min(1.0, max(0.0, (value - start) / (stop - start)))


def dash(piece: Piece, place: Place) -> float:
    """The certainty of a lying stroke at half height."""
    height = place.height
    middle = (piece.top + piece.bottom) / 2 - (place.top + place.base) / 2
    return min(
        _ramp(piece.width / piece.height, DASH_SHAPE),
        _ramp(piece.width / height, DASH_WIDTH),
        _ramp(piece.width / height, LONGEST_DASH),
        _ramp(abs(middle) / height, DASH_MIDDLE),
        _ramp(_bend(piece), STRAIGHT),
    )


def slash(piece: Piece, place: Place, line_height: float) -> float:
    """The certainty of a straight stroke that is taller and more slanted than the digits.

    It must be taller than those beside it and than most of the line: heights may be uneven.
    """
    height = max(place.height, line_height)
    below = max(0.0, piece.bottom - place.base)
    reach = (piece.height - height + 3 * below) / height
    if reach < SLASH_REACH[0] or piece.height < piece.width:
        return 0.0  # most pieces end here
    return min(
        _ramp(reach, SLASH_REACH),
        _ramp(piece.height / height, SLASH_HEIGHT),
        _ramp(_slant(piece), SLASH_SLANT),
        _ramp(_bend(piece), STRAIGHT),
    )


def point(piece: Piece, place: Place) -> float:
    """The certainty of a dot on the base line."""
    return min(
        _dot(piece, place),
        _ramp((place.base - piece.bottom) / place.height, POINT_ABOVE),
        _ramp((piece.bottom - place.base) / place.height, POINT_BELOW),
    )


def comma(piece: Piece, place: Place) -> float:
    """The certainty of a short stroke through the base line."""
    height = place.height
    return min(
        _ramp(piece.height / height, COMMA_HEIGHT),
        _ramp(piece.height / piece.width, COMMA_SHAPE),
        _ramp((place.base - piece.top) / height, COMMA_TOP),
        _ramp((piece.bottom - place.base) / height, COMMA_TAIL),
        _ramp(piece.size / place.stroke, SMALLEST_DOT),
    )


def colon(upper: Piece, lower: Piece, place: Place) -> float:
    """The certainty of two dots, one above the other."""
    height = place.height
    centres = [(piece.top + piece.bottom) / 2 for piece in (upper, lower)]
    shift = abs(upper.left + upper.right - lower.left - lower.right) / 2
    return min(
        _dot(upper, place),
        _dot(lower, place),
        _ramp((centres[0] - place.top) / height, COLON_UPPER),
        _ramp((place.base - centres[1]) / height, COLON_LOWER),
        _ramp((lower.top - upper.bottom) / height, COLON_APART),
        _ramp(shift / height, COLON_SHIFT),
    )


def _dot(piece: Piece, place: Place) -> float:
    """The certainty of a touch of the pen."""
    return min(
        _ramp(piece.size / min(piece.mask.shape), DOT_SHAPE),
        _ramp(piece.size / place.height, LARGEST_DOT),
        _ramp(piece.size / place.stroke, SMALLEST_DOT),
    )


def _axis(piece: Piece) -> tuple[float, float, float]:
    """Standard deviations of the ink along and across its main axis; the axis's angle, degrees."""
    rows, columns = np.nonzero(piece.mask)
    if len(rows) < 2:
        return 0.0, 0.0, 0.0
    (across, along), axes = np.linalg.eigh(np.cov(columns, rows))
    x, y = axes[:, 1]
    return math.sqrt(along), math.sqrt(max(0.0, across)), math.degrees(math.atan2(y, x))


def _slant(piece: Piece) -> float:
    """Degrees by which the main axis leans to the right of upright."""
    return _axis(piece)[2] % 180 - 90  # rows grow downwards: 90 is upright, more leans right


def _bend(piece: Piece) -> float:
    """How far the ink spreads about its main axis, beyond a straight stroke's own width."""
    along, across, _ = _axis(piece)
    length = max(1.0, math.sqrt(12) * along)  # a straight stroke's, from its deviation
    own = piece.area / length / math.sqrt(12)
    return math.sqrt(max(0.0, across**2 - own**2)) / length


@dataclass(frozen=True, eq=False)
class FoundSign:
    """Pieces that may be a sign."""

    pieces: tuple[Piece, ...]  # two for a colon
    character: str
    sure: float  # 0 to 1, above LEAST


def find_signs(line: Line) -> list[FoundSign]:
    """The signs that may be on a line, by their places between its digits."""
    if len(line.pieces) + len(line.specks) < 2:
        return []
    found = []
    small = [p for p in (*line.pieces, *line.specks) if p.size < SMALL * line.height]
    for piece in [*line.pieces, *line.specks]:
        left, right = (_neighbour(piece, line, side) for side in (-1, 1))
        if right is None:
            continue
        place = _place(line, left, right)
        chances = {}
        if piece not in line.specks:
            chances["-"] = dash(piece, place)
        if left is not None:
            if piece not in line.specks:
                chances["/"] = slash(piece, place, line.height)
            chances |= {".": point(piece, place), ",": comma(piece, place)}
            found += _colons(piece, small, place)
        found += [FoundSign((piece,), c, sure) for c, sure in chances.items() if sure > LEAST]
    return _slashes_alike(found)


def _slashes_alike(found: list[FoundSign]) -> list[FoundSign]:
    """The signs, slashes like the surest one as sure as that: a date has two of a kind."""
    slashes = [sign for sign in found if sign.character == "/"]
    if len(slashes) < 2:
        return found
    surest = max(slashes, key=lambda sign: sign.sure)
    (model,) = surest.pieces

    def is_alike(sign: FoundSign) -> bool:
        (piece,) = sign.pieces
        return (
            piece.height >= ALIKE_HEIGHT * model.height
            and abs(_slant(piece) - _slant(model)) <= ALIKE_SLANT
        )

    return [
        replace(sign, sure=surest.sure) if sign in slashes and is_alike(sign) else sign
        for sign in found
    ]


def _colons(upper: Piece, small: Sequence[Piece], place: Place) -> list[FoundSign]:
    """The colons whose upper dot this is, of the small pieces of a line."""
    if upper not in small:
        return []
    most = COLON_SHIFT[0] * place.height
    chances = [
        (lower, colon(upper, lower, place))
        for lower in small
        if lower.top > upper.top and abs(lower.left - upper.left) <= most + lower.width
    ]
    return [FoundSign((upper, lower), ":", sure) for lower, sure in chances if sure > LEAST]


def _neighbour(piece: Piece, line: Line, side: int) -> Piece | None:
    """The nearest digit to the left (-1) or right (1) of a piece, if one is near."""
    near = []
    for other in line.full:
        if other is piece or side * (other.left + other.right - piece.left - piece.right) <= 0:
            continue
        shared = piece.columns_shared(other)
        if shared > OVERLAP * min(piece.width, other.width) or -shared > NEAR * line.height:
            continue
        near.append((-shared, other))
    return min(near, key=lambda pair: pair[0])[1] if near else None


def _place(line: Line, left: Piece | None, right: Piece) -> Place:
    beside = [piece for piece in (left, right) if piece is not None]
    top, base = (float(np.mean([getattr(p, edge) for p in beside])) for edge in ("top", "bottom"))
    return Place(top, base, line.stroke)
