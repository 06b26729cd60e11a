"""What visitors meet first: which net answers, what survives a reload, what the page says."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from mnistcore.models import list_models
from mnistcore.page.views import layer_names
from mnistcore.reading.recognizer import EVEN
from tests.tools.visiting import (
    DIGITS,
    EMPTY,
    Open,
    Page,
    Strokes,
    answer,
    choose_layer,
    choose_net,
    click,
    draw,
    expect,
    wait_until,
)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]

NOT_DIGITS: dict[str, Strokes] = {
    "A": [[(150, 230), (210, 50), (270, 230)], [(175, 160), (245, 160)]],
    "X": [[(150, 60), (270, 220)], [(270, 60), (150, 220)]],
    "plus": [[(210, 60), (210, 220)], [(130, 140), (290, 140)]],
}
MANY = 3  # refusals in a row
LAST_BUT_ONE = "MyVggNet"


@pytest.fixture
def page(open_page: Open) -> Page:
    return open_page(drawn_on=True)


@pytest.fixture
def returning(server: str, browser: Any) -> Iterator[Page]:
    """A page that may be left or lose its server, of which Gradio complains on the console."""
    page = browser.new_page()
    page.goto(server)
    page.locator("#canvas canvas[data-ready]").wait_for()
    yield page
    page.close()


def show_answer(page: Page) -> dict[str, Any]:
    """The number in large, the sentence, and the greatest probability of the bars, in percent."""
    shown: dict[str, Any] = page.evaluate("""() => ({
        text: document.querySelector(".answer-text").textContent,
        sentence: document.querySelector(".answer-verdict").textContent,
        detail: document.querySelector(".answer-detail").textContent,
        best: document.querySelectorAll(".bars .best").length,
        most: Math.max(...[...document.querySelectorAll(".bar-value")].map((bar) =>
            Number(bar.textContent))),
    })""")
    return shown


def test_no_digit_is_shown_in_large_where_the_net_sees_none(page: Page) -> None:
    silent = 0
    for name, strokes in NOT_DIGITS.items():
        if name != "A":
            click(page, "clear")
        draw(page, strokes)
        answer(page)  # from now on, the heading changes with the answer
        for net in ("LeNet", LAST_BUT_ONE, "All five"):
            choose_net(page, net)
            title = "All five together" if net == "All five" else net
            expect(page.locator(".answer h2")).to_contain_text(title)
            shown = show_answer(page)
            if shown["most"] < 100 * EVEN:
                silent += 1
                assert shown["text"] == EMPTY
                assert shown["best"] == 0
                assert (
                    shown["sentence"]
                    == "This doesn\N{RIGHT SINGLE QUOTATION MARK}t look like a digit."
                )
                assert re.search(r"\bnets? (says?|sees) ", shown["detail"])
            if shown["sentence"].startswith("This doesn"):
                assert shown["text"] == EMPTY
    assert silent > 0


def test_the_maps_follow_the_net_and_the_layer_is_chosen_within_it(page: Page) -> None:
    draw(page, DIGITS["4"])
    expect(answer(page)).to_have_text("4")
    heading, layer = page.locator("#layer h2"), page.locator("#layer select")
    for net in [*list_models(), "All five"]:
        choose_net(page, net)
        of = "LeNet" if net == "All five" else net
        expect(heading).to_have_text(f"Feature maps of {of}")
        assert layer.locator("option").all_inner_texts() == layer_names()[of]
        expect(page.locator("#maps canvas[data-key='conv1']").first).to_be_visible()
    choose_net(page, LAST_BUT_ONE)
    choose_layer(page, "conv2")
    expect(page.locator("#maps canvas[data-key='conv2']").first).to_be_visible()
    choose_net(page, "MyNetV1")  # has such a layer, too
    assert layer.input_value() == "conv2"
    choose_net(page, LAST_BUT_ONE)
    choose_layer(page, "conv7")
    expect(page.locator("#maps canvas[data-key='conv7']").first).to_be_visible()
    choose_net(page, "LeNet")  # has none, so its first is shown
    assert layer.input_value() == "conv1"
    expect(page.locator("#maps canvas[data-key='conv1']")).to_have_count(6)


def test_a_drawing_and_the_choice_outlive_a_reload(returning: Page) -> None:
    page = returning
    draw(page, DIGITS["5"])
    choose_net(page, LAST_BUT_ONE)
    choose_layer(page, "conv3")
    expect(page.locator("#maps canvas[data-key='conv3']").first).to_be_visible()
    before = page.evaluate("document.querySelector('#canvas canvas').toDataURL()")

    def expect_the_same() -> None:
        page.locator("#canvas canvas[data-ready]").wait_for()
        expect(page.locator(".answer-text")).to_have_text("5")
        assert page.evaluate("document.querySelector('#canvas canvas').toDataURL()") == before
        expect(page.locator(".answer h2")).to_contain_text(LAST_BUT_ONE)
        assert page.locator("#layer select").input_value() == "conv3"
        expect(page.locator("#maps canvas[data-key='conv3']").first).to_be_visible()

    page.reload()
    expect_the_same()
    page.goto("about:blank")
    page.go_back()
    expect_the_same()
    click(page, "clear")
    expect(answer(page)).to_have_text(EMPTY)
    page.reload()
    page.locator("#canvas canvas[data-ready]").wait_for()
    expect(page.locator(".pad-hint")).to_be_visible()
    assert page.locator(".answer-text").inner_text() == EMPTY
    expect(page.locator(".answer h2")).to_contain_text(LAST_BUT_ONE)


def test_a_drawing_from_a_link_outlives_a_reload_and_a_choice_the_way_back(
    returning: Page,
) -> None:
    page = returning
    draw(page, DIGITS["4"])
    expect(answer(page)).to_have_text("4")
    click(page, "link")
    page.wait_for_url("**/#net=*")
    page.get_by_role("tab", name="Benchmark").click()
    choose_net(page, LAST_BUT_ONE)
    page.go_back()
    page.wait_for_url(f"**/#net={LAST_BUT_ONE}*")
    expect(page.locator("#choice input:checked")).to_have_value(LAST_BUT_ONE)
    link = page.url
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    page.goto(link)
    expect(page.locator(".answer-text")).to_have_text("4")
    page.get_by_role("tab", name="Benchmark").click()
    page.reload()
    page.get_by_role("tab", name="Read").click()
    expect(page.locator(".answer-text")).to_have_text("4")


def test_the_address_names_the_open_tab(returning: Page) -> None:
    page = returning

    def selected() -> str:
        return str(page.locator("[role=tab][aria-selected=true]").first.inner_text())

    draw(page, DIGITS["7"])
    expect(answer(page)).to_have_text("7")
    start = page.url
    for name in ("Benchmark", "About"):
        page.get_by_role("tab", name=name).click()
        page.wait_for_url(f"**/#{name.lower()}")
    page.go_back()
    expect(page.locator(".misread button").first).to_be_visible()
    assert selected() == "Benchmark"
    page.go_back()
    expect(page.locator("#canvas canvas")).to_be_visible()
    assert (selected(), page.url) == ("Read", start)
    expect(page.locator(".answer-text")).to_have_text("7")
    page.go_forward()
    expect(page.locator(".misread button").first).to_be_visible()
    page.reload()
    expect(page.locator(".misread button").first).to_be_visible()
    assert selected() == "Benchmark"
    choose_net(page, "MyNetV2")
    expect(page.locator("#results-table .chosen").first).to_contain_text("MyNetV2")
    assert page.url.endswith("#benchmark")
    page.get_by_role("tab", name="Read").click()
    expect(page.locator(".answer-text")).to_have_text("7")
    expect(page.locator(".answer h2")).to_contain_text("MyNetV2")


def test_it_says_that_it_waits_and_reads_the_drawing_when_the_server_is_back(
    returning: Page,
) -> None:
    page = returning
    held: list[Any] = []
    refused: list[Any] = []
    page.route("**/queue/join*", lambda route: held.append(route))
    draw(page, DIGITS["1"])
    sentence, text = page.locator(".answer-verdict"), page.locator(".answer-text")
    expect(sentence).to_have_text("Reading\N{HORIZONTAL ELLIPSIS}")
    expect(sentence).to_have_text("The server is not responding.")
    for route in held:
        route.continue_()
    page.unroute_all()
    expect(text).to_have_text("1")
    expect(sentence).to_have_text("A 1.")
    busy = {"status": 503, "json": {"detail": "busy"}}
    page.route("**/queue/join*", lambda route: refused.append(route.fulfill(**busy)))
    click(page, "clear")
    draw(page, DIGITS["4"])
    wait_until(page, lambda: len(refused) > MANY)
    expect(sentence).to_have_text("The server is not responding.")
    page.unroute_all()
    expect(text).to_have_text("4")
    page.route("**/gradio_api/**", lambda route: route.abort())
    click(page, "clear")
    draw(page, DIGITS["7"])
    expect(sentence).to_have_text("The server is not responding.")
    page.unroute_all()  # the page finds out by itself, and loads again
    expect(text).to_have_text("7")


def test_after_clear_the_pen_is_a_pen_again(page: Page) -> None:
    draw(page, DIGITS["8"])
    click(page, "eraser")
    click(page, "clear")
    assert page.locator("[data-tool=pen]").get_attribute("aria-pressed") == "true"
    draw(page, DIGITS["1"])
    expect(answer(page)).to_have_text("1")


def test_the_nets_are_one_group_of_radio_buttons(page: Page) -> None:
    group = page.get_by_role("group", name="Net")
    assert group.get_by_role("radio").count() == len(list_models()) + 1
    group.get_by_role("radio", name="LeNet").focus()
    page.keyboard.press("ArrowRight")
    expect(group.get_by_role("radio", name="MyFullConvNet")).to_be_checked()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(group.get_by_role("radio", name="All five")).to_be_checked()
    wait_until(page, lambda: "All five" in page.locator(".answer h2").inner_text())
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.closest('#choice')")
