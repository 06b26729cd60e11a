import numpy as np
import pytest

from mnistcore.benchmark.corruptions import CORRUPTIONS
from mnistcore.reading.picture import Plane


@pytest.fixture
def bar() -> Plane:
    image = np.zeros((28, 28), np.float32)
    image[6:22, 11:17] = 1
    return image


def corrupt(name: str, image: Plane, seed: int = 0) -> Plane:
    return CORRUPTIONS[name](image, np.random.default_rng(seed))


def test_there_are_fifteen() -> None:
    assert len(CORRUPTIONS) == 15


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_what_all_have_in_common(name: str, bar: Plane) -> None:
    before = bar.copy()
    image = corrupt(name, bar)
    np.testing.assert_array_equal(bar, before)
    assert image.shape == (28, 28)
    assert image.dtype == np.float32
    assert image.min() >= 0
    assert image.max() <= 1
    np.testing.assert_array_equal(image, corrupt(name, bar))
    changed = [not np.array_equal(corrupt(name, bar, seed), bar) for seed in range(5)]
    # Full white has so many photons that it may stay as it is.
    assert all(changed) or name in ("shot_noise", "spatter")
    assert any(changed)


def test_impulses(bar: Plane) -> None:
    changed = [(corrupt("impulse_noise", bar, seed) != bar).mean() for seed in range(20)]
    assert np.mean(changed) == pytest.approx(0.17 / 2, abs=0.01)  # half were that colour before


def test_places(bar: Plane) -> None:
    rows, columns = np.nonzero(corrupt("translate", bar) > 0.5)
    assert rows.min() in (3, 9)
    assert columns.min() in (8, 14)
    rows, columns = np.nonzero(corrupt("scale", bar) > 0.5)
    assert np.ptp(rows) + 1 == pytest.approx(0.7 * 16, abs=1)
    assert rows.mean() == pytest.approx(13.5, abs=0.5)
    slants = {}
    for name in ("rotate", "shear"):
        rows, columns = np.nonzero(corrupt(name, bar) > 0.5)
        slants[name] = abs(np.polyfit(rows, columns, 1)[0])
    assert slants["rotate"] == pytest.approx(np.tan(0.4), abs=0.1)
    assert slants["shear"] == pytest.approx(np.tan(0.4), abs=0.1)


def test_light(bar: Plane) -> None:
    assert corrupt("brightness", bar).min() == 0.5
    assert corrupt("fog", bar).mean() > bar.mean()
    np.testing.assert_array_equal(corrupt("stripe", bar)[:, :7], 1)
    np.testing.assert_array_equal(corrupt("stripe", bar)[:, 7:21], bar[:, 7:21])


def test_lines_are_added(bar: Plane) -> None:
    for name in ("dotted_line", "zigzag"):
        assert (corrupt(name, bar) >= bar).all()
        assert corrupt(name, np.zeros_like(bar)).any()


def test_edges_alone(bar: Plane) -> None:
    edges = corrupt("canny_edges", bar)
    assert set(np.unique(edges)) == {0, 1}
    assert edges[13, 14] == 0
