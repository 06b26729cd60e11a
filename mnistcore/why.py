"""Why a net says one digit and not another: what ink supports the answer or counts against it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mnistcore.data import normalize
from mnistcore.models import model_name
from mnistcore.reading.ensemble import Ensemble, Probs

STEPS = 32  # from a blank image to the digit, at first
MOST_STEPS = 1024  # they are doubled until the pixels add up
EXACT = 0.01  # of the difference that the ink makes: so much may the pixels' sum be off
EXACT_LOGITS = 0.01  # and where that difference is next to nothing, in logits
BATCH = 128  # images per pass: bounds the memory


@dataclass(frozen=True)
class Why:
    """How much the ink of each pixel supports one digit and counts against another."""

    digit: int
    other: int
    pixels: Tensor  # float32 (28, 28), in logits: above zero for the digit, below for the other one
    difference: float  # logit of the digit minus that of the other, for this image
    blank: float  # and for an image without ink; the pixels add up to what lies between
    steps: int  # images between the blank one and this

    @property
    def total(self) -> float:
        """The sum of all pixels, in logits."""
        return float(self.pixels.sum())


def why(model: nn.Module, image: Tensor, digit: int, other: int) -> Why:
    """Integrated gradients of the difference of two logits, from a blank image on.

    The gradient is averaged over images whose ink grows in equal steps from nothing to all of it
    (the midpoint rule), and multiplied by the ink. The steps are doubled until the pixels add up
    to the difference that the ink makes, to within one percent, or until there are ``MOST_STEPS``.

    Args:
        model: one of the five nets, in eval mode.
        image: float (28, 28) in [0, 1], on the model's device.
        digit: 0 to 9.
        other: 0 to 9, another one.

    Raises:
        ValueError: the two are not two digits.

    References:
        Sundararajan, Taly, Yan: Axiomatic attribution for deep networks. ICML 2017.
    """
    if digit == other or not {digit, other} <= set(range(10)):
        raise ValueError(f"why {digit} and not {other}: give two different digits from 0 to 9")
    with torch.no_grad():
        ends = model(normalize(torch.stack([torch.zeros_like(image), image])[:, None]))
    blank, difference = (ends[:, digit] - ends[:, other]).tolist()
    whole, steps = difference - blank, STEPS
    while True:
        pixels = image * _mean_gradient(model, image, digit, other, steps)
        missing = abs(float(pixels.sum()) - whole)
        if missing <= max(EXACT * abs(whole), EXACT_LOGITS) or steps >= MOST_STEPS:
            return Why(digit, other, pixels.cpu(), difference, blank, steps)
        steps *= 2


def _mean_gradient(model: nn.Module, image: Tensor, digit: int, other: int, steps: int) -> Tensor:
    """The gradient of the difference by the ink, over images from blank to full."""
    shares = (torch.arange(steps, device=image.device) + 0.5) / steps
    total = torch.zeros_like(image)
    for some in shares.split(BATCH):
        inks = (some[:, None, None, None] * image).requires_grad_()
        logits = model(normalize(inks))
        difference = (logits[:, digit] - logits[:, other]).sum()
        (gradient,) = torch.autograd.grad(difference, inks)
        total += gradient.sum((0, 1))
    return total / steps


@dataclass(frozen=True)
class Explanation:
    """Why several nets say one digit of a picture and not another."""

    digit: int
    other: int
    probs: Probs  # (10,) calibrated, the mean of these nets
    nets: dict[str, Why]

    @property
    def limit(self) -> float:
        """The largest share of a pixel in any net, in logits, whatever its sign."""
        return max(float(one.pixels.abs().max()) for one in self.nets.values())


def explain(
    ensemble: Ensemble,
    image: NDArray[np.float32],
    nets: Sequence[str],
    digit: int | None = None,
    other: int | None = None,
) -> Explanation:
    """Why nets say one digit and not another.

    Args:
        ensemble: provides the nets.
        image: float32 (28, 28) in [0, 1], framed as MNIST.
        nets: the names of one or more, in any case.
        digit: the likeliest by default.
        other: the next likeliest by default, and if it is the digit itself.

    Raises:
        ValueError, FileNotFoundError: there is no such net or digit.
    """
    names = list(dict.fromkeys(map(model_name, nets)))
    if not names:
        raise ValueError("no net is named; give one or more")
    if missing := [name for name in names if name not in ensemble.names]:
        raise FileNotFoundError(
            f"no weights of {', '.join(missing)}; there are {', '.join(ensemble.names)}"
        )
    by_net, _ = ensemble.probs(image[None], names)
    probs = np.mean([by_net[name][0] for name in names], 0)
    best = [int(d) for d in np.argsort(-probs)]
    digit = best[0] if digit is None else digit
    other = next(d for d in best if d != digit) if other in (None, digit) else other
    ink = torch.tensor(image, device=ensemble.device)
    found = {name: why(ensemble.net(name), ink, digit, other) for name in names}
    return Explanation(digit, other, probs, found)
