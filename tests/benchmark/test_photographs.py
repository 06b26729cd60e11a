import numpy as np
import pytest
from scipy import ndimage

from mnistcore.benchmark import photographs


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_photograph_shows_the_ink() -> None:
    ink = np.zeros((300, 400), np.float32)
    ink[100:200, 180:220] = 1
    for seed in range(6):
        picture = photographs.photograph(ink, rng(seed))
        assert picture.shape == (300, 400, 3)
        assert picture.dtype == np.uint8
        gray = picture.mean(2)
        beside = min(gray[130:170, 100:140].mean(), gray[130:170, 260:300].mean())
        assert gray[130:170, 190:210].mean() < 0.85 * beside
    np.testing.assert_array_equal(picture, photographs.photograph(ink, rng(5)))


def test_tilt_looks_at_the_middle_and_never_beyond_the_paper() -> None:
    rgb = np.ones((500, 500, 3), np.float32)
    for seed in range(20):
        assert photographs.tilt(rgb, 400, 400, rng(seed)).min() > 0.99  # outside is 0
    rgb[240:260, 240:260] = 0
    seen = photographs.tilt(rgb, 400, 400, rng())
    row, column = ndimage.center_of_mass(1 - seen[:, :, 0])
    assert (row, column) == pytest.approx((200, 200), abs=20)


def test_light_is_a_part_of_the_light() -> None:
    for seed in range(20):
        arriving = photographs.light(80, 120, rng(seed))
        assert arriving.shape == (80, 120)
        assert arriving.min() > 0
        assert arriving.max() <= 1


def test_sheets_of_every_kind() -> None:
    spreads = [photographs.sheet(200, 300, rng(seed)).std() for seed in range(20)]
    assert min(spreads) > 0
    assert max(spreads) > 2 * min(spreads)  # lines and squares


def test_jpeg_loses_with_the_quality() -> None:
    picture = rng().integers(0, 256, (64, 64, 3)).astype(np.uint8)
    losses = [
        np.abs(photographs.jpeg(picture, quality).astype(int) - picture).mean()
        for quality in (95, 10)
    ]
    assert losses[0] < losses[1]
