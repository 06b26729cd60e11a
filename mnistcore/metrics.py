"""What a net answers over a whole set: accuracy, intervals, calibration, tests of pairs."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest
from torch import Tensor, nn

from mnistcore.data import normalize, to_unit

CALIBRATION_BINS = 15


@torch.no_grad()
def predict_logits(model: nn.Module, images: Tensor, batch_size: int = 1000) -> Tensor:
    """Logits of a net in eval mode over a set; afterwards the net is in the mode it was in.

    Args:
        model: a net.
        images: uint8 (n, 1, 28, 28) on the device of the net.
        batch_size: images per forward pass.

    Returns:
        float32 (n, 10) on the CPU.
    """
    was_training = model.training
    model.eval()
    try:
        batches = images.split(batch_size)
        return torch.cat([model(normalize(to_unit(batch))).float().cpu() for batch in batches])
    finally:
        model.train(was_training)


@dataclass(frozen=True)
class Metrics:
    """Accuracy of logits (n, 10) against labels (n,)."""

    n: int
    errors: int
    loss: float  # mean cross-entropy, nats
    confusion: list[list[int]]  # rows true, columns predicted

    @property
    def accuracy(self) -> float:
        """Fraction in [0, 1]."""
        return 1 - self.errors / self.n


def measure(logits: Tensor, labels: Tensor) -> Metrics:
    """Metrics of logits (n, 10) against int64 labels (n,), both on the CPU."""
    preds = logits.argmax(1)
    confusion = torch.bincount(labels * 10 + preds, minlength=100).view(10, 10)
    return Metrics(
        n=len(labels),
        errors=int((preds != labels).sum()),
        loss=float(F.cross_entropy(logits, labels)),
        confusion=confusion.tolist(),
    )


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a fraction that was seen ``successes`` times in ``n``.

    References:
        Wilson: Probable inference, the law of succession, and statistical inference. JASA 1927.
    """
    interval = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar(correct_a: Tensor, correct_b: Tensor) -> tuple[int, int, float]:
    """Do two nets differ on the same images? McNemar's exact two-sided test.

    Args:
        correct_a: bool (n,), where the first net is right.
        correct_b: bool (n,), where the second is.

    Returns:
        The number of images that only the first net reads right, the number that only the second
        does, and the p-value.

    References:
        McNemar: Note on the sampling error of the difference between correlated proportions.
        Psychometrika 1947.
    """
    only_a = int((correct_a & ~correct_b).sum())
    only_b = int((correct_b & ~correct_a).sum())
    if only_a == only_b:  # also without any difference, of which binomtest has no p-value
        return only_a, only_b, 1.0
    return only_a, only_b, float(binomtest(only_a, only_a + only_b).pvalue)


def calibration_error(probs: Tensor, labels: Tensor, bins: int = CALIBRATION_BINS) -> float:
    """Expected calibration error: mean gap of confidence and accuracy, in bins of confidence.

    Args:
        probs: float (n, 10), rows sum to 1.
        labels: int64 (n,).
        bins: number of bins, equally wide over [0, 1].

    References:
        Guo, Pleiss, Sun, Weinberger: On calibration of modern neural networks. ICML 2017, eq. 3.
    """
    confidence, preds = probs.max(1)
    correct = (preds == labels).float()
    bin_of = (confidence * bins).long().clamp_max(bins - 1)
    gaps = torch.zeros(bins).index_add_(0, bin_of, confidence - correct)
    return float(gaps.abs().sum() / len(labels))


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The T in [0.05, 20] for which softmax(logits / T) has the lowest cross-entropy.

    1 where all answers are right, as they may be of few images: the lowest T would be the best, and
    the net would never doubt. The bounds matter where all are wrong: the loss has no minimum.

    Args:
        logits: float (n, 10) of images that the net was not trained on.
        labels: int64 (n,).

    References:
        Guo et al. 2017, section 4.2.
    """
    if logits.argmax(1).equal(labels):
        return 1.0
    logits = logits.double()

    def loss(log_t: float) -> float:
        return float(F.cross_entropy(logits / math.exp(log_t), labels))

    bounds = math.log(0.05), math.log(20)
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-8})
    return math.exp(found.x)
