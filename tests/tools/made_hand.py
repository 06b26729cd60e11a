"""A made hand, which writes its 3 the wrong way round; nets misread it until they are taught."""

import numpy as np
import torch
from torch import Tensor

from mnistcore.pens.font import DIGITS, Form
from mnistcore.pens.strokes import FORMS_OF, pen_strokes, render
from mnistcore.reading.digits import frame
from mnistcore.reading.picture import Plane

ODD = 3
SIDE, PEN = 140, 9  # pixels of a canvas and of its lines


def form_of(label: int) -> Form:
    """The first form of a digit in our font; the odd one is mirrored."""
    strokes = DIGITS[FORMS_OF[label][0]]
    return tuple(stroke * (-1, 1, 1) for stroke in strokes) if label == ODD else strokes


def write(label: int, seed: int) -> Plane:
    """A digit of the hand on a canvas."""
    strokes = pen_strokes(form_of(label), np.random.default_rng(seed))
    return render([stroke * SIDE * 0.7 + SIDE / 2 for stroke in strokes], SIDE, PEN)


def hand(labels: list[int], seed: int) -> tuple[Tensor, Tensor]:
    """Digits of the hand, framed: float32 (n, 28, 28) in [0, 1], and int64 (n,)."""
    images = [frame(write(label, seed + i))[1] for i, label in enumerate(labels)]
    return torch.from_numpy(np.stack(images)), torch.tensor(labels)
