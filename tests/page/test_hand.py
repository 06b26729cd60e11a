"""A visitor's own digits: kept, counted, deleted, saved and read again."""

import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnistcore.datasets import load_data
from mnistcore.page.hand import MOST_DIGITS, pack_digits, unpack_digits
from tests.tools.visiting import (
    DIGITS,
    FINGER,
    Open,
    Page,
    answer,
    axe_findings,
    draw,
    expect,
)

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def test_a_zip_gives_back_its_digits() -> None:
    rng = np.random.default_rng(0)
    digits = [(k % 3, rng.integers(0, 256, (28, 28), np.uint8)) for k in range(7)]
    content = pack_digits(digits)
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert names[:4] == ["0_001.png", "1_001.png", "2_001.png", "0_002.png"]
    found = unpack_digits(content)
    assert [label for label, _ in found] == [label for label, _ in digits]
    for (_, image), (_, expected) in zip(found, digits, strict=True):
        np.testing.assert_array_equal(image, expected)


def zipped(name: str, *, size: int = 28, count: int = 1, content: bytes = b"") -> bytes:
    png, file = io.BytesIO(), io.BytesIO()
    Image.new("L", (size, size)).save(png, "png")
    with zipfile.ZipFile(file, "w") as archive:
        for k in range(count):
            archive.writestr(name.format(k), content or png.getvalue())
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a zip", "not a zip that the page has exported"),
        (zipped("3_{}.png")[:60], "not a zip that the page has exported"),
        (zipped("notes.txt"), "named like 3_001.png"),
        (zipped("3_{}.png", count=MOST_DIGITS + 1), f"1 to {MOST_DIGITS} small pictures"),
        (zipped("3_{}.png", content=b"0" * 10**7), "small pictures"),
        (zipped("3_{}.png", size=29), "28x28 pixels"),
        (zipped("3_{}.png", content=b"no picture"), "not a zip that the page has exported"),
    ],
    ids=["no zip", "cut off", "other name", "too many", "too large", "other size", "no picture"],
)
def test_another_file_is_refused_with_a_sentence(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        unpack_digits(content)


def count(page: Page) -> int:
    return int(page.evaluate("JSON.parse(localStorage['mnistcore digits'] ?? '[]').length"))


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_a_corrected_answer_is_kept_exported_and_imported(
    scheme: str, width: int, open_page: Open, tmp_path: Path
) -> None:
    page = open_page(width, 900, color_scheme=scheme, has_touch=width < 500)
    wrong = page.locator("#correct .correct").first
    expect(wrong).to_be_hidden()
    for digit in ("3", "7"):
        if digit == "7":
            page.keyboard.press("Delete")  # the focus is still on the correction
        draw(page, DIGITS[digit])
        expect(answer(page)).to_have_text(digit)
        wrong.get_by_role("button", name=digit, exact=True).click()
        expect(page.locator(".correct-status")).to_have_text(f"Added to your digits as a {digit}.")
    assert wrong.get_by_role("button").first.bounding_box()["height"] >= (
        FINGER if width < 500 else 24
    )
    page.locator(".hand summary").click()
    expect(page.locator(".own-row canvas")).to_have_count(2)
    assert axe_findings(page, "#hand") == axe_findings(page, "#correct") == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    path = tmp_path / "my-digits.zip"
    download.value.save_as(path)
    assert [label for label, _ in unpack_digits(path.read_bytes())] == [3, 7]
    page.get_by_role("button", name="Delete this 3").dblclick()
    expect(page.locator(".own-row canvas")).to_have_count(1)
    page.get_by_role("button", name="Delete all").click()
    expect(page.locator(".own-row canvas")).to_have_count(0)
    page.locator(".hand").get_by_role("button", name="Undo").click()
    expect(page.locator(".own-row canvas")).to_have_count(2)
    page.locator("#hand input[type=file]").set_input_files(path)
    expect(page.locator(".hand-body > [role=status]")).to_have_text("Imported: 2 of 2.")
    page.reload()
    page.locator(".hand summary").click()
    expect(page.locator(".own-row canvas")).to_have_count(2)
    kept = json.loads(page.evaluate("localStorage['mnistcore digits']"))
    assert sorted(digit["label"] for digit in kept) == [3, 7]
    page.locator("#hand input[type=file]").set_input_files(__file__)
    expect(page.locator(".hand-body > [role=status]")).to_contain_text("not a zip")
    page.evaluate("localStorage.clear()")


@pytest.mark.slow
def test_the_latest_label_counts_and_a_browser_without_room_is_named(open_page: Open) -> None:
    page, other = open_page(), open_page()
    for one in (page, other):
        draw(one, DIGITS["7"])
        expect(answer(one)).to_have_text("7")
    buttons = page.locator("#correct .correct button")
    buttons.nth(1).click()
    buttons.nth(7).dblclick()
    assert count(page) == 1
    kept = json.loads(page.evaluate("localStorage['mnistcore digits']"))
    assert kept[0]["label"] == 7
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('no room'); }; }")
    draw(page, DIGITS["1"])
    expect(buttons.nth(1)).to_be_enabled()
    answer(page)
    buttons.nth(1).click()
    expect(page.locator(".correct-status")).to_contain_text("This browser stores nothing")
    assert count(page) == 1  # what was there stays
    page.locator(".hand summary").click()
    expect(page.locator(".own-row canvas")).to_have_count(2)
    page.evaluate("localStorage.clear()")


@pytest.mark.slow
def test_the_page_leads_through_ten_of_each(open_page: Open) -> None:
    page = open_page(1280, 900)
    draw(page, DIGITS["8"])
    expect(answer(page)).to_have_text("8")
    page.locator(".hand summary").click()
    page.get_by_role("button", name="Draw ten of each").click()
    task, keep = page.locator(".guide p"), page.get_by_role("button", name="Keep it and continue")
    for label in ("0", "1"):
        expect(task).to_have_text(re.compile(f"Draw a {label} \\(1 of 10\\)"))
        expect(keep).to_be_disabled()  # the canvas is empty
        expect(page.locator("#canvas canvas")).to_be_in_viewport()
        draw(page, DIGITS[label])
        expect(answer(page)).to_have_text(label)
        keep.click()
    expect(task).to_have_text("Draw a 2 (1 of 10).")
    assert count(page) == 2
    page.get_by_role("button", name="Delete this 0").click()
    expect(task).to_have_text("Draw a 0 (1 of 10).")
    draw(page, DIGITS["3"], dx=20, scale=0.5)
    draw(page, DIGITS["7"], dx=180, scale=0.5)
    expect(page.locator(".answer-text")).to_have_text("37")
    answer(page)
    expect(keep).to_be_disabled()  # two digits
    page.get_by_role("button", name="Stop").click()
    expect(task).to_be_hidden()
    page.evaluate("localStorage.clear()")


@pytest.mark.slow
def test_the_export_is_a_data_set(tmp_path: Path, few_images: object) -> None:
    images = np.asarray(few_images)[:, 0]
    digits = [(k % 2, images[k % len(images)]) for k in range(12)]
    (tmp_path / "mine.zip").write_bytes(pack_digits(digits))
    data = load_data("train", tmp_path / "mine.zip")
    assert data.labels.tolist() == [0] * 5 + [1] * 5
