"""MNIST as tensors: the four embedded files, the splits, and the one normalisation."""

import hashlib
import zlib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from mnistcore.files import ASSETS

MEAN, STD = 0.1307, 0.3081  # of the 60,000 training images scaled to [0, 1]
SIDE, BOX = 28, 20  # pixels of an image's side; its digit fills a box of 20x20 (LeCun et al. 1998)
SIZES = {"train": 60_000, "test": 10_000}
SPLIT_SEED = 0  # of the validation split: the same images whatever the seed of a training


def load_mnist(
    split: str, data_dir: Path | str = ASSETS, device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """One of MNIST's two sets, whole, on a device.

    The files are checked against their md5 and unpacked beside themselves once; only where they
    are gone does torchvision download them.

    Args:
        split: "train" or "test".
        data_dir: the folder that holds ``MNIST/raw/*.gz``.
        device: where the tensors go.

    Returns:
        images: uint8 (n, 1, 28, 28), ink 255 on 0; labels: int64 (n,).

    Raises:
        FileNotFoundError: ``data_dir`` does not exist.
        ValueError: a file is missing, truncated or altered and could not be had anew.
    """
    from torchvision.datasets import MNIST  # here: it takes as long to import as torch itself

    data_dir = Path(data_dir)
    raw = data_dir / "MNIST" / "raw"
    if not data_dir.is_dir():
        raise FileNotFoundError(f"data folder {data_dir} does not exist; give --data-dir a folder")
    try:
        mnist = MNIST(str(data_dir), train=split == "train", download=True)
        _check_files(raw, MNIST.resources)
        if mnist.data.shape != (SIZES[split], 28, 28) or len(mnist.targets) != SIZES[split]:
            raise ValueError(f"{split} set of shape {tuple(mnist.data.shape)}")
    except (
        RuntimeError,
        OSError,
        ValueError,
        TypeError,
        KeyError,
        AssertionError,
        EOFError,
    ) as error:
        reason = str(error).strip().split("\n", 1)[0] or "truncated or altered"
        raise ValueError(
            f"MNIST in {raw} cannot be read ({reason}); delete the unpacked files there and "
            "restore the four *-ubyte.gz files, for the embedded set with "
            "`git checkout -- assets/MNIST`"
        ) from error
    return mnist.data.unsqueeze(1).to(device), mnist.targets.to(device)


def _check_files(raw: Path, resources: Sequence[tuple[str, str]]) -> None:
    """Hold the packed files against their md5 and the unpacked ones against the packed."""
    for name, md5 in resources:
        packed = raw / name
        if not packed.exists():
            continue
        content = packed.read_bytes()
        if hashlib.md5(content).hexdigest() != md5:
            raise ValueError(f"{name} is truncated or altered")
        crc32 = int.from_bytes(content[-8:-4], "little")  # RFC 1952, 2.3.1
        if zlib.crc32(packed.with_suffix("").read_bytes()) != crc32:
            raise ValueError(f"{packed.stem} is not what {name} unpacks to")


def split_train_val(val_size: int, n: int) -> tuple[Tensor, Tensor]:
    """Indices of the training and of the validation images, disjoint, together all ``n``.

    Args:
        val_size: how many images are held out, drawn at random, always the same ones.
        n: size of the whole training set.

    Returns:
        int64 indices (n - val_size,) and (val_size,), both ascending.

    Raises:
        ValueError: ``val_size`` is not in 1 .. n - 1.
    """
    if not 0 < val_size < n:
        raise ValueError(f"val_size is {val_size}; it must be from 1 to {n - 1}")
    order = torch.randperm(n, generator=torch.Generator().manual_seed(SPLIT_SEED))
    return order[val_size:].sort().values, order[:val_size].sort().values


def to_unit(images: Tensor) -> Tensor:
    """uint8 images (ink 255 on 0) -> float32 in [0, 1]."""
    return images.float().div_(255)


def normalize(images: Tensor) -> Tensor:
    """Ink in [0, 1] -> what the nets expect: zero mean and unit variance over the training set.

    Whatever feeds a net goes through here.
    """
    return (images - MEAN) / STD
