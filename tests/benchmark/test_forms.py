import re

import numpy as np
import pytest
from torch import Tensor

from mnistcore.benchmark import rows
from mnistcore.benchmark.forms import KINDS, make_form
from mnistcore.benchmark.scenes import Pixels

TEXTS = {
    "date": r"\d\d([/.-])\d\d\1\d\d|\d/\d/\d{4}",
    "phone number": r"\d{3,4}-(\d{3}-)?\d{4}",
    "time": r"\d?\d:\d\d",
    "decimal": r"\d?\d[.,]\d?\d",
    "minus": r"-\d{1,3}",
    "two lines": r"\d{2,5}\n\d{2,5}",
    "one above the other": r"\d\n\d",
    "card on transparent": r"\d",
    "box around one digit": r"\d",
    "ring around one digit": r"\d",
}


def test_every_kind_is_measured_once() -> None:
    measured = [*rows.PRINTED, *rows.LINED, *rows.SIGNS, *rows.LAYOUTS]
    assert sorted(measured) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_forms(kind: str, few: tuple[Tensor, Tensor]) -> None:
    images = few[0][:, 0].numpy().astype(np.float32) / np.float32(255)
    labels = few[1].numpy()

    def made(seed: int) -> tuple[Pixels, str]:
        return make_form(kind, images, labels, np.random.default_rng(seed))

    seen = set()
    for seed in range(3):
        picture, text = made(seed)
        assert picture.dtype == np.uint8
        assert picture.shape[2] == (4 if kind == "card on transparent" else 3)
        assert np.ptp(picture[:, :, 0].astype(int)) > 40
        assert re.fullmatch(TEXTS.get(kind, r"\d{1,8}"), text)
        seen.add(text)
    assert len(seen) > 1
    again, same = made(2)
    np.testing.assert_array_equal(again, picture)
    assert same == text
