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
from mnistcore.benchmark.seeds import MADE, read_records, settings
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
    Score,
    SeedAnswers,
    Seeds,
    Spread,
    TrainingRun,
    Uncontested,
)
from mnistcore.training.recipes import RECIPES, fitted

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


def find_weights(folder: Path, names: Sequence[str]) -> list[Path]:
    """The checkpoints of some nets that a folder has.

    Raises:
        FileNotFoundError: it has none of them.
    """
    paths = [path for name in names if (path := checkpoint.find(folder, name)).exists()]
    if not paths:
        raise FileNotFoundError(f"no weights in {folder}; run mnistcore all")
    return paths


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


def _score(probs: Tensor, dataset: Dataset) -> Score:
    """How many images of a data set are misread, by probabilities or logits (n, 10)."""
    labels = dataset.labels.cpu()
    wrong = probs.argmax(1) != labels
    score: Score = {"n": len(labels), "errors": int(wrong.sum())}
    if dataset.is_mnist:
        uncontested = torch.ones(len(labels), dtype=torch.bool)
        uncontested[CONTESTED] = False
        score["uncontested"] = {
            "n": int(uncontested.sum()),
            "errors": int((wrong & uncontested).sum()),
        }
    return score


def _answers(logits: Tensor, dataset: Dataset) -> Answers:
    """What calibrated logits (n, 10) reach on a data set."""
    labels = dataset.labels.cpu()
    metrics, probs = measure(logits, labels), logits.softmax(1)
    return {
        **_score(logits, dataset),
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
            for index in (probs.argmax(1) != labels).nonzero().flatten().tolist()
        ],
    }


def _calibration(logits: Tensor, labels: Tensor, temperature: float) -> Calibration:
    return {
        "temperature": temperature,
        "before": calibration_error(logits.softmax(1), labels),
        "after": calibration_error((logits / temperature).softmax(1), labels),
    }


def _training_run(name: str, content: Mapping[str, Any]) -> TrainingRun:
    config, data, recipe = settings(content), trained_on(content), RECIPES[name]
    images_per_epoch = config["train_size"] or data["n"] - config["val_size"]
    images_per_epoch += config["drawn"] + config["edited"] + config["others"]
    stopped = content.get("stopped_after")
    passes = 1 + (config["epochs"] - 1) * config["hard"] if stopped is None else stopped
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
        "images_per_second": passes * images_per_epoch / content["train_seconds"],
        "own_recipe": not adapted and config == asdict(replace(recipe, seed=config["seed"])),
        "val_accuracy": 1 - content["val"]["errors"] / content["val"]["n"],
    }
    if adapted:
        run["adapted"] = adapted["digits"]
    if stopped is not None:
        run["stopped_after"] = stopped
    return run


def _spread(scores: Sequence[Score | Uncontested]) -> Spread:
    accuracies = [1 - score["errors"] / score["n"] for score in scores]
    return {"mean": statistics.mean(accuracies), "std": statistics.stdev(accuracies)}


def over_seeds(runs: Sequence[Mapping[str, Tensor]], dataset: Dataset) -> Seeds:
    """What the same nets reach that were trained several times.

    Args:
        runs: of each seed the calibrated probabilities of each net, float (n, 10), by name.
        dataset: the test set.
    """
    means = [torch.stack(list(run.values())).mean(0) for run in runs]
    by_name = {name: [run[name] for run in runs] for name in runs[0]}
    if len(by_name) > 1:
        by_name[TOGETHER] = means
    nets: dict[str, SeedAnswers] = {}
    for name, probs in by_name.items():
        scores = [_score(one, dataset) for one in probs]
        nets[name] = {**_spread(scores)}
        if dataset.is_mnist:
            nets[name]["uncontested"] = _spread([score["uncontested"] for score in scores])
    ensemble = _score(torch.stack(means).mean(0), dataset)
    return {"n": len(runs), "nets": nets, "ensemble": ensemble}


def measure_net(path: Path, dataset: Dataset) -> tuple[NetResults, Tensor]:
    """Measure one net on a test set.

    Args:
        path: its checkpoint, named after it.
        dataset: the test set, on the device on which the net is measured.

    Returns:
        Its results and its calibrated probabilities, float32 (n, 10) on the CPU.

    Raises:
        ValueError: the checkpoint is damaged or of another net.
    """
    name, images, labels = path.stem, dataset.images, dataset.labels.cpu()
    content = checkpoint.load_for(name, path, "weights", "history", *MADE)
    model = checkpoint.build_model(content, path, images.device)
    logits, temperature = predict_logits(model, images), content["temperature"]
    probs = (logits / temperature).softmax(1)
    results: NetResults = {
        **_answers(logits / temperature, dataset),
        "calibration": _calibration(logits, labels, temperature),
        "reference": list(REFERENCE.get(name, ())) if dataset.is_mnist else [],
        "num_params": count_parameters(model),
        "macs": count_macs(model),
        "latency_ms": measure_latency(model, 1),
        "images_per_second": BATCH / measure_latency(model, BATCH) * 1e3,
        "file_bytes": path.stat().st_size,
        "training": _training_run(name, content),
    }
    return results, probs


def _other_runs(paths: Sequence[Path], records: Path, dataset: Dataset) -> list[dict[str, Tensor]]:
    """The probabilities of all nets, by name, for each other seed of which all have a record."""
    found = {path.stem: read_records(records, path, dataset) for path in paths}
    shared = set.intersection(*(set(runs) for runs in found.values()))
    return [{name: runs[seed] for name, runs in found.items()} for seed in sorted(shared)]


def run_benchmark(
    weights_dir: Path | str = WEIGHTS,
    names: Sequence[str] | None = None,
    records: Path | str | None = None,
    data_dir: Path | str = ASSETS,
    device: str | None = None,
) -> Benchmark:
    """Measure every net that has a checkpoint in ``weights_dir`` on a test set, MNIST's by default.

    Means and spreads are over the seeds of which every one of these nets has a record: then all
    are over the same seeds, and the nets of a seed can answer together.

    Args:
        weights_dir: folder of the checkpoints.
        names: the nets to measure if they have a checkpoint; all five by default.
        records: folder of the records of other seeds, as :func:`.seeds.write_record` makes them.
        data_dir: the data set; see :func:`mnistcore.datasets.load_data`.
        device: where to measure; the accelerator by default, if there is one.

    Returns:
        The content of ``benchmark.json``.

    Raises:
        FileNotFoundError: the folder holds none of the nets, or there is no data.
        ValueError: a checkpoint or record is damaged, or a checkpoint of another net; or the data
            cannot be used.
    """
    paths = find_weights(Path(weights_dir), names or list_models())
    chosen = choose_device(device)
    dataset = load_data("test", data_dir, chosen)
    labels = dataset.labels.cpu()
    others = _other_runs(paths, Path(records), dataset) if records else []

    nets: dict[str, NetResults] = {}
    probs: dict[str, Tensor] = {}
    for path in paths:
        nets[path.stem], probs[path.stem] = measure_net(path, dataset)
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
    if others:
        results["seeds"] = over_seeds([probs, *others], dataset)
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
