import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistcore.data import normalize, to_unit
from mnistcore.metrics import (
    calibration_error,
    fit_temperature,
    mcnemar,
    measure,
    predict_logits,
    wilson_interval,
)
from mnistcore.models import MyNetV2


@pytest.mark.parametrize("training", [True, False])
def test_predict_logits_are_those_of_eval_mode(few_images: Tensor, training: bool) -> None:
    torch.manual_seed(0)
    model = MyNetV2().train(training)  # has dropout
    logits = predict_logits(model, few_images, batch_size=100)
    assert all(module.training == training for module in model.modules())
    assert not logits.requires_grad
    with torch.no_grad():
        expected = model.eval()(normalize(to_unit(few_images)))
    assert torch.allclose(logits, expected, atol=1e-5)


def test_predict_logits_restores_the_mode_after_an_error(few_images: Tensor) -> None:
    model = nn.Linear(1, 1)  # does not take images
    with pytest.raises(RuntimeError):
        predict_logits(model, few_images)
    assert model.training


def test_measure_by_hand() -> None:
    preds, labels = [3, 3, 5, 0], [3, 5, 5, 0]
    metrics = measure(F.one_hot(torch.tensor(preds), 10) * math.log(11.0), torch.tensor(labels))
    expected = [[0] * 10 for _ in range(10)]
    expected[0][0] = expected[3][3] = expected[5][5] = 1
    expected[5][3] = 1  # the true digit is the row
    assert metrics.confusion == expected
    assert (metrics.n, metrics.errors, metrics.accuracy) == (4, 1, 0.75)
    # exp of the logits: 11 for the answer, 1 for each of the nine others
    assert metrics.loss == pytest.approx((3 * math.log(20 / 11) + math.log(20)) / 4)


def test_wilson_interval_of_the_reference_lenet() -> None:
    assert wilson_interval(9891, 10_000) == pytest.approx((0.9869, 0.9910), abs=5e-5)


@pytest.mark.parametrize("n", [1, 2, 7, 10_000])
def test_wilson_interval_at_the_ends(n: int) -> None:
    low, high = wilson_interval(0, n)
    assert low == 0
    assert 0 < high < 1
    assert wilson_interval(n, n) == (pytest.approx(1 - high), 1)


@pytest.mark.parametrize(("only_a", "only_b"), [(9, 2), (2, 9), (3, 3), (60, 31), (0, 1), (0, 0)])
def test_mcnemar_counts_binomial_tails(only_a: int, only_b: int) -> None:
    both = 20  # images without information: both nets right, or both wrong
    correct_a = torch.tensor([True] * (both + only_a) + [False] * (only_b + both))
    correct_b = torch.tensor([True] * both + [False] * only_a + [True] * only_b + [False] * both)
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n
    assert mcnemar(correct_a, correct_b) == (only_a, only_b, pytest.approx(min(1, 2 * tail)))


def probs_of(confidence: float, n: int) -> Tensor:
    """The answer 0 with this confidence, n times: (n, 10)."""
    probs = torch.full((n, 10), (1 - confidence) / 9)
    probs[:, 0] = confidence
    return probs


def test_calibration_error_by_hand() -> None:
    labels = torch.tensor([0, 0, 0, 1])  # three of four are right
    assert calibration_error(probs_of(0.75, 4), labels) == pytest.approx(0, abs=1e-6)
    assert calibration_error(probs_of(0.95, 4), labels) == pytest.approx(0.2, abs=1e-6)
    assert calibration_error(probs_of(1.0, 4), labels) == pytest.approx(0.25, abs=1e-6)
    # Two bins, one overconfident by 0.2, one underconfident by 0.5: they do not cancel.
    probs = torch.cat([probs_of(0.95, 4), probs_of(0.5, 4)])
    labels = torch.cat([labels, torch.zeros(4, dtype=torch.int64)])
    assert calibration_error(probs, labels) == pytest.approx((4 * 0.2 + 4 * 0.5) / 8, abs=1e-6)


@pytest.mark.parametrize("temperature", [0.2, 1, 3, 20])
def test_fit_temperature_finds_the_true_one(temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    calibrated = torch.randn(5000, 10, generator=generator) * 3
    labels = torch.multinomial(calibrated.softmax(1), 1, generator=generator)[:, 0]
    logits = calibrated * temperature
    fitted = fit_temperature(logits, labels)
    assert fitted == pytest.approx(temperature, rel=0.05)
    grid = torch.linspace(0.8, 1.25, 46) * temperature
    losses = [float(F.cross_entropy(logits / t, labels)) for t in grid]
    assert float(F.cross_entropy(logits / fitted, labels)) <= min(losses) + 1e-6


def test_a_net_without_an_error_keeps_its_temperature() -> None:
    """As with few validation images: the best temperature would leave it no doubt at all."""
    labels = torch.arange(10)
    assert fit_temperature(torch.eye(10), labels) == 1
    assert fit_temperature(torch.eye(10), labels.roll(1)) > 10
