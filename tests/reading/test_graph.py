from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage
from torch import Tensor

from mnistcore.benchmark.scenes import Pixels
from mnistcore.data import split_train_val
from mnistcore.reading.candidates import Answer, Candidate, Node
from mnistcore.reading.graph import _are_sure_apart, _graph, paths_through
from mnistcore.reading.picture import Plane
from mnistcore.reading.pieces import Piece
from mnistcore.reading.recognizer import read
from tests.tools.pictures import (
    RECOGNIZER,
    assert_one,
    assert_reads,
    box_of,
    boxes,
    canvas,
    digit,
    gray,
    pen,
    write,
)


@pytest.mark.parametrize("gap", [3, 8, 14])
def test_a_bar_that_floats_belongs_to_its_5(gap: int) -> None:
    ink = digit("5 two strokes")
    top = box_of(ink)[1]
    bar, body = ink.copy(), ink.copy()
    bar[top + 18 :], body[: top + 18] = 0, 0
    apart = np.maximum(body, np.roll(bar, -gap, 0))
    assert ndimage.label(apart > 0.3)[1] == 2
    assert_one(apart, apart)


@pytest.mark.parametrize("right", [0, 15, 30])
def test_a_bar_may_stand_to_the_right_of_its_5(right: int) -> None:
    bar = np.ones((14, 60), np.float32)
    body = pen("5 short bar", 120, 14)[16:]
    ink = canvas((body, 60, 70), (bar, 60 + body.shape[1] - 60 + right, 48))
    assert_one(ink, ink)


@pytest.mark.parametrize("name", ["4 open", "4 square", "4 low bar", "7 crossed", "9 two strokes"])
def test_digits_of_two_strokes_are_one(name: str) -> None:
    assert_one(digit(name), digit(name))


def test_strokes_of_a_4_that_do_not_meet_are_one() -> None:
    image = Image.new("L", (280, 280))
    draw = ImageDraw.Draw(image)
    draw.line([(90, 50), (80, 150), (150, 150)], fill=255, width=16, joint="curve")
    draw.line([(172, 60), (168, 230)], fill=255, width=16)
    ink: Plane = np.asarray(image, np.float32) / np.float32(255)
    assert [len(line) for line in boxes(ink)] in ([1], [2])  # the nets may be asked to join them


@pytest.mark.parametrize("name", "0235689")
@pytest.mark.parametrize("rows", [3, 6])
def test_a_broken_scan_is_one(name: str, rows: int) -> None:
    ink = digit(name)
    middle = sum(box_of(ink)[1::2]) // 2
    broken = ink.copy()
    broken[middle : middle + rows] = 0
    assert_one(broken, ink)


def bar_apart(gap: int) -> Plane:
    """A 5 whose bar floats."""
    ink = digit("5 two strokes")
    top = int(np.nonzero(ink.any(1))[0][0])
    apart = ink.copy()
    apart[top - gap : top + 18 - gap] = ink[top : top + 18]
    apart[top + 18 - gap : top + 18] = 0
    return apart


@pytest.mark.parametrize("gap", [4, 10])
def test_a_5_whose_bar_floats(gap: int) -> None:
    assert_reads(gray(bar_apart(gap)), "5")


@pytest.mark.parametrize("lower", [0, 40])
def test_a_4_of_two_strokes_that_do_not_meet(lower: int) -> None:
    image = Image.new("L", (280, 280), 255)
    draw = ImageDraw.Draw(image)
    draw.line([(90, 50), (80, 150), (150, 150)], fill=0, width=16, joint="curve")
    draw.line([(170, 60 + lower), (166, 230 + lower)], fill=0, width=16)
    assert_reads(image, "4")


def test_a_1_is_not_split_from_its_long_flag() -> None:
    image = Image.new("L", (280, 280), 255)
    strokes = [(60, 250), (110, 90), (190, 25), (205, 170)]
    ImageDraw.Draw(image).line(strokes, fill=0, width=14, joint="curve")
    assert read(image).text == "1"


def glued(pair: str, overlap: int) -> Pixels:
    """Two digits side by side that touch."""
    left, right = (pen(name, 120, 14) for name in pair)
    ink = canvas((left, 60, 60), (right, 60 + left.shape[1] - overlap, 60), shape=(240, 360))
    return gray(ink)


PAIRS = ["34", "27", "50", "86", "92", "68", "40", "33", "05", "89"]


@pytest.mark.parametrize("overlap", [3, 8])
@pytest.mark.parametrize("pair", PAIRS)
def test_digits_that_touch_are_split_or_flagged(pair: str, overlap: int) -> None:
    reading = read(glued(pair, overlap))
    assert reading.text == pair or reading.verdict != "digit"


def test_most_digits_that_touch_are_split() -> None:
    assert sum(read(glued(pair, 4)).text == pair for pair in PAIRS) >= 7


def test_single_digits_are_not_split(mnist_train: tuple[Tensor, Tensor]) -> None:
    images, _ = mnist_train
    chosen = split_train_val(5000, len(images))[1][200:280]
    single = 0
    for image in images[chosen, 0].numpy():
        large = Image.fromarray(image).resize((196, 196), Image.Resampling.BICUBIC)
        single += len(read(np.pad(np.asarray(large), 42)).digits) == 1
    assert single >= 79


@pytest.mark.parametrize("width", [700, 1500])
def test_a_bar_is_not_cut_into_digits(width: int) -> None:
    page = np.full((200, width), 255, np.uint8)
    page[90:110, 10:-10] = 0
    assert len(read(page).digits) <= 1


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many candidates the nets are asked about, batch by batch."""
    batches: list[int] = []
    probs = RECOGNIZER.probs

    def count(images: Plane) -> Any:
        batches.append(len(images))
        return probs(images)

    monkeypatch.setattr(RECOGNIZER, "probs", count)
    return batches


def test_the_nets_are_asked_once_about_a_plain_digit(asked: list[int]) -> None:
    RECOGNIZER.read(gray(digit("3")))
    assert asked == [1]


def test_all_joins_of_a_number_are_asked_about_at_once(asked: list[int]) -> None:
    assert RECOGNIZER.read(gray(write(["2711"], gap=4))).text == "2711"
    assert len(asked) == 1
    assert asked[0] > 4


def test_what_was_rejected_is_kept_with_its_costs() -> None:
    graph = RECOGNIZER.read(gray(write(["2711"], gap=4))).graph
    (candidates,) = graph.candidates
    chosen = [found for found in candidates if found.chosen]
    assert sorted(found.text for found in chosen) == sorted("2711")
    rejected = [found for found in candidates if not found.chosen]
    assert rejected
    assert all(found.cost == sum(found.costs.values()) > 0 for found in rejected)


def edge(text: str, start: Node, stop: Node, cost: float, **kind: Any) -> Candidate:
    """A candidate: a digit, a sign, or ink that is left out if there is no text."""
    box, costs = (0, 0, 9, 9), {"": cost}
    if not text.isdigit():
        return Candidate(box, start, stop, costs, sign=text, **kind)
    blank = np.zeros((28, 28), np.float32)
    probs = {"LeNet": np.eye(10, dtype=np.float32)[int(text)]}
    answer = Answer(Piece(0, 0, np.ones((9, 9), bool)), blank, blank, probs)
    return Candidate(box, start, stop, costs, answer, **kind)


def doubts(line: list[Candidate]) -> list[str]:
    return [found.answer.doubt if found.answer else found.doubt for found in line]


def test_the_cheapest_path_through_each_candidate() -> None:
    apart = [edge("1", (0,), (1,), 0.2), edge("9", (1,), (2,), 0.3)]
    joined = edge("4", (0,), (2,), 0.9, joined=2)
    nowhere = edge("5", (1,), (1, 2, 1), 0.1)
    after = edge("7", (2,), (3,), 0.1)
    found = paths_through([*apart, joined, nowhere, after])
    assert [path and path.text for path in found] == ["197", "197", "47", None, "197"]
    assert [path and round(path.cost, 9) for path in found] == [0.6, 0.6, 1.0, None, 0.6]


def test_a_doubt_about_ink_that_is_left_out_is_that_of_the_digit_beside_it() -> None:
    stray = edge("", (1,), (2,), 0.1)
    point = edge(".", (1,), (2,), 0.4)
    (line,) = _graph([[edge("7", (0,), (1,), 0.1), stray, point, edge("2", (2,), (3,), 0.1)]]).lines
    assert [found.text for found in line] == ["7", "2"]
    assert doubts(line) == ["a stray stroke, or a point", ""]


def test_a_sign_follows_no_sign() -> None:
    signs = [edge(":", (1,), (2,), 0.1), edge(".", (2,), (3,), 0.1)]
    left_out = [edge("", (k,), (k + 1,), 2.0) for k in (1, 2)]
    ends = [edge("7", (0,), (1,), 0.1), edge("2", (3,), (4,), 0.1)]
    (line,) = _graph([[*signs, *left_out, *ends]]).lines
    assert len(line) == 3


def test_the_second_best_path_names_the_doubt() -> None:
    apart = [edge("1", (0,), (1,), 0.2), edge("9", (1,), (2,), 0.3)]
    after = edge("7", (2,), (3,), 0.1)
    joined = edge("4", (0,), (2,), 0.9, joined=2)
    (line,) = _graph([[*apart, joined, after]]).lines
    words = "19, or 4 if these strokes belong together"
    assert doubts(line) == [words, words, ""]
    (line,) = _graph([[*apart, replace(joined, costs={"": 9.0}), after]]).lines
    assert doubts(line) == ["", "", ""]


def test_sure_digits_on_two_lines_are_a_doubt_of_the_digit_that_they_make_together() -> None:
    joined = [[edge("3", (0,), (1,), 0.1, joined=2)]]
    apart = [[edge("3", (0,), (1,), 0.1)], [edge("2", (0,), (1,), 0.1)]]
    assert _are_sure_apart(joined, apart, 0.9)
    assert not _are_sure_apart(apart, joined, 0.9)
    assert not _are_sure_apart(joined, [apart[0], [edge("", (0,), (1,), 0.1)]], 0.9)
