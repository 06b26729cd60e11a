"""Adapt nets to the writers of drawn digits, and print how much it helps.

``python -m tests.tools.hands [n] [model ...]`` at the root of the project: at most n writers, by
default all, and LeNet. A writer gives 2, 5 or 10 digits of each class, of which ``adapt`` holds out
every fifth of a class; the net is then tested on the writer's other digits, and on 5,000 MNIST
validation digits. With several nets, the mean of their probabilities is measured, too.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mnistcore.checkpoint import load_model
from mnistcore.data import load_mnist, split_train_val
from mnistcore.metrics import predict_logits
from mnistcore.reading.recognizer import Recognizer
from mnistcore.training.adapt import adapt
from mnistcore.training.recipes import TrainConfig
from tests.tools.drawn import DRAWN, load_render

GIVEN = 2, 5, 10  # digits of each class
SETS = {"strokes.npz": "writer", "strokes_unipen.npz": "session"}  # and what tells writers apart
RESAMPLED = 10_000  # times, for the interval over writers
TOGETHER = "mean"


class Hand(NamedTuple):
    """The digits of a writer in random order: uint8 (n, 1, 28, 28) and int64 (n,)."""

    images: Tensor
    labels: Tensor


class Row(NamedTuple):
    """One writer and one net: numbers of errors, and seconds."""

    tested: int
    before: int
    after: int
    mnist_before: int
    mnist_after: int
    seconds: float


def hands() -> Iterator[Hand]:
    """The writers with more than two digits of each class, drawn on canvases and read."""
    render, recognizer = load_render(), Recognizer(device="cpu")
    for name, key in SETS.items():
        strokes = render.load_strokes(DRAWN / name)
        writers = strokes.extra[key]
        for writer in np.unique(writers):
            chosen = np.flatnonzero(writers == writer)
            if least(strokes.label[chosen]) <= min(GIVEN):
                continue
            chosen = np.random.default_rng(int(writer)).permutation(chosen)
            canvases = [render.random_canvas(strokes.sample(i), seed=int(i))[0] for i in chosen]
            readings = recognizer.read_many(canvases)
            one = [i for i, reading in enumerate(readings) if len(reading.digits) == 1]
            images = np.stack([readings[i].digits[0].image for i in one])[:, None]
            labels = strokes.label[chosen[one]].astype(np.int64)
            yield Hand(
                torch.from_numpy(np.rint(images * 255).astype(np.uint8)), torch.tensor(labels)
            )


def least(labels: NDArray[Any]) -> int:
    """How many digits the rarest class has."""
    return int(np.bincount(labels, minlength=10).min())


def count_before(labels: Tensor) -> Tensor:
    """How many digits of its class stand before each one, int64 (n,)."""
    same = labels[:, None] == labels
    return same.tril(-1).sum(1)


def probs(nets: Sequence[nn.Module], images: Tensor) -> dict[int, Tensor]:
    """The probabilities (n, 10) of each net by its place, and of all at place -1."""
    each = [predict_logits(net, images).softmax(1) for net in nets]
    return dict(enumerate(each)) | {-1: torch.stack(each).mean(0)}


def measure(names: Sequence[str], writers: Sequence[Hand]) -> dict[tuple[str, int], list[Row]]:
    """The rows of each net and of their mean, for each number of digits given."""
    mnist = load_mnist("train")
    val = split_train_val(TrainConfig().val_size, len(mnist[0]))[1]
    val_images, val_labels = mnist[0][val], mnist[1][val]
    nets = [load_model(name) for name in names]
    mnist_before = probs(nets, val_images)
    labelled = {-1: TOGETHER} if len(names) > 1 else {}
    labelled |= dict(enumerate(names))
    rows = defaultdict(list)
    for hand in writers:
        rank = count_before(hand.labels)
        for given in GIVEN:
            if least(hand.labels.numpy()) <= given:
                continue
            own, rest = rank < given, rank >= given
            adapted = [adapt(net, hand.images[own], hand.labels[own], mnist=mnist) for net in nets]
            copies = [one.model for one in adapted]
            before, after = probs(nets, hand.images[rest]), probs(copies, hand.images[rest])
            mnist_after = probs(copies, val_images)
            for place, name in labelled.items():
                seconds = [one.seconds for one in adapted]
                rows[name, given].append(
                    Row(
                        int(rest.sum()),
                        errors(before[place], hand.labels[rest]),
                        errors(after[place], hand.labels[rest]),
                        errors(mnist_before[place], val_labels),
                        errors(mnist_after[place], val_labels),
                        sum(seconds) if place == -1 else seconds[place],
                    )
                )
        print(".", end="", file=sys.stderr, flush=True)
    return rows


def errors(probs: Tensor, labels: Tensor) -> int:
    """How many answers are wrong."""
    return int((probs.argmax(1) != labels).sum())


def show(name: str, given: int, rows: Sequence[Row]) -> None:
    """Print how much it helped the writers."""
    tested, before, after, mnist_before, mnist_after, seconds = map(
        np.array, zip(*rows, strict=True)
    )
    again = np.random.default_rng(0).integers(len(rows), size=(RESAMPLED, len(rows)))
    removed = 1 - after[again].sum(1) / before[again].sum(1).clip(1)
    low, high = np.quantile(removed, [0.025, 0.975])
    points = 100 * (mnist_after - mnist_before) / TrainConfig().val_size
    less = 1 - after.sum() / before.sum()
    print(
        f"{name:13} {given:2} of each, {len(rows)} writers: {before.sum():3} of {tested.sum():,} "
        f"misread, then {after.sum():3}: {less:.0%} less ({low:.0%} to {high:.0%}); fewer errors "
        f"for {(after < before).sum()} writers, more for {(after > before).sum()}, two or more "
        f"for {(after > before + 1).sum()}; MNIST {mnist_before[0]}, then {mnist_after.mean():.1f}:"
        f" {points.mean():.3f} points lost, at most {points.max():.2f}; {np.median(seconds):.1f} s"
    )


def main() -> None:
    """Print a line for each net and number of digits."""
    n, names = None, sys.argv[1:]
    if names and names[0].isdigit():
        n, names = int(names[0]), names[1:]
    writers = list(islice(hands(), n))
    for (name, given), rows in measure(names or ["LeNet"], writers).items():
        show(name, given, rows)


if __name__ == "__main__":
    main()
