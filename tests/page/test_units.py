"""The rest of a net, from its maps to the answer, and the way back, in a real Chromium."""

import pytest
import torch

from mnistcore.data import normalize
from mnistcore.inside import arithmetic, unit_arithmetic
from mnistcore.page.views import unpack_digit
from mnistcore.reading.recognizer import Recognizer
from tests.tools.visiting import (
    DIGITS,
    FINGER,
    Open,
    Page,
    answer,
    axe_findings,
    choose_net,
    draw,
    expect,
    numbers,
    questions_of,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def ledger(page: Page) -> list[list[str]]:
    """The rows of the ledger: products, and what follows."""
    rows = page.locator(".units .ledger tr").all()
    return [row.locator("th, td").all_inner_texts() for row in rows]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_one_walks_from_a_logit_back_to_a_pixel(scheme: str, width: int, open_page: Open) -> None:
    page = open_page(width, 900, color_scheme=scheme, has_touch=width < 500)
    questions = questions_of(page, "units")
    draw(page, DIGITS["8"])
    expect(answer(page)).to_have_text("8")
    assert questions == []  # what is folded is not computed
    page.locator(".units summary").click()
    title = page.locator(".units .arithmetic h3")
    expect(title).to_have_text("Logit of 8")
    assert axe_findings(page, "#units") == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

    model = Recognizer(device="cpu").net("LeNet")
    image = normalize(torch.tensor(unpack_digit(questions[-1]["image"])))[None, None]
    unit = 8
    for layer, before in (("fc3", "fc2"), ("fc2", "fc1"), ("fc1", "")):
        found = unit_arithmetic(model, image, layer, unit)
        rows = ledger(page)
        products = (found.inputs * found.weights).tolist()
        for texts, product in zip(rows, products, strict=False):
            assert numbers(texts[1]) == pytest.approx([product], abs=6e-5)
        sums = {texts[0]: numbers(texts[1])[0] for texts in rows[len(products) :]}
        assert sums["= sum"] == pytest.approx(found.value, abs=6e-5)
        assert sums.get("ReLU") == (found.relu and pytest.approx(found.relu, abs=6e-5))
        unit = found.sources[0]
        step = page.locator(".units .walk").first
        assert step.bounding_box()["height"] >= (FINGER if width < 500 else 24)
        step.click()
        if before:
            expect(title).to_have_text(f"{before}, unit {unit + 1}")

    channel, row, column = unit // 16, unit // 4 % 4, unit % 4
    name = "conv2+relu+pool"
    for words in ("conv2 + ReLU + max pooling", "conv1 + ReLU + max pooling"):
        place = f"Map {channel + 1}, row {row + 1}, column {column + 1}, of {words}"
        expect(page.locator("#maps .arithmetic h3")).to_have_text(place)
        there = arithmetic(model, image, name, channel, row, column)
        shown = page.locator("#maps [data-is=value]").inner_text()
        assert numbers(shown) == pytest.approx([there.value], abs=6e-5)
        terms = there.patch * there.kernel
        channel = int(terms.sum((1, 2)).abs().argmax())
        at = int(terms[channel].abs().argmax())
        side = there.patch.shape[-1]
        name, top, left = there.source
        row, column = top + at // side, left + at % side
        page.locator("#maps .arithmetic .walk").first.click()
    ink = float(image[0, 0, row, column])
    expect(page.locator("#maps .tip")).to_contain_text(f"row {row + 1}, column {column + 1}, ink ")
    assert numbers(page.locator("#maps .tip b").inner_text()) == pytest.approx([ink], abs=6e-5)


def test_all_units_of_a_large_net_by_keyboard(open_page: Open) -> None:
    page = open_page(1280, 900)
    choose_net(page, "MyNetV1")
    draw(page, DIGITS["4"])
    expect(answer(page)).to_have_text("4")
    page.locator(".units summary").press("Enter")
    expect(page.locator(".units .arithmetic h3")).to_have_text("Logit of 4")
    expect(page.locator(".units figure").nth(1)).to_contain_text("dropout left out 50 %")
    expect(page.locator(".units-softmax tbody tr")).to_have_count(10)
    page.locator("canvas[data-layer=fc3]").press("ArrowRight")
    expect(page.locator(".units .arithmetic h3")).to_have_text("Logit of 5")
    page.locator("canvas[data-layer=fc1]").press("ArrowDown")
    expect(page.locator(".units .arithmetic h3")).to_have_text("fc1, unit 129")
    page.locator("canvas[data-layer=flatten]").press("Enter")
    expect(page.locator("#maps .arithmetic h3")).to_have_text(
        "Map 1, row 1, column 1, of conv4 + ReLU"
    )
    expect(page.locator(".layer select")).to_have_value("conv4")
