"""Draw the page's example pictures, assets/examples, with the project's own pen font.

``python -m tests.tools.examples`` at the root of the project.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from mnistcore.files import ASSETS
from mnistcore.pens.font import DIGITS, LETTERS, Form
from mnistcore.pens.strokes import pen_strokes, render

FOLDER = ASSETS / "examples"
SIZE = 320  # pixels a side
PAPER, INK = np.array([252, 251, 247]), np.array([35, 41, 66])


def write(forms: list[Form], rng: np.random.Generator, size: int = SIZE) -> NDArray[np.float32]:
    """Forms side by side as ink, float32 (size, size) in [0, 1]."""
    side = min(0.62 * size, 0.86 * size / len(forms))
    strokes = []
    for place, form in enumerate(forms):
        middle = [size * (place + 0.5) / len(forms), size / 2 + rng.normal(0, 0.02 * size)]
        strokes += [part * side + np.array(middle, np.float32) for part in pen_strokes(form, rng)]
    return render(strokes, size, 0.055 * size if len(forms) == 1 else 0.035 * size)


def on_paper(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Dark ink on plain paper, uint8 (H, W, 3)."""
    return (PAPER + ink[..., None] * (INK - PAPER)).astype(np.uint8)


def photographed(ink: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Ink as a camera sees it: slanting lamplight, a shadow, grain, a little out of focus."""
    size = len(ink)
    y, x = np.mgrid[:size, :size] / size
    light = 0.92 - 0.42 * x - 0.18 * y
    shadow = 1 - 0.32 / (1 + np.exp((0.7 * x - y + 0.62) * 60))
    fibres = gaussian_filter(rng.normal(0, 1, ink.shape), 1.2)
    page = PAPER * [1, 0.96, 0.86] + fibres[..., None] * 5
    soft = gaussian_filter(ink, 1.1)[..., None]
    picture = (page + soft * 0.88 * (INK - page)) * (light * shadow)[..., None]
    picture += rng.normal(0, 3.5, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


def main() -> None:
    """Write all pictures."""
    rng = np.random.default_rng(5)
    pictures = {
        "1 a three.png": on_paper(write([DIGITS["3"]], rng)),
        "2 a slashed zero.png": on_paper(write([DIGITS["0 slashed"]], rng)),
        "3 a crossed seven.png": on_paper(write([DIGITS["7 crossed"]], rng)),
        "4 an eight by lamplight.jpg": photographed(write([DIGITS["8"]], rng), rng),
        "5 a number.png": on_paper(
            write([DIGITS[d] for d in ("2", "0", "4 open", "9 round")], rng)
        ),
        "6 a letter.png": on_paper(write([LETTERS["R"]], rng)),
        "7 a blank.png": on_paper(np.zeros((SIZE, SIZE), np.float32)),
    }
    FOLDER.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        Image.fromarray(picture).save(FOLDER / name, optimize=True, quality=85)


if __name__ == "__main__":
    main()
