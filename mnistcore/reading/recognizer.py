"""From a picture to the number on it: what each net says, how sure, and an honest "don't know"."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistcore.reading.candidates import Answer, Candidate
from mnistcore.reading.digits import frame
from mnistcore.reading.ensemble import ALL, Ensemble, Probs
from mnistcore.reading.graph import MOST_DIGITS, Graph, read_graph
from mnistcore.reading.picture import Ink, Picture, PictureError, Plane, read_ink
from mnistcore.reading.pieces import LEAST_SIZE, Box, Key, Piece, find_pieces
from mnistcore.reading.signs import Sign

DIGIT, UNSURE, NOT_A_DIGIT = "digit", "unsure", "not a digit"  # the verdicts, best to worst
# Ten times the median probability: the share that is spread evenly over all digits. If it is above
# this, the answer is "not a digit". All nets spread what is not a digit: at 0.5, they also refused
# one blurred or noisy validation digit in ten; at 0.9, they refuse only two doodles in five.
FLAT = 0.8
# A net whose most probable digit is below this says nothing: LeNet's training spreads what is not a
# digit evenly over all ten, and the greatest of ten equal shares is chance.
EVEN = 0.2
LIKELY = 0.1  # digits above this probability are candidates of an unsure answer
MOST_LIKELY = 3  # the most candidates of an unsure answer
MOST_PIECES = 256  # in a picture of digits
MOST_SPECKS = 256  # of which some may be points
TOO_MANY = "too many pieces of ink for a number"
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

    @property
    def text(self) -> str:
        """What it adds to the text of a reading."""
        return "" if self.verdict == NOT_A_DIGIT else str(self.label)

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

    Readings are equal if their lines, verdicts and reasons are.
    """

    lines: tuple[tuple[Digit | Sign, ...], ...]  # from top to bottom, each from left to right
    verdict: str  # "digit", "unsure" or "not a digit"
    reason: str  # of the verdict, in words; "" for a digit
    steps: dict[str, NDArray[Any]] = field(compare=False)  # "picture" uint8 (H, W, 3), "ink"
    # float32 (H, W) in [0, 1], "paper" likewise: what was printed on it and taken out of the ink;
    # "pieces" int32 (H, W), k where the k-th digit is and 0 elsewhere
    notes: list[str] = field(compare=False)  # what was done to find the digits, one sentence each
    scale: float = field(compare=False)  # pixels of the given picture in one of the steps'
    milliseconds: dict[str, float] = field(compare=False)  # of each net's forward passes
    graph: Graph = field(compare=False)  # the digits and signs, and what else was considered

    @property
    def text(self) -> str:
        """The number with its signs, lines separated by newlines, without what is neither."""
        texts = ("".join(item.text for item in line) for line in self.lines)
        return "\n".join(text for text in texts if text)

    @property
    def digits(self) -> tuple[Digit, ...]:
        """Line by line, left to right."""
        return tuple(item for line in self.lines for item in line if isinstance(item, Digit))

    @property
    def signs(self) -> tuple[Sign, ...]:
        """Line by line, left to right."""
        return tuple(item for line in self.lines for item in line if isinstance(item, Sign))

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
    """A picture, its pieces of ink, and what the nets have said about them so far.

    Readings by different nets share it: a piece that all nets have answered is not asked again.
    """

    plane: Ink
    pieces: list[Piece]
    specks: list[Piece]  # too small for digits, but perhaps points
    notes: list[str]
    answers: dict[Key, Answer]  # of all nets
    milliseconds: dict[str, float]  # of each net's forward passes; empty before the first answer

    @property
    def reason(self) -> str:
        """Why there is no number; "" if there may be one."""
        if not self.pieces:
            return "blank: there is no ink"
        return TOO_MANY if len(self.pieces) > MOST_PIECES else ""


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
        (reading,) = self.read_many([picture], model)
        return reading

    def read_many(self, pictures: Iterable[Picture], model: str = ALL) -> list[Reading]:
        """Read many pictures; small ones two to three times as fast as one by one.

        The nets are asked once about the candidates of all pictures, and once more about the cuts
        that some need. All pictures and their steps are in memory, 40 MB for a large photograph:
        give large ones in parts.

        Args:
            pictures: each as for :meth:`read`.
            model: as for :meth:`read`.

        Returns:
            What :meth:`read` returns for each, in the same order; ``milliseconds`` are shares of
            the time that the nets took for all.

        Raises:
            As :meth:`read`, for the first picture that cannot be read. PictureError: one file is
                given instead of several pictures.
        """
        if isinstance(pictures, str | bytes | Path):
            raise PictureError("read_many takes a list of pictures; read takes one")
        chosen = self.choose(model)
        return self._read([self.examine(picture) for picture in pictures], chosen)

    def read_each(self, picture: Picture) -> dict[str, Reading]:
        """What all nets together ("all") and each net alone read from a picture.

        Args:
            picture: as for :meth:`read`.

        Raises:
            As :meth:`read`.
        """
        examined = [self.examine(picture)]
        return {name: self._read(examined, self.choose(name))[0] for name in (ALL, *self.names)}

    def _read(self, examined: Sequence[Examined], chosen: str | None) -> list[Reading]:
        """What a net, or all together, read from pictures, to which answers are added."""
        graphs = [Graph()] * len(examined)
        asking = {
            i: read_graph(one.pieces, one.specks[:MOST_SPECKS], self.thresholds.of(chosen))
            for i, one in enumerate(examined)
            if not one.reason
        }
        heard: dict[int, list[Answer]] = {}
        while asking:
            wanted: dict[int, Sequence[Piece]] = {}
            for i, graph in list(asking.items()):
                try:
                    wanted[i] = graph.send(heard.get(i))
                except StopIteration as done:
                    graphs[i] = done.value
                    del asking[i]
            self._answer([(examined[i], pieces) for i, pieces in wanted.items()])
            heard = {
                i: [_heard(examined[i].answers[piece.key], chosen) for piece in pieces]
                for i, pieces in wanted.items()
            }
        return [self._decide(*pair, chosen) for pair in zip(examined, graphs, strict=True)]

    def examine(self, picture: Picture) -> Examined:
        """A picture and its pieces of ink; the nets have not been asked yet.

        Raises:
            PictureError: the picture cannot be read.
            FileNotFoundError: the picture is not there.
        """
        plane = read_ink(picture)
        pieces, specks, notes = find_pieces(plane.ink, plane.level)
        return Examined(plane, pieces, specks, [*plane.notes, *notes], {}, {})

    def _answer(self, questions: Sequence[tuple[Examined, Sequence[Piece]]]) -> None:
        """Ask all nets at once about pieces of pictures; each picture keeps its answers."""
        new = [
            (one, piece)
            for one, pieces in questions
            for piece in {piece.key: piece for piece in pieces}.values()
            if piece.key not in one.answers
        ]
        if not new:
            return
        framed = [frame(piece.cut(one.plane.ink)) for one, piece in new]
        probs, took = self.probs(np.stack([image for _, image in framed]))
        for i, ((one, piece), views) in enumerate(zip(new, framed, strict=True)):
            answer = Answer(piece, *views, {name: p[i] for name, p in probs.items()})
            one.answers[piece.key] = answer
            for name, ms in took.items():
                one.milliseconds[name] = one.milliseconds.get(name, 0) + ms / len(new)

    def _decide(self, examined: Examined, graph: Graph, chosen: str | None) -> Reading:
        """What one net alone, or all together, read from a picture; see :meth:`read`."""
        reason = examined.reason
        digits = sum(bool(found.answer) for line in graph.lines for found in line)
        if not reason and not 0 < digits <= MOST_DIGITS:
            graph, reason = Graph(), TOO_MANY
        lines = [
            _without_lone_signs([self._item(found, examined, chosen) for found in line])
            for line in graph.lines
        ]
        return _reading(examined, graph, lines, reason)

    def _item(self, found: Candidate, examined: Examined, chosen: str | None) -> Digit | Sign:
        """A digit or a sign of the graph, judged."""
        left, top, right, bottom = (round(edge * examined.plane.scale) for edge in found.box)
        box = left, top, right, bottom
        answer = found.answer
        if not answer:
            return Sign(found.sign, box, found.sure, found.doubt)
        verdict, reason, candidates = self._judge(answer, chosen)
        return Digit(
            box=box,
            verdict=verdict,
            reason=reason,
            candidates=candidates,
            fitted=answer.fitted,
            image=answer.image,
            probs=answer.mean,
            probs_by_model=examined.answers[answer.piece.key].probs,
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


def _heard(answer: Answer, chosen: str | None) -> Answer:
    """An answer of all nets as that of the chosen one alone."""
    return replace(answer, probs={chosen: answer.probs[chosen]}) if chosen else answer


def _without_lone_signs(line: list[Digit | Sign]) -> list[Digit | Sign]:
    """A line without the signs that stand beside what is not a digit."""
    are_digits = [isinstance(item, Digit) and item.verdict != NOT_A_DIGIT for item in line]
    before, after = [False, *are_digits], [*are_digits[1:], False]
    return [
        item
        for k, item in enumerate(line)
        if isinstance(item, Digit) or (after[k] and (before[k] or item.character == "-"))
    ]


def _reading(
    examined: Examined, graph: Graph, lines: list[list[Digit | Sign]], reason: str
) -> Reading:
    """The reading of a picture whose digits have been judged, line by line.

    Args:
        examined: the picture.
        graph: its graph.
        lines: its digits and signs.
        reason: why there are none, in words.
    """
    items = [item for line in lines for item in line]
    digits = [item for item in items if isinstance(item, Digit)]
    signs = [item for item in items if isinstance(item, Sign)]
    verdicts = {digit.verdict for digit in digits} or {NOT_A_DIGIT}
    verdicts |= {UNSURE for sign in signs if sign.reason}
    verdict = UNSURE if len(verdicts) > 1 else verdicts.pop()
    plane = examined.plane
    numbers = np.zeros(plane.ink.shape, np.int32)
    answers = (found.answer for line in graph.lines for found in line if found.answer)
    for number, answer in enumerate(answers, 1):
        piece = answer.piece
        area = numbers[piece.top : piece.bottom, piece.left : piece.right]
        area[piece.mask] = number
    return Reading(
        lines=tuple(map(tuple, lines)),
        verdict=verdict,
        reason=reason or _reasons(digits, signs),
        steps={
            "picture": plane.picture,
            "ink": plane.ink,
            "paper": plane.printed,
            "pieces": numbers,
        },
        notes=[*examined.notes, *graph.notes],
        scale=plane.scale,
        milliseconds=dict(examined.milliseconds),
        graph=graph,
    )


def _reasons(digits: Sequence[Digit], signs: Sequence[Sign]) -> str:
    """The reasons of digits and signs in words, those that several share once."""
    if len(digits) == 1 and not signs:
        return digits[0].reason
    words = []
    named: list[tuple[str, Sequence[Digit | Sign]]] = [("digit", digits), ("sign", signs)]
    for name, items in named:
        numbers: dict[str, list[str]] = {}
        for number, item in enumerate(items, 1):
            if item.reason:
                numbers.setdefault(item.reason, []).append(str(number))
        for reason, (*others, last) in numbers.items():
            which = f"{name}s {', '.join(others)} and {last}" if others else f"{name} {last}"
            words.append(f"{which}: {reason}")
    return "; ".join(words)


@cache
def _shared() -> Recognizer:
    return Recognizer()


def read(picture: Picture, model: str = ALL) -> Reading:
    """Read the digits of a picture with the shipped weights; see :meth:`Recognizer.read`.

    >>> read("assets/examples/5 a number.png")
    <Reading '2049': digit, '', 4 digits>
    """
    return _shared().read(picture, model)
