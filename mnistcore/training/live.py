"""A training to watch: it tells several times a second how far it is, and can be stopped."""

import base64
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mnistcore import checkpoint, inside
from mnistcore.data import normalize, to_unit
from mnistcore.datasets import Dataset
from mnistcore.metrics import measure, predict_logits
from mnistcore.training.choices import MOST_SECONDS, Choices
from mnistcore.training.epoch import Step, Training
from mnistcore.training.images import split_data
from mnistcore.training.threshold import choose_thresholds
from mnistcore.training.workers import Workers

EVERY = 0.2  # seconds of training between two looks at the net
VAL_EVERY = 4  # before it validates again, it trains this many times as long as that last took
VAL_IMAGES = 1_000  # of those held out, on which a net is validated while it trains
MOST_WRONG = 24  # misread validation digits told at a time
MOST_MAPS = 16  # of the first convolution

FINISHED, STOPPED, TIME_UP, DIVERGED = "finished", "stopped", "time is up", "diverged"

Told = dict[str, Any]  # what goes out as JSON


def pack_bytes(numbers: Tensor, limit: float) -> str:
    """Numbers in +-limit as base64 of int8 in +-127: a quarter of what float32 takes."""
    scaled = (numbers * (127 / limit)).round().to(torch.int8)
    return base64.b64encode(scaled.cpu().contiguous().numpy().tobytes()).decode()


class Stopwatch:
    """Seconds since it was made, without those for which it was held."""

    def __init__(self) -> None:
        self._held, self._since = 0.0, time.perf_counter()

    def seconds(self) -> float:
        """What it shows while it runs."""
        return self._held + time.perf_counter() - self._since

    @contextmanager
    def hold(self) -> Iterator[float]:
        """Hold it, and give what it shows."""
        self._held = self.seconds()
        yield self._held
        self._since = time.perf_counter()


class Live:
    """One training, told as it goes.

    Attributes:
        digit: float (28, 28) in [0, 1], on the device, whose maps and probabilities are told; may
            be replaced at any moment. At first a validation digit.
        stopped: set it, and the training ends after the step at hand.
        ended: why the training has ended; "" as long as it has not.
    """

    def __init__(self, choices: Choices, dataset: Dataset, device: torch.device) -> None:
        """Prepare the images and the net; digits of the pen font take a second or two.

        Args:
            choices: the settings.
            dataset: all training images of the data that was chosen, on the device.
            device: where the net is trained.
        """
        self._images = dataset.images
        self._data = split_data(dataset, choices.config())
        self._training = Training(
            choices.net, choices.config(), Workers(0, 1, device), len(self._data.images)
        )
        self._net = self._training.ema.module.eval()
        self._val_images = self._data.val_images[:VAL_IMAGES]
        self._val_labels = self._data.val_labels[:VAL_IMAGES]
        self._told_images: set[int] = set()  # the validation digits that have been told
        self.digit = to_unit(self._val_images[0, 0])
        self.stopped = False
        self.ended = ""
        self._epochs = 0.0  # that were done, the last perhaps in part
        # Of the epoch at hand: its sums, its steps, and when it began.
        self._sums, self._count, self._start = self._no_sums(), 0, 0.0

    def tell(self) -> Iterator[Told]:
        """Train, and tell at the start, several times a second, and at the end.

        Whoever stops asking holds the training up; its seconds are counted without that.
        """
        watch = Stopwatch()
        sums, count, done = self._no_sums(), 0, 0  # steps since the last telling, and of all
        due, val_due = 0.0, 0.0  # on the stopwatch
        for step in self._steps(watch):
            sums += torch.stack(step)
            count, done = count + 1, done + 1
            if self.stopped:
                self.ended = STOPPED
            elif watch.seconds() > MOST_SECONDS:
                self.ended = TIME_UP
            if self.ended:
                break
            if watch.seconds() < due:
                continue
            train = self._means(sums, count)
            if train is None:  # it has diverged
                break
            told = self._progress(done) | {"train": train} | self._look()
            before = watch.seconds()
            if before >= val_due:
                told |= self._validate()
                val_due = before + (1 + VAL_EVERY) * (watch.seconds() - before)
            due = watch.seconds() + EVERY
            sums, count = self._no_sums(), 0
            with watch.hold() as seconds:
                yield told | {"seconds": seconds}
        else:
            self.ended = FINISHED
        if self._count:
            self._end_epoch(watch)
        last = self._progress(done) | {"train": self._means(sums, count)}
        self._epochs = last["epoch"]
        if self.ended != DIVERGED:
            last |= self._look() | self._validate()
        yield last | {"seconds": watch.seconds()}

    def _means(self, sums: Tensor, count: int) -> list[float] | None:
        """Loss and accuracy over so many steps; None without any, or if the training diverged."""
        if not count:
            return None
        loss, correct, digits = sums.tolist()
        if not (math.isfinite(loss) and self._is_finite()):
            self.ended = DIVERGED
            return None
        return [loss / count, correct / digits]

    def _is_finite(self) -> bool:
        return all(bool(weights.isfinite().all()) for weights in self._net.parameters())

    def _no_sums(self) -> Tensor:
        return torch.zeros(3, device=self._training.workers.device)

    def _steps(self, watch: Stopwatch) -> Iterator[Step]:
        """The steps of all epochs; after each of these, the history has one more entry."""
        training = self._training
        for _ in range(training.config.epochs):
            self._sums, self._start = self._no_sums(), watch.seconds()
            self._count = 0
            for step in training.steps(self._data.images, self._data.labels):
                self._sums += torch.stack(step)
                self._count += 1
                yield step
            self._end_epoch(watch)

    def _end_epoch(self, watch: Stopwatch) -> None:
        """Add the epoch at hand, whole or not, to the history."""
        loss, correct, digits = self._sums.tolist()
        val = measure(predict_logits(self._net, self._val_images), self._val_labels)
        self._training.history.append(
            {
                "loss": loss / self._count,
                "accuracy": correct / digits,
                "lr": float(self._training.scheduler.get_last_lr()[0]),
                "val_loss": val.loss,
                "val_accuracy": val.accuracy,
                "seconds": watch.seconds() - self._start,
            }
        )
        self._count = 0

    def _progress(self, done: int) -> Told:
        """How far the training has come after a number of steps."""
        steps, batch_size = self._training.epoch_steps, self._training.config.batch_size
        return {
            "epoch": done / steps[0],
            "images": done * batch_size,
            "left": (sum(steps) - done) * batch_size,
        }

    @torch.no_grad()
    def _look(self) -> Told:
        """The first kernels, their maps of the digit, and what the net says to it."""
        batch = normalize(self.digit)[None, None]
        name, conv = next(iter(inside.conv_layers(self._net).items()))
        maps = inside.feature_maps(self._net, batch)[0][name][:MOST_MAPS]
        kernels = conv.weight[:MOST_MAPS, 0]
        limits = [max(float(numbers.abs().max()), 1e-6) for numbers in (kernels, maps)]
        return {
            "digit": pack_bytes(self.digit, 1),
            "probs": [round(p, 4) for p in self._net(batch)[0].softmax(0).tolist()],
            "kernels": self._planes(kernels, limits[0]),
            "maps": self._planes(maps, limits[1]),
        }

    @staticmethod
    def _planes(planes: Tensor, limit: float) -> Told:
        return {"shape": list(planes.shape), "limit": limit, "bytes": pack_bytes(planes, limit)}

    def _validate(self) -> Told:
        """Loss, accuracy, confusion, and the misread digits, the surest first."""
        logits = predict_logits(self._net, self._val_images)
        metrics = measure(logits, self._val_labels)
        probs, preds = logits.softmax(1).max(1)
        errors = (preds != self._val_labels).nonzero().flatten()
        wrong = errors[probs[errors].argsort(descending=True)][:MOST_WRONG].tolist()
        new = [i for i in wrong if i not in self._told_images]
        self._told_images.update(new)
        return {
            "val": [metrics.loss, metrics.accuracy],
            "confusion": metrics.confusion,
            "errors": metrics.errors,
            "wrong": [
                {
                    "index": i,
                    "label": int(self._val_labels[i]),
                    "pred": int(preds[i]),
                    "prob": float(probs[i]),
                }
                for i in wrong
            ],
            "images_of": {i: pack_bytes(to_unit(self._val_images[i, 0]), 1) for i in new},
        }

    def finish(self, path: Path) -> Told:
        """Write the checkpoint and its threshold, unless the training diverged; tell how it ended.

        Raises:
            OSError: the file cannot be written.
        """
        told: Told = {"ended": self.ended, "data": self._data.record["name"]}
        if self.ended != DIVERGED:
            content = self._training.finished(self._data)
            if self.ended != FINISHED:
                content["stopped_after"] = self._epochs
            checkpoint.save(content, path)
            choose_thresholds(path.parent, self._images)
            told["val_errors"], told["val_n"] = content["val"]["errors"], content["val"]["n"]
        return told
