"""Every figure of the project, from plain numbers to PNG bytes."""

import io
import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mnistcore.reading.recognizer import Reading
    from mnistcore.why import Explanation

History = Sequence[Mapping[str, float]]  # one entry per epoch, as train writes it

DPI = 110
LINE: dict[str, Any] = {"lw": 1.4, "marker": ".", "ms": 4}  # a single epoch is a point
ERRORS = [0.9, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.003]  # with a label on the axis
LEAST_ERROR = 1e-4  # what a perfect accuracy is drawn as: one in 10,000
MOST_SHOWN = 8  # digits of a picture
TITLE_WIDTH = 100  # characters on a line above the steps of a reading


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def accuracy_over_epochs(histories: Mapping[str, History]) -> bytes:
    """Validation accuracy of several nets over their epochs, on one pair of axes."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, history in histories.items():
        _plot_accuracy(axes, [entry["val_accuracy"] for entry in history], name)
    axes.set(xlabel="epoch", ylabel="validation accuracy (averaged weights)")
    axes.set_title("Accuracy over epochs")
    axes.legend()
    return _png(figure)


def curves(name: str, history: History) -> bytes:
    """Loss and accuracy of one net over its epochs, side by side."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = range(1, len(history) + 1)
    for prefix, label in (
        ("", "training (distorted images)"),
        ("val_", "validation (averaged weights)"),
    ):
        left.plot(epochs, [entry[prefix + "loss"] for entry in history], label=label, **LINE)
        _plot_accuracy(right, [entry[prefix + "accuracy"] for entry in history], label)
    left.set_yscale("log")
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.grid(alpha=0.3)
    left.set(xlabel="epoch", ylabel="cross-entropy (nats)", title=f"{name}: loss")
    right.set(xlabel="epoch", title=f"{name}: accuracy")
    right.legend()
    return _png(figure)


def _plot_accuracy(axes: Axes, accuracies: Sequence[float], label: str) -> None:
    """One more curve of accuracy over epochs.

    The vertical axis shows the error on a logarithmic scale, labelled as accuracy: good nets end
    within half a percent of each other, and a short training still has its place.
    """
    errors = [max(1 - accuracy, LEAST_ERROR) for accuracy in accuracies]
    axes.plot(range(1, len(errors) + 1), errors, label=label, **LINE)
    axes.set_yscale("log")
    axes.yaxis.set_inverted(True)
    axes.set_yticks(ERRORS, [f"{1 - error:.1%}" for error in ERRORS])
    axes.set_yticks([], minor=True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)


def confusion_matrix(name: str, confusion: Sequence[Sequence[int]]) -> bytes:
    """Counts of true digit (rows) against answer (columns); colour shows the errors alone.

    Digits that are neither among the truths nor among the answers are left out.
    """
    counts = np.array(confusion)
    digits = np.flatnonzero(counts.any(0) | counts.any(1))
    counts = counts[np.ix_(digits, digits)]
    errors = np.where(np.eye(len(digits), dtype=bool), 0, counts)
    figure = Figure(figsize=(5.4, 5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(errors, cmap="Oranges", vmin=0, vmax=max(errors.max(), 1))
    for true, pred in np.argwhere(counts):
        size = 7 if true == pred else 9
        axes.text(pred, true, counts[true, pred], ha="center", va="center", fontsize=size)
    axes.set_xticks(range(len(digits)), digits)
    axes.set_yticks(range(len(digits)), digits)
    axes.set(xlabel="answer", ylabel="true digit")
    axes.set_title(f"{name}: {errors.sum()} of {counts.sum():,} test digits misread")
    return _png(figure)


def misread_digits(
    name: str, images: NDArray[np.uint8], misread: Sequence[Mapping[str, Any]], most: int = 120
) -> bytes:
    """The test digits that a net misreads, each with index, label and answer.

    Args:
        name: of the net.
        images: uint8 (n, 28, 28), the whole test set.
        misread: entries with ``index``, ``label``, ``pred`` and ``prob``, as the benchmark writes.
        most: the largest number shown; the net's most confident errors come first.
    """
    shown = sorted(misread, key=lambda entry: -entry["prob"])[:most]
    columns, cell = 12, (44, 34)  # pixels of a cell, height and width; the text stands above
    rows = max(1, math.ceil(len(shown) / columns))
    sheet = np.full((rows * cell[0], columns * cell[1]), 255, np.uint8)
    figure = Figure(figsize=(columns * 0.85, rows * 1.1 + 0.4), layout="constrained")
    axes = figure.subplots()
    for place, entry in enumerate(shown):
        top, left = place // columns * cell[0], place % columns * cell[1]
        sheet[top + 14 : top + 42, left + 3 : left + 31] = images[entry["index"]]
        text = f"{entry['label']}, not {entry['pred']}\n{entry['prob']:.0%}  #{entry['index']}"
        axes.text(left + 17, top + 12, text, ha="center", va="bottom", fontsize=6.5)
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255)
    axes.axis("off")
    count = "all" if len(shown) == len(misread) else f"{len(shown)} of"
    figure.suptitle(f"{name}: {count} {len(misread)} misread test digits (label, not the answer)")
    return _png(figure)


def gray_picture(image: NDArray[np.float32], title: str) -> bytes:
    """One picture (H, W) in [0, 1], with square pixels."""
    figure = Figure(figsize=(3.2, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(title, parse_math=False)  # it may be the name of a file
    axes.axis("off")
    return _png(figure)


def feature_maps(maps: NDArray[np.float32], limit: float, title: str) -> bytes:
    """All maps of a layer side by side on one colour scale, blue below zero and red above.

    Args:
        maps: float (C, H, W).
        limit: the scale runs from -limit to limit, so that several layers can share it.
        title: above the maps.
    """
    count, height, width = maps.shape
    columns = min(count, max(6, math.ceil(math.sqrt(count))))
    rows = math.ceil(count / columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan, np.float32)
    for index, values in enumerate(maps):
        top, left = index // columns * (height + 1), index % columns * (width + 1)
        sheet[top : top + height, left : left + width] = values
    aspect = sheet.shape[0] / sheet.shape[1]
    figure = Figure(figsize=(9, max(1.9, 8 * aspect + 0.7)), layout="constrained")
    axes = figure.subplots()
    shown = axes.imshow(
        sheet, cmap=colormaps["RdBu_r"], vmin=-limit, vmax=limit, interpolation="nearest"
    )
    axes.set_title(title)
    axes.axis("off")
    figure.colorbar(shown, ax=axes, shrink=0.8)
    return _png(figure)


def units(numbers: NDArray[np.float32], limit: float, title: str) -> bytes:
    """The units of a linear layer in rows, blue below zero and red above.

    Args:
        numbers: float (n,).
        limit: the scale runs from -limit to limit.
        title: above them.
    """
    count = len(numbers)
    width = 10 if count <= 10 else 32 if count <= 256 else 128
    sheet = np.full((math.ceil(count / width), width), np.nan, np.float32)
    sheet.flat[:count] = numbers
    return feature_maps(sheet[None], limit, f"{title}: {count} units")


def explanation(found: "Explanation", image: NDArray[np.float32], title: str) -> bytes:
    """A digit and, for each net, what ink supports the answer (red) or counts against it (blue).

    Args:
        found: why the nets say a digit and not another.
        image: float (28, 28) in [0, 1].
        title: where the digit is from.
    """
    count = len(found.nets) + 1
    figure = Figure(figsize=(3 * count + 0.8, 3.9), layout="constrained")
    digit, *others = figure.subplots(1, count)
    digit.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    digit.set_title(title, parse_math=False)  # it may be the name of a file
    digit.axis("off")
    for axes, (net, one) in zip(others, found.nets.items(), strict=True):
        shown = axes.imshow(
            one.pixels.numpy(),
            cmap=colormaps["RdBu_r"],
            vmin=-found.limit,
            vmax=found.limit,
            interpolation="nearest",
        )
        axes.set_title(f"{net}: the ink adds {one.difference - one.blank:+.2f}")
        axes.set(xticks=[], yticks=[])
    figure.colorbar(shown, ax=others, shrink=0.8, label="logits")
    figure.suptitle(f"Why {found.digit} (red), and not {found.other} (blue)?")
    return _png(figure)


def reading_steps(reading: "Reading") -> bytes:
    """How a picture was read: the picture with its digits' boxes, the ink, the digits as read."""
    text = reading.text.replace("\n", " / ") or "nothing"
    title = f"read: {text}" + (f" ({reading.reason})" if reading.reason else "")
    lines = textwrap.wrap(title, TITLE_WIDTH)
    shown = reading.digits[:MOST_SHOWN]
    heights = 3, 1.4 if shown else 0.01  # inches
    size = 9, sum(heights) + 0.6 + 0.25 * (len(lines) - 1)
    figure = Figure(figsize=size, layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=heights, squeeze=False)[:, 0]
    _draw_steps(above, reading)
    if shown:
        cells = below.subplots(1, MOST_SHOWN)
        for axes in cells:
            axes.axis("off")
        for axes, digit in zip(cells, shown, strict=False):
            axes.imshow(digit.image, cmap="gray", vmin=0, vmax=1)
            axes.set_title(f"{digit.label}: {digit.probs.max():.0%}")
    figure.suptitle("\n".join(lines))
    return _png(figure)


def _draw_steps(figure: SubFigure, reading: "Reading") -> None:
    """The picture with its digits' boxes, its ink and its digits, side by side."""
    picture, ink, pieces = figure.subplots(1, 3)
    picture.imshow(reading.steps["picture"])
    for digit in reading.digits:
        left, top, right, bottom = (edge / reading.scale for edge in digit.box)
        corner, size = (left - 0.5, top - 0.5), (right - left, bottom - top)
        picture.add_patch(Rectangle(corner, *size, fill=False, color="tab:red"))
    ink.imshow(reading.steps["ink"], cmap="gray", vmin=0, vmax=1)
    numbers = np.ma.masked_equal(reading.steps["pieces"], 0)
    pieces.imshow(numbers, cmap="tab10", interpolation="nearest")
    titles = {picture: "the picture", ink: "its ink", pieces: "its digits"}
    for axes, title in titles.items():
        axes.set_title(title)
        axes.set(xticks=[], yticks=[])


def examples(readings: Sequence[tuple[str, "Reading"]]) -> bytes:
    """Pictures, each beside the digits that were cut out of it and under the answer.

    Args:
        readings: the title of each, and how it was read.
    """
    columns = 3
    rows = math.ceil(len(readings) / columns)
    figure = Figure(figsize=(10.5, 1.9 * rows), layout="constrained")
    cells = figure.subplots(rows, 2 * columns, squeeze=False, width_ratios=[3, 2] * columns)
    for axes in cells.flat:
        axes.axis("off")
    for place, (title, reading) in enumerate(readings):
        row, column = divmod(place, columns)
        left, right = cells[row, 2 * column : 2 * column + 2]
        left.imshow(reading.steps["picture"])
        left.set_title(textwrap.fill(title, 26), fontsize=7)
        for edge in ("left", "right", "top", "bottom"):
            left.spines[edge].set_color("silver")
        left.axis("on")
        left.set(xticks=[], yticks=[])
        text = reading.text.replace("\n", " / ") or reading.verdict
        unsure = reading.verdict == "unsure" and reading.text
        right.set_title(f"{text} (unsure)" if unsure else text, fontsize=9)
        if reading.digits:
            images = [digit.image for digit in reading.digits[:MOST_SHOWN]]
            blank = [np.zeros_like(images[0])] * (-len(images) % min(4, len(images)))
            tiles = np.array_split(images + blank, math.ceil(len(images) / 4))
            sheet = np.vstack([np.hstack(list(tile)) for tile in tiles])
            right.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    return _png(figure)
