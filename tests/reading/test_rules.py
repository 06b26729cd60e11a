import numpy as np
import pytest

from mnistcore.reading.rules import find_rules, without_rules


def drawn(slope: float, bend: float = 0) -> np.ndarray:
    """A line of 3 pixels from side to side, crossed by a stroke of 9 and hidden by one along it."""
    rows, columns = np.mgrid[:120, :400]
    middle = 60 + slope * (columns - 200) + bend * np.sin(columns / 400 * np.pi)
    return np.asarray(np.abs(rows - middle) <= 1)


@pytest.mark.parametrize("slope", [-0.08, 0, 0.005, 0.05])
@pytest.mark.parametrize("upright", [False, True])
def test_a_line_is_followed_and_the_strokes_over_it_stay(slope: float, upright: bool) -> None:
    line = drawn(slope, bend=1.5)
    strokes = np.zeros_like(line)
    strokes[20:110, 100:109] = True
    strokes[45:75, 250:330] = True
    mask = (line | strokes).T if upright else line | strokes
    (found,) = (one for one in find_rules(mask, upright) if one.length > 300)
    assert found.length == 400
    assert found.thickness == pytest.approx(3, abs=1)
    assert found.at(200) == pytest.approx(60 + 1, abs=2)
    rest = without_rules(mask, [found])
    rest = rest.T if upright else rest
    assert not (strokes & ~rest).any()
    assert (rest & ~strokes).sum() < 0.05 * line.sum()


def test_steeper_lines_and_dashes_are_not_lines_of_paper() -> None:
    assert not any(one.length > 100 for one in find_rules(drawn(0.15), upright=False))
    dashes = drawn(0)
    dashes[:, np.arange(400) % 100 > 50] = False
    assert not any(one.length > 100 for one in find_rules(dashes, upright=False))
    assert find_rules(np.zeros((5, 5), bool), upright=True) == []


def test_a_zigzag_is_no_line() -> None:
    """All of it is far from the straight line through it."""
    zigzag = np.zeros((30, 40), bool)
    zigzag[10:14, ::2] = True
    zigzag[14:18, 1::2] = True
    assert find_rules(zigzag, upright=False) == []


@pytest.mark.parametrize("above", [4, 5, 6])
def test_a_dash_beside_a_line_is_no_part_of_it(above: int) -> None:
    """Left of it the line was bent towards the dash, and so not found where it is."""
    line, strokes = drawn(0), np.zeros((120, 400), bool)
    for column in range(80, 121):
        middle = 60 - above - (column - 80) // 20
        strokes[middle - 4 : middle + 5, column] = True
    strokes[20:110, 137:146] = True
    (found,) = (one for one in find_rules(line | strokes, upright=False) if one.length > 300)
    rest = without_rules(line | strokes, [found])
    assert not (strokes & ~rest).any()
    assert not (rest & ~strokes)[:, :80].any()
    assert not (rest & ~strokes)[:, 121:].any()
