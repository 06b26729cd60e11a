"""The page in Firefox: what is most likely to differ from Chromium, where everything is tested."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.browsing import firefox
from tests.tools.visiting import DIGITS, PATIENCE, Strokes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]

STEP = 30  # milliseconds from point to point of a stroke


class Visitor:
    """A visitor with Firefox."""

    def __init__(self, browser: Any, url: str) -> None:
        self.browser, self.url = browser, url

    def look(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        return self.browser.execute_script(f"return {expression}", sandbox=None)

    def wait(self, expression: str, value: Any = True) -> None:
        """Wait until an expression has a value."""
        end = time.monotonic() + PATIENCE
        while (found := self.look(expression)) != value:
            assert time.monotonic() < end, f"{expression} is {found!r}"
            time.sleep(0.02)

    def open(self, fragment: str = "", width: int = 1280, height: int = 900) -> None:
        self.browser.navigate("about:blank")  # or a new fragment would not load the page again
        self.browser.set_window_rect(width=width, height=height)
        self.browser.navigate(self.url + fragment)
        self.wait("!!document.querySelector('#canvas canvas[data-ready]')")

    def click(self, selector: str) -> None:
        self.browser.find_element("css selector", selector).click()

    def box(self, selector: str) -> list[float]:
        """Left, top, width and height of an element, in view, in pixels of the window."""
        found: list[float] = self.browser.execute_script(
            """const one = document.querySelector(arguments[0]);
            one.scrollIntoView({ block: "nearest" });
            const box = one.getBoundingClientRect();
            return [box.left, box.top, box.width, box.height];""",
            script_args=(selector,),
        )
        return found

    def draw(self, strokes: Strokes, kind: str = "mouse") -> None:
        left, top, width, height = self.box("#canvas canvas")
        for stroke in strokes:
            points = [
                (round(left + x * width / 420), round(top + y * height / 280)) for x, y in stroke
            ]
            moves = self.browser.actions.sequence("pointer", kind, {"pointerType": kind})
            moves.pointer_move(*points[0]).pointer_down()
            for point in points[1:]:
                moves.pointer_move(*point, duration=STEP)
            moves.pointer_up().perform()

    def wait_for_text(self, text: str) -> None:
        self.wait("document.querySelector('.answer-text')?.textContent", text)


@pytest.fixture(scope="module")
def visitor(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    log: Path = tmp_path_factory.mktemp("firefox") / "log"
    with firefox(log) as browser:
        yield Visitor(browser, server)


@pytest.fixture
def go(visitor: Visitor) -> Callable[..., Visitor]:
    """Opens the page again, without what it remembers."""

    def open_page(**options: Any) -> Visitor:
        visitor.open(**options)
        visitor.look("sessionStorage.clear()")
        visitor.open(**options)
        return visitor

    return open_page


def test_drawing_with_mouse_and_finger(go: Callable[..., Visitor]) -> None:
    page = go()
    page.draw(DIGITS["7"])
    page.wait_for_text("7")
    page.click("[data-tool=clear]")
    page.wait_for_text("\N{EN DASH}")
    page.draw(DIGITS["4"], "touch")
    page.wait_for_text("4")
    page.browser.navigate("about:blank")
    page.browser.go_back()
    page.wait_for_text("4")  # it is still there


def test_maps_and_arithmetic_of_the_chosen_net(go: Callable[..., Visitor]) -> None:
    page = go()
    page.draw(DIGITS["5"])
    page.wait_for_text("5")
    page.click("#choice input[value=MyVggNet] + span")
    page.wait("document.querySelector('.answer h2').textContent.split(':')[0]", "MyVggNet")
    page.wait("document.querySelectorAll('#maps canvas[data-key=conv1]').length > 6")
    painted = """new Set([...document.querySelectorAll('#maps canvas[data-key=conv1]')]
        .map((one) => one.toDataURL())).size > 6"""
    page.wait(painted)
    page.click("#maps canvas[data-key=conv1]")
    page.wait("/^Map 1, row/.test(document.querySelector('#maps .arithmetic h3')?.textContent)")


def test_a_link_opens_the_same_drawing(go: Callable[..., Visitor]) -> None:
    page = go()
    page.draw(DIGITS["8"])
    page.wait_for_text("8")
    drawn = page.look("document.querySelector('#canvas canvas').toDataURL()")
    page.click("[data-tool=link]")
    page.wait("location.hash.includes('ink=')")
    page = go(fragment=page.look("location.hash"))
    page.wait_for_text("8")
    assert page.look("document.querySelector('#canvas canvas').toDataURL()") == drawn


@pytest.mark.parametrize(("width", "height"), [(1000, 900), (1280, 900), (1920, 1080)])
def test_the_layout(width: int, height: int, go: Callable[..., Visitor]) -> None:
    page = go(width=width, height=height)
    page.draw(DIGITS["1"])
    page.wait_for_text("1")
    width = page.look("document.documentElement.clientWidth")  # without a scroll bar
    assert page.look("document.documentElement.scrollWidth") == width
    tops = page.look("""[...document.querySelectorAll('.pad-tools > *')]
        .map((one) => one.getBoundingClientRect().top)""")
    assert max(tops) - min(tops) < 10  # the tools are on one line
    left = page.box("#canvas canvas")[0]
    bars = page.box(".bars")
    assert abs(left - (width - bars[0] - bars[2])) <= 1  # centred
