"""Teaching a net one's own hand on the page, in a real Chromium."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from mnistcore.page.hand import pack_digits
from tests.tools.made_hand import ODD, hand
from tests.tools.visiting import DIGITS, FINGER, Open, Page, answer, axe_findings, draw, expect

START = 60_000  # milliseconds: on a busy machine a process takes that long to begin, at worst
MIRRORED = [[(420 - x, y) for x, y in stroke] for stroke in DIGITS[str(ODD)]]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),  # seconds: a training waits for what else the machine does
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def import_hand(page: Page, labels: list[int], path: Path) -> None:
    """Open the section of one's own digits and import some of the made hand."""
    images, _ = hand(labels, seed=0)
    bytes_of = (255 * images).round().byte().numpy()
    path.write_bytes(pack_digits(zip(labels, np.asarray(bytes_of), strict=True)))
    page.locator(".hand summary").click()
    page.locator("#hand input[type=file]").set_input_files(path)
    expect(page.locator(".own-row canvas")).to_have_count(len(labels))


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_a_net_learns_ones_hand(scheme: str, width: int, open_page: Open, tmp_path: Path) -> None:
    page = open_page(width, 900, color_scheme=scheme, has_touch=width < 500)
    draw(page, MIRRORED)
    expect(answer(page)).not_to_have_text(str(ODD))
    import_hand(page, [ODD] * 5 + [*range(10)], tmp_path / "my-digits.zip")
    learn = page.get_by_role("button", name="Learn from them")
    learn.click()
    expect(learn).to_be_disabled()
    said = page.locator(".teach > [role=status]")
    expect(said).to_contain_text("LeNet learns from 15 of your digits.", timeout=START)
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(said).to_contain_text(
        re.compile(
            r"1 of your 1 held-out digits are right, before 0; MNIST 99\.\d %, "
            rf".*Your drawing: a {ODD} \([\d.]+ %\), before an? \d \([\d.]+ %\)\. It reads now"
        ),
        timeout=START,
    )
    expect(page.locator(".answer-text")).to_have_text(str(ODD))
    assert axe_findings(page, "#hand") == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    height = learn.bounding_box()["height"]
    assert height >= (FINGER if width < 500 else 24)
    mine = json.loads(page.evaluate("sessionStorage['mnistcore yours']"))
    assert (mine["net"], mine["about"]) == ("LeNet", "taught by 15 of your digits")
    page.evaluate("localStorage.clear()")
