"""Random distortions of a whole batch on its device.

Rotation, scale, shear, shift and a smooth elastic field are all sums of fixed functions of the
pixel's place with random coefficients, so the sampling grid of a batch is one matrix product.

References:
    Simard, Steinkraus, Platt: Best practices for convolutional neural networks applied to visual
    document analysis. ICDAR 2003 (elastic distortion of MNIST).
    Petrini et al.: Relative stability toward diffeomorphisms indicates performance in deep nets.
    NeurIPS 2021 (the sine modes of the elastic field).
"""

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

MODES = 4  # sine modes a side of the elastic field: its finest wave is half the image long


@cache
def _basis(height: int, width: int, device: torch.device) -> Tensor:
    """The functions x, y, 1 and the sine modes at every pixel: (3 + MODES^2, height * width).

    x and y run over [-1, 1] as in ``grid_sample`` (align_corners=False). Mode (i, j) has the
    weight 1 / sqrt(i^2 + j^2): the field is smooth, and still on the border.
    """
    y = ((torch.arange(height, device=device) + 0.5) / height * 2 - 1)[:, None].expand(-1, width)
    x = ((torch.arange(width, device=device) + 0.5) / width * 2 - 1).expand(height, -1)
    waves = [
        torch.sin(i * math.pi * (x + 1) / 2)
        * torch.sin(j * math.pi * (y + 1) / 2)
        / math.hypot(i, j)
        for i in range(1, MODES + 1)
        for j in range(1, MODES + 1)
    ]
    return torch.stack([x, y, torch.ones_like(x), *waves]).flatten(1)


def distort(
    images: Tensor,
    generator: torch.Generator,
    *,
    degrees: float,
    scale: float,
    shear: float,
    shift: float,
    elastic: float,
) -> Tensor:
    """Each image of a batch, turned, scaled, slanted, moved and bent by amounts of its own.

    Args:
        images: float (N, 1, H, W), background 0, which is also what comes in from outside.
        generator: random numbers, on the device of the images.
        degrees: rotation is uniform in +-degrees.
        scale: each axis shrinks by a factor uniform in 1 +- scale.
        shear: x moves by up to +-shear times y.
        shift: pixels, uniform in +-shift on each axis.
        elastic: pixels, standard deviation of the coefficients of the elastic field.

    Returns:
        float (N, 1, H, W).
    """
    n, _, height, width = images.shape
    device = images.device
    uniform = torch.rand(n, 6, generator=generator, device=device) * 2 - 1  # in [-1, 1]
    angle = uniform[:, 0] * math.radians(degrees)
    scale_x, scale_y = 1 + uniform[:, 1] * scale, 1 + uniform[:, 2] * scale
    sin, cos = angle.sin(), angle.cos()
    slant = uniform[:, 3] * shear
    # Rows of the inverse map, output place -> input place: rotation * shear * scale.
    row_x = torch.stack(
        [scale_x * cos, scale_y * (slant * cos - sin), uniform[:, 4] * shift * 2 / width], 1
    )
    row_y = torch.stack(
        [scale_x * sin, scale_y * (slant * sin + cos), uniform[:, 5] * shift * 2 / height], 1
    )
    affine = torch.stack([row_x, row_y], 1)  # (N, 2, 3)
    basis = _basis(height, width, device)
    bend = torch.randn(n, 2, len(basis) - 3, generator=generator, device=device)
    bend = bend * (elastic * 2 / width)  # (N, 2, MODES^2)
    grid = torch.cat([affine, bend], 2).flatten(0, 1) @ basis  # (2 N, H W)
    grid = grid.view(n, 2, height, width).permute(0, 2, 3, 1)  # (N, H, W, 2)
    return F.grid_sample(images, grid, align_corners=False)
