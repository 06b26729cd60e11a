"""Speed: our training loop and our short training against conventional ones, and reading.

Both ways always take turns in one process.
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
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from mnistcore.data import MEAN, SIDE, STD, load_mnist, normalize, split_train_val, to_unit
from mnistcore.device import (
    choose_device,
    device_name,
    has_bfloat16,
    keep_freed_memory,
    one_thread,
)
from mnistcore.metrics import measure, predict_logits
from mnistcore.models import create_model
from mnistcore.reading.recognizer import Recognizer
from mnistcore.results import Fast, Peak, Rates, ReadRates, ShortTraining, Speed
from mnistcore.training.epoch import Training
from mnistcore.training.recipes import FAST, FAST_NET, RECIPES
from mnistcore.training.workers import Workers

IMAGES = 16_384  # per round, for each of the two loops
PICTURES = 1000  # of 28x28 pixels, per round, for each of the two ways to read them
ROUNDS = 5
SEEDS = 5  # of each of the two short trainings
PEAK_SIZES = 1024, 2048, 4096  # rows and columns: the best suits the caches of this device
PEAK_TRIES = 5  # of each size


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
            _wait(device)
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


def conventional_net() -> nn.Sequential:
    """The net of the conventional fast recipe: normalised images (N, 1, 28, 28) -> logits."""
    return nn.Sequential(
        nn.Conv2d(1, 24, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(24, 32, 3),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),  # (N, 800)
        nn.Linear(800, 256),
        nn.ReLU(),
        nn.Linear(256, 10),
    )


def conventional_fast(images: Tensor, labels: Tensor, seed: int) -> nn.Module:
    """One epoch of 60,000 images after the description of train_mnist_fast.

    Batches of 256, Adam with betas 0.7 and 0.9, one cycle up to a learning rate of 0.01, float32,
    no distortion.

    Args:
        images: uint8 (n, 1, 28, 28), on the device.
        labels: int64 (n,), on the device.
        seed: of weights and order.
    """
    torch.manual_seed(seed)
    batches = torch.randperm(len(images)).to(images.device).split(256)
    model = conventional_net().to(images.device)
    optimizer = torch.optim.Adam(model.parameters(), betas=(0.7, 0.9))
    scheduler = OneCycleLR(optimizer, max_lr=0.01, total_steps=len(batches), cycle_momentum=False)
    inputs = normalize(to_unit(images))
    for batch in batches:
        loss = F.cross_entropy(model(inputs[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    return model


def our_fast(images: Tensor, labels: Tensor, seed: int) -> nn.Module:
    """The steps of ``train --fast``, without its validation and files after each epoch."""
    config = replace(RECIPES[FAST_NET], **FAST, seed=seed)
    indices = split_train_val(config.val_size, len(images))[0].to(images.device)
    images, labels = images[indices], labels[indices]
    training = Training(FAST_NET, config, Workers(0, 1, images.device), len(images))
    for _ in range(config.epochs):
        training.history.append(training.epoch(images, labels, tqdm(disable=True)))
    return training.ema.module


def compare_fast(
    data_dir: Path | str, device: str | None = None, show_progress: bool = False
) -> Fast:
    """Seconds and test accuracy of two short trainings, in turn, over the same seeds."""
    chosen = choose_device(device)
    keep_freed_memory()  # helps both
    images, labels = load_mnist("train", data_dir, chosen)
    test_images, test_labels = load_mnist("test", data_dir, chosen)
    ways = conventional_fast, our_fast
    trainings: list[ShortTraining] = [{"seconds": [], "accuracies": []} for _ in ways]
    for seed in tqdm(range(SEEDS), unit="seed", disable=None if show_progress else True):
        for way, training in zip(ways, trainings, strict=True):
            start = time.perf_counter()
            model = way(images, labels, seed)
            _wait(chosen)
            training["seconds"].append(time.perf_counter() - start)
            logits = predict_logits(model.eval(), test_images)
            training["accuracies"].append(measure(logits, test_labels.cpu()).accuracy)
    theirs, ours = trainings
    return {"device": device_name(chosen), "net": FAST_NET, "conventional": theirs, "ours": ours}


def _wait(device: torch.device) -> None:
    """Wait until an accelerator has done what it was given."""
    if device.type != "cpu":
        torch.accelerator.synchronize()


def flops_per_image(name: str) -> int:
    """Floating-point operations of one training step per image.

    Those of the plain layers' products, forward and backward, as torch's FlopCounterMode counts
    them: two for each multiply-add, none for what else a step does.
    """
    model = create_model(name).eval()  # the fused layers are not used: they compute more
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 1, SIDE, SIDE)).sum().backward()
    return counter.get_total_flops()


def peak_flops(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of the fastest product of two square matrices: what this device can do at best."""
    rates = []
    for size in PEAK_SIZES:
        a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        for _ in range(PEAK_TRIES):
            start = time.perf_counter()
            torch.mm(a, b)
            _wait(device)
            rates.append(2 * size**3 / (time.perf_counter() - start))
    return max(rates)


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
        nets[name] = {
            "conventional": conventional,
            "ours": ours,
            **ratios,
            "flops_per_image": flops_per_image(name),
        }
    peak: Peak = {
        "float32": peak_flops(chosen, torch.float32),
        "bfloat16": peak_flops(chosen, torch.bfloat16) if has_bfloat16(chosen) else None,
    }
    return {
        "device": device_name(chosen),
        "torch_version": str(torch.__version__),
        "images": IMAGES,
        "rounds": ROUNDS,
        "nets": nets,
        "peak": peak,
    }
