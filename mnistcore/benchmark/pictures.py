"""How well pictures are read, made from data that anybody has, with our reader and without.

Each row of the results is one kind of picture. The naive way, for comparison: the whole picture in
gray, shrunk to 28x28, inverted if its median is light, and given to the same nets.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
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
from mnistcore.reading.ensemble import ALL
from mnistcore.reading.graph import Graph
from mnistcore.reading.picture import Plane
from mnistcore.reading.recognizer import DIGIT, Probs, Reading, Recognizer
from mnistcore.results import TOGETHER, PictureRow, Pictures, ReadTimes, Share

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


def _share(count: int, n: int) -> Share:
    return {"count": count, "share": count / n, "interval": list(wilson_interval(count, n))}


def _answers(probs: Mapping[str, Probs]) -> dict[str, NDArray[np.int64]]:
    """The likeliest digits for each net, and for the mean of all: (n,) each."""
    answers = {name: p.argmax(1) for name, p in probs.items()}
    answers[TOGETHER] = np.mean(list(probs.values()), 0).argmax(1)
    return answers


def _shares(hits: Mapping[str, NDArray[np.bool_]]) -> dict[str, Share]:
    """Of some pictures for each name, the share that are hits."""
    return {name: _share(int(own.sum()), len(own)) for name, own in hits.items()}


def _by_part(
    parts: Sequence[str], measured: Mapping[str, Mapping[str, NDArray[np.bool_]]]
) -> dict[str, Any]:
    """All that is measured of all nets together, for each kind of picture within a row."""
    by_part = {part: np.array(parts) == part for part in dict.fromkeys(parts)}
    return {
        part: {
            "n": int(here.sum()),
            **_shares({key: by_net[TOGETHER][here] for key, by_net in measured.items()}),
        }
        for part, here in by_part.items()
    }


def _measure_row(
    name: str, row: Row, digits: Plane, recognizer: Recognizer, progress: Any
) -> PictureRow:
    def one(i: int) -> tuple[str | None, str, Plane, dict[str, Reading]]:
        sample = make_sample(name, row, i)
        readings = recognizer.read_each(sample.picture)
        progress.update()
        small = {  # the steps of all would fill the memory
            TOGETHER if net == ALL else net: replace(reading, steps={}, graph=Graph())
            for net, reading in readings.items()
        }
        return sample.truth, sample.part, naive_input(sample.picture), small

    with ThreadPoolExecutor(WORKERS) as pool:
        truths, parts, inputs, by_picture = zip(*pool.map(one, range(row.n)), strict=True)
    by_net = {net: [readings[net] for readings in by_picture] for net in by_picture[0]}
    refused = {net: np.array([r.verdict != DIGIT for r in own]) for net, own in by_net.items()}
    result: PictureRow = {"title": row.title, "n": row.n, "refused": _shares(refused)}
    if truths[0] is None:
        return result

    def right(answers: Iterable[str]) -> NDArray[np.bool_]:
        return np.array([a == truth for a, truth in zip(answers, truths, strict=True)])

    hits = {net: right(r.text for r in own) for net, own in by_net.items()}
    answers = _answers(recognizer.probs(np.stack(inputs))[0])
    naive = {net: right(map(str, own)) for net, own in answers.items()}
    sure_wrong = {net: ~hits[net] & ~refused[net] for net in hits}
    result["right"], result["naive"] = _shares(hits), _shares(naive)
    result["sure_wrong"] = _shares(sure_wrong)
    if row.plain:
        plain = _answers(recognizer.probs(digits[: row.n])[0])[TOGETHER]
        result["plain"] = _share(int(right(map(str, plain)).sum()), row.n)
    if all(len(truth) == 1 for truth in truths):
        result["split"] = _share(sum(len(r.digits) > 1 for r in by_net[TOGETHER]), row.n)
    if any(parts):
        measured = {"right": hits, "naive": naive, "refused": refused, "sure_wrong": sure_wrong}
        result["parts"] = _by_part(parts, measured)
    if name == "own_frame":
        framed = [
            (d, r.digits[0].image)
            for d, r in zip(digits, by_net[TOGETHER], strict=False)
            if r.digits
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
