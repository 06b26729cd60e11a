"""The ink of a digit, framed as MNIST framed its own digits.

References:
    LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition.
    Proceedings of the IEEE 86(11), 1998, section III (the 20x20 box and the centre of mass).
"""

import numpy as np
from skimage.transform import resize

from mnistcore.data import BOX, SIDE
from mnistcore.reading.picture import Plane

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
