"""What a net trains on besides MNIST: synthetic digits and non-digits."""

import torch
from torch import Tensor

from mnistcore.pens.edited import edited_digits
from mnistcore.pens.strokes import digit_images, other_images
from mnistcore.training.recipes import TrainConfig

NO_DIGIT = 10  # the label of an image that shows no digit


def with_synthetic(images: Tensor, labels: Tensor, config: TrainConfig) -> tuple[Tensor, Tensor]:
    """Append ``config.drawn`` synthetic and ``config.edited`` edited digits, and non-digits.

    The digits have forms that are rare in MNIST. For the non-digits, labelled NO_DIGIT, the net
    learns to give all ten digits the same probability.

    Args:
        images: uint8 (n, 1, 28, 28), on any device.
        labels: int64 (n,), on the same device.
        config: how many to append, and the seed they are drawn with.

    Returns:
        images (n + drawn + edited + others, 1, 28, 28) and their labels; types and device are kept.

    References:
        Hendrycks, Mazeika, Dietterich: Deep anomaly detection with outlier exposure. ICLR 2019.
    """
    digits, digit_labels = digit_images(config.drawn, config.seed)
    edited, edited_labels = edited_digits(images, labels, config.edited, config.seed)
    others = other_images(config.others, config.seed)
    other_labels = torch.full((config.others,), NO_DIGIT)
    device = images.device
    return (
        torch.cat([images, *(more.to(device) for more in (digits, edited, others))]),
        torch.cat(
            [labels, *(more.to(device) for more in (digit_labels, edited_labels, other_labels))]
        ),
    )
