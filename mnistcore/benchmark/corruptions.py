"""Noise, blur, fog, lines and more on a digit: fifteen corruptions after MNIST-C's list.

This is our own imitation, written from the description of MNIST-C; results on it cannot be compared
with results on the published set. Kinds and strengths follow that list; the blurs, the fog and the
zigzag are made in another way.

Each function takes a digit, float32 (28, 28) in [0, 1], ink 1, and a generator, and returns a new
one of the same kind.

References:
    Mu, Gilmer: MNIST-C: a robustness benchmark for computer vision. arXiv 1906.02337, 2019.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import canny

from mnistcore.data import SIDE
from mnistcore.reading.picture import Plane

Corruption = Callable[[Plane, np.random.Generator], Plane]


def _affine(
    image: Plane, matrix: NDArray[np.float64], shift: tuple[float, float] = (0, 0)
) -> Plane:
    """The pixel at each place is taken from ``matrix @ place + shift``, about the centre."""
    centre = np.full(2, (SIDE - 1) / 2)
    offset = centre - matrix @ centre + shift
    return ndimage.affine_transform(image, matrix, offset, order=1).clip(0, 1)


def _sign(rng: np.random.Generator) -> int:
    return int(rng.choice([-1, 1]))


def shot_noise(image: Plane, rng: np.random.Generator) -> Plane:
    """Poisson noise of light, five photons for full white."""
    return (rng.poisson(image * 5) / 5).clip(0, 1).astype(np.float32)


def impulse_noise(image: Plane, rng: np.random.Generator) -> Plane:
    """17 % of the pixels black or white."""
    noisy = image.copy()
    hit = rng.random(image.shape) < 0.17
    noisy[hit] = rng.integers(0, 2, int(hit.sum()))
    return noisy


def glass_blur(image: Plane, rng: np.random.Generator) -> Plane:
    """Blurred by 0.7 pixels, neighbours swapped at random in two passes, and blurred again."""
    out = ndimage.gaussian_filter(image, 0.7)
    for _ in range(2):
        for row in range(SIDE - 1, 1, -1):
            for column in range(SIDE - 1, 1, -1):
                if rng.random() < 0.5:
                    other = row + rng.integers(-1, 1), column + rng.integers(-1, 1)
                    out[row, column], out[other] = out[other], out[row, column]
    return ndimage.gaussian_filter(out, 0.7).clip(0, 1)


def motion_blur(image: Plane, rng: np.random.Generator) -> Plane:
    """Smeared along a line within 45 degrees of level, fading as a Gaussian of 3 pixels."""
    turn = np.radians(rng.uniform(-45, 45))
    steps = np.arange(0, 10.5, 0.5)
    weights = np.exp(-(steps**2) / (2 * 3**2))
    moved = [
        weight * ndimage.shift(image, (step * np.sin(turn), step * np.cos(turn)), order=1)
        for step, weight in zip(steps, weights, strict=True)
    ]
    return (np.sum(moved, 0) / weights.sum()).clip(0, 1).astype(np.float32)


def shear(image: Plane, rng: np.random.Generator) -> Plane:
    """Slanted by 0.4 to either side."""
    slant = 0.4 * _sign(rng)
    return _affine(image, np.array([[np.cos(slant), 0], [-np.sin(slant), 1]]))


def scale(image: Plane, rng: np.random.Generator) -> Plane:
    """Shrunk to 0.7 of its size."""
    return _affine(image, np.eye(2) / 0.7)


def rotate(image: Plane, rng: np.random.Generator) -> Plane:
    """Turned by 0.4 radians to either side."""
    turn = 0.4 * _sign(rng)
    cos, sin = np.cos(turn), np.sin(turn)
    return _affine(image, np.array([[cos, sin], [-sin, cos]]))


def brightness(image: Plane, rng: np.random.Generator) -> Plane:
    """Half of full white added everywhere."""
    return (image + np.float32(0.5)).clip(0, 1)


def translate(image: Plane, rng: np.random.Generator) -> Plane:
    """Moved by 3 pixels along each axis; what leaves the picture is lost."""
    return _affine(image, np.eye(2), (3 * _sign(rng), 3 * _sign(rng)))


def stripe(image: Plane, rng: np.random.Generator) -> Plane:
    """The outer quarters to the left and right inverted."""
    out = image.copy()
    for quarter in (slice(0, 7), slice(21, 28)):
        out[:, quarter] = 1 - out[:, quarter]
    return out


def fog(image: Plane, rng: np.random.Generator) -> Plane:
    """Behind clouds: noise summed over octaves from the whole picture down to a pixel."""
    clouds = np.zeros((2 * SIDE, 2 * SIDE))
    for octave in range(6):
        coarse = rng.uniform(-1, 1, (2**octave + 1,) * 2)
        clouds += ndimage.zoom(coarse, 2 * SIDE / len(coarse), order=1) / 2**octave
    clouds = (clouds - clouds.min()) / np.ptp(clouds)
    top, peak, strength = int(rng.integers(SIDE)), float(image.max()), 1.5
    foggy = image + strength * clouds[top : top + SIDE, :SIDE]
    return (foggy * peak / (peak + strength)).clip(0, 1).astype(np.float32)


def spatter(image: Plane, rng: np.random.Generator) -> Plane:
    """Drops of mud, a quarter as bright as white."""
    liquid = ndimage.gaussian_filter(rng.normal(0.65, 0.3, image.shape), 1)
    drops = ndimage.gaussian_filter((liquid > 0.65).astype(float), 1.5)
    drops[drops < 0.8] = 0
    return (image * (1 - drops) + 63 / 255 * drops).clip(0, 1).astype(np.float32)


def _line(x0: float, y0: float, x1: float, y1: float) -> Plane:
    """A soft line of about two pixels from one column to another, (28, 28)."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    away = np.abs(rows - y0 - (y1 - y0) / (x1 - x0) * (columns - x0))
    ink = (1 + np.log(1 - away.clip(0, 2.2) / 2.3)).clip(0, 1)
    ink[(columns < np.floor(x0)) | (columns >= np.ceil(x1))] = 0
    return ink.astype(np.float32)


def dotted_line(image: Plane, rng: np.random.Generator) -> Plane:
    """A dotted line across the picture: two pixels on, two off."""
    line = _line(0, int(rng.integers(27)), 27, int(rng.integers(27)))
    line[:, np.arange(SIDE) % 4 < 2] = 0
    return (image + line).clip(0, 1)


def zigzag(image: Plane, rng: np.random.Generator) -> Plane:
    """A zigzag across the picture, four pixels per tooth."""
    start = rng.integers(27)
    slope = rng.integers(-5, 5) / 23
    x = np.r_[2, np.arange(4, 25, 4), 25]
    teeth = np.r_[0, np.resize([2, -2], len(x) - 2), 0]
    y = start + slope * (x - 2) + teeth
    out = image
    for i in range(len(x) - 1):
        out = (out + _line(x[i], y[i], x[i + 1], y[i + 1])).clip(0, 1)
    return out


def canny_edges(image: Plane, rng: np.random.Generator) -> Plane:
    """The edges alone."""
    return canny(image).astype(np.float32)


CORRUPTIONS: dict[str, Corruption] = {
    function.__name__: function
    for function in (
        shot_noise,
        impulse_noise,
        glass_blur,
        motion_blur,
        shear,
        scale,
        rotate,
        brightness,
        translate,
        stripe,
        fog,
        spatter,
        dotted_line,
        zigzag,
        canny_edges,
    )
}
