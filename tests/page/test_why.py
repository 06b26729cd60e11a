"""Why a net says this digit and not another, in a real Chromium."""

import re

import pytest
import torch

from mnistcore.page.views import unpack_digit
from mnistcore.reading.recognizer import Recognizer
from mnistcore.why import why
from tests.tools.visiting import (
    DIGITS,
    FINGER,
    Open,
    Page,
    answer,
    axe_findings,
    draw,
    expect,
    numbers,
    questions_of,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def open_why(page: Page) -> None:
    page.locator(".why summary").click()
    expect(page.locator(".why-title")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_why_this_digit_and_not_that_one(scheme: str, width: int, open_page: Open) -> None:
    page = open_page(width, 800, color_scheme=scheme, has_touch=width < 500)
    questions = questions_of(page, "why")
    draw(page, DIGITS["8"])
    expect(answer(page)).to_have_text("8")
    assert questions == []  # what is folded is not computed
    open_why(page)
    page.locator(".why-bars button").nth(3).click()
    expect(page.locator(".why-title")).to_have_text("Why 8, and not 3?")
    words = page.locator(".why-pictures p").inner_text()
    shown = numbers(words)
    image = unpack_digit(questions[-1]["image"])
    found = why(Recognizer(device="cpu").net("LeNet"), torch.tensor(image), 8, 3)
    ink = found.difference - found.blank
    assert shown == pytest.approx([found.difference, abs(found.blank), ink, found.total], abs=0.006)
    assert found.total == pytest.approx(ink, rel=0.011)
    button = page.locator(".why-bars button").nth(5)
    assert button.bounding_box()["height"] >= (FINGER if width < 500 else 24)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert axe_findings(page, "#why") == []


def test_the_five_nets_beside_each_other_while_one_draws(open_page: Open) -> None:
    page = open_page(1280, 1400)
    draw(page, DIGITS["7"])
    open_why(page)
    page.get_by_role("button", name="All five nets side by side").press("Enter")
    expect(page.locator(".why-pictures canvas")).to_have_count(5)
    page.locator(".why-bars button").nth(1).press("Enter")
    expect(page.locator(".why-title")).to_have_text("Why 7, and not 1?")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".why-title")).to_be_hidden()
    draw(page, DIGITS["4"])
    expect(page.locator(".why-title")).to_have_text(re.compile("Why 4, and not [0-35-9]"))
    page.locator(".why-pictures canvas").first.hover()
    expect(page.locator("#why .tip")).to_contain_text("row ")
