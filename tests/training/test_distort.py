import math
from typing import Any

import pytest
import torch
from torch import Tensor

from mnistcore.data import to_unit
from mnistcore.training.distort import distort

NONE = {"degrees": 0.0, "scale": 0.0, "shear": 0.0, "shift": 0.0, "elastic": 0.0}
SOME: dict[str, Any] = {"degrees": 15.0, "scale": 0.1, "shear": 0.2, "shift": 2.0, "elastic": 1.0}


def distorted(images: Tensor, seed: int = 0, **strengths: float) -> Tensor:
    return distort(images, torch.Generator().manual_seed(seed), **{**NONE, **strengths})


@pytest.fixture
def digits(few_images: Tensor) -> Tensor:
    return to_unit(few_images)


BLOB_X, BLOB_Y = 4.0, -6.0  # pixels right of and above the centre


def blobs() -> Tensor:
    """One round spot, 128 times: (128, 1, 28, 28)."""
    place = torch.arange(28) - 13.5
    spot = torch.exp(-((place - BLOB_X) ** 2 + (place[:, None] - BLOB_Y) ** 2) / 4)
    return spot.expand(128, 1, 28, 28)


def centres(images: Tensor) -> tuple[Tensor, Tensor]:
    """x and y of the centres of mass, each (N,), in pixels from the centre of the image."""
    place = torch.arange(28) - 13.5
    ink = images.sum((1, 2, 3))
    return (images.sum((1, 2)) * place).sum(1) / ink, (images.sum((1, 3)) * place).sum(1) / ink


def fills(values: Tensor, low: float, high: float) -> bool:
    """Whether the values lie in [low, high] and cover most of it."""
    slack = 0.02 * (high - low)
    inside = bool((values > low - slack).all() and (values < high + slack).all())
    return inside and float(values.max() - values.min()) > 0.9 * (high - low)


def test_zero_strengths_change_nothing(digits: Tensor) -> None:
    assert torch.allclose(distorted(digits), digits, atol=1e-5)


def test_same_generator_state_gives_the_same_images(digits: Tensor) -> None:
    assert distorted(digits, seed=3, **SOME).equal(distorted(digits, seed=3, **SOME))
    assert not distorted(digits, seed=3, **SOME).equal(distorted(digits, seed=4, **SOME))


def test_images_of_a_batch_are_distorted_differently(digits: Tensor) -> None:
    out = distorted(digits[:1].expand(64, -1, -1, -1), **SOME)
    assert len(out.flatten(1).unique(dim=0)) == 64


def test_shape_and_range(digits: Tensor) -> None:
    out = distorted(digits, **SOME)
    assert (out.shape, out.dtype) == (digits.shape, torch.float32)
    assert float(out.min()) >= 0
    assert float(out.max()) <= 1 + 1e-6


def test_background_fills_what_comes_in() -> None:
    out = distorted(torch.ones(64, 1, 28, 28), shift=10)
    assert float(out.amin((1, 2, 3)).median()) == 0
    assert float(out.amax()) == 1


def test_shift_is_in_pixels() -> None:
    x, y = centres(distorted(blobs(), shift=3))
    assert fills(x - BLOB_X, -3, 3)
    assert fills(y - BLOB_Y, -3, 3)
    assert abs(float(torch.corrcoef(torch.stack([x, y]))[0, 1])) < 0.3  # the axes are independent


def test_rotation_is_in_degrees_about_the_centre() -> None:
    out = distorted(blobs(), degrees=30)
    x, y = centres(out)
    assert torch.allclose(torch.hypot(x, y), torch.tensor(math.hypot(BLOB_X, BLOB_Y)), atol=0.05)
    turned = torch.rad2deg(torch.atan2(y, x)) - math.degrees(math.atan2(BLOB_Y, BLOB_X))
    assert fills(turned, -30, 30)


def test_rotation_keeps_the_ink(digits: Tensor) -> None:
    out = distorted(digits, degrees=30)
    assert torch.allclose(out.sum((1, 2, 3)), digits.sum((1, 2, 3)), rtol=0.05)


def test_the_axes_are_scaled_independently() -> None:
    x, y = centres(distorted(blobs(), scale=0.2))
    assert fills(BLOB_X / x, 0.8, 1.2)
    assert fills(BLOB_Y / y, 0.8, 1.2)
    assert not torch.allclose(x / BLOB_X, y / BLOB_Y, atol=0.1)


def test_shear_moves_along_the_rows() -> None:
    x, y = centres(distorted(blobs(), shear=0.3))
    assert torch.allclose(y, torch.tensor(BLOB_Y), atol=0.02)
    assert fills((x - BLOB_X) / BLOB_Y, -0.3, 0.3)


def test_more_elastic_changes_more(digits: Tensor) -> None:
    changes = [
        float((distorted(digits, elastic=strength) - digits).abs().mean())
        for strength in (0.25, 0.5, 1, 2)
    ]
    assert changes[0] > 0.001
    assert changes == sorted(changes)


def test_elastic_bends() -> None:
    line = torch.zeros(32, 1, 28, 28)
    line[..., 12:15] = 1
    rows = distorted(line, elastic=2)[:, 0]  # (N, H, W)
    centre = (rows * torch.arange(28)).sum(2) / rows.sum(2)  # (N, H), x of the line in each row
    ends = centre[:, :1] + (centre[:, -1:] - centre[:, :1]) * torch.linspace(0, 1, 28)
    assert float((centre - ends).abs().amax(1).median()) > 0.5  # not straight
