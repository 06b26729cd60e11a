"""From a picture to the number on it: what every net says, how sure, and an honest "don't know"."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistcore.models import list_models, model_name
from mnistcore.reading.digits import frame
from mnistcore.reading.ensemble import Ensemble, Probs
from mnistcore.reading.graph import MOST_DIGITS, Answer, Candidate, Graph, read_graph
from mnistcore.reading.picture import Ink, Picture, Plane, read_ink
from mnistcore.reading.pieces import LEAST_SIZE, Box, Piece, find_pieces
from mnistcore.reading.signs import Sign

DIGIT, UNSURE, NOT_A_DIGIT = "digit", "unsure", "not a digit"  # the verdicts, best to worst
# Ten times the median probability: the share that is spread evenly over all digits. If it is above
# this, the answer is "not a digit". At 0.3, a broken 0 and a chalk 8 were refused although all five
# nets had them right.
FLAT = 0.5
# A net whose most probable digit is below this says nothing: LeNet's training spreads what is not a
# digit evenly over all ten, and the greatest of ten equal shares is chance.
EVEN = 0.2
LIKELY = 0.1  # digits above this probability are candidates of an unsure answer
MOST_LIKELY = 3  # the most candidates of an unsure answer
TOO_MANY = "too many pieces of ink for a number"
MOST_PIECES = 256  # in a picture of digits
MOST_SPECKS = 256  # of which some may be points


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit of a picture.

    Digits are equal if their summaries are.
    """

    box: Box  # in pixels of the given picture
    verdict: str  # "digit", "unsure" or "not a digit"
    reason: str  # of the verdict, in words; "" for a digit
    candidates: list[int]  # the likely digits, best first; just one if the verdict is "digit",
    # none if it is "not a digit"
    fitted: Plane = field(repr=False)  # the digit alone, its longer side 20, in [0, 1]
    image: Plane = field(repr=False)  # (28, 28) in [0, 1], as MNIST frames it
    probs: Probs = field(repr=False)  # (10,) calibrated, of the chosen net or the mean of the five
    probs_by_model: dict[str, Probs] = field(repr=False)  # (10,) of each net

    @property
    def label(self) -> int:
        """The most probable digit."""
        return int(self.probs.argmax())

    def summary(self) -> dict[str, Any]:
        """The answer as plain data for JSON, without the pictures."""
        return {
            "label": self.label,
            "verdict": self.verdict,
            "reason": self.reason,
            "candidates": self.candidates,
            "box": list(self.box),
            "probs": self.probs.tolist(),
            "probs_by_model": {name: probs.tolist() for name, probs in self.probs_by_model.items()},
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Digit) and self.summary() == other.summary()

    def __hash__(self) -> int:
        return hash((self.label, self.verdict, self.reason, self.box))


@dataclass(frozen=True)
class Reading:
    """What was read from a picture, and every step on the way.

    Readings are equal if their texts, verdicts, reasons and digits are.
    """

    text: str  # the number with its signs, lines separated by newlines, without what is neither
    verdict: str  # "digit", "unsure" or "not a digit"
    reason: str  # of the verdict, in words; "" for a digit
    digits: tuple[Digit, ...]  # line by line, left to right
    signs: tuple[Sign, ...]  # line by line, left to right
    steps: dict[str, NDArray[Any]] = field(compare=False)  # "picture" uint8 (H, W, 3), "ink"
    # float32 (H, W) in [0, 1], "pieces" int32 (H, W), k where the k-th digit is and 0 elsewhere
    notes: list[str] = field(compare=False)  # what was done to find the digits, one sentence each
    scale: float = field(compare=False)  # pixels of the given picture in one of the steps'
    milliseconds: dict[str, float] = field(compare=False)  # of each net's forward passes

    def __repr__(self) -> str:
        count = f"{len(self.digits)} digit{'' if len(self.digits) == 1 else 's'}"
        return f"<Reading {self.text!r}: {self.verdict}, {self.reason!r}, {count}>"

    def summary(self) -> dict[str, Any]:
        """The answers as plain data for JSON, without the pictures."""
        return {
            "text": self.text,
            "verdict": self.verdict,
            "reason": self.reason,
            "digits": [digit.summary() for digit in self.digits],
            "signs": [sign.summary() for sign in self.signs],
        }


@dataclass(frozen=True)
class Examined:
    """A picture and all that is known of it before one net is chosen."""

    plane: Ink
    graph: Graph  # the digits and signs, and what else was considered
    notes: list[str]
    milliseconds: dict[str, float]
    reason: str  # why there are no digits; "" where there are


def chosen_net(model: str) -> str | None:
    """The name of the net that ``model`` asks for, in any case; None for "all".

    Raises:
        ValueError: no net has that name.
    """
    return None if str(model).lower() == "all" else model_name(str(model))


class Recognizer(Ensemble):
    """The five nets, ready to read pictures."""

    def read(self, picture: Picture, model: str = "all") -> Reading:
        """Read the digits of a picture.

        All five nets answer, and they judge together whether something is a digit. ``model`` only
        says whose probabilities are given: where that net contradicts the five, the answer is
        "unsure", and "not a digit" where it finds all digits about equally likely.

        Args:
            picture: see :func:`mnistcore.reading.picture.read_ink`.
            model: a net, in any case, or "all": the mean of the five.

        Raises:
            PictureError: the picture cannot be read.
            FileNotFoundError: the picture or the weights are not there.
            ValueError: no net has that name, or the weights are damaged.
        """
        chosen = chosen_net(model)
        examined = self.examine(picture)
        scale = examined.plane.scale
        lines = [
            [
                self._digit(found.answer, chosen, scale) if found.answer else _sign(found, scale)
                for found in line
            ]
            for line in examined.graph.lines
        ]
        return _reading(examined, [_without_lone_signs(line) for line in lines])

    def examine(self, picture: Picture) -> Examined:
        """What all five nets say about the digits of a picture, before :meth:`read` judges it.

        Raises:
            As :meth:`read`, except for an unknown net.
        """
        plane = read_ink(picture)
        pieces, specks, notes = find_pieces(plane.ink)
        notes = [*plane.notes, *notes]
        milliseconds = dict.fromkeys(list_models(), 0.0)

        def ask(pieces: Sequence[Piece]) -> list[Answer]:
            framed = [frame(piece.cut(plane.ink)) for piece in pieces]
            probs, took = self.probs(np.stack([image for _, image in framed]))
            for name, ms in took.items():
                milliseconds[name] += ms
            return [
                Answer(piece, *views, {name: p[i] for name, p in probs.items()})
                for i, (piece, views) in enumerate(zip(pieces, framed, strict=True))
            ]

        graph, reason = Graph(), ""
        if not pieces:
            reason = "blank: there is no ink"
        elif len(pieces) > MOST_PIECES:
            reason = TOO_MANY
        else:
            graph = read_graph(pieces, specks[:MOST_SPECKS], ask, self.threshold)
            notes += graph.notes
            if not 0 < sum(map(len, graph.lines)) <= MOST_DIGITS:
                graph, reason = Graph(), TOO_MANY
        return Examined(plane, graph, notes, milliseconds, reason)

    def _digit(self, answer: Answer, chosen: str | None, scale: float) -> Digit:
        verdict, reason, candidates = self._judge(answer, chosen)
        left, top, right, bottom = (round(edge * scale) for edge in answer.piece.box)
        return Digit(
            box=(left, top, right, bottom),
            verdict=verdict,
            reason=reason,
            candidates=candidates,
            fitted=answer.fitted,
            image=answer.image,
            probs=answer.probs[chosen] if chosen else answer.mean,
            probs_by_model=answer.probs,
        )

    def _judge(self, answer: Answer, chosen: str | None) -> tuple[str, str, list[int]]:
        """Verdict, reason and candidates."""
        if answer.piece.size < LEAST_SIZE:
            return NOT_A_DIGIT, "too little ink", []
        if answer.piece.is_dot:
            return NOT_A_DIGIT, "a dot", []
        if chosen and answer.probs[chosen].max() < EVEN:
            return NOT_A_DIGIT, f"{chosen} finds all digits about equally likely", []
        if answer.sure < self.threshold:
            if len(answer.mean) * float(np.median(answer.mean)) > FLAT:
                return NOT_A_DIGIT, "unlike any digit", []
            return UNSURE, *_doubt(answer)
        label = answer.label
        other = int(answer.probs[chosen].argmax()) if chosen else label
        if other != label:
            return UNSURE, f"{chosen} says {other}, the five nets {label}", [other, label]
        if answer.doubt:
            return UNSURE, answer.doubt, [label]
        return DIGIT, "", [label]


def _doubt(answer: Answer) -> tuple[str, list[int]]:
    """The likely digits of an answer, in words and best first."""
    best_first = np.argsort(-answer.mean)
    labels = {int(p.argmax()) for p in answer.probs.values() if p.max() >= EVEN}
    if len(labels) > 1:
        likely = sorted(labels, key=lambda d: -answer.mean[d])
        return f"the nets disagree: {' or '.join(map(str, likely))}", likely
    likely = [int(d) for d in best_first[:MOST_LIKELY] if answer.mean[d] > LIKELY]
    words = " or ".join(map(str, likely)) if len(likely) > 1 else f"perhaps {likely[0]}"
    return words, likely


def _sign(found: Candidate, scale: float) -> Sign:
    left, top, right, bottom = (round(edge * scale) for edge in found.box)
    return Sign(found.sign, (left, top, right, bottom), found.sure, found.doubt)


def _without_lone_signs(line: list[Digit | Sign]) -> list[Digit | Sign]:
    """A line without its signs if nothing on it is a digit."""
    if any(isinstance(item, Digit) and item.verdict != NOT_A_DIGIT for item in line):
        return line
    return [item for item in line if isinstance(item, Digit)]


def _reading(examined: Examined, lines: list[list[Digit | Sign]]) -> Reading:
    """The reading of a picture whose digits have been judged, line by line."""
    plane = examined.plane
    digits = tuple(item for line in lines for item in line if isinstance(item, Digit))
    signs = tuple(item for line in lines for item in line if isinstance(item, Sign))
    verdicts = {digit.verdict for digit in digits} or {NOT_A_DIGIT}
    verdicts |= {UNSURE for sign in signs if sign.reason}
    verdict = UNSURE if len(verdicts) > 1 else verdicts.pop()
    reasons = [(f"digit {k}: ", digit.reason) for k, digit in enumerate(digits, 1)]
    reasons += [(f"sign {k}: ", sign.reason) for k, sign in enumerate(signs, 1)]
    several = len(reasons) > 1
    words = [where * several + reason for where, reason in reasons if reason]
    texts = [
        "".join(
            item.character if isinstance(item, Sign) else str(item.label)
            for item in line
            if isinstance(item, Sign) or item.verdict != NOT_A_DIGIT
        )
        for line in lines
    ]
    numbers = np.zeros(plane.ink.shape, np.int32)
    answers = (found.answer for line in examined.graph.lines for found in line if found.answer)
    for number, answer in enumerate(answers, 1):
        piece = answer.piece
        area = numbers[piece.top : piece.bottom, piece.left : piece.right]
        area[piece.mask] = number
    return Reading(
        text="\n".join(text for text in texts if text),
        verdict=verdict,
        reason=examined.reason or "; ".join(words),
        digits=digits,
        signs=signs,
        steps={"picture": plane.picture, "ink": plane.ink, "pieces": numbers},
        notes=examined.notes,
        scale=plane.scale,
        milliseconds=examined.milliseconds,
    )


@cache
def _shared() -> Recognizer:
    return Recognizer()


def read(picture: Picture, model: str = "all") -> Reading:
    """Read the digits of a picture with the shipped weights; see :meth:`Recognizer.read`.

    >>> read("assets/examples/5 a number.png")
    <Reading '2049': digit, '', 4 digits>
    """
    return _shared().read(picture, model)
