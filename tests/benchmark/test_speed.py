from collections.abc import Callable
from typing import Any

import pytest
import torch

from mnistcore.benchmark import speed
from mnistcore.files import ASSETS
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
