import io
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image

from mnistcore import figures
from mnistcore.reading.recognizer import read

Colour = tuple[int, int, int]
BLUE, ORANGE, GREEN = (31, 119, 180), (255, 127, 14), (44, 160, 44)  # matplotlib's first lines


def opened(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    return image.convert("RGB")


def colours(png: bytes) -> Counter[Colour]:
    """Pixels of each colour."""
    red, green, blue = np.asarray(opened(png)).reshape(-1, 3).T.astype(int)
    values, counts = np.unique(red << 16 | green << 8 | blue, return_counts=True)
    return Counter(
        {
            (v >> 16, v >> 8 & 255, v & 255): n
            for v, n in zip(values.tolist(), counts.tolist(), strict=True)
        }
    )


def scale_colour(value: float, limit: float) -> Colour:
    """What RdBu_r shows for a value on a scale from -limit to limit."""
    r, g, b, _ = colormaps["RdBu_r"]((value + limit) / (2 * limit), bytes=True)
    return int(r), int(g), int(b)


def flat_maps(*values: float) -> np.ndarray:
    return np.stack([np.full((24, 24), value, np.float32) for value in values])


def history(epochs: int, start: float = 0.03) -> list[dict[str, float]]:
    """Errors that fall from ``start``; those of training are larger than those of validation."""
    errors = [start / epoch for epoch in range(1, epochs + 1)]
    return [
        {"loss": 9 * e, "val_loss": 4 * e, "accuracy": 1 - 1.5 * e, "val_accuracy": 1 - e}
        for e in errors
    ]


def test_every_map_is_drawn() -> None:
    values = (-1, -0.6, -0.2, 0.2, 0.6, 1)
    found = colours(figures.feature_maps(flat_maps(*values), 1, "conv1"))
    areas = [found[scale_colour(value, 1)] for value in values]
    assert min(areas) > 0.9 * max(areas) > 5000  # pixels; the bar at the side has fewer


def test_blue_is_below_zero_and_red_above() -> None:
    for value in (-0.7, 0.7):
        found = colours(figures.feature_maps(flat_maps(value), 1, "conv1"))
        del found[255, 255, 255]
        (r, _, b), _ = found.most_common(1)[0]
        assert (r > b) == (value > 0)


@pytest.mark.parametrize("others", [(-0.1, 0.1), (-4.0, 4.0)], ids=["faint", "strong"])
def test_a_value_has_one_colour_in_all_layers(others: tuple[float, float]) -> None:
    found = colours(figures.feature_maps(flat_maps(1, *others), 4, "conv1"))
    assert found[scale_colour(1, 4)] > 5000


@pytest.mark.parametrize("shape", [(512, 4, 4), (48, 1, 1), (1, 28, 28)])
def test_maps_of_every_layer_fit(shape: tuple[int, int, int]) -> None:
    width, height = opened(figures.feature_maps(np.ones(shape, np.float32), 1, "conv")).size
    assert width == 990
    assert 200 <= height <= 1200


def test_maps_without_any_activity() -> None:
    opened(figures.feature_maps(flat_maps(0, 0), 0, "conv1+relu"))


def test_accuracy_over_epochs_of_different_length() -> None:
    histories = {"A": history(20), "B": history(10, 0.1), "C": history(5, 0.3)}
    found = colours(figures.accuracy_over_epochs(histories))
    assert found[BLUE] > found[ORANGE] > found[GREEN] > 100  # a line in the legend has 60


def test_perfect_accuracy_has_a_place_on_the_logarithmic_axis() -> None:
    perfect = [{"val_accuracy": accuracy} for accuracy in (0.9, 1.0, 1.0)]
    assert colours(figures.accuracy_over_epochs({"A": perfect}))[BLUE] > 500


def test_curves_show_training_and_validation() -> None:
    found = colours(figures.curves("LeNet", history(20)))
    assert found[BLUE] > 500
    assert found[ORANGE] > 500


def test_one_epoch_is_a_point() -> None:
    found = colours(figures.accuracy_over_epochs({"A": history(1), "B": history(1, 0.1)}))
    in_legend = colours(figures.accuracy_over_epochs({"A": [], "B": []}))
    assert found[BLUE] > in_legend[BLUE]
    assert found[ORANGE] > in_legend[ORANGE]


@pytest.fixture
def figure(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are drawn, before they become PNG."""
    drawn: list[Figure] = []
    png = figures._png

    def keep(one: Figure) -> bytes:
        drawn.append(one)
        return png(one)

    monkeypatch.setattr(figures, "_png", keep)
    return drawn


@pytest.mark.parametrize("epochs", [1, 3])
def test_the_curves_of_a_short_training_lie_inside_the_axes(
    figure: list[Figure], epochs: int
) -> None:
    short = history(epochs, 0.6)  # from an accuracy of 10 %, as good as guessing
    figures.curves("LeNet", short)
    figures.accuracy_over_epochs({"LeNet": short, "MyNetV1": history(20)})
    for axes in (axes for one in figure for axes in one.axes):
        assert len(axes.lines) == 2
        for line in axes.lines:
            x, y = (np.asarray(data, float) for data in line.get_data())
            low, high = sorted(axes.get_ylim())
            assert low < y.min() <= y.max() < high
            assert axes.get_xlim()[0] < x.min() <= x.max() < axes.get_xlim()[1]


@pytest.mark.parametrize("count", [1, 8, 30])
def test_a_long_reason_stays_on_the_picture(figure: list[Figure], count: int) -> None:
    page = np.full((60, 90), 255, np.uint8)
    reason = "; ".join(f"digit {k}: the nets disagree: 4 or 9" for k in range(count))
    figures.reading_steps(replace(read(page), reason=reason))
    (one,) = figure
    (title,) = one.texts
    box = title.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= one.bbox.width
    assert box.y1 <= one.bbox.height
    for axes in one.axes:
        assert axes.title.get_window_extent().y1 <= box.y0
        assert axes.get_window_extent().height > 80


def test_confusion_matrix_colours_the_errors_alone() -> None:
    confusion = np.diag(np.arange(950, 1050, 10))
    r, g, b, _ = colormaps["Oranges"](1.0, bytes=True)
    most = int(r), int(g), int(b)
    assert not colours(figures.confusion_matrix("LeNet", confusion.tolist()))[most]
    confusion[3, 5] = 4
    one_of_100 = colours(figures.confusion_matrix("LeNet", confusion.tolist()))[most]
    assert one_of_100 > 500
    other_digits = [d for d in range(10) if d not in (3, 5)]
    confusion[other_digits] = 0
    one_of_4 = colours(figures.confusion_matrix("LeNet on ours", confusion.tolist()))[most]
    assert one_of_4 > 15 * one_of_100  # digits that do not occur have no rows and columns


def misread(*shades: int) -> list[dict[str, Any]]:
    """One entry for each of these SHADES, each surer than the one before."""
    return [{"index": shade, "label": 4, "pred": 9, "prob": 0.5 + shade / 1000} for shade in shades]


SHADES = np.arange(128, dtype=np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2)


@pytest.mark.parametrize("n", [0, 1, 30])
def test_misread_digits_are_all_drawn(n: int) -> None:
    shades = range(4, 4 + 4 * n, 4)
    found = colours(figures.misread_digits("LeNet", SHADES, misread(*shades)))
    assert all(found[shade, shade, shade] > 1000 for shade in shades)


def test_the_surest_of_too_many_misread_digits_are_drawn() -> None:
    found = colours(figures.misread_digits("LeNet", SHADES, misread(40, 60, 80), most=2))
    assert [found[shade, shade, shade] > 1000 for shade in (40, 60, 80)] == [False, True, True]


def test_gray_picture_is_not_stretched() -> None:
    found = colours(figures.gray_picture(np.full((28, 28), 0.5, np.float32), "picture"))
    assert sum(found[gray, gray, gray] for gray in (127, 128)) > 10_000
