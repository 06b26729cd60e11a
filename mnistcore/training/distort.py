"""Random distortions of a whole batch on its device.

Rotation, scale, shear, shift and a smooth elastic field are all sums of fixed functions of the
pixel's position with random coefficients, so one matrix product gives a batch's sampling grids.

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

MODES = 4  # sine modes per axis of the elastic field; the finest has half the image as its period


@cache
def _basis(height: int, width: int, device: torch.device) -> Tensor:
    """The functions x, y, 1 and the sine modes at every pixel: (3 + MODES^2, height * width).

    x and y run over [-1, 1] as in ``grid_sample`` (align_corners=False). Mode (i, j) has the
    weight 1 / sqrt(i^2 + j^2), which keeps the field smooth; all modes are 0 on the border.
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
    """Rotate, scale, shear, shift and bend each image of a batch by its own random amounts.

    Args:
        images: float (N, 1, H, W) on background 0, which also fills what comes in from outside.
        generator: random numbers, on the device of the images.
        degrees: the rotation is uniform in +-degrees.
        scale: each axis shrinks by a factor uniform in 1 +- scale.
        shear: x changes by up to +-shear times y.
        shift: the shift along each axis is uniform in +-shift, in pixels.
        elastic: standard deviation of the coefficients of the elastic field, in pixels.

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
    # Rows of the inverse map, output position -> input position: rotation * shear * scale.
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
