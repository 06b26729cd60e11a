import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistcore.data import normalize, to_unit
from mnistcore.models import LeNet, create_model, list_models

# The weight shapes of the reference's layers in order; each weight is followed by its bias.
WEIGHT_SHAPES: dict[str, list[tuple[int, ...]]] = {
    "LeNet": [(6, 1, 5, 5), (16, 6, 5, 5), (120, 256), (84, 120), (10, 84)],
    "MyFullConvNet": [
        (6, 1, 3, 3),
        (12, 6, 3, 3),
        (24, 12, 3, 3),
        (48, 24, 3, 3),
        (96, 48, 3, 3),
        (48, 96, 2, 2),
        (10, 48),
    ],
    "MyNetV1": [
        (10, 1, 3, 3),
        (48, 10, 3, 3),
        (128, 48, 3, 3),
        (512, 128, 3, 3),
        (1024, 8192),
        (128, 1024),
        (10, 128),
    ],
    "MyNetV2": [
        (10, 1, 3, 3),
        (20, 10, 3, 3),
        (40, 20, 3, 3),
        (80, 40, 3, 3),
        (40, 80, 3, 3),
        (48, 160),
        (10, 48),
    ],
    "MyVggNet": [
        (16, 1, 3, 3),
        (16, 16, 3, 3),
        (64, 16, 3, 3),
        (64, 64, 3, 3),
        (64, 64, 1, 1),
        (128, 64, 3, 3),
        (128, 128, 3, 3),
        (96, 128),
        (10, 96),
    ],
}
NUM_PARAMS = {
    "LeNet": 44_426,
    "MyFullConvNet": 74_290,
    "MyNetV1": 9_172_350,
    "MyNetV2": 75_098,
    "MyVggNet": 287_642,
}

every_net = pytest.mark.parametrize("name", list_models())
of_the_reference = pytest.mark.parametrize("name", WEIGHT_SHAPES)


@pytest.fixture
def inputs(few_images: Tensor) -> Tensor:
    return normalize(to_unit(few_images[:32]))


def seeded(name: str) -> nn.Module:
    torch.manual_seed(0)
    return create_model(name)


def test_the_nets_of_the_reference_come_first() -> None:
    assert list_models()[: len(WEIGHT_SHAPES)] == list(WEIGHT_SHAPES)


@every_net
def test_logits_have_the_right_shape_and_are_finite(name: str, inputs: Tensor) -> None:
    logits = seeded(name)(inputs)
    assert logits.shape == (32, 10)
    assert logits.isfinite().all()


@every_net
def test_an_untrained_net_guesses(name: str, inputs: Tensor, few_labels: Tensor) -> None:
    loss = F.cross_entropy(seeded(name).eval()(inputs), few_labels[:32])
    assert loss.item() == pytest.approx(math.log(10), abs=0.1)


@every_net
def test_every_parameter_gets_a_gradient(name: str, inputs: Tensor, few_labels: Tensor) -> None:
    model = seeded(name)
    F.cross_entropy(model(inputs), few_labels[:32]).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not without


@every_net
def test_an_answer_does_not_depend_on_the_rest_of_its_batch(name: str, inputs: Tensor) -> None:
    model = seeded(name).eval()
    with torch.no_grad():
        assert torch.allclose(model(inputs)[:1], model(inputs[:1]), atol=1e-5)


@of_the_reference
def test_parameters_have_the_references_shapes_in_order(name: str) -> None:
    expected = [s for shape in WEIGHT_SHAPES[name] for s in (shape, shape[:1])]
    parameters = list(create_model(name).parameters())
    assert [tuple(p.shape) for p in parameters] == expected
    assert sum(p.numel() for p in parameters) == NUM_PARAMS[name]


@of_the_reference
def test_layers_have_a_bias_and_neither_batch_norm_nor_in_place_relu(name: str) -> None:
    layers = list(create_model(name).modules())
    assert not any(isinstance(layer, nn.modules.batchnorm._NormBase) for layer in layers)
    assert not any(layer.inplace for layer in layers if isinstance(layer, nn.ReLU))
    assert all(layer.bias is not None for layer in layers if isinstance(layer, nn.Conv2d))
    assert all(layer.bias is not None for layer in layers if isinstance(layer, nn.Linear))


@pytest.mark.parametrize("spelling", ["LeNet", "lenet", "LENET"])
def test_any_case_finds_a_net(spelling: str) -> None:
    assert isinstance(create_model(spelling), LeNet)


def test_an_unknown_name_lists_the_choices() -> None:
    with pytest.raises(ValueError, match=r"'ResNet'.*LeNet, MyFullConvNet, MyNetV1, MyNetV2, My"):
        create_model("ResNet")
