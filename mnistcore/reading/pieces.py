"""A plane of ink -> its connected pieces, without specks.

The thresholds are rules of thumb. Multiplied by 0.8 or by 1.25, one at a time, they read and refuse
as many of 609 pictures as they do now, unless a comment says otherwise. These were photographs,
scans and strokes by people, our own photographs and numbers, touching digits, and non-digits.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label, regionprops

from mnistcore.reading.ink import FAINT, Mask, Plane, inked_box

Box = tuple[int, int, int, int]  # left, top, right, bottom; the last two are just outside
Key = tuple[Box, bytes]  # of a piece

LEAST_SIZE = 6  # pixels: nobody can tell digits apart whose longer side is shorter

# Ink that touches the picture's border: the edge of a table, or a neighbour that is cut off.
CROPPED = 0.3  # of the largest piece and of all ink: with less of it inside, the digit is cut off
EDGE_HEIGHT = 0.6  # of the tallest inner piece: what is lower is a part of a neighbour
ALONG_EDGE = 0.7  # a digit covers less than this share of a side of the picture
# But an upright 1 at the edge of a tight crop covers all of it. If it is alone, the crop is higher
# than wide; otherwise it is the edge of a table.
CROP_HEIGHT = 0.7  # of the picture, for every piece, at least: the crop is tight
UPRIGHT_INK = 0.95  # of its box, at least: only its corners are round
UPRIGHT_SHAPE = 0.08, 0.35  # of its height, the least and the greatest width of an upright 1

# Specks, and lines of the paper that do not cross the whole picture (rules).
SPECK_SIZE = 0.15  # a speck's longer side is below this share of the largest piece's
SPECK_AREA = 0.02  # a speck has less than this share of the largest piece's pixels
RULE_SHAPE = 8  # a rule is wider than this many times its height; the bar of a 5 or 7 is not
# A rule is lower than this share of the tallest piece's height: a dash that fills the picture is
# kept.
RULE_HEIGHT = 0.2
RULE_LENGTH = 1.2  # of that height, at least: a dash is shorter

# A dot is somewhere deeper than this share of its longer side: a disc reaches 0.5, a stroke stays
# below.
DOT = 0.3


@dataclass(frozen=True, eq=False)
class Piece:
    """Ink that belongs together: a connected piece, several joined, or a part of one."""

    left: int
    top: int
    mask: Mask  # (height, width), where its ink is

    @property
    def height(self) -> int:
        """Rows."""
        return self.mask.shape[0]

    @property
    def width(self) -> int:
        """Columns."""
        return self.mask.shape[1]

    @property
    def size(self) -> int:
        """The longer side."""
        return max(self.mask.shape)

    @property
    def area(self) -> int:
        """Pixels of ink."""
        return int(self.mask.sum())

    @property
    def right(self) -> int:
        """The column after its last."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The row after its last."""
        return self.top + self.height

    @property
    def box(self) -> Box:
        """Where it is in the plane."""
        return self.left, self.top, self.right, self.bottom

    @property
    def is_dot(self) -> bool:
        """Whether it is one solid blob, as a touch of the pen makes."""
        depth = DOT * self.size
        if self.area < np.pi * max(0.0, depth - 1) ** 2:
            return False  # a disc of that radius has no room; looking for one takes long
        padded = np.pad(self.mask, 1)
        if ndimage.distance_transform_edt(padded).max() <= depth:
            return False
        return bool((ndimage.binary_fill_holes(padded) == padded).all())

    @cached_property
    def key(self) -> Key:
        """Equal for equal ink, whichever cuts and joins led to it."""
        return self.box, self.mask.tobytes()

    def rows_shared(self, other: "Piece") -> int:
        """The number of rows that both take up; negative where one lies above the other."""
        return min(self.bottom, other.bottom) - max(self.top, other.top)

    def columns_shared(self, other: "Piece") -> int:
        """The number of columns that both take up; negative where they lie side by side."""
        return min(self.right, other.right) - max(self.left, other.left)

    def joined(self, other: "Piece") -> "Piece":
        """Both as one."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        shape = max(self.bottom, other.bottom) - top, max(self.right, other.right) - left
        mask = np.zeros(shape, bool)
        for part in (self, other):
            rows = slice(part.top - top, part.bottom - top)
            mask[rows, part.left - left : part.right - left] |= part.mask
        return Piece(left, top, mask)

    @cached_property
    def stroke(self) -> float:
        """The mean width of its strokes, in pixels, at least 1."""
        depths = ndimage.distance_transform_edt(np.pad(self.mask, 1))
        # Depths grow from a half at a stroke's edge to half of its width.
        return max(1.0, 4 * float(depths[depths > 0].mean()) - 2)

    def between(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> "Piece | None":
        """The part from one column on and before another, (height,) each; None without ink."""
        columns = np.arange(self.width)
        mask = self.mask & (columns >= left[:, None]) & (columns < right[:, None])
        rows, columns = np.nonzero(mask)
        if not len(rows):
            return None
        mask = mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        return Piece(self.left + int(columns.min()), self.top + int(rows.min()), mask)

    def cut(self, ink: Plane) -> Plane:
        """Its ink alone, out of the plane, with a border of a pixel for the soft edge."""
        top, left = max(0, self.top - 1), max(0, self.left - 1)
        own = np.pad(self.mask, 1)
        own = own[top - self.top + 1 :, left - self.left + 1 :]
        part = ink[top : self.bottom + 1, left : self.right + 1]
        own = ndimage.binary_dilation(own, np.ones((3, 3), bool))
        return part * own[: part.shape[0], : part.shape[1]]


def find_pieces(ink: Plane, level: float) -> tuple[list[Piece], list[Piece], list[str]]:
    """The connected pieces of ink.

    Args:
        ink: float32 (H, W) in [0, 1].
        level: above which a place surely has ink; near such a place, fainter ink counts, too.

    Returns:
        The pieces that may be digits or parts of digits, in the order of their first pixels; specks
        that are too small for that; notes on what was left out, one sentence each.
    """
    faint = ink > FAINT * level
    box = inked_box(faint)
    top, left = (side.start for side in box)
    regions = regionprops(label(faint[box], connectivity=2), ink[box])
    found = [
        Piece(left + region.bbox[1], top + region.bbox[0], region.image)
        for region in regions
        if region.intensity_max > level
    ]
    kept = _without_surroundings(found, ink.shape)
    pieces, specks = _specks_apart(kept)
    notes = []
    if len(kept) < len(found):
        notes.append(f"Pieces left out at the border of the picture: {len(found) - len(kept)}.")
    return pieces, specks, notes


def _without_surroundings(pieces: list[Piece], shape: tuple[int, ...]) -> list[Piece]:
    """The pieces without what the border of the picture cuts off."""
    height, width = shape
    tight = len(pieces) > 1 or width < height
    tight = tight and all(p.height >= CROP_HEIGHT * height for p in pieces)
    shares = {
        piece: 0.0 if tight and _is_upright_1(piece) else _border_share(piece, shape)
        for piece in pieces
    }
    pieces = [p for p in pieces if shares[p] < 1]
    inner = [p for p in pieces if shares[p] == 0]
    size, largest = (max((p.size for p in some), default=0) for some in (inner, pieces))
    area, all_area = (sum(p.area for p in some) for some in (inner, pieces))
    if size < CROPPED * largest and area < CROPPED * all_area:
        return pieces
    tall = EDGE_HEIGHT * max((p.height for p in inner), default=0)
    return [p for p in pieces if shares[p] == 0 or (p.height > tall and shares[p] < ALONG_EDGE)]


def _is_upright_1(piece: Piece) -> bool:
    """Whether a piece is one straight upright stroke."""
    least, most = UPRIGHT_SHAPE
    straight = piece.mask.mean() >= UPRIGHT_INK
    return bool(straight and least <= piece.width / piece.height <= most)


def _border_share(piece: Piece, shape: tuple[int, ...]) -> float:
    """The largest share of a side of the picture that a piece covers; 0 if it touches none."""
    height, width = shape
    return max(
        piece.mask[0].sum() / width if piece.top == 0 else 0,
        piece.mask[-1].sum() / width if piece.bottom == height else 0,
        piece.mask[:, 0].sum() / height if piece.left == 0 else 0,
        piece.mask[:, -1].sum() / height if piece.right == width else 0,
    )


def _specks_apart(pieces: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """The pieces without specks and rules; the specks."""
    size = max((p.size for p in pieces), default=0)
    tallest = max((p.height for p in pieces), default=0)
    most = max((p.area for p in pieces), default=0)
    large, specks = [], []
    for p in pieces:
        long = p.width > max(RULE_SHAPE * p.height, RULE_LENGTH * tallest)
        if p.size < SPECK_SIZE * size or p.area < SPECK_AREA * most:
            specks.append(p)
        elif not (long and p.height < RULE_HEIGHT * tallest):
            large.append(p)
    return large, specks
