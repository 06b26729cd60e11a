"""The atlas of a net as plain data for the page's scripts."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistcore.atlas import EXTENT, Atlas, Atlases


def atlas_data(atlas: Atlas) -> dict[str, Any]:
    """The map: where each digit is, in ``extent`` steps, x and y in turn, and its label."""
    return {
        "extent": EXTENT,
        "places": _pack_whole(atlas.places.ravel() * EXTENT, "<u2"),
        "labels": _pack_whole(atlas.digits.labels, "u1"),
    }


def neighbours_data(atlases: Atlases, image: NDArray[np.float32], net: str) -> dict[str, Any]:
    """The training digits nearest to a digit, and its place on the map.

    Raises:
        FileNotFoundError, ValueError: as :meth:`Atlases.of`.
    """
    found = atlases.neighbours(image, net)
    images = atlases.of(net).digits.images
    return {
        "place": found.place,
        "usual": found.usual,
        "nearest": [
            {
                "index": int(index),
                "label": int(label),
                "distance": float(distance),
                "image": _pack_whole(images[index], "u1"),
            }
            for index, label, distance in zip(
                found.indices, found.labels, found.distances, strict=True
            )
        ],
    }


def digit_data(atlas: Atlas, index: int) -> dict[str, Any]:
    """One digit of an atlas.

    Raises:
        ValueError: there is no such digit.
    """
    images, labels = atlas.digits
    if not 0 <= index < len(images):
        raise ValueError(f"there is no digit {index}; the last is {len(images) - 1}")
    image = _pack_whole(images[index], "u1")
    return {"index": index, "label": int(labels[index]), "image": image}


def _pack_whole(numbers: NDArray[Any], kind: str) -> str:
    """Whole numbers as base64 of this type."""
    return base64.b64encode(np.round(numbers).astype(kind).tobytes()).decode()
