"""MNIST's own digits with strokes that others write: slashed 0s, crossed 7s, 1s with flag and foot.

So a net sees these habits in real hands, too, and not only in our font.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mnistcore.data import SIDE
from mnistcore.pens.strokes import Floats, render
from mnistcore.reading.digits import frame
from mnistcore.reading.pieces import Piece

ROOM = SIDE  # pixels around a digit, for strokes that run over
INK = 0.5  # of full ink: the strokes of a digit, for their width and place
PEN = 0.8, 1.2  # times the width of the digit's own strokes
BOLDEST = 3.4  # pixels: in bolder digits, an extra stroke fills what was left open

# Lengths are shares of the height of the digit.
SLASH_LENGTH = 0.9, 1.6
SLASH_RISE = 25, 80  # degrees
SLASH_OFF = 0.06  # from the middle of the 0, standard deviation
BAR_LENGTH = 0.4, 0.9
BAR_RISE = -8, 15  # degrees
BAR_HEIGHT = 0.42, 0.78  # below the top of the 7
FLAG_LENGTH = 0.2, 0.8
FLAG_FALL = 28, 65  # degrees; a flag that is more level makes a 7, but
LEVEL_FLAG = 5  # degrees: with a foot below it, it may be as level as this
FOOT = 0.12, 0.45  # to either side of the 1
FOOT_RISE = -8, 8  # degrees
BOTH = 0.5  # share of the 1s with a flag and a foot; the others have one of them

Rng = np.random.Generator
Ink = NDArray[np.float32]  # (H, W) in [0, 1]


def edited_digits(images: Tensor, labels: Tensor, n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Digits with an extra stroke, framed again.

    Args:
        images: uint8 (N, 1, 28, 28), ink 255 on 0, on any device.
        labels: int64 (N,).
        n: how many; a third each are 0s, 1s and 7s.
        seed: the same seed gives the same images.

    Returns:
        images: uint8 (n, 1, 28, 28); labels: int64 (n,); both on the CPU, in random order.
    """
    rng = np.random.default_rng(seed)
    kinds = rng.permutation(np.array(list(EDITS))[np.arange(n) % len(EDITS)])
    truths = labels.cpu().numpy()
    places = {label: np.flatnonzero(truths == label) for label in EDITS}
    edited = np.zeros((n, 1, SIDE, SIDE), np.uint8)
    for image, label in zip(edited, kinds.tolist(), strict=True):
        edit_made = None
        while edit_made is None:
            chosen = images[int(rng.choice(places[label])), 0].cpu()
            edit_made = edit((chosen / 255).numpy(), label, rng)
        image[0] = np.rint(255 * edit_made)
    return torch.from_numpy(edited), torch.from_numpy(kinds)


def edit(digit: Ink, label: int, rng: Rng) -> Ink | None:
    """A 0, 1 or 7, (28, 28), with an extra stroke; None if it is too bold for that."""
    ink = np.pad(digit, ROOM)
    mask = ink > INK * ink.max()
    width = Piece(0, 0, mask).stroke
    if width > BOLDEST:
        return None
    width *= rng.uniform(*PEN)
    added = [stroke.astype(np.float32) for stroke in EDITS[label](mask, rng)]
    framed: Ink = frame(np.maximum(ink, ink.max() * render(added, len(ink), width)))[1]
    return framed


def _rise(length: float, degrees: float) -> Floats:
    """The way (x, y) of a stroke that rises to the right; y grows downwards."""
    turn = np.radians(degrees)
    return length * np.array([np.cos(turn), -np.sin(turn)])


def _slash(mask: NDArray[np.bool_], rng: Rng) -> list[Floats]:
    """Through the middle of a 0, from its lower left to its upper right."""
    rows, columns = np.nonzero(mask)
    height = np.ptp(rows) + 1
    middle = np.array([columns.min() + columns.max() + 1, rows.min() + rows.max() + 1]) / 2
    middle = middle + rng.normal(0, SLASH_OFF, 2) * height
    half = _rise(height * rng.uniform(*SLASH_LENGTH) / 2, rng.uniform(*SLASH_RISE))
    return [np.stack([middle - half, middle + half])]


def _bar(mask: NDArray[np.bool_], rng: Rng) -> list[Floats]:
    """Through the stem of a 7."""
    rows, _ = np.nonzero(mask)
    height = np.ptp(rows) + 1
    row = int(rows.min() + height * rng.uniform(*BAR_HEIGHT))
    inked = np.flatnonzero(mask[row])
    x = inked.mean() + 0.5 if len(inked) else mask.shape[1] / 2
    half = _rise(height * rng.uniform(*BAR_LENGTH) / 2, rng.uniform(*BAR_RISE))
    middle = np.array([x, row + 0.5]) + half * rng.uniform(-0.3, 0.3)
    return [np.stack([middle - half, middle + half])]


def _flag_and_foot(mask: NDArray[np.bool_], rng: Rng) -> list[Floats]:
    """Down to the left of the top of a 1, and along the line below it."""
    rows, _ = np.nonzero(mask)
    height = np.ptp(rows) + 1
    top, base = (
        np.array([np.flatnonzero(mask[row]).mean() + 0.5, row + 0.5])
        for row in (rows.min(), rows.max())
    )
    has_both = rng.random() < BOTH
    least, most = FLAG_FALL
    fall = rng.uniform(LEVEL_FLAG if has_both else least, most)
    flag = _rise(height * rng.uniform(*FLAG_LENGTH), 180 + fall)
    turn = rng.uniform(*FOOT_RISE)
    left, right = (_rise(height * rng.uniform(*FOOT), turn + side) for side in (180, 0))
    strokes = [np.stack([top + flag, top]), np.stack([base + left, base + right])]
    return strokes if has_both else [strokes[rng.integers(2)]]


EDITS: dict[int, Callable[[NDArray[np.bool_], Rng], list[Floats]]] = {
    0: _slash,
    1: _flag_and_foot,
    7: _bar,
}
