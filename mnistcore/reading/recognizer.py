"""From a picture to the number on it: what each net says, how sure, and an honest "don't know"."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistcore.reading.digits import LEAST_SIZE, find_digits, frame
from mnistcore.reading.ensemble import ALL, Ensemble, Probs
from mnistcore.reading.picture import Ink, Picture, Plane, read_ink
from mnistcore.reading.pieces import Box, Piece
from mnistcore.reading.touching import Answer, settle

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
MOST_DIGITS = 64  # in a picture; more pieces are not a number
# Probabilities that differ by less are the same: their last bits depend on how many digits the nets
# are asked about at once.
SAME_PROB = 1e-5


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit of a picture.

    Digits are equal if their summaries are, their probabilities to within ``SAME_PROB``.
    """

    box: Box  # in pixels of the given picture
    verdict: str  # "digit", "unsure" or "not a digit"
    reason: str  # of the verdict, in words; "" for a digit
    candidates: list[int]  # the likely digits, best first; just one if the verdict is "digit",
    # none if it is "not a digit"
    fitted: Plane = field(repr=False)  # the digit alone, its longer side 20, in [0, 1]
    image: Plane = field(repr=False)  # (28, 28) in [0, 1], as MNIST frames it
    probs: Probs = field(repr=False)  # (10,) calibrated, of the chosen net or the mean of all
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
        if not isinstance(other, Digit) or self._identity() != other._identity():
            return False
        nets, other_nets = self.probs_by_model, other.probs_by_model
        pairs = [(self.probs, other.probs), *((nets[name], other_nets[name]) for name in nets)]
        return all(np.allclose(*pair, rtol=0, atol=SAME_PROB) for pair in pairs)

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[Any, ...]:
        """The summary without probabilities."""
        nets, candidates = tuple(self.probs_by_model), tuple(self.candidates)
        return self.label, self.verdict, self.reason, candidates, self.box, nets


@dataclass(frozen=True)
class Reading:
    """What was read from a picture, and every step on the way.

    Readings are equal if their texts, verdicts, reasons and digits are.
    """

    text: str  # the number, lines separated by newlines, without what is not a digit
    verdict: str  # "digit", "unsure" or "not a digit"
    reason: str  # of the verdict, in words; "" for a digit
    digits: tuple[Digit, ...]  # line by line, left to right
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
        }


Key = tuple[Box, bytes]  # of a piece: equal for equal ink, whichever cuts and joins led to it


@dataclass(frozen=True)
class Examined:
    """A picture, its pieces of ink, and what the nets have said about them so far.

    Readings by different nets share it: a piece that all nets have answered is not asked again.
    """

    plane: Ink
    lines: list[list[Piece]]  # line by line, left to right
    notes: list[str]
    answers: dict[Key, Answer]  # of all nets
    milliseconds: dict[str, float]  # of each net's forward passes; empty before the first answer

    @property
    def reason(self) -> str:
        """Why there is no number; "" if there may be one."""
        pieces = sum(map(len, self.lines))
        if pieces == 0:
            return "blank: there is no ink"
        return "too many pieces of ink for a number" if pieces > MOST_DIGITS else ""


Question = tuple[Examined, Piece]  # what the nets are asked: which digit a piece of a picture is


class Recognizer(Ensemble):
    """The nets of a folder, ready to read pictures."""

    def read(self, picture: Picture, model: str = ALL) -> Reading:
        """Read the digits of a picture.

        All nets answer, and each digit has all their probabilities. ``model`` says who decides
        where the digits are and what they are: one net alone, with a threshold of its own, or the
        mean of all.

        Args:
            picture: see :func:`mnistcore.reading.picture.read_ink`.
            model: a net, in any case, or "all".

        Raises:
            PictureError: the picture cannot be read.
            FileNotFoundError: the picture or the weights are not there.
            ValueError: no net has that name, or the weights are damaged.
        """
        chosen = self.choose(model)
        return self._decide(self.examine(picture), chosen, self._answer)

    def read_many(self, pictures: Iterable[Picture], model: str = ALL) -> list[Reading]:
        """Read many pictures, several times as fast as one by one: the nets are asked for all.

        First about the pieces of ink of all pictures, then about the cuts and joins that some need.

        Args:
            pictures: each as for :meth:`read`.
            model: as for :meth:`read`.

        Returns:
            What :meth:`read` returns for each, in the same order; ``milliseconds`` are shares of
            the time that the nets took for all.

        Raises:
            As :meth:`read`, for the first picture that cannot be read.
        """
        chosen = self.choose(model)
        examined = [self.examine(picture) for picture in pictures]
        readings: dict[int, Reading] = {}
        while len(readings) < len(examined):
            unanswered: list[Question] = []
            for i, one in enumerate(examined):
                if i not in readings:
                    try:
                        readings[i] = self._decide(one, chosen, _put_off)
                    except _PutOffError as error:
                        unanswered += error.questions
            self._answer(unanswered)
        return [readings[i] for i in range(len(examined))]

    def examine(self, picture: Picture) -> Examined:
        """A picture and its pieces of ink; the nets have not been asked yet.

        Raises:
            PictureError: the picture cannot be read.
            FileNotFoundError: the picture is not there.
        """
        plane = read_ink(picture)
        lines, notes = find_digits(plane.ink)
        return Examined(plane, lines, [*plane.notes, *notes], {}, {})

    def _answer(self, questions: Sequence[Question]) -> None:
        """Ask all nets about pieces of pictures; each picture keeps its answers."""
        if not questions:
            return
        framed = [frame(piece.cut(one.plane.ink)) for one, piece in questions]
        probs, took = self.probs(np.stack([image for _, image in framed]))
        for i, ((one, piece), views) in enumerate(zip(questions, framed, strict=True)):
            answer = Answer(piece, *views, {name: p[i] for name, p in probs.items()})
            one.answers[_key(piece)] = answer
            for name, ms in took.items():
                one.milliseconds[name] = one.milliseconds.get(name, 0) + ms / len(questions)

    def _decide(
        self,
        examined: Examined,
        chosen: str | None,
        answer_all: Callable[[Sequence[Question]], None],
    ) -> Reading:
        """What one net alone, or all together, read from a picture.

        Args:
            examined: the picture, to which answers are added.
            chosen: the net, or None for all together.
            answer_all: answers the questions that come up, or puts them off by an exception.
        """

        def ask(pieces: Sequence[Piece]) -> list[Answer]:
            known = examined.answers
            answer_all([(examined, piece) for piece in pieces if _key(piece) not in known])
            return [_heard(known[_key(piece)], chosen) for piece in pieces]

        if examined.reason:
            return _reading(examined, [])
        lines = settle(examined.lines, ask, self.thresholds.of(chosen))
        pieces = [[answer.piece for answer in line] for line in lines]
        settled = replace(examined, lines=pieces)
        if settled.reason:
            return _reading(settled, [])
        scale = examined.plane.scale
        digits = [
            [self._digit(a, examined.answers[_key(a.piece)].probs, chosen, scale) for a in line]
            for line in lines
        ]
        return _reading(settled, digits)

    def _digit(
        self, answer: Answer, by_model: dict[str, Probs], chosen: str | None, scale: float
    ) -> Digit:
        verdict, reason, candidates = self._judge(answer, chosen)
        left, top, right, bottom = (round(edge * scale) for edge in answer.piece.box)
        return Digit(
            box=(left, top, right, bottom),
            verdict=verdict,
            reason=reason,
            candidates=candidates,
            fitted=answer.fitted,
            image=answer.image,
            probs=answer.mean,
            probs_by_model=by_model,
        )

    def _judge(self, answer: Answer, chosen: str | None) -> tuple[str, str, list[int]]:
        """Verdict, reason and candidates of an answer by the chosen net, or by all together."""
        if answer.piece.size < LEAST_SIZE:
            return NOT_A_DIGIT, "too little ink", []
        if answer.piece.is_dot:
            return NOT_A_DIGIT, "a dot", []
        if chosen and answer.sure < EVEN:
            return NOT_A_DIGIT, f"{chosen} finds every digit about equally likely", []
        if answer.sure < self.thresholds.of(chosen):
            if len(answer.mean) * float(np.median(answer.mean)) > FLAT:
                return NOT_A_DIGIT, "unlike any digit", []
            return UNSURE, *_doubt(answer)
        label = answer.label
        if answer.touching:
            return UNSURE, f"{label} if digits touch here", [label]
        if answer.rival:
            return UNSURE, f"{label}, or {answer.rival} if digits touch here", [label]
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


class _PutOffError(Exception):
    """The nets are asked later, together with other pictures."""

    def __init__(self, questions: Sequence[Question]) -> None:
        super().__init__()
        self.questions = questions


def _put_off(questions: Sequence[Question]) -> None:
    if questions:
        raise _PutOffError(questions)


def _key(piece: Piece) -> Key:
    return piece.box, piece.mask.tobytes()


def _heard(answer: Answer, chosen: str | None) -> Answer:
    """An answer of all nets as that of the chosen one alone."""
    return replace(answer, probs={chosen: answer.probs[chosen]}) if chosen else answer


def _reading(examined: Examined, digits: list[list[Digit]]) -> Reading:
    """The reading of a picture whose digits have been judged, line by line; it may have none."""
    plane = examined.plane
    flat = tuple(digit for line in digits for digit in line)
    verdicts = {digit.verdict for digit in flat} or {NOT_A_DIGIT}
    verdict = UNSURE if len(verdicts) > 1 else verdicts.pop()
    reasons = [digit.reason for digit in flat if digit.reason]
    if len(flat) > 1:
        reasons = [f"digit {k}: {d.reason}" for k, d in enumerate(flat, 1) if d.reason]
    lines = ["".join(str(d.label) for d in line if d.verdict != NOT_A_DIGIT) for line in digits]
    numbers = np.zeros(plane.ink.shape, np.int32)
    pieces = [piece for line in examined.lines for piece in line]
    for number, piece in enumerate(pieces if flat else [], 1):
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
        milliseconds=dict(examined.milliseconds),
    )


@cache
def _shared() -> Recognizer:
    return Recognizer()


def read(picture: Picture, model: str = ALL) -> Reading:
    """Read the digits of a picture with the shipped weights; see :meth:`Recognizer.read`.

    >>> read("assets/examples/5 a number.png")
    <Reading '2049': digit, '', 4 digits>
    """
    return _shared().read(picture, model)
