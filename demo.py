"""The page: draw or upload digits, watch five nets read them, and look inside.

``python demo.py`` starts it on the weights in assets/weights. This file is layout, words and
events; whatever is computed comes from mnistcore.
"""

import argparse
import base64
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import gradio as gr
import safehttpx
import torch
from fastapi import Request
from gradio.data_classes import ImageData
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mnistcore import page
from mnistcore.checkpoint import WEIGHTS
from mnistcore.data import ASSETS
from mnistcore.models import list_models
from mnistcore.picture import PictureError
from mnistcore.recognizer import Reading, Recognizer

SCRIPTS = ASSETS / "page"
EXAMPLES = ASSETS / "examples"
FIRST_STAGE = "LeNet conv1"
TOGETHER = "all"
MAX_FILE = 20 * 10**6  # bytes of an upload
MAX_MESSAGE = 10**6  # bytes of any other request: the canvas sends a tenth of that at the most
MAX_WAITING = 200  # events in the queue: at some fifty a second, four seconds
MAX_SESSIONS = 500  # Gradio keeps what each of the latest visitors saw last, up to a megabyte
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


def view(script: str, name: str = "", **props: Any) -> gr.HTML:
    """A component that a script of ``assets/page`` draws from its value, which is JSON.

    A plain gr.HTML: a subclass would have Gradio write a demo.pyi beside this file at import.
    """
    code = [(SCRIPTS / name).read_text() for name in ("shared.js", f"{script}.js")]
    return gr.HTML(
        html_template=" ",
        js_on_load="\n".join(code),
        apply_default_css=False,
        elem_id=name or script,
        **props,
    )


def told(sentence: str) -> gr.Error:
    """What the page says in a corner; the server's log has no need of it."""
    return gr.Error(sentence, print_exception=False)


def checked(handler: Callable[..., Any]) -> Callable[..., Any]:
    """A handler that answers what our page never sends with a sentence.

    What was wrong with it is in the server's log.
    """

    @functools.wraps(handler)
    def answer(*args: Any) -> Any:
        try:
            return handler(*args)
        except gr.Error:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise gr.Error("The server can make nothing of what was sent.") from error

    return answer


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
        path = Path(payload.path).resolve()
        # Gradio looks only at the paths of those that call themselves its FileData.
        if not path.is_relative_to(Path(get_upload_folder()).resolve()):
            raise told("Upload the picture: a path names nothing here.")
        return path

    picture = gr.Image(
        sources=["upload", "clipboard", "webcam"], label="Picture", show_label=False,
        height=320, elem_id="picture", buttons=[],
        webcam_options=gr.WebcamOptions(  # mirrored digits are others; phones look away
            mirror=False, constraints={"video": {"facingMode": {"ideal": "environment"}}}
        ),
    )  # fmt: skip
    picture.preprocess = unopened  # type: ignore[method-assign]
    return picture


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
        empty = page.to_json({"model": model} | extra)
        return empty, empty, empty
    reading = _read(recognizer, picture, model)
    maps: Any = {}
    if reading.digits:
        maps = page.maps_data(recognizer, reading.digits[0].image, stage)
        maps["digits"] = [page.pack(digit.image) for digit in reading.digits]
    parts = page.answer_data(reading), page.steps_data(reading), maps
    answer, steps, maps = (
        page.to_json(part | extra | {"model": model, "drawn": True}) for part in parts
    )
    return answer, steps, maps


def _read(recognizer: Recognizer, picture: Path | bytes, model: str) -> Reading:
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
    if picture is None:
        raise told("There is no picture.")
    return _read(recognizer, picture, model).summary()


def maps_api(recognizer: Recognizer, picture: Path | bytes | None, model: str) -> dict[str, Any]:
    """What ``/maps`` answers."""
    if picture is None:
        raise told("There is no picture.")
    if model == TOGETHER:
        raise told("Maps are of one net: give its name.")
    digits = _read(recognizer, picture, model).digits
    if not digits:
        raise told("There is no digit on the picture.")
    stages = page.feature_maps(recognizer, digits[0].image, model).values()
    maps = {name: planes.tolist() for stage in stages for name, planes in stage.items()}
    return {"model": model, "image": digits[0].image.tolist(), "maps": maps}


def build(recognizer: Recognizer) -> gr.Blocks:
    """The page around a recognizer; nothing is started."""

    @checked
    def look(question: dict[str, Any]) -> dict[str, Any]:
        return page.maps_data(
            recognizer, page.unpack_digit(question["digit"]), str(question["stage"])
        )

    @checked
    def explain(question: dict[str, Any]) -> dict[str, Any]:
        place = [int(question[key]) for key in ("channel", "row", "column")]
        digit, stage = page.unpack_digit(question["digit"]), str(question["stage"])
        return page.arithmetic_data(recognizer, digit, stage, str(question["name"]), *place)

    nets = list_models()
    examples = sorted(EXAMPLES.glob("*.*"))
    with gr.Blocks(
        title="mnistcore",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(3600, 3600),  # uploads are deleted when they are an hour old
    ) as demo:
        source = gr.State("drawing")  # which tab's picture the views show
        last = gr.State(None)  # the last picture that could be read
        with gr.Row(elem_id="head"):
            gr.HTML("<h1>mnistcore</h1><p>Five small nets read your handwriting.</p>",
                    elem_id="title", apply_default_css=False)  # fmt: skip
            net = gr.Radio(
                [*nets, ("All five", TOGETHER)], value="LeNet", label="Net",
                elem_id="net", container=False, show_label=False,
            )  # fmt: skip
        with gr.Tabs(elem_id="pages") as tabs:
            with gr.Tab("Read", id="read"):
                with gr.Row(elem_id="top"):
                    with gr.Column(min_width=320, elem_id="input"), gr.Tabs() as inputs:
                        with gr.Tab("Draw", id="draw") as draw_tab:
                            pad = view("canvas", pen=20, hint="Draw a digit, or a whole number")
                        with gr.Tab("Upload, paste, webcam", id="upload") as upload_tab:
                            picture = picture_input()
                            gr.Examples(
                                list(map(str, examples)), picture, label="Or one of these",
                                example_labels=[path.stem[2:] for path in examples],
                            )  # fmt: skip
                    with gr.Column(min_width=320, elem_id="output"):
                        answer = view(
                            "answer", nets=nets, params=page.num_params(),
                            hint="Draw on the black canvas, or upload a picture.",
                        )  # fmt: skip
                gr.HTML("<h2>How the picture was read</h2>", apply_default_css=False)
                steps = view("steps")
                with gr.Row(elem_id="maps-head"):
                    gr.HTML("<h2>What the net makes of it</h2>", apply_default_css=False)
                    stage = gr.Dropdown(
                        [(f"{name}, {conv}", f"{name} {conv}")
                         for name, convs in page.stage_names().items() for conv in convs],
                        value=FIRST_STAGE, label="Net and layer", elem_id="stage",
                        show_label=False, container=False,
                    )  # fmt: skip
                maps = view("maps", server_functions=[look, explain])
            with gr.Tab("Benchmark", id="benchmark") as benchmark_tab:
                table = view("results", part="top", name="results-table")
                gr.HTML(
                    "<h2>Accuracy over epochs</h2><p class='told'>Validation images, averaged "
                    "weights; the test set plays no part.</p>",
                    apply_default_css=False,
                )
                curves = gr.LinePlot(
                    x="epoch", y="accuracy %", color="net", y_lim=[98, 100], height=340,
                    show_label=False, elem_id="curves",
                )  # fmt: skip
                errors = view("results", part="errors")
            with gr.Tab("About", id="about"):
                gr.Markdown((SCRIPTS / "about.md").read_text(), elem_id="about")

        views = [answer, steps, maps]
        quick: dict[str, Any] = {
            "api_visibility": "private", "show_progress": "hidden", "trigger_mode": "always_last",
            "concurrency_id": "read", "concurrency_limit": 2,
        }  # fmt: skip

        @checked
        def drawing_shown(value: str | None, model: str, stage: str) -> tuple[Any, ...]:
            number, picture = parse_drawing(value)
            return "drawing", *show(recognizer, picture, model, stage, number=number)

        @checked
        def picture_shown(picture: Path | bytes | None, model: str, stage: str) -> tuple[Any, ...]:
            return picture, "picture", *show(recognizer, picture, model, stage)

        @checked
        def shown_again(
            source: str, value: str | None, picture: Path | bytes | None, model: str, stage: str
        ) -> tuple[str, ...]:
            if source == "drawing":
                return drawing_shown(value, model, stage)[1:]
            return show(recognizer, picture, model, stage)

        gr.on(
            [pad.input, draw_tab.select],
            drawing_shown,
            [pad, net, stage],
            [source, *views],
            **quick,
        )
        gr.on(
            [picture.change, upload_tab.select], picture_shown, [picture, net, stage],
            [last, source, *views], **quick,
        ).failure(lambda last: last, last, picture, api_visibility="private")  # fmt: skip
        gr.on(
            [net.change, stage.change],
            shown_again,
            [source, pad, picture, net, stage],
            views,
            **quick,
        )

        @checked
        def results_shown(model: str) -> tuple[str, str]:
            data = page.to_json(page.results_data(page.load_results(), model))
            return data, data

        def curves_shown() -> Any:
            import pandas as pd  # type: ignore[import-untyped] # here: only this tab needs it

            return pd.DataFrame(page.accuracy_curves(page.load_results()))

        @checked
        def put_on_canvas(event: gr.EventData) -> tuple[Any, Any, str]:
            digit = page.mnist_test_images()[int(event.index)]
            return gr.Tabs(selected="read"), gr.Tabs(selected="draw"), f"0 {page.png_url(digit)}"

        gr.on([benchmark_tab.select, net.change], results_shown, net, [table, errors], **quick)
        benchmark_tab.select(curves_shown, None, curves, api_visibility="private")
        errors.click(put_on_canvas, None, [tabs, inputs, pad], api_visibility="private")

        @checked
        def read(picture: Path | bytes | None, model: str) -> dict[str, Any]:
            """The number on a picture, how sure, and what each of the five nets says.

            Args:
                picture: a picture file.
                model: the net whose answer counts, or "all" for the mean of the five.
            """
            return read_api(recognizer, picture, model)

        @checked
        def maps_of(picture: Path | bytes | None, model: str) -> dict[str, Any]:
            """The maps of every layer of a net on the first digit of a picture, layer by layer.

            Args:
                picture: a picture file.
                model: the net's name.
            """
            return maps_api(recognizer, picture, model)

        gr.on([], read, [picture, net], gr.JSON(visible=False), api_name="read")
        gr.on([], maps_of, [picture, net], gr.JSON(visible=False), api_name="maps")
    return demo.queue(max_size=MAX_WAITING, api_open=False)  # no way past the queue


class LimitedRequests:
    """Refuses a request that is larger than any of the page's before it is read into memory."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        headers = dict(scope.get("headers", ()))
        upload = headers.get(b"content-type", b"").startswith(b"multipart/form-data")
        limit = MAX_MESSAGE + MAX_FILE * upload
        length = int(headers.get(b"content-length", 0))
        if length > limit or b"transfer-encoding" in headers:  # in chunks, nobody knows how many
            words = f"A request must tell its length, and that must be at most {limit:,} bytes."
            await JSONResponse({"detail": words}, 413)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def in_words(_: Request, error: gr.Error) -> JSONResponse:
    """The answer where a ``server_functions`` call fails, for which Gradio has none."""
    return JSONResponse({"detail": error.message}, 400)


async def fetch_nothing(*_: Any, **__: Any) -> NoReturn:
    """Takes the place of Gradio's downloads: addresses that clients send are not asked."""
    raise told("Send the picture itself: this server fetches nothing from elsewhere.")


def main() -> None:
    """Start the page."""
    parser = argparse.ArgumentParser(description="Draw digits and watch five nets read them.")
    parser.add_argument("--port", type=int, help="the first free from 7860 by default")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 for the whole network")
    parser.add_argument("--share", action="store_true", help="a public address for 72 hours")
    parser.add_argument("--device", help="cpu, cuda, ...; the accelerator where there is one")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of <net>.pt")
    args = parser.parse_args()
    safehttpx.get = safehttpx.async_validate_url = fetch_nothing
    # Gradio would sum up the last 10,000 events after every one, for a monitor that is off here,
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(sys.maxsize))
    os.environ.setdefault("MPLBACKEND", "agg")  # and import pyplot at the first
    torch.set_num_threads(1)  # two drawings are read at a time: more threads would be in their way
    try:
        recognizer = Recognizer(args.weights, args.device)
        recognizer.load()  # now, not at the first stroke, so that damage shows here
        build(recognizer).launch(
            server_name=args.host,
            server_port=args.port,
            share=args.share,
            theme=THEME,
            css_paths=[SCRIPTS / "page.css"],
            ssr_mode=False,
            run_history=False,
            max_file_size=MAX_FILE,
            enable_monitoring=False,
            state_session_capacity=MAX_SESSIONS,
            app_kwargs={
                "middleware": [Middleware(LimitedRequests)],
                "exception_handlers": {gr.Error: in_words},
            },
            footer_links=["api"],
        )
    except (OSError, ValueError) as error:
        taken = "empty port" in str(error)
        sys.exit(
            f"demo.py: port {args.port} is taken; try another" if taken else f"demo.py: {error}"
        )


if __name__ == "__main__":
    main()
