"""Pictures as people hand them in, made at random: digits on canvases, and what is not a digit.

Every function that needs chance takes a generator: the same one gives the same picture. Ink is
float32 (H, W) in [0, 1], 1 where the pen was; pictures are uint8 (H, W, 3), or (H, W, 4) where
they are transparent. Photographs are in :mod:`mnistcore.benchmark.photographs`.
"""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from skimage.morphology import skeletonize

from mnistcore.benchmark.photographs import Pixels, photograph, resize
from mnistcore.pens.font import LETTERS, SHAPES, Form
from mnistcore.pens.strokes import WIDTHS, pen_strokes, render, scribble
from mnistcore.reading.picture import Plane

SIDES = 280, 1000  # pixels of a canvas; the page's own has 280
FILLS = 0.12, 0.9  # of a canvas's shorter side, for the longer side of a digit
MARGIN = 2  # pixels between ink and the edge of its canvas
FULL_LETTERS = "".join(name for name in LETTERS if len(name) == 1)  # those unlike any digit

# Tracing the outline of an MNIST digit.
FINE = 6  # steps per pixel
OUTLINE = 0.4  # of its strongest ink: the outline runs where the ink falls below
MOST_MOVED = 0.7  # pixels of MNIST, by which the outline is moved in or out

# Numbers. Shares of their height.
UNEVEN = 0.1  # digits are higher or lower than that by up to so much
RISE = 0.06  # digits stand above or below the line by up to so much

# Drawings on a square canvas, as the brushes of drawing pages make them: 8 to 24 pixels on 280.
DRAWING = 0.25, 0.8  # of the canvas's side, for the drawing
BRUSH = 0.03, 0.14  # of the drawing, for the pen
THINNEST = 2.0  # pixels

# Colours.
STYLES = {"paper": 0.35, "blackboard": 0.25, "transparent": 0.15, "colours": 0.25}  # how often
BLACK_INK = 0.7  # share of the transparent canvases; on the others the ink is white
LUMA = 0.299, 0.587, 0.114  # of red, green and blue (ITU-R BT.601)
LEAST_CONTRAST = 0.35  # difference in luma of ink and paper in chosen colours

DOT = 0.02, 0.12  # of the canvas's side, for a touch of the pen


def _log_uniform(low: float, high: float, rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _trim(ink: Plane, above: float) -> Plane:
    rows, columns = np.nonzero(ink > above)
    return ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def enlarge(digit: Plane, size: int) -> Plane:
    """An MNIST digit (28, 28), its longer side ``size`` pixels, its edges as soft as they were."""
    ink = _trim(digit, 0)
    scale = size / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    return np.clip(resize(ink, height, width), 0, 1)


def redraw(digit: Plane, size: int, line: float | None = None) -> Plane:
    """An MNIST digit as a pen of one colour would draw it: with sharp edges, thinner or thicker.

    The outline of its ink is traced and moved in or out. Its centre line always stays, in the
    finest line of MNIST, so that no stroke falls apart.

    Args:
        digit: (28, 28).
        size: pixels of the longer side.
        line: the width that its lines should have, in pixels of MNIST, where it is 1.3 to 4.2;
            they get at most 2 * MOST_MOVED thinner or thicker. By default they stay as they are.
    """
    fine: Plane = ndimage.zoom(
        np.pad(digit, 2), FINE, order=3, grid_mode=True, mode="grid-constant"
    )
    inside = fine > OUTLINE * fine.max()
    middle = skeletonize(inside)
    depth = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    depth = (depth - np.sign(depth) / 2) / FINE  # in pixels of MNIST, negative outside
    if line is not None:
        depth += np.clip(line / 2 - np.median(depth[middle]), -MOST_MOVED, MOST_MOVED)
        thin = ndimage.distance_transform_edt(~middle) / FINE
        depth = np.maximum(depth, WIDTHS[0] / 2 - thin)
    scale = size * FINE / max(_trim((depth > 0).astype(np.float32), 0).shape)
    depth = _trim(depth.astype(np.float32), -2 / FINE)  # with a little paper about the ink
    height, width = (round(side / FINE * scale) for side in depth.shape)
    return _trim(np.clip(resize(depth, height, width) * scale + 0.5, 0, 1), 0)


def place(ink: Plane, height: int, width: int, rng: np.random.Generator) -> Plane:
    """Ink anywhere on an empty canvas, all of it inside."""
    canvas = np.zeros((height, width), np.float32)
    top = rng.integers(MARGIN, height - ink.shape[0] - MARGIN + 1)
    left = rng.integers(MARGIN, width - ink.shape[1] - MARGIN + 1)
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return canvas


def canvas_shape(rng: np.random.Generator) -> tuple[int, int]:
    """Height and width, each in SIDES; half of the canvases are square."""
    height, width = (round(_log_uniform(*SIDES, rng)) for _ in range(2))
    return (height, height) if rng.random() < 0.5 else (height, width)


def digit_size(shape: tuple[int, int], rng: np.random.Generator) -> int:
    """The longer side of a digit, FILLS of the canvas's shorter one."""
    return round(_log_uniform(*FILLS, rng) * min(shape)) - 2 * MARGIN


def write_number(
    digits: list[Plane], height: int, gaps: list[int], rng: np.random.Generator
) -> Plane:
    """Digits on one line, about ``height`` pixels high and ``gaps`` pixels of paper apart."""
    inks = []
    for digit in digits:
        tall = _trim(digit, 0).shape
        size = height * rng.uniform(1 - UNEVEN, 1 + UNEVEN) * max(1, tall[1] / tall[0])
        inks.append(redraw(digit, round(size)))
    rises = [round(height * rng.uniform(-RISE, RISE)) for _ in inks]
    line = max(ink.shape[0] + rise for ink, rise in zip(inks, rises, strict=True))
    depth = max(-min(rises), 0)
    number = np.zeros((line + depth, sum(ink.shape[1] for ink in inks) + sum(gaps)), np.float32)
    left = 0
    for ink, rise, gap in zip(inks, rises, [*gaps, 0], strict=True):
        top = line - rise - ink.shape[0]
        number[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
        left += ink.shape[1] + gap
    return number


def pen_drawing(form: Form, rng: np.random.Generator) -> Plane:
    """A form of our font as a hand draws it on a square canvas of SIDES."""
    side = round(_log_uniform(*SIDES, rng))
    size = rng.uniform(*DRAWING) * side
    width = max(THINNEST, _log_uniform(*BRUSH, rng) * size)
    strokes = [stroke * np.float32(size - width) for stroke in pen_strokes(form, rng)]
    points = np.concatenate(strokes)
    low, high = points.min(0) - width / 2 - MARGIN, points.max(0) + width / 2 + MARGIN
    centre = [rng.uniform(-a, max(side - b, 1 - a)) for a, b in zip(low, high, strict=True)]
    return render([stroke + np.array(centre, np.float32) for stroke in strokes], side, width)


def canvas(ink: Plane, rng: np.random.Generator) -> Pixels:
    """Ink on the plain ground of a drawing page or paint program.

    Black on white, white on black, ink on transparent, or any colour on any other of another
    lightness.
    """
    style = rng.choice(list(STYLES), p=list(STYLES.values()))
    if style == "transparent":
        colour = rng.choice([0, 255], p=[BLACK_INK, 1 - BLACK_INK])
        picture = np.full((*ink.shape, 4), colour, np.uint8)
        picture[:, :, 3] = np.round(255 * ink)
        return picture
    paper, pen = np.ones(3), np.zeros(3)
    while style == "colours":
        paper, pen = rng.uniform(0, 1, (2, 3))
        if abs(float((paper - pen) @ LUMA)) > LEAST_CONTRAST:
            break
    if style == "blackboard":
        paper, pen = pen, paper
    rgb = paper + ink[:, :, None] * (pen - paper)
    return np.round(255 * rgb).astype(np.uint8)


# What is not a digit.


def blank(rng: np.random.Generator) -> Pixels:
    """An empty canvas or a photograph of empty paper."""
    ink = np.zeros(canvas_shape(rng), np.float32)
    return photograph(ink, rng) if rng.random() < 0.5 else canvas(ink, rng)


def dot(rng: np.random.Generator) -> Pixels:
    """A canvas with one touch of the pen."""
    side = round(_log_uniform(*SIDES, rng))
    width = max(THINNEST + 1, rng.uniform(*DOT) * side)
    at = rng.uniform(width, side - width, 2)
    return canvas(render([np.array([at, at + 0.5], np.float32)], side, width), rng)


def drawn_scribble(rng: np.random.Generator) -> Pixels:
    """A scribble, as :func:`mnistcore.pens.strokes.scribble` makes them."""
    return canvas(pen_drawing(scribble(rng), rng), rng)


def drawn_letter(rng: np.random.Generator) -> Pixels:
    """A letter of our pen font that cannot pass for a digit."""
    return canvas(pen_drawing(LETTERS[rng.choice(list(LETTERS))], rng), rng)


def drawn_shape(rng: np.random.Generator) -> Pixels:
    """A shape of our pen font; or a disc, polygon or star, filled or in outline."""
    if rng.random() < 0.5:
        return canvas(pen_drawing(SHAPES[rng.choice(list(SHAPES))], rng), rng)
    height, width = canvas_shape(rng)
    size = digit_size((height, width), rng)
    image = Image.new("L", (size, size))
    draw = ImageDraw.Draw(image)
    corners = int(rng.choice([0, 3, 4, 5, 10]))  # 0 is a disc, 10 a star
    turn = rng.uniform(0, 2 * np.pi)
    angle = turn + np.arange(corners or 60) * 2 * np.pi / (corners or 60)
    radius = size / 2 * (np.arange(len(angle)) % 2 * 0.5 + 0.5 if corners == 10 else 1.0)
    points = np.stack([size / 2 + radius * np.cos(angle), size / 2 + radius * np.sin(angle)], 1)
    outline = [(float(x), float(y)) for x, y in points]
    if corners == 0 or rng.random() < 0.5:  # a circle in outline would be a 0
        draw.polygon(outline, fill=255)
    else:
        draw.line(
            [*outline, outline[0], outline[1]], fill=255, width=max(2, size // 12), joint="curve"
        )
    ink = _trim(np.asarray(image, np.float32) / np.float32(255), 0)
    return canvas(place(ink, height, width, rng), rng)


@cache
def _fonts() -> list[Path]:
    """The fonts that come with matplotlib and have all the letters."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    names = [
        "DejaVuSans",
        "DejaVuSerif",
        "DejaVuSansMono",
        "STIXGeneral",
        "cmr10",
        "cmss10",
        "cmtt10",
    ]
    paths = [path for name in names for path in sorted(folder.glob(f"{name}*.ttf"))]
    return [path for path in paths if "Display" not in path.stem]


def printed_letter(rng: np.random.Generator) -> Pixels:
    """A letter that cannot pass for a digit, in one of matplotlib's own fonts."""
    height, width = canvas_shape(rng)
    size = digit_size((height, width), rng)
    fonts = _fonts()
    font = ImageFont.truetype(str(fonts[rng.integers(len(fonts))]), size)
    image = Image.new("L", (2 * size, 2 * size))
    letter = FULL_LETTERS[rng.integers(len(FULL_LETTERS))]
    ImageDraw.Draw(image).text((size // 2, size // 4), letter, fill=255, font=font)
    ink = _trim(np.asarray(image, np.float32) / np.float32(255), 0)
    return canvas(place(enlarge(ink, size), height, width, rng), rng)
