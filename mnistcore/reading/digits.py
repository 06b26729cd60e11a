"""A plane of ink -> the digits on it, each framed as MNIST framed its own.

References:
    LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition.
    Proceedings of the IEEE 86(11), 1998, section III (the 20x20 box and the centre of mass).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import apply_hysteresis_threshold, threshold_otsu
from skimage.measure import label
from skimage.transform import resize

from mnistcore.data import BOX, SIDE
from mnistcore.reading.picture import Picture, Plane, read_ink

LINE = 0.01  # of the picture's longer side: a line of the paper is no thicker
MOST_PIECES = 256  # of ink in a picture of digits
LEAST_SIZE = 6  # pixels of the longer side, below which nobody can tell
DASH = 0.42  # of the height of the tallest digit in a line: a slender 1 is no lower
EDGE = 0.1  # ink of less than this, of the strongest, is no part of a digit's box

Box = tuple[int, int, int, int]  # left, top, right, bottom; the last two are just outside


def frame(ink: Plane) -> tuple[Plane, Plane]:
    """One digit, framed as MNIST framed its own.

    Args:
        ink: float32 (H, W) in [0, 1], with some ink.

    Returns:
        The digit alone, its longest side 20, and in a (28, 28) frame, its centre of mass at the
        centre; both float32 in [0, 1].
    """
    rows, columns = np.nonzero(ink > EDGE * ink.max())
    ink = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = BOX / max(ink.shape)
    if scale != 1:
        shape = [max(1, round(side * scale)) for side in ink.shape]
        ink = resize(ink, shape, anti_aliasing=scale < 1).astype(np.float32)
    ink = np.clip(ink / ink.max(), 0, 1)
    height, width = ink.shape
    total = ink.sum()
    middle = SIDE / 2  # MNIST's own digits have it within half a pixel of row and column 14
    row = round(middle - float(ink.sum(1) @ np.arange(height) / total))
    column = round(middle - float(ink.sum(0) @ np.arange(width) / total))
    row, column = np.clip(row, 0, SIDE - height), np.clip(column, 0, SIDE - width)
    framed = np.zeros((SIDE, SIDE), np.float32)
    framed[row : row + height, column : column + width] = ink
    return ink, framed


@dataclass(frozen=True, eq=False)
class Piece:
    """Ink that belongs together: a connected piece, several joined, or a part of one."""

    left: int
    top: int
    mask: NDArray[np.bool_]  # (height, width), where its ink is

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
        padded = np.pad(self.mask, 1)
        if (ndimage.binary_fill_holes(padded) != padded).any():
            return False
        return bool(ndimage.distance_transform_edt(padded).max() > 0.3 * self.size)

    def rows_shared(self, other: "Piece") -> int:
        """Rows that both take up; less than 0 where one lies above the other."""
        return min(self.bottom, other.bottom) - max(self.top, other.top)

    def joined(self, other: "Piece") -> "Piece":
        """Both as one."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        shape = max(self.bottom, other.bottom) - top, max(self.right, other.right) - left
        mask = np.zeros(shape, bool)
        for part in (self, other):
            rows = slice(part.top - top, part.bottom - top)
            mask[rows, part.left - left : part.right - left] |= part.mask
        return Piece(left, top, mask)

    def split(self, column: int) -> tuple["Piece", "Piece"]:
        """What is left of a column of the mask, and what is not."""
        return self._part(0, column), self._part(column, self.width)

    def _part(self, start: int, stop: int) -> "Piece":
        mask = self.mask[:, start:stop]
        rows, columns = np.nonzero(mask)
        mask = mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        return Piece(self.left + start + int(columns.min()), self.top + int(rows.min()), mask)

    def cut(self, ink: Plane) -> Plane:
        """Its ink alone, out of the plane, with a border of a pixel for the soft edge."""
        top, left = max(0, self.top - 1), max(0, self.left - 1)
        own = np.pad(self.mask, 1)
        own = own[top - self.top + 1 :, left - self.left + 1 :]
        part = ink[top : self.bottom + 1, left : self.right + 1]
        own = ndimage.binary_dilation(own, np.ones((3, 3), bool))
        return part * own[: part.shape[0], : part.shape[1]]


def find_digits(ink: Plane) -> tuple[list[list[Piece]], list[str]]:
    """The pieces of ink that may be digits, and what was done to find them.

    Args:
        ink: float32 (H, W) in [0, 1].

    Returns:
        Lines from top to bottom, each from left to right; notes, a sentence each.
    """
    mask = _inked(ink)
    lines = _paper_lines(mask)
    found = _connected(mask & ~lines)
    kept = _keep(found, ink.shape)
    notes = []
    if lines.any():
        notes.append("The lines of the paper were taken out.")
    if len(kept) < len(found):
        notes.append(f"Dropped as specks or edges: {len(found) - len(kept)}.")
    if len(kept) > MOST_PIECES:
        return [kept], notes
    joined = _join(kept)
    if len(joined) < len(kept):
        notes.append(f"{_count(len(kept), 'piece')} joined to {_count(len(joined), 'digit')}.")
    large = [piece for piece in joined if piece.size >= LEAST_SIZE]
    digits = [_without_dashes(line) for line in _lines(large or joined)]
    specks = len(joined) - sum(map(len, digits))
    if specks:
        notes.append(f"{_count(specks, 'speck')} beside a digit dropped.")
    return digits, notes


def _without_dashes(line: list[Piece]) -> list[Piece]:
    """A line without what would be a 1 but for its height: a stray stroke of a digit beside it."""
    least = DASH * max(piece.height for piece in line)
    return [p for p in line if p.height >= least or p.width > 0.5 * p.height]


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _inked(ink: Plane) -> NDArray[np.bool_]:
    """Where ink is: above a threshold, or near it and connected to such a place."""
    some = ink[ink > 0.05]
    if not some.size:
        return np.zeros(ink.shape, bool)
    high = float(np.clip(threshold_otsu(some), 0.2, 0.6)) if np.ptp(some) > 0 else 0.5
    return apply_hysteresis_threshold(ink, 0.5 * high, high)


def _paper_lines(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The thin straight lines that cross the picture, without what crosses them."""
    found = np.zeros_like(mask)
    for axis in (0, 1):
        across = mask if axis == 0 else mask.T
        height = len(across)
        thick = int(LINE * max(mask.shape))
        line_rows = across.mean(1) > 0.8
        for rows in ndimage.find_objects(ndimage.label(line_rows)[0]):
            start, stop = rows[0].start, rows[0].stop
            if stop - start > thick or start == 0 or stop == height:
                continue
            crossed = across[start - 1] | across[stop]
            band = across[start - 1 : stop + 1] & ~crossed
            (found if axis == 0 else found.T)[start - 1 : stop + 1] |= band
    return found


def _connected(mask: NDArray[np.bool_]) -> list[Piece]:
    labels = label(mask, connectivity=2)
    return [
        Piece(columns.start, rows.start, labels[rows, columns] == number)
        for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1)
    ]


def _keep(pieces: list[Piece], shape: tuple[int, ...]) -> list[Piece]:
    """The pieces without specks, rules, frames and what the picture's border cuts off."""
    height, width = shape

    def at_edge(p: Piece) -> bool:
        return p.left == 0 or p.top == 0 or p.right == width or p.bottom == height

    def along_edge(p: Piece, share: float) -> bool:
        """Whether it lies along a side of the picture, as a table beside the paper does."""
        return (
            (p.top == 0 and p.mask[0].sum() >= share * width)
            or (p.bottom == height and p.mask[-1].sum() >= share * width)
            or (p.left == 0 and p.mask[:, 0].sum() >= share * height)
            or (p.right == width and p.mask[:, -1].sum() >= share * height)
        )

    pieces = [p for p in pieces if not _is_frame(p, pieces) and not along_edge(p, 1)]
    inner = [p for p in pieces if not at_edge(p)]
    size = max((p.size for p in inner), default=0)
    largest = max((p.size for p in pieces), default=0)
    area, all_area = (sum(int(p.mask.sum()) for p in ps) for ps in (inner, pieces))
    if size < 0.3 * largest and area < 0.3 * all_area:  # the digits are cropped, and these specks
        kept = pieces
    else:
        tall = 0.6 * max((p.height for p in inner), default=0)
        kept = [p for p in pieces if not at_edge(p) or (p.height > tall and not along_edge(p, 0.7))]
    size = max((p.size for p in kept), default=0)
    tallest = max((p.height for p in kept), default=0)
    most = max((int(p.mask.sum()) for p in kept), default=0)
    return [
        p
        for p in kept
        if p.size >= 0.15 * size
        and p.mask.sum() >= 0.02 * most
        and not (p.width > 8 * p.height and p.height < 0.2 * tallest)
    ]


def _is_frame(piece: Piece, pieces: list[Piece]) -> bool:
    """Whether a piece is a box around others: all of its ink lies along its sides."""
    height, width = piece.mask.shape
    rows, columns = height // 7, width // 7
    if min(rows, columns) == 0 or piece.mask[rows:-rows, columns:-columns].any():
        return False
    return any(
        other.size > 0.2 * piece.size
        and other.left >= piece.left + columns // 2
        and other.right <= piece.right - columns // 2
        and other.top >= piece.top + rows // 2
        and other.bottom <= piece.bottom - rows // 2
        for other in pieces
        if other is not piece
    )


def _join(pieces: list[Piece]) -> list[Piece]:
    """Pieces that lie above each other and close together are one digit."""
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
    """The free space between two pieces of one digit, relative to its size; inf if they are two."""
    small, large = sorted((a, b), key=lambda piece: piece.height)
    beside = max(0, max(a.left, b.left) - min(a.right, b.right))
    above = max(0, -a.rows_shared(b))
    overlap = min(a.right, b.right) - max(a.left, b.left)
    gap = math.hypot(beside, above) / max(
        max(a.bottom, b.bottom) - min(a.top, b.top), max(a.right, b.right) - min(a.left, b.left)
    )
    part = small.height < 0.5 * large.height
    if overlap >= 0.4 * min(a.width, b.width):
        return gap if gap < (0.3 if part else 0.1) else math.inf
    bar = part and small.width > 1.3 * small.height  # of a 5, drawn apart and to the right
    return gap if bar and gap < 0.15 else math.inf


def _lines(pieces: list[Piece]) -> list[list[Piece]]:
    lines: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda p: p.top + p.bottom):
        for line in lines:
            top, bottom = (
                np.median([getattr(p, edge) for p in line]) for edge in ("top", "bottom")
            )
            overlap = min(bottom, piece.bottom) - max(top, piece.top)
            if overlap > 0.4 * min(piece.height, bottom - top):
                line.append(piece)
                break
        else:
            lines.append([piece])
    lines.sort(key=lambda line: np.mean([p.top for p in line]))
    return [sorted(line, key=lambda p: p.left + p.right) for line in lines]


def places_to_split(piece: Piece, most: int = 6) -> list[int]:
    """Columns where two digits that touch may be parted: those with the least ink.

    Each part is at least a fifth of the height wide, and no stroke is cut along its length.
    """
    margin = max(1, piece.height // 5)
    inked = piece.mask.sum(0)
    chosen: list[int] = []
    for column in np.argsort(inked[margin : piece.width - margin], kind="stable") + margin:
        if inked[column] < 0.35 * piece.height and all(
            abs(column - other) > piece.height // 10 for other in chosen
        ):
            chosen.append(int(column))
    return chosen[:most]


def read_digits(picture: Picture) -> list[Plane]:
    """The digits of a picture, each (28, 28) as MNIST frames it; see :func:`read_ink`.

    Raises:
        PictureError, FileNotFoundError: the picture cannot be read.
    """
    ink = read_ink(picture).ink
    return [frame(piece.cut(ink))[1] for line in find_digits(ink)[0] for piece in line]
