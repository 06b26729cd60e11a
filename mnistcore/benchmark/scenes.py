"""Pictures as people hand them in, made at random: canvases, photographs, and what is no digit.

Every function that needs chance takes a generator: the same one gives the same picture. Ink is
float32 (H, W) in [0, 1], 1 where the pen was; pictures are uint8 (H, W, 3), or (H, W, 4) where
they are transparent.
"""

import io
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from skimage.morphology import skeletonize

from mnistcore.pens.font import LETTERS, SHAPES, Form
from mnistcore.pens.strokes import WIDTHS, pen_strokes, render, scribble
from mnistcore.reading.picture import Plane

Pixels = NDArray[np.uint8]

SIDES = 280, 1000  # pixels of a canvas
FILLS = 0.12, 0.9  # of a canvas's shorter side, for the longer side of a digit
FINE = 6  # steps a pixel in which the outline of an MNIST digit is traced
MARGIN = 2  # pixels between ink and the edge of its canvas
FULL_LETTERS = "".join(name for name in LETTERS if len(name) == 1)  # those unlike any digit


def _log_uniform(low: float, high: float, rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _resize(plane: Plane, height: int, width: int) -> Plane:
    shrunk_or_grown = Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(shrunk_or_grown, np.float32)


def _trim(ink: Plane, above: float) -> Plane:
    rows, columns = np.nonzero(ink > above)
    return ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def enlarge(digit: Plane, size: int) -> Plane:
    """An MNIST digit (28, 28), its longer side ``size`` pixels, its edges as soft as they were."""
    ink = _trim(digit, 0)
    scale = size / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    return np.clip(_resize(ink, height, width), 0, 1)


def redraw(digit: Plane, size: int, line: float | None = None) -> Plane:
    """An MNIST digit as a pen of one colour would draw it: with sharp edges, thinner or thicker.

    The outline of its ink is traced and moved in or out. Its middle line always stays, in the
    finest line of MNIST, so that no stroke falls apart.

    Args:
        digit: (28, 28).
        size: pixels of the longer side.
        line: the width that its lines should have, in pixels of MNIST, where it is 1.3 to 4.2;
            they get at most 1.4 thinner or thicker. By default they stay as they are.
    """
    fine: Plane = ndimage.zoom(
        np.pad(digit, 2), FINE, order=3, grid_mode=True, mode="grid-constant"
    )
    inside = fine > 0.4 * fine.max()
    middle = skeletonize(inside)
    depth = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    depth = (depth - np.sign(depth) / 2) / FINE  # in pixels of MNIST, negative outside
    if line is not None:
        depth += np.clip(line / 2 - np.median(depth[middle]), -0.7, 0.7)
        thin = ndimage.distance_transform_edt(~middle) / FINE
        depth = np.maximum(depth, WIDTHS[0] / 2 - thin)
    scale = size * FINE / max(_trim((depth > 0).astype(np.float32), 0).shape)
    depth = _trim(depth.astype(np.float32), -2 / FINE)  # with a little paper about the ink
    height, width = (round(side / FINE * scale) for side in depth.shape)
    return _trim(np.clip(_resize(depth, height, width) * scale + 0.5, 0, 1), 0)


def place(ink: Plane, height: int, width: int, rng: np.random.Generator) -> Plane:
    """Ink anywhere on an empty canvas, all of it inside."""
    canvas = np.zeros((height, width), np.float32)
    top = rng.integers(MARGIN, height - ink.shape[0] - MARGIN + 1)
    left = rng.integers(MARGIN, width - ink.shape[1] - MARGIN + 1)
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return canvas


def canvas_shape(rng: np.random.Generator) -> tuple[int, int]:
    """Height and width, each in SIDES, half of them square."""
    height, width = (round(_log_uniform(*SIDES, rng)) for _ in range(2))
    return (height, height) if rng.random() < 0.5 else (height, width)


def digit_size(shape: tuple[int, int], rng: np.random.Generator) -> int:
    """The longer side of a digit, FILLS of the canvas's shorter one."""
    return round(_log_uniform(*FILLS, rng) * min(shape)) - 2 * MARGIN


def write_number(
    digits: list[Plane], height: int, gaps: list[int], rng: np.random.Generator
) -> Plane:
    """Digits on one line, about ``height`` pixels high and ``gaps`` pixels of paper apart.

    Heights vary by 10 %, and the digits stand up to 6 % of the height above or below the line.
    """
    drawn = []
    for digit in digits:
        tall = _trim(digit, 0).shape
        size = height * rng.uniform(0.9, 1.1) * max(1, tall[1] / tall[0])
        drawn.append(redraw(digit, round(size)))
    rises = [round(height * rng.uniform(-0.06, 0.06)) for _ in drawn]
    line = max(ink.shape[0] + rise for ink, rise in zip(drawn, rises, strict=True))
    depth = max(-min(rises), 0)
    number = np.zeros((line + depth, sum(ink.shape[1] for ink in drawn) + sum(gaps)), np.float32)
    left = 0
    for ink, rise, gap in zip(drawn, rises, [*gaps, 0], strict=True):
        top = line - rise - ink.shape[0]
        number[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
        left += ink.shape[1] + gap
    return number


def pen_drawing(form: Form, rng: np.random.Generator) -> Plane:
    """A form of our font as a hand draws it on a square canvas.

    The canvas has 280 to 1,000 pixels a side, the drawing 25 to 80 % of it, the pen 3 to 14 % of
    the drawing, as the brushes of drawing pages have (8 to 24 pixels on 280).
    """
    side = round(_log_uniform(*SIDES, rng))
    size = rng.uniform(0.25, 0.8) * side
    width = max(2.0, _log_uniform(0.03, 0.14, rng) * size)
    strokes = [stroke * np.float32(size - width) for stroke in pen_strokes(form, rng)]
    points = np.concatenate(strokes)
    low, high = points.min(0) - width / 2 - MARGIN, points.max(0) + width / 2 + MARGIN
    centre = [rng.uniform(-a, max(side - b, 1 - a)) for a, b in zip(low, high, strict=True)]
    return render([stroke + np.array(centre, np.float32) for stroke in strokes], side, width)


def canvas(ink: Plane, rng: np.random.Generator) -> Pixels:
    """Ink on the plain ground of a drawing page or paint program.

    Black on white, white on black, ink on transparent, or any colour on any that differs from it
    in lightness by 0.35.
    """
    style = rng.choice(
        ["paper", "blackboard", "transparent", "colours"], p=[0.35, 0.25, 0.15, 0.25]
    )
    if style == "transparent":
        picture = np.full((*ink.shape, 4), rng.choice([0, 255], p=[0.7, 0.3]), np.uint8)
        picture[:, :, 3] = np.round(255 * ink)
        return picture
    paper, pen = np.ones(3), np.zeros(3)
    while style == "colours":
        paper, pen = rng.uniform(0, 1, (2, 3))
        if abs(float((paper - pen) @ (0.299, 0.587, 0.114))) > 0.35:
            break
    if style == "blackboard":
        paper, pen = pen, paper
    rgb = paper + ink[:, :, None] * (pen - paper)
    return np.round(255 * rgb).astype(np.uint8)


# From here: a photograph, made step by step.


def sheet(height: int, width: int, rng: np.random.Generator) -> Plane:
    """Empty paper, (H, W, 3) in [0, 1]: white to coloured, with grain; half of it lined or squared.

    The lines are 3 to 9 % of the shorter side apart, thin, and take 8 to 35 % of the light.
    """
    colour = rng.uniform(0.7, 0.98) * (1 - rng.uniform(0, 0.15, 3) * (rng.random() < 0.6))
    grain = rng.standard_normal((height, width), np.float32)
    grain = ndimage.gaussian_filter(grain, rng.uniform(0.6, 2))
    grain *= np.float32(rng.uniform(0.003, 0.02) / grain.std())
    paper = colour.astype(np.float32) + grain[:, :, None]
    kind = rng.choice(["plain", "lined", "squared"], p=[0.5, 0.25, 0.25])
    if kind != "plain":
        apart = rng.uniform(0.03, 0.09) * min(height, width)
        thick = max(1.0, rng.uniform(0.001, 0.003) * min(height, width))
        print_colour = rng.uniform(0.08, 0.35) * np.array([1, 0.8, rng.uniform(0.2, 0.8)])
        start = rng.uniform(0, apart, 2)
        off_row, off_column = (
            np.abs((np.arange(n) + at) % apart - apart / 2)
            for n, at in zip((height, width), start, strict=True)
        )
        rows = np.clip(thick / 2 + 0.5 - off_row, 0, 1)[:, None]
        columns = np.clip(thick / 2 + 0.5 - off_column, 0, 1)[None]
        lines = np.maximum(rows, columns) if kind == "squared" else rows + 0 * columns
        paper = paper * (1 - lines[:, :, None] * print_colour).astype(np.float32)
    return paper


def write_on(paper: Plane, ink: Plane, rng: np.random.Generator) -> Plane:
    """Paper (H, W, 3) with ink (H, W) on it, of a black, blue or red pen or a pencil.

    The ink is uneven: where the pen was light, up to 30 % of the paper comes through.
    """
    pens = [(0.08, 0.08, 0.1), (0.1, 0.15, 0.5), (0.65, 0.1, 0.12), (0.38, 0.38, 0.4)]
    pen = np.array(pens[rng.choice(4, p=[0.4, 0.3, 0.1, 0.2])]) * rng.uniform(0.8, 1.2)
    coarse = [max(2, side // 12) for side in ink.shape]
    uneven = _resize(rng.uniform(0, 1, coarse).astype(np.float32), *ink.shape)
    cover = ink * (1 - np.float32(rng.uniform(0, 0.3)) * np.clip(uneven, 0, 1))
    return paper * (1 - cover[:, :, None] * (1 - pen.astype(np.float32)))


def tilt(rgb: Plane, height: int, width: int, rng: np.random.Generator) -> Plane:
    """The middle of a picture, (height, width, 3), as a hand-held camera sees it.

    The corners of the view wander by up to 5 % of the sides and it is turned by up to 6 degrees.
    """
    rows, columns = rgb.shape[:2]
    corners = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)]) + rng.uniform(-0.1, 0.1, (4, 2))
    turn = np.radians(rng.uniform(-6, 6))
    x, y = corners.T * np.array([[width / 2], [height / 2]])
    x, y = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    x, y = x + columns / 2, y + rows / 2
    # The eight numbers of the projection that takes the view's corners to these places.
    system = []
    for (u, v), a in zip([(0, 0), (0, height), (width, height), (width, 0)], x, strict=True):
        system.append([u, v, 1, 0, 0, 0, -u * a, -v * a])
    for (u, v), b in zip([(0, 0), (0, height), (width, height), (width, 0)], y, strict=True):
        system.append([0, 0, 0, u, v, 1, -u * b, -v * b])
    projection = np.linalg.solve(np.array(system, float), np.concatenate([x, y]))
    bands = [
        Image.fromarray(np.ascontiguousarray(rgb[:, :, band])).transform(
            (width, height),
            Image.Transform.PERSPECTIVE,
            projection.tolist(),
            Image.Resampling.BICUBIC,
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
        inside = rng.uniform(0.2, 0.5) * min(height, width) - np.hypot(x - cx, y - cy)
    t = np.clip(inside / blur + 0.5, 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def light(height: int, width: int, rng: np.random.Generator) -> Plane:
    """What part of the light arrives, (H, W): falls off to one side, with or without shadows.

    It falls by up to 45 %; a soft shadow (its edge 10 to 40 % of the side) takes up to 40 %, a
    hard one (its edge 0.5 to 3 %) 15 to 45 %.
    """
    turn = rng.uniform(0, 2 * np.pi)
    y, x = np.ogrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
    ramp = 0.5 + (x * np.cos(turn) + y * np.sin(turn)) / np.sqrt(2)
    arriving = (1 - rng.uniform(0, 0.45) * ramp).astype(np.float32)
    side = min(height, width)
    if rng.random() < 0.5:
        soft = _shade(height, width, rng.uniform(0.1, 0.4) * side, rng)
        arriving *= 1 - np.float32(rng.uniform(0.1, 0.4)) * soft
    if rng.random() < 0.35:
        hard = _shade(height, width, rng.uniform(0.005, 0.03) * side, rng)
        arriving *= 1 - np.float32(rng.uniform(0.15, 0.45)) * hard
    return arriving


def jpeg(picture: Pixels, quality: int) -> Pixels:
    """A picture after it was saved as JPEG of a quality of 1 to 95."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def photograph(ink: Plane, rng: np.random.Generator) -> Pixels:
    """Ink on paper, photographed: see the steps above; then blur, noise of the sensor and JPEG.

    Blur has a standard deviation of up to 0.25 % of the side, noise of 0.5 to 2.5 % of full
    light, JPEG a quality of 40 to 95. Of the ink's plane the outer 10 % may be out of view.
    """
    height, width = ink.shape
    around = max(height, width) // 8  # more than `tilt` looks beyond the picture
    wide = np.pad(ink, around)
    rgb = write_on(sheet(wide.shape[0], wide.shape[1], rng), wide, rng)
    rgb = tilt(rgb, height, width, rng)
    rgb = rgb * (rng.uniform(0.75, 1.05) * light(height, width, rng))[:, :, None]
    sigma = rng.uniform(0, 0.0025) * max(height, width)
    rgb = ndimage.gaussian_filter(rgb, (sigma, sigma, 0))
    noise = rng.standard_normal(rgb.shape, np.float32)
    rgb = rgb + noise * np.float32(rng.uniform(0.005, 0.025)) * np.sqrt(np.maximum(rgb, 0))
    return jpeg(np.round(255 * np.clip(rgb, 0, 1)).astype(np.uint8), int(rng.integers(40, 96)))


# From here: what is no digit.


def blank(rng: np.random.Generator) -> Pixels:
    """An empty canvas or a photograph of empty paper."""
    ink = np.zeros(canvas_shape(rng), np.float32)
    return photograph(ink, rng) if rng.random() < 0.5 else canvas(ink, rng)


def dot(rng: np.random.Generator) -> Pixels:
    """A canvas with one touch of a pen of 2 to 12 % of its side."""
    side = round(_log_uniform(*SIDES, rng))
    width = max(3.0, rng.uniform(0.02, 0.12) * side)
    at = rng.uniform(width, side - width, 2)
    return canvas(render([np.array([at, at + 0.5], np.float32)], side, width), rng)


def drawn_scribble(rng: np.random.Generator) -> Pixels:
    """A scribble of our font's."""
    return canvas(pen_drawing(scribble(rng), rng), rng)


def drawn_letter(rng: np.random.Generator) -> Pixels:
    """A letter of our pen font that cannot pass for a digit."""
    return canvas(pen_drawing(LETTERS[rng.choice(list(LETTERS))], rng), rng)


def drawn_shape(rng: np.random.Generator) -> Pixels:
    """A shape of our font's, or a disc, polygon or star, filled, or drawn in a line."""
    if rng.random() < 0.5:
        return canvas(pen_drawing(SHAPES[rng.choice(list(SHAPES))], rng), rng)
    height, width = canvas_shape(rng)
    size = digit_size((height, width), rng)
    image = Image.new("L", (size, size))
    draw = ImageDraw.Draw(image)
    corners = int(rng.choice([0, 3, 4, 5, 10]))
    turn = rng.uniform(0, 2 * np.pi)
    angle = turn + np.arange(corners or 60) * 2 * np.pi / (corners or 60)
    radius = size / 2 * (np.arange(len(angle)) % 2 * 0.5 + 0.5 if corners == 10 else 1.0)
    points = np.stack([size / 2 + radius * np.cos(angle), size / 2 + radius * np.sin(angle)], 1)
    outline = [(float(x), float(y)) for x, y in points]
    if corners == 0 or rng.random() < 0.5:  # a circle in a line would be a 0
        draw.polygon(outline, fill=255)
    else:
        draw.line(
            [*outline, outline[0], outline[1]], fill=255, width=max(2, size // 12), joint="curve"
        )
    ink = _trim(np.asarray(image, np.float32) / np.float32(255), 0)
    return canvas(place(ink, height, width, rng), rng)


@cache
def _fonts() -> list[Path]:
    """The fonts that matplotlib brings along and that have all the letters."""
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
    return [
        path for name in names for path in sorted(folder.glob(f"{name}*.ttf"))
        if "Display" not in path.stem
    ]  # fmt: skip


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
