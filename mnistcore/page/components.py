"""The page's components and its theme. A view is an empty Gradio element that a script draws."""

import hashlib
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from mnistcore.data import BOX, MEAN, SIDE, SIZES, STD
from mnistcore.files import ASSETS, STATIC
from mnistcore.reading.recognizer import DIGIT, EVEN, NOT_A_DIGIT, UNSURE

WEIGHTS_SHIPPED = (400, 700)  # Gradio's SemiBold files have only a few letters
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
YEAR = 365 * 24 * 3600  # seconds
EXAMPLES = {path.name: path for path in sorted((ASSETS / "examples").glob("*.*"))}


def scripts_path() -> str:
    """The path under which the page's scripts are served, such as "/scripts/1f0c9a7b".

    It holds a hash of them, so that browsers may keep them, and never mix two versions.
    """
    scripts = b"".join(path.read_bytes() for path in sorted(STATIC.glob("*.js")))
    return f"/scripts/{hashlib.sha256(scripts).hexdigest()[:8]}"


def scripts_route() -> Route:
    """The route that serves the scripts of ``mnistcore/page/static`` and nothing else."""
    scripts = {path.name: path for path in STATIC.glob("*.js")}
    headers = {"Cache-Control": f"max-age={YEAR}, immutable"}
    return _files_route(scripts_path(), scripts, media_type="text/javascript", headers=headers)


def examples_route() -> Route:
    """The route that serves the example pictures under their file names."""
    return _files_route("/examples", EXAMPLES)


def _files_route(folder: str, files: dict[str, Path], **options: Any) -> Route:
    """A route that serves these files by name and answers 404 to any other name.

    Not Starlette's StaticFiles, which finds no file behind a proxy that removes a root path.
    """

    async def file(request: Request) -> Response:
        path = files.get(request.path_params["name"])
        return Response(status_code=404) if path is None else FileResponse(path, **options)

    return Route(f"{folder}/{{name}}", file)


# What the scripts must know from Python, so that no fact is written twice.
FACTS: dict[str, Any] = {
    "mean": MEAN,
    "std": STD,
    "trainImages": SIZES["train"],
    "side": SIDE,  # pixels of what the nets read
    "box": BOX,  # pixels of the digit within it
    "verdicts": {"digit": DIGIT, "unsure": UNSURE, "notADigit": NOT_A_DIGIT},
    "even": EVEN,  # probability below which a net's most probable digit says nothing
}


def view(script: str, name: str = "", **props: Any) -> gr.HTML:
    """A component drawn by a module of ``mnistcore/page/static``; its value is JSON or plain text.

    A plain gr.HTML: a subclass would have Gradio write a demo.pyi beside this file at import.

    Args:
        script: the module's name; its default export gets what Gradio gives ``js_on_load``.
        name: the element's id; the script's name by default.
        props: what else the script needs to know.
    """
    # Relative to the page, as Gradio's own scripts are, so that it works behind a proxy, too.
    address = f".{scripts_path()}/{script}.js"
    start = "start({ element, props, trigger, watch, server })"
    return gr.HTML(
        html_template=" ",
        js_on_load=f'import(new URL("{address}", document.baseURI))'
        f".then(({{ default: start }}) => {start});",
        apply_default_css=False,
        elem_id=name or script,
        **FACTS | props,
    )


def html(content: str, elem_id: str | None = None) -> gr.HTML:
    """Plain HTML in the page's own style."""
    return gr.HTML(content, elem_id=elem_id, apply_default_css=False)
