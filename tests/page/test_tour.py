"""The tour through the page, in a real Chromium."""

import pytest

from tests.tools.visiting import DIGITS, Open, answer, axe_findings, draw, expect

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

STATIONS = 9


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_the_tour_by_keyboard(scheme: str, width: int, open_page: Open) -> None:
    page = open_page(width, 844, color_scheme=scheme, has_touch=width < 500)
    start = page.get_by_role("button", name="Take the tour")
    start.press("Enter")
    card = page.locator(".tour-card")
    expect(answer(page)).to_have_text("3")
    for k in range(STATIONS):
        expect(card).to_contain_text(f"{k + 1} of {STATIONS}")
        (part,) = page.locator(".toured").all()
        box = part.bounding_box()
        assert -1 <= box["y"] < 844
        if k == 3:
            expect(page.locator(".why-title")).to_contain_text("Why 3,")
            assert axe_findings(page, "#tour") == []
        page.keyboard.press("Enter")  # on Next, which keeps the focus; at the end, on Done
    expect(card).to_be_hidden()
    expect(start).to_be_focused()
    assert page.locator(".fold details[open]").count() == 0  # as before
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_tour_follows_the_drawing_that_is_there_and_ends_with_escape(open_page: Open) -> None:
    page = open_page()
    draw(page, DIGITS["7"])
    expect(answer(page)).to_have_text("7")
    page.locator(".units summary").click()
    page.get_by_role("button", name="Take the tour").click()
    card = page.locator(".tour-card")
    for _ in range(STATIONS - 1):
        card.get_by_role("button", name="Next").click()
    card.get_by_role("button", name="Back").click()
    expect(card).to_contain_text(f"{STATIONS - 1} of {STATIONS}")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(answer(page)).to_have_text("7")
    expect(page.locator(".units details")).to_have_attribute("open", "")  # the visitor opened it


def test_words_are_hidden_for_good_until_somebody_wants_them(open_page: Open) -> None:
    page = open_page()
    words = page.locator(".layer + .words")
    expect(words).to_contain_text("ReLU sets negative numbers to zero")
    words.get_by_role("button", name="Hide explanation").press("Enter")
    expect(words).not_to_contain_text("ReLU sets negative numbers to zero", use_inner_text=True)
    page.reload()
    expect(words.get_by_role("button")).to_have_text("Explain")
    expect(words).not_to_contain_text("ReLU sets negative numbers to zero", use_inner_text=True)
    words.get_by_role("button").click()
    expect(words).to_contain_text("ReLU sets negative numbers to zero", use_inner_text=True)
