"""What would change an answer: a digit turned, thickened or moved, and the smallest change in ink.

All of it works on many 28x28 images at once, on the device of the net.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistcore.data import SIDE, normalize

POSITIONS = 41  # of a slider, for which the probabilities are computed
SEED = 0  # of the noise, which stays the same while its strength changes
MOST_STEPS = 50  # of the search for the smallest change
OVERSHOOT = 0.05  # a share that each step is longer than the one before, to cross the boundary
EVEN_ODDS = 0.5  # the least probability of the other answer
SMALL = 0.1  # of full ink, in the mean: a change that is larger draws another digit
TRIED = 3  # other answers, the nearest first
LEAST_NORM = 1e-6  # of a gradient, in log-odds per full ink
FARTHEST = 3.0  # a step, in full ink: where all answers are equally unlikely, gradients say little
HALVINGS = 12  # of the way to the image that is found: to a four-thousandth of it


@dataclass(frozen=True)
class Change:
    """One way to change a digit, by an amount within a range."""

    low: float
    high: float
    neutral: float  # the amount that changes nothing
    unit: str


CHANGES = {
    "turn": Change(-90, 90, 0, "degrees"),
    "slant": Change(-1, 1, 0, "pixels to the right per pixel up"),
    "thickness": Change(-1.5, 2.5, 0, "pixels on each side"),
    "size": Change(0.4, 1.6, 1, "times"),
    "right": Change(-10, 10, 0, "pixels"),
    "down": Change(-10, 10, 0, "pixels"),
    "blur": Change(0, 3, 0, "pixels, standard deviation"),
    "noise": Change(0, 0.6, 0, "of full ink, standard deviation"),
}


def change(images: Tensor, amounts: Mapping[str, Tensor]) -> Tensor:
    """Images changed in the order of ``CHANGES``: place and shape first, then thickness and blur.

    Args:
        images: float (n, 28, 28) in [0, 1].
        amounts: float (n,) for each of some changes; the others change nothing.

    Returns:
        float (n, 28, 28) in [0, 1].
    """
    n = len(images)
    if all(bool((given == CHANGES[name].neutral).all()) for name, given in amounts.items()):
        return images  # to the last bit

    def amount(name: str) -> Tensor:
        neutral = images.new_full((n,), CHANGES[name].neutral)
        return amounts.get(name, neutral).to(images)

    x = _placed(images[:, None], amount)
    x = _thickened(x, amount("thickness"))
    x = _blurred(x, amount("blur"))
    generator = torch.Generator().manual_seed(SEED)
    noise = torch.randn(SIDE, SIDE, generator=generator).to(images)
    return (x[:, 0] + amount("noise")[:, None, None] * noise).clamp(0, 1)


def _placed(x: Tensor, amount: Callable[[str], Tensor]) -> Tensor:
    """Images (n, 1, 28, 28), turned clockwise, slanted, scaled and moved about their middle."""
    turn, slant, size = torch.deg2rad(amount("turn")), amount("slant"), amount("size")
    cos, sin = torch.cos(turn) / size, torch.sin(turn) / size
    # From each place of the result back to where its ink comes from: turn and size, then slant.
    rows = [[cos, sin], [-sin, cos]]
    rows[0] = [a + slant * b for a, b in zip(rows[0], rows[1], strict=True)]
    matrix = torch.stack([torch.stack(row, -1) for row in rows], 1)
    moved = torch.stack([amount("right"), amount("down")], -1)[:, :, None] * 2 / SIDE
    grid = F.affine_grid(torch.cat([matrix, -matrix @ moved], 2), list(x.shape), False)
    return F.grid_sample(x, grid, align_corners=False)


def _thickened(x: Tensor, pixels: Tensor) -> Tensor:
    """Strokes thicker, or thinner, by so many pixels on each side; between whole ones, a mix."""
    steps = pixels.abs()[:, None, None, None]
    sign = torch.where(pixels < 0, -1.0, 1.0)[:, None, None, None]
    while bool((steps > 0).any()):
        grown = sign * F.max_pool2d(sign * x, 3, 1, 1)
        x = torch.lerp(x, grown, steps.clamp(0, 1))
        steps = steps - 1
    return x


def _blurred(x: Tensor, deviation: Tensor) -> Tensor:
    """Images blurred by a Gaussian each."""
    reach = round(3 * CHANGES["blur"].high)
    offsets = torch.arange(-reach, reach + 1, device=x.device)
    weights = torch.exp(-((offsets / deviation.clamp_min(0.01)[:, None]) ** 2) / 2)
    weights = (weights / weights.sum(1, keepdim=True))[:, None]  # (n, 1, width)
    planes = x.transpose(0, 1)  # a group for each image
    n = len(x)
    planes = F.conv2d(planes, weights[:, :, None, :], padding=(0, reach), groups=n)
    planes = F.conv2d(planes, weights[:, :, :, None], padding=(reach, 0), groups=n)
    return planes.transpose(0, 1)


@torch.inference_mode()
def curves(
    model: nn.Module, temperature: float, image: Tensor, amounts: Mapping[str, float]
) -> dict[str, Tensor]:
    """The probabilities of a digit over the whole range of each change, one at a time.

    Args:
        model: one of the five nets, in eval mode.
        temperature: what its logits are divided by.
        image: float (28, 28) in [0, 1], on the model's device.
        amounts: of the other changes meanwhile.

    Returns:
        float (POSITIONS, 10) for each change, from its lowest amount to its highest.
    """
    n = len(CHANGES) * POSITIONS
    given = {
        name: image.new_full((n,), amounts.get(name, c.neutral)) for name, c in CHANGES.items()
    }
    for k, (name, one) in enumerate(CHANGES.items()):
        part = slice(k * POSITIONS, (k + 1) * POSITIONS)
        given[name][part] = torch.linspace(one.low, one.high, POSITIONS, device=image.device)
    images = change(image.expand(n, -1, -1), given)
    probs = (model(normalize(images[:, None])) / temperature).softmax(1)
    return dict(zip(CHANGES, probs.split(POSITIONS), strict=True))


@dataclass(frozen=True)
class Flip:
    """The smallest change in the ink that was found to give another answer."""

    image: Tensor  # float (28, 28) in [0, 1]
    before: int  # the net's answer
    after: int
    mean: float  # change of a pixel's ink
    largest: float


def smallest_flip(model: nn.Module, image: Tensor) -> Flip | None:
    """The smallest change in the ink that makes a net give another answer; None if none was found.

    The other answer has at least half of the probability. In each step, its log-odds are taken for
    linear, and the image moved to where they would be even; in the end, as little of the way is
    gone as the other answer needs. The nearest digits are tried, and the smallest change is kept.

    Args:
        model: one of the five nets, in eval mode.
        image: float (28, 28) in [0, 1], on the model's device.

    References:
        Moosavi-Dezfooli, Fawzi, Frossard: DeepFool: a simple and accurate method to fool deep
        neural networks. CVPR 2016.
    """
    before = int(_probs(model, image).argmax())
    distances = torch.stack([_step(model, image, digit)[0] for digit in range(10)])
    distances[before] = torch.inf
    nearest = distances.argsort()[:TRIED].tolist()
    flips = [
        (ink, digit)
        for digit in nearest
        if (ink := _towards(model, image, digit)) is not None
        and (ink - image).abs().mean() <= SMALL
    ]
    if not flips:
        return None
    ink, after = min(flips, key=lambda flip: float((flip[0] - image).norm()))
    changed = (ink - image).abs()
    return Flip(ink, before, after, float(changed.mean()), float(changed.max()))


@torch.no_grad()
def _probs(model: nn.Module, ink: Tensor) -> Tensor:
    return model(normalize(ink[None, None]))[0].softmax(0)


def _towards(model: nn.Module, image: Tensor, digit: int) -> Tensor | None:
    """The smallest change towards a digit; None if it was not reached."""
    x = image.clone()
    for k in range(MOST_STEPS):
        if _probs(model, x)[digit] >= EVEN_ODDS:
            break
        x = (x + (1 + k * OVERSHOOT) * _step(model, x, digit)[1]).clamp(0, 1)
    else:
        return None
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _probs(model, torch.lerp(image, x, middle))[digit] >= EVEN_ODDS:
            high = middle
        else:
            low = middle
    return torch.lerp(image, x, high)


def _step(model: nn.Module, ink: Tensor, digit: int) -> tuple[Tensor, Tensor]:
    """How far it is to even odds of a digit, if its log-odds were linear, and the way there."""
    given = ink.clone().requires_grad_()
    logits = model(normalize(given[None, None]))[0]
    others = logits[torch.arange(10) != digit]
    odds = logits[digit] - others.logsumexp(0)
    (gradient,) = torch.autograd.grad(odds, given)
    # Ink that is full cannot grow, and where there is none, it cannot shrink.
    gradient *= ((ink > 0) | (gradient > 0)) & ((ink < 1) | (gradient < 0))
    norm = gradient.norm().clamp_min(LEAST_NORM)
    distance = (odds.detach().abs() / norm).clamp_max(FARTHEST)
    return distance, distance * gradient / norm
