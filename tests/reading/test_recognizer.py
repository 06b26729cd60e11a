import doctest
import io
import json
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

import mnistcore
from mnistcore import checkpoint
from mnistcore.benchmark.scenes import Pixels
from mnistcore.data import split_train_val
from mnistcore.files import ROOT, WEIGHTS
from mnistcore.models import list_models
from mnistcore.reading import recognizer
from mnistcore.reading.picture import PictureError, Plane
from mnistcore.reading.pieces import Piece
from mnistcore.reading.recognizer import Reading, Recognizer, read
from mnistcore.reading.touching import Answer
from mnistcore.training.threshold import REFUSED
from tests.tools.pictures import canvas, coloured, digit, gray, on_nothing, pen, write

quick = settings(max_examples=25, derandomize=True, deadline=None, database=None)
DIGITS = "0123456789"


def assert_reads(picture: Any, text: str) -> Reading:
    """The picture is read as this, for sure."""
    reading = read(picture)
    assert (reading.text, reading.verdict, reading.reason) == (text, "digit", "")
    return reading


def assert_no_digit(picture: Any) -> None:
    reading = read(picture)
    assert (reading.text, reading.verdict) == ("", "not a digit")
    assert reading.reason


# The answer does not depend on place, size, pen or colours.


@given(st.sampled_from(DIGITS), st.floats(0, 1), st.floats(0, 1))
@quick
def test_place_does_not_matter(name: str, x: float, y: float) -> None:
    ink = pen(name, 90, 11)
    left, top = round(x * (280 - ink.shape[1])), round(y * (280 - ink.shape[0]))
    assert_reads(gray(canvas((ink, left, top))), name)


@given(st.sampled_from(DIGITS), st.floats(0.3, 3), st.floats(0.06, 0.15), st.booleans())
@quick
def test_size_and_polarity_do_not_matter(name: str, scale: float, pen: float, dark: bool) -> None:
    height = round(150 * scale)
    picture = gray(digit(name, height, pen * height, side=round(280 * scale)))
    assert_reads(picture if dark else 255 - picture, name)


@given(st.sampled_from(DIGITS), st.floats(0.3, 1), st.sampled_from([0, 120, 255]))
@quick
def test_a_transparent_canvas_does_not_matter(name: str, opacity: float, colour: int) -> None:
    assert_reads(on_nothing(digit(name), colour, opacity), name)


@given(st.sampled_from(DIGITS), st.integers(0, 2**24 - 1), st.integers(0, 2**24 - 1))
@quick
def test_colours_do_not_matter(name: str, ink: int, paper: int) -> None:
    light = [max(abs((ink >> k & 255) - (paper >> k & 255)) for k in (0, 8, 16))]
    if max(light) < 50:
        paper ^= 0xFFFFFF
    assert_reads(coloured(digit(name), f"#{ink:06x}", f"#{paper:06x}"), name)


def test_the_frame_does_not_depend_on_the_canvas() -> None:
    for name in DIGITS:
        ink = digit(name)
        expected = read(gray(ink)).digits[0].image
        for other in (255 - gray(ink), on_nothing(ink), on_nothing(ink, 255)):
            assert np.allclose(read(other).digits[0].image, expected, atol=0.02)


def test_mnist_digits_stay_as_they_are(mnist_train: tuple[Tensor, Tensor]) -> None:
    images, labels = mnist_train
    chosen = split_train_val(5000, len(images))[1][:60]
    differences, right = [], 0
    for image, label in zip(images[chosen, 0].numpy(), labels[chosen], strict=True):
        reading = read(image)
        right += reading.text == str(int(label))
        if len(reading.digits) == 1:
            differences.append(np.abs(reading.digits[0].image - image / 255).mean())
    assert right >= 58
    assert len(differences) >= 59  # at most one is split
    assert np.mean(differences) < 4 / 255


# Light and paper.

LIGHT: dict[str, Any] = {
    "falls off": lambda x, y: 0.4 + 0.6 * x,
    "from a lamp": lambda x, y: 0.35 + 0.65 * np.exp(-2 * ((x - 0.3) ** 2 + (y - 0.2) ** 2)),
    "hard shadow": lambda x, y: np.where(x + 0.6 * y > 0.9, 0.45, 1),
    "shadow of a hand": lambda x, y: 1 - 0.5 / (1 + np.exp(-40 * (y - 0.5 + 0.2 * x))),
}


@pytest.mark.parametrize("inverted", [False, True], ids=["dark ink", "light ink"])
@pytest.mark.parametrize("light", LIGHT.values(), ids=LIGHT.keys())
def test_uneven_light_does_not_matter(light: Any, inverted: bool) -> None:
    y, x = np.mgrid[:300, :400] / 400
    rng = np.random.default_rng(0)
    for name in "2358":
        page = np.pad(digit(name), ((10, 10), (30, 90)))
        surface = 0.9 * (page if inverted else 1 - page) + 0.08
        photo = 240 * surface * light(x, y) + rng.normal(0, 3, page.shape)
        assert read(photo.clip(0, 255).astype(np.uint8)).text == name


def on_lined_paper(ink: Plane, squared: bool) -> Pixels:
    paper = np.full((*ink.shape, 3), (245, 243, 235), np.uint8)
    paper[20::40] = paper[21::40] = (150, 170, 210)
    if squared:
        paper[:, 15::40] = paper[:, 16::40] = (150, 170, 210)
    return np.where(ink[:, :, None] > 0.5, np.array([30, 30, 60], np.uint8), paper)


@pytest.mark.parametrize("squared", [False, True], ids=["ruled", "squared"])
@pytest.mark.parametrize("shaded", [False, True], ids=["even", "shaded"])
def test_lines_of_the_paper_do_not_matter(squared: bool, shaded: bool) -> None:
    shade = np.linspace(0.6, 1, 280)[:, None] if shaded else 1
    right = 0
    for name in DIGITS:
        page = (on_lined_paper(digit(name), squared) * shade).astype(np.uint8)
        right += read(page).text == name
    assert right >= 9


def on_sheet(picture: Pixels, around: int, shape: tuple[int, int]) -> Pixels:
    """A sheet of paper in the middle of something else."""
    page = np.full(shape, around, np.uint8)
    top, left = ((a - b) // 2 for a, b in zip(shape, picture.shape, strict=True))
    page[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return page


@pytest.mark.parametrize("shape", [(280, 480), (480, 280), (420, 480)])
@pytest.mark.parametrize("around", [0, 60, 160])
def test_a_sheet_is_not_taken_for_ink(shape: tuple[int, int], around: int) -> None:
    for name in "5", "7":
        reading = read(on_sheet(gray(digit(name)), around, shape))
        assert reading.text == name
        left, top, right, bottom = reading.digits[0].box  # in the picture, not on the sheet
        assert (top + bottom) / 2 == pytest.approx(shape[0] / 2, abs=3)
        assert (left + right) / 2 == pytest.approx(shape[1] / 2, abs=3)


@pytest.mark.parametrize("angle", [-12, 4, 8])
def test_a_sheet_may_lie_askew(angle: int) -> None:
    sheet = Image.fromarray(gray(digit("5"))).convert("LA").rotate(angle, expand=True)
    page = Image.new("L", (500, 600), 60)
    page.paste(sheet.convert("L"), (60, 120), sheet.getchannel("A"))
    assert read(page).text == "5"


def test_a_bold_0_is_not_a_sheet() -> None:
    image = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(image).rectangle((80, 40, 200, 240), fill=0)
    ImageDraw.Draw(image).rectangle((110, 70, 170, 210), fill=255)
    reading = read(image)
    assert reading.text == "0" or reading.verdict != "digit"


def test_a_sheet_with_nothing_around_it() -> None:
    page = np.zeros((400, 400, 4), np.uint8)
    page[60:340, 60:340, :3] = gray(digit("5"))[:, :, None]
    page[60:340, 60:340, 3] = 255
    assert_reads(page, "5")


def test_an_empty_sheet_is_not_a_digit() -> None:
    assert read(on_sheet(np.full((200, 280), 235, np.uint8), 50, (400, 400))).verdict != "digit"


# Numbers.


@pytest.mark.parametrize("gap", [3, 8, 16])
def test_numbers_are_read(gap: int) -> None:
    assert_reads(gray(write(["31415926"], gap=gap)), "31415926")


def test_lines_are_separated_by_newlines() -> None:
    assert_reads(255 - gray(write(["602", "27", "4"])), "602\n27\n4")


def test_boxes_and_pieces_lie_where_the_digits_are() -> None:
    ink = canvas((pen("4", 100, 12), 30, 40), (pen("7", 80, 10), 150, 60), shape=(200, 280))
    reading = assert_reads(gray(ink), "47")
    for k, (one, left, top, size) in enumerate(
        zip(reading.digits, (30, 150), (40, 60), (100, 80), strict=True), 1
    ):
        assert one.box == pytest.approx((left, top, one.box[2], top + size), abs=2)
        rows, columns = np.nonzero(reading.steps["pieces"] == k)
        box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        assert one.box == pytest.approx(box, abs=2)
    assert reading.steps["pieces"].dtype == np.int32
    assert reading.steps["pieces"].max() == 2


def photograph(width: int, height: int) -> tuple[bytes, tuple[int, int, int, int]]:
    """A JPEG with a 5 on it, and where that is."""
    page = np.full((height, width), 240, np.uint8)
    ink = pen("5", 300, 36)
    left, top = width // 2, height // 3
    area = page[top : top + ink.shape[0], left : left + ink.shape[1]]
    np.minimum(area, gray(ink), out=area)
    buffer = io.BytesIO()
    Image.fromarray(page).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue(), (left, top, left + ink.shape[1], top + ink.shape[0])


@pytest.mark.parametrize(("width", "height"), [(4000, 3000), (3001, 2003), (1000, 5000)])
def test_a_large_photograph_is_shrunk(width: int, height: int) -> None:
    picture, box = photograph(width, height)
    reading = assert_reads(picture, "5")
    shape = reading.steps["ink"].shape
    assert max(shape) <= 1600
    assert reading.scale == pytest.approx(max(width, height) / max(shape), rel=0.01)
    assert reading.digits[0].box == pytest.approx(box, abs=3 * reading.scale)


def test_a_large_array_has_its_boxes_in_its_own_pixels() -> None:
    picture, box = photograph(3001, 2003)
    array = np.asarray(Image.open(io.BytesIO(picture)))
    for given_array in (array, array[:, :, 0]):
        assert assert_reads(given_array, "5").digits[0].box == pytest.approx(box, abs=8)


def test_a_long_narrow_picture() -> None:
    page = np.full((60, 6000), 255, np.uint8)
    ink = pen("3", 50, 6)
    page[5 : 5 + ink.shape[0], 3000 : 3000 + ink.shape[1]] = gray(ink)
    for one in read(page).digits:
        assert one.box[3] <= 60
        assert one.box[2] <= 6000


def test_a_digit_on_a_large_sheet() -> None:
    page = np.full((1400, 1000), 235, np.uint8)
    ink = pen("3", 40, 5)
    page[600:640, 400 : 400 + ink.shape[1]] = np.minimum(gray(ink), 235)
    assert_reads(page, "3")


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


# What is not a digit.


def shape_drawn(draw: str, *args: Any, **options: Any) -> Image.Image:
    image = Image.new("L", (280, 280), 255)
    getattr(ImageDraw.Draw(image), draw)(*args, fill=0, **options)
    return image


@pytest.mark.parametrize("colour", ["white", "black", "#808080", "red", "#ffffc0", "#00000000"])
def test_blank_canvases(colour: str) -> None:
    assert_no_digit(Image.new("RGBA", (280, 280), colour))
    assert "blank" in read(Image.new("RGBA", (280, 280), colour)).reason


BLANKS: dict[str, Any] = {
    "light falls off": np.tile(np.linspace(90, 240, 400), (300, 1)).astype(np.uint8),
    "grain": np.random.default_rng(0).normal(220, 4, (1000, 800)).clip(0, 255).astype(np.uint8),
    "coarse grain": np.random.default_rng(0).normal(180, 8, (280, 280)).clip(0, 255).astype("u1"),
    "edge of a table": np.where(np.arange(400) > 340, 60, 235) * np.ones((300, 1)),
    "large white array": np.full((1601, 1601), 255, np.uint8),
    "empty ruled paper": on_lined_paper(np.zeros((280, 280), np.float32), squared=False),
    "empty squared paper": on_lined_paper(np.zeros((280, 280), np.float32), squared=True),
}


@pytest.mark.parametrize("picture", BLANKS.values(), ids=BLANKS.keys())
def test_blank_pages(picture: NDArray[Any]) -> None:
    assert read(picture).verdict == "not a digit"


DOTS = {
    "pixel": ("rectangle", (140, 140, 140, 140)),
    "speck": ("ellipse", (138, 138, 142, 142)),
    "dot": ("ellipse", (130, 130, 150, 150)),
    "oval dot": ("ellipse", (120, 130, 150, 148)),
    "upright oval dot": ("ellipse", (130, 120, 148, 150)),
    "square": ("rectangle", (60, 60, 220, 220)),
    "disc": ("ellipse", (60, 60, 220, 220)),
    "level line": ("rectangle", (20, 140, 260, 142)),
    "level bar": ("rectangle", (20, 130, 260, 150)),
    "long level bar": ("rectangle", (5, 136, 275, 144)),
}


@pytest.mark.parametrize(("draw", "box"), DOTS.values(), ids=DOTS.keys())
def test_dots_and_bars_are_never_digits(draw: str, box: tuple[int, int, int, int]) -> None:
    for picture in (shape_drawn(draw, box), 255 - np.asarray(shape_drawn(draw, box))):
        assert read(picture).verdict != "digit"


@pytest.mark.parametrize("end", [(250, 30), (30, 250)])
def test_a_thin_line_is_not_a_digit_or_a_1(end: tuple[int, int]) -> None:
    picture = shape_drawn("line", (30, 30, *end), width=2)
    reading = read(picture)
    assert reading.verdict != "digit" or reading.text == "1"


def test_too_many_pieces() -> None:
    rng = np.random.default_rng(0)
    page = np.full((700, 700), 255, np.uint8)
    for row, column in rng.integers(5, 690, (600, 2)):
        page[row : row + 4, column : column + 4] = 0
    reading = read(page)
    assert (reading.verdict, reading.text) == ("not a digit", "")
    assert "too many" in reading.reason


@pytest.mark.parametrize("width", [700, 1500])
def test_a_bar_is_not_cut_into_digits(width: int) -> None:
    page = np.full((200, width), 255, np.uint8)
    page[90:110, 10:-10] = 0
    assert len(read(page).digits) <= 1


# Verdicts.


def test_an_unsure_answer_names_the_likely_digits(mnist_train: tuple[Tensor, Tensor]) -> None:
    images, _ = mnist_train
    chosen = split_train_val(5000, len(images))[1][:600]
    reader = Recognizer()
    plane = images[chosen, 0].numpy().astype(np.float32) / np.float32(255)
    probs = np.mean(list(reader.probs(plane)[0].values()), 0)
    for at in probs.max(1).argsort()[:4]:
        reading = read(images[chosen[at], 0].numpy())
        assert reading.verdict in ("unsure", "not a digit")
        assert reading.reason
        for one in reading.digits:
            assert bool(one.reason) == (one.verdict != "digit")
            if one.verdict == "unsure":
                assert one.label in one.candidates
                assert [int(d) for d in re.findall(r"\d", one.reason)] == one.candidates
            else:
                assert one.candidates == ([one.label] if one.verdict == "digit" else [])


def test_what_is_not_a_digit_is_left_out_of_the_text() -> None:
    ink = canvas((pen("7", 100, 12), 30, 60), shape=(220, 320))
    picture = Image.fromarray(gray(ink))
    ImageDraw.Draw(picture).ellipse((200, 80, 260, 140), fill=0)  # a blot
    reading = read(picture)
    assert reading.text == "7"
    assert reading.verdict == "unsure"
    assert [one.verdict for one in reading.digits] == ["digit", "not a digit"]
    assert reading.reason


def test_a_reading_is_whole() -> None:
    reading = assert_reads(gray(digit("8")), "8")
    assert reading.scale == 1
    assert set(reading.milliseconds) == set(list_models())
    assert all(ms > 0 for ms in reading.milliseconds.values())
    assert {name: step.shape for name, step in reading.steps.items()} == {
        "picture": (280, 280, 3),
        "ink": (280, 280),
        "pieces": (280, 280),
    }
    assert all(note.endswith(".") for note in reading.notes)
    (one,) = reading.digits
    assert one.image.shape == (28, 28)
    assert max(one.fitted.shape) == 20
    assert one.label == 8
    for probs in (one.probs, *one.probs_by_model.values()):
        assert probs.shape == (10,)
        assert probs.sum() == pytest.approx(1, abs=1e-4)
        assert probs.min() >= 0


def answer(probs: dict[int, float], **options: Any) -> Answer:
    """What five nets that agree say to a digit."""
    row = np.full(10, (1 - sum(probs.values())) / (10 - len(probs)), np.float32)
    row[list(probs)] = list(probs.values())
    ink = np.ones((20, 12), np.float32)
    stroke = Piece(0, 0, np.tri(20, 12, dtype=bool) & ~np.tri(20, 12, -3, dtype=bool))
    return Answer(stroke, ink, ink, dict.fromkeys(list_models(), row), **options)


@pytest.mark.parametrize(
    ("given", "verdict", "candidates", "reason"),
    [
        (answer({7: 0.99}), "digit", [7], ""),
        (answer({4: 0.5, 9: 0.4}), "unsure", [4, 9], "4 or 9"),
        (answer({4: 0.7, 9: 0.05}), "unsure", [4], "perhaps 4"),
        (answer({4: 0.3, 9: 0.25, 7: 0.2, 1: 0.15}), "unsure", [4, 9, 7], "4 or 9 or 7"),
        (answer({8: 0.99}, touching=True), "unsure", [8], "8 if digits touch here"),
        (answer({8: 0.99}, rival="68"), "unsure", [8], "8, or 68 if digits touch here"),
        (answer({3: 0.2}), "not a digit", [], "unlike any digit"),
    ],
)
def test_candidates(given: Answer, verdict: str, candidates: list[int], reason: str) -> None:
    assert Recognizer()._judge(given, None) == (verdict, reason, candidates)


def test_candidates_where_the_nets_disagree() -> None:
    agreed = answer({4: 0.999})
    probs = agreed.probs | {"LeNet": answer({9: 0.9, 4: 0.05}).probs["LeNet"]}
    verdict, reason, candidates = Recognizer()._judge(replace(agreed, probs=probs), None)
    assert (verdict, candidates) == ("unsure", [4, 9])
    assert reason == "the nets disagree: 4 or 9"


def test_candidates_where_the_chosen_net_contradicts_the_five() -> None:
    reader = Recognizer()
    vars(reader)["threshold"] = 0.5
    agreed = answer({4: 0.999})
    probs = agreed.probs | {"LeNet": answer({9: 0.9, 4: 0.05}).probs["LeNet"]}
    verdict, reason, candidates = reader._judge(replace(agreed, probs=probs), "LeNet")
    assert (verdict, candidates) == ("unsure", [9, 4])
    assert reason == "LeNet says 9, the five nets 4"


def test_the_summary_is_plain_data() -> None:
    reading = read(gray(write(["27"])))
    summary = reading.summary()
    assert json.loads(json.dumps(summary)) == summary
    assert [one["candidates"] for one in summary["digits"]] == [[2], [7]]
    assert [one["label"] for one in summary["digits"]] == [2, 7]


def test_readings_are_compared_by_their_answers() -> None:
    picture = gray(write(["27"]))
    first, again, other = read(picture), read(picture), read(gray(write(["28"])))
    assert first == again
    assert first.digits[0] == again.digits[0]
    assert first != other
    assert first.digits[1] != other.digits[1]
    assert first != read(picture, "LeNet")
    assert first != "27"
    assert len({first, again, other}) == 2
    assert len({*first.digits, *again.digits}) == 2


def test_a_reading_is_printed_on_one_line() -> None:
    assert repr(read(gray(write(["27"])))) == "<Reading '27': digit, '', 2 digits>"
    blank = read(np.zeros((9, 9)))
    assert repr(blank) == "<Reading '': not a digit, 'blank: there is no ink', 0 digits>"
    (one,) = read(gray(digit("8"))).digits
    assert repr(one) == f"Digit(box={one.box}, verdict='digit', reason='', candidates=[8])"


def test_the_docstrings_examples_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert doctest.testmod(recognizer) == (0, 1)


# Nets.


@pytest.fixture
def doubtful() -> Pixels:
    """A digit on which the nets do not agree to the last percent."""
    return gray(digit("4 lightning", 150, 30))


def test_all_is_the_mean_of_the_five(doubtful: Pixels) -> None:
    (one,) = read(doubtful, "all").digits
    assert list(one.probs_by_model) == list_models()
    assert np.allclose(one.probs, np.mean(list(one.probs_by_model.values()), 0), atol=1e-6)
    assert one.label == one.probs.argmax()


@pytest.mark.parametrize("name", list_models())
def test_the_chosen_net_is_heard(doubtful: Pixels, name: str) -> None:
    together = read(doubtful)
    for spelling in (name, name.lower(), name.upper()):
        (one,) = read(doubtful, spelling).digits
        assert np.allclose(one.probs, together.digits[0].probs_by_model[name], atol=1e-5)
        assert one.probs_by_model.keys() == together.digits[0].probs_by_model.keys()


def test_all_in_any_case(doubtful: Pixels) -> None:
    assert np.allclose(read(doubtful, "ALL").digits[0].probs, read(doubtful).digits[0].probs)


@pytest.mark.parametrize("name", ["LeNet5", "", "every", None, 3])
def test_unknown_net(name: Any) -> None:
    with pytest.raises(ValueError, match=r"unknown model .*LeNet.*MyVggNet"):
        read(gray(digit("3")), name)


def test_same_picture_same_reading(doubtful: Pixels) -> None:
    first, second = read(doubtful), read(doubtful)
    assert np.array_equal(first.digits[0].probs, second.digits[0].probs)


def test_a_digit_does_not_depend_on_its_neighbours() -> None:
    alone = read(gray(write(["3"]))).digits[0]
    among = read(gray(write(["71360"]))).digits[2]
    assert np.allclose(among.image, alone.image, atol=0.02)
    assert np.allclose(among.probs, alone.probs, atol=0.02)


def test_public_names() -> None:
    assert mnistcore.Recognizer is Recognizer
    assert mnistcore.read(gray(digit("6"))).text == "6"


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the nets in the order in which their weights are loaded."""
    names: list[str] = []
    lock = threading.Lock()
    original = checkpoint.load_for

    def load_for(name: str, *args: Any) -> Any:
        with lock:
            names.append(name)
        return original(name, *args)

    monkeypatch.setattr(checkpoint, "load_for", load_for)
    return names


def test_nets_load_when_needed_and_once(loads: list[str]) -> None:
    reader = Recognizer()
    assert loads == []
    assert reader.net("lenet") is reader.net("LeNet")
    assert loads == ["LeNet"]
    assert not reader.net("LeNet").training
    for _ in range(2):
        reader.read(gray(digit("2")))
    assert sorted(loads) == sorted(list_models())


def test_threads_read_alike_and_load_once(loads: list[str]) -> None:
    reader = Recognizer()
    pictures = [gray(digit(name)) for name in DIGITS] + [gray(write(["31", "42"]))]
    gate = threading.Barrier(8)

    def read_all(turn: int) -> dict[int, Reading]:
        gate.wait()
        order = np.roll(np.arange(len(pictures)), turn)
        return {int(i): reader.read(pictures[i]) for i in order}

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(read_all, range(8)))
    assert sorted(loads) == sorted(list_models())
    for i, picture in enumerate(pictures):
        expected = reader.read(picture)
        for result in results:
            assert result[i].text == expected.text
            for one, other in zip(result[i].digits, expected.digits, strict=True):
                assert np.allclose(one.probs, other.probs, atol=1e-5)


def test_five_nets_answer_once_for_all_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Recognizer()
    batches: list[int] = []
    for name in list_models():
        reader.net(name).register_forward_pre_hook(lambda _, args: batches.append(len(args[0])))
    assert reader.read(gray(write(["314", "27"]))).text == "314\n27"
    assert batches == [5] * len(list_models())


# Weights that are missing or damaged.


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A copy of the weights, to be damaged."""
    for file in WEIGHTS.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    return tmp_path


def assert_one_line(error: BaseException, name: str) -> None:
    assert "\n" not in str(error)
    assert name in str(error)
    assert "scripts/train_all.sh" in str(error)


def test_missing_weights(weights: Path) -> None:
    (weights / "MyNetV2.pt").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        Recognizer(weights).read(gray(digit("3")))
    assert_one_line(caught.value, "MyNetV2.pt")


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        Recognizer(tmp_path / "none").read(gray(digit("3")))
    assert_one_line(caught.value, "none")


def test_damaged_weights(weights: Path) -> None:
    path = weights / "LeNet.pt"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"LeNet\.pt") as caught:
        Recognizer(weights).read(gray(digit("3")))
    assert "\n" not in str(caught.value)


def test_missing_threshold(weights: Path) -> None:
    (weights / "recognizer.json").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        Recognizer(weights).read(gray(digit("3")))
    assert_one_line(caught.value, "recognizer.json")


DAMAGE = [b"", b"{", b"[]", b"7", b"\xff\xfe", b"null", b"{}"]


@pytest.mark.parametrize("content", DAMAGE)
def test_damaged_threshold(weights: Path, content: bytes) -> None:
    (weights / "recognizer.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"recognizer\.json") as caught:
        Recognizer(weights).read(gray(digit("3")))
    assert_one_line(caught.value, "recognizer.json")


@pytest.mark.parametrize("value", [None, "high", float("nan"), -1, 7, [0.5]])
def test_threshold_out_of_range(weights: Path, value: Any) -> None:
    path = weights / "recognizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "threshold": value}))
    with pytest.raises(ValueError, match=r"recognizer\.json"):
        Recognizer(weights).read(gray(digit("3")))


def test_a_blank_page_needs_no_weights(tmp_path: Path) -> None:
    assert Recognizer(tmp_path).read(np.zeros((50, 50))).verdict == "not a digit"


def test_unknown_device() -> None:
    with pytest.raises(ValueError, match="abacus"):
        Recognizer(device="abacus")


def test_pictures_that_cannot_be_read() -> None:
    with pytest.raises(PictureError, match="not a picture"):
        read(b"no picture")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        read("nowhere.png")


@given(
    st.binary(max_size=60) | arrays.arrays(np.uint8, arrays.array_shapes(min_dims=0, max_dims=4))
)
@quick
def test_anything_is_read_or_refused(thing: Any) -> None:
    try:
        reading = read(thing)
    except PictureError:
        return
    assert reading.verdict in ("digit", "unsure", "not a digit")
    assert bool(reading.reason) == (reading.verdict != "digit")


@given(arrays.arrays(np.uint8, (24, 24), elements=st.sampled_from([0, 90, 255])))
@settings(quick, max_examples=60)
def test_random_pixels_are_read_or_refused(pixels: Pixels) -> None:
    reading = read(np.kron(pixels, np.ones((3, 3), np.uint8)))
    assert len(reading.text.replace("\n", "")) <= len(reading.digits)
    for left, top, right, bottom in (one.box for one in reading.digits):
        assert 0 <= left < right <= 72
        assert 0 <= top < bottom <= 72


def test_refused_validation_digits_are_one_percent(mnist_train: tuple[Tensor, Tensor]) -> None:
    images, _ = mnist_train
    val = split_train_val(5000, len(images))[1][:500]
    reader = Recognizer()
    probs = reader.probs(images[val, 0].numpy().astype(np.float32) / np.float32(255))[0]
    refused = (np.mean(list(probs.values()), 0).max(1) < reader.threshold).mean()
    assert refused <= REFUSED + 0.01  # of 500 drawn: two standard deviations


@pytest.mark.slow
def test_canvases_cost_no_accuracy(mnist_train: tuple[Tensor, Tensor]) -> None:
    """Digits of any size, anywhere on a canvas, are read as well as in MNIST's frame."""
    images, labels = mnist_train
    rng = np.random.default_rng(0)
    chosen = split_train_val(5000, len(images))[1][:250]
    right = np.zeros(2, int)
    for image, label in zip(images[chosen, 0].numpy(), labels[chosen].tolist(), strict=True):
        size = int(rng.integers(60, 350))
        large = np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))
        page = np.zeros((420, 420), np.uint8)
        top, left = rng.integers(0, 420 - size, 2)
        page[top : top + size, left : left + size] = large
        page = 255 - page if rng.random() < 0.5 else page
        right += [read(image).text == str(label), read(page).text == str(label)]
    assert right[0] - right[1] <= 2
