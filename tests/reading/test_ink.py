from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistcore.benchmark.scenes import Pixels
from mnistcore.reading.recognizer import read
from tests.tools.pictures import assert_reads, digit, gray, on_lined_paper, pen

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


@pytest.mark.parametrize("squared", [False, True], ids=["ruled", "squared"])
@pytest.mark.parametrize("shaded", [False, True], ids=["even", "shaded"])
def test_lines_of_the_paper_do_not_matter(squared: bool, shaded: bool) -> None:
    shade = np.linspace(0.6, 1, 280)[:, None] if shaded else 1
    right = 0
    for name in "0123456789":
        page = (on_lined_paper(digit(name), squared) * shade).astype(np.uint8)
        right += read(page).text == name
    assert right >= 9


@pytest.mark.parametrize(
    "light", [LIGHT["falls off"], lambda x, _: 1 + 0 * x], ids=["uneven", "even"]
)
def test_ink_as_gray_as_its_paper_is_seen_by_its_colour(light: Any) -> None:
    """A photograph of red on green and green on red; blue on gray and gray on blue."""
    y, x = np.mgrid[:280, :280] / 280
    rng = np.random.default_rng(0)
    colours = np.array([[200, 60, 60], [60, 130, 130], [60, 60, 200], [110, 110, 100]])
    for name, (ink, paper) in zip("3725", ((0, 1), (1, 0), (2, 3), (3, 2)), strict=True):
        share = digit(name)[:, :, None]
        page = colours[ink] * share + colours[paper] * (1 - share)
        page = page * light(x, y)[:, :, None] + rng.normal(0, 3, page.shape)
        assert_reads(page.clip(0, 255).astype(np.uint8), name)


def upright_1(left: int, width: int, height: int = 100) -> Pixels:
    """A perfectly upright 1, 12 pixels wide, from the upper to the lower border."""
    page = np.full((height, width), 255, np.uint8)
    page[:, left : left + 12] = 0
    return page


def test_an_upright_1_at_the_edge_of_a_tight_crop() -> None:
    for left, width in ((0, 40), (28, 40), (0, 60), (48, 60)):
        assert_reads(upright_1(left, width), "1")
    two = gray(pen("2", 100, 12))
    assert_reads(np.hstack([upright_1(0, 30), two]), "12")
    assert_reads(np.hstack([two, upright_1(18, 30)]), "21")


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
