"""The process in which the page trains: ``python -m mnistcore.training.jobs DEVICE [DATA]``.

DATA is the folder of a data set beside MNIST, in the same format.

Jobs come in as lines of JSON, and what a training tells goes out the same way. It is a process of
its own so that it cannot hold up what reads in another: it takes one core at a low priority, and
whoever started it can end it at any moment.
"""

import base64
import json
import os
import queue
import sys
import threading
import time
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from mnistcore import checkpoint
from mnistcore.data import SIDE, normalize
from mnistcore.datasets import Dataset, data_name, load_data, trained_on
from mnistcore.device import choose_device, keep_freed_memory
from mnistcore.files import ASSETS
from mnistcore.metrics import measure, predict_logits, wilson_interval
from mnistcore.training.adapt import adapt_checkpoint
from mnistcore.training.choices import Choices
from mnistcore.training.live import FINISHED, STOPPED, Live, Told
from mnistcore.training.threshold import choose_thresholds

NICE = 10  # of 19: beside one busy process on a core, a training gets about a tenth of it


def data_of(path: Path, own: Path | None) -> Path:
    """Where the data lies that the net of a checkpoint was trained on; MNIST if it is unknown.

    Raises:
        FileNotFoundError, ValueError: the checkpoint is missing or damaged.
    """
    name = trained_on(checkpoint.load(path))["name"]
    return own if own and data_name(own) == name else ASSETS


def read_test_set(path: Path, device: torch.device, own: Path | None = None) -> Told:
    """How many of the test images of its data a net misreads, and the 95 % interval.

    Args:
        path: of its checkpoint.
        device: where it reads.
        own: folder of the data set beside MNIST.

    Raises:
        FileNotFoundError, ValueError: the checkpoint or the test set is missing or damaged.
    """
    model = checkpoint.build_model(checkpoint.load(path), path, device)
    test = load_data("test", data_of(path, own), device)
    metrics = measure(predict_logits(model, test.images), test.labels.cpu())
    interval = wilson_interval(metrics.n - metrics.errors, metrics.n)
    return {"errors": metrics.errors, "n": metrics.n, "interval": interval}


class LeftError(Exception):
    """The job is left before it has a result; the argument is told in its place."""


class Commands:
    """What the visitor says about the job at hand.

    Attributes:
        digit: the newest one on the canvas, float32 (28, 28) in [0, 1], on the device; or None.
        stopped: whether the job is to end now.
    """

    def __init__(
        self, lines: queue.SimpleQueue[Told], digit: str | None, device: torch.device
    ) -> None:
        """Take nothing yet; the digit is as the page packs it, base64 of float32."""
        self._lines, self._device = lines, device
        self.digit = self._unpack(digit) if digit else None
        self.stopped = False

    def _unpack(self, digit: str) -> Tensor:
        numbers = torch.frombuffer(bytearray(base64.b64decode(digit)), dtype=torch.float32)
        return numbers.view(SIDE, SIDE).to(self._device)

    def take(self) -> None:
        """Take all that have come; holds the job up as long as it is paused.

        Raises:
            LeftError: the visitor has gone.
        """
        paused = False
        while paused or not self._lines.empty():
            command = self._lines.get()
            if command["do"] == "drop":
                raise LeftError(None)
            if command["do"] == "digit":
                self.digit = self._unpack(command["digit"])
            if command["do"] == "stop":
                self.stopped = True
            paused = command["do"] == "pause" or (paused and command["do"] == "digit")


def _train(job: Told, dataset: Dataset, device: torch.device, commands: Commands) -> Told:
    """One training, told as it goes; how it ended."""
    live = Live(Choices(**job["choices"]), dataset, device)
    if commands.digit is not None:
        live.digit = commands.digit
    for told in live.tell():
        _send({"told": told})
        commands.take()
        live.stopped = commands.stopped
        if commands.digit is not None:
            live.digit = commands.digit
    return live.finish(Path(job["path"]))


def _adapt(job: Told, mnist: Dataset, device: torch.device, commands: Commands) -> Told:
    """Teach a copy of a net a visitor's digits; how much it helped."""
    base, path, labels = Path(job["base"]), Path(job["path"]), torch.tensor(job["labels"])
    images = torch.frombuffer(bytearray(base64.b64decode(job["images"])), dtype=torch.uint8)
    before = checkpoint.load(base)
    times: list[float] = []  # of the steps' ends

    def tell(done: int, steps: int) -> None:
        times.append(time.perf_counter())
        left = (times[-1] - times[0]) / max(1, done - 1) * (steps - done)  # seconds; at first 0
        _send({"told": {"step": done, "steps": steps, "left": left}})
        commands.take()
        if commands.stopped:
            raise LeftError({"ended": STOPPED})

    labelled = mnist.images, mnist.labels
    adapted, after = adapt_checkpoint(
        base, images.view(-1, SIDE, SIDE), labels, labelled, device, on_step=tell
    )
    checkpoint.save(after, path)
    choose_thresholds(path.parent, mnist.images)
    digit = commands.digit
    says = [] if digit is None else [_says(one, path, digit) for one in (before, after)]
    return {
        "ended": FINISHED,
        "val_errors": after["val"]["errors"],
        "val_n": after["val"]["n"],
        "summary": adapted.summary,
        "forgets": adapted.forgets,
        "says": says,
    }


@torch.no_grad()
def _says(content: Told, path: Path, digit: Tensor) -> list[float]:
    """The ten probabilities of a digit by the net of a checkpoint."""
    model = checkpoint.build_model(content, path, digit.device)
    logits = model(normalize(digit)[None, None])[0] / content["temperature"]
    return [round(p, 4) for p in logits.softmax(0).tolist()]


DO = {"train": _train, "adapt": _adapt}


def _send(message: Told) -> None:
    sys.stdout.write(json.dumps(message, separators=(",", ":"), allow_nan=False) + "\n")
    sys.stdout.flush()


def main(device_name: str, own_data: str = "") -> None:
    """Do jobs until the process that started this one has ended."""
    os.nice(NICE)
    torch.set_num_threads(1)
    keep_freed_memory()
    device, own = choose_device(device_name), Path(own_data) if own_data else None
    lines: queue.SimpleQueue[Told] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            lines.put(json.loads(line))
        os._exit(0)  # in the middle of a step, too

    threading.Thread(target=listen, daemon=True).start()

    @cache
    def load(place: Path) -> Dataset:
        return load_data("train", place, device)

    load(ASSETS)
    torch.optim.AdamW([torch.zeros(1)])  # the first of a process loads for a second what all use
    while True:
        job = lines.get()
        try:
            if job["do"] == "test":
                _send({"end": read_test_set(Path(job["path"]), device, own)})
            elif job["do"] == "thresholds":  # of a net that was uploaded without
                path = Path(job["path"])
                choose_thresholds(path.parent, load(data_of(path, own)).images)
                _send({"end": job["end"]})
            elif job["do"] in DO:
                commands = Commands(lines, job["digit"], device)
                place = own if own and job.get("choices", {}).get("data") else ASSETS
                _send({"end": DO[job["do"]](job, load(place), device, commands)})
            # Anything else was meant for a job that has ended.
        except LeftError as left:
            _send({"end": left.args[0]})
        except (OSError, ValueError, RuntimeError, LookupError, TypeError) as error:
            sys.stderr.write(f"training broke off: {error}\n")
            _send({"end": {"failed": True}})


if __name__ == "__main__":
    main(*sys.argv[1:])
