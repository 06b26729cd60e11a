import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from mnistcore import checkpoint
from mnistcore.benchmark.mnist import CONTESTED, count_macs, run_benchmark, write_results
from mnistcore.benchmark.report import benchmark_report
from mnistcore.data import load_mnist
from mnistcore.files import WEIGHTS
from mnistcore.metrics import measure, predict_logits
from mnistcore.models import count_parameters, create_model, list_models
from mnistcore.page.results_view import results_data
from mnistcore.results import Answers, Benchmark, load_results
from mnistcore.training.loop import train
from mnistcore.training.recipes import RECIPES, TrainConfig

pytestmark = pytest.mark.slow

# Multiply-adds of the reference, in millions.
MACS = {"LeNet": 0.28, "MyFullConvNet": 1.52, "MyNetV1": 24.2, "MyNetV2": 1.62, "MyVggNet": 8.17}
KINDS = ("confusion", "misread", "curves")
SHORT = TrainConfig(epochs=1, batch_size=100, val_size=500, edited=100)


@pytest.mark.parametrize("name", MACS)
def test_multiply_adds_are_counted(name: str) -> None:
    assert count_macs(create_model(name).eval()) / 1e6 == pytest.approx(MACS[name], rel=0.01)


@pytest.fixture(scope="module")
def results(small_mnist: None, tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """Two nets, of two seeds each, trained for a moment."""
    folders = [tmp_path_factory.mktemp("seed") for _ in range(2)]
    for seed, folder in enumerate(folders):
        for name in ("LeNet", "MyNetV2"):
            train(name, replace(SHORT, seed=seed), out_dir=folder, device="cpu")
    return run_benchmark(folders[0], other_seeds=folders[1:])


def test_the_counts_of_a_net_agree_with_each_other(results: Benchmark) -> None:
    everything: list[Answers] = [*results["nets"].values(), results["together"]]
    for answers in everything:
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


def test_the_speed_of_a_training_counts_the_synthetic_images(results: Benchmark) -> None:
    training = results["nets"]["LeNet"]["training"]
    images = training["images_per_second"] * training["train_seconds"]
    assert images == pytest.approx(2000 + SHORT.edited)


def test_two_seeds_have_a_mean_and_a_spread(results: Benchmark) -> None:
    for net in results["nets"].values():
        first = net["accuracy"]
        second = 2 * net["seeds"]["mean"] - first
        assert net["seeds"]["n"] == 2
        assert net["seeds"]["std"] == pytest.approx(abs(first - second) / math.sqrt(2))


def test_the_pair_is_tested_on_the_same_images(results: Benchmark) -> None:
    (pair,) = results["mcnemar"]
    lenet, other = (results["nets"][name]["errors"] for name in (pair["a"], pair["b"]))
    assert pair["only_a"] - pair["only_b"] == other - lenet


def test_the_same_seed_is_not_counted_twice(small_mnist: None, tmp_path: Path) -> None:
    train("LeNet", SHORT, out_dir=tmp_path, device="cpu")
    with pytest.raises(ValueError, match="has seed 0, which is already counted"):
        run_benchmark(tmp_path, other_seeds=[tmp_path])


def test_runs_of_another_recipe_are_not_averaged(small_mnist: None, tmp_path: Path) -> None:
    for folder, config in (("0", SHORT), ("1", replace(SHORT, seed=1, lr=0.001))):
        train("LeNet", config, out_dir=tmp_path / folder, device="cpu")
    with pytest.raises(
        ValueError, match=r"another recipe: lr is 0\.001, not 0\.004; --seeds takes"
    ):
        run_benchmark(tmp_path / "0", other_seeds=[tmp_path / "1"])


def test_results_are_written_as_json_and_figures(results: Benchmark, tmp_path: Path) -> None:
    for name in ("MyVggNet_confusion.png", "LeNet_misread.png", "mine_confusion.png"):
        (tmp_path / name).write_text("of an earlier run")
    assert write_results(results, tmp_path) == [tmp_path / "MyVggNet_confusion.png"]
    assert (tmp_path / "LeNet_misread.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "mine_confusion.png").unlink()  # not one of our names: it is left alone
    assert json.loads((tmp_path / "benchmark.json").read_text()) == results
    assert {path.name for path in tmp_path.glob("*.png")} == {
        "accuracy.png",
        "together_confusion.png",
        "together_misread.png",
        *(f"{net}_{kind}.png" for net in results["nets"] for kind in KINDS),
    }


def test_the_shipped_results_are_those_of_the_recipes() -> None:
    nets = load_results().benchmark["nets"]
    # A setting that is newer than the results had the effect of its default.
    configs = {
        name: asdict(TrainConfig()) | net["training"]["config"] for name, net in nets.items()
    }
    assert configs == {name: asdict(recipe) for name, recipe in RECIPES.items()}


def test_each_net_has_the_place_where_it_was_trained() -> None:
    results = load_results()
    nets = results.benchmark["nets"]
    for net in nets.values():
        net["training"] |= {"device": "one", "torch_version": "2", "code_version": "a"}
    nets["MyNetV1"]["training"]["device"] = "another"
    assert (
        "Trained: LeNet, MyFullConvNet, MyNetV2, MyVggNet on one, torch 2, code a; "
        "MyNetV1 on another, torch 2, code a."
    ) in benchmark_report(results.benchmark)
    assert "trained on another and one." in results_data(results, "all")["notes"]


def test_a_folder_without_another_seed_is_named(small_mnist: None, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"no weights in {tmp_path}"):
        run_benchmark(other_seeds=[tmp_path])


@pytest.mark.parametrize("name", list_models())
def test_the_shipped_weights_reach_the_shipped_results(name: str) -> None:
    net = load_results().benchmark["nets"][name]
    model = checkpoint.load_model(name)
    images, labels = load_mnist("test")
    errors = measure(predict_logits(model, images[:5000]), labels[:5000]).errors
    expected = sum(entry["index"] < 5000 for entry in net["misread"])
    # Another processor adds in another order, which may change the answer to a borderline digit.
    assert errors == pytest.approx(expected, abs=2)
    assert count_parameters(model) == net["num_params"]
    assert (WEIGHTS / f"{name}.pt").stat().st_size == net["file_bytes"] < 20_000_000
