"""What would change the answer, in a real Chromium."""

import re
from typing import Any

import pytest
import torch

from mnistcore.change import change
from mnistcore.data import normalize
from mnistcore.page.views import unpack_digit
from mnistcore.reading.recognizer import Recognizer
from tests.tools.visiting import (
    DIGITS,
    FINGER,
    Open,
    Page,
    answer,
    axe_findings,
    draw,
    expect,
    keep_digits,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def open_change(page: Page) -> Any:
    keep_digits(page)
    draw(page, DIGITS["3"])
    expect(answer(page)).to_have_text("3")
    page.locator(".change summary").click()
    shown = page.locator(".change-answer")
    expect(shown).to_contain_text(re.compile(r"says 3: "))
    return shown


def shown_digit(page: Page) -> torch.Tensor:
    return torch.tensor(unpack_digit(page.evaluate("window.digits.at(-1)")))


def slider(page: Page, name: str) -> Any:
    return page.locator(".change-row", has_text=name)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_a_slider_flips_the_answer_where_it_says(scheme: str, width: int, open_page: Open) -> None:
    page = open_page(width, 900, color_scheme=scheme, has_touch=width < 500)
    shown = open_change(page)
    words = slider(page, "turn").locator(".change-words")
    expect(words).to_contain_text("above: ")
    most, digit = re.findall(r"to (\d+)° \(above: (\d)\)", words.inner_text())[0]
    turn = float(most) + 6  # past the position that follows
    before, seen = shown_digit(page), page.evaluate("window.digits.length")
    slider(page, "turn").locator("input").fill(str(turn))
    expect(shown).to_contain_text(re.compile(rf"says {digit}: "))
    model = Recognizer(device="cpu").net("LeNet")
    page.wait_for_function(f"window.digits.length > {seen}")
    after = shown_digit(page)
    at = float(slider(page, "turn").locator("input").input_value())
    expected = change(before[None], {"turn": torch.tensor([at])})[0]
    torch.testing.assert_close(after, expected, atol=1e-4, rtol=0)
    with torch.no_grad():
        assert int(model(normalize(after)[None, None]).argmax()) == int(digit)
    assert axe_findings(page, "#change") == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    height = slider(page, "turn").locator("input").bounding_box()["height"]
    assert height >= (FINGER if width < 500 else 24)
    page.get_by_role("button", name="Undo all changes").click()
    expect(shown).to_contain_text(re.compile(r"says 3: "))


def test_the_smallest_change_and_the_reasons_follow(open_page: Open) -> None:
    page = open_page(1280, 1800)
    shown = open_change(page)
    page.locator(".why summary").click()
    expect(page.locator(".why-title")).to_contain_text("Why 3,")
    page.locator("#choice").get_by_text("MyNetV2").click()
    shown.scroll_into_view_if_needed()
    expect(shown).to_contain_text("MyNetV2 says 3: ")
    page.get_by_role("button", name="Find the smallest change").click()
    flipped = page.locator(".change-flipped")
    expect(flipped).to_contain_text("MyNetV2 now says ")
    (digit,) = re.findall(r"now says (\d) instead of 3", flipped.inner_text())
    expect(shown).to_contain_text(re.compile(rf"says {digit}: "))
    expect(page.locator(".why-title")).to_contain_text(f"Why {digit},")
    expect(page.locator(".change-fool canvas")).to_be_visible()


def test_a_changed_digit_stays_when_another_layer_is_chosen(open_page: Open) -> None:
    page = open_page(1280, 1600)
    shown = open_change(page)
    seen = page.evaluate("window.digits.length")
    slider(page, "turn").locator("input").fill("27")
    page.wait_for_function(f"window.digits.length > {seen}")
    digit, seen = shown_digit(page), page.evaluate("window.digits.length")
    page.locator(".layer select").select_option("conv2")
    page.wait_for_function(f"window.digits.length > {seen}")
    assert shown_digit(page).equal(digit)
    expect(page.locator(".change-row output").first).to_have_text("27°")
    page.get_by_role("button", name="Clear").click()
    draw(page, DIGITS["7"])
    expect(answer(page)).to_have_text("7")
    shown.scroll_into_view_if_needed()
    expect(page.locator(".change-row output").first).to_have_text("0°")
    expect(shown).to_contain_text("LeNet says 7: ")


def test_a_slider_stays_where_it_is_when_maps_come_late(open_page: Open) -> None:
    page = open_page(1280, 1600)
    open_change(page)
    turn, seen = slider(page, "turn"), page.evaluate("window.digits.length")
    held: list[Any] = []

    def hold(route: Any) -> None:
        if not held and '"look"' in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/gradio_api/component_server/", hold)
    with page.expect_request(lambda request: '"look"' in (request.post_data or "")):
        turn.locator("input").fill("9")
    with page.expect_response(lambda answer: '"change"' in (answer.request.post_data or "")):
        turn.locator("input").fill("27")
    held[0].continue_()
    page.wait_for_function(f"window.digits.length > {seen + 1}")
    expect(turn.locator("output")).to_have_text("27°")


def test_pixels_are_drawn_and_erased(open_page: Open) -> None:
    page = open_page(1280, 1200)
    open_change(page)
    canvas = page.locator(".change-picture canvas")
    page.locator("#change").get_by_role("button", name="Eraser").click()
    side = canvas.bounding_box()["width"] / 28

    digit = shown_digit(page)
    row, column = (digit == digit.max()).nonzero()[0].tolist()
    seen = page.evaluate("window.digits.length")
    canvas.click(position={"x": (column + 0.5) * side, "y": (row + 0.5) * side})
    page.wait_for_function(f"window.digits.length > {seen}")
    assert float(shown_digit(page)[row, column]) == 0
    page.locator("#change").get_by_role("button", name="Pen").click()
    canvas.press("ArrowLeft")
    canvas.press(" ")
    page.wait_for_function(f"window.digits.length > {seen + 1}")
    assert float(shown_digit(page)[14, 13]) == 1
