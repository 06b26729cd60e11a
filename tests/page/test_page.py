"""The real page in a real Chromium: what a visitor draws, chooses and sees."""

import base64
import json
import math
import re
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from mnistcore.data import MEAN, STD, normalize
from mnistcore.models import list_models
from mnistcore.reading.recognizer import Recognizer
from tests.tools.visiting import (
    DIGITS,
    EMPTY,
    Open,
    Page,
    Strokes,
    answer,
    at,
    axe_findings,
    choose_layer,
    choose_net,
    click,
    draw,
    example,
    expect,
    hold,
    let_go,
    wait_until,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

ASIDE = re.compile("/component_server/?$")  # the address that the maps ask
THREE = "174"  # of one stroke and of two, few steps for the keyboard: how well is tested elsewhere


@pytest.fixture
def page(open_page: Open) -> Page:
    return open_page(drawn_on=True)


def touch(page: Page, strokes: Strokes) -> None:
    place, session = at(page), page.context.new_cdp_session(page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    for stroke in strokes:
        points = [place(x, y) for x, y in stroke]
        send("touchStart", points[0])
        for point in points[1:]:
            send("touchMove", point)
        send("touchEnd")


def press(page: Page, strokes: Strokes, spot: list[float]) -> None:
    """Draw with the keyboard alone, arrows and Space; ``spot`` is where the pen is."""
    page.locator("#canvas canvas").focus()

    def walk(target: tuple[float, float]) -> None:
        """Step by step, as close to the straight line as the arrows allow."""
        way = [target[0] - spot[0], target[1] - spot[1]]
        while any(steps := [round((target[axis] - spot[axis]) / 7) for axis in (0, 1)]):
            left = [target[0] - spot[0], target[1] - spot[1]]
            off_line = {}
            for axis in (0, 1):
                after = list(left)
                after[axis] -= math.copysign(7, steps[axis])
                off_line[axis] = abs(after[0] * way[1] - after[1] * way[0])
            axis = min((axis for axis in (0, 1) if steps[axis]), key=off_line.__getitem__)
            arrows = (("ArrowLeft", "ArrowRight"), ("ArrowUp", "ArrowDown"))[axis]
            page.keyboard.press(arrows[steps[axis] > 0])
            spot[axis] += 7 if steps[axis] > 0 else -7

    for stroke in strokes:
        walk(stroke[0])
        page.keyboard.press("Space")
        for point in stroke[1:]:
            walk(point)
        page.keyboard.press("Space")


def test_digits_drawn_with_the_mouse(page: Page) -> None:
    for digit in THREE:
        expect(page.locator(".answer-text")).to_have_text(EMPTY)
        draw(page, DIGITS[digit])
        expect(answer(page)).to_have_text(digit)
        expect(page.locator(".bars .best .bar-digit")).to_have_text(digit)
        assert page.locator(".nets tbody tr").count() == len(list_models())
        click(page, "clear")


def test_digits_drawn_with_a_finger_do_not_scroll_the_page(open_page: Open) -> None:
    page = open_page(390, 844, has_touch=True, is_mobile=True)
    for digit in THREE:
        at(page)
        before = page.evaluate("scrollY")
        touch(page, DIGITS[digit])
        expect(answer(page)).to_have_text(digit)
        assert page.evaluate("scrollY") == before
        page.locator("[data-tool=clear]").tap()
        expect(answer(page)).to_have_text(EMPTY)


def test_digits_drawn_with_the_keyboard_alone(open_page: Open) -> None:
    page = open_page()
    spot = [210.0, 56.0]  # where the pen begins
    for digit in THREE:
        press(page, DIGITS[digit], spot)
        expect(answer(page)).to_have_text(digit)
        page.keyboard.press("Delete")
        expect(answer(page)).to_have_text(EMPTY)


def test_the_answer_comes_while_the_pen_is_down(page: Page) -> None:
    place = at(page)
    (points,) = DIGITS["7"]
    page.mouse.move(*place(*points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*place(*point), steps=5)
    expect(page.locator(".answer-text")).to_have_text("7")
    page.mouse.up()
    expect(answer(page)).to_have_text("7")
    expect(page.locator("#answer [role=status]")).to_contain_text("Read: 7")


def test_undo_redo_clear_and_eraser(open_page: Open) -> None:
    page = open_page()
    draw(page, DIGITS["1"])
    draw(page, [[(160, 60), (209, 52)]])  # with it a 7 of sorts
    both = page.evaluate("document.querySelector('#canvas canvas').toDataURL()")
    click(page, "undo")
    expect(answer(page)).to_have_text("1")
    click(page, "undo")
    expect(answer(page)).to_have_text(EMPTY)
    expect(page.locator("[data-tool=undo]")).to_be_disabled()
    click(page, "redo")
    click(page, "redo")
    expect(page.locator("[data-tool=redo]")).to_be_disabled()
    assert page.evaluate("document.querySelector('#canvas canvas').toDataURL()") == both
    click(page, "clear")
    expect(answer(page)).to_have_text(EMPTY)
    page.locator("#canvas canvas").press("Control+z")
    assert page.evaluate("document.querySelector('#canvas canvas').toDataURL()") == both
    click(page, "clear")
    draw(page, DIGITS["8"])
    expect(answer(page)).to_have_text("8")
    click(page, "eraser")
    page.locator("#canvas input[type=range]").fill("40")
    draw(page, [[(x, 20), (x, 270)] for x in range(130, 300, 25)])
    expect(answer(page)).to_have_text(EMPTY)
    expect(page.locator(".answer-verdict")).to_have_text("Nothing to read.")
    click(page, "pen")
    draw(page, DIGITS["4"])
    expect(answer(page)).to_have_text("4")


def test_undo_and_clear_while_the_pen_is_down(page: Page) -> None:
    canvas = page.locator("#canvas canvas")
    place = at(page)
    for key in ("Control+z", "Delete"):
        page.mouse.move(*place(100, 50))
        page.mouse.down()
        page.mouse.move(*place(100, 200), steps=3)
        page.keyboard.press(key)
        page.mouse.move(*place(300, 200), steps=3)  # the pen is still down, and draws no more
        page.mouse.up()
        expect(answer(page)).to_have_text(EMPTY)
        expect(page.locator(".pad-hint")).to_be_visible()
        canvas.press("Space")
        canvas.press("ArrowDown")
        canvas.press(key)  # the same with the pen of the keyboard
        expect(answer(page)).to_have_text(EMPTY)
        expect(page.locator(".pad-hint")).to_be_visible()
    draw(page, DIGITS["1"])
    expect(answer(page)).to_have_text("1")


def test_shortcuts_work_wherever_nothing_else_has_the_keys(page: Page) -> None:
    draw(page, DIGITS["1"])
    expect(answer(page)).to_have_text("1")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+z")
    expect(answer(page)).to_have_text(EMPTY)
    page.locator("#canvas input[type=range]").focus()
    page.keyboard.press("Control+y")
    expect(answer(page)).to_have_text("1")
    for key in ("Alt+Backspace", "Control+Shift+Delete", "Alt+e"):  # the browser's own
        page.keyboard.press(key)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("e")  # somebody dictates, perhaps
    assert page.locator("[data-tool=pen]").get_attribute("aria-pressed") == "true"
    page.locator("#choice input").first.focus()
    page.keyboard.press("Delete")
    click(page, "link")
    expect(page.locator(".pad-note input")).to_be_focused()  # the link takes a moment
    page.keyboard.press("Delete")
    assert page.locator(".answer-text").inner_text() == "1"


def test_clearing_while_an_answer_is_on_its_way_leaves_none(page: Page) -> None:
    for digit in ("3", "5", "0", "2"):
        draw(page, DIGITS[digit])
        click(page, "clear")
        assert page.locator(".answer-text").inner_text() == EMPTY  # at once
        expect(answer(page)).to_have_text(EMPTY)


def test_clearing_asks_the_server_nothing(page: Page) -> None:
    draw(page, DIGITS["3"])
    expect(answer(page)).to_have_text("3")
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.post_data or "") if "queue/join" in r.url else None)
    click(page, "clear")
    expect(answer(page)).to_have_text(EMPTY)
    choose_net(page, "MyVggNet")  # asks about the canvas as it is
    expect(page.locator(".answer h2")).to_contain_text("MyVggNet")
    assert page.locator(".answer-text").inner_text() == EMPTY
    (body,) = asked
    assert re.fullmatch(r"\d+ ", json.loads(body)["data"][0])


def test_a_late_answer_of_another_net_is_not_shown(page: Page) -> None:
    draw(page, DIGITS["1"])
    expect(answer(page)).to_have_text("1")
    held = hold(page, "queue/join", '"LeNet conv1"')
    draw(page, [[(160, 60), (209, 52)]])
    choose_net(page, "MyVggNet")
    expect(page.locator(".answer h2")).to_contain_text("MyVggNet")
    page.evaluate("""() => {
        window.titles = [];
        const title = document.querySelector(".answer h2");
        const watch = new MutationObserver(() => titles.push(title.textContent));
        watch.observe(title, { childList: true });
    }""")
    assert held
    let_go(page, held)
    assert all("MyVggNet" in title for title in page.evaluate("titles"))


def test_another_net_has_other_bars(page: Page) -> None:
    draw(page, [[(160, 90), (180, 58), (215, 50), (250, 70), (235, 110), (195, 130), (215, 232)]])
    answer(page)
    seen = set()
    for name in ("LeNet", "MyFullConvNet", "MyNetV1", "MyNetV2", "MyVggNet", "All five"):
        choose_net(page, name)
        title = "All five together" if name == "All five" else name
        expect(page.locator(".answer h2")).to_contain_text(title)
        seen.add(
            tuple(page.locator(".bar-fill").evaluate_all("bars => bars.map(b => b.style.height)"))
        )
    assert len(seen) >= 5  # two may agree to the last digit that a style holds


def test_a_number_has_boxes_and_each_digit_can_be_looked_at(page: Page) -> None:
    page.locator("#canvas input[type=range]").fill("12")
    for digit, left in (("4", -130), ("0", 0), ("7", 130)):
        draw(page, DIGITS[digit], 210 * 0.35 + left, scale=0.65)
    expect(answer(page)).to_have_text("407")
    boxes = page.locator("#steps .box")
    assert boxes.count() == 3
    for i, digit in enumerate("407"):
        boxes.nth(i).press("Enter")
        expect(boxes.nth(i)).to_be_focused()
        expect(page.locator(".bars .best .bar-digit")).to_have_text(digit)
        expect(page.locator("#steps .box[aria-pressed=true]")).to_have_attribute(
            "aria-label", f"Look at digit {i + 1}: {digit}"
        )


def test_the_arithmetic_of_a_pixel_is_right(page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.post_data) if "queue/join" in r.url else None)
    draw(page, DIGITS["5"])
    expect(answer(page)).to_have_text("5")
    drawing = json.loads(sent[-1])["data"][0].partition("base64,")[2]
    recognizer = Recognizer(device="cpu")
    image = recognizer.read(base64.b64decode(drawing)).digits[0].image
    weight, bias = list(recognizer.net("LeNet").parameters())[:2]
    with torch.inference_mode():
        conv = F.conv2d(normalize(torch.tensor(image))[None, None], weight, bias)[0]
        pooled = F.max_pool2d(conv.relu(), 2)

    for key, channel, row, column in (("conv1", 1, 9, 13), ("conv1+relu+pool", 4, 6, 5)):
        target = page.locator(f"canvas[data-key='{key}'][data-channel='{channel}']")
        target.scroll_into_view_if_needed()
        side = 12 if "pool" in key else 24
        box = target.bounding_box()
        place = {"x": (column + 0.5) * box["width"] / side, "y": (row + 0.5) * box["height"] / side}
        target.hover(position=place)
        shown = float((pooled if "pool" in key else conv)[channel, row, column])
        expect(page.locator("#maps .tip b")).to_have_text(written(shown))
        target.click(position=place)
        expect(page.locator("#maps .arithmetic h3")).to_contain_text(f"Map {channel + 1},")
        found = {name: page.locator(f"[data-is={name}]") for name in ("value", "relu", "pooled")}
        if "pool" in key:
            window = conv[channel, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            value = float(window.max())
        else:
            value = shown
        expect(found["value"]).to_have_text(written(value))
        expect(found["relu"]).to_have_text(written(max(value, 0)))
        halved = (row, column) if "pool" in key else (row // 2, column // 2)
        expect(found["pooled"]).to_have_text(written(float(pooled[channel, *halved])))
        expect(page.locator("#maps .mark")).to_be_visible()
    page.keyboard.press("PageDown")
    expect(page.locator("#maps .arithmetic h3")).to_have_text(
        "Map 6, row 7, column 6, of conv1 + ReLU + max pooling"
    )
    said = page.locator("#maps [role=status]")
    expect(said).to_have_text(re.compile("^Map 6, row 7, column 6: "))


def test_the_pixel_that_is_explained_is_that_under_the_pointer(page: Page) -> None:
    draw(page, DIGITS["8"])
    expect(answer(page)).to_have_text("8")
    target = page.locator("canvas[data-key='conv1'][data-channel='0']")
    target.scroll_into_view_if_needed()
    target.hover()
    box = target.bounding_box()
    side = box["width"] / 24
    for column in range(4, 20, 3):
        edge = box["x"] + column * side
        x = next(x for x in (edge, edge + side) if x % 1 > 0.02) + 0.01  # just right of the edge
        page.mouse.move(x, box["y"] + box["height"] / 2)
        words = page.locator("#maps .tip span").inner_text()
        page.mouse.down()
        page.mouse.up()
        expect(page.locator("#maps .arithmetic h3")).to_contain_text(words.removeprefix("map"))


def test_another_layer_of_the_same_name_forgets_a_pixel_that_it_does_not_have(page: Page) -> None:
    draw(page, DIGITS["6"])
    expect(answer(page)).to_have_text("6")
    choose_net(page, "MyVggNet")
    last = page.locator("canvas[data-key='conv1']").last
    expect(last).to_have_attribute("data-channel", re.compile("^([7-9]|[1-9].)$"))
    last.click()
    heading = page.locator("#maps .arithmetic h3")
    expect(heading).to_be_visible()
    choose_net(page, "LeNet")
    expect(page.locator("canvas[data-key='conv1']")).to_have_count(6)
    expect(page.locator("#maps .arithmetic")).to_contain_text("Click a pixel")
    page.locator("canvas[data-key='conv1']").nth(1).click()
    expect(heading).to_contain_text("Map 2,")
    page.locator("#maps abbr").focus()
    expect(page.locator("#maps .tip")).to_contain_text(f"\N{MINUS SIGN} {MEAN}) / {STD}:")
    click(page, "clear")
    expect(answer(page)).to_have_text(EMPTY)
    expect(page.locator("#maps .row-note").nth(1)).to_have_text("6 of 24\N{MULTIPLICATION SIGN}24")


def test_maps_are_of_the_digit_that_was_chosen_last_or_of_none(page: Page) -> None:
    for digit, dx in (("1", -110), ("3", 0), ("5", 110)):
        draw(page, DIGITS[digit], dx, 0.8)
    expect(answer(page)).to_have_text("135")
    digits = page.locator("#answer .answer-digits button")
    questions: list[Any] = []

    def answer_all_but_the_first(question: Any) -> None:
        questions.append(question)
        if len(questions) > 1:
            question.continue_()

    page.route(ASIDE, answer_all_but_the_first)
    with page.expect_request(ASIDE):
        digits.nth(2).click()
    choose_layer(page, "conv2")
    expect(page.locator(".layer select")).to_have_value("conv2")
    digits.nth(1).click()  # waits for the answer, and is asked instead of what else waits
    questions[0].continue_()
    expect(page.locator("#maps canvas[data-key='conv2']")).to_have_count(16)
    first, *others = (it.request.post_data_json["data"]["digit"] for it in questions)
    assert others
    assert len(set(others)) == 1
    assert first not in others
    page.unroute_all()
    page.route(ASIDE, lambda question: question.fulfill(json=None))
    digits.nth(2).click()
    expect(page.locator("#maps .arithmetic")).to_contain_text("server is busy")
    page.unroute_all()
    digits.nth(2).click()
    expect(page.locator("#maps .arithmetic")).to_contain_text("Click a pixel")


def written(x: float) -> re.Pattern[str]:
    """A number as the page writes it; the last of four digits may differ by one."""
    texts = {f"{y:.4f}" for y in (x - 1e-4, x, x + 1e-4)}
    texts |= {text.lstrip("-") for text in texts if float(text) == 0}
    return re.compile(f"^({'|'.join(texts)})$".replace("-", "\N{MINUS SIGN}"))


def test_the_six_maps_of_each_row_differ(page: Page) -> None:
    draw(page, DIGITS["2"])
    expect(answer(page)).to_have_text("2")
    for key in ("kernels", "conv1", "conv1+relu", "conv1+relu+pool"):
        maps = page.locator(f"canvas[data-key='{key}']").evaluate_all(
            "all => all.map((canvas) => canvas.toDataURL())"
        )
        assert len(set(maps)) == 6
    expect(page.locator(".maps-device")).to_contain_text("Computed on")
    note = page.locator("#maps .row-note").first  # of the kernels, which reach to .5 or so
    expect(note).to_have_text(re.compile(r"^5.5, on a scale of ±0\.\d{1,2}$"))


def test_another_net_and_layer_in_the_same_place(page: Page) -> None:
    draw(page, DIGITS["3"])
    expect(answer(page)).to_have_text("3")
    choose_net(page, "MyVggNet")
    choose_layer(page, "conv7")
    maps = page.locator("canvas[data-key='conv7']")
    expect(maps.first).to_be_visible()
    maps.nth(1).click()
    expect(page.locator("#maps .arithmetic h3")).to_contain_text("Map 2,")
    draw(page, [[(400, 20), (401, 20)]])  # stays with the next drawing
    answer(page)
    expect(maps.first).to_be_visible()


def test_two_visitors_never_see_each_other(open_page: Open) -> None:
    pages = {digit: open_page() for digit in ("3", "7")}
    for _ in range(2):
        for digit, page in pages.items():
            draw(page, DIGITS[digit])
        for digit, page in pages.items():
            expect(answer(page)).to_have_text(digit)
            click(page, "clear")
        for page in pages.values():
            expect(answer(page)).to_have_text(EMPTY)


def link_of(page: Page) -> str:
    """The fragment of the link that the page gives."""
    click(page, "link")
    link = page.locator(".pad-note input")
    expect(link).to_be_visible()
    assert link.input_value() == page.url
    return "#" + page.url.partition("#")[2]


def all_that_is_shown(page: Page) -> list[Any]:
    """The drawing, the answer to the last digit, the net and the layer."""
    answer(page)
    page.wait_for_function("""() => {
        const layer = document.querySelector("#layer select").value;
        const net = document.querySelector("#choice input:checked").value;
        return document.querySelector(`#maps canvas[data-key="${layer}"]`) &&
            document.querySelector(".answer h2").textContent.includes(net);
    }""")
    return page.evaluate("""() => [
        document.querySelector("#canvas canvas").toDataURL(),
        document.querySelector(".answer-text").textContent,
        document.querySelector(".answer h2").textContent,
        [...document.querySelectorAll(".bar-fill")].map((bar) => bar.style.height),
        document.querySelector("#choice input:checked").value,
        document.querySelector("#layer select").value,
        [...document.querySelectorAll("#maps canvas[data-key]")].map((one) => one.toDataURL()),
    ]""")


SCRIBBLE = """() => {
    const canvas = document.querySelector("#canvas canvas");
    const box = canvas.getBoundingClientRect();
    let state = 1;
    const random = () => (state = (1103515245 * state + 12345) % 2 ** 31) / 2 ** 31;
    const send = (kind) => canvas.dispatchEvent(new PointerEvent(kind, {
        pointerId: 7,
        clientX: box.left + box.width * random(),
        clientY: box.top + box.height * random(),
    }));
    canvas.setPointerCapture = () => {}; // there is no such pointer
    send("pointerdown");
    for (let i = 1; i < 5000; i++) send("pointermove");
    send("pointerup");
}"""


def test_a_link_opens_the_same_page(open_page: Open) -> None:
    """Its letters are tested by tests/js/link.test.js."""
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("tab", name="Benchmark").click()
    page.locator(".misread button").first.click()  # a picture is part of a drawing, too
    expect(page.locator(".pad-hint")).to_be_hidden()
    page.locator("#canvas input[type=range]").fill("13")
    draw(page, DIGITS["8"], -60, scale=0.8)
    click(page, "eraser")
    draw(page, [[(60, 140), (160, 140)]])
    choose_net(page, "MyVggNet")
    choose_layer(page, "conv2")
    shown = all_that_is_shown(page)
    link = link_of(page)
    expect(page.locator(".pad-note")).to_contain_text("Copied:")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    other = open_page(fragment=link)
    assert all_that_is_shown(other) == shown
    click(other, "undo")  # a drawing like any other, and the address follows it
    other.wait_for_function("(link) => location.hash !== link", arg=link)
    undone = all_that_is_shown(other)
    assert undone != shown
    again = "#" + other.url.partition("#")[2]

    page.evaluate("() => { location.hash = '#net=LeNet&stage=LeNet+conv1&ink=eJyLjgUAARUAuA'; }")
    expect(page.locator(".pad-note")).to_have_text(
        "This link is damaged: its drawing cannot be shown."
    )
    expect(answer(page)).to_have_text(EMPTY)
    expect(page.locator(".pad-hint")).to_be_visible()
    page.get_by_role("tab", name="Benchmark").click()
    page.evaluate("(fragment) => { location.hash = fragment; }", again)
    expect(page.locator("#canvas canvas")).to_be_visible()
    expect(page.locator(".pad-note")).to_be_hidden()
    wait_until(page, lambda: all_that_is_shown(page) == undone)

    page.evaluate(SCRIBBLE)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    click(page, "link")
    expect(page.locator(".pad-note")).to_have_text("This drawing is too long for a link.")
    assert "#" not in page.url
    click(page, "clear")
    link_of(page)
    expect(page.locator(".pad-note")).to_contain_text("Copy this:")


def test_what_is_chosen_before_the_scripts_have_loaded_counts(server: str, browser: Any) -> None:
    page = browser.new_context().new_page()
    held: list[Any] = []
    page.route("**/scripts/*/canvas.js", lambda route: held.append(route))
    page.goto(server, wait_until="commit")
    choose_net(page, "MyVggNet")
    wait_until(page, lambda: bool(held))
    expect(page.locator(".answer h2")).to_contain_text("MyVggNet")
    assert page.locator("canvas[data-ready]").count() == 0
    held[0].continue_()
    page.locator("canvas[data-ready]").wait_for()
    assert "net=MyVggNet" in link_of(page)
    draw(page, DIGITS["1"])
    expect(answer(page)).to_have_text("1")
    page.context.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_it_fits_and_axe_finds_nothing(scheme: str, width: int, open_page: Open) -> None:
    page = open_page(width, 800, color_scheme=scheme)

    def check_width(name: str) -> None:
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{name} is {overflow} px too wide"

    def check(name: str) -> None:
        check_width(name)
        assert axe_findings(page) == [], name

    check_width("empty")
    draw(page, DIGITS["8"])
    expect(answer(page)).to_have_text("8")
    page.locator("canvas[data-key='conv1']").nth(2).press("Enter")
    expect(page.locator("[data-is=value]")).to_be_visible()
    page.keyboard.press("Escape")  # on a narrow screen the map is enlarged
    check("read")
    page.get_by_role("tab", name="Upload").click()
    expect(page.get_by_role("button", name="a blank")).to_be_visible()
    check("upload")
    page.get_by_role("button", name="a number").click()
    expect(page.locator(".answer-text")).to_have_text("2049")
    text, words = (page.locator(f".answer-{part}").bounding_box() for part in ("text", "verdict"))
    assert text["x"] + text["width"] <= words["x"] or text["y"] + text["height"] <= words["y"]
    assert page.locator(".answer-text").evaluate("text => text.scrollWidth <= text.clientWidth")
    check_width("number")


def test_the_api_reads_and_gives_maps(server: str) -> None:
    gradio_client = pytest.importorskip("gradio_client")
    client = gradio_client.Client(server, verbose=False)
    picture = gradio_client.handle_file(str(example("number")))
    read = client.predict(picture, "all", api_name="/read")
    assert read["text"] == "2049"
    assert len(read["digits"]) == 4
    maps = client.predict(picture, "LeNet", api_name="/maps")["maps"]
    assert len(maps["conv1"]) == 6
    client.close()
