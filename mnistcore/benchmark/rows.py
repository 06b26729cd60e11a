"""The kinds of pictures that the reading is measured on: one row of the results each."""

import importlib.util
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistcore.benchmark import scenes
from mnistcore.benchmark.corruptions import CORRUPTIONS
from mnistcore.benchmark.forms import make_form
from mnistcore.benchmark.scenes import Pixels
from mnistcore.data import load_mnist, split_train_val, to_unit
from mnistcore.files import ASSETS
from mnistcore.pens.font import DIGITS
from mnistcore.reading.picture import Plane
from mnistcore.training.recipes import TrainConfig

PEN_FORMS = list(DIGITS)
# Kinds of mnistcore.benchmark.forms, a row each.
PRINTED = (
    "cells",
    "cells, open at the top",
    "comb with short teeth",
    "dividers only",
    "box around one digit",
    "ring around one digit",
)
LINED = "ruled paper", "squared paper", "margin line"
SIGNS = "date", "phone number", "time", "decimal", "minus"
LAYOUTS = "two lines", "one above the other", "uneven heights", "card on transparent", "tight crop"
KINDS = list(CORRUPTIONS)

Rng = np.random.Generator


@dataclass(frozen=True)
class Sample:
    """A picture and what is on it."""

    picture: Pixels
    truth: str | None  # the number; None: no digit
    part: str = ""  # its kind, in a row of several kinds


@dataclass(frozen=True)
class Row:
    """A kind of picture."""

    title: str
    n: int
    make: Callable[[int, Rng], Sample]
    plain: bool = False  # the i-th picture shows the i-th digit of MNIST


Rows = dict[str, Row]


def load_split(split: str, data_dir: Path | str = ASSETS) -> tuple[Plane, NDArray[np.int64]]:
    """Digits of MNIST in a random order, always the same.

    Args:
        split: "test", or "val", the images of the training set that the shipped nets were not
            trained on. Choices about the reader are made on these.
        data_dir: folder that holds ``MNIST/raw``.

    Returns:
        float32 (n, 28, 28) in [0, 1] and labels (n,).

    Raises:
        FileNotFoundError, ValueError: as :func:`mnistcore.data.load_mnist`, or there is no such
            split.
    """
    if split not in ("test", "val"):
        raise ValueError(f"split is {split!r}; it must be test or val")
    images, labels = load_mnist("test" if split == "test" else "train", data_dir)
    if split == "val":
        chosen = split_train_val(TrainConfig.val_size, len(images))[1]
        images, labels = images[chosen], labels[chosen]
    order = np.random.default_rng(0).permutation(len(images))
    return to_unit(images[:, 0]).numpy()[order], labels.numpy()[order]


def _bytes(plane: Plane) -> Pixels:
    return np.rint(255 * plane).astype(np.uint8)


@dataclass(frozen=True)
class Mnist:
    """Pictures made from MNIST's digits; the i-th one of most kinds shows the i-th digit."""

    images: Plane  # float32 (n, 28, 28)
    labels: NDArray[np.int64]  # (n,)

    def own_frame(self, i: int, rng: Rng) -> Sample:
        """As MNIST has it, 28x28."""
        return Sample(_bytes(self.images[i]), str(self.labels[i]))

    def on_canvas(self, i: int, rng: Rng) -> Sample:
        """Enlarged and placed on a canvas."""
        shape = scenes.canvas_shape(rng)
        ink = scenes.enlarge(self.images[i], scenes.digit_size(shape, rng))
        return Sample(scenes.canvas(scenes.place(ink, *shape, rng), rng), str(self.labels[i]))

    def redrawn(self, i: int, rng: Rng) -> Sample:
        """The same, with thinner or thicker lines."""
        shape = scenes.canvas_shape(rng)
        line = rng.uniform(1.5, 4)
        ink = scenes.redraw(self.images[i], scenes.digit_size(shape, rng), line)
        return Sample(scenes.canvas(scenes.place(ink, *shape, rng), rng), str(self.labels[i]))

    def photographed(self, i: int, rng: Rng) -> Sample:
        """Drawn on paper and photographed."""
        height, width = scenes.canvas_shape(rng)
        size = round(rng.uniform(0.15, 0.7) * min(height, width))
        ink = scenes.redraw(self.images[i], size, rng.uniform(1.5, 4))
        edge = [round(0.1 * side) for side in (height, width)]  # may be out of view
        inner = scenes.place(ink, height - 2 * edge[0], width - 2 * edge[1], rng)
        plane = np.pad(inner, [(edge[0],), (edge[1],)])
        return Sample(scenes.photograph(plane, rng), str(self.labels[i]))

    def number(self, i: int, rng: Rng) -> Sample:
        """Several digits in a row, 1 to 8 in turn."""
        count = 1 + i % 8
        chosen = rng.integers(len(self.images), size=count)
        gaps = rng.integers(2, 21, count - 1).tolist()
        ink = scenes.write_number(
            [self.images[c] for c in chosen], int(rng.integers(40, 111)), gaps, rng
        )
        room = rng.integers(20, 201, 2).tolist()
        plane = scenes.place(ink, ink.shape[0] + room[0], ink.shape[1] + room[1], rng)
        truth = "".join(str(self.labels[c]) for c in chosen)
        part = "1 digit" if count == 1 else f"{count} digits"
        return Sample(scenes.canvas(plane, rng), truth, part)

    def pen(self, i: int, rng: Rng) -> Sample:
        """A form of the pen font on a canvas, all forms in turn."""
        name = PEN_FORMS[i % len(PEN_FORMS)]
        return Sample(scenes.canvas(scenes.pen_drawing(DIGITS[name], rng), rng), name[0], name)

    def form(self, *kinds: str) -> Callable[[int, Rng], Sample]:
        """Numbers as people write them on paper, some kinds in turn; see forms.make_form."""

        def make(i: int, rng: Rng) -> Sample:
            kind = kinds[i % len(kinds)]
            return Sample(*make_form(kind, self.images, self.labels, rng), kind)

        return make

    def corrupted(self, i: int, rng: Rng) -> Sample:
        """Corrupted, by all corruptions in turn."""
        name = KINDS[i % len(KINDS)]
        return Sample(_bytes(CORRUPTIONS[name](self.images[i], rng)), str(self.labels[i]), name)


def make_rows(
    digits: Plane, labels: NDArray[np.int64], data_dir: Path | str = ASSETS, share: float = 1
) -> Rows:
    """All kinds of pictures that can be made on this machine.

    Args:
        digits: float32 (n, 28, 28) of MNIST, n at least 5,000.
        labels: (n,).
        data_dir: where QMNIST, USPS and EMNIST are looked for, as torchvision keeps them.
        share: fraction of the usual number of pictures.
    """
    mnist = Mnist(digits, labels)
    rows = {
        "own_frame": Row("MNIST digits as they are, 28x28", 1000, mnist.own_frame, plain=True),
        "canvas": Row(
            "on a canvas: any position, size, polarity", 5000, mnist.on_canvas, plain=True
        ),
        "redrawn": Row("the same with thinner or thicker lines", 400, mnist.redrawn, plain=True),
        "photo": Row("as photographs (simulated)", 300, mnist.photographed, plain=True),
        "number": Row("numbers of 1 to 8 digits, 2 to 20 px apart", 400, mnist.number),
        "pen": Row("our pen font, regional forms", 400, mnist.pen),
        "forms": Row("numbers in forms: cells, combs, boxes, rings", 240, mnist.form(*PRINTED)),
        "lined": Row("on ruled and squared paper, beside margins", 120, mnist.form(*LINED)),
        "signs": Row("dates, phone numbers, times, decimals, minus", 200, mnist.form(*SIGNS)),
        "layout": Row("two lines, uneven heights, tight crops, cards", 200, mnist.form(*LAYOUTS)),
        "mnist_c": Row(
            "noise, blur and other corruptions, mean of 15", 1500, mnist.corrupted, plain=True
        ),
    }
    for name, (title, images, truths) in _other_sets(data_dir).items():
        rows[name] = Row(title, min(1000, len(images)), _from_set(images, truths))
    for name, title, n, draw in (
        ("blank", "blank canvases, photographs of empty paper", 200, scenes.blank),
        ("dot", "one dot", 200, scenes.dot),
        ("scribble", "scribbles", 300, scenes.drawn_scribble),
        ("printed_letter", "printed letters unlike digits", 300, scenes.printed_letter),
        ("drawn_letter", "drawn letters unlike digits", 300, scenes.drawn_letter),
        ("shape", "shapes", 300, scenes.drawn_shape),
    ):
        rows[name] = Row(title, n, _no_digit(draw))
    return {
        name: Row(row.title, max(1, round(row.n * share)), row.make, row.plain)
        for name, row in rows.items()
    }


def _no_digit(draw: Callable[[Rng], Pixels]) -> Callable[[int, Rng], Sample]:
    return lambda i, rng: Sample(draw(rng), None)


def _from_set(images: Pixels, labels: NDArray[Any]) -> Callable[[int, Rng], Sample]:
    order = np.random.default_rng(0).permutation(len(images))
    return lambda i, rng: Sample(images[order[i]], str(labels[order[i]]))


def _other_sets(data_dir: Path | str) -> dict[str, tuple[str, Pixels, NDArray[Any]]]:
    """Other public sets found here: title, uint8 (n, H, W) with light ink, labels (n,)."""
    from torchvision import datasets  # here: it takes as long to import as torch itself

    sets: dict[str, tuple[str, Pixels, NDArray[Any]]] = {}
    if importlib.util.find_spec("sklearn"):
        eight = importlib.import_module("sklearn.datasets").load_digits()
        sets["sklearn"] = "scikit-learn's digits, 8x8", _bytes(eight.images / 16), eight.target
    root = str(data_dir)
    loaders: dict[str, Callable[[], Any]] = {
        "qmnist": lambda: datasets.QMNIST(root, what="test50k", download=False),
        "usps": lambda: datasets.USPS(root, train=False),
        "emnist": lambda: datasets.EMNIST(root, split="digits", train=False),
    }
    titles = {
        "qmnist": "QMNIST, the 50,000 that MNIST left out",
        "usps": "USPS test set, 16x16",
        "emnist": "EMNIST digits, test set",
    }
    for name, load in loaders.items():
        try:
            found = load()
        except (RuntimeError, OSError):  # torchvision: the files are not there
            continue
        images, labels = np.asarray(found.data), np.asarray(found.targets)
        if name == "qmnist":
            labels = labels[:, 0]  # the other columns describe the writer
        if name == "emnist":
            images = images.transpose(0, 2, 1)  # stored transposed
        sets[name] = titles[name], images, labels
    return sets


def make_sample(name: str, row: Row, i: int) -> Sample:
    """The i-th picture of a row, the same every time."""
    return row.make(i, np.random.default_rng([zlib.crc32(name.encode()), i]))
