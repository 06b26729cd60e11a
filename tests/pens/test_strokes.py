import numpy as np
import pytest
import torch
from torch import Tensor

from mnistcore.pens import strokes
from mnistcore.pens.font import DIGITS, LETTERS, SHAPES, Form
from mnistcore.pens.strokes import (
    FORMS_OF,
    digit_images,
    other_images,
    pen_strokes,
    render,
    scribble,
)

FORMS = {**DIGITS, **LETTERS, **SHAPES}


def drawn(form: Form, n: int = 24, seed: int = 0) -> Tensor:
    """``n`` hands' versions of a form, ink in [0, 1]: (n, 28, 28)."""
    images = strokes._images([form] * n, strokes.DIGIT_PEN, np.random.default_rng(seed))
    return images[:, 0].float() / 255


def sides(images: Tensor) -> Tensor:
    """Width and height of the box of the ink (2, n) of images (n, 28, 28)."""
    place = torch.arange(28)
    ends = []
    for axis in (1, 2):
        there = (images > 0).any(axis)
        ends.append(
            torch.where(there, place, -1).amax(1) - torch.where(there, place, 28).amin(1) + 1
        )
    return torch.stack(ends)


def test_same_seed_same_images() -> None:
    images, labels = digit_images(200, 3)
    again, labels_again = digit_images(200, 3)
    assert images.equal(again)
    assert labels.equal(labels_again)
    assert not images.equal(digit_images(200, 4)[0])
    assert other_images(100, 3).equal(other_images(100, 3))
    assert not other_images(100, 3).equal(other_images(100, 4))


def test_shapes_and_types() -> None:
    images, labels = digit_images(30, 0)
    assert (images.shape, images.dtype) == ((30, 1, 28, 28), torch.uint8)
    assert (labels.shape, labels.dtype) == ((30,), torch.int64)
    images = other_images(30, 0)
    assert (images.shape, images.dtype) == ((30, 1, 28, 28), torch.uint8)


def test_classes_are_balanced() -> None:
    assert digit_images(230, 1)[1].bincount().tolist() == [23] * 10


def test_forms_of_a_class_are_balanced(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Form] = []

    def note(forms: list[Form], width: float, rng: np.random.Generator) -> Tensor:
        seen.extend(forms)
        return torch.zeros(len(forms), 1, 28, 28, dtype=torch.uint8)

    monkeypatch.setattr(strokes, "_images", note)
    digit_images(1000, 0)
    for names in FORMS_OF.values():
        counts = [sum(form is DIGITS[name] for form in seen) for name in names]
        assert sum(counts) == 100
        assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("name", FORMS)
def test_framed_as_mnist(name: str) -> None:
    images = drawn(FORMS[name])
    ink = images.sum((1, 2))
    place = torch.arange(28.0)
    assert images.amax((1, 2)).min() > 0.9  # less than 1 where the finest pen is between two pixels
    assert (sides(images).amax(0) >= 19).all()
    assert (sides(images).amax(0) <= 20).all()
    for axis in (1, 2):
        centre = images.sum(axis) @ place / ink
        assert (centre - 14).abs().max() < 1  # half a pixel, except where the frame ends


def test_every_digit_has_forms_and_nothing_else_is_named_so() -> None:
    assert all(len(names) >= 4 for names in FORMS_OF.values())
    assert sum(map(len, FORMS_OF.values())) == len(DIGITS)
    assert not any(name[0].isdigit() for name in (*LETTERS, *SHAPES))
    assert not set("BDGIJOQSYZbgiloqsyz") & set(LETTERS)  # these pass for digits


def test_forms_differ() -> None:
    means = {name: drawn(form, 64).mean(0) for name, form in DIGITS.items()}
    names = list(means)
    for i, a in enumerate(names):
        for b in names[:i]:
            assert (means[a] - means[b]).abs().sum() > 5, (a, b)


def test_hands_differ() -> None:
    for form in DIGITS.values():
        assert len(drawn(form, 16).flatten(1).unique(dim=0)) == 16


def test_ink_is_as_much_as_in_mnist() -> None:
    images = digit_images(1000, 0)[0]
    assert 0.12 < float(images.float().mean() / 255) < 0.14  # MNIST: 0.131
    assert 0.18 < float((images > 0).float().mean()) < 0.20  # MNIST: 0.191


@pytest.mark.parametrize("name", ["0", "4 open", "7 crossed"])
def test_pen_strokes_are_unbroken_and_of_unit_size(name: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        parts = pen_strokes(DIGITS[name], rng)
        assert len(parts) == len(DIGITS[name])
        assert all(part.dtype == np.float32 and part.shape[1] == 2 for part in parts)
        assert 0.6 < np.ptp(np.concatenate(parts), axis=0).max() < 1.7
        for part in parts:
            assert np.hypot(*np.diff(part, axis=0).T).max() < 0.15


def test_scribbles_are_of_many_kinds() -> None:
    rng = np.random.default_rng(0)
    counts = {len(scribble(rng)) for _ in range(50)}
    assert 1 in counts
    assert len(counts) > 2


def test_a_level_line_has_its_width_and_round_ends() -> None:
    ink = render([np.array([[10, 20], [30, 20]], np.float32)], 40, 6)
    assert (ink.shape, ink.dtype) == ((40, 40), np.float32)
    np.testing.assert_allclose(ink[:, 20].sum(), 6, atol=0.01)
    np.testing.assert_allclose(ink.sum(), 20 * 6 + np.pi * 9, rtol=0.01)
    np.testing.assert_allclose(ink, ink[:, ::-1], atol=1e-6)


def test_a_point_is_a_round_dot_and_the_canvas_may_cut_it() -> None:
    dot = render([np.array([[20, 20], [20, 20]], np.float32)], 40, 10)
    np.testing.assert_allclose(dot.sum(), np.pi * 25, rtol=0.01)
    cut = render([np.array([[0, 20], [0, 20]], np.float32)], 40, 10)
    np.testing.assert_allclose(cut.sum(), np.pi * 12.5, rtol=0.02)
    outside = render([np.array([[-90, 20], [-80, 20]], np.float32)], 40, 10)
    assert outside.sum() == 0
