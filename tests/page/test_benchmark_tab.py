"""The Benchmark and About tabs in a real Chromium, on a wide screen and on a phone."""

from collections.abc import Callable

import pytest

from mnistcore.models import list_models
from tests.tools.visiting import Page, axe_findings, choose_net, expect

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

TOUCH = 44  # pixels, the smallest target that a finger hits
EXPLAINED = {  # section -> the words that its explanation needs
    "Test accuracy": ["95 % interval: the range", "multiply-add is one"],
    "Does one net beat another?": ["test asks: if both nets were equally good", "That is p"],
}
# The cells that are shown: whether each has content, and where its right edge is.
CELLS = """() => [...document.querySelectorAll(".rows tbody td")]
    .filter((cell) => cell.checkVisibility())
    .map((cell) => [cell.textContent || cell.children.length > 0,
                    cell.getBoundingClientRect().right])"""


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    shown = {"Benchmark": ".rows", "About": "#about h2"}[name]
    expect(page.locator(shown).first).to_be_visible()
    if name == "Benchmark":
        expect(page.locator("#results .pair, #results h2").first).to_be_attached()
        expect(page.locator("#curves svg.marks")).to_be_attached()


def check_that_it_fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def style(page: Page, selector: str, name: str) -> str:
    return str(page.locator(selector).first.evaluate(f"it => getComputedStyle(it).{name}"))


def test_on_a_phone_the_sections_fold_and_the_rows_are_blocks(
    open_page: Callable[..., Page],
) -> None:
    page = open_page(360, 740, color_scheme="dark")
    open_tab(page, "Benchmark")
    sections = page.locator(".results details")
    titles = sections.locator("h2")
    expect(sections).to_have_count(7)
    expect(page.locator(".results details[open]")).to_have_count(1)
    expect(page.locator("#results-table details[open]")).to_be_visible()
    for summary in sections.locator("summary").all():
        assert summary.bounding_box()["height"] >= TOUCH
    expect(page.locator("#curves")).to_be_hidden()  # the plot stands outside of its section
    rows = page.locator("#results-table tbody tr")
    for row in rows.all():
        name, chart = row.locator("th").bounding_box(), row.locator(".chart").bounding_box()
        assert chart["y"] >= name["y"] + name["height"]
        assert chart["width"] >= 300
    for title in titles.all()[1:]:
        title.click()
    expect(page.locator("#curves svg.marks")).to_be_visible()
    expect(page.locator(".misread button").first).to_be_visible()
    cells = page.evaluate(CELLS)
    assert len(cells) > 6 * len(list_models())
    assert all(content for content, _ in cells)
    assert max(right for _, right in cells) <= 360
    check_that_it_fits(page)
    titles.nth(1).click()  # axe takes seconds for the points of the plot
    expect(page.locator("#curves")).to_be_hidden()
    assert axe_findings(page) == []

    # Another net leaves open what was open.
    titles.nth(3).click()
    choose_net(page, "MyVggNet")
    expect(titles.nth(3)).to_contain_text("MyVggNet")
    expect(page.locator(".pair details[open]")).to_have_count(1)
    expect(page.locator(".confusion")).to_be_visible()

    open_tab(page, "About")
    check_that_it_fits(page)
    assert axe_findings(page) == []


def test_on_a_wide_screen_all_is_open_and_explained(open_page: Callable[..., Page]) -> None:
    page = open_page(1280, 800, color_scheme="light", reduced_motion="reduce")
    open_tab(page, "Benchmark")
    assert page.evaluate("document.getAnimations().length") == 0
    expect(page.locator(".results details[open]")).to_have_count(7)
    for title, words in EXPLAINED.items():
        section = page.locator(".results details", has_text=title)
        for word in words:
            expect(section).to_contain_text(word)
    assert axe_findings(page) == []
    page.set_viewport_size({"width": 1001, "height": 800})  # the narrowest with columns
    expect(page.locator(".rows thead").first).to_be_visible()
    check_that_it_fits(page)

    page.emulate_media(contrast="more")
    assert style(page, ".results p", "color") == style(page, ".results h2", "color")
    page.emulate_media(contrast="no-preference", forced_colors="active")
    assert style(page, ".rows .chosen", "outlineStyle") == "solid"
    grounds = [style(page, f".interval-{part}", "backgroundColor") for part in ("dot", "bar")]
    assert grounds[0] != grounds[1]
    legend = page.locator(".curve").evaluate_all(
        "curves => curves.map(it => getComputedStyle(it, '::before').backgroundColor)"
    )
    assert len(set(legend)) == len(list_models())
    page.emulate_media(forced_colors="none")

    page.set_viewport_size({"width": 1280, "height": 800})
    open_tab(page, "About")
    expect(page.locator("#about")).to_contain_text(f'Client("{page.url.partition("#")[0]}")')
    expect(page.locator("#about")).to_contain_text(
        "calibrated probability: of the answers given a probability of 90 %, about 90 % are right"
    )
    first, last = (page.locator("#about h2").nth(place).bounding_box() for place in (0, -1))
    assert last["x"] > first["x"] + first["width"]  # in the second column
    assert axe_findings(page) == []


def test_a_misread_digit_goes_to_the_canvas(open_page: Callable[..., Page]) -> None:
    page = open_page()
    open_tab(page, "Benchmark")
    expect(page.locator("#results-table tbody tr")).to_have_count(6)
    expect(page.locator("#results-table tr.chosen th")).to_have_text("LeNet")
    choose_net(page, "MyVggNet")
    expect(page.locator("#results-table tr.chosen th")).to_have_text("MyVggNet")
    expect(page.locator("#results h2").first).to_contain_text("MyVggNet")
    page.locator(".misread button").nth(2).click()
    expect(page.locator("#canvas canvas")).to_be_in_viewport()
    expect(page.locator("#canvas canvas")).to_be_focused()
    expect(page.locator(".pad-hint")).to_be_hidden()
    expect(page.locator(".bars .best")).to_be_visible()
