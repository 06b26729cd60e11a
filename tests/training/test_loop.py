import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
from tqdm import tqdm

from mnistcore import checkpoint, figures
from mnistcore.__main__ import main
from mnistcore.data import split_train_val
from mnistcore.datasets import Dataset, load_data
from mnistcore.metrics import measure, predict_logits
from mnistcore.models import list_models
from mnistcore.training import epoch, loop
from mnistcore.training.epoch import Training, moving_average
from mnistcore.training.images import NO_DIGIT
from mnistcore.training.loop import train
from mnistcore.training.recipes import RECIPES, TrainConfig
from mnistcore.training.workers import Workers
from tests.conftest import first, load_small
from tests.tools.forking import fork

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("small_mnist")]

ALONE = Workers(0, 1, torch.device("cpu"))
SHORT = TrainConfig(epochs=3, batch_size=100, val_size=500, ema=0.1)
QUIET = tqdm(disable=True)


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return all(torch.equal(a[key], b[key]) for key in a)


def without_seconds(history: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{k: v for k, v in entry.items() if k != "seconds"} for entry in history]


@pytest.fixture(scope="module")
def finished(
    small_mnist: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("finished")
    return out, train("MyNetV2", SHORT, out_dir=out, device="cpu")


def test_there_is_a_recipe_for_every_net() -> None:
    assert list(RECIPES) == list_models()


def test_the_distortion_fades_out_at_the_end() -> None:
    config = TrainConfig(degrees=10, elastic=0.5, fade=0.2)
    assert config.distortion(0) == config.distortion(0.7)
    assert config.distortion(0)["degrees"] == 10
    assert config.distortion(0.9) == pytest.approx(
        {name: amount / 2 for name, amount in config.distortion(0).items()}
    )
    assert set(config.distortion(1).values()) == {0}
    assert replace(config, fade=0).distortion(1) == config.distortion(0)


def test_the_images_with_the_greatest_loss_are_trained_on_again(
    few_images: Tensor, few_labels: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(SHORT, batch_size=32, hard=0.25, channels_last=False)
    training = Training("LeNet", config, ALONE, len(few_images))
    assert training.epoch_steps == [8, 2, 2]
    marks = few_images.flatten(1).long() @ torch.arange(1, 785)  # tells the images apart
    seen: list[int] = []

    def undistorted(images: Tensor, *_: Any, **__: Any) -> Tensor:
        seen.extend(((images.flatten(1) * 255).round().long() @ torch.arange(1, 785)).tolist())
        return images

    monkeypatch.setattr(epoch, "distort", undistorted)
    training.history.append(training.epoch(few_images, few_labels, QUIET))
    assert sorted(seen) == sorted(marks.tolist())
    hardest = training.losses.topk(64).indices
    seen.clear()
    resumed = Training("LeNet", config, ALONE, len(few_images))
    resumed.restore(training.state())
    resumed.epoch(few_images, few_labels, QUIET)
    assert sorted(seen) == sorted(marks[hardest].tolist())


def test_what_is_no_digit_is_hard_only_if_it_gets_an_answer(few_images: Tensor) -> None:
    config = replace(SHORT, batch_size=32, hard=0.5, lr=1e-6)  # it answers as it was made: unsure
    training = Training("LeNet", config, ALONE, len(few_images))
    labels = torch.zeros(len(few_images), dtype=torch.int64)
    labels[::2] = NO_DIGIT
    training.epoch(few_images, labels, QUIET)
    assert training.losses[::2].max() < training.losses[1::2].min()


def test_hard_images_fill_a_batch() -> None:
    with pytest.raises(ValueError, match="leaves 99 images after the first epoch, fewer than"):
        Training("LeNet", replace(SHORT, hard=0.099, batch_size=100), ALONE, 1000)


def test_several_processes_do_not_choose_hard_images() -> None:
    with pytest.raises(ValueError, match=r"hard is 0\.5, and several processes cannot share"):
        Training("LeNet", replace(SHORT, hard=0.5), Workers(0, 2, torch.device("cpu")), 1000)


def test_the_average_is_the_mean_until_its_memory_is_full() -> None:
    averaged, update = [torch.tensor([1.0])], moving_average(memory=3)
    means = []
    for steps, value in enumerate([2.0, 3.0, 6.0, 7.0], start=1):
        update(averaged, [torch.tensor([value])], torch.tensor(steps))
        means.append(averaged[0].item())
    assert means == pytest.approx(
        [1.5, 2.0, 3.0, 4.0]
    )  # the last step replaces a quarter of the mean


@pytest.mark.parametrize("name", RECIPES)
def test_it_overfits_32_images(name: str, few_images: Tensor, few_labels: Tensor) -> None:
    epochs = 30 if name == "MyNetV1" else 120  # the largest net learns them soonest
    recipe = replace(
        RECIPES[name],
        epochs=epochs,
        batch_size=32,
        lr=2e-3,
        degrees=0.0,
        scale=0.0,
        shear=0.0,
        shift=0.0,
        elastic=0.0,
    )
    run = Training(name, recipe, ALONE, 32)
    for _ in range(recipe.epochs):
        run.history.append(run.epoch(few_images[:32], few_labels[:32], QUIET))
    answers = measure(predict_logits(run.model, few_images[:32]), few_labels[:32])
    assert answers.errors == 0
    assert answers.loss < 0.1


def test_the_same_seed_gives_the_same_weights_and_another_does_not(
    finished: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    _, content = finished
    again = train("mynetv2", SHORT, out_dir=tmp_path / "a", device="cpu")
    other = train("MyNetV2", replace(SHORT, seed=1), out_dir=tmp_path / "b", device="cpu")
    assert equal(content["weights"], again["weights"])
    assert without_seconds(content["history"]) == without_seconds(again["history"])
    assert not equal(content["weights"], other["weights"])


def test_every_epoch_trains_in_train_mode_and_evaluates_in_eval_mode(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[tuple[bool, bool]] = []
    forward = nn.Dropout.forward

    def spy(self: nn.Dropout, x: Tensor) -> Tensor:
        calls.append((torch.is_grad_enabled(), self.training))
        return forward(self, x)

    monkeypatch.setattr(nn.Dropout, "forward", spy)
    train("MyNetV2", SHORT, out_dir=tmp_path, device="cpu")
    assert set(calls) == {(True, True), (False, False)}
    assert calls.count((True, True)) == SHORT.epochs * 2000 // SHORT.batch_size


def test_images_come_in_a_new_order_every_epoch(
    few_images: Tensor, few_labels: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []

    def record(images: Tensor, *_: Any, **__: Any) -> Tensor:
        seen.append(images[:, 0, 14, 14].clone())
        return images

    monkeypatch.setattr(epoch, "distort", record)
    n = len(few_images)
    run = Training("LeNet", replace(SHORT, epochs=20, batch_size=n), ALONE, n)
    for _ in range(2):
        run.history.append(run.epoch(few_images, few_labels, QUIET))
    stored = few_images[:, 0, 14, 14].float() / 255
    first, second = seen
    assert not torch.equal(first, stored)
    assert not torch.equal(first, second)
    for order in seen:
        torch.testing.assert_close(order.sort().values, stored.sort().values)


def test_training_never_asks_for_the_test_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    def spy(split: str, *args: Any) -> Dataset:
        asked.append(split)
        return load_small(split, *args)

    monkeypatch.setattr(loop, "load_data", spy)
    train("LeNet", replace(SHORT, epochs=1), out_dir=tmp_path, device="cpu")
    assert asked == ["train"]


def test_a_finished_training_leaves_checkpoint_history_and_curves(
    finished: tuple[Path, dict[str, Any]],
) -> None:
    out, content = finished
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == [
        "MyNetV2.pt",
        "curves.png",
        "history.json",
    ]
    history = json.loads((out / "MyNetV2" / "history.json").read_text())
    assert history == content["history"]
    assert len(history) == SHORT.epochs
    assert history[-1]["val_accuracy"] > 0.5  # sixty steps


def test_the_metrics_of_a_checkpoint_are_those_of_its_weights(
    finished: tuple[Path, dict[str, Any]],
) -> None:
    out, content = finished
    data = load_small("train")
    _, val_idx = split_train_val(SHORT.val_size, len(data.images))
    model = checkpoint.load_model("MyNetV2", out)
    val = measure(predict_logits(model, data.images[val_idx]), data.labels[val_idx])
    assert content["val"] == vars(val)
    assert content["val"]["loss"] == pytest.approx(content["history"][-1]["val_loss"], rel=1e-4)


def test_half_weights_are_stored_as_float16(tmp_path: Path) -> None:
    train("LeNet", replace(SHORT, epochs=1, half_weights=True), out_dir=tmp_path, device="cpu")
    content = checkpoint.load(tmp_path / "LeNet.pt")
    assert {weight.dtype for weight in content["weights"].values()} == {torch.float16}


def test_interrupted_and_resumed_is_bit_for_bit_the_same(
    finished: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, content = finished
    whole_epoch = Training.epoch

    def interrupted(self: Training, images: Tensor, labels: Tensor, bar: tqdm) -> dict[str, float]:
        if len(self.history) == 2:
            raise KeyboardInterrupt
        return whole_epoch(self, images, labels, bar)

    monkeypatch.setattr(Training, "epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train("MyNetV2", SHORT, out_dir=tmp_path, device="cpu")
    monkeypatch.setattr(Training, "epoch", whole_epoch)
    assert not (tmp_path / "MyNetV2.pt").exists()
    resumed = train("MyNetV2", SHORT, out_dir=tmp_path, resume=True, device="cpu")
    assert equal(content["weights"], resumed["weights"])
    assert without_seconds(content["history"]) == without_seconds(resumed["history"])


def test_resuming_a_finished_training_returns_it_unchanged(
    finished: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, content = finished
    monkeypatch.delattr(Training, "epoch")
    assert equal(
        train("MyNetV2", SHORT, out_dir=out, resume=True, device="cpu")["weights"],
        content["weights"],
    )


@pytest.mark.parametrize(
    "file", ["MyNetV2.pt", "MyNetV2/training.pt"], ids=["finished", "interrupted"]
)
def test_a_training_that_is_there_is_not_replaced_unless_asked(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = tmp_path / file
    earlier.parent.mkdir(exist_ok=True)
    earlier.write_bytes(b"hours of work")
    with pytest.raises(
        FileExistsError, match=rf"already holds {file}; add --resume .* --overwrite"
    ):
        train("mynetv2", SHORT, out_dir=tmp_path, device="cpu")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [earlier]
    assert earlier.read_bytes() == b"hours of work"
    again = train(
        "MyNetV2", replace(SHORT, epochs=1), out_dir=tmp_path, overwrite=True, device="cpu"
    )
    assert equal(checkpoint.load(tmp_path / "MyNetV2.pt")["weights"], again["weights"])
    assert not (tmp_path / "MyNetV2" / "training.pt").exists()


def test_resume_and_overwrite_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="resume and overwrite exclude each other"):
        train("LeNet", SHORT, out_dir=tmp_path, resume=True, overwrite=True, device="cpu")


def test_a_training_that_learned_nothing_writes_no_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(SHORT, epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr(epoch, "normalize", torch.zeros_like)  # no signal
        with pytest.raises(
            ValueError, match=r"LeNet learned nothing: it reads \d+\.\d% of the val"
        ):
            train("LeNet", config, out_dir=tmp_path, device="cpu")
    assert not (tmp_path / "LeNet.pt").exists()
    assert len(checkpoint.load(tmp_path / "LeNet" / "training.pt")["history"]) == 1
    with pytest.raises(ValueError, match=r"LeNet learned nothing.* add --overwrite"):
        train("LeNet", config, out_dir=tmp_path, resume=True, device="cpu")


def test_resuming_with_other_settings_is_refused(finished: tuple[Path, dict[str, Any]]) -> None:
    out, _ = finished
    with pytest.raises(ValueError, match=r"MyNetV2.pt was made with lr 0.004 \(now 0.1\)"):
        train("MyNetV2", replace(SHORT, lr=0.1), out_dir=out, resume=True, device="cpu")


def test_a_setting_that_a_checkpoint_does_not_know_had_its_default(
    finished: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    content = checkpoint.load(finished[0] / "MyNetV2.pt")
    del content["config"]["edited"]
    checkpoint.save(content, tmp_path / "MyNetV2.pt")
    train("MyNetV2", SHORT, out_dir=tmp_path, resume=True, device="cpu")
    with pytest.raises(ValueError, match=r"made with edited 0 \(now 9\)"):
        train("MyNetV2", replace(SHORT, edited=9), out_dir=tmp_path, resume=True, device="cpu")


def test_a_finished_checkpoint_is_refused_as_a_state(
    finished: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    out, _ = finished
    state = tmp_path / "MyNetV2" / "training.pt"
    state.parent.mkdir()
    state.write_bytes((out / "MyNetV2.pt").read_bytes())
    with pytest.raises(ValueError, match=r"training\.pt has no ema; delete it"):
        train("MyNetV2", SHORT, out_dir=tmp_path, resume=True, device="cpu")


def test_a_diverged_training_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch, "normalize", lambda images: images * float("nan"))
    with pytest.raises(ValueError, match=r"LeNet diverged \(loss nan\); lower --lr"):
        train("LeNet", SHORT, out_dir=tmp_path, device="cpu")
    assert not (tmp_path / "LeNet" / "training.pt").exists()


def test_a_damaged_training_state_is_named_and_left_alone(tmp_path: Path) -> None:
    state = tmp_path / "LeNet" / "training.pt"
    state.parent.mkdir()
    state.write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(ValueError, match=r"training\.pt is truncated or not a checkpoint"):
        train("LeNet", SHORT, out_dir=tmp_path, resume=True, device="cpu")
    assert state.read_bytes() == b"PK\x03\x04 and then nothing"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("batch_size", 60_000),
        ("lr", -1e-3),
        ("lr", float("nan")),
        ("val_size", 0),
        ("val_size", 60_000),
        ("ema", 1.5),
        ("scale", 1.0),
    ],
)
def test_a_setting_out_of_range_is_named(field: str, value: float) -> None:
    settings: dict[str, Any] = {field: value}
    with pytest.raises(ValueError, match=rf"^{field} is {value}; it must be from"):
        TrainConfig(**settings)


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"lrr is not a setting; choose from epochs, batch_size, "):
        train("LeNet", {"lrr": 1}, out_dir=tmp_path, device="cpu")


def test_too_few_steps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"epochs 1 and batch_size 1000 give 2 steps, and warmup 0\.2 "
    ):
        train("LeNet", replace(SHORT, epochs=1, batch_size=1000), out_dir=tmp_path, device="cpu")


def load_part(split: str, *args: Any) -> Dataset:
    """The first 18,000 images of a split."""
    return first(18_000, load_data(split, *args))


def train_on_part(out: str) -> None:
    """One epoch of LeNet on 15,000 images."""
    flags = "--model LeNet --epochs 1 --batch-size 100 --lr 8e-3 --val-size 3000 --drawn 0"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "load_data", load_part)
        patch.setattr(figures, "curves", lambda *_: b"curves")
        assert (
            main(
                [
                    "train",
                    *flags.split(),
                    "--edited",
                    "0",
                    "--others",
                    "0",
                    "--device",
                    "cpu",
                    "--out",
                    out,
                ]
            )
            == 0
        )


def test_two_processes_train_as_well_as_one(tmp_path: Path) -> None:
    """As ``torchrun`` starts them, but forked from a process that has imported torch."""
    torchrun = elastic_launch(
        LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=2,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            local_addr="localhost",
            start_method=fork.get_start_method(),
        ),
        train_on_part,
    )
    alone, together = tmp_path / "1", tmp_path / "2"
    train_on_part(str(alone))
    torchrun(str(together))
    accuracy = {}
    for processes, out in ((1, alone), (2, together)):
        content = checkpoint.load(out / "LeNet.pt")
        accuracy[processes] = 1 - content["val"]["errors"] / content["val"]["n"]
        assert content["processes"] == processes
    assert accuracy[1] > 0.95
    assert accuracy[2] == pytest.approx(accuracy[1], abs=0.01)
