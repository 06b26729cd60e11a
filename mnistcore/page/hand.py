"""A visitor's own digits as a zip of pictures, and back."""

import io
import re
from collections import Counter
from collections.abc import Iterable
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnistcore.data import SIDE

MOST_DIGITS = 500  # in a zip
MOST_BYTES = 10_000  # of a picture of 28x28 pixels, unpacked
NAME = re.compile(r"(?:.*/)?([0-9])_[^/]*\.png", re.IGNORECASE)

OwnDigit = tuple[int, NDArray[np.uint8]]  # its label and image (28, 28), ink 255 on 0


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
    except (BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise ValueError("This is not a zip that the page has exported.") from error


def _digit(png: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        if image.size != (SIDE, SIDE):
            raise ValueError(
                f"Its pictures must have {SIDE}x{SIDE} pixels, as the page exports them."
            )
        return np.asarray(image.convert("L"))
