from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mnistcore import checkpoint
from mnistcore.benchmark.seeds import LEVELS, read_record, read_records, write_record
from mnistcore.datasets import Dataset
from mnistcore.files import WEIGHTS
from mnistcore.metrics import predict_logits

FIRST = WEIGHTS / "LeNet.pt"  # of seed 0


@pytest.fixture
def dataset(few_images: Tensor, few_labels: Tensor) -> Dataset:
    return Dataset("MNIST", few_images, few_labels)


def another(folder: Path, **settings: Any) -> Path:
    """LeNet as if it had been trained with other settings."""
    content = checkpoint.load(FIRST)
    path = folder / "LeNet.pt"
    checkpoint.save(content | {"config": content["config"] | settings}, path)
    return path


def test_a_record_keeps_the_answers_and_how_the_net_was_made(
    tmp_path: Path, dataset: Dataset
) -> None:
    path = write_record(another(tmp_path, seed=7), FIRST, dataset, tmp_path / "records")
    assert path == tmp_path / "records" / "LeNet_7.npz"
    logits = predict_logits(checkpoint.load_model("LeNet"), dataset.images)
    content = checkpoint.load(FIRST)
    exact = (logits / content["temperature"]).softmax(1)
    found = read_records(path.parent, FIRST, dataset)
    assert list(found) == [7]
    assert (found[7] - exact).abs().max() <= 0.51 / LEVELS
    assert found[7].argmax(1).equal(exact.argmax(1))
    made = read_record(path)["made"]
    assert made["config"]["seed"] == 7
    kept = ("val", "temperature", "train_seconds", "device", "torch_version", "code_version")
    assert {key: made[key] for key in kept} == {key: content[key] for key in kept}
    assert "weights" not in made


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "has seed 0, as .*; give nets that were trained with other seeds"),
        (
            {"seed": 1, "lr": 0.5},
            r"a different recipe from .*: lr is 0\.5, not 0\.012; give nets that",
        ),
    ],
)
def test_only_nets_that_differ_in_their_seed_alone_are_recorded(
    settings: dict[str, Any], message: str, tmp_path: Path, dataset: Dataset
) -> None:
    path = another(tmp_path, **settings)
    with pytest.raises(ValueError, match=message):
        write_record(path, FIRST, dataset, tmp_path / "records")
    assert not (tmp_path / "records").exists()


def test_records_of_another_recipe_or_other_digits_do_not_count(
    tmp_path: Path, dataset: Dataset
) -> None:
    (tmp_path / "1").mkdir()
    other = another(tmp_path / "1", seed=1, lr=0.5)
    write_record(other, another(tmp_path, seed=2, lr=0.5), dataset, tmp_path / "records")
    assert list(read_records(tmp_path / "records", tmp_path / "LeNet.pt", dataset)) == [1]
    assert read_records(tmp_path / "records", FIRST, dataset) == {}
    fewer = replace(dataset, images=dataset.images[:9], labels=dataset.labels[:9])
    assert read_records(tmp_path / "records", tmp_path / "LeNet.pt", fewer) == {}
    assert read_records(tmp_path / "nowhere", FIRST, dataset) == {}


def test_a_damaged_record_is_named(tmp_path: Path, dataset: Dataset) -> None:
    path = tmp_path / "LeNet_1.npz"
    for damaged in (b"", b"PK no zip"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"LeNet_1\.npz is damaged; make it again with"):
            read_records(tmp_path, FIRST, dataset)
    np.savez(path, probs=torch.zeros(2).numpy())  # a part is missing
    with pytest.raises(ValueError, match=r"LeNet_1\.npz is damaged"):
        read_record(path)
