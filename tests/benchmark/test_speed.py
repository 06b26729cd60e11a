from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from mnistcore.benchmark import speed
from mnistcore.data import load_mnist
from mnistcore.files import ASSETS
from mnistcore.metrics import measure, predict_logits
from mnistcore.models import create_model
from mnistcore.training.recipes import RECIPES


def test_both_loops_take_turns_and_the_warm_up_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A clock that only the loops move on: each pass takes its own time."""
    clock, order = [0.0], list[str]()

    def loop(name: str, seconds: list[float]) -> Callable[..., Callable[[], None]]:
        def epoch() -> None:
            order.append(name)
            clock[0] += seconds.pop(0)

        return lambda *_: epoch

    monkeypatch.setattr(speed, "conventional_epoch", loop("conventional", [99, 4, 2, 8]))
    monkeypatch.setattr(speed, "our_epoch", loop("ours", [99, 1, 1, 1]))
    monkeypatch.setattr(speed.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(speed, "ROUNDS", 3)
    monkeypatch.setattr(speed, "peak_flops", lambda *_: 1e9)
    net = speed.compare_speed(["LeNet"], ASSETS, "cpu")["nets"]["LeNet"]
    assert order == ["conventional", "ours"] * 4
    assert (net["conventional"], net["ours"]) == (speed.IMAGES / 4, speed.IMAGES)
    assert (net["ratio_min"], net["ratio"], net["ratio_max"]) == (2, 4, 8)


def test_pictures_are_read_one_by_one_and_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that only the reading moves on: a second for each picture, or for each batch."""
    clock = [0.0]

    def read(_: Any, picture: Any) -> None:
        assert picture.shape == (28, 28)
        assert torch.get_num_threads() == 1
        clock[0] += 1

    monkeypatch.setattr(speed.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(speed.Recognizer, "read", read)
    monkeypatch.setattr(
        speed.Recognizer, "read_many", lambda self, pictures: read(self, pictures[0])
    )
    monkeypatch.setattr(speed, "PICTURES", 20)
    rates = speed.compare_reading(ASSETS, "cpu")
    assert (rates["n"], rates["read"], rates["read_many"], rates["ratio"]) == (20, 1, 20, 20)
    assert rates["device"].endswith("1 thread")


@pytest.mark.parametrize(
    ("loop", "optimizer", "steps"),
    [
        (speed.conventional_epoch, torch.optim.Adadelta, 2048 // 64),
        (speed.our_epoch, torch.optim.AdamW, 2048 // RECIPES["LeNet"].batch_size),
    ],
)
def test_a_loop_steps_once_per_batch(
    loop: Callable[..., Callable[[], None]],
    optimizer: type[torch.optim.Optimizer],
    steps: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count, step = [0], optimizer.step

    def counted(self: torch.optim.Optimizer, *args: Any, **kwargs: Any) -> Any:
        count[0] += 1
        return step(self, *args, **kwargs)

    monkeypatch.setattr(speed, "IMAGES", 2048)
    monkeypatch.setattr(optimizer, "step", counted)
    loop("LeNet", ASSETS, torch.device("cpu"))()
    assert count[0] == steps


def test_the_short_trainings_take_turns_and_reading_the_test_set_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A clock that trainings and readings move on: a training takes as long as its way says."""
    clock, order = [0.0], list[tuple[str, int]]()

    def way(name: str, seconds: float) -> Callable[..., torch.nn.Module]:
        def train(images: Tensor, labels: Tensor, seed: int) -> torch.nn.Module:
            order.append((name, seed))
            clock[0] += seconds
            return create_model("LeNet")

        return train

    def read(model: torch.nn.Module, images: Tensor) -> Tensor:
        assert not model.training
        clock[0] += 100
        labels = load_mnist("test", ASSETS)[1]
        assert len(images) == len(labels)
        return torch.eye(10)[labels]

    monkeypatch.setattr(speed.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(speed, "conventional_fast", way("conventional", 8))
    monkeypatch.setattr(speed, "our_fast", way("ours", 4))
    monkeypatch.setattr(speed, "predict_logits", read)
    monkeypatch.setattr(speed, "SEEDS", 2)
    fast = speed.compare_fast(ASSETS, "cpu")
    assert order == [("conventional", 0), ("ours", 0), ("conventional", 1), ("ours", 1)]
    assert fast["conventional"] == {"seconds": [8, 8], "accuracies": [1, 1]}
    assert fast["ours"] == {"seconds": [4, 4], "accuracies": [1, 1]}


@pytest.mark.parametrize("way", [speed.conventional_fast, speed.our_fast])
def test_a_short_training_learns_and_depends_on_its_seed(
    way: Callable[..., torch.nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(speed.FAST, "batch_size", 100)
    monkeypatch.setitem(speed.FAST, "val_size", 500)
    images, labels = (tensor[:2000] for tensor in load_mnist("train", ASSETS))
    nets = [way(images, labels, seed) for seed in (0, 0, 1)]
    first, again, other = (torch.cat([p.flatten() for p in net.parameters()]) for net in nets)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    logits = predict_logits(nets[0].eval(), images)
    assert measure(logits, labels).accuracy > 0.5  # guessing: 0.1


def test_flops_are_those_of_the_products() -> None:
    """LeNet by hand: outputs times weights of each, forward and for both gradients."""
    conv1, conv2, linear = 6 * 24**2 * 25, 16 * 8**2 * 150, 256 * 120 + 120 * 84 + 84 * 10
    passes = 2 * conv1 + 3 * conv2 + 3 * linear  # the images need no gradient
    assert speed.flops_per_image("LeNet") == 2 * passes


def test_the_peak_is_the_best_of_all_products(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, clock = iter([4.0, 2.0, 8.0, 10.0]), [0.0]

    def product(a: Tensor, b: Tensor) -> None:
        assert a.dtype == b.dtype == torch.bfloat16
        clock[0] += next(seconds)

    monkeypatch.setattr(speed.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(speed.torch, "mm", product)
    monkeypatch.setattr(speed, "PEAK_SIZES", (10, 20))
    monkeypatch.setattr(speed, "PEAK_TRIES", 2)
    assert speed.peak_flops(torch.device("cpu"), torch.bfloat16) == 2 * 20**3 / 8
