"""The page's own components: an empty Gradio element each, and the script that draws it."""

from typing import Any

import gradio as gr

from mnistcore.files import STATIC


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
