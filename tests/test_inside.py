import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistcore.data import normalize, to_unit
from mnistcore.inside import feature_maps
from mnistcore.models import create_model, list_models


@pytest.fixture
def digit(few_images: Tensor) -> Tensor:
    return normalize(to_unit(few_images[:1]))


def seeded(name: str) -> nn.Module:
    torch.manual_seed(0)
    return create_model(name).eval()


@pytest.fixture
def first_stage(digit: Tensor) -> dict[str, Tensor]:
    """LeNet's, as the reference shows it."""
    return feature_maps(seeded("LeNet"), digit)[0]


@pytest.mark.parametrize("name", list_models())
def test_last_maps_are_what_the_head_reads(name: str, digit: Tensor) -> None:
    model = seeded(name)
    last = list(feature_maps(model, digit)[-1].values())[-1]
    with torch.no_grad():
        assert torch.allclose(model.get_submodule("head")(last[None]), model(digit), atol=1e-6)


@pytest.mark.parametrize("name", list_models())
def test_a_stage_for_each_convolution(name: str, digit: Tensor) -> None:
    model = seeded(name)
    convolutions = sum(isinstance(layer, nn.Conv2d) for layer in model.modules())
    names = [next(iter(stage)) for stage in feature_maps(model, digit)]
    assert names == [f"conv{number + 1}" for number in range(convolutions)]


def test_names_and_shapes_of_the_first_stage(first_stage: dict[str, Tensor]) -> None:
    assert {name: tuple(maps.shape) for name, maps in first_stage.items()} == {
        "conv1": (6, 24, 24),
        "conv1+relu": (6, 24, 24),
        "conv1+relu+pool": (6, 12, 12),
    }


def test_each_map_is_made_of_the_one_before(first_stage: dict[str, Tensor]) -> None:
    conv, relu, pool = first_stage.values()
    assert float(conv.min()) < 0  # not overwritten by the ReLU
    assert relu.equal(conv.clamp_min(0))
    assert pool.equal(F.max_pool2d(relu, 2))


def test_the_six_maps_differ(first_stage: dict[str, Tensor]) -> None:
    for maps in first_stage.values():
        assert len(maps.flatten(1).unique(dim=0)) == 6


def test_first_maps_are_the_convolution_of_the_digit(
    first_stage: dict[str, Tensor], digit: Tensor
) -> None:
    model = seeded("LeNet")
    weight, bias = list(model.parameters())[:2]
    with torch.no_grad():
        patches = F.unfold(digit, 5)[0]  # (25, 576)
        expected = (weight.flatten(1) @ patches + bias[:, None]).view(6, 24, 24)
    assert torch.allclose(first_stage["conv1"], expected, atol=1e-5)
