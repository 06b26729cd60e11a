"""The page's components and its theme. A view is an empty Gradio element that a script draws."""

import hashlib
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from mnistcore.data import BOX, MEAN, SIDE, SIZES, STD
from mnistcore.files import STATIC
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


def scripts_path() -> str:
    """The path under which the page's scripts are served, such as "/scripts/1f0c9a7b".

    It holds a hash of them, so that browsers may keep them, and never mix two versions.
    """
    scripts = b"".join(path.read_bytes() for path in sorted(STATIC.glob("*.js")))
    return f"/scripts/{hashlib.sha256(scripts).hexdigest()[:8]}"


def scripts_route() -> Route:
    """The route that serves the scripts of ``mnistcore/page/static`` and nothing else.

    Not Starlette's StaticFiles, which finds no file behind a proxy that removes a root path.
    """
    scripts = {path.name: path for path in STATIC.glob("*.js")}

    async def script(request: Request) -> Response:
        path = scripts.get(request.path_params["name"])
        if path is None:
            return Response(status_code=404)
        headers = {"Cache-Control": f"max-age={YEAR}, immutable"}
        return FileResponse(path, media_type="text/javascript", headers=headers)

    return Route(f"{scripts_path()}/{{name}}", script)


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
    """A component that a module of ``mnistcore/page/static`` draws from its value, which is JSON.

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


def picture_input() -> gr.Image:
    """A picture from a file, the clipboard or the camera."""
    return gr.Image(
        sources=["upload", "clipboard", "webcam"],
        label="Picture",
        show_label=False,
        height=320,
        elem_id="picture",
        buttons=[],
        # Not mirrored, which would turn digits around; phones use the camera on their back.
        webcam_options=gr.WebcamOptions(
            mirror=False, constraints={"video": {"facingMode": {"ideal": "environment"}}}
        ),
    )
