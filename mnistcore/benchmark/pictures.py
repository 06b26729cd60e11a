"""How well pictures are read, made from data that anybody has, with our reader and without.

Each row of the results is one kind of picture. The naive way, for comparison: the whole picture in
gray, shrunk to 28x28, inverted if its median is light, and given to the same nets.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from mnistcore import figures
from mnistcore.benchmark import scenes
from mnistcore.benchmark.rows import Row, load_split, make_rows, make_sample
from mnistcore.benchmark.scenes import Pixels
from mnistcore.device import device_name, one_thread
from mnistcore.files import ASSETS, WEIGHTS, write_json, write_whole
from mnistcore.metrics import wilson_interval
from mnistcore.models import list_models
from mnistcore.reading.picture import Plane
from mnistcore.reading.recognizer import DIGIT, NOT_A_DIGIT, Probs, Reading, Recognizer
from mnistcore.results import TOGETHER, Part, PictureRow, Pictures, ReadTimes, Share

WORKERS = 2  # threads that make and read pictures; each runs the nets on one core
EXAMPLE = 5  # index of the picture that stands for its row in pictures.png
TIMED = 200  # reads of a 280x280 canvas
WARM_UP = 5  # reads before those that are timed


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
    return "".join(next(answers) if letter.isdigit() else letter for letter in reading.text)


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
    with one_thread(), tqdm(total=total, unit="picture", disable=hide) as progress:
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
