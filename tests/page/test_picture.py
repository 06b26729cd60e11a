"""The picture to read, in a real Chromium: chosen, dropped, pasted, photographed, or refused."""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mnistcore.page.guard import MAX_FILE
from tests.tools.visiting import (
    DIGITS,
    EMPTY,
    Open,
    Page,
    answer,
    axe_findings,
    choose_net,
    draw,
    example,
    expect,
    hold,
    let_go,
    upload,
    wait_until,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

NOT_A_PICTURE = "This file is not a picture that can be read."
# The camera's answers, which the tests change, and the tracks of all streams that it gave.
WATCH_CAMERA = """() => {
    window.tracks = [];
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
        const stream = await ask(wanted);
        await window.held;
        tracks.push(...stream.getTracks());
        return stream;
    };
}"""
STOPPED = "count => tracks.length === count && tracks.every((t) => t.readyState === 'ended')"
IS_BLANK = """(canvas) => !canvas.getContext("2d")
    .getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"""
GIVE_FILE = """([kind, transfer, name, data]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const files = new DataTransfer();
    files.items.add(new File([bytes], name));
    const options = { bubbles: true, cancelable: true, [transfer]: files };
    document.body.dispatchEvent(kind === "paste"
        ? new ClipboardEvent(kind, options) : new DragEvent(kind, options));
}"""


@pytest.fixture
def page(open_page: Open) -> Page:
    return open_page()


def button(page: Page, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


def alert(page: Page) -> Any:
    return page.locator("#picture [role=alert]")


def expect_refusal(page: Page, words: str | re.Pattern[str]) -> None:
    """One sentence beside the picture, no toast, and nothing left of the picture before."""
    expect(alert(page)).to_have_text(words)
    expect(page.locator(".answer-text")).to_have_text(EMPTY)
    assert page.locator(".picture-frame img, #steps img").count() == 0
    assert page.locator(".maps-input canvas").evaluate(IS_BLANK)
    assert page.locator("[data-testid=toast-body]").count() == 0
    expect(button(page, "Choose a picture")).to_be_visible()


def read_seven(page: Page) -> None:
    upload(page, example("seven"))
    expect(page.locator(".answer-text")).to_have_text("7")
    expect(page.locator("#steps img").first).to_be_visible()
    expect(alert(page)).to_have_text("")


def test_files_and_examples_are_read_once_each(page: Page, tmp_path: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.method == "POST" else None)
    upload(page, example("three"))
    expect(page.locator(".answer-text")).to_have_text("3")
    expect(page.get_by_role("img", name="Your picture: 1 a three.png")).to_be_visible()
    button(page, "Remove").focus()
    page.keyboard.press("Enter")
    assert page.locator(".answer-text").inner_text() == EMPTY  # at once
    expect(button(page, "Choose a picture")).to_be_focused()
    asked.clear()
    button(page, "an eight by lamplight").click()
    expect(page.locator(".answer-text")).to_have_text("8")
    assert [re.sub(r".*gradio_api/|\?.*", "", url) for url in asked] == ["upload", "queue/join"]
    button(page, "a blank").click()
    expect(page.locator(".answer-verdict")).to_have_text("Nothing to read.")
    page.get_by_role("tab", name="Draw").click()
    expect(page.locator(".answer-verdict")).to_have_text("Nothing to read yet.")
    page.get_by_role("tab", name="Upload").click()
    expect(page.locator(".answer-verdict")).to_have_text("Nothing to read.")

    unshowable = tmp_path / "three.tiff"  # Chromium cannot show it
    Image.open(example("three")).save(unshowable)
    upload(page, unshowable)
    expect(page.locator(".answer-text")).to_have_text("3")
    expect(page.locator(".picture-frame")).to_have_text("three.tiff")

    held = hold(page, "upload", "seven")  # another picture is chosen while it is sent
    upload(page, example("seven"))
    wait_until(page, lambda: bool(held))
    upload(page, example("number"))
    expect(page.locator(".answer-text")).to_have_text("2049")
    asked.clear()
    with page.expect_response("**/gradio_api/upload*"):
        held[0].continue_()
    choose_net(page, "MyVggNet")
    expect(page.locator(".answer h2")).to_contain_text("MyVggNet")
    assert page.locator(".answer-text").inner_text() == "2049"
    assert len(asked) == 1
    expect(page.get_by_role("img", name="Your picture: 5 a number.png")).to_be_visible()


@pytest.mark.parametrize("address", ["upload", "queue/join"])
def test_a_late_answer_to_an_upload_is_not_shown_beside_the_canvas(
    address: str, open_page: Open
) -> None:
    page = open_page()
    draw(page, DIGITS["3"])
    expect(answer(page)).to_have_text("3")
    held = hold(page, address, "seven")
    with page.expect_request(f"**/gradio_api/{address}*"):
        upload(page, example("seven"))
    expect(page.locator(".answer-text")).to_have_text(EMPTY)
    expect(button(page, "Remove")).to_be_visible()
    page.get_by_role("tab", name="Draw").click()
    expect(page.locator(".answer-text")).to_have_text("3")
    assert len(held) == 1
    let_go(page, held)
    assert page.locator(".answer-text").inner_text() == "3"
    choose_net(page, "MyVggNet")  # of the drawing
    expect(page.locator(".answer h2")).to_contain_text("MyVggNet")
    assert page.locator(".answer-text").inner_text() == "3"
    page.unroute_all()
    page.get_by_role("tab", name="Upload").click()
    expect(page.locator(".answer-text")).to_have_text("7")
    choose_net(page, "MyNetV1")  # of the picture
    expect(page.locator(".answer h2")).to_contain_text("MyNetV1")
    assert page.locator(".answer-text").inner_text() == "7"


def test_what_cannot_be_read_is_one_sentence(page: Page, tmp_path: Path) -> None:
    read_seven(page)
    assert axe_findings(page, "#picture") == []
    for name in ("broken.png", "text.txt"):
        file = tmp_path / name
        file.write_text("no picture at all")
        upload(page, file)
        expect_refusal(page, NOT_A_PICTURE)
    assert axe_findings(page, "#picture") == []
    page.get_by_role("tab", name="Draw").click()
    page.get_by_role("tab", name="Upload").click()
    expect_refusal(page, NOT_A_PICTURE)

    read_seven(page)
    large = tmp_path / "large.png"
    with large.open("wb") as file_of_holes:
        file_of_holes.truncate(MAX_FILE + 1)
    upload(page, large)
    expect_refusal(page, re.compile(r"^Pictures can be at most 20 MB, and this one is 20\.1 MB"))

    read_seven(page)
    page.evaluate("() => { window.working = fetch; window.fetch = () => Promise.reject(); }")
    upload(page, example("three"))
    expect_refusal(page, re.compile("^The picture could not be sent. Check your connection"))
    button(page, "a three").click()
    expect_refusal(page, re.compile("^The picture could not be sent. Check your connection"))
    page.evaluate("() => { window.fetch = working; }")
    read_seven(page)


def test_a_failure_behind_another_tab_leaves_the_drawing(page: Page) -> None:
    draw(page, DIGITS["3"])
    expect(answer(page)).to_have_text("3")
    held = hold(page, "upload", "seven")
    upload(page, example("seven"))
    wait_until(page, lambda: bool(held))
    page.get_by_role("tab", name="Draw").click()
    expect(page.locator(".answer-text")).to_have_text("3")
    held[0].fulfill(body="out of order")
    expect(alert(page)).to_contain_text("could not be sent")
    assert page.locator(".answer-text").inner_text() == "3"


def test_paste_and_drop(open_page: Open) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("tab", name="Upload").click()
    data = base64.b64encode(example("zero").read_bytes()).decode()
    page.evaluate(
        """async (data) => {
        const blob = await (await fetch("data:image/png;base64," + data)).blob();
        await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
    }""",
        data,
    )
    button(page, "Paste").click()
    expect(page.locator(".answer-text")).to_have_text("0")
    page.evaluate("navigator.clipboard.writeText('words')")
    button(page, "Remove").click()
    button(page, "Paste").click()
    expect_refusal(page, re.compile("^There is no picture on the clipboard. Copy one"))
    page.evaluate("() => { navigator.clipboard.read = () => Promise.reject(new DOMException()); }")
    button(page, "Paste").click()
    expect_refusal(page, re.compile("^The browser blocked access to the clipboard. Allow"))

    def give(kind: str, word: str) -> None:
        content = base64.b64encode(example(word).read_bytes()).decode()
        transfer = "clipboardData" if kind == "paste" else "dataTransfer"
        page.evaluate(GIVE_FILE, [kind, transfer, example(word).name, content])

    give("paste", "three")
    expect(page.locator(".answer-text")).to_have_text("3")
    give("dragover", "seven")
    expect(page.locator(".picture.drop")).to_be_visible()
    give("drop", "seven")
    expect(page.locator(".answer-text")).to_have_text("7")
    expect(page.locator(".picture.drop")).to_have_count(0)
    page.get_by_role("tab", name="Draw").click()
    expect(page.locator(".answer-text")).to_have_text(EMPTY)
    give("paste", "three")  # not there, where it could not be seen
    page.get_by_role("tab", name="Upload").click()
    expect(page.locator(".answer-text")).to_have_text("7")


def test_camera(open_page: Open) -> None:
    page = open_page(360, 740, permissions=["camera"], has_touch=True, is_mobile=True)
    page.get_by_role("tab", name="Upload").click()
    page.evaluate(WATCH_CAMERA)

    def check_sizes() -> None:
        for one in page.locator("#picture button:visible").all():
            assert one.bounding_box()["height"] >= 44, one.inner_text()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

    check_sizes()
    button(page, "Camera").click()
    expect(button(page, "Take the picture")).to_be_enabled()
    video = page.locator("#picture video")
    assert video.evaluate("video => getComputedStyle(video).transform") == "none"  # not mirrored
    check_sizes()
    button(page, "Take the picture").click()
    expect(page.locator("#steps .whole img").first).to_be_visible()
    page.wait_for_function(STOPPED, arg=1)
    check_sizes()

    leave: list[Callable[[], None]] = [
        lambda: button(page, "Cancel").click(),
        lambda: page.get_by_role("tab", name="Draw").click(),
        lambda: page.get_by_role("tab", name="Benchmark").click(),
    ]
    for number, act in enumerate(leave, 2):
        for name in ("Read", "Upload"):
            page.get_by_role("tab", name=name).click()
        if number == 2:
            button(page, "Remove").click()
        button(page, "Camera").click()
        expect(button(page, "Take the picture")).to_be_enabled()
        act()
        page.wait_for_function(STOPPED, arg=number)
    for name in ("Read", "Upload"):
        page.get_by_role("tab", name=name).click()

    page.evaluate("() => { window.held = new Promise((done) => { window.allow = done; }); }")
    button(page, "Camera").click()
    expect(button(page, "Take the picture")).to_be_disabled()
    button(page, "Cancel").click()  # before the visitor has allowed it
    page.evaluate("allow()")
    page.wait_for_function(STOPPED, arg=5)


def test_a_camera_that_cannot_be_used_says_what_to_do(page: Page) -> None:
    for name, todo in {
        "NotAllowedError": "Allow it for this page",
        "NotFoundError": "Connect one, or choose a picture",
        "NotReadableError": "Close other programs that use it",
        "AbortError": "Close other programs that use it",
    }.items():
        read_seven(page)
        page.evaluate(
            """(name) => {
            navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", name); };
        }""",
            name,
        )
        button(page, "Remove").click()
        button(page, "Camera").click()
        expect_refusal(page, re.compile(todo))
    page.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    button(page, "Camera").click()
    expect_refusal(page, re.compile("https://.*Choose a picture instead"))
