"""The page's components and its theme. A view is an empty Gradio element that a script draws."""

from typing import Any

import gradio as gr

from mnistcore.files import STATIC

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


def view(*scripts: str, name: str = "", **props: Any) -> gr.HTML:
    """A component that scripts of ``mnistcore/page/static`` draw from its value, which is JSON.

    A plain gr.HTML: a subclass would have Gradio write a demo.pyi beside this file at import.
    """
    code = [
        (STATIC / f"{script}.js").read_text(encoding="utf-8") for script in ("shared", *scripts)
    ]
    return gr.HTML(
        html_template=" ",
        js_on_load="\n".join(code),
        apply_default_css=False,
        elem_id=name or scripts[-1],
        **props,
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
