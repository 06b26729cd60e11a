import doctest
import io
import json
import re
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
from mnistcore.benchmark.scenes import Pixels
from mnistcore.data import split_train_val
from mnistcore.files import ROOT
from mnistcore.models import list_models
from mnistcore.reading import recognizer
from mnistcore.reading.candidates import Answer
from mnistcore.reading.ensemble import Thresholds
from mnistcore.reading.picture import PictureError
from mnistcore.reading.pieces import Piece
from mnistcore.reading.recognizer import Digit, Recognizer, _heard, _reasons, read
from mnistcore.reading.signs import Sign
from tests.tools.pictures import (
    assert_reads,
    canvas,
    coloured,
    digit,
    gray,
    on_lined_paper,
    on_nothing,
    pen,
    write,
)

quick = settings(max_examples=25, derandomize=True, deadline=None, database=None)
DIGITS = "0123456789"


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


def test_a_reason_that_digits_share_is_given_once() -> None:
    a, b, c = (
        Digit((0, 0, 1, 1), "unsure", reason, [1], blank, blank, blank[0], {})
        for reason in ("4 or 9", "a dot", "4 or 9")
        for blank in [np.zeros((28, 28), np.float32)]
    )
    sign = Sign("-", (0, 0, 1, 1), 0.6, "a dash, or 1")
    assert (
        _reasons([a, b, c], [sign])
        == "digits 1 and 3: 4 or 9; digit 2: a dot; sign 1: a dash, or 1"
    )
    assert _reasons([a], []) == "4 or 9"
    assert _reasons([], []) == ""


def test_a_reading_is_whole() -> None:
    reading = assert_reads(gray(digit("8")), "8")
    assert reading.scale == 1
    assert set(reading.milliseconds) == set(list_models())
    assert all(ms > 0 for ms in reading.milliseconds.values())
    assert {name: step.shape for name, step in reading.steps.items()} == {
        "picture": (280, 280, 3),
        "ink": (280, 280),
        "paper": (280, 280),
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
        (answer({8: 0.99}, doubt="8, or 68"), "unsure", [8], "8, or 68"),
        (answer({3: 0.2}), "not a digit", [], "unlike any digit"),
    ],
)
def test_candidates(given: Answer, verdict: str, candidates: list[int], reason: str) -> None:
    assert Recognizer()._judge(given, None) == (verdict, reason, candidates)


def test_candidates_where_the_nets_disagree() -> None:
    agreed = answer({4: 0.9})
    probs = agreed.probs | {"LeNet": answer({9: 0.9, 4: 0.05}).probs["LeNet"]}
    verdict, reason, candidates = Recognizer()._judge(replace(agreed, probs=probs), None)
    assert (verdict, candidates) == ("unsure", [4, 9])
    assert reason == "the nets disagree: 4 or 9"


def test_a_chosen_net_decides_alone() -> None:
    """Its own answer is sure or not, by its own threshold, whatever the other four say."""
    lenet = {4: 0.001, 9: 0.85}
    agreed = answer({4: 0.9})
    probs = agreed.probs | {"LeNet": answer(lenet).probs["LeNet"]}
    heard = recognizer._heard(replace(agreed, probs=probs), "LeNet")
    reader = Recognizer()
    for threshold, expected in (
        (0.84, ("digit", "", [9])),
        (0.86, ("unsure", "perhaps 9", [9])),
    ):
        vars(reader)["thresholds"] = Thresholds(0.5, {"LeNet": threshold})
        assert reader._judge(heard, "LeNet") == expected
    even = replace(heard, probs={"LeNet": np.full(10, 0.1, np.float32)})
    assert reader._judge(even, "LeNet") == (
        "not a digit",
        "LeNet finds every digit about equally likely",
        [],
    )


def test_a_chosen_net_decides_which_strokes_are_a_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    """It alone is heard where pieces are joined or cut; the answers of all come with each digit."""
    heard: set[tuple[str, ...]] = set()

    def hear(answer: Answer, chosen: str | None) -> Answer:
        own = _heard(answer, chosen)
        heard.add(tuple(own.probs))
        return own

    monkeypatch.setattr(recognizer, "_heard", hear)
    (one,) = read(gray(digit("4 lightning", 150, 30)), "MyNetV2").digits
    assert heard == {("MyNetV2",)}
    assert list(one.probs_by_model) == list_models()


# Many pictures.


def test_many_pictures_are_read_as_one_by_one(mnist_train: tuple[Tensor, Tensor]) -> None:
    """Blank, with touching digits, of any size: the same readings, and fewer, larger batches."""
    digits = [*mnist_train[0][:60, 0].numpy()]
    touching = gray(write(["35"], gap=-4))
    pictures = [*digits, np.zeros((9, 9)), gray(write(["31", "4"])), touching]
    reader = Recognizer()
    for model in ("all", "lenet"):
        alone = [reader.read(picture, model) for picture in pictures]
        batches: list[int] = []
        count = reader.net("LeNet").register_forward_pre_hook(
            lambda _, inputs, batches=batches: batches.append(len(inputs[0]))
        )
        together = reader.read_many(iter(pictures), model)
        count.remove()
        assert together == alone
        assert batches[0] >= len(pictures)
        assert len(batches) <= 2  # candidates, then parts between cuts
        for one, many in zip(alone, together, strict=True):
            assert np.array_equal(one.steps["pieces"], many.steps["pieces"])
            assert (one.notes, one.milliseconds.keys()) == (many.notes, many.milliseconds.keys())
    assert reader.read_many([]) == []
    with pytest.raises(PictureError, match="not a picture"):
        reader.read_many([digits[0], b"no picture"])
    with pytest.raises(PictureError, match="takes a list of pictures"):
        reader.read_many("photo.jpg")
    with pytest.raises(ValueError, match="unknown model"):
        reader.read_many([b"not looked at"], "VGG")


def test_the_reading_of_each_net() -> None:
    reader = Recognizer()
    picture = gray(write(["2711"], gap=4))
    readings = reader.read_each(picture)
    assert list(readings) == ["all", *list_models()]
    assert all(reading == reader.read(picture, name) for name, reading in readings.items())


def test_a_net_that_finds_every_digit_equally_likely_says_nothing_beside_the_others() -> None:
    reader = Recognizer()
    vars(reader)["thresholds"] = Thresholds(0.5, {})
    agreed = answer({4: 0.9})
    flat = answer({0: 0.11}).probs["LeNet"]
    given = replace(agreed, probs=agreed.probs | {"LeNet": flat})
    assert reader._judge(given, None) == ("digit", "", [4])
    vars(reader)["thresholds"] = Thresholds(0.99, {})
    assert reader._judge(given, None) == ("unsure", "perhaps 4", [4])  # not "0 or 4"


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
    nearly = replace(first.digits[0], probs=first.digits[0].probs + np.float32(1e-6))
    assert first.digits[0] == nearly
    assert first.digits[0] != replace(nearly, probs=nearly.probs + np.float32(1e-4))
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


def test_five_nets_answer_once_for_all_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Recognizer()
    batches: list[int] = []
    for name in list_models():
        reader.net(name).register_forward_pre_hook(lambda _, args: batches.append(len(args[0])))
    assert reader.read(gray(write(["314", "27"]))).text == "314\n27"
    assert batches == [7] * len(list_models())  # five digits, 31 as one, and 14 as one


def test_a_blank_page_needs_no_weights(tmp_path: Path) -> None:
    assert Recognizer(tmp_path).read(np.zeros((50, 50))).verdict == "not a digit"


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
