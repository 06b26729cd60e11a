"""Teaching a net one's own hand on the page, in a real Chromium."""

import json
import re
from pathlib import Path
from zipfile import ZipFile

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


def import_hand(page: Page, labels: list[int], path: Path, added: int = 0) -> None:
    """Open the section of one's own digits and import some, to whose labels a number is added."""
    images = (255 * hand(labels, seed=0)[0]).round().byte().numpy()
    given = [(label + added) % 10 for label in labels]
    path.write_bytes(pack_digits(zip(given, np.asarray(images), strict=True)))
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
    expect(said).to_contain_text("LeNet is learning from your 15 digits;", timeout=START)
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(said).to_contain_text(
        re.compile(
            r"1 of your 1 held-out digit is right, previously 0; "
            r"on MNIST 99\.\d % of 1,000 are right, "
            rf".*Your drawing: now a {ODD} \([\d.]+ %\), previously an? \d \([\d.]+ %\)\. "
            "Your LeNet now reads what you draw"
        ),
        timeout=START,
    )
    expect(page.locator(".answer-text")).to_have_text(str(ODD))
    assert axe_findings(page, "#hand") == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    height = learn.bounding_box()["height"]
    assert height >= (FINGER if width < 500 else 24)
    mine = json.loads(page.evaluate("sessionStorage['mnistcore yours']"))
    assert (mine["net"], mine["about"]) == ("LeNet", "taught with 15 of your digits")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download your net").click()
    with ZipFile(download.value.path()) as archive:
        assert sorted(archive.namelist()) == ["LeNet.pt", "recognizer.json"]
    page.evaluate("localStorage.clear()")


def test_what_forgets_is_offered_and_learning_can_be_stopped(
    open_page: Open, tmp_path: Path
) -> None:
    page = open_page()
    import_hand(page, [*range(10)] * 4, tmp_path / "my-digits.zip", added=1)
    learn = page.get_by_role("button", name="Learn from them")
    keep = page.get_by_role("button", name="Keep the net as it was")
    use = page.get_by_role("button", name="Use it anyway")
    said = page.locator(".teach > [role=status]")
    chosen = page.locator("#choice input:checked")
    for button, net in ((keep, "LeNet"), (use, "LeNet@")):
        learn.click()
        expect(said).to_contain_text(
            "worse on MNIST by more than half a percentage point", timeout=START
        )
        expect(said).to_contain_text(
            "None of your digits is held out, as no class has 5 digits; on MNIST 9"
        )
        assert chosen.get_attribute("value") == "LeNet"
        button.click()
        expect(chosen).to_have_attribute("value", re.compile(f"^{net}"))
        expect(button).to_be_hidden()
    learn.click()
    expect(said).to_contain_text("Your LeNet is learning from your 40 digits;", timeout=START)
    stop = page.get_by_role("button", name="Stop learning")
    expect(stop).to_be_focused()
    stop.click()
    expect(said).to_have_text("Stopped.")
    expect(learn).to_be_focused()
    page.evaluate("localStorage.clear()")
