"""The data set in a folder: MNIST, four files like its own, or pictures of digits by class."""

import logging
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mnistcore.data import SIDE, SIZES, holds_mnist, load_mnist
from mnistcore.files import ASSETS
from mnistcore.idx import FILES, IMAGES, LABELS, PREFIXES, find_idx, parse_idx, unpack
from mnistcore.predict import find_pictures
from mnistcore.reading.picture import Plane
from mnistcore.reading.recognizer import DIGIT, NOT_A_DIGIT, Recognizer
from mnistcore.results import MNIST, DataRecord

CLASSES = tuple("0123456789")  # names of a picture's folder, or in front of its own name
TEST_EVERY = 5  # of the digits of a class, in the order of their files, each fifth is for the test
HIDDEN = (".", "__MACOSX")  # begin the names of files that a system adds to a folder or a zip

Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # images (n, 28, 28) and labels (n,)


@dataclass(frozen=True, eq=False)
class Dataset:
    """One split of a data set."""

    name: str  # "MNIST", or that of the folder
    images: Tensor  # uint8 (n, 1, 28, 28), ink 255 on 0
    labels: Tensor  # int64 (n,), from 0 to 9
    left_out: tuple[str, ...] = ()  # pictures that show no readable digit, one sentence each

    @property
    def is_mnist(self) -> bool:
        """Whether it is MNIST, with its original files."""
        return self.name == MNIST

    @property
    def record(self) -> DataRecord:
        """What checkpoints and results say about it."""
        classes = self.labels.unique().tolist()  # ascending
        return {"name": self.name, "classes": classes, "n": len(self.labels)}


def trained_on(checkpoint: Mapping[str, Any]) -> DataRecord:
    """The record of the training images of a checkpoint; those of earlier versions are MNIST's."""
    mnist: DataRecord = {"name": MNIST, "classes": list(range(10)), "n": SIZES["train"]}
    found: DataRecord = checkpoint.get("data", mnist)
    return found


def titled(net: str, data: str) -> str:
    """The name of a net in a figure, with that of its data, unless that is MNIST."""
    words = data.replace("$", r"\$")  # matplotlib takes what two dollars enclose for a formula
    return net if data == MNIST else f"{net} on {words}"


def data_name(data_dir: Path | str, split: str = "train") -> str:
    """What reports call one split of the data set in a folder: MNIST, or the folder's name.

    Errors are those of :func:`mnistcore.data.holds_mnist`.
    """
    if holds_mnist(split, Path(data_dir)):
        return MNIST
    path = Path(data_dir).resolve()
    name = path.stem if path.is_file() else path.name
    return f"{path.parent.name}/{name}" if name == MNIST else name


def load_data(
    split: str, data_dir: Path | str = ASSETS, device: torch.device | str = "cpu"
) -> Dataset:
    """One split of the data set in a folder, whole, on a device. Nothing is written to the folder.

    ``data_dir`` is one of three kinds:

    - MNIST's four original files; see :func:`mnistcore.data.load_mnist`.
    - Four files in the same format, IDX, with images of 28x28 and labels from 0 to 9, of any
      number, packed or not, in ``data_dir``, its ``raw`` or its ``MNIST/raw``. EMNIST's, which are
      stored transposed, are turned.
    - Pictures of digits, in folders 0 to 9 or named like ``3_name.png``; or a zip of them. They are
      framed as the reader frames them. A picture may show several digits of its class. Of the
      digits of a class, in the order of the files' names, each fifth is for the test, and the
      others for training.

    Args:
        split: "train" or "test".
        data_dir: the folder, or a zip of pictures.
        device: where the tensors go.

    Raises:
        FileNotFoundError: ``data_dir`` does not exist or lacks one of the split's files.
        ValueError: there are no images, those for training are of one class, images are not 28x28,
            labels are out of range, not every image has one, or a file is damaged.
        OSError: a file cannot be read, or MNIST cannot be downloaded.
    """
    place, name = Path(data_dir), data_name(data_dir, split)
    if name == MNIST:
        return Dataset(MNIST, *load_mnist(split, place, device))
    left_out: tuple[str, ...] = ()
    if any(find_idx(one, kind, place) for one in PREFIXES for kind in (IMAGES, LABELS)):
        images, labels = _from_idx(split, place)
    else:
        pictures = load_pictures(place)
        chosen = each_fifth(pictures.labels) == (split == "test")
        images, labels = pictures.images[chosen], pictures.labels[chosen]
        left_out = pictures.left_out
    classes = np.unique(labels).tolist()
    if not classes:
        raise ValueError(
            f"{place} has no {split} images; add some (of pictures, every {TEST_EVERY}th digit of "
            "a class is a test image)"
        )
    if split == "train" and len(classes) == 1:
        raise ValueError(f"{place} has images of class {classes[0]} alone; a net needs two or more")
    return Dataset(
        name,
        torch.tensor(images).unsqueeze(1).to(device),
        torch.tensor(labels).long().to(device),
        left_out,
    )


def _from_idx(split: str, data_dir: Path) -> Arrays:
    """One split of four files in MNIST's format."""
    images, labels = (_idx_array(split, kind, data_dir) for kind in (IMAGES, LABELS))
    if images.shape[1:] != (SIDE, SIDE):
        shape = " x ".join(map(str, images.shape))
        raise ValueError(
            f"the {split} images of {data_dir} are {shape}; they must be n x {SIDE} x {SIDE}"
        )
    if labels.shape != images.shape[:1]:
        raise ValueError(
            f"{data_dir} has {len(images)} {split} images and {labels.size} labels; every image "
            "needs one"
        )
    if len(labels) and labels.max() >= len(CLASSES):
        raise ValueError(
            f"the {split} labels of {data_dir} are from {labels.min()} to {labels.max()}; they "
            f"must be from 0 to {len(CLASSES) - 1}"
        )
    return images, labels


def _idx_array(split: str, kind: str, data_dir: Path) -> NDArray[np.uint8]:
    found = find_idx(split, kind, data_dir)
    if not found:
        raise FileNotFoundError(
            f"{data_dir} has no {split} {kind.partition('-')[0]}; a data set has four files: "
            f"{FILES}"
        )
    array = parse_idx(unpack(found[0]), found[0])
    is_emnist = found[0].name.startswith("emnist")
    return array.swapaxes(1, 2).copy() if is_emnist and kind == IMAGES else array


class Pictures(NamedTuple):
    """The digits of a folder of pictures."""

    images: NDArray[np.uint8]  # (n, 28, 28), ink 255 on 0, framed like MNIST
    labels: NDArray[np.uint8]  # (n,), from 0 to 9
    left_out: tuple[str, ...]  # pictures that show no readable digit, one sentence each


def load_pictures(place: Path) -> Pictures:
    """All digits of a folder, or a zip, of pictures by class; see :func:`load_data`.

    Pictures that are left out are logged as warnings, too.

    Raises:
        FileNotFoundError: there is no such folder or zip.
        ValueError: it has no digits, or is not a zip that can be read.
        OSError: it cannot be read.
    """
    if not place.exists():
        raise FileNotFoundError(f"{place} does not exist; give a folder or a zip of pictures")
    return _read_pictures(place, _state(place))


def each_fifth(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the digits (n,) is a fifth of its class, in their order: it is not trained on."""
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        chosen[np.flatnonzero(labels == label)[TEST_EVERY - 1 :: TEST_EVERY]] = True
    return chosen


def _state(place: Path) -> tuple[tuple[str, int, int], ...]:
    """A folder's or a zip's files, with times and sizes: if equal, it need not be read again."""
    found = [(path, path.stat()) for path in (place, *place.rglob("*")) if path.is_file()]
    return tuple(sorted((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in found))


@lru_cache(maxsize=1)  # a training asks for the same pictures up to three times
def _read_pictures(place: Path, state: object) -> Pictures:
    """The digits of a folder, or of a zip, that is in a given state."""
    if place.is_dir():
        return _read_folder(place, place)
    with TemporaryDirectory() as folder:
        try:
            with ZipFile(place) as archive:
                archive.extractall(folder)
        except (BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # the last: a password
            raise ValueError(f"{place} is neither a folder nor a zip that can be read") from error
        return _read_folder(Path(folder), place)


def _read_folder(folder: Path, place: Path) -> Pictures:
    """The digits of a folder, which holds what the user calls ``place``."""
    paths, errors = find_pictures([folder])
    for error in errors:
        raise error
    paths = [path for path in paths if not _is_hidden(path.relative_to(folder))]
    if not paths:
        raise ValueError(
            f"{place} holds no data; it needs pictures of digits, in folders 0 to 9 or named like "
            f"3_name.png. A data set may also be four files: {FILES}"
        )
    log = logging.getLogger(__name__)
    log.warning("reading %s pictures of %s", f"{len(paths):,}", place)
    recognizer = Recognizer(device="cpu")
    found: list[tuple[Plane, int]] = []
    left_out: list[str] = []
    for path in paths:
        name = path.relative_to(folder)
        label = _label(name)
        digits: list[Plane] = []
        reason = "it is not in a folder 0 to 9, nor named like 3_name.png"
        if label is not None:
            digits, reason = _read_digits(recognizer, path, label)
            found += [(digit, label) for digit in digits]
        if not digits:
            left_out.append(f"{name} is left out: {reason}")
            log.warning(left_out[-1])
    if not found:
        raise ValueError(f"{place} has no digits: {left_out[0]}")
    planes, labels = zip(*found, strict=True)
    images = np.rint(255 * np.stack(planes)).astype(np.uint8)
    return Pictures(images, np.array(labels, np.uint8), tuple(left_out))


def _is_hidden(name: Path) -> bool:
    return any(part.startswith(HIDDEN) for part in name.parts)


def _label(name: Path) -> int | None:
    """The class of a picture, by its path in the data folder; None without a class."""
    parts = (*reversed(name.parent.parts), name.stem.partition("_")[0])
    return next((int(part) for part in parts if part in CLASSES), None)


def _read_digits(recognizer: Recognizer, path: Path, label: int) -> tuple[list[Plane], str]:
    """The digits on a picture of one class, framed like MNIST's; or why there are none."""
    try:
        reading = recognizer.read(path)
    except (ValueError, OSError) as error:
        return [], str(error)
    digits = [digit for digit in reading.digits if digit.verdict != NOT_A_DIGIT]
    if not digits:
        return [], reading.reason
    sure = {digit.label for digit in digits if digit.verdict == DIGIT}
    if len(digits) > 1 and sure - {label}:
        text = reading.text.replace("\n", " / ")
        return [], f"it shows {text}; a picture must show digits of its class alone"
    return [digit.image for digit in digits], ""
