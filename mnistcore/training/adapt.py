"""Teach a trained net one's own hand: a short training on one's digits, mixed with MNIST's."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from mnistcore import checkpoint
from mnistcore.data import SIDE, load_mnist, normalize, split_train_val, to_unit
from mnistcore.datasets import TEST_EVERY, check_of_mnist, each_fifth
from mnistcore.files import WEIGHTS, code_version
from mnistcore.metrics import predict_logits
from mnistcore.training.distort import distort
from mnistcore.training.epoch import evaluated
from mnistcore.training.recipes import RECIPES, TrainConfig

# Chosen on the writers of `tests/tools/hands.py`, with one seed. Two digits of each class from 54
# of them took away 52 % of LeNet's errors on their others; it lost 0.044 points on 5,000 MNIST
# validation digits. With answers to keep at a temperature of 1 and KEEPING 3, 54 % and 0.077;
# with KEEPING 1.5, 57 % and 0.12; with twice the steps, no more; with a stronger or weaker
# distortion, no better. KEPT halves the loss on MNIST, and costs hardly an error. SURE is for
# rare forms: where all digits came equally often, a made hand that mirrors its 3 was still
# misread with one seed of four. Training on MNIST's labels forgets more, and the net then refused
# 89 % of non-digits, before 99 %; so trained, 98 %.
STEPS = 100
OWN, MIXED = 32, 96  # of one's own and of MNIST's digits in a batch
SURE = 0.3  # how often a digit comes that the net reads for sure; one that it misreads: 1 more
LR = 1e-3  # the peak of the one-cycle schedule
SOFTENED = 2.0  # temperature of the answers that are to be kept: at 1 most say only 100 % and 0 %
KEEPING = 6.0  # weight of the loss on them
KEPT = 0.2  # of the net that was given, in the weights at the end
DISTORTION = RECIPES["LeNet"].distortion(0)

CHECKED = 1000  # MNIST validation digits that show what was forgotten
MOST_FORGOTTEN = 0.005  # of them: a change that costs more is offered, not made

Digits = Tensor | NDArray[Any]
Labelled = tuple[Tensor, Tensor]  # images and labels


@dataclass(frozen=True)
class Errors:
    """How many of ``n`` digits a net misreads before and after it was adapted."""

    n: int
    before: int
    after: int


@dataclass(frozen=True, eq=False)
class Adapted:
    """An adapted net, and what became better and worse."""

    model: nn.Module  # in eval mode: normalised images in, logits out
    held_out: Errors  # on every fifth of one's digits of a class, which took no part; n may be 0
    mnist: Errors  # on MNIST validation digits
    seconds: float  # of the training

    @property
    def forgets(self) -> bool:
        """Whether it misreads so many more MNIST digits that one should be asked first."""
        return self.mnist.after - self.mnist.before > MOST_FORGOTTEN * self.mnist.n

    @property
    def summary(self) -> str:
        """How much it helped, in words."""
        own, mnist = self.held_out, self.mnist
        digits = "digit is" if own.n == 1 else "digits are"
        held_out = (
            f"{own.n - own.after} of your {own.n} held-out {digits} right, previously "
            f"{own.n - own.before}"
            if own.n
            else f"none of your digits is held out, as no class has {TEST_EVERY} digits"
        )
        after, before = (
            f"{100 * (1 - wrong / mnist.n):.1f} %" for wrong in (mnist.after, mnist.before)
        )
        change = "as before" if after == before else f"previously {before}"
        return (
            f"{held_out}; on MNIST {after} of {mnist.n:,} are right, {change}; "
            f"trained in {self.seconds:.1f} s"
        )


def adapt(
    net: nn.Module | str,
    images: Digits,
    labels: Digits,
    *,
    weights_dir: Path | str = WEIGHTS,
    mnist: Labelled | None = None,
    seed: int = 0,
    on_step: Callable[[int, int], object] | None = None,
) -> Adapted:
    """Train a copy of a net on one's own digits, in about two seconds for a small net.

    Each batch has digits of one's own, and training digits of MNIST, for which the copy learns
    the original net's answers, so that it forgets little. All are distorted. Every fifth digit of a
    class is held out.

    Args:
        net: a trained net in eval mode, which stays as it is, on any device; or the name of one.
        images: uint8 with ink 255, or float with ink 1, on 0; (n, 28, 28) or (n, 1, 28, 28),
            framed like MNIST, as :class:`mnistcore.Digit` has them in ``image``.
        labels: whole numbers (n,) from 0 to 9.
        weights_dir: where a net that is given by name is.
        mnist: MNIST's training set as ``load_mnist("train")`` returns it; loaded by default.
        seed: the same seed gives the same net.
        on_step: called after each step with the number of steps done and of all steps. What it
            raises ends the training, and passes through.

    Returns:
        The copy and what it misreads, before and after. If it ``forgets``, ask before using it.

    Raises:
        ValueError: there are no digits, they have a wrong shape, range or label, or the name or
            the weights cannot be used.
        FileNotFoundError: there are no such weights.
    """
    images, labels = _checked(images, labels)
    model = checkpoint.load_model(net, weights_dir) if isinstance(net, str) else net
    device = next(model.parameters()).device
    images, labels = images.to(device), labels.to(device)
    mnist_images, mnist_labels = mnist or load_mnist("train")
    val = split_train_val(CHECKED, len(mnist_images))[1]  # in every larger validation set, too
    mixed = split_train_val(TrainConfig().val_size, len(mnist_images))[0]
    held_out = torch.from_numpy(each_fifth(labels.cpu().numpy())).to(device)
    adapted = copy.deepcopy(model)
    start = time.perf_counter()
    _train(
        adapted,
        model,
        (images[~held_out], labels[~held_out]),
        mnist_images[mixed],
        torch.Generator(device).manual_seed(seed),
        on_step,
    )
    seconds = time.perf_counter() - start
    return Adapted(
        adapted.eval(),
        _errors(model, adapted, images[held_out], labels[held_out]),
        _errors(model, adapted, mnist_images[val].to(device), mnist_labels[val]),
        seconds,
    )


def _checked(images: Digits, labels: Digits) -> tuple[Tensor, Tensor]:
    """The digits as uint8 (n, 1, 28, 28) and int64 (n,)."""
    images, labels = torch.as_tensor(images), torch.as_tensor(labels)
    if images.ndim == 3:
        images = images[:, None]
    if images.shape[1:] != (1, SIDE, SIDE) or not len(images):
        raise ValueError(
            f"the images have the shape {tuple(images.shape)}; it must be (n, 28, 28) or "
            "(n, 1, 28, 28), with one or more digits framed like MNIST"
        )
    if labels.shape != images.shape[:1]:
        raise ValueError(
            f"there are {len(images)} images, and labels of the shape {tuple(labels.shape)}; each "
            "image needs one"
        )
    if labels.is_floating_point() or not 0 <= int(labels.min()) <= int(labels.max()) <= 9:
        raise ValueError("a label is not a whole number from 0 to 9")
    if images.dtype != torch.uint8:
        if not bool(((images >= 0) & (images <= 1)).all()):
            raise ValueError("the ink of an image must be from 0 to 1, or uint8 from 0 to 255")
        images = (images * 255).round().to(torch.uint8)
    return images, labels.long()


def _train(
    model: nn.Module,
    teacher: nn.Module,
    own: Labelled,
    mnist_images: Tensor,
    generator: torch.Generator,
    on_step: Callable[[int, int], object] | None,
) -> None:
    """Train ``model``, which begins as a copy of ``teacher``, in place.

    References:
        Li, Hoiem: Learning without forgetting. ECCV 2016 (the old net's answers as the targets, at
            a temperature of 2).
        Wortsman et al.: Robust fine-tuning of zero-shot models. CVPR 2022 (the mean of the weights
        before and after).
    """
    images, labels = own
    device = images.device
    probs = predict_logits(teacher, images).softmax(1)
    doubt = 1 - probs.gather(1, labels.cpu()[:, None])[:, 0]
    weights = (doubt + SURE).to(device)  # what is misread comes more often
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()  # so that it begins with the answers that it is to keep
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, fused=True)
    scheduler = OneCycleLR(optimizer, max_lr=LR, total_steps=STEPS)
    for step in range(1, STEPS + 1):
        chosen = torch.multinomial(weights, OWN, replacement=True, generator=generator)
        mixed = torch.randint(len(mnist_images), (MIXED,), generator=generator, device=device)
        batch = torch.cat([images[chosen], mnist_images[mixed.to(mnist_images.device)].to(device)])
        inputs = normalize(distort(to_unit(batch), generator, **DISTORTION))
        with torch.no_grad():
            kept = (teacher(inputs[OWN:]) / SOFTENED).softmax(1)
        logits = model(inputs)
        learning = F.cross_entropy(logits[:OWN], labels[chosen])
        keeping = F.cross_entropy(logits[OWN:] / SOFTENED, kept)
        (learning + KEEPING * keeping).backward()
        optimizer.step()
        optimizer.zero_grad()
        scheduler.step()
        if on_step:
            on_step(step, STEPS)
    with torch.no_grad():
        for weight, before in zip(model.parameters(), teacher.parameters(), strict=True):
            weight.lerp_(before, KEPT)


def _errors(before: nn.Module, after: nn.Module, images: Tensor, labels: Tensor) -> Errors:
    """Errors on images (n, 1, 28, 28), on the device of the nets; there may be none."""
    n = len(images)
    if not n:
        return Errors(0, 0, 0)
    labels = labels.cpu()
    wrong = (
        int((predict_logits(net, images).argmax(1) != labels).sum()) for net in (before, after)
    )
    return Errors(n, *wrong)


def adapt_checkpoint(
    path: Path,
    images: Digits,
    labels: Digits,
    mnist: Labelled,
    device: torch.device,
    on_step: Callable[[int, int], object] | None = None,
) -> tuple[Adapted, dict[str, Any]]:
    """Adapt the net of a checkpoint; the result, and its checkpoint, which is not written.

    Args:
        path: of the checkpoint, named by its net.
        images: as for :func:`adapt`.
        labels: as for :func:`adapt`.
        mnist: MNIST's training set.
        device: where the net is trained.
        on_step: as for :func:`adapt`.

    Raises:
        FileNotFoundError, ValueError: as :func:`adapt`, or the net was trained on other data.
    """
    content = checkpoint.load_for(path.stem, path, "config", "temperature")
    check_of_mnist(content)
    net = checkpoint.build_model(content, path, device)
    adapted = adapt(net, images, labels, mnist=mnist, on_step=on_step)
    config, (mnist_images, mnist_labels) = content["config"], mnist
    val = split_train_val(config["val_size"], len(mnist_images))[1]
    return adapted, {
        **content,
        **evaluated(
            content["model"],
            adapted.model.state_dict(),
            config["half_weights"],
            mnist_images[val].to(device),
            mnist_labels[val].cpu(),
        ),
        "adapted": {"digits": len(labels), "code_version": code_version()},
    }
