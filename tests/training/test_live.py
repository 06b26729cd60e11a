"""A training that tells how far it is, without the page."""

import base64
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mnistcore import checkpoint
from mnistcore.datasets import Dataset
from mnistcore.figures import curves
from mnistcore.metrics import predict_logits
from mnistcore.results import MNIST
from mnistcore.training import live
from mnistcore.training.choices import LESSONS, Choices
from mnistcore.training.epoch import Step, Training
from mnistcore.training.images import split_data
from mnistcore.training.jobs import read_test_set
from mnistcore.training.live import DIVERGED, FINISHED, STOPPED, TIME_UP, Live
from mnistcore.training.loop import train

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
SHORT = Choices(images=600, epochs=2, batch_size=64)


@pytest.fixture
def mnist(mnist_train: tuple[Tensor, Tensor]) -> Dataset:
    return Dataset(MNIST, *mnist_train)


def test_the_weights_are_those_of_the_command(mnist: Dataset, tmp_path: Path) -> None:
    one = Live(SHORT, mnist, CPU)
    told = list(one.tell())
    assert one.ended == FINISHED
    last = told[-1]
    assert (last["epoch"], last["images"], last["left"]) == (2, 2 * 576, 0)
    assert one.finish(tmp_path / "LeNet.pt")["val_n"] == 5000
    content = checkpoint.load(tmp_path / "LeNet.pt")
    expected = train("LeNet", SHORT.config(), out_dir=tmp_path / "command", device="cpu")
    assert expected["config"] == content["config"]
    for key, weight in expected["weights"].items():
        assert torch.equal(content["weights"][key], weight), key
    assert len(content["history"]) == 2


def test_what_it_tells_is_what_the_net_answers(mnist: Dataset) -> None:
    one = Live(SHORT, mnist, CPU)
    one.digit = torch.rand(28, 28)
    images: dict[int, str] = {}
    for told in one.tell():
        images |= told.get("images_of", {})
    data = split_data(mnist, SHORT.config())
    logits = predict_logits(one._net, data.val_images[:1000])
    preds, labels = logits.argmax(1), data.val_labels[:1000]
    assert told["errors"] == int((preds != labels).sum())
    assert told["val"][1] == pytest.approx(1 - told["errors"] / 1000)
    assert np.trace(told["confusion"]) == 1000 - told["errors"]
    assert told["wrong"]
    for wrong in told["wrong"]:
        i = wrong["index"]
        assert (wrong["label"], wrong["pred"]) == (int(labels[i]), int(preds[i]))
        ink = np.frombuffer(base64.b64decode(images[i]), np.int8) / 127
        assert np.allclose(ink.reshape(28, 28), data.val_images[i, 0] / 255, atol=1 / 200)
    kernels = next(one._net.parameters())[:, 0].detach()
    packed = np.frombuffer(base64.b64decode(told["kernels"]["bytes"]), np.int8)
    shown = packed.reshape(6, 5, 5) / 127 * told["kernels"]["limit"]
    assert np.allclose(shown, kernels, atol=told["kernels"]["limit"] / 200)
    digit = np.frombuffer(base64.b64decode(told["digit"]), np.int8) / 127
    assert np.allclose(digit.reshape(28, 28), one.digit, atol=1 / 200)


def test_it_is_held_up_stopped_and_bounded(
    mnist: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    long = replace(SHORT, epochs=1000)
    one = Live(long, mnist, CPU)
    telling = one.tell()
    before = next(telling)["seconds"]
    time.sleep(1)
    assert next(telling)["seconds"] - before < 0.9 + live.EVERY  # without the pause
    one.stopped = True
    *_, last = telling
    assert one.ended == STOPPED
    assert last["val"]
    assert one.finish(tmp_path / "LeNet.pt")["ended"] == STOPPED
    assert read_test_set(tmp_path / "LeNet.pt", CPU)["n"] == 10_000
    content = checkpoint.load(tmp_path / "LeNet.pt")
    assert 0 < content["stopped_after"] <= len(content["history"]) < 1000
    assert curves("LeNet", content["history"]).startswith(b"\x89PNG")  # as a benchmark draws them
    assert content["train_seconds"] > 0

    monkeypatch.setattr(live, "MOST_SECONDS", 0.5)
    two = Live(long, mnist, CPU)
    start = time.perf_counter()
    list(two.tell())
    assert two.ended == TIME_UP
    assert time.perf_counter() - start < 20


def test_a_training_that_diverges_ends_without_a_net(mnist: Dataset, tmp_path: Path) -> None:
    one = Live(SHORT, mnist, CPU)
    with torch.no_grad():
        next(one._training.model.parameters()).fill_(float("nan"))
    told = list(one.tell())
    assert one.ended == DIVERGED
    assert all(entry.get("train") is None for entry in told)
    assert one.finish(tmp_path / "LeNet.pt") == {"ended": DIVERGED, "data": MNIST}
    assert not (tmp_path / "LeNet.pt").exists()


def test_weights_that_are_no_numbers_count_as_diverged_before_their_loss_does(
    mnist: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Live(SHORT, mnist, CPU)
    steps = one._training.steps

    def broken(images: Tensor, labels: Tensor) -> Iterator[Step]:
        for step in steps(images, labels):
            with torch.no_grad():
                next(one._net.parameters()).fill_(float("nan"))
            yield step

    monkeypatch.setattr(one._training, "steps", broken)
    list(one.tell())
    assert one.ended == DIVERGED


def accuracies(choices: Choices, mnist: Dataset) -> tuple[float, list[float], list[float]]:
    """The last training accuracy, all validation accuracies, and all validation losses."""
    told = list(Live(choices, mnist, CPU).tell())
    val: list[list[float]] = [entry["val"] for entry in told if entry.get("val")]
    trained: list[Any] = [entry["train"] for entry in told if entry.get("train")]
    return trained[-1][1], [accuracy for _, accuracy in val], [loss for loss, _ in val]


def test_the_lessons_fail_as_they_say(mnist: Dataset) -> None:
    high, few, sorted_ = (replace(lesson["choices"]) for lesson in LESSONS[1:])
    train_accuracy, val, losses = accuracies(replace(few, epochs=30), mnist)
    assert train_accuracy == 1
    assert 0.88 < val[-1] < 0.94
    assert losses[-1] > min(losses) + 0.01
    _, val, losses = accuracies(replace(high, epochs=3), mnist)
    assert val[-1] < 0.2
    assert losses[-1] == pytest.approx(2.3, abs=0.02)
    _, val, _ = accuracies(replace(sorted_, epochs=2), mnist)
    assert val[-1] < 0.3


def test_without_shuffling_the_digits_come_one_after_the_other(few: tuple[Tensor, Tensor]) -> None:
    choices = Choices(images=600, batch_size=32, shuffle=False, distortion=False)
    training = Training("LeNet", choices.config(), live.Workers(0, 1, CPU), len(few[0]))
    seen: list[Tensor] = []
    training.net.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    list(training.steps(*few))
    order = few[1].argsort(stable=True)
    expected = live.normalize(live.to_unit(few[0][order[:32]]))
    torch.testing.assert_close(seen[0], expected, atol=1e-4, rtol=0)
