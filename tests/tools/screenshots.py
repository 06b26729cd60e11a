"""Take the README's two pictures of the page: assets/page.png, light, and assets/inside.png, dark.

``python -m tests.tools.screenshots`` needs tests/requirements.txt and Chromium.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from mnistcore.files import ASSETS
from mnistcore.pens.font import DIGITS
from mnistcore.pens.strokes import pen_strokes
from tests.tools.server import launch_chromium, served

MOST_BYTES = 300_000  # of each picture, so that the README loads fast
ANSWERED = """() => ["answer", "steps", "maps"].every((id) =>
    Number(document.querySelector(`#${id} [data-number]`)?.dataset.number) >=
    Number(document.querySelector("#canvas canvas").dataset.sent))"""


def write(page: Page, number: list[str], pen: int, seed: int) -> None:
    """Draw forms of the pen font on the canvas with the mouse, and wait for the answer."""
    canvas = page.locator("#canvas canvas")
    canvas.hover()
    box = canvas.bounding_box()
    assert box
    page.locator("#canvas input[type=range]").fill(str(pen))
    rng = np.random.default_rng(seed)
    unit = box["width"] / 420
    side = min(190, 330 / len(number))
    for place, form in enumerate(number):
        middle = np.array([420 * (place + 0.5) / len(number), 140], np.float32)
        for stroke in pen_strokes(DIGITS[form], rng):
            points = (stroke * side + middle) * unit + [box["x"], box["y"]]
            page.mouse.move(*points[0])
            page.mouse.down()
            for point in points[1:]:
                page.mouse.move(*point)
            page.mouse.up()
    page.wait_for_function(ANSWERED)


def save(page: Page, path: Path) -> None:
    """Save the window as a PNG of 256 colours.

    Raises:
        ValueError: the file is larger than MOST_BYTES.
    """
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path} has {path.stat().st_size:,} bytes; {MOST_BYTES:,} are allowed")


def main() -> None:
    """Take both pictures."""
    with served("demo.py") as (url, _, _), sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 1062})
        page.goto(url)
        page.locator("#canvas canvas[data-ready]").wait_for()
        write(page, ["2", "0", "4 open", "7 crossed"], 11, 4)
        page.mouse.move(0, 0)
        page.evaluate("scrollTo(0, 0)")  # drawing while the page loaded may have scrolled it
        save(page, ASSETS / "page.png")

        page = browser.new_page(viewport={"width": 1280, "height": 812}, color_scheme="dark")
        page.goto(url)
        page.locator("#canvas canvas[data-ready]").wait_for()
        write(page, ["3"], 20, 2)
        target = page.locator("canvas[data-key='conv1+relu+pool'][data-channel='2']")
        target.click(position={"x": 50, "y": 40})
        page.locator("[data-is=value]").wait_for()
        page.mouse.move(0, 0)
        page.locator("#layer").evaluate(
            "head => scrollBy(0, head.getBoundingClientRect().top - 76)"
        )
        page.locator("#maps .tip").wait_for(state="hidden")
        save(page, ASSETS / "inside.png")
        browser.close()


if __name__ == "__main__":
    main()
