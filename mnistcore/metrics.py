"""What a net answers over a whole set, and how good, certain and different the answers are."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistcore.data import normalize, to_unit

CALIBRATION_BINS = 15


@torch.no_grad()
def predict_logits(model: nn.Module, images: Tensor, batch_size: int = 1000) -> Tensor:
    """Logits of a net in eval mode over a set; the mode that the net was in comes back.

    Args:
        model: a net.
        images: uint8 (n, 1, 28, 28) on the device of the net.
        batch_size: images a forward pass.

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
    """How logits (n, 10) meet labels (n,)."""

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


def wilson_interval(successes: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Interval of a fraction that was seen ``successes`` times in ``n``; z = 1.96 for 95 %.

    References:
        Wilson: Probable inference, the law of succession, and statistical inference. JASA 1927.
    """
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)  # rounding may leave [0, 1]


def mcnemar(correct_a: Tensor, correct_b: Tensor) -> tuple[int, int, float]:
    """Do two nets differ on the same images? The exact two-sided test of McNemar.

    Args:
        correct_a: bool (n,), where the first net is right.
        correct_b: bool (n,), where the second is.

    Returns:
        Images that only the first has right, that only the second has right, and the p-value.

    References:
        McNemar: Note on the sampling error of the difference between correlated proportions.
        Psychometrika 1947; exact form: the smaller count under Binomial(sum, 1/2).
    """
    only_a = int((correct_a & ~correct_b).sum())
    only_b = int((correct_b & ~correct_a).sum())
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n
    return only_a, only_b, min(1.0, 2 * tail)


def calibration_error(probs: Tensor, labels: Tensor, bins: int = CALIBRATION_BINS) -> float:
    """Expected calibration error: mean gap of confidence and accuracy, in bins of confidence.

    Args:
        probs: float (n, 10), rows sum to 1.
        labels: int64 (n,).
        bins: equally wide bins over [0, 1].

    References:
        Guo, Pleiss, Sun, Weinberger: On calibration of modern neural networks. ICML 2017, eq. 3.
    """
    confidence, preds = probs.max(1)
    correct = (preds == labels).float()
    bin_of = (confidence * bins).long().clamp_max(bins - 1)
    gaps = torch.zeros(bins).index_add_(0, bin_of, confidence - correct)
    return float(gaps.abs().sum() / len(labels))


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The T > 0 for which softmax(logits / T) has the least cross-entropy.

    Args:
        logits: float (n, 10) of images that the net was not trained on.
        labels: int64 (n,).

    References:
        Guo et al. 2017, section 4.2.
    """
    log_t = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([log_t], line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(logits / log_t.exp(), labels)
        loss.backward()
        return loss

    optimizer.step(closure)
    return float(log_t.detach().exp().clamp(0.05, 20))  # without errors there is no least
