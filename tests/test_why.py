import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mnistcore.data import STD, to_unit
from mnistcore.models import list_models
from mnistcore.reading.ensemble import Ensemble
from mnistcore.why import explain, why


@pytest.fixture
def images(few_images: Tensor) -> Tensor:
    return to_unit(few_images[:3])[:, 0]


@pytest.mark.parametrize("name", list_models())
def test_the_pixels_add_up_to_the_difference_that_the_ink_makes(
    name: str, ensemble: Ensemble, images: Tensor
) -> None:
    for image in images:
        found = why(ensemble.net(name), image, 3, 5)
        assert found.total == pytest.approx(found.difference - found.blank, rel=0.011, abs=0.011)
        assert not found.pixels[image == 0].any()


def test_pixels_of_a_linear_net_are_weight_times_ink(images: Tensor) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    found = why(net, images[0], 4, 9)
    weight = next(iter(net.parameters())).detach()
    expected = (weight[4] - weight[9]).view(28, 28) * images[0] / STD
    torch.testing.assert_close(found.pixels, expected, rtol=1e-3, atol=1e-5)
    assert found.steps == 32


def test_what_speaks_for_one_digit_speaks_against_the_other(
    ensemble: Ensemble, images: Tensor
) -> None:
    net = ensemble.net("LeNet")
    one, other = why(net, images[0], 2, 7), why(net, images[0], 7, 2)
    torch.testing.assert_close(one.pixels, -other.pixels)
    assert one.difference == pytest.approx(-other.difference, abs=1e-4)


def test_a_blank_image_has_no_reason(ensemble: Ensemble) -> None:
    found = why(ensemble.net("LeNet"), torch.zeros(28, 28), 1, 7)
    assert not found.pixels.any()
    assert found.difference == found.blank


@pytest.mark.parametrize(("digit", "other"), [(3, 3), (3, 10), (-1, 3)])
def test_two_different_digits_are_needed(digit: int, other: int, ensemble: Ensemble) -> None:
    with pytest.raises(ValueError, match="two different digits"):
        why(ensemble.net("LeNet"), torch.zeros(28, 28), digit, other)


def test_by_default_the_two_likeliest_digits_of_the_nets_are_compared(
    ensemble: Ensemble, images: Tensor
) -> None:
    image = images[0].numpy()
    found = explain(ensemble, image, ["lenet", "MyNetV2", "LeNet"])
    assert list(found.nets) == ["LeNet", "MyNetV2"]
    by_net, _ = ensemble.probs(image[None])
    mean = (by_net["LeNet"][0] + by_net["MyNetV2"][0]) / 2
    np.testing.assert_allclose(found.probs, mean, atol=1e-6)
    assert [found.digit, found.other] == np.argsort(-mean)[:2].tolist()
    assert explain(ensemble, image, ["LeNet"], other=found.digit).other != found.digit
    assert explain(ensemble, image, ["LeNet"], 5, 6).nets["LeNet"].digit == 5
    assert found.limit == max(float(one.pixels.abs().max()) for one in found.nets.values())


def test_a_net_that_is_not_there(ensemble: Ensemble) -> None:
    with pytest.raises(ValueError, match="unknown model 'LeNet6'"):
        explain(ensemble, np.zeros((28, 28), np.float32), ["LeNet6"])
