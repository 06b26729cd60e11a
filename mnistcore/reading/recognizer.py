"""From a picture to the number on it: what every net says, how sure, and an honest "don't know"."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mnistcore import checkpoint
from mnistcore.data import normalize
from mnistcore.device import choose_device
from mnistcore.files import WEIGHTS
from mnistcore.models import list_models, model_name
from mnistcore.reading.digits import LEAST_SIZE, Box, Piece, find_digits, frame, places_to_split
from mnistcore.reading.picture import Ink, Picture, Plane, read_ink

THRESHOLD_FILE = "recognizer.json"  # beside the weights
DIGIT, UNSURE, NOT_A_DIGIT = "digit", "unsure", "not a digit"  # the verdicts, best to worst
FLAT = 0.5  # of the probability spread evenly over all ten: more says "none of them"
LIKELY = 0.1  # a probability from which on a digit is named in a doubt
MOST_DIGITS = 64  # in a picture; more pieces are no number
WIDE = 0.95  # of its height: a digit of that width may be two that touch

Probs = NDArray[np.float32]


@dataclass(frozen=True)
class Digit:
    """One digit of a picture."""

    box: Box  # in pixels of the given picture
    fitted: Plane  # the digit alone, its longest side 20, in [0, 1]
    image: Plane  # (28, 28) in [0, 1], as MNIST frames it
    probs: Probs  # (10,) calibrated, of the chosen net or the mean of the five
    probs_by_model: dict[str, Probs]  # each (10,)
    verdict: str
    reason: str  # of the verdict, in words; "" for a digit

    @property
    def label(self) -> int:
        """The likeliest digit."""
        return int(self.probs.argmax())


@dataclass(frozen=True)
class Reading:
    """What was read from a picture, and every step on the way."""

    text: str  # the number, lines parted by newlines, without what is not a digit
    verdict: str  # "digit", "unsure" or "not a digit"
    reason: str  # of the verdict, in words; "" for a digit
    digits: list[Digit]  # line by line, left to right
    steps: dict[str, NDArray[Any]]  # "picture" uint8 (H, W, 3), "ink" float32 (H, W) in [0, 1],
    # "pieces" int32 (H, W), k where the k-th digit is and 0 elsewhere
    notes: list[str]  # what was done to find the digits and why, a sentence each
    scale: float  # pixels of the given picture in one of the steps'
    milliseconds: dict[str, float]  # of each net's forward passes

    def summary(self) -> dict[str, Any]:
        """The answers as plain data for JSON, without the pictures."""
        return {
            "text": self.text,
            "verdict": self.verdict,
            "reason": self.reason,
            "digits": [
                {
                    "label": digit.label,
                    "verdict": digit.verdict,
                    "reason": digit.reason,
                    "box": list(digit.box),
                    "probs": digit.probs.tolist(),
                    "probs_by_model": {k: p.tolist() for k, p in digit.probs_by_model.items()},
                }
                for digit in self.digits
            ],
        }


@dataclass(frozen=True)
class _Answer:
    """What the five nets say to a piece of ink."""

    piece: Piece
    fitted: Plane
    image: Plane
    probs: dict[str, Probs]
    touching: bool = False  # parted from a neighbour that it touches
    rival: str = ""  # what it is if it is two digits that touch

    @cached_property
    def mean(self) -> Probs:
        return np.mean(list(self.probs.values()), 0)

    @property
    def sure(self) -> float:
        return float(self.mean.max())


@dataclass(frozen=True)
class Examined:
    """A picture and all that is known of it before one net is chosen."""

    plane: Ink
    lines: list[list[_Answer]]  # what the five nets say to each digit, line by line
    notes: list[str]
    milliseconds: dict[str, float]
    reason: str  # why there are no lines; "" where there are


Answerer = Callable[[Sequence[Piece]], list[_Answer]]


def chosen_net(model: str) -> str | None:
    """The name of the net that ``model`` asks for, in any case; None for "all".

    Raises:
        ValueError: no net has that name.
    """
    return None if model.lower() == "all" else model_name(model)


class Recognizer:
    """The five nets, ready to read; each is loaded when it is first needed, and once.

    Any number of threads may read at the same time.
    """

    def __init__(self, weights_dir: Path | str = WEIGHTS, device: str | None = None) -> None:
        """Load nothing yet.

        Args:
            weights_dir: folder of the five checkpoints and of ``recognizer.json``.
            device: "cpu", "cuda", ...; the accelerator by default, where there is one.

        Raises:
            ValueError: there is no such device.
        """
        self.device = choose_device(device)
        self._folder = Path(weights_dir)
        self._nets: dict[str, tuple[nn.Module, float]] = {}
        self._lock = threading.Lock()

    def load(self) -> None:
        """Load what is not loaded yet, so that no reading waits for it.

        Raises:
            ValueError, FileNotFoundError: a file of the weights is damaged or missing.
        """
        _ = self.threshold
        for name in list_models():
            self._calibrated(name)

    def net(self, name: str) -> nn.Module:
        """A net by name, in any case, in eval mode on the device.

        Raises:
            ValueError, FileNotFoundError: as :func:`mnistcore.load_model`.
        """
        return self._calibrated(model_name(name))[0]

    def _calibrated(self, name: str) -> tuple[nn.Module, float]:
        """A net and the temperature that its logits are divided by."""
        with self._lock:
            if name not in self._nets:
                path = self._folder / f"{name}.pt"
                content = checkpoint.load_for(name, path, "temperature")
                with torch.inference_mode(False):  # a net that others may take gradients of
                    model = checkpoint.build_model(content, path, self.device)
                self._nets[name] = model, float(content["temperature"])
            return self._nets[name]

    @cached_property
    def threshold(self) -> float:
        """The mean probability from which on the five nets are believed.

        Raises:
            FileNotFoundError, ValueError: it is missing from the weights, or damaged.
        """
        return _load_threshold(self._folder)

    @torch.inference_mode()
    def probs(self, images: Plane) -> tuple[dict[str, Probs], dict[str, float]]:
        """What each net says to digits.

        Args:
            images: float32 (n, 28, 28) in [0, 1], framed as MNIST.

        Returns:
            Calibrated probabilities, float32 (n, 10) by net, and the milliseconds each net took.
        """
        inputs = normalize(torch.from_numpy(images)[:, None]).to(self.device)
        probs, milliseconds = {}, {}
        for name in list_models():
            model, temperature = self._calibrated(name)
            start = time.perf_counter()
            probs[name] = (model(inputs) / temperature).softmax(1).cpu().numpy()
            milliseconds[name] = (time.perf_counter() - start) * 1e3
        return probs, milliseconds

    def read(self, picture: Picture, model: str = "all") -> Reading:
        """Read the digits of a picture.

        Args:
            picture: see :func:`mnistcore.picture.read_ink`.
            model: the net whose answer counts, in any case, or "all": the mean of the five. All
                five answer, and whether something is a digit they judge together.

        Raises:
            PictureError: the picture cannot be read.
            FileNotFoundError: the picture or the weights are not there.
            ValueError: no net has that name, or the weights are damaged.
        """
        chosen = chosen_net(model)
        examined = self.examine(picture)
        scale = examined.plane.scale
        digits = [[self._digit(a, chosen, scale) for a in line] for line in examined.lines]
        return _reading(examined, digits)

    def examine(self, picture: Picture) -> Examined:
        """What all five nets say to the digits of a picture: what :meth:`read` judges.

        Raises:
            As :meth:`read`, but for a net's name.
        """
        plane = read_ink(picture)
        lines, notes = find_digits(plane.ink)
        notes = [*plane.notes, *notes]
        milliseconds = dict.fromkeys(list_models(), 0.0)

        def answer(pieces: Sequence[Piece]) -> list[_Answer]:
            framed = [frame(piece.cut(plane.ink)) for piece in pieces]
            probs, took = self.probs(np.stack([image for _, image in framed]))
            for name, ms in took.items():
                milliseconds[name] += ms
            return [
                _Answer(piece, *views, {name: p[i] for name, p in probs.items()})
                for i, (piece, views) in enumerate(zip(pieces, framed, strict=True))
            ]

        answers: list[list[_Answer]] = []
        count = sum(map(len, lines))
        if 0 < count <= MOST_DIGITS:
            found = iter(answer([piece for line in lines for piece in line]))
            answers = [self._arbitrate([next(found) for _ in line], answer) for line in lines]
            count = sum(map(len, answers))
        if not 0 < count <= MOST_DIGITS:
            reason = "too many pieces of ink for a number" if count else "blank: there is no ink"
            return Examined(plane, [], notes, milliseconds, reason)
        return Examined(plane, answers, notes, milliseconds, "")

    def _arbitrate(self, line: list[_Answer], answer: Answerer) -> list[_Answer]:
        """Where the nets doubt a piece: is it a digit with its neighbour, or two that touch?"""
        joined: list[_Answer] = []
        for one in line:
            if joined:
                piece, other = one.piece, joined[-1].piece
                sides = one.sure, joined[-1].sure
                both = other.joined(piece)
                close = piece.left - other.right < 0.2 * both.height
                # Digits on a line are level, the strokes of a 4 are not.
                level = piece.rows_shared(other) > 0.5 * both.height
                doubted = not level or min(sides) < self.threshold
                if doubted and close and both.width < both.height:
                    (whole,) = answer([both])
                    if whole.sure >= (max(self.threshold, *sides) if level else self.threshold):
                        joined[-1] = whole
                        continue
            joined.append(one)
        return [part for one in joined for part in self._part(one, answer)]

    def _part(self, one: _Answer, answer: Answerer) -> list[_Answer]:
        """A piece that the nets doubt as digits that touch, if they know each of these.

        One that they do not doubt, but that is as wide as two, is kept and its rival named.
        """
        piece = one.piece
        sure = one.sure >= self.threshold
        if not (WIDE if sure else 0.6) < piece.width / piece.height < 6:
            return [one]
        # Digits that touch are level; the flag of a 1 ends where its stem goes on.
        level = 0.7 * piece.height
        cuts = [piece.split(column) for column in places_to_split(piece)]
        cuts = [(left, right) for left, right in cuts if left.rows_shared(right) > level]
        if not cuts:
            return [one]
        halves = answer([half for pair in cuts for half in pair])
        pairs = zip(halves[::2], halves[1::2], strict=True)
        for pair in sorted(pairs, key=lambda pair: -min(pair[0].sure, pair[1].sure))[:2]:
            if max(half.sure for half in pair) < self.threshold:
                continue
            parts = [part for half in pair for part in self._part(half, answer)]
            if all(part.sure >= self.threshold for part in parts):
                if not sure:
                    return [replace(part, touching=True) for part in parts]
                labels = "".join(str(part.mean.argmax()) for part in parts)
                # The sides of what is round look like digits, too.
                if one.mean.argmax() != 0 and "1" not in labels:
                    return [replace(one, rival=labels)]
        return [one]

    def _digit(self, answer: _Answer, chosen: str | None, scale: float) -> Digit:
        verdict, reason = self._judge(answer, chosen)
        left, top, right, bottom = (round(edge * scale) for edge in answer.piece.box)
        return Digit(
            box=(left, top, right, bottom),
            fitted=answer.fitted,
            image=answer.image,
            probs=answer.probs[chosen] if chosen else answer.mean,
            probs_by_model=answer.probs,
            verdict=verdict,
            reason=reason,
        )

    def _judge(self, answer: _Answer, chosen: str | None) -> tuple[str, str]:
        """Verdict and reason."""
        piece, mean = answer.piece, answer.mean
        if piece.size < LEAST_SIZE:
            return NOT_A_DIGIT, "too little ink"
        if piece.is_dot:
            return NOT_A_DIGIT, "a dot"
        if answer.sure < self.threshold:
            if 10 * float(np.median(mean)) > FLAT:
                return NOT_A_DIGIT, "unlike any digit"
            return UNSURE, _doubt(answer)
        label = int(mean.argmax())
        if chosen and int(answer.probs[chosen].argmax()) != label:
            return UNSURE, f"{chosen} says {answer.probs[chosen].argmax()}, the five nets {label}"
        if answer.touching:
            return UNSURE, f"{label} if digits touch here"
        if answer.rival:
            return UNSURE, f"{label}, or {answer.rival} if digits touch here"
        return DIGIT, ""


def _doubt(answer: _Answer) -> str:
    """The likely digits of an answer, in words."""
    labels = {int(p.argmax()) for p in answer.probs.values()}
    if len(labels) > 1:
        said = " or ".join(str(d) for d in sorted(labels, key=lambda d: -answer.mean[d]))
        return f"the nets disagree: {said}"
    likely = [d for d in np.argsort(-answer.mean)[:3] if answer.mean[d] > LIKELY]
    return " or ".join(str(d) for d in likely) if len(likely) > 1 else f"perhaps {likely[0]}"


def _reading(examined: Examined, digits: list[list[Digit]]) -> Reading:
    plane = examined.plane
    flat = [digit for line in digits for digit in line]
    verdicts = [digit.verdict for digit in flat]
    if all(verdict == NOT_A_DIGIT for verdict in verdicts):
        verdict = NOT_A_DIGIT
    else:
        verdict = DIGIT if set(verdicts) == {DIGIT} else UNSURE
    reasons = [digit.reason for digit in flat if digit.reason]
    if len(flat) > 1:
        reasons = [f"digit {k}: {d.reason}" for k, d in enumerate(flat, 1) if d.reason]
    lines = ["".join(str(d.label) for d in line if d.verdict != NOT_A_DIGIT) for line in digits]
    numbers = np.zeros(plane.ink.shape, np.int32)
    pieces = (answer.piece for line in examined.lines for answer in line)
    for number, piece in enumerate(pieces, 1):
        area = numbers[piece.top : piece.bottom, piece.left : piece.right]
        area[piece.mask] = number
    return Reading(
        text="\n".join(line for line in lines if line),
        verdict=verdict,
        reason=examined.reason or "; ".join(reasons),
        digits=flat,
        steps={"picture": plane.picture, "ink": plane.ink, "pieces": numbers},
        notes=examined.notes,
        scale=plane.scale,
        milliseconds=examined.milliseconds,
    )


def _load_threshold(weights_dir: Path) -> float:
    path = weights_dir / THRESHOLD_FILE
    if not path.is_file():
        raise FileNotFoundError(f"no {path}; make it with scripts/train_all.sh")
    try:
        threshold = float(json.loads(path.read_text())["threshold"])
        if not 0 < threshold < 1:
            raise ValueError("out of range")
        return threshold
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is damaged; make it anew with scripts/train_all.sh") from error


@cache
def _shared() -> Recognizer:
    return Recognizer()


def read(picture: Picture, model: str = "all") -> Reading:
    """Read the digits of a picture with the shipped weights; see :meth:`Recognizer.read`."""
    return _shared().read(picture, model)
