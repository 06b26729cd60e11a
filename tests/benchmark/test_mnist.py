import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from mnistcore import checkpoint
from mnistcore.benchmark.mnist import CONTESTED, count_macs, run_benchmark, write_results
from mnistcore.benchmark.report import (
    benchmark_report,
    model_card,
    pictures_report,
    speed_report,
    splice,
)
from mnistcore.data import load_mnist
from mnistcore.files import RESULTS, ROOT, WEIGHTS
from mnistcore.metrics import measure, predict_logits
from mnistcore.models import count_parameters, create_model, list_models
from mnistcore.page.views import results_data
from mnistcore.training.loop import train
from mnistcore.training.recipes import RECIPES, TrainConfig

# Multiply-adds of the reference, in millions.
MACS = {"LeNet": 0.28, "MyFullConvNet": 1.52, "MyNetV1": 24.2, "MyNetV2": 1.62, "MyVggNet": 8.17}
KINDS = ("confusion", "misread", "curves")


@pytest.mark.parametrize("name", MACS)
def test_multiply_adds_are_counted(name: str) -> None:
    assert count_macs(create_model(name).eval()) / 1e6 == pytest.approx(MACS[name], rel=0.01)


@pytest.fixture(scope="module")
def results(small_mnist: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Two nets, of two seeds each, trained for a moment."""
    folders = [tmp_path_factory.mktemp("seed") for _ in range(2)]
    for seed, folder in enumerate(folders):
        config = TrainConfig(epochs=1, batch_size=100, val_size=500, seed=seed)
        for name in ("LeNet", "MyNetV2"):
            train(name, config, out_dir=folder, device="cpu")
    return run_benchmark(folders[0], other_seeds=folders[1:])


def test_the_counts_of_a_net_agree_with_each_other(results: dict[str, Any]) -> None:
    for answers in [*results["nets"].values(), results["together"]]:
        confusion = torch.tensor(answers["confusion"])
        assert confusion.sum() == answers["n"] == 10_000
        assert 10_000 - confusion.trace() == answers["errors"] == len(answers["misread"])
        assert answers["accuracy"] == 1 - answers["errors"] / 10_000
        low, high = answers["interval"]
        assert low < answers["accuracy"] < high
        contested = [entry for entry in answers["misread"] if entry["index"] in CONTESTED]
        assert answers["uncontested"]["n"] == 10_000 - len(CONTESTED)
        assert answers["uncontested"]["errors"] == answers["errors"] - len(contested)
        assert all(entry["label"] != entry["pred"] for entry in answers["misread"])


def test_two_seeds_have_a_mean_and_a_spread(results: dict[str, Any]) -> None:
    for net in results["nets"].values():
        first = net["accuracy"]
        second = 2 * net["seeds"]["mean"] - first
        assert net["seeds"]["n"] == 2
        assert net["seeds"]["std"] == pytest.approx(abs(first - second) / math.sqrt(2))


def test_the_pair_is_tested_on_the_same_images(results: dict[str, Any]) -> None:
    (pair,) = results["mcnemar"]
    lenet, other = (results["nets"][pair[key]]["errors"] for key in ("a", "b"))
    assert pair["only_a"] - pair["only_b"] == other - lenet


def test_the_same_seed_is_not_counted_twice(small_mnist: None, tmp_path: Path) -> None:
    train(
        "LeNet", TrainConfig(epochs=1, batch_size=100, val_size=500), out_dir=tmp_path, device="cpu"
    )
    with pytest.raises(ValueError, match="has seed 0, which is already counted"):
        run_benchmark(tmp_path, other_seeds=[tmp_path])


def test_results_are_written_as_json_and_figures(results: dict[str, Any], tmp_path: Path) -> None:
    write_results(results, tmp_path)
    assert json.loads((tmp_path / "benchmark.json").read_text()) == results
    assert {path.name for path in tmp_path.glob("*.png")} == {
        "accuracy.png",
        "together_confusion.png",
        "together_misread.png",
        *(f"{net}_{kind}.png" for net in results["nets"] for kind in KINDS),
    }


def shipped() -> dict[str, Any]:
    return json.loads((RESULTS / "benchmark.json").read_text())


def test_the_readme_and_the_model_card_show_the_shipped_results() -> None:
    readme = (ROOT / "README.md").read_text()
    speed = json.loads((RESULTS / "speed.json").read_text())
    assert splice(readme, "benchmark", benchmark_report(shipped())) == readme
    assert splice(readme, "speed", speed_report(speed)) == readme
    pictures = json.loads((RESULTS / "pictures.json").read_text())
    assert splice(readme, "pictures", pictures_report(pictures)) == readme
    assert model_card(shipped(), pictures) == (WEIGHTS / "README.md").read_text()


def test_the_shipped_results_are_those_of_the_recipes() -> None:
    configs = {name: net["training"]["config"] for name, net in shipped()["nets"].items()}
    assert configs == {name: asdict(recipe) for name, recipe in RECIPES.items()}


def test_it_is_told_which_net_was_trained_where() -> None:
    results = shipped()
    for net in results["nets"].values():
        net["training"] |= {"device": "one", "torch_version": "2", "code_version": "a"}
    results["nets"]["MyNetV1"]["training"]["device"] = "another"
    told = (
        "Trained: LeNet, MyFullConvNet, MyNetV2, MyVggNet on one, torch 2, code a; "
        "MyNetV1 on another, torch 2, code a. "
    )
    assert told in benchmark_report(results)
    assert "trained on another and one." in results_data(results, "all")["words"]


def test_a_folder_without_another_seed_is_named(small_mnist: None, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"no weights in {tmp_path}"):
        run_benchmark(other_seeds=[tmp_path])


@pytest.mark.parametrize("name", list_models())
def test_the_shipped_weights_reach_what_the_results_say(name: str) -> None:
    net = shipped()["nets"][name]
    model = checkpoint.load_model(name)
    images, labels = load_mnist("test")
    errors = measure(predict_logits(model, images[:5000]), labels[:5000]).errors
    expected = sum(entry["index"] < 5000 for entry in net["misread"])
    # Another processor sums in another order: a digit on the fence may fall to the other side.
    assert errors == pytest.approx(expected, abs=2)
    assert count_parameters(model) == net["num_params"]
    assert (WEIGHTS / f"{name}.pt").stat().st_size == net["file_bytes"] < 20_000_000
