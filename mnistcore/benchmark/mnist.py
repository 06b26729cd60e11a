"""From checkpoints to results: accuracy on the test set, calibration, cost and speed."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mnistcore import checkpoint, figures
from mnistcore.datasets import Dataset, load_data, titled, trained_on
from mnistcore.device import choose_device, device_name
from mnistcore.files import ASSETS, WEIGHTS, write_json, write_whole
from mnistcore.metrics import (
    calibration_error,
    mcnemar,
    measure,
    predict_logits,
    wilson_interval,
)
from mnistcore.models import count_parameters, list_models
from mnistcore.results import (
    MNIST,
    TOGETHER,
    Answers,
    Benchmark,
    Calibration,
    NetResults,
    Pair,
    Seeds,
    TrainingRun,
)
from mnistcore.training.recipes import RECIPES, TrainConfig, fitted

BATCH = 256  # images per batch, where throughput is measured
MIN_SECONDS = 0.5  # of a measurement of latency

# Test accuracy in % of the public project pytorch-mnist: its table, and the best in its logs.
REFERENCE = {
    "LeNet": (98.91, 99.22),
    "MyFullConvNet": (98.06, 99.23),
    "MyNetV1": (99.19, 99.41),
    "MyNetV2": (98.81, 99.27),
    "MyVggNet": (99.27, 99.48),
}

# Test images whose label five raters contest.
# Northcutt, Athalye, Mueller: Pervasive label errors in test sets. NeurIPS Datasets 2021.
CONTESTED = [
    947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729,
]  # fmt: skip


NEEDED = (  # keys of a checkpoint
    "weights",
    "temperature",
    "val",
    "config",
    "history",
    "train_seconds",
    "device",
    "processes",
    "torch_version",
    "code_version",
)


def count_macs(model: nn.Module) -> int:
    """Multiply-adds of the convolutions and linear layers for one image, without the biases."""
    device = next(model.parameters()).device
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model(torch.zeros(1, 1, 28, 28, device=device))
    return counter.get_total_flops() // 2  # it counts two operations per multiply-add


@torch.inference_mode()
def measure_latency(model: nn.Module, batch_size: int) -> float:
    """Median milliseconds of a forward pass of ``batch_size`` images, on the net's device."""
    # Imported here: the import warns where there is a CUDA toolkit but no GPU.
    from torch.utils.benchmark import Timer

    device = next(model.parameters()).device
    inputs = torch.zeros(batch_size, 1, 28, 28, device=device)
    timer = Timer(
        "model(inputs)",
        globals={"model": model, "inputs": inputs},
        num_threads=torch.get_num_threads(),
    )
    return timer.blocked_autorange(min_run_time=MIN_SECONDS).median * 1e3


def _answers(logits: Tensor, dataset: Dataset) -> Answers:
    """What calibrated logits (n, 10) reach on a data set."""
    labels = dataset.labels.cpu()
    metrics, probs = measure(logits, labels), logits.softmax(1)
    wrong = probs.argmax(1) != labels
    answers: Answers = {
        "n": metrics.n,
        "errors": metrics.errors,
        "loss": metrics.loss,
        "confusion": metrics.confusion,
        "accuracy": metrics.accuracy,
        "interval": list(wilson_interval(metrics.n - metrics.errors, metrics.n)),
        "misread": [
            {
                "index": index,
                "label": int(labels[index]),
                "pred": int(probs[index].argmax()),
                "prob": float(probs[index].max()),
            }
            for index in wrong.nonzero().flatten().tolist()
        ],
    }
    if dataset.is_mnist:
        uncontested = torch.ones(len(labels), dtype=torch.bool)
        uncontested[CONTESTED] = False
        answers["uncontested"] = {
            "n": int(uncontested.sum()),
            "errors": int((wrong & uncontested).sum()),
        }
    return answers


def _calibration(logits: Tensor, labels: Tensor, temperature: float) -> Calibration:
    return {
        "temperature": temperature,
        "before": calibration_error(logits.softmax(1), labels),
        "after": calibration_error((logits / temperature).softmax(1), labels),
    }


def _config(content: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a checkpoint; one that is newer than it had the effect of its default."""
    settings: dict[str, Any] = asdict(TrainConfig()) | content["config"]
    return settings


def _training_run(name: str, content: Mapping[str, Any]) -> TrainingRun:
    config, data, recipe = _config(content), trained_on(content), RECIPES[name]
    images_per_epoch = config["train_size"] or data["n"] - config["val_size"]
    images_per_epoch += config["drawn"] + config["edited"] + config["others"]
    if data["name"] != MNIST:
        recipe = fitted(recipe, data["n"])
    adapted: dict[str, Any] = content.get("adapted", {})
    run: TrainingRun = {
        "config": config,
        "data": data["name"],
        "history": content["history"],
        "train_seconds": content["train_seconds"],
        "device": content["device"],
        "processes": content["processes"],
        "torch_version": content["torch_version"],
        "code_version": content["code_version"],
        "images_per_second": config["epochs"] * images_per_epoch / content["train_seconds"],
        "own_recipe": not adapted and config == asdict(replace(recipe, seed=config["seed"])),
        "val_accuracy": 1 - content["val"]["errors"] / content["val"]["n"],
    }
    if adapted:
        run["adapted"] = adapted["digits"]
    return run


def _same_recipe(path: Path, content: Mapping[str, Any], first: Mapping[str, Any]) -> None:
    """Raise a ValueError if a run differs from another in more than its seed."""
    runs = content, first
    config, expected = (_config(run) | {"data": trained_on(run)["name"]} for run in runs)
    differences = [
        f"{key} is {config.get(key)}, not {expected.get(key)}"
        for key in {**expected, **config}
        if key != "seed" and config.get(key) != expected.get(key)
    ]
    if differences:
        raise ValueError(
            f"{path} was trained with another recipe: {', '.join(differences)}; "
            "--seeds takes runs that differ only in their seed"
        )


def _seeds(
    first: Mapping[str, Any], accuracy: float, paths: Sequence[Path], dataset: Dataset
) -> Seeds:
    """Accuracy over the runs of one net: the first, a checkpoint, and those in ``paths``."""
    images, labels = dataset.images, dataset.labels.cpu()
    accuracies = {first["config"]["seed"]: accuracy}
    for path in paths:
        content = checkpoint.load_for(path.stem, path, "config")
        config = content["config"]
        if config["seed"] in accuracies:
            raise ValueError(f"{path} has seed {config['seed']}, which is already counted")
        _same_recipe(path, content, first)
        model = checkpoint.build_model(content, path, images.device)
        accuracies[config["seed"]] = measure(predict_logits(model, images), labels).accuracy
    return {
        "n": len(accuracies),
        "mean": statistics.mean(accuracies.values()),
        "std": statistics.stdev(accuracies.values()) if len(accuracies) > 1 else None,
    }


def measure_net(
    path: Path, seed_paths: Sequence[Path], dataset: Dataset
) -> tuple[NetResults, Tensor]:
    """Measure one net on a test set.

    Args:
        path: its checkpoint, ``<name>.pt``.
        seed_paths: checkpoints of the same net and recipe with other seeds.
        dataset: the test set, on the device on which the net is measured.

    Returns:
        Its results and its calibrated probabilities, float32 (n, 10) on the CPU.

    Raises:
        ValueError: a checkpoint is damaged, of another net or recipe, or a seed comes twice.
    """
    name, images, labels = path.stem, dataset.images, dataset.labels.cpu()
    content = checkpoint.load_for(name, path, *NEEDED)
    model = checkpoint.build_model(content, path, images.device)
    logits, temperature = predict_logits(model, images), content["temperature"]
    answers = _answers(logits / temperature, dataset)
    results: NetResults = {
        **answers,
        "calibration": _calibration(logits, labels, temperature),
        "seeds": _seeds(content, answers["accuracy"], seed_paths, dataset),
        "reference": list(REFERENCE.get(name, ())) if dataset.is_mnist else [],
        "num_params": count_parameters(model),
        "macs": count_macs(model),
        "latency_ms": measure_latency(model, 1),
        "images_per_second": BATCH / measure_latency(model, BATCH) * 1e3,
        "file_bytes": path.stat().st_size,
        "training": _training_run(name, content),
    }
    return results, (logits / temperature).softmax(1)


def run_benchmark(
    weights_dir: Path | str = WEIGHTS,
    names: Sequence[str] | None = None,
    other_seeds: Sequence[Path | str] = (),
    data_dir: Path | str = ASSETS,
    device: str | None = None,
) -> Benchmark:
    """Measure every net that has a checkpoint in ``weights_dir`` on a test set, MNIST's by default.

    Args:
        weights_dir: folder of ``<name>.pt``.
        names: the nets to measure if they have a checkpoint; all five by default.
        other_seeds: folders of the same nets, trained with the same recipes with other seeds, for
            mean and spread.
        data_dir: the data set; see :func:`mnistcore.datasets.load_data`.
        device: where to measure; the accelerator by default, if there is one.

    Returns:
        The content of ``benchmark.json``.

    Raises:
        FileNotFoundError: a folder holds none of the nets, or no data.
        ValueError: a checkpoint is damaged, of another net or recipe, or a seed comes twice; or the
            data cannot be used.
    """
    names = names or list_models()
    folders = [Path(folder) for folder in (weights_dir, *other_seeds)]
    runs = [[folder / f"{name}.pt" for name in names] for folder in folders]
    runs = [[path for path in paths if path.exists()] for paths in runs]
    for folder, paths in zip(folders, runs, strict=True):
        if not paths:
            raise FileNotFoundError(f"no weights in {folder}; run mnistcore all")
    chosen = choose_device(device)
    dataset = load_data("test", data_dir, chosen)
    labels = dataset.labels.cpu()

    nets: dict[str, NetResults] = {}
    probs: dict[str, Tensor] = {}
    for path in runs[0]:
        seed_paths = [other for paths in runs[1:] for other in paths if other.name == path.name]
        nets[path.stem], probs[path.stem] = measure_net(path, seed_paths, dataset)
    results: Benchmark = {
        "device": device_name(chosen),
        "torch_version": str(torch.__version__),
        "batch": BATCH,
        "data": dataset.record,
        "nets": nets,
    }
    if len(nets) > 1:
        mean_probs = torch.stack(list(probs.values())).mean(0)
        results["together"] = {
            **_answers(mean_probs.log(), dataset),
            "calibration_error": calibration_error(mean_probs, labels),
        }
        results["mcnemar"] = _mcnemar_pairs(probs, labels)
    return results


def _mcnemar_pairs(probs: Mapping[str, Tensor], labels: Tensor) -> list[Pair]:
    correct = {name: p.argmax(1) == labels for name, p in probs.items()}
    pairs: list[Pair] = []
    for a, b in combinations(correct, 2):
        only_a, only_b, p_value = mcnemar(correct[a], correct[b])
        pairs.append({"a": a, "b": b, "only_a": only_a, "only_b": only_b, "p_value": p_value})
    return pairs


def write_results(results: Benchmark, out_dir: Path, data_dir: Path | str = ASSETS) -> list[Path]:
    """Write ``benchmark.json`` and its figures, and delete figures of nets that it does not have.

    Returns:
        The deleted files, left by an earlier run.

    Raises:
        OSError: ``out_dir`` cannot be written.
    """
    write_json(out_dir / "benchmark.json", results)
    pngs = _figures(results, data_dir)
    for name, png in pngs.items():
        write_whole(out_dir / f"{name}.png", png)
    ours = (
        out_dir / f"{name}_{kind}.png"
        for name in (*list_models(), TOGETHER)
        for kind in ("confusion", "misread", "curves")
    )
    stale = [path for path in ours if path.stem not in pngs and path.exists()]
    for path in stale:
        path.unlink()
    return stale


def _figures(results: Benchmark, data_dir: Path | str) -> dict[str, bytes]:
    """The PNGs of the results, by name."""
    dataset = load_data("test", data_dir)
    histories, pngs = {}, {}
    for name, net in results["nets"].items():
        training = net["training"]
        title = titled(name, training["data"])
        histories[title] = training["history"]
        pngs[f"{name}_curves"] = figures.curves(title, training["history"])
    pngs["accuracy"] = figures.accuracy_over_epochs(histories)
    images = dataset.images[:, 0].numpy()
    answers: dict[str, Answers] = dict(results["nets"])
    if "together" in results:
        answers[TOGETHER] = results["together"]
    for name, answer in answers.items():
        title = titled(name, dataset.name)
        pngs[f"{name}_confusion"] = figures.confusion_matrix(title, answer["confusion"])
        pngs[f"{name}_misread"] = figures.misread_digits(title, images, answer["misread"])
    return pngs
