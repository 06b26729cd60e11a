"""A look inside a net: the maps and units of each layer for one digit, and their arithmetic."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import dropwhile, takewhile

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MOST_TERMS = 8  # of a unit's sum, that are listed one by one


def _all_layers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The layers of a net by their own names, in the order of use."""
    for path, layer in model.named_modules():
        if not list(layer.children()) and path:
            yield path.rsplit(".", 1)[-1], layer


def _layers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Those of the convolutional part."""
    return takewhile(lambda pair: not isinstance(pair[1], nn.Flatten), _all_layers(model))


def _geometry(layer: nn.Module) -> tuple[int, int, int]:
    """Side of a layer's window, its stride and its padding, in pixels of its input."""
    if isinstance(layer, nn.Conv2d):
        return layer.kernel_size[0], layer.stride[0], int(layer.padding[0])
    return (2, 2, 0) if isinstance(layer, nn.MaxPool2d) else (1, 1, 0)


def _pooled(name: str) -> bool:
    """Whether maps of this name have been pooled."""
    return name.endswith("+pool")


def conv_layers(model: nn.Module) -> dict[str, nn.Conv2d]:
    """The convolutions of a net by name, in the order of use."""
    return {name: layer for name, layer in _layers(model) if isinstance(layer, nn.Conv2d)}


@torch.inference_mode()
def feature_maps(model: nn.Module, images: Tensor) -> list[dict[str, Tensor]]:
    """The maps of a net for one digit, from layer to layer up to the head.

    Args:
        model: one of the five nets, in eval mode.
        images: normalised float (1, 1, 28, 28).

    Returns:
        One dict per convolution: its maps and those of the layers that follow it, by name, float
        (C, H, W): {"conv1": ..., "conv1+relu": ..., "conv1+relu+pool": ...}.
    """
    stages: list[dict[str, Tensor]] = []
    x, name = images, ""
    for layer_name, layer in _layers(model):
        x = layer(x)
        if isinstance(layer, nn.Conv2d):
            stages.append({})
            name = layer_name
        else:
            name += "+" + layer_name.rstrip("0123456789")
        stages[-1][name] = x[0]
    return stages


def last_maps(model: nn.Module, images: Tensor) -> tuple[str, Tensor]:
    """The maps that the linear layers read, and their name; see :func:`feature_maps`.

    Returns:
        The name; float (C, H, W).
    """
    return list(feature_maps(model, images)[-1].items())[-1]


def dead_maps(maps: Tensor) -> list[int]:
    """The indices of the maps (C, H, W) that are zero everywhere."""
    return (~maps.flatten(1).any(1)).nonzero().flatten().tolist()


@dataclass(frozen=True)
class Arithmetic:
    """How one number of a convolution's map is computed, and what the next layers make of it."""

    row: int  # of the number in its map
    column: int
    patch: Tensor  # float (C_in, k, k): what the kernel lies on; 0 where it hangs over the edge
    kernel: Tensor  # float (C_in, k, k)
    bias: float
    value: float  # sum of patch * kernel, plus bias
    relu: float | None  # None where no ReLU follows
    window: Tensor | None  # float (2, 2): the numbers that share a maximum; None without pooling
    pooled: float | None
    field: tuple[int, int, int, int]  # the pixels of the digit that it depends on: top, left,
    # bottom, right; the last two are exclusive; outside 0 .. 28 where a convolution pads
    source: tuple[str, int, int]  # where the patch lies: the name of the maps ("" for the digit),
    # and its first row and column there


def _before(
    model: nn.Module, images: Tensor, conv_name: str
) -> tuple[Tensor, tuple[int, int, int]]:
    """What a convolution reads, (1, C, H, W), and the field of its numbers.

    The field is (start, jump, size): the number in row 0 depends on ``size`` rows of the digit from
    row ``start`` on, and each next number on rows ``jump`` further down; columns alike.
    """
    x, start, jump, size = images, 0, 1, 1
    for name, layer in _layers(model):
        side, stride, padding = _geometry(layer)
        start, size = start - padding * jump, size + (side - 1) * jump
        jump *= stride
        if name == conv_name:
            break
        x = layer(x)
    return x, (start, jump, size)


@torch.inference_mode()
def arithmetic(
    model: nn.Module, images: Tensor, name: str, channel: int, row: int, column: int
) -> Arithmetic:
    """The arithmetic behind one pixel of a map.

    Args:
        model: one of the five nets, in eval mode.
        images: normalised float (1, 1, 28, 28).
        name: of the map, as :func:`feature_maps` gives it. For a pixel of a pooled map, the
            arithmetic is that of the maximum.
        channel: of the map.
        row: of the pixel.
        column: of the pixel.

    Raises:
        ValueError: the net has no such map or pixel.
    """
    conv_name = name.split("+", 1)[0]
    stages = feature_maps(model, images)
    number = next((k for k, stage in enumerate(stages) if name in stage), None)
    if number is None:
        raise ValueError(f"no maps {name!r} in this net")
    stage = stages[number]
    channels, height, width = stage[name].shape
    if not (0 <= channel < channels and 0 <= row < height and 0 <= column < width):
        raise ValueError(f"no pixel {channel}, {row}, {column} in {channels}x{height}x{width}")
    maps = [plane[channel] for plane in stage.values()]
    pooled = maps[-1] if _pooled(list(stage)[-1]) else None
    before = maps[-2] if pooled is not None else maps[-1]
    if _pooled(name):
        top, left = 2 * row, 2 * column
        best = int(maps[0][top : top + 2, left : left + 2].argmax())  # also where ReLU cuts all
        row, column = top + best // 2, left + best % 2

    conv = conv_layers(model)[conv_name]
    x, (start, jump, size) = _before(model, images, conv_name)
    k, stride, padding = _geometry(conv)
    padded = F.pad(x[0], [padding] * 4)
    patch = padded[:, row * stride : row * stride + k, column * stride : column * stride + k]
    kernel = conv.weight.detach()[channel]
    bias = 0.0 if conv.bias is None else float(conv.bias[channel])
    window = None
    if pooled is not None:
        top, left = row // 2 * 2, column // 2 * 2
        window = before[top : top + 2, left : left + 2].cpu()
    source = list(stages[number - 1])[-1] if number else ""
    corner = row * stride - padding, column * stride - padding
    top, left = start + row * jump, start + column * jump
    return Arithmetic(
        row=row,
        column=column,
        patch=patch.cpu(),
        kernel=kernel.cpu(),
        bias=bias,
        value=float((patch * kernel).sum()) + bias,
        relu=float(maps[1][row, column]) if len(maps) > 1 else None,
        window=window,
        pooled=None if pooled is None else float(pooled[row // 2, column // 2]),
        field=(top, left, top + size, left + size),
        source=(source, *corner),
    )


@dataclass(frozen=True)
class Units:
    """The units of one linear layer for a digit."""

    name: str  # of the layer, "fc1"
    inputs: Tensor  # float (m,), what each unit reads
    sums: Tensor  # float (n,): weights times inputs, plus bias
    relu: Tensor | None  # float (n,); None where no ReLU follows, as after the logits
    dropout: float  # the share of its inputs that training left out at random; 0 without dropout


@torch.inference_mode()
def units(model: nn.Module, maps: Tensor) -> list[Units]:
    """The linear layers of a net for one digit, in the order of use; the last has the logits.

    Args:
        model: one of the five nets, in eval mode.
        maps: float (C, H, W), the last maps; see :func:`last_maps`.
    """
    x = maps.flatten()
    found: list[Units] = []
    dropout = 0.0
    for name, layer in dropwhile(
        lambda pair: not isinstance(pair[1], nn.Flatten), _all_layers(model)
    ):
        if isinstance(layer, nn.Dropout):
            dropout = layer.p
        elif isinstance(layer, nn.Linear):
            sums = layer(x)
            found.append(Units(name, x, sums, None, dropout))
            x, dropout = sums, 0.0
        elif isinstance(layer, nn.ReLU):
            x = layer(x)
            found[-1] = replace(found[-1], relu=x)
    return found


@torch.inference_mode()
def last_hidden(model: nn.Module, images: Tensor) -> Tensor:
    """The numbers of the last hidden layer, from which the logits are computed.

    Args:
        model: one of the five nets, in eval mode.
        images: normalised float (n, 1, 28, 28).

    Returns:
        float (n, m).
    """
    *layers, _ = (layer for _, layer in _all_layers(model))
    x = images
    for layer in layers:
        x = layer(x)
    return x


@dataclass(frozen=True)
class UnitArithmetic:
    """How the number of one unit is computed."""

    sources: list[int]  # the inputs whose products are largest, whatever their signs, in that order
    inputs: Tensor  # float (k,), of these
    weights: Tensor  # float (k,)
    rest: float  # the sum of all other products
    rest_count: int
    bias: float
    value: float  # the sum of all products, plus bias
    relu: float | None  # None where no ReLU follows


@torch.inference_mode()
def unit_arithmetic(model: nn.Module, images: Tensor, name: str, unit: int) -> UnitArithmetic:
    """The arithmetic behind one unit of a linear layer.

    Args:
        model: one of the five nets, in eval mode.
        images: normalised float (1, 1, 28, 28).
        name: of the layer, as :func:`units` gives it.
        unit: its index in the layer.

    Raises:
        ValueError: the net has no such layer or unit.
    """
    maps = last_maps(model, images)[1]
    layer = next((one for one in units(model, maps) if one.name == name), None)
    if layer is None:
        raise ValueError(f"no linear layer {name!r} in this net")
    if not 0 <= unit < len(layer.sums):
        raise ValueError(f"no unit {unit} in {name}; it has {len(layer.sums)}")
    linear = dict(_all_layers(model))[name]
    assert isinstance(linear, nn.Linear)
    weights = linear.weight.detach()[unit]
    products = weights * layer.inputs
    sources = products.abs().argsort(descending=True)[:MOST_TERMS]
    return UnitArithmetic(
        sources=sources.tolist(),
        inputs=layer.inputs[sources].cpu(),
        weights=weights[sources].cpu(),
        rest=float(products.sum() - products[sources].sum()),
        rest_count=len(products) - len(sources),
        bias=float(linear.bias[unit]),
        value=float(layer.sums[unit]),
        relu=None if layer.relu is None else float(layer.relu[unit]),
    )
