"""A net's maps in a real Chromium: enlarged for fingers, marked, and readable for everybody."""

from typing import Any

import pytest

from tests.tools.visiting import DIGITS, FINGER, Open, Page, answer, axe_findings, draw, expect

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

PHONE: dict[str, Any] = {"has_touch": True, "is_mobile": True}
TOUCHED = 12  # CSS pixels: the side of a map's pixel that a finger hits
SIDE = 24  # pixels of a map of LeNet's conv1
LARGEST = 28  # pixels of the largest map of all nets
HEADING = "#maps .arithmetic h3"


def show_maps(page: Page) -> None:
    draw(page, DIGITS["8"])
    expect(answer(page)).to_have_text("8")


def map_of(page: Page, key: str, channel: int) -> Any:
    return page.locator(f".maps-cells canvas[data-key='{key}'][data-channel='{channel}']")


def pixel(canvas: Any, row: int, column: int, side: int = SIDE) -> dict[str, float]:
    """The middle of a pixel, from the canvas's upper left corner."""
    width = canvas.bounding_box()["width"]
    return {"x": (column + 0.5) * width / side, "y": (row + 0.5) * width / side}


def marked(canvas: Any, name: str, side: int = SIDE) -> list[int] | None:
    """Top, left, bottom and right of a mark on a map in the map's pixels; None if it is hidden."""
    mark = canvas.locator(f"xpath=..//*[@class='{name}']")
    if not mark.is_visible():
        return None
    box, around = mark.bounding_box(), canvas.bounding_box()
    top, left = box["y"] - around["y"], box["x"] - around["x"]
    edges = [top, left, top + box["height"], left + box["width"]]
    return [round(edge * side / around["width"]) for edge in edges]


def is_whole(page: Page, selector: str) -> bool:
    """Whether all of an element is in the window, and not scrolled away."""
    script = """(node) => new Promise((done) => new IntersectionObserver(
        ([{ intersectionRatio }]) => done(intersectionRatio > 0.99)).observe(node))"""
    return bool(page.locator(selector).evaluate(script))


@pytest.mark.parametrize(
    ("width", "height", "scheme"), [(360, 740, "light"), (390, 844, "dark"), (844, 390, "light")]
)
def test_a_tap_enlarges_a_map_and_another_picks_a_pixel(
    width: int, height: int, scheme: str, open_page: Open
) -> None:
    page = open_page(width, height, color_scheme=scheme, **PHONE)
    show_maps(page)
    expect(page.locator("#maps .arithmetic")).to_contain_text("Choose a map to enlarge it")
    zoom = page.locator("#maps dialog")
    page.locator(".maps-cells canvas[data-key=kernels]").first.tap()
    map_of(page, "conv1", 2).tap()
    expect(zoom.locator("#zoom-title")).to_have_text("conv1, map 3 of 6")
    expect(zoom).to_contain_text("Choose a pixel")
    canvas = zoom.locator("canvas")
    assert canvas.bounding_box()["width"] >= TOUCHED * LARGEST
    for button in zoom.locator("button").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= FINGER

    canvas.tap(position=pixel(canvas, 11, 12))
    expect(page.locator(HEADING)).to_have_text("Map 3, row 12, column 13, of conv1")
    assert marked(canvas, "map-mark") == [11, 12, 12, 13]
    assert marked(canvas, "window-mark") == [10, 12, 12, 14]
    for part in ("dialog canvas", ".numbers >> nth=0", "[data-is=value]", ".ledger"):
        assert is_whole(page, f"#maps {part}"), f"{part} is scrolled away"
    assert axe_findings(page, "#maps") == []

    zoom.get_by_label("Next map").tap()
    expect(page.locator(HEADING)).to_have_text("Map 4, row 12, column 13, of conv1")
    expect(zoom.locator("#zoom-title")).to_have_text("conv1, map 4 of 6")
    page.keyboard.press("Escape")
    expect(zoom).to_have_count(0)
    expect(map_of(page, "conv1", 3)).to_be_focused()
    expect(page.locator(HEADING)).to_contain_text("Map 4,")

    map_of(page, "conv1+relu", 0).tap()  # nothing is picked in this row
    expect(zoom).to_contain_text("Choose a pixel")
    zoom.get_by_label("Previous map").tap()
    expect(zoom.locator("#zoom-title")).to_have_text("conv1 + ReLU, map 6 of 6")
    zoom.get_by_label("Close").tap()
    expect(map_of(page, "conv1+relu", 5)).to_be_focused()
    expect(page.locator("#maps .arithmetic")).to_contain_text("Choose a map to enlarge it")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_key_enlarges_a_map_at_200_percent(open_page: Open) -> None:
    page = open_page(640, 450)  # 1280 by 900, enlarged
    show_maps(page)
    map_of(page, "conv1", 0).press("Enter")
    canvas = page.locator("#maps dialog canvas")
    expect(canvas).to_be_focused()
    expect(page.locator(HEADING)).to_have_text("Map 1, row 13, column 13, of conv1")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("PageDown")
    expect(page.locator(HEADING)).to_have_text("Map 2, row 13, column 12, of conv1")
    expect(page.locator("#zoom-title")).to_have_text("conv1, map 2 of 6")
    wide = "cells => cells.filter((cell) => cell.scrollWidth > cell.clientWidth).length"
    assert page.locator(".numbers td").evaluate_all(wide) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_window_of_a_maximum_is_outlined(scheme: str, open_page: Open) -> None:
    page = open_page(color_scheme=scheme, contrast="more")
    show_maps(page)
    pooled = map_of(page, "conv1+relu+pool", 2)
    pooled.click(position=pixel(pooled, 5, 6, 12))  # with the mouse, at once
    heading = page.locator(HEADING)
    expect(heading).to_contain_text("Map 3, row 6, column 7, of conv1 + ReLU + max pooling")
    assert page.locator("#maps dialog").count() == 0
    assert marked(pooled, "map-mark", 12) == [5, 6, 6, 7]
    assert marked(pooled, "window-mark", 12) is None
    for key in ("conv1", "conv1+relu"):
        conv = map_of(page, key, 2)
        assert marked(conv, "window-mark") == [10, 12, 12, 14]
        assert marked(conv, "map-mark") == marked(conv, "winner-mark") == [11, 12, 12, 13]
    conv = map_of(page, "conv1", 2)
    conv.click(position=pixel(conv, 10, 13))  # another one of the window
    expect(heading).to_have_text("Map 3, row 11, column 14, of conv1")
    assert marked(conv, "window-mark") == [10, 12, 12, 14]
    assert marked(conv, "map-mark") == [10, 13, 11, 14]
    assert marked(conv, "winner-mark") == [11, 12, 12, 13]
    conv.click(position=pixel(conv, 0, 0))  # where ReLU makes all four zero, none of them wins
    expect(page.locator("[data-is=pooled]")).to_have_text("0.0000")
    assert marked(conv, "winner-mark") is None

    colour = "node => getComputedStyle(node).color"
    heading, note = (page.locator(f".maps-row {part}").first for part in ("h3", ".row-note"))
    assert heading.evaluate(colour) == note.evaluate(colour)  # as more contrast is wanted
    smallest = "all => Math.min(...all.map((one) => parseFloat(getComputedStyle(one).fontSize)))"
    assert page.locator("#maps .arithmetic *").evaluate_all(smallest) >= 13
    assert axe_findings(page, "#maps") == []


COLOURS = """() => {
    const style = (selector) => getComputedStyle(document.querySelector(`#maps ${selector}`));
    return {
        legend: style(".legend-bar").backgroundImage,
        numbers: new Set([...document.querySelectorAll("#maps .numbers td")].map(
            (cell) => getComputedStyle(cell).backgroundColor)).size,
        marks: [".mark", ".map-mark", ".window-mark"].map((mark) => style(mark).outlineColor),
        map: style(".maps-cells canvas").outlineStyle,
    };
}"""


def test_forced_colours_keep_the_colours_of_the_numbers(open_page: Open) -> None:
    page = open_page(forced_colors="active")
    show_maps(page)
    conv = map_of(page, "conv1", 2)
    conv.click(position=pixel(conv, 11, 12))
    expect(page.locator(HEADING)).to_be_visible()
    page.mouse.move(0, 0)  # axe takes the tip's own colours for those that it is forced to have
    seen = page.evaluate(COLOURS)
    assert seen["legend"].startswith("linear-gradient")
    assert seen["numbers"] > 10
    assert set(seen["marks"]) == {"rgb(20, 184, 166)"}
    assert seen["map"] == "solid"
    assert axe_findings(page, "#maps") == []
