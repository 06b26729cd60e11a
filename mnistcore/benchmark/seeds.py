"""Records of nets that were trained with other seeds: small files, from which results are made.

A record holds the probabilities that a net gives the test digits, and how the net was made. It has
about 40 KB, so that it can be kept where the weights, of up to 18 MB, are not.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mnistcore import checkpoint
from mnistcore.datasets import Dataset, trained_on
from mnistcore.files import write_whole
from mnistcore.metrics import predict_logits
from mnistcore.training.recipes import TrainConfig

FOLDER = "seeds"  # of the records, beside the results

# A probability is stored as a uint16, a whole number of these levels. On 20,000 validation digits,
# distorted so much that the nets misread one in twenty, no answer of the five nets changed, alone
# or together; with 10,000 levels two did.
LEVELS = 65_535

MADE = (  # keys of a checkpoint that a record has as well
    "model",
    "config",
    "temperature",
    "val",
    "train_seconds",
    "device",
    "processes",
    "torch_version",
    "code_version",
)


def settings(content: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a checkpoint; one that is newer than it had the effect of its default."""
    return asdict(TrainConfig()) | content["config"]


def write_record(path: Path, first: Path, dataset: Dataset, folder: Path) -> Path:
    """Write the record of a trained net, in place of an earlier one of the same net and seed.

    Args:
        path: its checkpoint, named after it.
        first: a checkpoint of the same net, trained alike with another seed.
        dataset: the test set, on the device that computes.
        folder: where the record goes.

    Returns:
        The record, ``<name>_<seed>.npz``.

    Raises:
        FileNotFoundError, ValueError: a checkpoint is missing, damaged or of another net, or the
            two differ in more than their seed, or not even in that.
        OSError: the folder cannot be written.
    """
    name = path.stem
    content = checkpoint.load_for(name, path, "weights", *MADE)
    made = {key: content[key] for key in MADE} | {
        "data": trained_on(content),
        "adapted": content.get("adapted"),
    }
    _check_same_recipe(path, made, first)
    model = checkpoint.build_model(content, path, dataset.images.device)
    logits = predict_logits(model, dataset.images)
    probs = (logits / content["temperature"]).softmax(1).numpy()
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        probs=np.round(probs * LEVELS).astype(np.uint16),
        made=json.dumps(made),
        test=json.dumps(dataset.record),
    )
    record = folder / f"{name}_{content['config']['seed']}.npz"
    write_whole(record, buffer.getvalue())
    return record


def read_records(folder: Path, first: Path, dataset: Dataset) -> dict[int, Tensor]:
    """What the nets that differ from another in their seed alone answer on a test set.

    Records of another recipe or other data do not count: they may be of earlier weights.

    Args:
        folder: of the records; it need not exist.
        first: the checkpoint of the other net, named after it.
        dataset: the test set.

    Returns:
        Calibrated probabilities, float32 (n, 10), by seed.

    Raises:
        FileNotFoundError, ValueError: the checkpoint is missing or damaged, or a record is damaged.
    """
    content = checkpoint.load_for(first.stem, first, "config")
    found = {}
    for path in sorted(folder.glob(f"{first.stem}_*.npz")):
        record = read_record(path)
        seed = record["made"]["config"]["seed"]
        if record["test"] == dataset.record and set(_differences(record["made"], content)) == {
            "seed"
        }:
            found[seed] = torch.from_numpy(record["probs"])
    return found


def read_record(path: Path) -> dict[str, Any]:
    """A record: ``probs`` float32 (n, 10), ``made`` (keys of the checkpoint), ``test`` (its data).

    Raises:
        ValueError: it is damaged.
    """
    try:
        # Not from the path: np.load leaves a damaged file open.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as content:
            return {
                "probs": content["probs"].astype(np.float32) / LEVELS,
                "made": json.loads(str(content["made"])),
                "test": json.loads(str(content["test"])),
            }
    except (LookupError, ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is damaged; make it again with `mnistcore benchmark --record`"
        ) from error


def _own_digits(content: Mapping[str, Any]) -> int:
    """To how many of a writer's digits a net was adapted."""
    return int((content.get("adapted") or {}).get("digits", 0))


def _differences(content: Mapping[str, Any], first: Mapping[str, Any]) -> dict[str, str]:
    """The settings that differ between two checkpoints, each as a phrase, and their data."""
    ours, theirs = (
        settings(one) | {"data": trained_on(one)["name"], "digits of one's own": _own_digits(one)}
        for one in (content, first)
    )
    return {
        key: f"{key} is {ours.get(key)}, not {theirs.get(key)}"
        for key in {**theirs, **ours}
        if ours.get(key) != theirs.get(key)
    }


def _check_same_recipe(path: Path, content: Mapping[str, Any], first: Path) -> None:
    differences = _differences(content, checkpoint.load_for(path.stem, first, "config"))
    if "seed" not in differences:
        raise ValueError(
            f"{path} has seed {content['config']['seed']}, as {first}; give nets that were trained "
            "with other seeds, or --weights DIR for the first of them"
        )
    del differences["seed"]
    if differences:
        raise ValueError(
            f"{path} was trained with a different recipe from {first}: "
            f"{', '.join(differences.values())}; give nets that differ only in their seed"
        )
