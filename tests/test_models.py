import math
from collections import OrderedDict
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistcore.data import normalize, to_unit
from mnistcore.models import ConvReLUPool, LeNet, create_model, list_models

# Weight shapes of the reference's layers in order; each is followed by its bias.
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


def test_the_references_nets_come_first() -> None:
    assert list_models()[: len(WEIGHT_SHAPES)] == list(WEIGHT_SHAPES)


@every_net
def test_logits(name: str, inputs: Tensor) -> None:
    logits = seeded(name)(inputs)
    assert logits.shape == (32, 10)
    assert logits.isfinite().all()


@every_net
def test_fresh_loss_is_that_of_guessing(name: str, inputs: Tensor, few_labels: Tensor) -> None:
    loss = F.cross_entropy(seeded(name).eval()(inputs), few_labels[:32])
    assert loss.item() == pytest.approx(math.log(10), abs=0.1)


@every_net
def test_every_parameter_gets_a_gradient(name: str, inputs: Tensor, few_labels: Tensor) -> None:
    model = seeded(name)
    F.cross_entropy(model(inputs), few_labels[:32]).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not without


@every_net
def test_row_does_not_depend_on_its_batch_in_eval_mode(name: str, inputs: Tensor) -> None:
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
def test_layers(name: str) -> None:
    layers = list(create_model(name).modules())
    assert not any(isinstance(layer, nn.modules.batchnorm._NormBase) for layer in layers)
    assert not any(layer.inplace for layer in layers if isinstance(layer, nn.ReLU))
    assert all(layer.bias is not None for layer in layers if isinstance(layer, nn.Conv2d))
    assert all(layer.bias is not None for layer in layers if isinstance(layer, nn.Linear))


@pytest.mark.parametrize("spelling", ["LeNet", "lenet", "LENET"])
def test_any_case_finds_a_net(spelling: str) -> None:
    assert isinstance(create_model(spelling), LeNet)


def test_unknown_name_lists_the_choices() -> None:
    with pytest.raises(ValueError, match=r"'ResNet'.*LeNet, MyFullConvNet, MyNetV1, MyNetV2, My"):
        create_model("ResNet")


def a_stage(conv: nn.Conv2d) -> ConvReLUPool:
    return ConvReLUPool(OrderedDict(conv1=conv, relu=nn.ReLU(), pool=nn.MaxPool2d(2)))


def plain(stage: nn.Sequential, x: Tensor) -> Tensor:
    return nn.Sequential.forward(stage, x)


def output_and_gradients(
    forward: Callable[[nn.Sequential, Tensor], Tensor], stage: nn.Sequential, x: Tensor
) -> list[Tensor]:
    """Output, and gradients of weight, bias and input for one random gradient of the output."""
    x = x.clone().requires_grad_()
    out = forward(stage, x)
    grad = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
    return [out.detach(), *torch.autograd.grad(out, [*stage.parameters(), x], grad.to(out.dtype))]


def assert_same(actual: list[Tensor], expected: list[Tensor]) -> None:
    for a, b in zip(actual, expected, strict=True):
        assert torch.allclose(a, b, rtol=1e-5, atol=1e-5 * float(b.abs().max()))


@pytest.mark.parametrize(
    ("planes", "maps", "kernel", "size"),
    [
        pytest.param(1, 6, 5, 28, id="first stage"),
        pytest.param(1, 4, 3, 27, id="odd size"),
        pytest.param(6, 16, 5, 12, id="second stage"),
    ],
)
def test_trained_stage_is_the_plain_one(planes: int, maps: int, kernel: int, size: int) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(planes, maps, kernel)
    stage = a_stage(conv)
    images = torch.randn(4, conv.in_channels, size, size)
    expected = output_and_gradients(plain, stage, images)
    assert_same(output_and_gradients(ConvReLUPool.__call__, stage, images), expected)
    with torch.autocast("cpu", torch.bfloat16):
        halved = output_and_gradients(ConvReLUPool.__call__, stage, images)
    for a, b in zip(halved, expected, strict=True):  # eight bits: a maximum may move by a pixel
        assert F.cosine_similarity(a.float().flatten(), b.flatten(), 0) > 0.99


def test_first_of_equal_maxima_gets_the_gradient() -> None:
    # Small whole numbers: sums are exact in any order, so that equals are equal, and many are.
    generator = torch.Generator().manual_seed(0)
    conv = nn.Conv2d(1, 6, 5)
    for parameter in conv.parameters():
        parameter.data = torch.randint(-1, 3, parameter.shape, generator=generator).float()
    images = torch.ones(4, 1, 28, 28)  # flat background, for which the six kernels answer > 0
    images[:, :, 10:18, 8:20] = torch.randint(-2, 3, (4, 1, 8, 12), generator=generator).float()
    stage = a_stage(conv)
    assert_same(
        output_and_gradients(ConvReLUPool.__call__, stage, images),
        output_and_gradients(plain, stage, images),
    )
    with torch.no_grad():
        windows = conv(images).unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)  # (4, 6, 12, 12, 4)
    greatest = windows.amax(4, keepdim=True)
    tied = (windows == greatest).sum(4) > 1
    assert (tied & (greatest[..., 0] > 0)).float().mean() > 0.5


@pytest.mark.parametrize(("training", "walked"), [(True, False), (False, True)])
def test_only_training_leaves_the_plain_way(training: bool, walked: bool) -> None:
    stage = a_stage(nn.Conv2d(1, 6, 5)).train(training)
    calls = []
    stage.get_submodule("pool").register_forward_hook(lambda *_: calls.append(1))
    stage(torch.zeros(1, 1, 28, 28))
    assert bool(calls) == walked
