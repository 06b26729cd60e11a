"""The training digits that a drawing resembles, and the map of them, in a real Chromium."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnistcore.atlas import load_digits
from mnistcore.files import WEIGHTS
from tests.tools.visiting import (
    DIGITS,
    FINGER,
    Open,
    answer,
    axe_findings,
    choose_net,
    click,
    draw,
    example,
    expect,
    questions_of,
    upload,
    wait_until,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_the_nearest_digits_of_a_drawing(scheme: str, width: int, open_page: Open) -> None:
    page = open_page(width, 800, color_scheme=scheme, has_touch=width < 500)
    asked = questions_of(page, "nearest")
    maps = questions_of(page, "atlas")
    draw(page, DIGITS["8"])
    expect(answer(page)).to_have_text("8")
    assert asked == maps == []  # what is folded is not computed
    page.locator(".atlas summary").click()
    expect(page.locator(".atlas-words")).to_contain_text("8s")
    buttons = page.locator(".atlas-nearest button")
    expect(buttons).to_have_count(8)
    assert buttons.first.bounding_box()["height"] >= FINGER
    own = page.locator(".atlas-own")
    place = "ring => [ring.style.left, ring.style.top]"
    before = own.evaluate(place)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert axe_findings(page, "#atlas") == []
    choose_net(page, "MyNetV2")
    page.locator(".atlas-words").scroll_into_view_if_needed()
    wait_until(page, lambda: len(maps) == 2)
    wait_until(page, lambda: own.evaluate(place) != before)
    click(page, "clear")
    page.locator(".atlas h2").scroll_into_view_if_needed()
    expect(own).to_be_hidden()


def test_a_training_digit_is_its_own_neighbour(open_page: Open, tmp_path: Path) -> None:
    digits = load_digits(WEIGHTS)
    Image.fromarray(digits.images[2049]).save(tmp_path / "digit.png")
    page = open_page(1280, 1000)
    page.locator(".atlas summary").click()
    upload(page, tmp_path / "digit.png")
    page.locator(".atlas .nothing").scroll_into_view_if_needed()
    label = digits.labels[2049]
    expect(page.locator(".atlas-words")).to_have_text(f"All 8 are {label}s.")
    first = page.locator(".atlas-nearest canvas").first
    shown = first.evaluate("canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data]")
    np.testing.assert_array_equal(shown[::4], digits.images[2049].ravel())


def test_a_digit_of_the_map_is_shown_and_put_on_the_canvas(open_page: Open) -> None:
    page = open_page(1280, 1000)
    draw(page, DIGITS["3"])
    expect(answer(page)).to_have_text("3")
    page.locator(".atlas summary").click()
    label = page.locator(".atlas-label").nth(6)
    expect(label).to_be_visible()
    label.scroll_into_view_if_needed()
    box = label.bounding_box()
    tip = page.locator("#atlas .tip")
    for dx in range(-20, 21, 4):  # somewhere in the cloud of the 6s there is a digit
        page.mouse.move(box["x"] + box["width"] / 2 + dx, box["y"] + box["height"] + 6)
        page.wait_for_timeout(200)
        if tip.is_visible():
            break
    expect(tip).to_have_text("6")
    page.mouse.down()
    page.mouse.up()
    expect(answer(page)).to_have_text("6")
    page.locator("[data-tool=undo]").click()  # the drawing is not lost
    expect(answer(page)).to_have_text("3")


def test_a_digit_is_put_on_the_canvas_while_a_picture_is_shown(open_page: Open) -> None:
    page = open_page(1280, 1000)
    upload(page, example("a three"))
    page.locator(".atlas summary").click()
    page.locator(".atlas .nothing").scroll_into_view_if_needed()
    page.locator(".atlas-nearest button").first.click()
    canvas = page.locator("#canvas canvas")
    expect(canvas).to_be_focused()
    expect(canvas).to_be_in_viewport()
    expect(answer(page)).to_have_text("3")
