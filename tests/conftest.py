"""What several tests share: MNIST's training set and a small, seeded slice of it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from mnistcore import training
from mnistcore.data import load_mnist

torch.set_num_threads(1)  # the tests' tensors are small: more threads only wait for each other


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files with the most slow tests first, so that processes that share them end together."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="session")
def mnist_train() -> tuple[Tensor, Tensor]:
    """All training images, uint8 (60000, 1, 28, 28), and labels, int64 (60000,)."""
    return load_mnist("train")


@pytest.fixture(scope="session")
def few(mnist_train: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    images, labels = mnist_train
    chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:256]
    return images[chosen], labels[chosen]


@pytest.fixture
def few_images(few: tuple[Tensor, Tensor]) -> Tensor:
    """uint8 (256, 1, 28, 28); a copy, so that a test may change it."""
    return few[0].clone()


@pytest.fixture
def few_labels(few: tuple[Tensor, Tensor]) -> Tensor:
    """int64 (256,), of ``few_images``."""
    return few[1].clone()


def load_small(split: str, *args: Any) -> tuple[Tensor, Tensor]:
    """The first 2,500 images of a split."""
    images, labels = load_mnist(split, *args)
    return images[:2500], labels[:2500]


@pytest.fixture(scope="module")
def small_mnist() -> Iterator[None]:
    """Training knows a few images only, so that an epoch takes a fraction of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "load_mnist", load_small)
        yield
