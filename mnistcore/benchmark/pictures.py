"""How well pictures are read, made from data that anybody has, with our reader and without.

Each row of the results is one kind of picture. The naive way, for comparison: the whole picture in
gray, shrunk to 28x28, inverted if its median is light, and given to the same nets.
"""

import importlib.util
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from mnistcore import figures
from mnistcore.benchmark import scenes
from mnistcore.benchmark.corruptions import CORRUPTIONS
from mnistcore.benchmark.scenes import Pixels
from mnistcore.data import load_mnist, split_train_val, to_unit
from mnistcore.device import device_name
from mnistcore.files import ASSETS, WEIGHTS, write_json, write_whole
from mnistcore.metrics import wilson_interval
from mnistcore.models import list_models
from mnistcore.pens.font import DIGITS
from mnistcore.reading.picture import Plane
from mnistcore.reading.recognizer import DIGIT, NOT_A_DIGIT, Probs, Reading, Recognizer
from mnistcore.results import TOGETHER, Part, PictureRow, Pictures, ReadTimes, Share
from mnistcore.training.recipes import TrainConfig

WORKERS = 2  # threads that make and read pictures; each runs the nets on one core
EXAMPLE = 5  # index of the picture that stands for its row in pictures.png
TIMED = 200  # reads of a 280x280 canvas
WARM_UP = 5  # reads before those that are timed

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
        FileNotFoundError, ValueError: as :func:`mnistcore.data.load_mnist`.
    """
    images, labels = load_mnist("test" if split == "test" else "train", data_dir)
    if split == "val":
        chosen = split_train_val(TrainConfig.val_size, len(images))[1]
        images, labels = images[chosen], labels[chosen]
    order = np.random.default_rng(0).permutation(len(images))
    return to_unit(images[:, 0]).numpy()[order], labels.numpy()[order]


def _bytes(plane: Plane) -> Pixels:
    return np.rint(255 * plane).astype(np.uint8)


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
    forms = list(DIGITS)
    corruptions = list(CORRUPTIONS)

    def own_frame(i: int, rng: Rng) -> Sample:
        return Sample(_bytes(digits[i]), str(labels[i]))

    def on_canvas(i: int, rng: Rng) -> Sample:
        shape = scenes.canvas_shape(rng)
        ink = scenes.enlarge(digits[i], scenes.digit_size(shape, rng))
        return Sample(scenes.canvas(scenes.place(ink, *shape, rng), rng), str(labels[i]))

    def redrawn(i: int, rng: Rng) -> Sample:
        shape = scenes.canvas_shape(rng)
        line = rng.uniform(1.5, 4)
        ink = scenes.redraw(digits[i], scenes.digit_size(shape, rng), line)
        return Sample(scenes.canvas(scenes.place(ink, *shape, rng), rng), str(labels[i]))

    def photographed(i: int, rng: Rng) -> Sample:
        height, width = scenes.canvas_shape(rng)
        size = round(rng.uniform(0.15, 0.7) * min(height, width))
        ink = scenes.redraw(digits[i], size, rng.uniform(1.5, 4))
        edge = [round(0.1 * side) for side in (height, width)]  # may be out of view
        inner = scenes.place(ink, height - 2 * edge[0], width - 2 * edge[1], rng)
        plane = np.pad(inner, [(edge[0],), (edge[1],)])
        return Sample(scenes.photograph(plane, rng), str(labels[i]))

    def number(i: int, rng: Rng) -> Sample:
        count = 1 + i % 8
        chosen = rng.integers(len(digits), size=count)
        gaps = rng.integers(2, 21, count - 1).tolist()
        ink = scenes.write_number(
            [digits[c] for c in chosen], int(rng.integers(40, 111)), gaps, rng
        )
        room = rng.integers(20, 201, 2).tolist()
        plane = scenes.place(ink, ink.shape[0] + room[0], ink.shape[1] + room[1], rng)
        truth = "".join(str(labels[c]) for c in chosen)
        return Sample(
            scenes.canvas(plane, rng), truth, f"{count} digit" if count == 1 else f"{count} digits"
        )

    def pen(i: int, rng: Rng) -> Sample:
        name = forms[i % len(forms)]
        return Sample(scenes.canvas(scenes.pen_drawing(DIGITS[name], rng), rng), name[0], name)

    def corrupted(i: int, rng: Rng) -> Sample:
        name = corruptions[i % len(corruptions)]
        return Sample(_bytes(CORRUPTIONS[name](digits[i], rng)), str(labels[i]), name)

    rows = {
        "own_frame": Row("MNIST digits as they are, 28x28", 1000, own_frame, plain=True),
        "canvas": Row("on a canvas: any position, size, polarity", 5000, on_canvas, plain=True),
        "redrawn": Row("the same with thinner or thicker lines", 400, redrawn, plain=True),
        "photo": Row("as photographs (simulated)", 300, photographed, plain=True),
        "number": Row("numbers of 1 to 8 digits, 2 to 20 px apart", 400, number),
        "pen": Row("our pen font, regional forms", 400, pen),
        "mnist_c": Row(
            "noise, blur and other corruptions, mean of 15", 1500, corrupted, plain=True
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
    loaders: dict[str, tuple[str, Callable[[], Any]]] = {
        "qmnist": ("QMNIST, the 50,000 that MNIST left out",
                   lambda: datasets.QMNIST(root, what="test50k", download=False)),
        "usps": ("USPS test set, 16x16", lambda: datasets.USPS(root, train=False)),
        "emnist": ("EMNIST digits, test set",
                   lambda: datasets.EMNIST(root, split="digits", train=False)),
    }  # fmt: skip
    for name, (title, load) in loaders.items():
        try:
            found = load()
        except (RuntimeError, OSError):  # torchvision: the files are not there
            continue
        images, labels = np.asarray(found.data), np.asarray(found.targets)
        if name == "qmnist":
            labels = labels[:, 0]  # the other columns describe the writer
        if name == "emnist":
            images = images.transpose(0, 2, 1)  # stored transposed
        sets[name] = title, images, labels
    return sets


def naive_input(picture: Pixels) -> Plane:
    """What the naive way gives to a net: float32 (28, 28) in [0, 1]; see the module's docstring.

    A transparent picture is put on white first.
    """
    image = Image.fromarray(picture)
    if image.mode == "RGBA":
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image)
        image = white
    gray = image.convert("L").resize((28, 28), Image.Resampling.BILINEAR)
    ink = np.asarray(gray, np.float32) / np.float32(255)
    return 1 - ink if np.median(ink) > 0.5 else ink


def text_of_net(reading: Reading, name: str) -> str:
    """The text of a reading if only one net's answers counted."""
    answers = (
        str(digit.probs_by_model[name].argmax())
        for digit in reading.digits
        if digit.verdict != NOT_A_DIGIT
    )
    return "".join("\n" if letter == "\n" else next(answers) for letter in reading.text)


def _share(count: int, n: int) -> Share:
    return {"count": count, "share": count / n, "interval": list(wilson_interval(count, n))}


def _answers(probs: Mapping[str, Probs]) -> dict[str, NDArray[np.int64]]:
    """The likeliest digits for each net, and for the mean of all: (n,) each."""
    answers = {name: p.argmax(1) for name, p in probs.items()}
    answers[TOGETHER] = np.mean(list(probs.values()), 0).argmax(1)
    return answers


def _by_part(
    parts: Sequence[str],
    right: NDArray[np.bool_],
    naive: NDArray[np.bool_],
    refused: NDArray[np.bool_],
) -> dict[str, Part]:
    """The shares of each part; all arguments have one entry per picture."""

    def one(part: str) -> Part:
        here = np.array(parts) == part
        n = int(here.sum())
        return {
            "n": n,
            "right": _share(int(right[here].sum()), n),
            "naive": _share(int(naive[here].sum()), n),
            "refused": _share(int(refused[here].sum()), n),
        }

    return {part: one(part) for part in dict.fromkeys(parts)}


def make_sample(name: str, row: Row, i: int) -> Sample:
    """The i-th picture of a row, the same every time."""
    return row.make(i, np.random.default_rng([zlib.crc32(name.encode()), i]))


def _measure_row(
    name: str, row: Row, digits: Plane, recognizer: Recognizer, progress: Any
) -> PictureRow:
    def one(i: int) -> tuple[str | None, str, Plane, Reading]:
        sample = make_sample(name, row, i)
        reading = recognizer.read(sample.picture)
        progress.update()
        small = replace(reading, steps={})  # the steps of all would fill the memory
        return sample.truth, sample.part, naive_input(sample.picture), small

    with ThreadPoolExecutor(WORKERS) as pool:
        truths, parts, inputs, readings = zip(*pool.map(one, range(row.n)), strict=True)
    refused = np.array([reading.verdict != DIGIT for reading in readings])
    result: PictureRow = {
        "title": row.title,
        "n": row.n,
        "refused": _share(int(refused.sum()), row.n),
    }
    if truths[0] is None:
        return result
    texts = {net: [text_of_net(r, net) for r in readings] for net in list_models()}
    texts[TOGETHER] = [reading.text for reading in readings]
    naive = _answers(recognizer.probs(np.stack(inputs))[0])

    def right(answers: list[str]) -> NDArray[np.bool_]:
        return np.array([a == truth for a, truth in zip(answers, truths, strict=True)])

    by_net = {net: right(answers) for net, answers in texts.items()}
    naively = {net: right([str(a) for a in answers]) for net, answers in naive.items()}
    result["right"] = {net: _share(int(hits.sum()), row.n) for net, hits in by_net.items()}
    result["naive"] = {net: _share(int(hits.sum()), row.n) for net, hits in naively.items()}
    if row.plain:
        plain = _answers(recognizer.probs(digits[: row.n])[0])[TOGETHER]
        result["plain"] = _share(int(right([str(a) for a in plain]).sum()), row.n)
    if all(len(truth) == 1 for truth in truths):
        result["split"] = _share(sum(len(r.digits) > 1 for r in readings), row.n)
    if any(parts):
        result["parts"] = _by_part(parts, by_net[TOGETHER], naively[TOGETHER], refused)
    if name == "own_frame":
        framed = [
            (d, r.digits[0].image) for d, r in zip(digits, readings, strict=False) if r.digits
        ]
        gaps = [255 * float(np.abs(given - got).mean()) for given, got in framed]
        result["frame_difference"] = float(np.mean(gaps)) if gaps else None
    return result


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _read_times(digits: Plane, recognizer: Recognizer, n: int) -> ReadTimes:
    """Milliseconds to read a 280x280 canvas with a digit of 40 to 250 px, on one thread."""
    times = []
    for i in range(n + WARM_UP):
        rng = np.random.default_rng([280, i])
        ink = scenes.redraw(digits[i % len(digits)], int(rng.integers(40, 251)))
        picture = scenes.canvas(scenes.place(ink, 280, 280, rng), rng)
        start = time.perf_counter()
        recognizer.read(picture)
        times.append(1e3 * (time.perf_counter() - start))
    times = times[WARM_UP:]
    return {"n": n, "median": float(np.median(times)), "p95": float(np.quantile(times, 0.95))}


def run_picture_benchmark(
    weights_dir: Path | str = WEIGHTS,
    data_dir: Path | str = ASSETS,
    device: str | None = None,
    *,
    split: str = "test",
    share: float = 1,
    show_progress: bool = False,
) -> Pictures:
    """Read pictures of every kind, some 12,000 in all.

    Args:
        weights_dir: folder of the five checkpoints and of ``recognizer.json``.
        data_dir: folder that holds ``MNIST/raw``.
        device: where the nets run; the accelerator by default, if there is one.
        split: the digits on the pictures; see :func:`load_split`.
        share: fraction of the usual number of pictures.
        show_progress: draw a progress bar.

    Returns:
        The content of ``pictures.json``.

    Raises:
        FileNotFoundError, ValueError: weights or data are missing or damaged.
    """
    digits, labels = load_split(split, data_dir)
    recognizer = Recognizer(weights_dir, device)
    rows = make_rows(digits, labels, data_dir, share)
    total = sum(row.n for row in rows.values())
    hide = None if show_progress else True  # None: only where stderr is not a terminal
    with _one_thread(), tqdm(total=total, unit="picture", disable=hide) as progress:
        device_of_reads = device_name(recognizer.device)  # names the number of threads
        times = _read_times(digits, recognizer, max(1, round(TIMED * share)))
        results = {}
        for name, row in rows.items():
            progress.set_description(name)
            results[name] = _measure_row(name, row, digits, recognizer, progress)
    return {
        "split": split,
        "device": device_of_reads,
        "torch_version": str(torch.__version__),
        "read_ms": times,
        "rows": results,
    }


def example_sheet(
    weights_dir: Path | str = WEIGHTS,
    data_dir: Path | str = ASSETS,
    device: str | None = None,
    *,
    split: str = "test",
) -> bytes:
    """A PNG with one picture of each row, the digits cut out of it, and the answer."""
    recognizer = Recognizer(weights_dir, device)
    rows = make_rows(*load_split(split, data_dir), data_dir)
    examples = []
    for name, row in rows.items():
        sample = make_sample(name, row, EXAMPLE)
        examples.append((row.title, recognizer.read(sample.picture)))
    return figures.examples(examples)


def write_results(results: Pictures, sheet: bytes, out_dir: Path) -> None:
    """Write ``pictures.json`` and ``pictures.png``.

    Raises:
        OSError: ``out_dir`` cannot be written.
    """
    write_json(out_dir / "pictures.json", results)
    write_whole(out_dir / "pictures.png", sheet)
