"""Digits and other things as pens write them, made at random from our own font.

A hand is imitated in three steps: the points of a form move a little and its corners become round;
the strokes shift and end early or late; the whole is bent, slanted, narrowed and turned.
"""

from itertools import cycle, pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mnistcore.data import BOX, SIDE
from mnistcore.pens.font import DIGITS, LETTERS, SHAPES, Form, form

Floats = NDArray[np.float64]

STEP = 0.035  # from point to point of a rendered stroke, in sides of its form: half a pixel
SOFT = 1.2  # pixels from full ink to none at the edge of a line
DIGIT_PEN, OTHER_PEN = 2.65, 2.2  # pixels: other drawings are larger than digits, the pen is not
WIDTHS = 1.3, 4.2  # pixels, the finest and the boldest line of an MNIST digit
BATCH = 256  # images that are rendered together: few enough for the processor's cache

WIDE = [name for name in DIGITS if name[0] != "1"]  # a 1 and a neighbour often look like one digit
# The names of the forms of each digit.
FORMS_OF = {digit: [name for name in DIGITS if name[0] == str(digit)] for digit in range(10)}


def _curve(stroke: Floats, step: float, rounded: bool) -> Floats:
    """The matrix (P, K) that turns a stroke's K points into P points along its curve.

    A centripetal Catmull-Rom spline (Yuksel, Schaefer, Keyser, CAD 2011) whose knots come from the
    font, so that the curve is linear in the points. At its ends, and at sharp points unless they
    are ``rounded``, its direction is free.
    """
    n = len(stroke)
    point = np.eye(n)
    chord = np.hypot(*np.diff(stroke[:, :2], axis=0).T)
    knot = np.sqrt(chord)[:, None]  # (K - 1, 1)
    slope = np.diff(point, axis=0) / knot  # (K - 1, K)
    ahead = knot[:-1] / (knot[:-1] + knot[1:])
    tangent = np.zeros((n, n))
    tangent[1:-1] = (1 - ahead) * slope[:-1] + ahead * slope[1:]
    free = np.ones(n, bool)
    free[1:-1] = (stroke[1:-1, 2] > 0) & (not rounded)
    rows = [point[:1]]
    for i in range(n - 1):
        leave, arrive = tangent[i], tangent[i + 1]
        if free[i]:
            leave = slope[i] if free[i + 1] else (3 * slope[i] - arrive) / 2
        if free[i + 1]:
            arrive = (3 * slope[i] - leave) / 2
        count = max(int(np.ceil(chord[i] / step)), 1)
        t = np.arange(1, count + 1)[:, None] / count
        rows.append(
            (1 + 2 * t) * (1 - t) ** 2 * point[i]
            + t * (1 - t) ** 2 * knot[i] * leave
            + t**2 * (3 - 2 * t) * point[i + 1]
            - t**2 * (1 - t) * knot[i] * arrive
        )
    return np.concatenate(rows)


def _vary(strokes: Form, n: int, rng: np.random.Generator) -> list[Floats]:
    """``n`` hands' versions of a form: each stroke (n, P, 2), in sides of the form."""

    def normal(spread: float, *shape: int) -> Floats:
        return rng.standard_normal((n, *shape)).clip(-2, 2) * spread  # without the extremes

    side = np.ptp(np.concatenate(strokes)[:, :2], axis=0).max()
    soft = rng.uniform(0, 0.6, (n, 1, 1))  # how round the corners are
    parts = []
    for stroke in strokes:
        place = stroke[:, :2]
        chord = np.hypot(*np.diff(place, axis=0).T)
        reach = (np.r_[chord[:1], chord] + np.r_[chord, chord[-1:]]) / 2  # (K,), to neighbours
        points = place + normal(0.07, len(place), 2) * np.minimum(reach, side / 2)[:, None]
        for end, inner in ((0, 1), (-1, -2)):  # ends early or late
            way = (place[end] - place[inner]) / reach[end]
            points[:, end] += way * normal(0.05, 1) * min(1, reach[end] / 0.2)
        points += normal(0.02, 1, 2)
        sharp, rounded = (_curve(stroke, STEP * side, turn) for turn in (False, True))
        parts.append((1 - soft) * (sharp @ points) + soft * (rounded @ points))
    whole = np.concatenate(parts, axis=1) / side
    middle = (whole.min(1, keepdims=True) + whole.max(1, keepdims=True)) / 2
    x, y = np.moveaxis(whole - middle, 2, 0)  # (n, P), in about -0.5 .. 0.5
    x = x * (1 + normal(0.2, 1) * y) + normal(0.12, 1) * y**2  # wide above or below; bent
    y = y + normal(0.25, 1) * (y**2 - 0.25)  # the upper part large or small
    x = x * np.exp(normal(0.2, 1)) - (0.1 + normal(0.2, 1)) * y  # width and slant
    y = y + normal(0.05, 1) * x  # bars rise or fall
    turn = np.radians(normal(5, 1))
    whole = np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], 2)
    return np.split(whole, np.cumsum([part.shape[1] for part in parts])[:-1], axis=1)


def pen_strokes(strokes: Form, rng: np.random.Generator) -> list[NDArray[np.float32]]:
    """A form as one hand writes it.

    Args:
        strokes: a form of ``DIGITS``, ``LETTERS`` or ``SHAPES``, or a ``scribble``.
        rng: the same state gives the same strokes.

    Returns:
        float32 (P, 2) for each stroke: x to the right and y down, about the middle (0, 0), the
        longer side about 1; times a side plus a middle they fit ``render``.
    """
    return [part[0].astype(np.float32) for part in _vary(strokes, 1, rng)]


def scribble(rng: np.random.Generator) -> Form:
    """A form without a meaning: a tangle, a hatching, a coil, a blot or a heap of straws."""
    kind, n = rng.integers(5), int(rng.integers(9, 15))
    if kind == 0:
        points = rng.uniform(0, 100, (n, 2))
    elif kind == 1:
        points = np.stack([np.arange(n) % 2 * 80, np.arange(n) * 100 / n], 1)
        points += rng.normal(0, 8, points.shape)
        points = points[:, :: rng.choice([-1, 1])]  # upright or level
    elif kind == 2:
        turn = np.arange(2 * n) * 1.4
        points = np.stack([turn * 6 + 24 * np.cos(turn), 45 * np.sin(turn)], 1)
    elif kind == 3:
        turn = np.arange(5 * n) * 0.6
        points = np.stack([rng.uniform(0.5, 1) * turn * np.cos(turn), turn * np.sin(turn)], 1)
    else:
        straws = rng.uniform(0, 100, (n // 2, 4))
        return form(";".join(f"{a},{b}! {c},{d}!" for a, b, c, d in straws))
    return form(" ".join(f"{x},{y}" for x, y in points))


def touching(rng: np.random.Generator) -> Form:
    """Two digits that touch or run into each other, as one form."""
    left, right = (DIGITS[name] for name in rng.choice(WIDE, 2))
    edge = max(stroke[:, 0].max() for stroke in left)
    start = min(stroke[:, 0].min() for stroke in right)
    moved = np.array([edge - start + rng.uniform(-0.15, 0.05), rng.uniform(-0.1, 0.1), 0])
    return (*left, *(stroke + moved for stroke in right))


def render(strokes: list[NDArray[np.float32]], size: int, width: float) -> NDArray[np.float32]:
    """Strokes as ink on a square canvas, with round ends and smooth edges.

    Args:
        strokes: (P, 2) each, x and y in pixels of the canvas from its top left corner.
        size: pixels a side.
        width: of the lines, in pixels.

    Returns:
        float32 (size, size), ink in [0, 1].
    """
    nearest = np.full((size, size), np.inf, np.float32)
    reach = width / 2 + 1
    for stroke in strokes:
        for a, b in pairwise(stroke):
            left, top = np.clip(np.floor(np.minimum(a, b) - reach), 0, size).astype(int)
            right, bottom = np.clip(np.ceil(np.maximum(a, b) + reach), 0, size).astype(int)
            x = np.arange(left, right, dtype=np.float32) + 0.5 - a[0]
            y = np.arange(top, bottom, dtype=np.float32)[:, None] + 0.5 - a[1]
            along = b - a
            t = np.clip((x * along[0] + y * along[1]) / max(float(along @ along), 1e-12), 0, 1)
            away = np.hypot(x - t * along[0], y - t * along[1])
            window = nearest[top:bottom, left:right]
            np.minimum(window, away, out=window)
    return np.clip(width / 2 + 0.5 - nearest, 0, 1)


def _frame(points: Floats, widths: Floats) -> NDArray[np.uint8]:
    """Strokes as MNIST frames them: the box of the ink BOX pixels, its centre of mass central.

    Distances are to the points, not to the lines between them, which are half a pixel long.

    Args:
        points: (n, P, 2), in any unit.
        widths: (n,) of the lines, in pixels.

    Returns:
        uint8 (n, 28, 28), ink 255 on 0.
    """
    n, count, _ = points.shape
    low = points.min(1, keepdims=True)
    span = points.max(1, keepdims=True) - low
    edge = ((widths + SOFT) / 2)[:, None, None]  # from the pen to where its ink ends
    scale = (BOX - 2 * edge) / span.max(2, keepdims=True)
    span = span * scale
    start = edge + np.floor((BOX - 2 * edge - span) / 2 + 1e-6)  # the box is on whole pixels
    # In 1/256 of a pixel, so that machines that differ in the last bit draw the same.
    place = np.rint(((points - low) * scale + start) * 256) / 256
    pixel = np.arange(BOX) + 0.5
    far_x, far_y = np.moveaxis(
        np.square(place[..., None] - pixel, dtype=np.float32), 2, 0
    )  # (n, P, BOX), squared
    nearest = np.full((n, BOX, BOX), np.inf, np.float32)
    for p in range(count):
        np.minimum(nearest, far_y[:, p, :, None] + far_x[:, p, None, :], out=nearest)
    ink = np.clip((edge - np.sqrt(nearest)) / SOFT, 0, 1)
    boxes = np.rint(ink * 255).astype(np.uint8)
    images = np.zeros((n, SIDE, SIDE), np.uint8)
    for image, box in zip(images, boxes, strict=True):
        mass = box.sum(dtype=np.int64)  # integers: the same on every machine
        left, top = (
            int(np.clip(np.rint(SIDE / 2 - box.sum(axis) @ np.arange(BOX) / mass), 0, SIDE - BOX))
            for axis in (0, 1)
        )
        image[top : top + BOX, left : left + BOX] = box
    return images


def _images(forms: list[Form], width: float, rng: np.random.Generator) -> Tensor:
    """One image for each form, uint8 (n, 1, 28, 28), in lines of about ``width`` pixels."""
    images = np.zeros((len(forms), SIDE, SIDE), np.uint8)
    groups: dict[int, list[int]] = {}  # all images of a form are drawn together
    for i, strokes in enumerate(forms):
        groups.setdefault(id(strokes), []).append(i)
    for group in groups.values():
        for some in (group[at : at + BATCH] for at in range(0, len(group), BATCH)):
            points = np.concatenate(_vary(forms[some[0]], len(some), rng), axis=1)
            widths = (width * np.exp(rng.normal(0, 0.25, len(some)))).clip(*WIDTHS)
            images[some] = _frame(points, widths)
    return torch.from_numpy(images).unsqueeze(1)


def digit_images(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Digits as pens write them, framed as MNIST frames its own.

    Args:
        n: how many; the classes are balanced, and so are the forms of a class.
        seed: the same seed gives the same images on every machine.

    Returns:
        images: uint8 (n, 1, 28, 28), ink 255 on 0; labels: int64 (n,); in random order.
    """
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % 10)
    turns = {digit: cycle(rng.permutation(names)) for digit, names in FORMS_OF.items()}
    images = _images([DIGITS[next(turns[label])] for label in labels.tolist()], DIGIT_PEN, rng)
    return images, torch.from_numpy(labels)


def other_images(n: int, seed: int) -> Tensor:
    """Things that are not digits, framed as MNIST frames digits.

    Args:
        n: how many. Of six, two are letters, two shapes, one a scribble, and one two digits that
            touch.
        seed: the same seed gives the same images on every machine.

    Returns:
        uint8 (n, 1, 28, 28), ink 255 on 0, in random order.
    """
    rng = np.random.default_rng(seed)
    kinds = rng.permutation(np.arange(n) % 6)
    letters = cycle(rng.permutation(list(LETTERS)))
    shapes = cycle(rng.permutation(list(SHAPES)))
    make = [
        *2 * [lambda: LETTERS[next(letters)]],
        *2 * [lambda: SHAPES[next(shapes)]],
        lambda: scribble(rng),
        lambda: touching(rng),
    ]
    return _images([make[kind]() for kind in kinds], OTHER_PEN, rng)
