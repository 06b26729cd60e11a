import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from mnistcore import checkpoint
from mnistcore.benchmark.mnist import (
    CONTESTED,
    count_macs,
    find_weights,
    over_seeds,
    run_benchmark,
    write_results,
)
from mnistcore.benchmark.report import benchmark_report
from mnistcore.benchmark.seeds import read_record, settings, write_record
from mnistcore.data import load_mnist
from mnistcore.datasets import Dataset, load_data
from mnistcore.files import RESULTS, WEIGHTS
from mnistcore.metrics import measure, predict_logits
from mnistcore.models import count_parameters, create_model, list_models
from mnistcore.page.results_view import results_data
from mnistcore.results import TOGETHER, Answers, Benchmark, load_results
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
    dataset, records = load_data("test"), folders[1] / "records"
    for seed, folder in enumerate(folders):
        for name in ("LeNet", "MyNetV2"):
            train(name, replace(SHORT, seed=seed), out_dir=folder, device="cpu")
    for path in find_weights(folders[1], list_models()):
        write_record(path, folders[0] / path.name, dataset, records)
    return run_benchmark(folders[0], records=records)


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
    seeds = results["seeds"]
    assert seeds["n"] == 2
    for name, answers in {**results["nets"], TOGETHER: results["together"]}.items():
        first, spread = answers["accuracy"], seeds["nets"][name]
        second = 2 * spread["mean"] - first
        assert first != second
        assert spread["std"] == pytest.approx(abs(first - second) / math.sqrt(2))


def test_means_over_seeds_are_those_of_the_right_answers() -> None:
    """Two nets and two seeds; all digits are zeros. CONTESTED[0] is the index 947."""
    labels = torch.zeros(10_000, dtype=torch.int64)
    dataset = Dataset("MNIST", torch.zeros(10_000, 1, 28, 28, dtype=torch.uint8), labels)

    def probs(*wrong: int, sure: float = 0.6) -> torch.Tensor:
        found = torch.zeros(10_000, 10)
        found[:, 0], found[:, 1] = 1.0, 0.0
        found[list(wrong), 0], found[list(wrong), 1] = 1 - sure, sure
        return found

    runs = [
        {"LeNet": probs(0, 1, 2, 947), "MyNetV2": probs(0)},
        {"LeNet": probs(0, 3), "MyNetV2": probs(0, 5, 947, 2462)},
    ]
    seeds = over_seeds(runs, dataset)
    errors = {name: 10_000 * (1 - spread["mean"]) for name, spread in seeds["nets"].items()}
    assert errors == pytest.approx({"LeNet": 3, "MyNetV2": 2.5, TOGETHER: 1})
    lenet = seeds["nets"]["LeNet"]
    assert 10_000 * lenet["std"] == pytest.approx(math.sqrt(2))
    assert 9_985 * (1 - lenet["uncontested"]["mean"]) == pytest.approx(2.5)
    assert seeds["ensemble"] == {
        "n": 10_000,
        "errors": 1,
        "uncontested": {"n": 9_985, "errors": 1},
    }


def test_the_pair_is_tested_on_the_same_images(results: Benchmark) -> None:
    (pair,) = results["mcnemar"]
    lenet, other = (results["nets"][name]["errors"] for name in (pair["a"], pair["b"]))
    assert pair["only_a"] - pair["only_b"] == other - lenet


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
    for path in (RESULTS / "seeds").iterdir():
        name, seed = path.stem.split("_")
        recipe = replace(RECIPES[name], seed=int(seed))
        assert settings(read_record(path)["made"]) == asdict(recipe), path


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
