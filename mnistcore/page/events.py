"""Which handler each event of the page calls, and the little JavaScript that joins them."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from mnistcore.page.handlers import Handlers, put_on_canvas, show_curves

# Whether the canvas is open, not the picture. Both may be hidden by another page's tab: the style
# of the tab itself tells which of the two comes back.
DRAWING = """((tab) => tab !== null && getComputedStyle(tab).display !== "none")(
    document.querySelector("#draw"))"""
# Questions are numbered, so that the page can drop late answers and knows that it waits for one. -1
# marks one that nobody will see, because its tab has been left. shared.js counts on, too.
NEXT = """((detail) => {
    document.dispatchEvent(new CustomEvent("mnist-asked", { detail }));
    return (window.asked = detail);
})((window.asked ?? 0) + 1)"""
ASK_ABOUT_DRAWING = f"(...inputs) => [...inputs.slice(0, -1), {DRAWING} ? {NEXT} : -1]"
ASK_ABOUT_PICTURE = f"(...inputs) => [...inputs.slice(0, -1), {DRAWING} ? -1 : {NEXT}]"
ASK_AGAIN = f"""(drawing, picture, choice) => {DRAWING}
    ? [drawing, null, choice, {NEXT}] : [null, picture, choice, {NEXT}]"""
OPEN_THE_CANVAS = """() => ["read", "draw"].map((selected) => ({ __type__: "update", selected }))"""
OPEN_THE_TAB = "(selected) => ({ __type__: 'update', selected })"
ASK_AFTER_FAILURE: dict[str, Any] = {
    "fn": None,
    "js": "() => { document.dispatchEvent(new CustomEvent('mnist-failed')); return []; }",
    "api_visibility": "private",
}
READING: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "trigger_mode": "always_last",
    "concurrency_id": "read",
    "concurrency_limit": 2,
}


@dataclass(frozen=True)
class ReadTab:
    """The components of the Read tab that take part in events."""

    inputs: gr.Tabs
    draw_tab: gr.Tab
    upload_tab: gr.Tab
    pad: gr.HTML
    picture: gr.HTML
    layer: gr.HTML
    views: list[gr.HTML]  # answer, steps, maps


@dataclass(frozen=True)
class BenchmarkTab:
    """The components of the Benchmark tab that take part in events."""

    tab: gr.Tab
    table: gr.HTML
    curves: gr.LinePlot
    errors: gr.HTML


def connect_reading(handlers: Handlers, choice: gr.HTML, pages: gr.Tabs, read: ReadTab) -> None:
    """Read what is drawn or uploaded, and again when another net or layer is chosen."""
    asked = gr.Number(visible=False)
    pad, picture = read.pad, read.picture
    drawing = [pad, choice, asked]
    gr.on(
        [pad.input, read.draw_tab.select],
        handlers.show_drawing,
        drawing,
        read.views,
        js=ASK_ABOUT_DRAWING,
        **READING,
    ).failure(**ASK_AFTER_FAILURE)
    pad.submit(None, None, [pages, read.inputs], js=OPEN_THE_CANVAS, api_visibility="private").then(
        handlers.show_drawing, drawing, read.views, js=ASK_ABOUT_DRAWING, **READING
    ).failure(**ASK_AFTER_FAILURE)
    gr.on(
        [picture.input, read.upload_tab.select],
        handlers.show_picture,
        [picture, choice, asked],
        read.views,
        js=ASK_ABOUT_PICTURE,
        **READING,
    ).failure(**ASK_AFTER_FAILURE)
    gr.on(
        [choice.input, read.layer.input, pad.retry],
        handlers.show_again,
        [pad, picture, choice, asked],
        read.views,
        js=ASK_AGAIN,
        **READING,
    ).failure(**ASK_AFTER_FAILURE)


def connect_tabs(pages: gr.Tabs, tabs: list[gr.Tab], address: gr.HTML) -> None:
    """Name the open tab in the address, and open the tab that the address names."""
    address.select(None, address, pages, js=OPEN_THE_TAB, api_visibility="private")
    for tab in tabs:
        say = f"document.dispatchEvent(new CustomEvent('mnist-tab', {{ detail: '{tab.id}' }}))"
        tab.select(None, None, None, js=f"() => {{ {say}; return []; }}", api_visibility="private")


def connect_benchmark(
    handlers: Handlers, choice: gr.HTML, pages: gr.Tabs, read: ReadTab, benchmark: BenchmarkTab
) -> None:
    """Show the results of the chosen net; put a misread digit that is clicked on the canvas."""
    # The table asks for another net's results when it is visible.
    gr.on(
        [benchmark.tab.select, benchmark.table.submit],
        handlers.show_results,
        choice,
        [benchmark.table, benchmark.errors],
        **READING,
    )
    benchmark.tab.select(show_curves, None, benchmark.curves, api_visibility="private")
    benchmark.errors.click(
        put_on_canvas, None, [pages, read.inputs, read.pad], api_visibility="private"
    )
