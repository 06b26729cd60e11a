"""A net in training: its state, its optimizer steps, and the checkpoint that it becomes."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
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

from mnistcore.data import normalize, to_unit
from mnistcore.device import device_name, has_bfloat16
from mnistcore.files import code_version
from mnistcore.metrics import fit_temperature, measure, predict_logits
from mnistcore.models import create_model
from mnistcore.training.distort import distort
from mnistcore.training.images import NO_DIGIT, Data
from mnistcore.training.recipes import TrainConfig
from mnistcore.training.workers import Workers


def _seed(*parts: int) -> int:
    """One seed from several numbers; seeds of neighbouring numbers are unrelated."""
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


Tensors = tuple[Tensor, ...] | list[Tensor]


def moving_average(memory: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """A ``multi_avg_fn`` for AveragedModel with a span of about ``memory`` steps.

    Until then it is the plain mean of all steps. The average of swa_utils starts from the random
    initial weights and would keep a share of them.
    """

    def update(averaged: Tensors, current: Tensors, steps: Tensor | int) -> None:
        torch._foreach_lerp_(averaged, current, 1 / (1 + min(float(steps), memory)))

    return update


def init_for_relu(model: nn.Module) -> None:
    """Draw a net's weights so that ReLU keeps the variance from layer to layer; biases are 0.

    References:
        He et al.: Delving deep into rectifiers. ICCV 2015.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            assert layer.bias is not None
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)


class Step(NamedTuple):
    """What one step found: scalars on the device."""

    loss: Tensor  # on the distorted images of the batch
    correct: Tensor  # how many of its digits were read right,
    digits: Tensor  # of how many


class Training:
    """A net in training on ``n`` images, with all the state it takes to resume bit for bit.

    The random generators are seeded with (seed, epoch, rank) at the start of each epoch, so their
    states need not be stored.

    Raises:
        ValueError: the batches cannot be shared among the processes, or there are too few steps;
            or the hard images do not fill a batch, or are to be chosen by several processes.
    """

    def __init__(self, name: str, config: TrainConfig, workers: Workers, n: int) -> None:
        if config.batch_size % workers.world:
            raise ValueError(
                f"batch_size {config.batch_size} cannot be divided by {workers.world} processes"
            )
        if config.hard < 1 and workers.world > 1:
            raise ValueError(
                f"hard is {config.hard}, and several processes cannot share hard images: train in "
                "one process, or add --hard 1"
            )
        self.name, self.config, self.workers = name, config, workers
        self.history: list[dict[str, float]] = []
        torch.backends.cudnn.deterministic = True
        torch.manual_seed(config.seed)
        layout = torch.channels_last if config.channels_last else torch.contiguous_format
        self.model = create_model(name).to(workers.device).to(memory_format=layout)
        if config.he_init:
            init_for_relu(self.model)
        if not config.dropout:
            for layer in self.model.modules():
                if isinstance(layer, nn.Dropout):
                    layer.p = 0.0
        self.net = DistributedDataParallel(self.model) if workers.world > 1 else self.model
        self._num_hard = int(config.hard * n)
        # The last incomplete batch of an epoch is left out.
        first, later = n // config.batch_size, self._num_hard // config.batch_size
        if config.epochs > 1 and first and not later:
            raise ValueError(
                f"hard is {config.hard}: that leaves {self._num_hard} images after the first "
                f"epoch, fewer than batch_size {config.batch_size}: use a larger hard or smaller "
                "batches"
            )
        self.epoch_steps = [first, *[later] * (config.epochs - 1)]
        total_steps = sum(self.epoch_steps)
        # Each image's last loss, less the least that is possible for its target.
        self.losses = torch.full((n,), math.inf, device=workers.device)
        if config.warmup * total_steps < 2:  # OneCycleLR would divide by zero
            raise ValueError(
                f"epochs {config.epochs} and batch_size {config.batch_size} give {total_steps} "
                f"steps, and warmup {config.warmup} of them is fewer than the two it needs: "
                "use more epochs, smaller batches or a longer warmup"
            )
        average = moving_average(config.ema * total_steps)
        self.ema = AveragedModel(self.model, multi_avg_fn=average)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=config.lr,
            betas=(config.beta1 or 0.9, config.beta2),
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.scheduler = OneCycleLR(
            self.optimizer,
            max_lr=config.lr,
            total_steps=total_steps,
            pct_start=config.warmup,
            cycle_momentum=not config.beta1,
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
        losses = {"losses": self.losses} if self.config.hard < 1 else {}
        return {"model": self.name, "config": config, "history": self.history, **parts, **losses}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state that :meth:`state` returned."""
        for key, part in self.parts.items():
            part.load_state_dict(state[key])
        self.history = state["history"]
        if self.config.hard < 1:
            self.losses.copy_(state["losses"])

    def steps(self, images: Tensor, labels: Tensor) -> Iterator[Step]:
        """Train once on each image of the epoch in whole batches, and pause after each of them.

        Args:
            images: uint8 (n, 1, 28, 28), on the device.
            labels: int64 (n,); for NO_DIGIT the target is ten equal probabilities.
        """
        config, (rank, world, device) = self.config, self.workers
        epoch = len(self.history)
        if config.shuffle:
            shuffle = torch.Generator().manual_seed(_seed(config.seed, epoch))
            order = torch.randperm(len(images), generator=shuffle).to(device)
        else:
            order = labels.argsort(stable=True)
        if epoch and config.hard < 1:
            order = order[torch.isin(order, self.losses.topk(self._num_hard).indices)]
        torch.manual_seed(_seed(config.seed, epoch, rank))  # for dropout
        generator = torch.Generator(device).manual_seed(_seed(config.seed, epoch, rank, 1))
        amp = config.amp and has_bfloat16(device)
        target_probs = torch.cat([torch.eye(10), torch.full((1, 10), 0.1)]).to(device)
        least_losses = torch.special.entr(target_probs).sum(1)  # of a uniform target: log(10)
        self.net.train()
        for step in range(self.epoch_steps[epoch]):
            batch = order[step * config.batch_size : (step + 1) * config.batch_size][rank::world]
            batch_labels = labels.index_select(0, batch)
            inputs = distort(
                to_unit(images.index_select(0, batch)),  # faster than images[batch]
                generator,
                **config.distortion(self.scheduler.last_epoch / self.scheduler.total_steps),
            )
            with torch.autocast(device.type, torch.bfloat16, enabled=amp):
                logits = self.net(normalize(inputs)).float()
            targets = target_probs.index_select(0, batch_labels)
            losses = F.cross_entropy(logits, targets, reduction="none")
            loss = losses.mean()
            loss.backward()
            self.losses[batch] = losses.detach() - least_losses.index_select(0, batch_labels)
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.scheduler.step()
            self.ema.update_parameters(self.model)
            correct = (logits.argmax(1) == batch_labels).sum()
            yield Step(loss.detach(), correct, (batch_labels != NO_DIGIT).sum())

    def epoch(self, images: Tensor, labels: Tensor, bar: tqdm) -> dict[str, float]:
        """All of :meth:`steps`.

        Args:
            images: as for :meth:`steps`.
            labels: as for :meth:`steps`.
            bar: advanced by the number of images at each step.

        Returns:
            loss on the distorted images and accuracy on the digits among them, both averaged over
            the epoch, and the last lr.
        """
        world, device = self.workers.world, self.workers.device
        sums = torch.zeros(3, device=device)
        for count, step in enumerate(self.steps(images, labels)):
            sums += torch.stack(step)
            if count % 20 == 0 and not bar.disable:  # reading a loss makes an accelerator wait
                epoch = len(self.history) + 1
                bar.set_postfix(epoch=epoch, loss=f"{step.loss.item():.4f}", refresh=False)
            bar.update(self.config.batch_size)
        if world > 1:
            dist.all_reduce(sums)
        loss_sum, correct, digits = sums.tolist()
        return {
            "loss": loss_sum / (self.epoch_steps[len(self.history)] * world),
            "accuracy": correct / digits,
            "lr": self.scheduler.get_last_lr()[0],
        }

    def finished(self, data: Data) -> dict[str, Any]:
        """The finished checkpoint: the averaged weights as they are stored, and their metrics."""
        config, averaged = self.config, self.ema.module.state_dict()
        return {
            "model": self.name,
            "config": asdict(config),
            "data": data.record,
            "history": self.history,
            **evaluated(self.name, averaged, config.half_weights, data.val_images, data.val_labels),
            "train_seconds": sum(entry["seconds"] for entry in self.history),
            "device": device_name(self.workers.device),
            "processes": self.workers.world,
            "torch_version": str(torch.__version__),
            "code_version": code_version(),
        }


def evaluated(
    name: str, weights: Mapping[str, Tensor], half: bool, images: Tensor, labels: Tensor
) -> dict[str, Any]:
    """What a finished checkpoint has of the weights of a net: these as stored, and their metrics.

    Args:
        name: of the net.
        weights: on any device.
        half: store them as float16.
        images: of the validation set, uint8 (n, 1, 28, 28), on the device that computes.
        labels: int64 (n,), on the CPU.
    """
    dtype = torch.float16 if half else torch.float32
    stored = {key: value.to(dtype).cpu().contiguous() for key, value in weights.items()}
    model = create_model(name)
    model.load_state_dict(stored)
    logits = predict_logits(model.to(images.device), images)
    return {
        "weights": stored,
        "temperature": fit_temperature(logits, labels),
        "val": asdict(measure(logits, labels)),
    }
