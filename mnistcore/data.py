"""MNIST as tensors: its four files, the splits, and the one normalisation."""

import hashlib
import io
import logging
from contextlib import redirect_stdout, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mnistcore.files import ASSETS, cache_dir
from mnistcore.idx import IMAGES, LABELS, PREFIXES, find_idx, parse_idx, unpack

MEAN, STD = 0.1307, 0.3081  # of the 60,000 training images scaled to [0, 1]
SIDE, BOX = 28, 20  # pixels of an image's side; its digit fills a box of 20x20 (LeCun et al. 1998)
SIZES = {"train": 60_000, "test": 10_000}
SPLIT_SEED = 0  # of the validation split: the same images whatever the seed of a training
MD5 = {  # of MNIST's four original files, unpacked
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def load_mnist(
    split: str, data_dir: Path | str = ASSETS, device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """One of MNIST's two sets, whole, on a device.

    The files are read packed (``*-ubyte.gz``) or unpacked (``*-ubyte``), whichever are there, and
    must be MNIST's originals. Nothing is written to ``data_dir``. Only where the package was
    installed without the training set does torchvision download MNIST, into a cache folder.

    Args:
        split: "train" or "test".
        data_dir: the folder that holds ``MNIST/raw``.
        device: where the tensors go.

    Returns:
        images: uint8 (n, 1, 28, 28), ink 255 on 0; labels: int64 (n,).

    Raises:
        FileNotFoundError: ``data_dir`` does not exist or lacks one of the split's files.
        ValueError: a file is damaged, or holds something other than MNIST.
        OSError: a file cannot be read, or MNIST cannot be downloaded.
    """
    images = torch.tensor(mnist_images(split, data_dir)).unsqueeze(1)
    labels = torch.tensor(_read(split, LABELS, Path(data_dir)))
    return images.to(device), labels.long().to(device)


def mnist_images(split: str, data_dir: Path | str = ASSETS) -> NDArray[np.uint8]:
    """The images of one of MNIST's two sets, uint8 (n, 28, 28), ink 255 on 0; read-only.

    Arguments and errors are those of :func:`load_mnist`.
    """
    return _read(split, IMAGES, Path(data_dir))


def holds_mnist(split: str, data_dir: Path) -> bool:
    """Whether a data folder is the package's own, or its labels of a split are MNIST's originals.

    Raises:
        FileNotFoundError: ``data_dir`` does not exist.
        ValueError: the labels are damaged.
    """
    _check_exists(data_dir)
    labels = find_idx(split, LABELS, data_dir)
    return data_dir.resolve() == ASSETS or any(
        _is_original(unpack(path), split, LABELS) for path in labels
    )


def _read(split: str, kind: str, data_dir: Path) -> NDArray[np.uint8]:
    """One of MNIST's files as an array."""
    _check_exists(data_dir)
    found = find_idx(split, kind, data_dir)
    if not found and data_dir.resolve() == ASSETS:
        data_dir = cache_dir()
        found = find_idx(split, kind, data_dir)
        if not found:
            _download(data_dir)
            found = find_idx(split, kind, data_dir)
    if not found:
        raise FileNotFoundError(
            f"no {_name(split, kind)}.gz in {data_dir / 'MNIST' / 'raw'}; put MNIST's four "
            "original *-ubyte.gz files there, or leave out --data-dir"
        )
    content, *_ = [_original(path, split, kind, data_dir) for path in found]  # both must be intact
    return parse_idx(content, found[0])


def _check_exists(data_dir: Path) -> None:
    if not data_dir.exists():
        raise FileNotFoundError(f"data folder {data_dir} does not exist; give --data-dir a folder")


def _name(split: str, kind: str) -> str:
    return f"{PREFIXES[split][0]}-{kind}-ubyte"


def _is_original(content: bytes, split: str, kind: str) -> bool:
    return hashlib.md5(content, usedforsecurity=False).hexdigest() == MD5[_name(split, kind)]


def _original(path: Path, split: str, kind: str, data_dir: Path) -> bytes:
    """The unpacked content of one of MNIST's files.

    Raises:
        ValueError: it is not the original.
    """
    with suppress(ValueError):  # it cannot be unpacked: not the original either
        content = unpack(path)
        if _is_original(content, split, kind):
            return content
    if data_dir.resolve() == ASSETS:
        advice = (
            "delete it and run `git checkout -- assets/MNIST`, or, without a checkout, install "
            "mnistcore again"
        )
    elif data_dir == cache_dir():
        advice = "delete it, and MNIST is downloaded again"
    else:
        advice = "give --data-dir a folder of MNIST's four original files, or leave it out"
    raise ValueError(f"{path} is damaged or not MNIST's original; {advice}")


def _download(data_dir: Path) -> None:
    """Download MNIST's packed files, each whole or not at all.

    Raises:
        OSError: the network does not answer, or the folder cannot be written.
    """
    from torchvision.datasets import MNIST  # here: it takes as long to import as torch itself

    raw = data_dir / "MNIST" / "raw"
    logging.getLogger(__name__).warning("downloading MNIST (12 MB) to %s", raw)
    raw.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=raw) as folder:
        try:
            with redirect_stdout(io.StringIO()):  # each mirror that fails prints a line
                mnist = MNIST(folder, download=True)
        except (RuntimeError, OSError) as error:
            reason = str(error).partition("\n")[0].rstrip(":")
            raise OSError(
                f"MNIST cannot be downloaded ({reason}); connect to the network, or put its four "
                f"original *-ubyte.gz files into {raw}"
            ) from error
        for name in MD5:
            (Path(mnist.raw_folder) / f"{name}.gz").replace(raw / f"{name}.gz")


def split_train_val(val_size: int, n: int) -> tuple[Tensor, Tensor]:
    """Split ``n`` images into training and validation images.

    Args:
        val_size: how many images are held out: a random choice, always the same.
        n: size of the whole training set.

    Returns:
        int64 indices of shapes (n - val_size,) and (val_size,), both ascending.

    Raises:
        ValueError: ``val_size`` is not in 1 .. n - 1.
    """
    if not 0 < val_size < n:
        raise ValueError(f"val_size is {val_size}; it must be from 1 to {n - 1}")
    order = torch.randperm(n, generator=torch.Generator().manual_seed(SPLIT_SEED))
    return order[val_size:].sort().values, order[:val_size].sort().values


def to_unit(images: Tensor) -> Tensor:
    """uint8 images, ink 255 on 0 -> float32 ink in [0, 1], of the same shape."""
    return images.float().div_(255)


def normalize(images: Tensor) -> Tensor:
    """Ink in [0, 1] -> what the nets expect: zero mean and unit variance over the training set.

    Every input of a net goes through here.
    """
    return (images - MEAN) / STD
