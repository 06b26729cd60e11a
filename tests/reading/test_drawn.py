"""Digits that people drew and photographed, if there are any beside the checkout."""

import math
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mnistcore.benchmark.scenes import FULL_LETTERS
from mnistcore.reading.recognizer import read
from tests.tools.drawn import DRAWN, load_render

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DRAWN.is_dir(), reason="no drawn digits beside the checkout"),
]


def assert_share(right: list[bool], goal: float, sampled: bool) -> None:
    """The share reaches the goal; of a sample, to within three standard deviations."""
    noise = 3 * math.sqrt(goal * (1 - goal) / len(right)) if sampled else 0
    assert np.mean(right) >= goal - noise - 1e-9


@pytest.fixture(scope="module")
def render() -> ModuleType:
    return load_render()


def files(folder: str) -> Iterator[tuple[Path, str]]:
    """Pictures and what is on them, without those that people are unsure of."""
    for path in sorted((DRAWN / folder).iterdir()):
        if "_hard" not in path.stem:
            yield path, path.stem.split("_")[0]


def drawings(
    render: ModuleType, name: str, count: int, among: str = ""
) -> Iterator[tuple[Any, str]]:
    """Random samples of a set of strokes, each on a random canvas, and their labels."""
    strokes = render.load_strokes(DRAWN / name)
    chosen = [i for i, label in enumerate(strokes.label) if not among or str(label) in among]
    for i in np.random.default_rng(0).permutation(chosen)[:count]:
        yield render.random_canvas(strokes.sample(i), seed=int(i))[0], str(strokes.label[i])


def test_strokes(render: ModuleType) -> None:
    some = drawings(render, "strokes.npz", 200)
    right = [read(image).text == label for image, label in some]
    assert_share(right, 0.985, sampled=True)


def test_photographs() -> None:
    right = [read(path).text == label for path, label in files("photos")]
    assert_share(right, 0.98, sampled=False)


def test_files_of_paint_programs() -> None:
    right = [read(path).text == label for path, label in files("paint")]
    assert_share(right, 0.97, sampled=False)  # one 1 with a flag is unsure: 2 or 1


def test_numbers() -> None:
    wrong = [path.name for path, label in files("numbers") if read(path).text != label]
    assert len(wrong) <= 2


def test_what_is_not_a_digit_is_refused(render: ModuleType) -> None:
    letters = [image for image, _ in drawings(render, "letters.npz", 60, FULL_LETTERS)]
    doodles = np.load(DRAWN / "doodles.npz")["images"][::3]
    photos = [path for path, _ in files("not_digits")]
    refused = [read(picture).verdict != "digit" for picture in (*letters, *doodles, *photos)]
    assert_share(refused, 0.9, sampled=True)
