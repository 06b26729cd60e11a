from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mnistcore.pens.edited import EDITS, edit, edited_digits


def test_same_seed_same_images(few: tuple[Tensor, Tensor]) -> None:
    images, labels = edited_digits(*few, 30, 3)
    assert (images.shape, images.dtype) == ((30, 1, 28, 28), torch.uint8)
    assert (labels.shape, labels.dtype) == ((30,), torch.int64)
    assert labels.bincount().tolist() == [10, 10, 0, 0, 0, 0, 0, 10]
    again, labels_again = edited_digits(*few, 30, 3)
    assert images.equal(again)
    assert labels.equal(labels_again)
    assert not images.equal(edited_digits(*few, 30, 4)[0])
    assert edited_digits(*few, 0, 0)[0].shape == (0, 1, 28, 28)


@pytest.mark.parametrize("label", EDITS)
def test_framed_as_mnist(few: tuple[Tensor, Tensor], label: int) -> None:
    images, labels = edited_digits(*few, 90, 0)
    for image in images[labels == label, 0].numpy():
        rows, columns = np.nonzero(image > 25)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
        weights = image.astype(float)
        for axis in (0, 1):
            centre = weights.sum(1 - axis) @ (np.arange(28) + 0.5) / weights.sum()
            assert centre == pytest.approx(14, abs=1.1)


def edited(digit: np.ndarray[Any, Any], label: int, seed: int) -> np.ndarray[Any, Any]:
    ink = edit(digit, label, np.random.default_rng(seed))
    assert ink is not None
    return ink


def ring() -> np.ndarray[Any, Any]:
    """A 0 with a line of 3 pixels."""
    rows, columns = np.mgrid[:28, :28] - 13.5
    away = np.abs(np.hypot(rows / 9, columns / 6) - 1)
    return np.asarray(away * 7 < 1.5, np.float32)


def test_a_slash_runs_through_the_0_from_lower_left_to_upper_right() -> None:
    """It leaves ink in the middle, and more of it upper right and lower left than before."""
    plain = ring()
    assert plain[13:15, 13:15].sum() == 0
    for seed in range(20):
        slashed = edited(plain, 0, seed)
        assert slashed[11:17, 11:17].max() > 0.8
        corners = slashed[:14, 14:], slashed[14:, :14], slashed[:14, :14], slashed[14:, 14:]
        right_up, left_down, left_up, right_down = (corner.sum() for corner in corners)
        assert right_up + left_down > left_up + right_down


def test_a_1_gets_a_flag_or_a_foot_or_both() -> None:
    plain = np.zeros((28, 28), np.float32)
    plain[4:24, 13:15] = 1
    kinds = set()
    for seed in range(40):
        ink = edited(plain, 1, seed) > 0.3
        rows = np.flatnonzero(ink.any(1))
        upper, lower = ink[: rows[-1] - 3], ink[rows[-1] - 3 :]
        widths = [int(np.ptp(np.flatnonzero(part.any(0)))) + 1 for part in (upper, lower)]
        kinds.add((widths[0] > 4, widths[1] > 5))
        assert max(widths) > 4
    assert kinds >= {(True, False), (False, True), (True, True)}


def test_a_bar_crosses_the_stem_of_a_7() -> None:
    plain = np.zeros((28, 28), np.float32)
    plain[4:6, 8:20] = 1
    for row in range(6, 24):
        plain[row, 19 - (row - 6) // 3 : 21 - (row - 6) // 3] = 1
    assert widest(plain) <= 3
    for seed in range(20):
        assert widest(edited(plain, 7, seed)) >= 6


def widest(ink: np.ndarray[Any, Any]) -> int:
    """The most columns with ink in a row from a third of its height to nine tenths."""
    rows = np.flatnonzero((ink > 0.4).any(1))
    top, height = rows[0], len(rows)
    part = ink[top + height // 3 : top + 9 * height // 10] > 0.4
    return int(part.sum(1).max())
