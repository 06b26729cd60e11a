"""The colours of a picture -> its ink: the polarity found, light and shade taken out.

The thresholds are rules of thumb. Multiplied by 0.8 or by 1.25, one at a time, they read and refuse
as many of 319 pictures as they do now, unless a comment says otherwise. These were photographs,
scans and strokes by people, our own photographs and numbers, sheets of paper, and non-digits.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.measure import label

Plane = NDArray[np.float32]  # (H, W), ink in [0, 1] unless noted
Mask = NDArray[np.bool_]  # (H, W)

MIN_CONTRAST = 0.06  # least contrast of ink to its paper; black on white is 1
NOISE = 6  # ink stands out by at least this many standard deviations of the paper's grain
FLOOR = 3  # in a photograph, what stands out by fewer of them is paper; 2 misreads one more
PEAK_SHARE = 5000  # full ink is the contrast that one pixel in 5,000 reaches
PEAK_PIXELS = 8, 30  # the fewest and most of these pixels: a single one may be noise

# A plain ground.
PLAIN = 0.01  # a plain colour varies by less; the paper of a photograph varies more
NEAR_PLAIN = 3 * PLAIN  # pixels that near to the paper's colour show its grain
PLAIN_AREA = 0.35  # least share of a plain picture that has the border's colour
PLAIN_BORDER = 0.6  # least share of its border that has this colour. With less, the picture must
# have two plain colours: the border of a crop around an upright 1 is half ink.
TWO_COLOURS = 0.95  # least share of such a picture that has the colour of its paper or of its ink

# A sheet of paper on something else.
SHEET_LEVEL = 0.5  # of the strongest contrast to the border; 0.62 misses 6 of 21 sheets
SHEET_AREA = 0.2  # of the picture differs that much; 0.25 misses 3 of 21 sheets
SHEET_SIDE = 50  # pixels of its shorter side, at least
SHEET_SHARE = 0.4  # of the picture's height and of its width, at least; 0.5 misses 1 of 21 sheets
SHEET_HOLES = 0.3  # of its area, at most, for what is written on it
SHEET_TURN = 20  # degrees, at most
SHEET_FILL = 0.93  # of the smallest box around it, at least; a rectangle fills all of it
SHEET_EDGE = 50  # its blurred edge, cut off, is its shorter side divided by this

# Which of dark and light is the ink of a photograph.
BLACK = 0.05  # of full light, added so that the logarithm of black is finite
DETAIL = 2  # pixels, standard deviation of the blur that makes the surroundings of a place
HALVING = 0.8  # pixels, of the blur before every other pixel is left out
SMALLEST = 6  # pixels of the shorter side of the last octave
EXTREMES = 2000  # one pixel in 2,000 counts as extreme
FEWEST_EXTREMES = 4  # pixels that count as extreme in a small picture

# Ink of the same gray as its paper. Of full light.
FAINT_IN_GRAY = 0.15  # where gray shows more contrast than that, the colours are not looked at
CLEARER = 3  # times as much contrast in one colour: noise alone shows less than twice as much
SMOOTH = 1  # pixels of the small picture in which it is measured, standard deviation of the blur

# The light on a photograph.
# Pixels: what is finer than a pixel of a picture that large is smoothed away. 1,000 misreads one
# photograph more.
FINE_SIDE = 800
COARSE_SIDE = 400  # pixels, of the small picture in which strokes are measured
SHADOW = 4  # what is wider than the longer side divided by this is a shadow, not ink
WINDOW = 4  # stroke widths: wider things are shadows, not strokes; 3 reads one page more
LEAST_WINDOW = 3  # pixels
# Quantiles of the darkness of all pixels. Both are of the paper, even if half of all is ink, and
# about one standard deviation of its grain apart. 0.24 for the second misreads one photograph.
PAPER_RANKS = 0.05, 0.3
DARKEST_PAPER = 0.1  # of full light; in deeper shadow, contrast is no longer amplified

# Where ink is. Shares of full ink.
LEAST_INK = 0.05  # fainter is paper, which would pull Otsu's threshold down
INK_LEVEL = 0.2, 0.6  # the range in which Otsu's threshold is believed
ONE_LEVEL = 0.5  # the threshold where all ink is equally strong and Otsu's method has none
FAINT = 0.5  # times the threshold: ink that strong counts where it touches stronger ink


def ink_level(ink: Plane) -> float:
    """The threshold above which a place surely has ink."""
    some = ink[ink > LEAST_INK]
    if not some.size or np.ptp(some) == 0:
        return ONE_LEVEL
    return float(np.clip(threshold_otsu(some), *INK_LEVEL))


def inked_box(mask: Mask) -> tuple[slice, slice]:
    """The rows and columns from the first ink to the last, for most of a canvas is empty.

    Without ink they are the first ones, for not every function takes an array without elements.
    """
    inked = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    rows, columns = (slice(i[0], i[-1] + 1) if len(i) else slice(0, 1) for i in inked)
    return rows, columns


def find_ink(rgb: Plane) -> tuple[Plane, list[str]]:
    """The ink of a picture.

    Args:
        rgb: float32 (H, W, 3) in [0, 1].

    Returns:
        float32 (H, W) in [0, 1]; notes on how it was found, one sentence each.
    """
    ink, how = _flatten(rgb)
    sheet = _sheet(ink)
    if sheet is None:
        return ink, [how]
    ink, how = _flatten(np.where(sheet[:, :, None], rgb, np.median(rgb[sheet], 0)))
    return ink, ["Found a sheet of paper on a background; only the sheet was read.", how]


def _flatten(rgb: Plane) -> tuple[Plane, str]:
    """The ink of a picture and how it was found: against a plain colour, or as a photograph's."""
    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    paper = np.median(border, 0)
    planes = np.ascontiguousarray(np.moveaxis(rgb, 2, 0))  # numpy is slow along an axis of three
    contrast = np.abs(planes - paper[:, None, None]).max(0)
    on_border = np.abs(border - paper).max(1)
    if (contrast < PLAIN).mean() < PLAIN_AREA:
        return _flatten_photo(rgb)
    grain = float(np.sqrt(np.mean(contrast[contrast < NEAR_PLAIN] ** 2)))
    peak = _peak(contrast)
    if (on_border < NEAR_PLAIN).mean() < PLAIN_BORDER:
        two = ((contrast < NEAR_PLAIN) | (contrast > peak - NEAR_PLAIN)).mean() >= TWO_COLOURS
        if not two:
            return _flatten_photo(rgb)
    if peak < max(MIN_CONTRAST, NOISE * grain):
        return np.zeros_like(contrast), "One plain colour: no ink."
    ink = np.clip(contrast / peak, 0, 1)
    return ink, f"{_polarity(paper.mean() > 0.5)}: the border shows the plain colour of the paper."


def _polarity(dark_ink: bool) -> str:
    return "Dark ink on light paper" if dark_ink else "Light ink on dark paper"


def _peak(contrast: NDArray[Any]) -> float:
    """The contrast of full ink: that of the strongest few pixels, but not of one alone."""
    fewest, most = PEAK_PIXELS
    count = min(contrast.size, max(fewest, min(contrast.size // PEAK_SHARE, most)))
    inked = contrast[contrast > 0]  # without the paper's many equal pixels, ten times as fast
    return float(np.partition(inked, -count)[-count]) if inked.size >= count else 0.0


def _sheet(ink: Plane) -> NDArray[np.bool_] | None:
    """Where a sheet of paper is, (H, W), if one lies on something else that the border shows."""
    mask = ink > SHEET_LEVEL
    if mask.mean() < SHEET_AREA:
        return None
    labels = label(mask, connectivity=2)
    solid = labels == np.bincount(labels[labels > 0]).argmax()
    filled = ndimage.binary_fill_holes(solid)
    rows, columns = np.nonzero(filled)
    sides = np.ptp(rows) + 1, np.ptp(columns) + 1
    share = min(side / whole for side, whole in zip(sides, ink.shape, strict=True))
    holes = 1 - solid.sum() / filled.sum()  # the ink on it, if it is a sheet
    if min(sides) < SHEET_SIDE or share < SHEET_SHARE or holes > SHEET_HOLES or filled.all():
        return None
    if len(rows) < SHEET_FILL * _smallest_box(rows, columns):
        return None  # not a rectangle
    soft = max(1, int(min(sides)) // SHEET_EDGE)  # its edge is blurred
    return ndimage.binary_erosion(filled, iterations=soft)


def _smallest_box(rows: NDArray[Any], columns: NDArray[Any]) -> float:
    """The area of the smallest box around these places, turned by up to SHEET_TURN degrees."""
    turns = np.exp(1j * np.radians(np.arange(-SHEET_TURN, SHEET_TURN + 1, 2)))
    turned = turns[:, None] * (columns + 1j * rows)[::7]  # every seventh place is enough
    return float((np.ptp(turned.real, axis=1) * np.ptp(turned.imag, axis=1)).min())


def _is_dark_ink(gray: NDArray[Any]) -> bool:
    """Whether the thin things of a photograph are darker than what they lie on, or lighter.

    Strokes are narrow at some scale and shadows are not: at each octave the few places that
    differ most from their surroundings are compared, the darker ones with the lighter.
    """
    octave = np.log(gray + BLACK)  # as the eye does: in shadow, less light is as much contrast
    darker = lighter = 0.0
    while min(octave.shape) >= SMALLEST:
        detail = octave - ndimage.gaussian_filter(octave, DETAIL, mode="nearest")
        few = max(FEWEST_EXTREMES, detail.size // EXTREMES)
        darker -= np.partition(detail.ravel(), few)[few]
        lighter += np.partition(detail.ravel(), -few)[-few]
        octave = ndimage.gaussian_filter(octave, HALVING)[::2, ::2]
    return darker >= lighter


def _flatten_photo(rgb: Plane) -> tuple[Plane, str]:
    """The ink of a photograph, by how much darker (or lighter) than its surroundings it is."""
    longest = max(rgb.shape[:2])
    gray = ndimage.gaussian_filter(_clearest(rgb), longest / FINE_SIDE)
    dark_ink = _is_dark_ink(gray)
    if not dark_ink:
        gray = 1 - gray
    ink = _darker(gray, math.ceil(WINDOW * _stroke_width(gray)))
    least, paper_ink = np.quantile(ink, PAPER_RANKS)
    grain = float(paper_ink - least)
    peak = _peak(ink)
    if peak < MIN_CONTRAST or peak <= paper_ink + NOISE * grain:
        return np.zeros_like(ink), "No ink stands out from the paper."
    floor = paper_ink + FLOOR * grain
    ink = np.clip((ink - floor) / (peak - floor), 0, 1).astype(np.float32)
    return ink, f"{_polarity(dark_ink)}; uneven lighting is removed."


def _clearest(rgb: Plane) -> Plane:
    """The gray of a photograph, or one of its colours if that shows ink and the gray does not."""
    gray = rgb.mean(2)
    step = _coarse_step(gray)
    coarse = ndimage.gaussian_filter(rgb[::step, ::step], (SMOOTH, SMOOTH, 0))
    shown = _shown(coarse.mean(2))
    if shown >= FAINT_IN_GRAY:
        return gray
    colours = [_shown(coarse[:, :, colour]) for colour in range(3)]
    if max(colours) < max(CLEARER * shown, MIN_CONTRAST):
        return gray
    return rgb[:, :, int(np.argmax(colours))]


def _shown(coarse: NDArray[Any]) -> float:
    """The contrast of the darkest or lightest thin things in a small picture."""
    window = max(coarse.shape) // SHADOW
    return max(_peak(_darker(coarse, window)), _peak(_darker(1 - coarse, window)))


def _coarse_step(gray: NDArray[Any]) -> int:
    """Every how many pixels are left of a photograph where its strokes are measured."""
    return math.ceil(max(gray.shape) / COARSE_SIDE)


def _stroke_width(gray: NDArray[Any]) -> float:
    """The mean width of the strokes in a photograph with dark ink, in pixels."""
    step = _coarse_step(gray)
    coarse = gray[::step, ::step]
    ink = _darker(coarse, max(coarse.shape) // SHADOW)
    depths = ndimage.distance_transform_edt(ink > _peak(ink) / 2)
    if not depths.any():
        return max(gray.shape) / (SHADOW * WINDOW)
    # Depths grow from 0 at a stroke's edges to half of its width: their mean is a quarter of it.
    return 4 * step * float(depths[depths > 0].mean())


def _darker(gray: NDArray[Any], window: int) -> NDArray[Any]:
    """How much darker each place is than the paper around it, as a share of the paper's light.

    The paper is a morphological closing: what is dark and narrower than the window is filled. A
    slope of light goes on beyond the border, so that its dark end is not taken for something dark.
    """
    window = max(LEAST_WINDOW, window)
    margin = min(window, *(side - 1 for side in gray.shape))
    padded = np.pad(gray, margin, mode="reflect", reflect_type="odd")
    paper = ndimage.grey_closing(padded, size=(window, window), mode="nearest")
    paper = paper[margin : margin + gray.shape[0], margin : margin + gray.shape[1]]
    return (paper - gray) / np.maximum(paper, DARKEST_PAPER)
