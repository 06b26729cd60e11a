"""A visitor's own digits: as the page sends them, and as a zip of pictures."""

import base64
import io
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnistcore.data import SIDE

MOST_DIGITS = 500  # of a visitor
MOST_BYTES = 10_000  # of a picture of 28x28 pixels, unpacked
NAME = re.compile(r"(?:.*/)?([0-9])_[^/]*\.png", re.IGNORECASE)

OwnDigit = tuple[int, NDArray[np.uint8]]  # its label and image (28, 28), ink 255 on 0


def parse_digits(given: Sequence[dict[str, Any]]) -> list[OwnDigit]:
    """The digits that the page sends: of each a ``label`` and an ``image``, base64 of uint8.

    Raises:
        ValueError: there are too many, or one is not a digit; the page sends no such.
    """
    if len(given) > MOST_DIGITS:
        raise ValueError(f"there are {len(given)} digits; {MOST_DIGITS} are allowed")
    return [(_label(one["label"]), _ink(one["image"])) for one in given]


def _label(label: Any) -> int:
    if label not in range(10):
        raise ValueError(f"label is {label}; it must be from 0 to 9")
    return int(label)


def _ink(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(SIDE, SIDE)


def pack_digits(digits: Iterable[OwnDigit]) -> bytes:
    """A zip of one PNG for each digit, named by its label: 3_001.png, 3_002.png."""
    counts: Counter[int] = Counter()
    content = io.BytesIO()
    with ZipFile(content, "w") as archive:
        for label, image in digits:
            counts[label] += 1
            png = io.BytesIO()
            Image.fromarray(image).save(png, "png")
            archive.writestr(f"{label}_{counts[label]:03d}.png", png.getvalue())
    return content.getvalue()


def unpack_digits(content: bytes) -> list[OwnDigit]:
    """The digits in a zip that :func:`pack_digits` made.

    Raises:
        ValueError: it is another file; the message is a sentence for the visitor.
    """
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            files = [file for file in archive.infolist() if NAME.fullmatch(file.filename)]
            if not 0 < len(files) <= MOST_DIGITS or any(f.file_size > MOST_BYTES for f in files):
                raise ValueError(
                    f"The zip must hold 1 to {MOST_DIGITS} small pictures, named like 3_001.png."
                )
            return [
                (int(file.filename.split("/")[-1][0]), _digit(archive.read(file))) for file in files
            ]
    except (
        BadZipFile,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
        SyntaxError,  # Pillow's, of a broken PNG
        zlib.error,
        lzma.LZMAError,
    ) as error:
        raise ValueError("This is not a zip that the page has exported.") from error


def _digit(png: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        if image.size != (SIDE, SIDE):
            raise ValueError(
                f"Its pictures must have {SIDE}x{SIDE} pixels, as the page exports them."
            )
        return np.asarray(image.convert("L"))
