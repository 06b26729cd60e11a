"""What a net trains on: images of MNIST, synthetic digits and non-digits."""

from typing import NamedTuple

import torch
from torch import Tensor

from mnistcore.data import split_train_val
from mnistcore.datasets import Dataset
from mnistcore.pens.edited import edited_digits
from mnistcore.pens.strokes import digit_images, other_images
from mnistcore.results import DataRecord
from mnistcore.training.recipes import TrainConfig

NO_DIGIT = 10  # the label of an image that shows no digit


class Data(NamedTuple):
    """Images uint8 (n, 1, 28, 28) on the device; labels int64 (n,), those of validation on CPU."""

    images: Tensor
    labels: Tensor
    val_images: Tensor
    val_labels: Tensor
    record: DataRecord  # of the data set


def split_data(dataset: Dataset, config: TrainConfig) -> Data:
    """What a net trains on and is validated on, of all training images and their labels.

    Raises:
        ValueError: ``config.val_size`` leaves fewer than ``config.train_size`` images.
    """
    images, labels = dataset.images, dataset.labels
    train_idx, val_idx = split_train_val(config.val_size, len(images))
    if config.train_size > len(train_idx):
        raise ValueError(
            f"train_size is {config.train_size}; it must be from 0 to {len(train_idx)}, the "
            "images that are not held out for validation"
        )
    train_idx = train_idx[: config.train_size or None]
    return Data(
        *with_synthetic(images[train_idx], labels[train_idx], config),
        images[val_idx],
        labels[val_idx].cpu(),
        dataset.record,
    )


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
