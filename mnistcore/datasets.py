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
from mnistcore.reading.recognizer import DIGIT, NOT_A_DIGIT, Digit, Recognizer
from mnistcore.results import MNIST, DataRecord

CLASSES = tuple("0123456789")  # names of a picture's folder, or in front of its own name
# Folders of pictures for training (False) and for the test (True), as data sets often have them.
IS_TEST = {"train": False, "training": False, "test": True, "testing": True}
TEST_EVERY = 5  # outside such folders, every fifth digit of a class, in file order, is for the test
HIDDEN = (".", "__MACOSX")  # begin the names of files that a system adds to a folder or a zip

Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # images (n, 28, 28) and labels (n,)


@dataclass(frozen=True, eq=False)
class Dataset:
    """One split of a data set."""

    name: str  # "MNIST", or that of the folder
    images: Tensor  # uint8 (n, 1, 28, 28), ink 255 on 0
    labels: Tensor  # int64 (n,), from 0 to 9
    notes: tuple[str, ...] = ()  # what was left out of pictures, or misread, one sentence each

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


def check_of_mnist(checkpoint: Mapping[str, Any]) -> None:
    """Refuse to adapt a net that was trained on other data than what it would be mixed with.

    Raises:
        ValueError: it was.
    """
    if (data := trained_on(checkpoint)["name"]) != MNIST:
        raise ValueError(
            f"{checkpoint['model']} was trained on {data}; only MNIST nets can be adapted"
        )


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
      framed as the reader frames them. A picture may show several digits of its class. A folder
      ``train`` or ``test`` above says what they are for. Without it, every fifth digit of a class,
      in the order of the files' names, is for the test, and the others are for training.

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
    notes: tuple[str, ...] = ()
    if any(find_idx(one, kind, place) for one in PREFIXES for kind in (IMAGES, LABELS)):
        images, labels = _from_idx(split, place)
    else:
        pictures = load_pictures(place)
        chosen = pictures.is_test == (split == "test")
        images, labels = pictures.images[chosen], pictures.labels[chosen]
        notes = pictures.notes
    classes = np.unique(labels).tolist()
    if not classes:
        raise ValueError(
            f"{place} has no {split} images; add some (of pictures, those in a folder named test, "
            f"or else every {TEST_EVERY}th digit of a class, are test images)"
        )
    if split == "train" and len(classes) == 1:
        raise ValueError(f"{place} has images of class {classes[0]} alone; a net needs two or more")
    return Dataset(
        name,
        torch.tensor(images).unsqueeze(1).to(device),
        torch.tensor(labels).long().to(device),
        notes,
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
    is_test: NDArray[np.bool_]  # (n,), whether they are for the test
    notes: tuple[str, ...]  # on files that are left out, wholly or in part, one sentence each


def load_pictures(place: Path) -> Pictures:
    """All digits of a folder, or a zip, of pictures by class; see :func:`load_data`.

    The notes are logged as warnings, too.

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
    pictures, errors = find_pictures([folder])
    for error in errors:
        raise error
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    labels = {name: _label(name) for name in files if not _is_hidden(name)}
    if not any(label is not None for label in labels.values()):
        raise ValueError(
            f"{place} holds no data; it needs pictures of digits, in folders 0 to 9 or named like "
            f"3_name.png. A data set may also be four files: {FILES}"
        )
    log = logging.getLogger(__name__)
    log.warning("reading %s files of %s", f"{len(labels):,}", place)
    recognizer = Recognizer(device="cpu")
    found: list[tuple[Plane, int, Path]] = []
    notes: list[str] = []
    readable = set(pictures)
    for name, label in labels.items():
        if label is None:
            remarks = ["is left out: it is not in a folder 0 to 9, nor named like 3_name.png"]
        elif folder / name not in readable:
            remarks = ["is left out: it is not a picture; save photographs as JPEG or PNG"]
        else:
            digits, remarks = _read_digits(recognizer, folder / name, label)
            found += [(digit, label, name) for digit in digits]
        for remark in remarks:
            notes.append(f"{name} {remark}")
            log.warning(notes[-1])
    if not found:
        raise ValueError(f"{place} has no digits: {notes[0]}")
    planes, classes, names = zip(*found, strict=True)
    images = np.rint(255 * np.stack(planes)).astype(np.uint8)
    fifth = each_fifth(np.array(classes))
    is_test = np.array(list(map(_is_test, names, fifth)))
    return Pictures(images, np.array(classes, np.uint8), is_test, tuple(notes))


def _is_hidden(name: Path) -> bool:
    return any(part.startswith(HIDDEN) for part in name.parts)


def _label(name: Path) -> int | None:
    """The class of a picture, by its path in the data folder; None without a class."""
    parts = (*reversed(name.parent.parts), name.stem.partition("_")[0])
    return next((int(part) for part in parts if part in CLASSES), None)


def _is_test(name: Path, default: bool) -> bool:
    """Whether a picture is for the test, by the folders it is in, if they say so."""
    parts = (part.lower() for part in reversed(name.parent.parts))
    return next((IS_TEST[part] for part in parts if part in IS_TEST), default)


def _read_digits(recognizer: Recognizer, path: Path, label: int) -> tuple[list[Plane], list[str]]:
    """The digits on a picture of one class, framed like MNIST's; and what is to be said of it."""
    try:
        reading = recognizer.read(path)
    except (ValueError, OSError) as error:
        return [], [f"is left out: {error}"]
    digits = [digit for digit in reading.digits if digit.verdict != NOT_A_DIGIT]
    if not digits:
        return [], [f"is left out: {reading.reason}"]
    sure = [digit.label for digit in digits if digit.verdict == DIGIT]
    misread = [str(one) for one in sure if one != label]
    if len(digits) > 1 and misread and 2 * len(misread) >= len(sure):  # hardly of its class
        text = reading.text.replace("\n", " / ")
        advice = "if they are misread, put each into a picture of its own"
        return [], [f"is left out: it shows {text}, not digits of its class alone; {advice}"]
    refused = [
        item.reason if isinstance(item, Digit) else f"read as {item.text}"
        for line in reading.lines
        for item in line
        if not isinstance(item, Digit) or item.verdict == NOT_A_DIGIT
    ]
    n, remarks = len(digits) + len(refused), []
    if refused:
        reasons = ", ".join(dict.fromkeys(refused))
        remarks.append(f"shows {n} digits, {len(refused)} of them left out: {reasons}")
    if len(digits) > 1 and misread:
        others = " or ".join(sorted(set(misread)))
        remarks.append(
            f"shows {n} digits, {len(misread)} of them read as {others}; all count as {label}"
        )
    return [digit.image for digit in digits], remarks
