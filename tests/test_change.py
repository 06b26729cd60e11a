import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistcore.change import CHANGES, POSITIONS, change, curves, smallest_flip
from mnistcore.data import normalize, to_unit
from mnistcore.models import list_models
from mnistcore.reading.ensemble import Ensemble


@pytest.fixture
def images(few_images: Tensor) -> Tensor:
    return to_unit(few_images[:4])[:, 0]


def changed(images: Tensor, **amounts: float) -> Tensor:
    return change(images, {k: images.new_full((len(images),), v) for k, v in amounts.items()})


def test_the_neutral_amount_is_one_of_the_positions() -> None:
    for one in CHANGES.values():
        at = (one.neutral - one.low) / (one.high - one.low) * (POSITIONS - 1)
        assert at == pytest.approx(round(at))


def test_neutral_amounts_change_nothing(images: Tensor) -> None:
    neutral = {name: one.neutral for name, one in CHANGES.items()}
    assert changed(images, **neutral).equal(images)
    assert change(images, {}).equal(images)


def test_places(images: Tensor) -> None:
    torch.testing.assert_close(
        changed(images, turn=90), images.rot90(-1, (1, 2)), atol=1e-4, rtol=0
    )
    moved = F.pad(images, (3, 0, 0, 2))[:, 2:, :28]
    torch.testing.assert_close(changed(images, right=3, down=-2), moved, atol=1e-4, rtol=0)
    half = changed(torch.ones(1, 28, 28), size=0.5)
    assert float(half.sum()) == pytest.approx(14 * 14, rel=0.01)
    upright = torch.zeros(1, 28, 28)
    upright[:, :, 14] = 1
    slanted = changed(upright, slant=0.5)[0]
    rows = torch.arange(28)
    expected = 14 + 0.5 * (13.5 - rows)  # to the right above the middle
    middles = (slanted * torch.arange(28)).sum(1) / slanted.sum(1)
    torch.testing.assert_close(middles, expected, atol=0.01, rtol=0)


def test_thickness(images: Tensor) -> None:
    thicker = F.max_pool2d(images, 3, 1, 1)
    torch.testing.assert_close(changed(images, thickness=1), thicker)
    torch.testing.assert_close(changed(images, thickness=0.5), (images + thicker) / 2)
    thinner = -F.max_pool2d(-images, 3, 1, 1)
    torch.testing.assert_close(changed(images, thickness=-1), thinner)
    twice = F.max_pool2d(thicker, 3, 1, 1)
    torch.testing.assert_close(changed(images, thickness=2), twice)


def test_blur_spreads_the_ink_and_noise_stays_the_same() -> None:
    dot = torch.zeros(1, 28, 28)
    dot[:, 14, 14] = 1
    blurred = changed(dot, blur=2)[0]
    assert float(blurred.sum()) == pytest.approx(1, abs=1e-3)
    spread = blurred * (torch.arange(28)[:, None] - 14) ** 2
    assert float(spread.sum()) == pytest.approx(4, rel=0.01)
    ground = torch.full((1, 28, 28), 0.5)
    weak, strong = changed(ground, noise=0.05) - 0.5, changed(ground, noise=0.1) - 0.5
    torch.testing.assert_close(strong, 2 * weak)
    assert float(strong.std()) == pytest.approx(0.1, rel=0.1)


def test_a_batch_is_changed_like_each_image_alone(images: Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    amounts = {
        name: one.low + (one.high - one.low) * torch.rand(len(images), generator=generator)
        for name, one in CHANGES.items()
    }
    together = change(images, amounts)
    assert float(together.min()) >= 0
    assert float(together.max()) <= 1
    for k, image in enumerate(images):
        alone = change(image[None], {name: given[k : k + 1] for name, given in amounts.items()})
        torch.testing.assert_close(alone[0], together[k], atol=1e-5, rtol=0)


def test_curves_are_the_probabilities_of_changed_digits(ensemble: Ensemble, images: Tensor) -> None:
    model, temperature = ensemble.net("LeNet"), ensemble.temperature("LeNet")
    found = curves(model, temperature, images[0], {"turn": 20.0})
    assert {name: tuple(probs.shape) for name, probs in found.items()} == dict.fromkeys(
        CHANGES, (POSITIONS, 10)
    )
    one = CHANGES["size"]
    for at in (0, 13, POSITIONS - 1):
        size = one.low + (one.high - one.low) * at / (POSITIONS - 1)
        ink = changed(images[:1], turn=20, size=size)
        with torch.no_grad():
            expected = (model(normalize(ink[:, None])) / temperature).softmax(1)[0]
        torch.testing.assert_close(found["size"][at], expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", list_models())
def test_a_small_change_of_ink_gives_another_answer(
    name: str, ensemble: Ensemble, images: Tensor
) -> None:
    model = ensemble.net(name)
    flips = [(image, smallest_flip(model, image)) for image in images]
    assert any(flip for _, flip in flips)
    for image, flip in flips:
        if flip is None:
            continue
        with torch.no_grad():
            before, after = model(normalize(torch.stack([image, flip.image])[:, None])).softmax(1)
        assert (int(before.argmax()), int(after.argmax())) == (flip.before, flip.after)
        assert flip.before != flip.after
        assert float(after.max()) >= 0.499
        assert float(flip.image.min()) >= 0
        assert float(flip.image.max()) <= 1
        assert flip.mean < 0.1
        assert flip.largest == pytest.approx(float((flip.image - image).abs().max()))


def test_the_smallest_change_of_a_linear_net_is_the_distance_to_even_odds() -> None:
    """For two digits that differ in one pixel alone: the others are out of reach."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    linear = net[1]
    assert isinstance(linear, nn.Linear)
    with torch.no_grad():
        linear.weight.zero_()
        linear.bias.fill_(-50)
        linear.bias[3], linear.bias[5] = 1, 0
        linear.weight[5, 100] = 1
    image = torch.full((28, 28), 0.2)
    flip = smallest_flip(net, image)
    assert flip is not None
    assert (flip.before, flip.after) == (3, 5)
    assert (flip.image != image).nonzero().tolist() == [[100 // 28, 100 % 28]]
    shifted = normalize(flip.image[None, None]).flatten()[100]
    assert float(shifted) == pytest.approx(1, abs=0.01)


def test_a_net_that_always_says_the_same_is_not_fooled() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    linear = net[1]
    assert isinstance(linear, nn.Linear)
    with torch.no_grad():
        linear.weight.zero_()
        linear.bias[4] = 9
    assert smallest_flip(net, torch.zeros(28, 28)) is None
