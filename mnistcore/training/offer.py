"""What the page offers to train on: MNIST, and the data of whoever runs it."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mnistcore.datasets import Dataset, load_data
from mnistcore.idx import IMAGES, LABELS, PREFIXES, to_idx
from mnistcore.training.choices import Choices, OwnData, form, parse_choices

Offer = tuple[dict[str, Any], Callable[[dict[str, Any]], Choices], Path | None]


def offer(data_dir: Path | None, folder: Path) -> Offer:
    """The page's form, what parses the answers to it, and where the data beside MNIST lies.

    Args:
        data_dir: one's own data, as :func:`mnistcore.datasets.load_data` takes it. None, or
            MNIST itself, offers MNIST alone.
        folder: a copy of it goes there, for the processes that train.

    Raises:
        FileNotFoundError, ValueError, OSError: the data cannot be used.
    """
    own = copy_data(data_dir, folder) if data_dir else None
    return form(own), partial(parse_choices, own=own), own.place if own else None


def copy_data(data_dir: Path, folder: Path) -> OwnData | None:
    """Write one's own data as files in MNIST's format; None if it is MNIST.

    So pictures are read and framed only once, not by each process. If no test images can be used,
    it has none; the reason is logged as a warning.

    Raises:
        FileNotFoundError, ValueError, OSError: the training images cannot be used, or the copy
            cannot be written.
    """
    train = load_data("train", data_dir)
    if train.is_mnist:
        return None
    place = folder / "data" / train.name  # the name goes with it
    place.mkdir(parents=True)
    _write(train, "train", place)
    try:
        test = load_data("test", data_dir)
    except (OSError, ValueError) as error:
        test = None
        logging.getLogger(__name__).warning("no test set: %s", error)
    if test:
        _write(test, "test", place)
    return OwnData(place, train.name, data_dir.resolve().name, len(train.labels), test is not None)


def _write(dataset: Dataset, split: str, place: Path) -> None:
    arrays = {IMAGES: dataset.images[:, 0], LABELS: dataset.labels}
    for kind, array in arrays.items():
        path = place / f"{PREFIXES[split][0]}-{kind}-ubyte"
        path.write_bytes(to_idx(array.byte().numpy()))
