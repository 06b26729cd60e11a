"""The page in windows of every size, and with the settings that people make in their system."""

import pytest

from tests.tools.visiting import DIGITS, FINGER, Open, Page, answer, draw

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]

FIRST = ["#choice", "#canvas canvas", ".pad-tools", ".answer-text", ".answer-verdict", ".bars"]
ONE_MORE = [[(600.0, 60.0), (600.0, 220.0)]]
LETTER = [[(150.0, 230.0), (210.0, 50.0), (270.0, 230.0)], [(175.0, 160.0), (245.0, 160.0)]]
PHONE = {"has_touch": True, "is_mobile": True}

Edges = dict[str, list[float]]  # left, top, right, bottom in pixels of the window


def edges(page: Page) -> Edges:
    """Where the parts that are used first are in the window, at the top of the page."""
    page.evaluate("scrollTo(0, 0)")
    found: Edges = page.evaluate(
        """(parts) => Object.fromEntries(parts.map((part) => {
        const { left, top, right, bottom } = document.querySelector(part).getBoundingClientRect();
        return [part, [left, top, right, bottom]];
    }))""",
        FIRST,
    )
    return found


def assert_it_fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    cut = page.evaluate("""() => [...document.querySelectorAll(
            "#head *, #input *, #answer *, .steps *, .layer *")]
        .filter((one) => one.clientWidth && one.scrollWidth > one.clientWidth + 1 &&
            getComputedStyle(one).overflowX !== "visible" &&
            !one.matches(".unseen, .visually-hidden, input"))
        .map((one) => `${one.className}: ${one.textContent.slice(0, 40)}`)""")
    assert cut == []


def draw_a_digit(page: Page) -> None:
    draw(page, DIGITS["8"])
    assert answer(page).inner_text() == "8"


def targets(page: Page) -> list[str]:
    """The targets that are too small for a finger."""
    small: list[str] = page.evaluate(
        """(least) => [...document.querySelectorAll(
            "#choice label, .pad-tools button, .pad-width, [role=tab], #layer select")]
        .filter((one) => one.offsetParent && Math.min(one.offsetWidth, one.offsetHeight) < least)
        .map((one) => `${one.textContent} ${one.offsetWidth}x${one.offsetHeight}`)""",
        FINGER,
    )
    return small


@pytest.mark.parametrize(("width", "height"), [(360, 740), (390, 844)])
def test_a_phone_shows_canvas_and_answer_at_once(width: int, height: int, open_page: Open) -> None:
    page = open_page(width, height, **PHONE)
    for strokes, scale in ((DIGITS["8"], 1), (DIGITS["8"] + ONE_MORE, 0.5), (LETTER, 1)):
        draw(page, strokes, scale=scale)
        answer(page)
        for part, (left, top, right, bottom) in edges(page).items():
            assert left >= 0 and top >= 0 and right <= width and bottom <= height, part  # noqa: PT018
        page.locator("[data-tool=clear]").tap()
    labels = page.locator("#choice label").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().right)"
    )
    assert max(labels) <= width
    assert targets(page) == []
    assert_it_fits(page)


@pytest.mark.parametrize(
    ("width", "height", "settings"),
    [(844, 390, PHONE), (640, 450, {"device_scale_factor": 2})],
    ids=["phone held sideways", "enlarged to 200 %"],
)
def test_where_the_window_is_low_canvas_and_answer_stand_side_by_side(
    width: int, height: int, settings: dict[str, object], open_page: Open
) -> None:
    page = open_page(width, height, **settings)
    draw_a_digit(page)
    places = edges(page)
    for part, (left, _, right, bottom) in places.items():
        assert left >= 0 and right <= width and bottom <= height, part  # noqa: PT018
    assert places["#canvas canvas"][2] <= places[".bars"][0]
    assert page.locator("#head").evaluate("head => getComputedStyle(head).position") == "static"
    assert_it_fits(page)


def test_wide_and_narrow_windows(open_page: Open) -> None:
    page = open_page(1920, 1080)
    draw_a_digit(page)
    assert_it_fits(page)
    places = edges(page)
    left, right = places["#canvas canvas"][0], places[".bars"][2]
    assert abs(left - (1920 - right)) <= 1  # centred
    large = places["#canvas canvas"][2] - left
    text = page.locator(".answer-text").bounding_box()["height"]

    page.locator("#maps canvas[data-key='conv1']").first.hover()  # the tip is beside the pointer
    pointer = page.locator("#maps canvas[data-key='conv1']").first.bounding_box()
    tip = page.locator("#maps .tip").bounding_box()
    middle = pointer["x"] + pointer["width"] / 2, pointer["y"] + pointer["height"] / 2
    assert 0 < tip["x"] - middle[0] < 40
    assert 0 < tip["y"] - middle[1] < 40

    page.set_viewport_size({"width": 1440, "height": 900})
    places = edges(page)
    assert places["#canvas canvas"][2] - places["#canvas canvas"][0] < large
    assert page.locator(".answer-text").bounding_box()["height"] < text
    for width in (1000, 1240, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        tools = page.locator(".pad-tools > *").evaluate_all(
            "all => all.map((one) => one.getBoundingClientRect().top)"
        )
        assert max(tools) - min(tools) < 10, width  # on one line
        assert_it_fits(page)
    page.set_viewport_size({"width": 768, "height": 1024})
    places = edges(page)
    assert places["#canvas canvas"][2] < places[".bars"][0]
    assert places[".bars"][2] > 768 - 40
    assert_it_fits(page)


def test_forced_colours_tell_what_is_chosen(open_page: Open) -> None:
    page = open_page(forced_colors="active")
    draw_a_digit(page)

    def looks(selector: str) -> list[str]:
        """The colours and lines of an element and of what is within it."""
        found: list[str] = page.locator(selector).first.evaluate(
            """one => ["backgroundColor", "color", "borderTopWidth", "outlineWidth"]
            .map((name) => getComputedStyle(one)[name])"""
        )
        return found

    for chosen, other in [
        ("#choice label:has(:checked)", "#choice label:not(:has(:checked))"),
        ("[role=tab][aria-selected=true]", "[role=tab][aria-selected=false]"),
        ("[data-tool=pen]", "[data-tool=eraser]"),
        (".nets .chosen th", ".nets tbody tr:not(.chosen) th"),
        (".best .bar-fill", ".best .bar-track"),
    ]:
        assert looks(chosen) != looks(other), chosen


def test_more_contrast_and_less_motion(open_page: Open) -> None:
    page = open_page(contrast="more", reduced_motion="reduce")
    soft, ink = (
        page.locator(part).evaluate("one => getComputedStyle(one).color")
        for part in (".answer-detail", ".answer-verdict")
    )
    assert soft == ink
    moving = page.evaluate("""() => [...document.querySelectorAll("#head *, #pages *")]
        .filter((one) => getComputedStyle(one).transitionDuration.split(",")
            .some((time) => parseFloat(time) > 0.01))
        .map((one) => one.outerHTML.slice(0, 80))""")
    assert moving == []
