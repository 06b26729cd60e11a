"""What the reader is for, on pictures that the project makes itself from validation digits."""

import pytest

from mnistcore.benchmark.rows import Rows, load_split, make_rows, make_sample
from mnistcore.reading.recognizer import DIGIT, read

pytestmark = pytest.mark.slow

# How many pictures of a kind are read, and how many of them may be misread: a larger share than the
# benchmark finds on more pictures.
READ = {"canvas": (34, 1), "redrawn": (20, 1), "photo": (14, 1), "number": (20, 1), "pen": (34, 2)}
# The same: how many of a kind there are, and how many of them may be taken for digits.
REFUSED = {"dot": (6, 0), "scribble": (10, 1), "drawn_letter": (10, 1), "shape": (14, 2)}


@pytest.fixture(scope="module")
def rows() -> Rows:
    return make_rows(*load_split("val"))


@pytest.mark.parametrize("name", READ)
def test_digits_are_read(rows: Rows, name: str) -> None:
    n, most = READ[name]
    samples = [make_sample(name, rows[name], i) for i in range(n)]
    wrong = [i for i, sample in enumerate(samples) if read(sample.picture).text != sample.truth]
    assert len(wrong) <= most, wrong


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_a_digit_is_refused(rows: Rows, name: str) -> None:
    n, most = REFUSED[name]
    pictures = [make_sample(name, rows[name], i).picture for i in range(n)]
    taken = [i for i, picture in enumerate(pictures) if read(picture).verdict == DIGIT]
    assert len(taken) <= most, taken
