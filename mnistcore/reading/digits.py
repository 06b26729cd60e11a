"""A plane of ink -> the digits on it, each framed as MNIST framed its own.

References:
    LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition.
    Proceedings of the IEEE 86(11), 1998, section III (the 20x20 box and the centre of mass).
"""

import numpy as np
from skimage.transform import resize

from mnistcore.data import BOX, SIDE
from mnistcore.reading.picture import Picture, Plane, read_ink
from mnistcore.reading.pieces import Piece, find_pieces
from mnistcore.reading.touching import join

MOST_PIECES = 256  # in a picture of digits: more are not joined, which takes the square of the time
LEAST_SIZE = 6  # pixels: nobody can tell digits apart whose longer side is shorter
# A digit is on a line if they overlap by more than this share of the lower one's height. 0.5
# misreads one digit.
SAME_LINE = 0.4
# A slender stroke beside a digit is not a 1 if it is lower than this, of the tallest digit on its
# line. Of 3,000 validation digits on canvases, 17 were misread with it and 23 without.
STRAY_HEIGHT = 0.42
STRAY_SHAPE = 0.5  # a slender stroke is at most this share of its height wide
EDGE = 0.1  # of the strongest ink; fainter ink does not extend a digit's box


def frame(ink: Plane) -> tuple[Plane, Plane]:
    """One digit, framed as MNIST framed its own.

    Args:
        ink: float32 (H, W) in [0, 1], with some ink.

    Returns:
        The digit alone, its longer side 20, and in a (28, 28) frame, its centre of mass at the
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


def find_digits(ink: Plane) -> tuple[list[list[Piece]], list[str]]:
    """The pieces of ink that may be digits.

    Args:
        ink: float32 (H, W) in [0, 1].

    Returns:
        Lines from top to bottom, each from left to right; notes on what was done, one sentence
        each.
    """
    pieces, notes = find_pieces(ink)
    if len(pieces) > MOST_PIECES:
        return [pieces], notes
    joined = join(pieces)
    if len(joined) < len(pieces):
        notes.append(f"{_count(len(pieces), 'piece')} joined to {_count(len(joined), 'digit')}.")
    large = [piece for piece in joined if piece.size >= LEAST_SIZE]
    digits = [_without_stray_strokes(line) for line in _lines(large or joined)]
    specks = len(joined) - sum(map(len, digits))
    if specks:
        notes.append(f"{_count(specks, 'speck')} beside a digit dropped.")
    return digits, notes


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _lines(pieces: list[Piece]) -> list[list[Piece]]:
    """Pieces in lines from top to bottom, each from left to right."""
    lines: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda p: p.top + p.bottom):
        for line in lines:
            top = np.median([p.top for p in line])
            bottom = np.median([p.bottom for p in line])
            overlap = min(bottom, piece.bottom) - max(top, piece.top)
            if overlap > SAME_LINE * min(piece.height, bottom - top):
                line.append(piece)
                break
        else:
            lines.append([piece])
    lines.sort(key=lambda line: np.mean([p.top for p in line]))
    return [sorted(line, key=lambda p: p.left + p.right) for line in lines]


def _without_stray_strokes(line: list[Piece]) -> list[Piece]:
    """A line without low upright strokes: they look like a 1 but belong to another digit."""
    least = STRAY_HEIGHT * max(piece.height for piece in line)
    return [p for p in line if p.height >= least or p.width > STRAY_SHAPE * p.height]


def read_digits(picture: Picture) -> list[Plane]:
    """The digits of a picture, each (28, 28) as MNIST frames it; see :func:`read_ink`.

    Raises:
        PictureError, FileNotFoundError: the picture cannot be read.
    """
    ink = read_ink(picture).ink
    return [frame(piece.cut(ink))[1] for line in find_digits(ink)[0] for piece in line]
