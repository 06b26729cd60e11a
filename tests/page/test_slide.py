"""The kernel that slides over the input, in a real Chromium."""

from typing import Any

import pytest
import torch

from mnistcore.data import normalize
from mnistcore.inside import arithmetic
from mnistcore.page.views import unpack_digit
from mnistcore.reading.recognizer import Recognizer
from tests.tools.visiting import (
    DIGITS,
    Open,
    Page,
    answer,
    axe_findings,
    choose_net,
    draw,
    expect,
    keep_digits,
    numbers,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

PRODUCTS = ".slide-numbers table >> nth=2 >> td"


def open_slide(page: Page) -> Any:
    draw(page, DIGITS["8"])
    expect(answer(page)).to_have_text("8")
    page.locator(".slide summary").click()
    return page.locator(".slide-sum")


def button(page: Page, name: str) -> Any:
    return page.locator("#slide").get_by_role("button", name=name)


@pytest.mark.parametrize(("net", "side", "size"), [("LeNet", 24, 5), ("MyVggNet", 28, 3)])
def test_the_kernel_is_moved_by_hand_and_its_products_add_up(
    net: str, side: int, size: int, open_page: Open
) -> None:
    page = open_page(1280, 900)
    choose_net(page, net)
    keep_digits(page)
    shown = open_slide(page)
    expect(shown).to_contain_text("Row 1, column 1:")
    page.locator("#slide select").select_option(index=3)
    canvas = page.locator("#slide canvas[tabindex]")
    width = canvas.bounding_box()["width"]
    canvas.hover(position={"x": 10.5 * width / side, "y": 11.5 * width / side})
    expect(shown).to_contain_text("Row 12, column 11:")
    canvas.press("ArrowDown")
    expect(shown).to_contain_text("Row 13, column 11:")
    total, bias, value = numbers(shown.inner_text())
    sign = -1 if "\u2212 " in shown.inner_text() else 1
    assert value == pytest.approx(total + sign * bias, abs=2e-4)
    assert page.locator(PRODUCTS).count() == size**2
    digit = unpack_digit(page.evaluate("window.digits.at(-1)"))
    image = normalize(torch.tensor(digit))[None, None]
    model = Recognizer(device="cpu").net(net)
    found = arithmetic(model, image, "conv1", 3, 12, 10)
    assert value == pytest.approx(found.value, abs=6e-5)


def test_the_map_fills_in_while_it_plays(open_page: Open) -> None:
    page = open_page(1280, 900)
    shown = open_slide(page)
    button(page, "Play").click()
    expect(shown).to_contain_text("Row 2,")
    button(page, "Pause").click()
    before = shown.inner_text()
    button(page, "Step").click()
    assert shown.inner_text() != before
    button(page, "Back").click()
    assert shown.inner_text() == before
    button(page, "From the start").click()
    expect(shown).to_contain_text("Row 1, column 1:")


def test_with_less_motion_it_goes_step_by_step_on_a_phone(open_page: Open) -> None:
    page = open_page(390, 844, has_touch=True, is_mobile=True, reduced_motion="reduce")
    shown = open_slide(page)
    expect(shown).to_contain_text("Row 1, column 1:")
    expect(button(page, "Play")).to_be_hidden()
    button(page, "Step").tap()
    expect(shown).to_contain_text("Row 1, column 2:")
    assert axe_findings(page, "#slide") == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.locator(".layer select").select_option("conv2")
    button(page, "Show conv1").tap()
    expect(shown).to_contain_text("Row 1, column 2:")
