"""Numbers as people write them in forms and on ruled paper, made at random, and what they say.

Every function that needs chance takes a generator: the same one gives the same picture. Ink and
lines are float32 (H, W) in [0, 1], 1 where the pen or the print was.

The ranges are what we assume of forms and hands: nobody measured them. Lengths are shares of the
height of the digits unless noted.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnistcore.benchmark.hand import GAP, Hand, Rng, put, random_hand, stroke
from mnistcore.benchmark.photographs import PENS, Pixels, Range, expose, plain_sheet
from mnistcore.reading.picture import Plane

ROOM: Range = 0.3, 1.2  # of paper around what is written

# Print.
LINE: Range = 1, 3.5  # pixels, the thickness of a line
FORM_DARKNESS: Range = 0.4, 1.0  # of a form's lines, as a share of the ink's
RULED_DARKNESS: Range = 0, 1.0  # of the lines of ruled and squared paper
TURN = 3  # degrees, at most
PHOTOGRAPHED = 0.5  # share of the pictures
CELL_WIDTH: Range = 1.15, 1.7
CELL_HEIGHT: Range = 1.2, 1.8
SHORT_DIVIDER: Range = 0.2, 0.6  # of a comb whose teeth are lower than the digits
RULES_APART: Range = 1.2, 2.2
SQUARES_APART: Range = 0.35, 0.8
MARGIN: Range = 0.2, 1.0  # of paper left of a margin line
RING: Range = 1.3, 2.0  # diameter of a ring, times the diagonal of the digit
BOX: Range = 0.85, 1.5  # a side of the box around one digit: some digits run over it

# Layout.
LINES_GAP: Range = 0.07, 0.44  # between two lines of text
UNEVEN_HEIGHTS: Range = 0.4, 1.0  # of digits of very different heights
CARD_ROOM: Range = 0.3, 0.8  # of card around the digit

Form = tuple[Pixels, str]


def make_form(kind: str, images: Plane, labels: NDArray[np.int64], rng: Rng) -> Form:
    """A picture of one kind, and what is written on it.

    Args:
        kind: one of KINDS.
        images: float32 (n, 28, 28) in [0, 1], digits of MNIST.
        labels: (n,).
        rng: decides all the rest.

    Returns:
        uint8 (H, W, 3), or (H, W, 4) with transparent parts; the text with its signs, its lines
        separated by newlines.
    """
    return KINDS[kind](random_hand(images, labels, rng))


def _around(ink: Plane, hand: Hand) -> tuple[Plane, int, int]:
    """An empty plane with room around the ink, and the ink's left and top on it."""
    left, top, right, bottom = (round(hand.draw(ROOM)) for _ in range(4))
    shape = ink.shape[0] + top + bottom, ink.shape[1] + left + right
    return np.zeros(shape, np.float32), left, top


def _picture(hand: Hand, ink: Plane, lines: Plane, darkness: float = 1.0) -> Pixels:
    """Ink and printed lines (H, W) as a scan or a photograph, turned by up to TURN degrees."""
    rng = hand.rng
    if lines.any():
        turn = rng.uniform(-TURN, TURN)
        edge = [round(np.sin(np.radians(TURN)) * side / 2) + 2 for side in ink.shape[::-1]]
        ink, lines = (
            ndimage.rotate(
                np.pad(plane, [(e,) for e in edge], "edge"), turn, (0, 1), False, order=1
            )
            for plane in (ink, lines)
        )
        ink, lines = (p[edge[0] : -edge[0], edge[1] : -edge[1]] for p in (ink, lines))
    photographed = rng.random() < PHOTOGRAPHED
    name = str(rng.choice(list(PENS))) if photographed else "black"
    pen = np.array(PENS[name][0] if photographed else (0, 0, 0), np.float32)
    paper = (
        plain_sheet(ink.shape[0], ink.shape[1], rng)
        if photographed
        else np.ones((*ink.shape, 3), np.float32)
    )
    print_ink = np.float32(darkness * (1 - pen.mean())) * lines * (1 - ink)
    rgb = paper * (1 - ink[:, :, None] * (1 - pen)) * (1 - print_ink[:, :, None])
    return expose(rgb, rng) if photographed else np.rint(255 * rgb).astype(np.uint8)


def _level(lines: Plane, y: float, left: float, right: float, thick: float) -> None:
    """Draw a level line of a thickness in pixels; see :func:`_upright`."""
    rows = np.arange(len(lines))[:, None]
    cover = np.clip(thick / 2 + 0.5 - np.abs(rows - y), 0, 1)
    columns = slice(max(0, round(left - thick / 2)), round(right + thick / 2) + 1)
    lines[:, columns] = np.maximum(lines[:, columns], cover)


def _upright(lines: Plane, x: float, top: float, bottom: float, thick: float) -> None:
    _level(lines.T, x, top, bottom, thick)


def _cells(top: bool, base: bool, ends: bool, short: bool = False) -> Callable[[Hand], Form]:
    """A row of cells with a digit in each; some of its sides are missing."""

    def form(hand: Hand) -> Form:
        rng = hand.rng
        count = int(rng.integers(3, 9))
        wide, tall = hand.draw(CELL_WIDTH), hand.draw(CELL_HEIGHT)
        thick = rng.uniform(*LINE)
        ink, left, up = _around(np.zeros((round(tall), round(count * wide)), np.float32), hand)
        lines = np.zeros_like(ink)
        text = ""
        for k in range(count):
            digit, label = hand.digit(hand.height)
            text += label
            room = [wide - digit.shape[1] - thick, tall - digit.shape[0] - thick]
            x, y = (max(0, r) * rng.uniform(0.2, 0.8) + thick / 2 for r in room)
            put(ink, digit, left + k * wide + x, up + y)
        tooth = up + tall - hand.draw(SHORT_DIVIDER) if short else up
        for k in range(count + 1):
            if ends or 0 < k < count:
                _upright(lines, left + k * wide, tooth, up + tall, thick)
        for drawn, y in ((top, up), (base, up + tall)):
            if drawn:
                _level(lines, y, left, left + count * wide, thick)
        return _picture(hand, ink, lines, rng.uniform(*FORM_DARKNESS)), text

    return form


def _ruled(squared: bool) -> Callable[[Hand], Form]:
    """A number on ruled or squared paper, anywhere on its lines."""

    def form(hand: Hand) -> Form:
        rng = hand.rng
        number, text = hand.line_of("d" * rng.integers(2, 7))
        ink, left, top = _around(number, hand)
        put(ink, number, left, top)
        lines = np.zeros_like(ink)
        apart, thick = hand.draw(SQUARES_APART if squared else RULES_APART), rng.uniform(*LINE)
        for plane in (lines, lines.T) if squared else (lines,):
            for y in np.arange(rng.uniform(0, apart), len(plane), apart):
                _level(plane, y, 0, plane.shape[1], thick)
        return _picture(hand, ink, lines, rng.uniform(*RULED_DARKNESS)), text

    return form


def _margin(hand: Hand) -> Form:
    """A number beside a margin line that crosses the picture from top to bottom."""
    number, text = hand.line_of("d" * hand.rng.integers(2, 6))
    ink, left, top = _around(number, hand)
    margin = round(hand.draw(MARGIN))
    ink = np.pad(ink, ((0, 0), (margin, 0)))
    put(ink, number, margin + left, top)
    lines = np.zeros_like(ink)
    _upright(lines, margin, 0, len(lines), hand.rng.uniform(*LINE))
    return _picture(hand, ink, lines, hand.rng.uniform(*FORM_DARKNESS)), text


def _written(*patterns: str, heights: Range | None = None) -> Callable[[Hand], Form]:
    """Plain paper with one line of text of one of these patterns."""

    def form(hand: Hand) -> Form:
        number, text = hand.line_of(str(hand.rng.choice(patterns)), heights)
        ink, left, top = _around(number, hand)
        put(ink, number, left, top)
        return _picture(hand, ink, np.zeros_like(ink)), text

    return form


def _two_lines(fewest: int, most: int) -> Callable[[Hand], Form]:
    """Two lines of so many digits, one close below the other."""

    def form(hand: Hand) -> Form:
        count = int(hand.rng.integers(fewest, most + 1))
        upper, lower = (hand.line_of("d" * count) for _ in range(2))
        gap = round(hand.draw(LINES_GAP))
        width = max(upper[0].shape[1], lower[0].shape[1])
        number = np.zeros((len(upper[0]) + gap + len(lower[0]), width), np.float32)
        put(number, upper[0], 0, 0)
        put(number, lower[0], 0, len(upper[0]) + gap)
        ink, left, top = _around(number, hand)
        put(ink, number, left, top)
        return _picture(hand, ink, np.zeros_like(ink)), f"{upper[1]}\n{lower[1]}"

    return form


def _framed(ring: bool) -> Callable[[Hand], Form]:
    """One digit in a ring, or in a printed box that it may cross."""

    def form(hand: Hand) -> Form:
        rng = hand.rng
        digit, label = hand.digit(hand.height)
        height, width = digit.shape
        if ring:
            thick = hand.pen * rng.uniform(0.5, 1.2)
            radius = float(np.hypot(height, width)) / 2 * rng.uniform(*RING) + thick
            tall = wide = 2 * radius
        else:
            thick = rng.uniform(*LINE)
            tall, wide = height * rng.uniform(*BOX), max(width, 0.6 * height) * rng.uniform(*BOX)
        whole = round(max(height, tall) + thick) + 2, round(max(width, wide) + thick) + 2
        ink, left, top = _around(np.zeros(whole, np.float32), hand)
        x, y = left + whole[1] / 2, top + whole[0] / 2
        put(ink, digit, x - width / 2, y - height / 2)
        lines = np.zeros_like(ink)
        if ring:
            rows, columns = np.ogrid[: ink.shape[0], : ink.shape[1]]
            away = np.abs(np.hypot(rows - y, columns - x) - radius)
            lines = np.clip(thick / 2 + 0.5 - away, 0, 1).astype(np.float32)
        else:
            for side in (-1, 1):
                _level(lines, y + side * tall / 2, x - wide / 2, x + wide / 2, thick)
                _upright(lines, x + side * wide / 2, y - tall / 2, y + tall / 2, thick)
        return _picture(hand, ink, lines, 1.0 if ring else rng.uniform(*FORM_DARKNESS)), label

    return form


def _card(hand: Hand) -> Form:
    """A white card with a digit on a transparent picture."""
    digit, label = hand.digit(hand.height)
    card = np.pad(digit, round(hand.draw(CARD_ROOM)))
    paper, left, top = _around(np.pad(card, hand.height), hand)
    picture = np.zeros((*paper.shape, 4), np.uint8)
    left, top = left + hand.height, top + hand.height
    area = picture[top : top + card.shape[0], left : left + card.shape[1]]
    area[:] = np.rint(255 * (1 - card))[:, :, None]
    area[:, :, 3] = 255
    return picture, label


def _tight(hand: Hand) -> Form:
    """A number cut out along its ink; half of them begin or end with a perfectly upright 1."""
    number, text = hand.line_of("d" * hand.rng.integers(1, 6))
    if hand.rng.random() < 0.5:
        one = stroke([(0, 0), (0, len(number) - hand.pen)], width=hand.pen)
        one = one[: len(number)]
        space = np.zeros((len(number), round(hand.draw(GAP))), np.float32)
        parts = [np.pad(one, ((len(number) - len(one), 0), (0, 0))), space, number]
        first = hand.rng.random() < 0.5
        number = np.concatenate(parts if first else parts[::-1], 1)
        text = "1" + text if first else text + "1"
    return np.rint(255 * (1 - np.repeat(number[:, :, None], 3, 2))).astype(np.uint8), text


KINDS: dict[str, Callable[[Hand], Form]] = {
    "cells": _cells(top=True, base=True, ends=True),
    "cells, open at the top": _cells(top=False, base=True, ends=True),
    "comb with short teeth": _cells(top=False, base=True, ends=True, short=True),
    "dividers only": _cells(top=False, base=False, ends=False),
    "box around one digit": _framed(ring=False),
    "ring around one digit": _framed(ring=True),
    "ruled paper": _ruled(squared=False),
    "squared paper": _ruled(squared=True),
    "margin line": _margin,
    "date": _written("dd/dd/dd", "dd-dd-dd", "dd.dd.dd", "d/d/dddd"),
    "phone number": _written("ddd-dddd", "dddd-dddd", "ddd-ddd-dddd"),
    "time": _written("dd:dd", "d:dd"),
    "decimal": _written("d.d", "dd.d", "d,dd", "dd.dd"),
    "minus": _written("-d", "-dd", "-ddd"),
    "two lines": _two_lines(2, 5),
    "one above the other": _two_lines(1, 1),
    "uneven heights": _written("ddd", "dddd", "ddddd", heights=UNEVEN_HEIGHTS),
    "card on transparent": _card,
    "tight crop": _tight,
}
