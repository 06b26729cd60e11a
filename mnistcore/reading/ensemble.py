"""The five nets as one: loaded once, calibrated, and asked together."""

import json
import threading
import time
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

Probs = NDArray[np.float32]  # (10,) or (n, 10)


class Ensemble:
    """The five nets; each is loaded when it is first needed, and only once.

    Any number of threads may use it at the same time.
    """

    def __init__(self, weights_dir: Path | str = WEIGHTS, device: str | None = None) -> None:
        """Load nothing yet.

        Args:
            weights_dir: folder of the five checkpoints and of ``recognizer.json``.
            device: "cpu", "cuda", ...; by default an accelerator if there is one.

        Raises:
            ValueError: there is no such device.
        """
        self.device = choose_device(device)
        self._folder = Path(weights_dir)
        self._nets: dict[str, tuple[nn.Module, float]] = {}
        self._lock = threading.Lock()

    def load(self) -> None:
        """Load now what is not loaded yet, so that no reading waits for it.

        Raises:
            ValueError, FileNotFoundError: a file of the weights is damaged or missing.
        """
        _ = self.threshold  # a cached property: this loads it
        for name in list_models():
            self._calibrated(name)

    def net(self, name: str) -> nn.Module:
        """A net by name, in any case, in eval mode on the device.

        Raises:
            ValueError, FileNotFoundError: as :func:`mnistcore.load_model`.
        """
        return self._calibrated(model_name(name))[0]

    def _calibrated(self, name: str) -> tuple[nn.Module, float]:
        """A net and the temperature that its logits are divided by."""
        with self._lock:
            if name not in self._nets:
                path = self._folder / f"{name}.pt"
                content = checkpoint.load_for(name, path, "temperature")
                with torch.inference_mode(False):  # callers may want this net's gradients
                    model = checkpoint.build_model(content, path, self.device)
                self._nets[name] = model, float(content["temperature"])
            return self._nets[name]

    @cached_property
    def threshold(self) -> float:
        """The mean probability below which the nets are not trusted.

        Raises:
            FileNotFoundError, ValueError: its file is missing or damaged.
        """
        path = self._folder / THRESHOLD_FILE
        if not path.is_file():
            raise FileNotFoundError(f"no {path}; make it with `mnistcore all`")
        try:
            threshold = float(json.loads(path.read_text())["threshold"])
            if not 0 < threshold < 1:
                raise ValueError("out of range")
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path} is damaged; make it again with `mnistcore all`") from error
        return threshold

    @torch.inference_mode()
    def probs(self, images: Plane) -> tuple[dict[str, Probs], dict[str, float]]:
        """What each net says about digits.

        Args:
            images: float32 (n, 28, 28) in [0, 1], framed as MNIST.

        Returns:
            Calibrated probabilities, float32 (n, 10) of each net, and the milliseconds each took.
        """
        inputs = normalize(torch.from_numpy(images)[:, None]).to(self.device)
        probs, milliseconds = {}, {}
        for name in list_models():
            model, temperature = self._calibrated(name)
            start = time.perf_counter()
            probs[name] = (model(inputs) / temperature).softmax(1).cpu().numpy()
            milliseconds[name] = (time.perf_counter() - start) * 1e3
        return probs, milliseconds
