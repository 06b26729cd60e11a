"""Training one net, from data to checkpoint: seeded, resumable, alone or data-parallel."""

import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from mnistcore import checkpoint, figures
from mnistcore.data import load_mnist, normalize, split_train_val, to_unit
from mnistcore.device import choose_device, device_name, has_bfloat16, keep_freed_memory
from mnistcore.files import ASSETS, code_version, naming, write_json, write_whole
from mnistcore.metrics import fit_temperature, measure, predict_logits
from mnistcore.models import create_model, model_name
from mnistcore.pens.strokes import digit_images, other_images
from mnistcore.training.distort import distort
from mnistcore.training.recipes import RECIPES, TrainConfig

NO_DIGIT = 10  # the label of an image that shows none


class Workers(NamedTuple):
    """The processes that train together, as ``torchrun`` started them."""

    rank: int
    world: int
    device: torch.device


@contextmanager
def _workers(device: torch.device) -> Iterator[Workers]:
    if not dist.is_torchelastic_launched():
        yield Workers(0, 1, device)
        return
    if device.type == "cuda":
        device = choose_device(f"cuda:{os.environ['LOCAL_RANK']}")
        torch.cuda.set_device(device)
    elif device.type != "cpu":
        raise ValueError(f"several processes train on cuda or cpu, not {device.type}; use --device")
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Workers(dist.get_rank(), dist.get_world_size(), device)
    finally:
        dist.destroy_process_group()


def _seed(*parts: int) -> int:
    """One seed from several numbers, so that neighbours have nothing in common."""
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


Tensors = tuple[Tensor, ...] | list[Tensor]


def moving_average(memory: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """A ``multi_avg_fn`` for AveragedModel that remembers about ``memory`` steps.

    It is the mean of all steps while they are fewer: an average that starts from the random first
    weights, as that of swa_utils does, would hold on to them.
    """

    def update(averaged: Tensors, current: Tensors, steps: Tensor | int) -> None:
        torch._foreach_lerp_(averaged, current, 1 / (1 + min(float(steps), memory)))

    return update


def with_drawn(images: Tensor, labels: Tensor, config: TrainConfig) -> tuple[Tensor, Tensor]:
    """MNIST's images and labels, and after them what our own pen font adds.

    These are digits in the forms that MNIST has few of, and things that are no digits, labelled
    NO_DIGIT, for which the net learns to find all ten equally likely.

    References:
        Hendrycks, Mazeika, Dietterich: Deep anomaly detection with outlier exposure. ICLR 2019.
    """
    drawn, drawn_labels = digit_images(config.drawn, config.seed)
    others = other_images(config.others, config.seed)
    no_digit = torch.full((config.others,), NO_DIGIT)
    device = images.device
    return (
        torch.cat([images, drawn.to(device), others.to(device)]),
        torch.cat([labels, drawn_labels.to(device), no_digit.to(device)]),
    )


class Training:
    """A net in training on ``n`` images, and all that a resumed one needs to go on bit for bit.

    Random numbers are drawn anew from (seed, epoch, rank) at the start of each epoch, so no state
    of a generator has to be kept.
    """

    def __init__(self, name: str, config: TrainConfig, workers: Workers, n: int) -> None:
        self.name, self.config, self.workers = name, config, workers
        self.history: list[dict[str, float]] = []
        torch.backends.cudnn.deterministic = True
        torch.manual_seed(config.seed)
        layout = torch.channels_last if config.channels_last else torch.contiguous_format
        self.model = create_model(name).to(workers.device).to(memory_format=layout)
        self.net = DistributedDataParallel(self.model) if workers.world > 1 else self.model
        self.steps_per_epoch = n // config.batch_size  # an epoch's last few images sit out
        total_steps = config.epochs * self.steps_per_epoch
        if config.warmup * total_steps < 2:  # OneCycleLR would divide by zero
            raise ValueError(
                f"epochs {config.epochs} and batch_size {config.batch_size} make {total_steps} "
                f"steps, and warmup {config.warmup} of them are fewer than the two that it takes: "
                "give more epochs, smaller batches or a longer warmup"
            )
        average = moving_average(config.ema * total_steps)
        self.ema = AveragedModel(self.model, multi_avg_fn=average)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True
        )
        self.scheduler = OneCycleLR(
            self.optimizer,
            max_lr=config.lr,
            total_steps=total_steps,
            pct_start=config.warmup,
        )
        self.parts: dict[str, Any] = {
            "weights": self.model,
            "ema": self.ema,
            "optimizer": self.optimizer,
            "scheduler": self.scheduler,
        }

    def state(self) -> dict[str, Any]:
        """The content of ``training.pt``."""
        parts = {key: part.state_dict() for key, part in self.parts.items()}
        config = asdict(self.config)
        return {"model": self.name, "config": config, "history": self.history, **parts}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state that :meth:`state` gave."""
        for key, part in self.parts.items():
            part.load_state_dict(state[key])
        self.history = state["history"]

    def epoch(self, images: Tensor, labels: Tensor, bar: tqdm) -> dict[str, float]:
        """Train on the images in a random order, in whole batches, on none of them twice.

        Args:
            images: uint8 (n, 1, 28, 28), on the device.
            labels: int64 (n,); NO_DIGIT asks for ten equal probabilities.
            bar: moved on by the images of each step.

        Returns:
            loss on the distorted images and accuracy on the digits among them, means over the
            epoch; the last lr.
        """
        config, (rank, world, device) = self.config, self.workers
        epoch = len(self.history)
        shuffle = torch.Generator().manual_seed(_seed(config.seed, epoch))
        order = torch.randperm(len(images), generator=shuffle).to(device)
        torch.manual_seed(_seed(config.seed, epoch, rank))  # of dropout
        generator = torch.Generator(device).manual_seed(_seed(config.seed, epoch, rank, 1))
        amp = config.amp and has_bfloat16(device)
        wanted = torch.cat([torch.eye(10), torch.full((1, 10), 0.1)]).to(device)
        total_loss = torch.zeros((), device=device)
        total_correct = torch.zeros((), device=device)
        total_digits = torch.zeros((), device=device)
        self.net.train()
        for step in range(self.steps_per_epoch):
            batch = order[step * config.batch_size : (step + 1) * config.batch_size][rank::world]
            targets = labels.index_select(0, batch)
            inputs = distort(
                to_unit(images.index_select(0, batch)),  # faster than images[batch]
                generator,
                **config.distortion(self.scheduler.last_epoch / self.scheduler.total_steps),
            )
            with torch.autocast(device.type, torch.bfloat16, enabled=amp):
                logits = self.net(normalize(inputs)).float()
            loss = F.cross_entropy(logits, wanted.index_select(0, targets))
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.scheduler.step()
            self.ema.update_parameters(self.model)
            total_loss += loss.detach()
            total_correct += (logits.argmax(1) == targets).sum()
            total_digits += (targets != NO_DIGIT).sum()
            if step % 20 == 0 and not bar.disable:  # to read a loss makes an accelerator wait
                bar.set_postfix(epoch=epoch + 1, loss=f"{loss.item():.4f}", refresh=False)
            bar.update(config.batch_size)
        sums = torch.stack([total_loss, total_correct, total_digits])
        if world > 1:
            dist.all_reduce(sums)
        loss_sum, correct, digits = sums.tolist()
        return {
            "loss": loss_sum / (self.steps_per_epoch * world),
            "accuracy": correct / digits,
            "lr": self.scheduler.get_last_lr()[0],
        }


def train(
    name: str,
    config: TrainConfig | None = None,
    *,
    out_dir: Path | str,
    data_dir: Path | str = ASSETS,
    device: str | None = None,
    resume: bool = False,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Train one net on MNIST; the test set is not touched.

    After every epoch ``<out_dir>/<name>/`` holds ``training.pt``, from which the training can be
    resumed, and ``history.json``; after the last one it holds ``curves.png`` and no
    ``training.pt``, and the finished checkpoint is ``<out_dir>/<name>.pt``.

    Under ``torchrun`` every process trains on its part of each batch, and the first one writes;
    several machines need a common ``out_dir``.

    Args:
        name: one of ``list_models()``, in any case.
        config: the recipe; the net's own by default.
        out_dir: folder of the checkpoint.
        data_dir: folder that holds ``MNIST/raw``.
        device: "cpu", "cuda", "mps", ...; the accelerator by default, where there is one.
        resume: go on after the last epoch that ``training.pt`` knows, or return a finished
            checkpoint as it is; start where there is neither.
        show_progress: show a bar (on a terminal) and print a line an epoch.

    Returns:
        The checkpoint: weights (averaged over the steps), config, history, temperature, val
        (metrics of the validation images), and where, how long and by what it was made.

    Raises:
        ValueError: unknown net or device, a setting out of range, damaged data, a checkpoint of
            other settings.
        OSError: ``out_dir`` cannot be written.
    """
    name = model_name(name)
    config = config or RECIPES[name]
    keep_freed_memory()
    with _workers(choose_device(device)) as workers:
        if config.batch_size % workers.world:
            raise ValueError(
                f"batch_size {config.batch_size} cannot be divided by {workers.world} processes"
            )
        return _train(name, config, workers, Path(out_dir), data_dir, resume, show_progress)


def _train(
    name: str,
    config: TrainConfig,
    workers: Workers,
    out_dir: Path,
    data_dir: Path | str,
    resume: bool,
    show_progress: bool,
) -> dict[str, Any]:
    finished, folder = out_dir / f"{name}.pt", out_dir / name
    running = folder / "training.pt"
    first = workers.rank == 0
    if resume and finished.exists() and not running.exists():
        content = checkpoint.load_for(name, finished, "config", "val")
        _check_same_settings(config, content, finished)
        return content
    if first:
        folder.mkdir(parents=True, exist_ok=True)
        with naming(folder):  # better now than after the first epoch
            tempfile.TemporaryFile(dir=folder).close()
        if not resume:
            running.unlink(missing_ok=True)  # of an earlier training
    unpacks = os.environ.get("LOCAL_RANK", "0") == "0"  # one process a machine unpacks the data
    if not unpacks:
        dist.barrier()
    images, labels = load_mnist("train", data_dir, workers.device)
    if unpacks and workers.world > 1:
        dist.barrier()
    train_idx, val_idx = split_train_val(config.val_size, len(images))
    val_images, val_labels = images[val_idx], labels[val_idx].cpu()
    images, labels = with_drawn(images[train_idx], labels[train_idx], config)

    training = Training(name, config, workers, len(images))
    if resume and running.exists():
        state = checkpoint.load_for(name, running, "config", "history", *training.parts)
        _check_same_settings(config, state, running)
        training.restore(state)
    total = config.epochs * training.steps_per_epoch * config.batch_size
    with tqdm(
        total=total,
        initial=total * len(training.history) // config.epochs,
        desc=name,
        unit="image",
        unit_scale=True,
        disable=None if show_progress and first else True,
    ) as bar:
        while len(training.history) < config.epochs:
            start = time.perf_counter()
            entry = training.epoch(images, labels, bar)
            if not math.isfinite(entry["loss"]):
                raise ValueError(f"{name} diverged (loss {entry['loss']}); lower --lr")
            val = measure(predict_logits(training.ema.module, val_images), val_labels)
            entry |= {"val_loss": val.loss, "val_accuracy": val.accuracy}
            entry["seconds"] = time.perf_counter() - start
            training.history.append(entry)
            if first:
                # The state comes last: killed between the two, the epoch and both are made anew.
                write_json(folder / "history.json", training.history)
                checkpoint.save(training.state(), running)
            if first and show_progress:
                bar.write(_epoch_line(name, len(training.history), config.epochs, entry))

    content = _finish(training, val_images, val_labels)
    if first:
        write_whole(folder / "curves.png", figures.curves(name, training.history))
        checkpoint.save(content, finished)
        running.unlink(missing_ok=True)
    return content


def _check_same_settings(config: TrainConfig, content: dict[str, Any], path: Path) -> None:
    ours, theirs = asdict(config), content["config"]
    differ = [f"{k} {theirs.get(k)} (now {v})" for k, v in ours.items() if theirs.get(k) != v]
    if differ:
        raise ValueError(f"{path} was made with {', '.join(differ)}; resume with that or delete it")


def _epoch_line(name: str, epoch: int, epochs: int, entry: dict[str, float]) -> str:
    return (
        f"{name} epoch {epoch}/{epochs}  loss {entry['loss']:.4f}  "
        f"train {entry['accuracy']:.2%}  val {entry['val_accuracy']:.2%}  "
        f"lr {entry['lr']:.1e}  {entry['seconds']:.1f} s"
    )


def _finish(training: Training, val_images: Tensor, val_labels: Tensor) -> dict[str, Any]:
    """The finished checkpoint: the averaged weights as they are stored, measured as stored."""
    config, device = training.config, training.workers.device
    dtype = torch.float16 if config.half_weights else torch.float32
    averaged = training.ema.module.state_dict()
    weights = {key: value.to(dtype).cpu().contiguous() for key, value in averaged.items()}
    model: nn.Module = create_model(training.name)
    model.load_state_dict(weights)
    logits = predict_logits(model.to(device), val_images)
    return {
        "model": training.name,
        "weights": weights,
        "config": asdict(config),
        "history": training.history,
        "temperature": fit_temperature(logits, val_labels),
        "val": asdict(measure(logits, val_labels)),
        "train_seconds": sum(entry["seconds"] for entry in training.history),
        "device": device_name(device),
        "processes": training.workers.world,
        "torch_version": str(torch.__version__),
        "code_version": code_version(),
    }
