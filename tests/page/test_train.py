"""The Train tab in a real Chromium: a training from start to end, with others who wait for it."""

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from mnistcore.reading.recognizer import Recognizer
from tests.test_datasets import write_idx
from tests.tools.server import served
from tests.tools.visiting import (
    DIGITS,
    FINGER,
    Open,
    Page,
    answer,
    axe_findings,
    draw,
    example,
    expect,
    wait_until,
)

START = 60_000  # milliseconds: on a busy machine a process takes that long to begin, at worst

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),  # seconds: a training waits for what else the machine does
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def open_train(page: Page) -> None:
    page.get_by_role("tab", name="Train").click()
    expect(page.get_by_role("button", name="Start")).to_be_visible()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def state(page: Page) -> str:
    words: str = page.locator(".train-state").inner_text()
    return words


def points(page: Page) -> int:
    """How many points the curve of the validation loss has."""
    path: str = page.locator(".curve-val:not(.earlier)").first.get_attribute("d")
    return len(re.findall("[ML]", path))


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_a_net_learns_before_ones_eyes(
    scheme: str, width: int, open_page: Open, tmp_path: Path
) -> None:
    page = open_page(width, 900, color_scheme=scheme, has_touch=width < 500)
    draw(page, DIGITS["7"])
    expect(answer(page)).to_have_text("7")
    open_train(page)
    press(page, "Overfitting: few images")
    press(page, "Start")
    expect(page.locator(".train-state")).to_have_text("Training.", timeout=START)
    wait_until(page, lambda: points(page) > 1)
    seen = points(page)
    wait_until(page, lambda: points(page) > seen)
    press(page, "Pause")
    expect(page.locator(".train-state")).to_have_text("Paused, for 120 s at most.")
    assert page.locator(".learning-planes canvas").count() == 12
    assert axe_findings(page, "#train") == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    height = page.get_by_role("button", name="Continue").bounding_box()["height"]
    assert height >= (FINGER if width < 500 else 24)
    seen = page.locator(".train-speed").inner_text()
    page.wait_for_timeout(1000)
    assert page.locator(".train-speed").inner_text() == seen
    press(page, "Continue")
    wait_until(page, lambda: page.locator(".train-speed").inner_text() != seen)
    press(page, "Stop")
    result = page.locator(".train-result")
    expect(result).to_contain_text(re.compile(r"of 5,000 validation digits are misread"))
    expect(page.locator(".learning-says")).to_contain_text(re.compile(r"it says \d: "))
    if width > 500:
        press(page, "Read the test set, once")
        expect(result).to_contain_text(re.compile(r"of 10,000 wrong, .* the 95 % interval is"))
        expect(page.get_by_role("button", name="Read the test set")).to_be_hidden()
        with page.expect_download() as downloading:
            press(page, "Download the net")
        with zipfile.ZipFile(downloading.value.path()) as archive:
            archive.extractall(tmp_path)
        reading = Recognizer(tmp_path, "cpu").read(example("a three"))
        assert list(reading.digits[0].probs_by_model) == ["LeNet"]
        page.get_by_text("Use the same settings on the command line").click()
        expect(page.locator(".train-command")).to_contain_text("--train-size 600 --degrees 0")
        press(page, "Start")  # again: the run before is shown in grey
        expect(page.locator(".curve-val.earlier")).to_have_count(2)
        press(page, "Stop")
        expect(page.locator(".train-state")).to_have_text("Stopped.")


def test_a_second_visitor_waits_until_the_first_has_left(server: str, open_page: Open) -> None:
    first, second = open_page(leaves=True), open_page()
    for page in (first, second):
        open_train(page)
        press(page, "Start")
        if page is first:
            expect(page.locator(".train-state")).to_have_text("Training.", timeout=START)
    expect(second.locator(".train-state")).to_have_text("Waiting: number 1 in line.")
    first.goto(server + "/robots.txt")
    # The first would train for longer than anybody is patient here.
    expect(second.locator(".train-state")).not_to_contain_text("Waiting")
    press(second, "Stop")
    expect(second.locator(".train-state")).to_contain_text("Stopped")


def test_a_training_goes_on_after_a_reload(open_page: Open) -> None:
    page = open_page(leaves=True)
    open_train(page)
    press(page, "Overfitting: few images")
    press(page, "Start")
    expect(page.locator(".train-state")).to_have_text("Training.", timeout=START)
    wait_until(page, lambda: points(page) > 1)
    page.reload()
    expect(page.locator(".train-state")).to_have_text("Training.", timeout=START)
    wait_until(page, lambda: points(page) > 1)
    page.locator("#choice label", has_text="MyNetV2").click()  # and that is kept
    press(page, "Stop")
    expect(page.locator(".train-result")).to_contain_text("chosen at the top")
    expect(page.locator("#choice label", has_text="Yours")).to_be_visible()
    expect(page.locator("#choice input:checked")).to_have_attribute("value", "MyNetV2")
    said = page.locator(".train-result").inner_text()
    page.reload()
    expect(page.locator(".train-result")).to_have_text(said, timeout=START)


def test_wrong_settings_are_refused_where_they_are(open_page: Open) -> None:
    page = open_page()
    open_train(page)
    page.get_by_role("spinbutton", name="Epochs").fill("99")
    press(page, "Start")
    assert page.locator("input:invalid").count() == 1
    page.get_by_role("spinbutton", name="Epochs").fill("1")
    page.get_by_label("Images").select_option("600")
    press(page, "Start")
    expect(page.locator(".train-state")).to_contain_text("at least 10 are needed")
    page.get_by_role("spinbutton", name="Epochs").fill("9")
    expect(page.locator(".train-state")).to_be_empty()


def test_ones_own_data_trains_with_one_click(
    browser: Any, few: tuple[Tensor, Tensor], tmp_path: Path
) -> None:
    images, labels = (tensor[few[1] < 4].numpy() for tensor in few)
    write_idx(tmp_path / "ours", images[:, 0], labels)
    flags = ("--device", "cpu", "--data-dir", str(tmp_path / "ours"))
    with served("demo.py", *flags) as (url, *_):
        page = browser.new_page()
        page.goto(f"{url}#train")
        data = page.get_by_label("Data set")
        expect(data).to_have_value("")
        expect(page.locator(".train-command code")).not_to_contain_text("--data-dir")
        data.select_option("ours")
        expect(page.get_by_label("Our pen font")).to_be_disabled()
        expect(page.locator(".train-command code")).to_contain_text("--data-dir ours --epochs")
        press(page, "Start")
        expect(page.locator(".train-state")).to_have_text("Training.", timeout=START)
        wait_until(page, lambda: points(page) > 1)
        press(page, "Stop")
        result = page.locator(".train-result")
        held_out = len(labels) // 5
        expect(result).to_contain_text(f"of {held_out} validation digits are misread")
        press(page, "Read the test set, once")
        expect(result).to_contain_text(f"of {len(labels)} wrong", timeout=START)
        page.get_by_role("tab", name="Benchmark").click()
        rows = page.locator("#results-table")
        expect(rows).to_contain_text(f"Your LeNet, {held_out} validation images of ours")
        expect(rows).to_contain_text(f"Your LeNet, {len(labels)} test images of ours")
        page.get_by_role("tab", name="Train").click()
        press(page, "A good training run")
        expect(data).to_have_value("")
        expect(page.locator(".train-command code")).not_to_contain_text("--data-dir")
        page.close()
