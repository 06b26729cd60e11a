"""Speed: our training loop against a conventional one, and pictures read together or one by one.

Both ways take turns in one process.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from mnistcore.data import MEAN, STD, load_mnist
from mnistcore.device import choose_device, device_name, keep_freed_memory, one_thread
from mnistcore.models import create_model
from mnistcore.reading.recognizer import Recognizer
from mnistcore.results import Rates, ReadRates, Speed
from mnistcore.training.epoch import Training
from mnistcore.training.recipes import RECIPES
from mnistcore.training.workers import Workers

IMAGES = 16_384  # per round, for each of the two loops
PICTURES = 1000  # of 28x28 pixels, per round, for each of the two ways to read them
ROUNDS = 5


def conventional_epoch(name: str, data_dir: Path | str, device: torch.device) -> Callable[[], None]:
    """One pass over the first images of MNIST, in the manner of pytorch/examples' ``mnist``.

    A DataLoader that transforms each image, batches of 64, Adadelta with learning rate 1, float32
    in the default memory layout, the loss read every ten batches. No distortion, no averaging.
    """
    from torchvision import transforms  # here: it takes as long to import as torch itself

    to_input = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))])
    images, labels = load_mnist("train", data_dir)

    class Digits(Dataset[tuple[Tensor, int]]):
        """What torchvision's MNIST does for each item, without writing to ``data_dir``."""

        def __len__(self) -> int:
            return IMAGES

        def __getitem__(self, index: int) -> tuple[Tensor, int]:
            picture = Image.fromarray(images[index, 0].numpy())
            return to_input(picture), int(labels[index])

    loader = DataLoader(Digits(), batch_size=64, shuffle=True)
    torch.manual_seed(0)
    model = create_model(name).to(device).train()
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)

    def epoch() -> None:
        for step, (inputs, targets) in enumerate(loader):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs.to(device)), targets.to(device))
            loss.backward()
            optimizer.step()
            if step % 10 == 0:
                loss.item()

    return epoch


def our_epoch(name: str, data_dir: Path | str, device: torch.device) -> Callable[[], None]:
    """One pass over the same images as ``train`` does it, with distortion and averaging."""
    images, labels = load_mnist("train", data_dir, device)
    images, labels = images[:IMAGES], labels[:IMAGES]
    config = replace(RECIPES[name], epochs=100)  # more than the rounds: the schedule must not end
    training = Training(name, config, Workers(0, 1, device), IMAGES)

    def epoch() -> None:
        training.history.append(training.epoch(images, labels, tqdm(disable=True)))

    return epoch


class Ratios(TypedDict):
    """The median, the least and the greatest ratio of two rates over the rounds."""

    ratio: float
    ratio_min: float
    ratio_max: float


def _in_turn(
    ways: Sequence[Callable[[], object]], n: int, device: torch.device
) -> tuple[float, float, Ratios]:
    """The rates of two ways to process n items, medians over the rounds, after a warm-up round."""
    rounds = []
    for _ in range(1 + ROUNDS):
        rates = []
        for way in ways:
            start = time.perf_counter()
            way()
            if device.type != "cpu":
                torch.accelerator.synchronize()
            rates.append(n / (time.perf_counter() - start))
        rounds.append(rates)
    first, second = zip(*rounds[1:], strict=True)
    ratios = [b / a for a, b in zip(first, second, strict=True)]
    return (
        statistics.median(first),
        statistics.median(second),
        {"ratio": statistics.median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios)},
    )


def compare_reading(data_dir: Path | str, device: str | None = None) -> ReadRates:
    """Pictures read per second, one by one and many together, with the shipped weights."""
    recognizer = Recognizer(device=device)
    recognizer.load()
    pictures = list(load_mnist("train", data_dir)[0][:PICTURES, 0].numpy())

    def one_by_one() -> None:
        for picture in pictures:
            recognizer.read(picture)

    ways = one_by_one, lambda: recognizer.read_many(pictures)
    with one_thread():
        read, read_many, ratios = _in_turn(ways, len(pictures), recognizer.device)
        name = device_name(recognizer.device)
    return {
        "device": name,
        "n": len(pictures),
        "rounds": ROUNDS,
        "read": read,
        "read_many": read_many,
        **ratios,
    }


def compare_speed(
    names: list[str], data_dir: Path | str, device: str | None = None, show_progress: bool = False
) -> Speed:
    """Training images per second of both loops, in turn, after a warm-up round.

    Returns:
        The content of ``speed.json``: medians over the rounds, and the smallest and greatest ratio.
    """
    chosen = choose_device(device)
    keep_freed_memory()  # helps both loops
    nets: dict[str, Rates] = {}
    for name in tqdm(names, unit="net", disable=None if show_progress else True):
        our_way = our_epoch(name, data_dir, chosen)  # first: it checks the data
        ways = conventional_epoch(name, data_dir, chosen), our_way
        conventional, ours, ratios = _in_turn(ways, IMAGES, chosen)
        nets[name] = {"conventional": conventional, "ours": ours, **ratios}
    return {
        "device": device_name(chosen),
        "torch_version": str(torch.__version__),
        "images": IMAGES,
        "rounds": ROUNDS,
        "nets": nets,
    }
