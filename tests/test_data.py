import gzip
import shutil
import socket
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from torch import Tensor

from mnistcore.data import MEAN, STD, load_mnist, normalize, split_train_val, to_unit
from mnistcore.files import ASSETS

FIX = r"git checkout -- assets/MNIST"
IMAGES = "t10k-images-idx3-ubyte"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> NoReturn:
        raise OSError("network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A data folder as it is after a clone: the four packed files, copied."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in (ASSETS / "MNIST" / "raw").glob("*.gz"):
        shutil.copyfile(path, raw / path.name)
    return tmp_path


@pytest.fixture
def unpacked(packed: Path, mnist_train: tuple[Tensor, Tensor]) -> Path:
    """A data folder that has been used; its unpacked files are links to those of the assets."""
    assert len(mnist_train[0]) == 60_000  # loading it unpacked them
    for path in (ASSETS / "MNIST" / "raw").glob("*-ubyte"):
        (packed / "MNIST" / "raw" / path.name).symlink_to(path)
    return packed


def replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def test_packed_files_are_unpacked_and_loaded(packed: Path) -> None:
    for split, n in (("train", 60_000), ("test", 10_000)):
        images, labels = load_mnist(split, packed)
        assert (images.shape, images.dtype) == ((n, 1, 28, 28), torch.uint8)
        assert (labels.shape, labels.dtype) == ((n,), torch.int64)
        assert labels.unique().tolist() == list(range(10))


def test_images_are_those_of_the_file(unpacked: Path) -> None:
    images, labels = load_mnist("test", unpacked)
    raw = unpacked / "MNIST" / "raw"
    with gzip.open(raw / f"{IMAGES}.gz") as file:
        assert images.numpy().tobytes() == file.read()[16:]
    with gzip.open(raw / "t10k-labels-idx1-ubyte.gz") as file:
        assert labels.tolist() == list(file.read()[8:])


def test_mean_and_std_are_those_of_the_training_images(mnist_train: tuple[Tensor, Tensor]) -> None:
    unit = to_unit(mnist_train[0])
    assert round(float(unit.mean()), 4) == MEAN
    assert round(float(unit.std()), 4) == STD


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none does not exist; give --data-dir"):
        load_mnist("train", tmp_path / "none")


def test_missing_packed_file(packed: Path) -> None:
    (packed / "MNIST" / "raw" / f"{IMAGES}.gz").unlink()
    with pytest.raises(ValueError, match=rf"downloading {IMAGES}.gz.*{FIX}"):
        load_mnist("test", packed)


@pytest.mark.parametrize("folder", ["packed", "unpacked"])
def test_truncated_packed_file(folder: str, request: pytest.FixtureRequest) -> None:
    data_dir = request.getfixturevalue(folder)
    path = data_dir / "MNIST" / "raw" / f"{IMAGES}.gz"
    replace(path, path.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=rf"{IMAGES}.gz.*{FIX}"):
        load_mnist("test", data_dir)


def test_altered_packed_file(unpacked: Path) -> None:
    path = unpacked / "MNIST" / "raw" / f"{IMAGES}.gz"
    content = bytearray(path.read_bytes())
    content[100_000] ^= 1
    replace(path, bytes(content))
    with pytest.raises(ValueError, match=rf"{IMAGES}.gz is truncated or altered.*{FIX}"):
        load_mnist("test", unpacked)


@pytest.mark.parametrize(
    "position", [2, 3, 5, 10_000, -1], ids=["dtype", "rank", "count", "ink", "last ink"]
)
def test_altered_unpacked_file(unpacked: Path, position: int) -> None:
    path = unpacked / "MNIST" / "raw" / IMAGES
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    replace(path, bytes(content))
    with pytest.raises(ValueError, match=rf"delete the unpacked files there.*{FIX}"):
        load_mnist("test", unpacked)


def test_truncated_unpacked_file(unpacked: Path) -> None:
    path = unpacked / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    replace(path, path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=FIX):
        load_mnist("train", unpacked)


@pytest.mark.parametrize(("val_size", "n"), [(5000, 60_000), (1, 10), (9, 10)])
def test_splits_are_disjoint_and_together_everything(val_size: int, n: int) -> None:
    train, val = split_train_val(val_size, n)
    assert len(val) == val_size
    assert torch.cat([train, val]).sort().values.equal(torch.arange(n))


def test_validation_images_are_always_the_same_random_ones() -> None:
    torch.manual_seed(1)
    train, val = split_train_val(100, 1000)
    torch.manual_seed(2)
    again = split_train_val(100, 1000)
    assert train.equal(again[0])
    assert val.equal(again[1])
    assert 300 < float(val.float().mean()) < 700  # from everywhere, not from one end


@pytest.mark.parametrize("val_size", [-1, 0, 10, 11])
def test_val_size_out_of_bounds(val_size: int) -> None:
    with pytest.raises(ValueError, match=rf"val_size is {val_size}; .* 1 to 9"):
        split_train_val(val_size, 10)


def test_to_unit() -> None:
    images = torch.tensor([0, 51, 255], dtype=torch.uint8)
    unit = to_unit(images)
    assert unit.dtype == torch.float32
    assert torch.allclose(unit, torch.tensor([0, 0.2, 1]))
    assert images.tolist() == [0, 51, 255]


def test_normalize() -> None:
    ink = torch.tensor([0, MEAN, 1])
    assert torch.allclose(normalize(ink), torch.tensor([-0.42421, 0, 2.82149]), atol=1e-5)
