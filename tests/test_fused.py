from collections import OrderedDict
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistcore.fused import ConvReLUPool


def a_stage(conv: nn.Conv2d) -> ConvReLUPool:
    return ConvReLUPool(OrderedDict(conv1=conv, relu=nn.ReLU(), pool=nn.MaxPool2d(2)))


def plain(stage: nn.Sequential, x: Tensor) -> Tensor:
    return nn.Sequential.forward(stage, x)


def output_and_gradients(
    forward: Callable[[nn.Sequential, Tensor], Tensor], stage: nn.Sequential, x: Tensor
) -> list[Tensor]:
    """The output, and gradients of weight, bias and input for a random gradient of the output."""
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
def test_the_fused_stage_equals_the_plain_layers(
    planes: int, maps: int, kernel: int, size: int
) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(planes, maps, kernel)
    stage = a_stage(conv)
    images = torch.randn(4, conv.in_channels, size, size)
    expected = output_and_gradients(plain, stage, images)
    assert_same(output_and_gradients(ConvReLUPool.__call__, stage, images), expected)
    with torch.autocast("cpu", torch.bfloat16):
        halved = output_and_gradients(ConvReLUPool.__call__, stage, images)
    for a, b in zip(halved, expected, strict=True):  # with 8 bits a maximum may move by a pixel
        assert F.cosine_similarity(a.float().flatten(), b.flatten(), 0) > 0.99


def test_the_first_of_equal_maxima_gets_the_gradient() -> None:
    # Small integers: sums are exact in any order, and many maxima are tied.
    generator = torch.Generator().manual_seed(0)
    conv = nn.Conv2d(1, 6, 5)
    for parameter in conv.parameters():
        parameter.data = torch.randint(-1, 3, parameter.shape, generator=generator).float()
    images = torch.ones(4, 1, 28, 28)  # flat background, where all six kernels give > 0
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


@pytest.mark.parametrize(("training", "plain_layers"), [(True, False), (False, True)])
def test_only_training_is_fused(training: bool, plain_layers: bool) -> None:
    stage = a_stage(nn.Conv2d(1, 6, 5)).train(training)
    calls = []
    stage.get_submodule("pool").register_forward_hook(lambda *_: calls.append(1))
    stage(torch.zeros(1, 1, 28, 28))
    assert bool(calls) == plain_layers
