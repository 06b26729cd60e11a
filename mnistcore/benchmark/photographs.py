"""Photographs of ink on paper, made at random, step by step: paper, ink, view, light, camera.

Every function that needs chance takes a generator: the same one gives the same picture. Ink is
float32 (H, W) in [0, 1], 1 where the pen was; paper and light are float32 in [0, 1], 1 white.

The ranges below are what we assume of photographs: nobody measured them.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.transform import ProjectiveTransform

from mnistcore.reading.picture import Plane

Pixels = NDArray[np.uint8]
Range = tuple[float, float]

# Paper. Lengths are shares of the picture's shorter side.
WHITENESS: Range = 0.7, 0.98  # of the brightest channel
TINT: Range = 0, 0.15  # by how much each channel of coloured paper is darker
COLOURED = 0.6  # share of the sheets that are coloured
GRAIN: Range = 0.003, 0.02  # standard deviation
GRAIN_SIZE: Range = 0.6, 2  # pixels, of the blur that makes it
KINDS = {"plain": 0.5, "lined": 0.25, "squared": 0.25}
LINES_APART: Range = 0.03, 0.09
LINE_THICKNESS: Range = 0.001, 0.003  # but at least a pixel
LINE_DARKNESS: Range = 0.08, 0.35  # share of the light that a line takes
LINE_BLUE: Range = 0.2, 0.8  # of that share in the blue channel
LINE_GREEN = 0.8  # of that share in the green channel

# Ink.
PENS = {  # colour, and how often it is used
    "black": ((0.08, 0.08, 0.1), 0.4),
    "blue": ((0.1, 0.15, 0.5), 0.3),
    "red": ((0.65, 0.1, 0.12), 0.1),
    "pencil": ((0.38, 0.38, 0.4), 0.2),
}
PEN_SHADE: Range = 0.8, 1.2  # times its colour
PALE: Range = 0, 0.3  # share of the paper that comes through where the pen was light
PALE_SIZE = 12  # pixels of a light place

# View.
WANDER = 0.1  # of half a side: the corners of the view move by up to so much
TURN = 6  # degrees, to either side

# Light. Lengths are shares of the picture's shorter side.
FALL: Range = 0, 0.45  # share of the light that is lost on the dark side
SOFT_SHADOW, SOFT_EDGE, SOFT_DARKNESS = 0.5, (0.1, 0.4), (0.1, 0.4)  # how often, edge, light lost
HARD_SHADOW, HARD_EDGE, HARD_DARKNESS = 0.35, (0.005, 0.03), (0.15, 0.45)
SHADOW_RADIUS: Range = 0.2, 0.5  # of a round thing in the light

# Camera.
EXPOSURE: Range = 0.75, 1.05
BLUR: Range = 0, 0.0025  # standard deviation, share of the longer side
NOISE: Range = 0.005, 0.025  # standard deviation in full light; it grows as the root of the light
QUALITY = 40, 95  # of the JPEG


def resize(plane: Plane, height: int, width: int) -> Plane:
    """A plane in another size, bicubic."""
    resized = Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized, np.float32)


def plain_sheet(height: int, width: int, rng: np.random.Generator) -> Plane:
    """Empty paper without lines, (H, W, 3): white to coloured, with grain."""
    colour = rng.uniform(*WHITENESS) * (1 - rng.uniform(*TINT, 3) * (rng.random() < COLOURED))
    grain = rng.standard_normal((height, width), np.float32)
    grain = ndimage.gaussian_filter(grain, rng.uniform(*GRAIN_SIZE))
    grain *= np.float32(rng.uniform(*GRAIN) / grain.std())
    return colour.astype(np.float32) + grain[:, :, None]


def sheet(height: int, width: int, rng: np.random.Generator) -> Plane:
    """Empty paper, (H, W, 3): white to coloured, with grain; some of it lined or squared."""
    paper = plain_sheet(height, width, rng)
    kind = rng.choice(list(KINDS), p=list(KINDS.values()))
    if kind != "plain":
        paper = _with_lines(paper, kind == "squared", rng)
    return paper


def _with_lines(paper: Plane, squared: bool, rng: np.random.Generator) -> Plane:
    """Paper (H, W, 3) with printed level lines, and upright ones if it is squared."""
    height, width = paper.shape[:2]
    apart = rng.uniform(*LINES_APART) * min(height, width)
    thick = max(1.0, rng.uniform(*LINE_THICKNESS) * min(height, width))
    colour = rng.uniform(*LINE_DARKNESS) * np.array([1, LINE_GREEN, rng.uniform(*LINE_BLUE)])
    rows, columns = (
        np.clip(thick / 2 + 0.5 - np.abs((np.arange(n) + start) % apart - apart / 2), 0, 1)
        for n, start in zip((height, width), rng.uniform(0, apart, 2), strict=True)
    )
    lines = np.repeat(rows[:, None], width, 1)
    if squared:
        lines = np.maximum(lines, columns)
    return paper * (1 - lines[:, :, None] * colour).astype(np.float32)


def write_on(paper: Plane, ink: Plane, rng: np.random.Generator) -> Plane:
    """Paper (H, W, 3) with uneven ink (H, W) on it, of a black, blue or red pen or a pencil."""
    colours, shares = zip(*PENS.values(), strict=True)
    pen = np.array(colours[rng.choice(len(colours), p=shares)]) * rng.uniform(*PEN_SHADE)
    coarse = [max(2, side // PALE_SIZE) for side in ink.shape]
    uneven = resize(rng.uniform(0, 1, coarse).astype(np.float32), *ink.shape)
    cover = ink * (1 - np.float32(rng.uniform(*PALE)) * np.clip(uneven, 0, 1))
    return paper * (1 - cover[:, :, None] * (1 - pen.astype(np.float32)))


def tilt(rgb: Plane, height: int, width: int, rng: np.random.Generator) -> Plane:
    """The middle of a picture, (height, width, 3), as a hand-held camera sees it."""
    corners = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)]) + rng.uniform(-WANDER, WANDER, (4, 2))
    turn = np.radians(rng.uniform(-TURN, TURN))
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    seen = corners * (width / 2, height / 2) @ turned + (rgb.shape[1] / 2, rgb.shape[0] / 2)
    view = np.array([(0, 0), (0, height), (width, height), (width, 0)])
    projection = ProjectiveTransform.from_estimate(view, seen).params  # (3, 3)
    numbers = (projection / projection[2, 2]).flat[:8].tolist()
    bands = [
        Image.fromarray(np.ascontiguousarray(rgb[:, :, band])).transform(
            (width, height), Image.Transform.PERSPECTIVE, numbers, Image.Resampling.BICUBIC
        )
        for band in range(3)
    ]
    return np.stack([np.asarray(band) for band in bands], 2)


def _shade(height: int, width: int, blur: float, rng: np.random.Generator) -> Plane:
    """A half-plane or a round thing in the light, (H, W): 1 in its shadow, ``blur`` pixels soft."""
    y, x = np.ogrid[:height, :width]
    cx, cy = rng.uniform(0, width), rng.uniform(0, height)
    if rng.random() < 0.5:
        turn = rng.uniform(0, 2 * np.pi)
        inside = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
    else:
        inside = rng.uniform(*SHADOW_RADIUS) * min(height, width) - np.hypot(x - cx, y - cy)
    t = np.clip(inside / blur + 0.5, 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def light(height: int, width: int, rng: np.random.Generator) -> Plane:
    """How much light arrives, (H, W): it falls off to one side, and shadows may lie on it."""
    turn = rng.uniform(0, 2 * np.pi)
    y, x = np.ogrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
    ramp = 0.5 + (x * np.cos(turn) + y * np.sin(turn)) / np.sqrt(2)
    arriving = (1 - rng.uniform(*FALL) * ramp).astype(np.float32)
    side = min(height, width)
    for often, edge, darkness in (
        (SOFT_SHADOW, SOFT_EDGE, SOFT_DARKNESS),
        (HARD_SHADOW, HARD_EDGE, HARD_DARKNESS),
    ):
        if rng.random() < often:
            shadow = _shade(height, width, rng.uniform(*edge) * side, rng)
            arriving *= 1 - np.float32(rng.uniform(*darkness)) * shadow
    return arriving


def jpeg(picture: Pixels, quality: int) -> Pixels:
    """A picture saved as a JPEG of this quality, 1 to 95, and opened again."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def expose(rgb: Plane, rng: np.random.Generator) -> Pixels:
    """A view (H, W, 3) as a camera takes it: in uneven light, with blur, sensor noise and JPEG."""
    height, width = rgb.shape[:2]
    rgb = rgb * (rng.uniform(*EXPOSURE) * light(height, width, rng))[:, :, None]
    sigma = rng.uniform(*BLUR) * max(height, width)
    rgb = ndimage.gaussian_filter(rgb, (sigma, sigma, 0))
    noise = rng.standard_normal(rgb.shape, np.float32)
    rgb = rgb + noise * np.float32(rng.uniform(*NOISE)) * np.sqrt(np.maximum(rgb, 0))
    quality = int(rng.integers(QUALITY[0], QUALITY[1] + 1))
    return jpeg(np.round(255 * np.clip(rgb, 0, 1)).astype(np.uint8), quality)


def photograph(ink: Plane, rng: np.random.Generator) -> Pixels:
    """Ink on paper, photographed: the steps above, one after the other.

    The outer 10 % of the ink's plane may be out of view.
    """
    height, width = ink.shape
    around = max(height, width) // 8  # more than `tilt` looks beyond the picture
    wide = np.pad(ink, around)
    rgb = write_on(sheet(wide.shape[0], wide.shape[1], rng), wide, rng)
    return expose(tilt(rgb, height, width, rng), rng)
