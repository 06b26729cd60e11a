"""A stage of a convolution, ReLU and max pooling that trains faster on a CPU than its parts."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _MaxOfFour(torch.autograd.Function):
    """ReLU of the greatest of four groups of rows: (4 C, n) -> (C, n).

    Of equals the first gets the gradient, as in ``F.max_pool2d``.
    """

    @staticmethod
    def forward(ctx: Any, groups: Tensor) -> Tensor:
        a, b, c, d = groups.chunk(4)
        top, bottom = torch.maximum(a, b), torch.maximum(c, d)
        out = torch.maximum(top, bottom).clamp_min_(0)
        ctx.save_for_backward(groups, top, bottom, out)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        def send(
            grad: Tensor, left: Tensor, right: Tensor, to_left: Tensor, to_right: Tensor
        ) -> None:
            torch.ge(left, right, out=to_left).mul_(grad)
            torch.sub(grad, to_left, out=to_right)

        groups, top, bottom, out = ctx.saved_tensors
        grad = torch.ops.aten.threshold_backward(grads[0], out, 0)
        to_top, to_bottom = torch.empty_like(top), torch.empty_like(bottom)
        send(grad, top, bottom, to_top, to_bottom)
        a, b, c, d = groups.chunk(4)
        to_groups = torch.empty_like(groups)
        to_a, to_b, to_c, to_d = to_groups.chunk(4)
        send(to_top, a, b, to_a, to_b)
        send(to_bottom, c, d, to_c, to_d)
        return to_groups


class ConvReLUPool(nn.Sequential):
    """A convolution, ReLU and 2x2 max pooling, in this order, to be walked one by one.

    When a CPU trains it on one plane, the three are one matrix product and a maximum. The four
    pixels that share a maximum see the kernel at four places of one window that is a pixel larger,
    so four kernels, each moved by (0, 0), (0, 1), (1, 0) or (1, 1) in it, give all four at once. A
    few maps alone leave a CPU's vector units mostly idle.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C_in, H, W) -> (N, C_out, H_out / 2, W_out / 2)."""
        if not (self.training and torch.is_grad_enabled() and x.device.type == "cpu"):
            return super().forward(x)
        conv, relu, pool = self.children()
        assert isinstance(conv, nn.Conv2d)
        assert conv.bias is not None
        if conv.in_channels > 1:  # on a CPU, max_pool2d has vector code for this layout alone
            return pool(relu(conv(x).contiguous(memory_format=torch.channels_last)))
        window = conv.kernel_size[0] + 1
        if torch.is_autocast_enabled("cpu"):
            x = x.to(torch.get_autocast_dtype("cpu"))
        windows = x[:, 0].unfold(1, window, 2).unfold(2, window, 2)  # (N, H', W', window, window)
        n, height, width = windows.shape[:3]
        windows = windows.permute(3, 4, 0, 1, 2).reshape(window**2, -1)  # (window^2, N H' W')
        moved = [F.pad(conv.weight, (j, 1 - j, i, 1 - i)) for i in (0, 1) for j in (0, 1)]
        kernels = torch.cat(moved).flatten(1)  # (4 C_out, window^2)
        maps = _MaxOfFour.apply(torch.addmm(conv.bias.repeat(4)[:, None], kernels, windows))
        return maps.view(-1, n, height, width).transpose(0, 1)  # (N, C_out, H', W')
