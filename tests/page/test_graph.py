"""The graph of candidates under a number, in a real Chromium."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.tools.pictures import gray, write
from tests.tools.visiting import (
    FINGER,
    Open,
    Page,
    axe_findings,
    choose_net,
    example,
    expect,
    upload,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def close(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits so close that neighbours may be one."""
    path = tmp_path_factory.mktemp("pictures") / "close.png"
    Image.fromarray(gray(write(["2711"], gap=4))).save(path)
    return path


def bars(page: Page, kind: str) -> Any:
    return page.locator(f".candidate.{kind}")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_the_path_what_was_rejected_and_why(
    scheme: str, width: int, close: Path, open_page: Open
) -> None:
    page = open_page(width, 800, color_scheme=scheme, has_touch=width < 500)
    choose_net(page, "All five")
    upload(page, close)
    expect(page.locator(".answer-text")).to_have_text("2711")
    assert bars(page, "chosen").all_inner_texts() == list("2711")
    words = page.locator(".graph-words")
    bars(page, "chosen").first.hover()
    expect(words).to_have_text("2: the nets give it > 99.9 %. On the path.")
    rejected = bars(page, "rejected").first
    rejected.click()
    expect(words).to_contain_text("Rejected: with it, the line would read ")
    bar, ink = rejected.bounding_box(), page.locator(".graph-view img").bounding_box()
    mark = page.locator(".graph-mark").bounding_box()
    assert mark["x"] == pytest.approx(bar["x"], abs=2)  # the bar lies under its ink
    assert mark["width"] == pytest.approx(bar["width"], abs=3)
    assert mark["y"] >= ink["y"] - 1
    assert mark["y"] + mark["height"] <= ink["y"] + ink["height"] + 1
    assert bar["height"] >= (FINGER if width < 500 else 24)
    page.keyboard.press("ArrowLeft")
    expect(bars(page, "chosen").last).to_be_focused()
    expect(words).to_contain_text("On the path.")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert axe_findings(page, "#steps") == []
    upload(page, example("seven"))  # one stroke has no other candidate
    expect(page.locator(".answer-text")).to_have_text("7")
    expect(page.locator(".graph")).to_be_hidden()
