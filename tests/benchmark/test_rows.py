import bz2
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistcore.benchmark.rows import Rows, _other_sets, load_split, make_rows, make_sample
from mnistcore.data import load_mnist, split_train_val
from mnistcore.training.recipes import TrainConfig

ROWS = {
    "own_frame", "canvas", "redrawn", "photo", "number", "pen", "mnist_c",
    "blank", "dot", "scribble", "printed_letter", "drawn_letter", "shape",
}  # fmt: skip


def test_splits() -> None:
    digits, labels = load_split("val")
    images, truths = load_mnist("train")
    held_out = split_train_val(TrainConfig.val_size, len(images))[1]
    assert digits.shape == (TrainConfig.val_size, 28, 28)
    assert digits.dtype == np.float32
    assert np.bincount(labels).tolist() == np.bincount(truths[held_out].numpy()).tolist()
    assert digits.sum() == pytest.approx(float(images[held_out].sum()) / 255, rel=1e-3)
    again, _ = load_split("val")
    np.testing.assert_array_equal(digits, again)


@pytest.fixture(scope="module")
def rows() -> Rows:
    return make_rows(*load_split("val"))


def test_samples_are_the_same_every_time(rows: Rows) -> None:
    assert set(rows) >= ROWS
    for name, row in rows.items():
        first, second = (make_sample(name, row, 3) for _ in range(2))
        np.testing.assert_array_equal(first.picture, second.picture)
        assert first.truth == second.truth
        other = make_sample(name, row, 4)
        assert not np.array_equal(first.picture, other.picture)


def test_samples_have_the_truth_about_their_pictures(rows: Rows) -> None:
    digits, labels = load_split("val")
    sample = make_sample("own_frame", rows["own_frame"], 7)
    np.testing.assert_array_equal(sample.picture, np.rint(255 * digits[7]))
    for name in ("own_frame", "canvas", "redrawn", "photo", "mnist_c"):
        assert rows[name].plain
        assert make_sample(name, rows[name], 7).truth == str(labels[7])
    lengths = [len(make_sample("number", rows["number"], i).truth or "") for i in range(8)]
    assert lengths == [1, 2, 3, 4, 5, 6, 7, 8]
    assert make_sample("dot", rows["dot"], 0).truth is None


def test_share_of_the_pictures(rows: Rows) -> None:
    few = make_rows(*load_split("val"), share=0.01)
    assert few["canvas"].n == round(rows["canvas"].n * 0.01)


def idx(values: np.ndarray[Any, Any], kind: int) -> bytes:
    """An array in the format of MNIST's files."""
    sizes = struct.pack(f">{values.ndim}I", *values.shape)
    return bytes([0, 0, kind, values.ndim]) + sizes + values.tobytes()


def test_other_sets_that_are_not_here(tmp_path: Path) -> None:
    assert set(_other_sets(tmp_path)) <= {"sklearn"}


def test_usps(tmp_path: Path) -> None:
    pixels = np.full(256, -1.0)
    pixels[:16] = 1  # the first row
    line = " ".join(f"{i}:{value}" for i, value in enumerate(pixels, 1))
    (tmp_path / "usps.t.bz2").write_bytes(bz2.compress(f"1 {line}\n10 {line}\n".encode()))
    _, images, labels = _other_sets(tmp_path)["usps"]
    assert images.dtype == np.uint8
    assert images[0, 0].tolist() == [255] * 16
    assert images[0, 1:].max() == 0
    assert [str(label) for label in labels] == ["0", "9"]


def test_emnist(tmp_path: Path) -> None:
    raw = tmp_path / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    lying = np.zeros((2, 28, 28), np.uint8)
    lying[:, 14, 4:24] = 255
    (raw / "emnist-digits-test-images-idx3-ubyte").write_bytes(idx(lying, 8))
    (raw / "emnist-digits-test-labels-idx1-ubyte").write_bytes(idx(np.array([1, 1], np.uint8), 8))
    _, images, labels = _other_sets(tmp_path)["emnist"]
    assert images[0, 4:24, 14].min() == 255
    assert labels.tolist() == [1, 1]


def test_qmnist(tmp_path: Path) -> None:
    raw = tmp_path / "QMNIST" / "raw"
    raw.mkdir(parents=True)
    images = np.zeros((10_002, 28, 28), np.uint8)
    labels = np.zeros((10_002, 8), ">i4")
    labels[-2:, 0] = 4, 5
    (raw / "qmnist-test-images-idx3-ubyte").write_bytes(idx(images, 8))
    (raw / "qmnist-test-labels-idx2-int").write_bytes(idx(labels, 12))
    _, found, truths = _other_sets(tmp_path)["qmnist"]
    assert len(found) == 2
    assert truths.tolist() == [4, 5]
