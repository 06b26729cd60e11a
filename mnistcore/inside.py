"""A look inside a net: what each layer makes of one digit."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn


def _layers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The layers of the convolutional part by their own names, in the order they are applied."""
    for path, layer in model.named_modules():
        if isinstance(layer, nn.Flatten):
            return
        if not list(layer.children()) and path:
            yield path.rsplit(".", 1)[-1], layer


@torch.inference_mode()
def feature_maps(model: nn.Module, images: Tensor) -> list[dict[str, Tensor]]:
    """The maps of a net on one digit, from layer to layer up to the head.

    Args:
        model: one of the five nets, in eval mode.
        images: normalised float (1, 1, 28, 28).

    Returns:
        One dict a convolution, and in it, by name, that convolution's maps and those of the
        layers that follow it, float (C, H, W): {"conv1": ..., "conv1+relu": ...,
        "conv1+relu+pool": ...}.
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
