"""The page: draw or upload digits, watch five nets read them, and look inside.

``python demo.py`` starts it on the weights in assets/weights. This file is layout, words and
events; whatever is computed comes from mnistcore.
"""

import argparse
import atexit
import base64
import signal
import sys
from importlib import import_module
from itertools import cycle
from pathlib import Path
from typing import Any

import gradio as gr
import gradio.mcp
import torch
from gradio.data_classes import ImageData
from gradio.route_utils import delete_files_created_by_app

from mnistcore.device import is_zero_gpu, share_one_heap
from mnistcore.files import ASSETS, STATIC, WEIGHTS
from mnistcore.models import list_models
from mnistcore.page import api, results_view, views
from mnistcore.page.components import view
from mnistcore.page.guard import (
    MAX_WAITING,
    Remembering,
    Tools,
    beside_the_queue,
    checked,
    is_upload,
    settings,
    told,
)
from mnistcore.reading.picture import PictureError
from mnistcore.reading.recognizer import Reading, Recognizer
from mnistcore.results import load_results

EXAMPLES = ASSETS / "examples"
FIRST_STAGE = "LeNet conv1"
ALL = "all"
COLOURS = ("#4c78a8", "#f58518", "#e45756", "#439a92", "#b279a2")  # of the nets' curves
# In the browser alone: the canvas tells the page what a link names, and hears what is chosen.
LINKED = """() => [
    ...JSON.parse(document.querySelector("#canvas canvas").dataset.choice),
    ...["read", "draw"].map((selected) => ({ __type__: "update", selected })),
]"""
CHOSEN = """(net, stage) => {
    window.chosen = { net, stage }; // for a script that loads later
    document.dispatchEvent(new CustomEvent("mnist-choice", { detail: window.chosen }));
    return [];
}"""
DRAWN = "(document.querySelector('#draw').style.display !== 'none')"  # else the picture is open
# Questions are numbered, and so are the answers to them; -1 is about what is no longer open.
NEXT = "(window.asked = (window.asked ?? 0) + 1)"
ASKED = f"(...given) => [...given.slice(0, -1), {DRAWN} ? {NEXT} : -1]"
ASKED_OF_PICTURE = f"(...given) => [...given.slice(0, -1), {DRAWN} ? -1 : {NEXT}]"
ASKED_AGAIN = f"""(drawing, picture, net, stage) => {DRAWN}
    ? [drawing, null, net, stage, {NEXT}] : [null, picture, net, stage, {NEXT}]"""
FAILED: dict[str, Any] = {
    "fn": None,
    "js": "() => { document.dispatchEvent(new CustomEvent('mnist-failed')); return []; }",
    "api_visibility": "private",
}
WEIGHTS_SHIPPED = (400, 700)  # Gradio's SemiBold files hold a few letters only
THEME = gr.themes.Base(
    primary_hue="teal",
    neutral_hue="zinc",
    font=[gr.themes.LocalFont("IBM Plex Sans", WEIGHTS_SHIPPED), "system-ui", "sans-serif"],
    font_mono=[gr.themes.LocalFont("IBM Plex Mono", WEIGHTS_SHIPPED), "ui-monospace", "monospace"],
).set(
    body_background_fill="#fafaf8",
    body_background_fill_dark="#131417",
    block_background_fill_dark="#1a1c20",
    background_fill_primary_dark="#1a1c20",
)


def picture_input() -> gr.Image:
    """An image that is passed on unopened, so that an odd file gets our words, not a traceback."""

    @checked
    def unopened(payload: ImageData | None) -> Path | bytes | None:
        if payload is None:
            return None
        if payload.url and payload.url.startswith("data:"):
            return base64.b64decode(payload.url.partition("base64,")[2])
        if not payload.path:
            return None
        # Gradio looks only at the paths of those that call themselves its FileData.
        if not is_upload(Path(payload.path)):
            raise told("Upload the picture: a path names nothing here.")
        return Path(payload.path)

    picture = gr.Image(
        sources=["upload", "clipboard", "webcam"], label="Picture", show_label=False,
        height=320, elem_id="picture", buttons=[],
        webcam_options=gr.WebcamOptions(  # mirrored digits are others; phones look away
            mirror=False, constraints={"video": {"facingMode": {"ideal": "environment"}}}
        ),
    )  # fmt: skip
    picture.preprocess = unopened  # type: ignore[method-assign]
    return documented(picture, "a file or a data URL of a picture")


def documented(component: Any, description: str, **schema: Any) -> Any:
    """A component of which the API's own pages tell more than Gradio knows."""
    words = dict.fromkeys(["description", "additional_description"], description)
    info = component.api_info() | words | schema
    component.api_info = lambda: info
    return component


def model_input(choices: list[str], description: str) -> gr.Radio:
    """The net that a program asks for, in any case; by default the first."""

    def known(name: Any) -> str:
        for choice in choices:
            if choice.lower() == str(name).lower():
                return choice
        raise told(f"There is no model {str(name)[:40]!r}; choose from {', '.join(choices)}.")

    model = gr.Radio(choices, value=choices[0], label="Model", visible=False)
    model.preprocess = known  # type: ignore[assignment,method-assign]
    return documented(model, description)


def parse_drawing(value: str | None) -> tuple[int, bytes | None]:
    """The canvas's "<number> <data URL>" -> the drawing's number and picture, None where empty.

    Raises:
        ValueError: it does not come from the canvas.
    """
    number, _, url = (value or "0 ").partition(" ")
    data = url.partition("base64,")[2]
    return int(number), base64.b64decode(data) if data else None


def show(
    recognizer: Recognizer, picture: Path | bytes | None, model: str, stage: str, **extra: Any
) -> tuple[str, str, str]:
    """What the three views show of a picture, or of none.

    Raises:
        gr.Error: the picture can't be read; in one sentence.
    """
    if picture is None:
        empty = views.to_json({"model": model} | extra)
        return empty, empty, empty
    reading = _read(recognizer, picture, model)
    maps: Any = {}
    if reading.digits:
        maps = views.maps_data(recognizer, reading.digits[0].image, stage)
        maps["digits"] = [views.pack(digit.image) for digit in reading.digits]
    parts = views.answer_data(reading), views.steps_data(reading), maps
    answer, steps, maps = (
        views.to_json(part | extra | {"model": model, "drawn": True}) for part in parts
    )
    return answer, steps, maps


def _read(recognizer: Recognizer, picture: Path | bytes | None, model: str) -> Reading:
    if picture is None:
        raise told("There is no picture.")
    try:  # the bytes, so that no path is told
        content = picture.read_bytes() if isinstance(picture, Path) else picture
    except OSError as error:
        raise told("The picture is no longer on the server: upload it again.") from error
    try:
        return recognizer.read(content, model)
    except PictureError as error:
        sentence = str(error).replace("the data", "this file", 1)
        raise told(f"{sentence[0].upper()}{sentence[1:]}.") from error


def read_api(recognizer: Recognizer, picture: Path | bytes | None, model: str) -> dict[str, Any]:
    """What ``/read`` answers."""
    return _read(recognizer, picture, model).summary()


def maps_api(
    recognizer: Recognizer, picture: Path | bytes | None, model: str, layer: str = ""
) -> dict[str, Any]:
    """What ``/maps`` answers."""
    digits = _read(recognizer, picture, model).digits
    if not digits:
        raise told("There is no digit on the picture.")
    stages = views.feature_maps(recognizer, digits[0].image, model).values()
    maps = {name: planes for stage in stages for name, planes in stage.items()}
    if layer:
        if layer not in maps:
            raise told(f"{model} has no layer of that name; choose from {', '.join(maps)}.")
        maps = {layer: maps[layer]}
    numbers = {name: planes.tolist() for name, planes in maps.items()}
    return {"model": model, "image": digits[0].image.tolist(), "maps": numbers}


def build(recognizer: Recognizer) -> gr.Blocks:
    """The page around a recognizer; nothing is started."""

    @beside_the_queue
    @checked
    def look(question: dict[str, Any]) -> dict[str, Any]:
        return views.maps_data(
            recognizer, views.unpack_digit(question["digit"]), str(question["stage"])
        )

    @beside_the_queue
    @checked
    def explain(question: dict[str, Any]) -> dict[str, Any]:
        place = [int(question[key]) for key in ("channel", "row", "column")]
        digit, stage = views.unpack_digit(question["digit"]), str(question["stage"])
        return views.arithmetic_data(recognizer, digit, stage, str(question["name"]), *place)

    nets = list_models()
    stages = [f"{net} {conv}" for net, convs in views.stage_names().items() for conv in convs]
    examples = sorted(EXAMPLES.glob("*.*"))
    with gr.Blocks(
        title="mnistcore",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(3600, 3600),  # uploads are deleted when they are an hour old
    ) as demo:
        last = gr.State(None)  # the last picture that could be read
        asked = gr.Number(visible=False)
        with gr.Row(elem_id="head"):
            gr.HTML("<h1>mnistcore</h1><p>Five small nets read your handwriting.</p>",
                    elem_id="title", apply_default_css=False)  # fmt: skip
            net = gr.Radio(
                [*nets, ("All five", ALL)], value=nets[0], label="Net",
                elem_id="net", container=False, show_label=False,
            )  # fmt: skip
        with gr.Tabs(elem_id="pages") as tabs:
            with gr.Tab("Read", id="read"):
                with gr.Row(elem_id="top"):
                    with gr.Column(min_width=320, elem_id="input"), gr.Tabs() as inputs:
                        with gr.Tab("Draw", id="draw", elem_id="draw") as draw_tab:
                            pad = view(
                                "canvas", pen=20, hint="Draw a digit, or a whole number",
                                net=nets[0], nets=[*nets, ALL],
                                stage=FIRST_STAGE, stages=stages,
                            )  # fmt: skip
                        with gr.Tab("Upload, paste, webcam", id="upload") as upload_tab:
                            picture = picture_input()
                            gr.Examples(
                                list(map(str, examples)), picture, label="Or one of these",
                                example_labels=[path.stem[2:] for path in examples],
                            )  # fmt: skip
                    with gr.Column(min_width=320, elem_id="output"):
                        answer = view(
                            "answer", nets=nets, titles=views.TITLES, params=views.num_params(),
                            hint="Draw on the black canvas, or upload a picture.",
                        )  # fmt: skip
                gr.HTML("<h2>How the picture was read</h2>", apply_default_css=False)
                steps = view("steps")
                with gr.Row(elem_id="maps-head"):
                    gr.HTML("<h2>What the net makes of it</h2>", apply_default_css=False)
                    stage = gr.Dropdown(
                        [(stage.replace(" ", ", "), stage) for stage in stages],
                        value=FIRST_STAGE, label="Net and layer", elem_id="stage",
                        show_label=False, container=False,
                    )  # fmt: skip
                maps = view("maps", server_functions=[look, explain])
            with gr.Tab("Benchmark", id="benchmark") as benchmark_tab:
                table = view("results", part="top", name="results-table")
                colours = dict(zip(nets, cycle(COLOURS)))
                legend = "".join(  # the plot's own does not wrap, and a phone cuts it off
                    f"<span class='curve' style='--colour: {colour}'>{name}</span>"
                    for name, colour in colours.items()
                )
                gr.HTML(
                    "<h2>Accuracy over epochs</h2><p class='told'>Validation images, averaged "
                    f"weights; the test set plays no part.</p><p class='told'>{legend}</p>",
                    apply_default_css=False,
                )
                curves = gr.LinePlot(
                    x="epoch", y="accuracy %", color="net", color_map=colours,
                    colors_in_legend=[], y_lim=[98, 100], height=340,
                    show_label=False, elem_id="curves",
                )  # fmt: skip
                errors = view("results", part="errors")
            with gr.Tab("About", id="about"):
                gr.Markdown((STATIC / "about.md").read_text(encoding="utf-8"), elem_id="about")

        shown = [answer, steps, maps]
        quick: dict[str, Any] = {
            "api_visibility": "private", "show_progress": "hidden", "trigger_mode": "always_last",
            "concurrency_id": "read", "concurrency_limit": 2,
        }  # fmt: skip

        @checked
        def drawing_shown(
            value: str | None, model: str, stage: str, asked: float | None
        ) -> tuple[str, ...]:
            number, picture = parse_drawing(value)
            return show(recognizer, picture, model, stage, number=number, asked=asked)

        @checked
        def picture_shown(
            picture: Path | bytes | None, model: str, stage: str, asked: float | None
        ) -> tuple[Any, ...]:
            return picture, *show(recognizer, picture, model, stage, asked=asked)

        @checked
        def shown_again(
            value: str | None, picture: Path | bytes | None, *choice: Any
        ) -> tuple[Any, ...]:
            if value is None:
                return picture_shown(picture, *choice)
            return gr.skip(), *drawing_shown(value, *choice)

        gr.on(
            [pad.input, draw_tab.select],
            drawing_shown,
            [pad, net, stage, asked],
            shown,
            js=ASKED,
            **quick,
        ).failure(**FAILED)
        # A link that is opened: the net and the layer that it names, then the drawing in it.
        pad.submit(
            None, None, [net, stage, tabs, inputs], js=LINKED, api_visibility="private"
        ).then(drawing_shown, [pad, net, stage, asked], shown, js=ASKED, **quick).failure(**FAILED)
        gr.on([net.change, stage.change], None, [net, stage], None, js=CHOSEN)
        gr.on(
            [picture.change, upload_tab.select],
            picture_shown,
            [picture, net, stage, asked],
            [last, *shown],
            js=ASKED_OF_PICTURE,
            **quick,
        ).failure(lambda last: last, last, picture, api_visibility="private").failure(**FAILED)
        gr.on(
            [net.change, stage.change, pad.retry],
            shown_again,
            [pad, picture, net, stage, asked],
            [last, *shown],
            js=ASKED_AGAIN,
            **quick,
        ).failure(**FAILED)

        @checked
        def results_shown(model: str) -> tuple[str, str]:
            data = dict(results_view.results_data(load_results(), model))
            top = {key: data.pop(key) for key in ("chosen", "words", "rows")}
            return views.to_json(top), views.to_json(data)

        def curves_shown() -> Any:
            import pandas as pd  # type: ignore[import-untyped] # here: only this tab needs it

            return pd.DataFrame(results_view.accuracy_curves(load_results()))

        @checked
        def put_on_canvas(event: gr.EventData) -> tuple[Any, Any, str]:
            digit = views.mnist_test_images()[int(event.index)]
            return gr.Tabs(selected="read"), gr.Tabs(selected="draw"), f"0 {views.png_url(digit)}"

        # The table asks for another net's results where it is seen.
        gr.on([benchmark_tab.select, table.submit], results_shown, net, [table, errors], **quick)
        benchmark_tab.select(curves_shown, None, curves, api_visibility="private")
        errors.click(put_on_canvas, None, [tabs, inputs, pad], api_visibility="private")

        @checked
        def read_digits(picture: Path | bytes | None, model: str) -> dict[str, Any]:
            """Read the handwritten digits on a picture with five nets trained on MNIST.

            It may be a drawing, a scan or a photograph, dark on light or light on dark, of one
            digit or of numbers on several lines. Letters and print are not read. Where the
            verdict is "unsure", the reason names the likely digits; "not a digit" is no answer.

            Args:
                picture: the picture.
                model: the net whose answer counts; "all" is the mean of the five.

            Returns:
                text (the number; lines are parted by newlines)
                verdict (digit, unsure or not a digit) and its reason in words
                digits (of each its label, verdict, box in pixels, and probabilities by net)
            """
            return read_api(recognizer, picture, model)

        @checked
        def feature_maps(picture: Path | bytes | None, model: str, layer: str) -> dict[str, Any]:
            """Look inside a net: what its layers make of the first digit on a picture.

            Of all layers these are very many numbers: ask for one, the later the fewer.

            Args:
                picture: the picture.
                model: the net's name.
                layer: such as "conv2+relu+pool"; empty for all of the net's layers.

            Returns:
                image (the digit as the net reads it, 28 rows of 28)
                maps (by layer, each a list of maps of rows of numbers)
            """
            return maps_api(recognizer, picture, model, layer)

        some_net = model_input([ALL, *nets], "whose answer counts; all: the mean of the five")
        one_net = model_input(nets, "the net that is looked into")
        layer = documented(
            gr.Textbox("", label="Layer", visible=False), "a layer's name; empty for all of them"
        )
        reading = documented(
            gr.JSON(label="reading", visible=False), "what is on the picture", **api.READING
        )
        planes = documented(
            gr.JSON(label="maps", visible=False), "what the layers make of it", **api.MAPS
        )
        gr.on([], read_digits, [picture, some_net], reading, api_name="read")
        gr.on([], feature_maps, [picture, one_net, layer], planes, api_name="maps")
    # No event goes past the queue. Gradio would tell all who wait, after every answer, how long.
    return demo.queue(max_size=MAX_WAITING, api_open=False, status_update_rate=1)


def main() -> None:
    """Start the page."""
    parser = argparse.ArgumentParser(description="Draw digits and watch five nets read them.")
    parser.add_argument("--port", type=int, help="the first free from 7860 by default")
    parser.add_argument("--host", help="127.0.0.1 by default; 0.0.0.0 for the whole network")
    parser.add_argument("--share", action="store_true", help="a public address for 72 hours")
    parser.add_argument("--device", help="cpu, cuda, ...; the accelerator where there is one")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of <net>.pt")
    parser.add_argument("--mcp", action="store_true", help="offer both endpoints as MCP tools, too")
    args = parser.parse_args()
    if args.port is not None and not 0 < args.port < 2**16:
        parser.exit(2, f"demo.py: --port is {args.port}; it must be from 1 to {2**16 - 1}\n")
    if is_zero_gpu():
        import spaces  # type: ignore[import-not-found] # a Space has it

        # ZeroGPU ends a Space in which no function asks for its GPU. Nobody calls this one: to be
        # lent a card takes seconds and the visitor's quota; the five nets read in milliseconds.
        spaces.GPU(lambda: None)
    if args.mcp:
        try:
            import_module("mcp.server.lowlevel.helper_types")  # not in each version that there is
        except ImportError:
            parser.exit(2, 'demo.py: --mcp needs more packages: pip install "gradio[mcp]"\n')
        gradio.mcp.GradioMCPServer = Tools  # type: ignore[misc]
    limits = settings()
    share_one_heap()
    torch.set_num_threads(1)  # two drawings are read at a time: more threads would be in their way
    try:
        recognizer = Remembering(args.weights, args.device)
        recognizer.load()  # now, not at the first stroke, so that damage shows here
        blocks = build(recognizer)
        # Gradio itself does so only where nobody has the page open any more.
        atexit.register(delete_files_created_by_app, blocks, None)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        blocks.launch(
            server_name=args.host,
            server_port=args.port,
            share=args.share,
            theme=THEME,
            css_paths=[STATIC / "page.css"],
            ssr_mode=False,
            run_history=False,
            footer_links=["api"],
            mcp_server=args.mcp,
            **limits,
        )
    except (OSError, ValueError) as error:
        words = str(error)
        if "empty port" in words:
            port = "from 7860 to 7959" if args.port is None else args.port
            host = args.host or "127.0.0.1"
            words = f"no free port {port} on {host}; try another --port or --host"
        parser.exit(2, f"demo.py: {words}\n")


if __name__ == "__main__":
    main()
