"""From checkpoints to results: what the nets reach on the test set, how sure, how fast."""

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
from mnistcore.data import SIZES, load_mnist
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
from mnistcore.training.recipes import RECIPES

BATCH = 256  # images of the throughput column

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


TRAINING_KEYS = (  # what the results tell of a checkpoint
    "config", "history", "train_seconds", "device", "processes", "torch_version", "code_version",
)  # fmt: skip
NEEDED = ("weights", "temperature", "val", *TRAINING_KEYS)


def count_macs(model: nn.Module) -> int:
    """Multiply-adds of convolutions and linear layers for one image; the biases are left out."""
    device = next(model.parameters()).device
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model(torch.zeros(1, 1, 28, 28, device=device))
    return counter.get_total_flops() // 2  # the counter has two operations a multiply-add


@torch.inference_mode()
def measure_latency(model: nn.Module, batch_size: int) -> float:
    """Median milliseconds of a forward pass of ``batch_size`` images, on the net's device."""
    # Here, since importing it warns of a CUDA toolkit without a card.
    from torch.utils.benchmark import Timer

    device = next(model.parameters()).device
    inputs = torch.zeros(batch_size, 1, 28, 28, device=device)
    timer = Timer("model(inputs)", globals={"model": model, "inputs": inputs},
                  num_threads=torch.get_num_threads())  # fmt: skip
    return timer.blocked_autorange(min_run_time=0.5).median * 1e3


def _answers(logits: Tensor, labels: Tensor) -> dict[str, Any]:
    """What calibrated logits (n, 10) reach against labels (n,), as the results file holds it."""
    metrics, probs = measure(logits, labels), logits.softmax(1)
    low, high = wilson_interval(metrics.n - metrics.errors, metrics.n)
    uncontested = torch.ones(len(labels), dtype=torch.bool)
    uncontested[CONTESTED] = False
    wrong = probs.argmax(1) != labels
    return {
        **asdict(metrics),
        "accuracy": metrics.accuracy,
        "interval": [low, high],
        "uncontested": {
            "n": int(uncontested.sum()),
            "errors": int((wrong & uncontested).sum()),
        },
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


def _calibration(logits: Tensor, labels: Tensor, temperature: float) -> dict[str, float]:
    return {
        "temperature": temperature,
        "before": calibration_error(logits.softmax(1), labels),
        "after": calibration_error((logits / temperature).softmax(1), labels),
    }


def run_benchmark(
    weights_dir: Path | str = WEIGHTS,
    names: Sequence[str] | None = None,
    other_seeds: Sequence[Path | str] = (),
    data_dir: Path | str = ASSETS,
    device: str | None = None,
) -> dict[str, Any]:
    """Measure every net that has a checkpoint in ``weights_dir`` on the MNIST test set.

    Args:
        weights_dir: folder of ``<name>.pt``.
        names: of the nets to measure, those that are there; all five by default.
        other_seeds: folders of nets trained with other seeds, for mean and spread.
        data_dir: folder that holds ``MNIST/raw``.
        device: where to measure; the accelerator by default, where there is one.

    Returns:
        The content of ``benchmark.json``.

    Raises:
        FileNotFoundError: a folder holds no net.
        ValueError: a checkpoint is damaged or of another net, or a seed comes twice.
    """
    weights_dir = Path(weights_dir)
    paths = {name: weights_dir / f"{name}.pt" for name in names or list_models()}
    found = {
        name: checkpoint.load_for(name, path, *NEEDED)
        for name, path in paths.items()
        if path.exists()
    }
    if not found:
        raise FileNotFoundError(f"no weights in {weights_dir}; run scripts/train_all.sh")
    for folder in map(Path, other_seeds):
        if not any((folder / path.name).exists() for path in paths.values()):
            raise FileNotFoundError(f"no weights in {folder}")
    chosen = choose_device(device)
    images, labels = load_mnist("test", data_dir, chosen)
    labels = labels.cpu()

    nets: dict[str, dict[str, Any]] = {}
    probs: dict[str, Tensor] = {}
    for name, content in found.items():
        model = checkpoint.build_model(content, paths[name], chosen)
        logits = predict_logits(model, images)
        probs[name] = (logits / content["temperature"]).softmax(1)
        config = content["config"]
        accuracies = {config["seed"]: measure(logits, labels).accuracy}
        for path in (Path(folder) / f"{name}.pt" for folder in other_seeds):
            if not path.exists():
                continue
            other = checkpoint.load_for(name, path, "config")
            seed = other["config"]["seed"]
            if seed in accuracies:
                raise ValueError(f"{path} has seed {seed}, which is already counted")
            logits_of_other = predict_logits(checkpoint.build_model(other, path, chosen), images)
            accuracies[seed] = measure(logits_of_other, labels).accuracy
        images_an_epoch = SIZES["train"] - config["val_size"] + config["drawn"] + config["others"]
        nets[name] = {
            **_answers(logits / content["temperature"], labels),
            "calibration": _calibration(logits, labels, content["temperature"]),
            "seeds": {
                "n": len(accuracies),
                "mean": statistics.mean(accuracies.values()),
                "std": statistics.stdev(accuracies.values()) if len(accuracies) > 1 else None,
            },
            "reference": list(REFERENCE.get(name, ())),
            "num_params": count_parameters(model),
            "macs": count_macs(model),
            "latency_ms": measure_latency(model, 1),
            "images_per_second": BATCH / measure_latency(model, BATCH) * 1e3,
            "file_bytes": paths[name].stat().st_size,
            "training": {
                **{key: content[key] for key in TRAINING_KEYS},
                "images_per_second": config["epochs"] * images_an_epoch / content["train_seconds"],
                "own_recipe": config == asdict(replace(RECIPES[name], seed=config["seed"])),
                "val_accuracy": 1 - content["val"]["errors"] / content["val"]["n"],
            },
        }
    results: dict[str, Any] = {
        "device": device_name(chosen),
        "torch_version": str(torch.__version__),
        "batch": BATCH,
        "nets": nets,
    }
    if len(nets) > 1:
        mean_probs = torch.stack(list(probs.values())).mean(0)
        results["together"] = {
            **_answers(mean_probs.log(), labels),
            "calibration_error": calibration_error(mean_probs, labels),
        }
        results["mcnemar"] = _mcnemar_pairs(probs, labels)
    return results


def _mcnemar_pairs(probs: Mapping[str, Tensor], labels: Tensor) -> list[dict[str, Any]]:
    correct = {name: p.argmax(1) == labels for name, p in probs.items()}
    pairs = []
    for a, b in combinations(correct, 2):
        only_a, only_b, p_value = mcnemar(correct[a], correct[b])
        pairs.append({"a": a, "b": b, "only_a": only_a, "only_b": only_b, "p_value": p_value})
    return pairs


def write_results(results: dict[str, Any], out_dir: Path, data_dir: Path | str = ASSETS) -> None:
    """Write ``benchmark.json`` and the figures; ``results`` is what :func:`run_benchmark` returned.

    Raises:
        OSError: ``out_dir`` cannot be written.
    """
    histories = {name: net["training"]["history"] for name, net in results["nets"].items()}
    pictures = {"accuracy": figures.accuracy_over_epochs(histories)}
    images = load_mnist("test", data_dir)[0][:, 0].numpy()
    answers = dict(results["nets"])
    if "together" in results:
        answers["together"] = results["together"]
    for name, answer in answers.items():
        pictures[f"{name}_confusion"] = figures.confusion_matrix(name, answer["confusion"])
        pictures[f"{name}_misread"] = figures.misread_digits(name, images, answer["misread"])
    for name, history in histories.items():
        pictures[f"{name}_curves"] = figures.curves(name, history)
    for name, png in pictures.items():
        write_whole(out_dir / f"{name}.png", png)
    write_json(out_dir / "benchmark.json", results)
