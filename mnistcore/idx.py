"""Data sets in the format of MNIST's four files, IDX: where they are, and what is in them.

References:
    LeCun, Cortes, Burges: The MNIST database of handwritten digits, "file formats".
"""

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

IMAGES, LABELS = "images-idx3", "labels-idx1"
PREFIXES = {"train": ("train",), "test": ("t10k", "test")}  # of a split's file names
PLACES = ("MNIST/raw", "raw", ".")  # in a data folder; torchvision keeps MNIST in the first
FILES = "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz and the same two of t10k"
HEADER = b"\0\0\x08"  # two zero bytes, and the type: uint8


def find_idx(split: str, kind: str, data_dir: Path) -> list[Path]:
    """The forms of one file of a data set, packed before unpacked; none if it is not there.

    A name may say more in front, as EMNIST's do, and have a dot instead of a hyphen.
    Hidden files are skipped: macOS adds ``._train-images-idx3-ubyte`` to some disks and zips.

    Raises:
        ValueError: there are several such files.
    """
    kind = kind.replace("-", "?")  # train-images.idx3-ubyte, as some programs unpack it
    for folder in (data_dir / place for place in PLACES):
        found = [
            path
            for form in (".gz", "")
            for prefix in PREFIXES[split]
            for path in folder.glob(f"*{prefix}-{kind}-ubyte{form}")
            if path.is_file() and not path.name.startswith(".")
        ]
        names = sorted({path.name.removesuffix(".gz") for path in found})
        if len(names) > 1:
            raise ValueError(
                f"{folder} holds {' and '.join(names)}; keep the files of one data set in a folder"
            )
        if found:
            return found
    return []


def unpack(path: Path) -> bytes:
    """The unpacked content of a file.

    Raises:
        ValueError: it is damaged.
    """
    content = path.read_bytes()
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is damaged: it cannot be unpacked; copy it again") from error


def to_idx(array: NDArray[np.uint8]) -> bytes:
    """The unpacked content of a file that holds an array."""
    shape = np.array(array.shape, ">i4")
    return HEADER + bytes([array.ndim]) + shape.tobytes() + array.tobytes()


def parse_idx(content: bytes, path: Path) -> NDArray[np.uint8]:
    """The array of bytes that an unpacked file holds; read-only.

    Raises:
        ValueError: it holds something else, or not all of it.
    """
    axes = content[3] if content.startswith(HEADER) and len(content) > 3 else 0
    start = 4 + 4 * axes
    if not axes or len(content) < start:
        raise ValueError(f"{path} is damaged or not an IDX file of bytes; copy it again")
    shape = np.frombuffer(content, ">i4", count=axes, offset=4)
    if shape.min() < 0 or len(content) - start != np.prod(shape, dtype=np.int64):
        raise ValueError(
            f"{path} is damaged: its header says {' x '.join(map(str, shape))} bytes, and "
            f"{len(content) - start} follow; copy it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
