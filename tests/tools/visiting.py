"""What a visitor does on the page, for the tests that need a browser."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mnistcore.files import ASSETS

EMPTY = "\N{EN DASH}"  # in place of the number where nothing has been read
FINGER = 44  # CSS pixels: the least side of what a finger can hit
PATIENCE = 20  # seconds: on a busy machine an answer takes that long at worst

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=1000 * PATIENCE)

Page = Any
Open = Callable[..., Page]
Strokes = list[list[tuple[float, float]]]

# In units of the canvas, 420 by 280.
DIGITS: dict[str, Strokes] = {
    "0": [[(210, 50), (170, 75), (155, 140), (170, 205), (210, 230), (250, 205), (265, 140),
           (250, 75), (210, 50)]],
    "1": [[(210, 50), (210, 230)]],
    "2": [[(160, 90), (180, 58), (215, 50), (250, 70), (250, 110), (215, 155), (155, 228),
           (265, 228)]],
    "3": [[(165, 65), (205, 48), (250, 72), (240, 115), (200, 135), (250, 155), (258, 200),
           (205, 232), (158, 212)]],
    "4": [[(215, 50), (155, 165), (265, 165)], [(235, 100), (235, 235)]],
    "5": [[(250, 52), (175, 52), (168, 130), (215, 118), (255, 150), (250, 205), (205, 232),
           (158, 215)]],
    "6": [[(240, 50), (185, 95), (160, 165), (175, 220), (215, 232), (252, 205), (245, 160),
           (205, 145), (165, 175)]],
    "7": [[(155, 55), (265, 55), (220, 140), (195, 232)]],
    "8": [[(250, 80), (210, 50), (170, 80), (185, 120), (235, 155), (255, 195), (210, 232),
           (165, 195), (185, 155), (235, 120), (250, 80)]],
}  # fmt: skip


def at(page: Page) -> Callable[[float, float], tuple[float, float]]:
    """From units of the canvas to pixels of the window."""
    canvas = page.locator("#canvas canvas")
    canvas.scroll_into_view_if_needed()
    canvas.hover()  # waits until the layout is stable
    box = canvas.bounding_box()
    return lambda x, y: (box["x"] + x * box["width"] / 420, box["y"] + y * box["height"] / 280)


def numbers(text: str) -> list[float]:
    """The numbers with a decimal point in what the page says."""
    return [float(x) for x in re.findall(r"-?\d+\.\d+", text.replace("\N{MINUS SIGN}", "-"))]


def questions_of(page: Page, function: str) -> list[Any]:
    """What the page asks a function of the server from now on."""
    questions: list[Any] = []

    def note(request: Any) -> None:
        if "component_server" in request.url and request.post_data_json["fn_name"] == function:
            questions.append(request.post_data_json["data"])

    page.on("request", note)
    return questions


def keep_digits(page: Page) -> None:
    """Collect in ``window.digits`` the digits that are looked at, as the server sends them."""
    page.evaluate("""() => { window.digits = []; document.addEventListener(
        "mnist-looked-at", ({ detail }) => window.digits.push(detail.digit)) }""")


def draw(page: Page, strokes: Strokes, dx: float = 0, scale: float = 1) -> None:
    place = at(page)
    for stroke in strokes:
        points = [place(dx + scale * x, 140 + scale * (y - 140)) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()


def answer(page: Page) -> Any:
    """The number in large, once it is the answer to what is on the canvas now."""
    page.wait_for_function("""() => ["answer", "steps", "maps"].every((id) =>
        Number(document.querySelector(`#${id} [data-number]`)?.dataset.number) >=
        Number(document.querySelector("#canvas canvas").dataset.sent))""")
    return page.locator(".answer-text")


def click(page: Page, name: str) -> None:
    page.locator(f"[data-tool={name}]").click()


# Whether a visitor has changed more than the drawing.
CHANGED = """() => [
    location.hash,
    document.querySelector("#choice input:checked")?.value !== "LeNet",
    document.querySelector("#layer select")?.value !== "conv1",
    document.querySelector("#canvas input[type=range]")?.value !== "20",
    document.querySelector("#maps .arithmetic h3, #maps dialog, [data-testid=toast-body]"),
    document.querySelector("#picture img"),
    document.querySelector("#choice input[value*='@']"),
].some(Boolean)"""


def clear_all(page: Page) -> bool:
    """Clear the canvas of a page; whether it can then stand in for a new page.

    It has the net, layer and pen of one, and nothing is enlarged, picked or uploaded. But undo
    would bring the drawing back, the keyboard's pen stays where it was, and so do the maps.
    """
    canvas = page.locator("#canvas canvas")
    if not (canvas.is_visible() and canvas.get_attribute("data-sent")):
        return False
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Delete")
    if page.locator("#choice input:checked").input_value() != "LeNet":
        choose_net(page, "LeNet")
        expect(page.locator(".answer h2")).to_contain_text("LeNet")
    answer(page)
    return not page.evaluate(CHANGED) and page.locator(".answer-text").inner_text() == EMPTY


def choose_net(page: Page, name: str) -> None:
    page.locator("#choice").get_by_text(name, exact=True).click()


def wait_until(page: Page, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        page.wait_for_timeout(20)  # milliseconds, in which Playwright handles events


def choose_layer(page: Page, name: str) -> None:
    page.locator("#layer select").select_option(name)


def hold(page: Page, address: str, word: str) -> list[Any]:
    """The requests with a word in them from now on; each waits until it is continued."""
    held: list[Any] = []

    def catch(route: Any) -> None:
        if word.encode() in (route.request.post_data_buffer or b""):
            held.append(route)
        else:
            route.continue_()

    page.route(f"**/gradio_api/{address}*", catch)
    return held


def let_go(page: Page, held: list[Any]) -> None:
    """Continue held requests, and wait until the page has had their answers."""
    ended: list[Any] = []  # Gradio ends the stream of answers after the last
    for event in ("requestfinished", "requestfailed"):
        page.on(event, lambda request: ended.append(request) if "queue/data" in request.url else 0)
    for route in held:
        route.continue_()
    wait_until(page, lambda: bool(ended))
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def upload(page: Page, path: Path) -> None:
    page.get_by_role("tab", name="Upload").click()
    page.locator("#picture input[type=file]").set_input_files(path)


def example(word: str) -> Path:
    return next(path for path in (ASSETS / "examples").iterdir() if word in path.name)


def axe_findings(page: Page, within: str | None = None) -> list[Any]:
    """What axe finds on the page or in a part of it, also what it calls minor."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page, context=within, options={"resultTypes": ["violations"]}).response
    return [(v["id"], [n["html"][:200] for n in v["nodes"][:3]]) for v in found["violations"]]
