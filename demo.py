"""The page: draw or upload digits, watch five nets read them, and look inside.

``python demo.py`` starts it with the weights in assets/weights. This file holds the layout, the
text and the launch; ``mnistcore.page`` has the rest.
"""

import argparse
import signal
import sys
from itertools import cycle
from pathlib import Path
from typing import Any

import gradio as gr
import torch

from mnistcore.device import is_zero_gpu, share_one_heap
from mnistcore.files import STATIC, error_words
from mnistcore.page import guard, launch, views
from mnistcore.page.api import NETS, Endpoints
from mnistcore.page.cache import CachedRecognizer
from mnistcore.page.components import EXAMPLES, THEME, html, view
from mnistcore.page.events import (
    BenchmarkTab,
    ReadTab,
    connect_benchmark,
    connect_reading,
    connect_tabs,
)
from mnistcore.page.handlers import Handlers
from mnistcore.page.trainings import Trainings
from mnistcore.reading.recognizer import Recognizer

COLOURS = dict(zip(NETS, cycle(["#4c78a8", "#f58518", "#e45756", "#439a92", "#b279a2"])))
# The example on the About tab calls this very page, wherever it runs.
OWN_ADDRESS = r"""text => text.replace(/Client\(".*?"\)/,
    `Client("${location.origin}${location.pathname}")`)"""


def read_tab(handlers: Handlers, choices: dict[str, Any], teaching: list[Any]) -> ReadTab:
    """The canvas and the picture, the answer, the steps, and the maps."""
    nets = handlers.recognizer.names
    with gr.Row(elem_id="top"):
        with gr.Column(min_width=320, elem_id="input"), gr.Tabs() as inputs:
            with gr.Tab("Draw", id="draw", elem_id="draw") as draw_tab:
                hint = "Draw a digit, or a number with several digits"
                pad = view("canvas", pen=20, hint=hint, **choices)
            with gr.Tab("Upload, paste, camera", id="upload") as upload_tab:
                picture = view("picture", maxFile=guard.MAX_FILE, examples=list(EXAMPLES))
        with gr.Column(min_width=320, elem_id="output"):
            hint = "Draw on the black canvas, or upload a picture."
            params = views.num_params()
            answer = view("answer", nets=nets, titles=views.TITLES, params=params, hint=hint)
            view("correct")
    view("tour")
    html("<h2>How the picture was read</h2>")
    steps = view("steps")
    # What the visitor opens asks the server by itself.
    why, curves, flip = guard.limit_concurrency(
        guard.MAX_LONG, handlers.why, handlers.curves, handlers.flip
    )
    zips = guard.limit_concurrency(guard.MAX_LONG, handlers.export_digits, handlers.import_digits)
    quick = handlers.look, handlers.arithmetic, handlers.change, handlers.units, handlers.unit
    atlas = handlers.atlas, handlers.nearest, handlers.training_digit
    look, arithmetic, change, units, unit, *of_atlas = guard.limit_concurrency(
        guard.MAX_UNQUEUED, *quick, *atlas
    )
    view("why", nets=nets, server_functions=[why])
    view("change", changes=views.changes(), server_functions=[change, curves, flip])
    view("atlas", server_functions=of_atlas)
    layer = view("layer", layers=choices["layers"], mapsOf={views.ALL: views.NET_OF_ALL})
    maps = view("maps", server_functions=[look, arithmetic])
    view("slide")
    view("units", server_functions=[units, unit])
    view("hand", mostBytes=guard.MAX_ZIP, server_functions=[*zips, *teaching])
    return ReadTab(inputs, draw_tab, upload_tab, pad, picture, layer, [answer, steps, maps])


def benchmark_tab(tab: gr.Tab) -> BenchmarkTab:
    """The table, the curves, and the errors of the chosen net."""
    table = view("results", part="top", name="results-table")
    view("results", part="epochs", name="epochs", colours=COLOURS)
    curves = gr.LinePlot(
        x="epoch",
        y="accuracy %",
        color="net",
        color_map=COLOURS,
        colors_in_legend=[],
        y_lim=[98, 100],
        height=340,
        show_label=False,
        elem_id="curves",
    )
    return BenchmarkTab(tab, table, curves, errors=view("results", part="errors"))


def build(recognizer: Recognizer, trainings: Trainings | None = None) -> gr.Blocks:
    """The page around a recognizer; nothing is started. Without ``trainings``, nobody can train."""
    endpoints = Endpoints(recognizer)
    handlers = Handlers(recognizer, trainings.find) if trainings else Handlers(recognizer)
    nets, layers = recognizer.names, views.layer_names()
    choices: dict[str, Any] = {"nets": [*nets, *views.together(nets)], "layers": layers}
    with gr.Blocks(
        title="mnistcore",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(3600, 3600),  # every hour, uploads that are an hour old are deleted
    ) as demo:
        with gr.Row(elem_id="head"):
            html("<h1>mnistcore</h1><p>Five small nets read your handwriting.</p>", "title")
            choice = view(
                "choice",
                value=f"{nets[0]} {layers[nets[0]][0]}",
                **choices,
                titles={views.ALL: "All five" if len(nets) == len(NETS) else "All"},
            )
        with gr.Tabs(elem_id="pages") as pages:
            with gr.Tab("Read", id="read") as read_page:
                read = read_tab(handlers, choices, trainings.teach_functions() if trainings else [])
            tabs = [read_page]
            if trainings:
                with gr.Tab("Train", id="train") as train_page:
                    view("train", **trainings.form, server_functions=trainings.server_functions())
                tabs.append(train_page)
            with gr.Tab("Benchmark", id="benchmark") as benchmark_page:
                benchmark = benchmark_tab(benchmark_page)
            with gr.Tab("About", id="about") as about_page:
                text = (STATIC / "about.md").read_text(encoding="utf-8")
                about = gr.Markdown(text, elem_id="about")
        tabs += [benchmark_page, about_page]
        address = view("address", tabs=[tab.id for tab in tabs])
        connect_tabs(pages, tabs, address)
        connect_reading(handlers, choice, pages, read)
        connect_benchmark(handlers, choice, pages, read, benchmark)
        demo.load(None, about, about, js=OWN_ADDRESS, api_visibility="private")
        gr.api(endpoints.read_digits, api_name="read")
        gr.api(endpoints.feature_maps, api_name="maps")
        gr.api(endpoints.explain, api_name="explain")
    # Every event is queued. At a rate of 1, not every answer tells all who wait how long.
    return demo.queue(max_size=guard.MAX_WAITING, api_open=False, status_update_rate=1)


def serve(args: argparse.Namespace, folder: Path) -> None:
    """Build the page and serve it until the process is stopped; trained nets go to the folder.

    Raises:
        OSError, ValueError: the weights, the device or the port cannot be used.
    """
    launch.set_environment()
    share_one_heap()
    torch.set_num_threads(1)  # two drawings are read at a time: more threads would compete
    port = launch.choose_port(args.host, args.port)
    recognizer = CachedRecognizer(args.weights, args.device)
    recognizer.load()  # now, not at the first stroke, so that damaged weights show at once
    app_kwargs: dict[str, Any] = {}
    if args.mcp:
        from mnistcore.page.tools import mcp_app_kwargs  # its package is optional

        app_kwargs = mcp_app_kwargs(Endpoints(recognizer))
    trainings = None
    if args.train:
        from mnistcore.training.offer import offer  # reading and showing need nothing that trains

        device, offered = str(recognizer.device), offer(args.data_dir, folder)
        trainings = Trainings(args.train, device, folder, *offered, weights=args.weights)
    build(recognizer, trainings).launch(
        server_name=args.host,
        server_port=port,
        share=args.share,
        theme=THEME,
        css_paths=[STATIC / "page.css"],
        ssr_mode=False,
        run_history=False,
        footer_links=["api"],
        mcp_server=False,  # ours is among the routes
        **launch.launch_arguments(**app_kwargs),
    )


def main() -> None:
    """Start the page from the command line."""
    args = launch.parse_flags()
    if is_zero_gpu():
        import spaces  # type: ignore[import-not-found] # a Space has it

        # ZeroGPU stops a Space in which no function asks for its GPU. Nobody calls this one: it
        # takes seconds to borrow a card, and the five nets read in milliseconds.
        spaces.GPU(lambda: None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that the uploads are deleted
    try:
        with launch.upload_folder() as folder:
            serve(args, folder)
    except (OSError, ValueError) as error:
        launch.exit_with(error_words(error))


if __name__ == "__main__":
    main()
