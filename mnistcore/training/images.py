"""What a net trains on besides MNIST: synthetic digits and non-digits."""

import torch
from torch import Tensor

from mnistcore.pens.strokes import digit_images, other_images
from mnistcore.training.recipes import TrainConfig

NO_DIGIT = 10  # the label of an image that shows no digit


def with_synthetic(images: Tensor, labels: Tensor, config: TrainConfig) -> tuple[Tensor, Tensor]:
    """Append ``config.drawn`` synthetic digits and ``config.others`` non-digits.

    The digits have forms that are rare in MNIST. For the non-digits, labelled NO_DIGIT, the net
    learns to give all ten digits the same probability.

    Args:
        images: uint8 (n, 1, 28, 28), on any device.
        labels: int64 (n,), on the same device.
        config: how many to append, and the seed they are drawn with.

    Returns:
        images (n + drawn + others, 1, 28, 28) and their labels, types and device unchanged.

    References:
        Hendrycks, Mazeika, Dietterich: Deep anomaly detection with outlier exposure. ICLR 2019.
    """
    digits, digit_labels = digit_images(config.drawn, config.seed)
    others = other_images(config.others, config.seed)
    other_labels = torch.full((config.others,), NO_DIGIT)
    device = images.device
    return (
        torch.cat([images, digits.to(device), others.to(device)]),
        torch.cat([labels, digit_labels.to(device), other_labels.to(device)]),
    )
