from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistcore.data import normalize, to_unit
from mnistcore.inside import (
    arithmetic,
    dead_maps,
    feature_maps,
    last_maps,
    unit_arithmetic,
    units,
)
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
    _, last = last_maps(model, digit)
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


def places(model: nn.Module, digit: Tensor) -> list[tuple[str, int, int, int, Tensor]]:
    """A few pixels of every layer's maps: name, channel, row, column and the maps."""
    found = []
    for stage in feature_maps(model, digit):
        for name, maps in stage.items():
            channels, height, width = maps.shape
            corners = [(0, 0, 0), (channels - 1, height - 1, width - 1)]
            for place in [*corners, (channels // 2, height // 2, width // 3)]:
                found.append((name, *place, maps))
    return found


@pytest.mark.parametrize("name", list_models())
def test_arithmetic_gives_the_number_in_the_map(name: str, digit: Tensor) -> None:
    model = seeded(name)
    for key, channel, row, column, maps in places(model, digit):
        found = arithmetic(model, digit, key, channel, row, column)
        shown = float(maps[channel, row, column])
        by_hand = float((found.patch * found.kernel).sum()) + found.bias
        assert found.value == pytest.approx(by_hand, abs=1e-5)
        last = found.pooled if key.endswith("+pool") else found.relu if "+" in key else found.value
        assert last == pytest.approx(shown, abs=1e-5)
        if found.relu is not None:
            assert found.relu == pytest.approx(max(found.value, 0), abs=1e-5)
        if found.window is not None:
            assert found.pooled == float(found.window.max())


@pytest.mark.parametrize("name", list_models())
def test_the_patch_lies_where_its_source_says(name: str, digit: Tensor) -> None:
    model = seeded(name)
    maps = {key: planes for stage in feature_maps(model, digit) for key, planes in stage.items()}
    for key, channel, row, column, _ in places(model, digit):
        found = arithmetic(model, digit, key, channel, row, column)
        source, top, left = found.source
        planes = maps[source] if source else digit[0]
        side = found.patch.shape[-1]
        padded = F.pad(planes, [1] * 4)
        top, left = top + 1, left + 1
        assert padded[:, top : top + side, left : left + side].equal(found.patch)


@pytest.mark.parametrize("name", list_models())
def test_the_last_units_are_the_logits(name: str, digit: Tensor) -> None:
    model = seeded(name)
    layers = units(model, last_maps(model, digit)[1])
    linear = [one for one in model.modules() if isinstance(one, nn.Linear)]
    assert [one.name for one in layers] == [f"fc{k + 1}" for k in range(len(linear))]
    with torch.no_grad():
        assert torch.allclose(layers[-1].sums, model(digit)[0], atol=1e-5)
    assert layers[-1].relu is None
    for one, after in pairwise(layers):
        assert one.relu is not None
        assert one.relu.equal(one.sums.clamp_min(0))
        assert after.inputs.equal(one.relu)
    assert (layers[0].dropout == 0.5) == name.startswith("My" if "Full" not in name else "-")


@pytest.mark.parametrize("name", list_models())
def test_the_terms_of_a_unit_add_up(name: str, digit: Tensor) -> None:
    model = seeded(name)
    for layer in units(model, last_maps(model, digit)[1]):
        found = unit_arithmetic(model, digit, layer.name, 7)
        products = found.inputs * found.weights
        total = float(products.sum()) + found.rest + found.bias
        assert found.value == pytest.approx(total, abs=1e-5)
        assert found.value == pytest.approx(float(layer.sums[7]), abs=1e-6)
        assert found.relu == (None if layer.relu is None else float(layer.relu[7]))
        assert found.inputs.equal(layer.inputs[found.sources])
        assert products.abs().sort(descending=True)[0].equal(products.abs())
        assert found.rest_count + len(found.sources) == len(layer.inputs)


@pytest.mark.parametrize(("name", "unit"), [("fc4", 0), ("conv1", 0), ("fc3", 10), ("fc3", -1)])
def test_units_that_do_not_exist_are_refused(name: str, unit: int, digit: Tensor) -> None:
    with pytest.raises(ValueError, match=r"no (linear layer|unit)"):
        unit_arithmetic(seeded("LeNet"), digit, name, unit)


@pytest.mark.parametrize("name", list_models())
def test_a_number_depends_on_its_field_alone(name: str, digit: Tensor) -> None:
    model = seeded(name)
    for key, channel, row, column, _ in places(model, digit):
        if key.endswith("+pool"):
            continue  # its field is that of the maximum
        found = arithmetic(model, digit, key, channel, row, column)
        top, left, bottom, right = found.field
        inside_field = torch.zeros(28, 28, dtype=torch.bool)
        inside_field[max(top, 0) : bottom, max(left, 0) : right] = True
        outside = torch.where(inside_field, digit, torch.randn(28, 28))
        assert arithmetic(model, outside, key, channel, row, column).value == pytest.approx(
            found.value, abs=1e-4
        )
        deep = digit.clone().requires_grad_()
        conv = next(s for s in stages_with_gradient(model, deep) if key.split("+")[0] in s)
        conv[key.split("+")[0]][channel, row, column].backward()
        assert deep.grad is not None
        rows, columns = deep.grad[0, 0].nonzero().T
        if len(rows):  # every pixel that counts is in the field
            assert max(top, 0) <= rows.min() <= rows.max() < bottom
            assert max(left, 0) <= columns.min() <= columns.max() < right


def stages_with_gradient(model: nn.Module, images: Tensor) -> list[dict[str, Tensor]]:
    return feature_maps.__wrapped__(model, images)  # type: ignore[attr-defined]


def test_arithmetic_of_the_first_stage_is_25_products(digit: Tensor) -> None:
    found = arithmetic(seeded("LeNet"), digit, "conv1", 2, 10, 11)
    assert found.patch.equal(digit[0, :, 10:15, 11:16])
    assert found.field == (10, 11, 15, 16)
    assert found.window is not None
    assert found.window.shape == (2, 2)


def test_a_patch_that_hangs_over_the_edge_has_zeros_there(digit: Tensor) -> None:
    found = arithmetic(seeded("MyVggNet"), digit, "conv1", 0, 0, 0)
    assert not found.patch[:, 0].any()
    assert not found.patch[:, :, 0].any()
    assert found.field == (-1, -1, 2, 2)


@pytest.mark.parametrize("place", [("conv9", 0, 0, 0), ("conv1", 6, 0, 0), ("conv1", 0, 24, 0)])
def test_maps_and_pixels_that_do_not_exist_are_refused(
    place: tuple[str, int, int, int], digit: Tensor
) -> None:
    with pytest.raises(ValueError, match=r"no (maps|pixel)"):
        arithmetic(seeded("LeNet"), digit, *place)


def test_dead_maps_are_zero_everywhere() -> None:
    maps = torch.zeros(4, 3, 3)
    maps[1, 2, 2] = 0.5
    maps[3] = -1
    assert dead_maps(maps) == [0, 2]
