"""Several nets as one: loaded once, calibrated, and asked together."""

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mnistcore import checkpoint
from mnistcore.data import normalize
from mnistcore.device import choose_device
from mnistcore.files import WEIGHTS
from mnistcore.models import list_models, model_name
from mnistcore.reading.picture import Plane

THRESHOLD_FILE = "recognizer.json"  # beside the weights
CONFIG_FILE = "config.json"  # has the same, in a model repository
ALL = "all"  # in place of a net's name: the mean of the nets
BATCH = 256  # digits per forward pass: bounds the memory

Probs = NDArray[np.float32]  # (10,) or (n, 10)


@dataclass(frozen=True)
class Thresholds:
    """The probability of the likeliest digit below which an answer is not trusted."""

    together: float  # of the nets' mean
    nets: dict[str, float]  # of one net alone; empty in a file of an earlier version

    def of(self, net: str | None) -> float:
        """The threshold of one net, or of the mean where ``net`` is None."""
        return self.nets.get(net, self.together) if net else self.together


class Ensemble:
    """The nets of a folder; each is loaded when it is first needed, and only once.

    Any number of threads may use it at the same time.
    """

    def __init__(self, weights_dir: Path | str = WEIGHTS, device: str | None = None) -> None:
        """Load nothing yet.

        Args:
            weights_dir: folder of ``recognizer.json`` and of at least one checkpoint; or of a model
                repository, with ``config.json``.
            device: "cpu", "cuda", ...; by default an accelerator if there is one.

        Raises:
            ValueError: there is no such device.
        """
        self.device = choose_device(device)
        self.folder = Path(weights_dir)
        self._nets: dict[str, tuple[nn.Module, float]] = {}
        self._lock = threading.Lock()

    @cached_property
    def names(self) -> list[str]:
        """The nets whose checkpoints are in the folder, in the order of ``list_models()``.

        Raises:
            FileNotFoundError: there is no checkpoint.
        """
        names = [name for name in list_models() if checkpoint.find(self.folder, name).is_file()]
        if not self.folder.is_dir():
            what = "is a file" if self.folder.exists() else "does not exist"
            raise FileNotFoundError(
                f"{self.folder} {what}; give a folder that `mnistcore all`, `train` or `adapt` has "
                "written, or that you unpacked from the page's zip"
            )
        if not names:
            raise FileNotFoundError(
                f"no weights in {self.folder}; make them with `mnistcore all` or `mnistcore train`"
            )
        return names

    def load(self) -> None:
        """Load now what is not loaded yet, so that no reading waits for it.

        Raises:
            ValueError, FileNotFoundError: a file of the weights is damaged or missing.
        """
        _ = self.thresholds  # a cached property: this loads it
        for name in self.names:
            self._calibrated(name)

    def choose(self, model: str) -> str | None:
        """The name of the net that ``model`` asks for, in any case; None for "all".

        Raises:
            ValueError: no net has that name.
            FileNotFoundError: the folder does not have that net.
        """
        if str(model).lower() == ALL:
            return None
        name = model_name(str(model))
        if name not in self.names:
            raise FileNotFoundError(
                f"no {checkpoint.find(self.folder, name)}; the folder has {', '.join(self.names)}"
            )
        return name

    def net(self, name: str) -> nn.Module:
        """A net by name, in any case, in eval mode on the device.

        Raises:
            ValueError, FileNotFoundError: as :func:`mnistcore.load_model`.
        """
        return self._calibrated(model_name(name))[0]

    def temperature(self, name: str) -> float:
        """What the logits of a net, by name in any case, are divided by before softmax.

        Raises:
            ValueError, FileNotFoundError: as :func:`mnistcore.load_model`.
        """
        return self._calibrated(model_name(name))[1]

    def _calibrated(self, name: str) -> tuple[nn.Module, float]:
        """A net and the temperature that its logits are divided by."""
        with self._lock:
            if name not in self._nets:
                path = checkpoint.find(self.folder, name)
                content = checkpoint.load_for(name, path, "temperature")
                with torch.inference_mode(False):  # callers may want this net's gradients
                    model = checkpoint.build_model(content, path, self.device)
                self._nets[name] = model, float(content["temperature"])
            return self._nets[name]

    @cached_property
    def thresholds(self) -> Thresholds:
        """The probabilities below which the nets are not trusted.

        Raises:
            FileNotFoundError, ValueError: their file is missing or damaged.
        """
        path, config = self.folder / THRESHOLD_FILE, self.folder / CONFIG_FILE
        from_config = config.is_file() and not path.is_file()
        if from_config:
            path = config
        if not path.is_file():
            _ = self.names  # says so if there are no nets, either
            raise FileNotFoundError(
                f"no {path}; `mnistcore all` and `mnistcore train` write it, and "
                f"scripts/publish_model.sh writes {CONFIG_FILE} in its place"
            )
        try:
            content = json.loads(path.read_text())
            if from_config:
                content = content["thresholds"]
            nets = {str(name): float(value) for name, value in content.get("nets", {}).items()}
            thresholds = Thresholds(float(content["threshold"]), nets)
            if not all(0 < value < 1 for value in (thresholds.together, *nets.values())):
                raise ValueError("out of range")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            advice = "download it again" if from_config else "make it again with `mnistcore all`"
            raise ValueError(f"{path} is damaged; {advice}") from error
        return thresholds

    @torch.inference_mode()
    def probs(
        self, images: Plane, nets: Iterable[str] | None = None
    ) -> tuple[dict[str, Probs], dict[str, float]]:
        """What each net says about digits.

        Args:
            images: float32 (n, 28, 28) in [0, 1], framed as MNIST.
            nets: names of some that the folder has; all by default.

        Returns:
            Calibrated probabilities, float32 (n, 10) of each net, and the milliseconds each took.
        """
        batches = normalize(torch.from_numpy(images)[:, None]).split(BATCH)
        probs, milliseconds = {}, {}
        for name in self.names if nets is None else nets:
            model, temperature = self._calibrated(name)
            start = time.perf_counter()
            answers = [(model(b.to(self.device)) / temperature).softmax(1).cpu() for b in batches]
            probs[name] = torch.cat(answers).numpy()
            milliseconds[name] = (time.perf_counter() - start) * 1e3
        return probs, milliseconds
