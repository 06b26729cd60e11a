"""The page's own components: an empty Gradio element each, and the script that draws it."""

import hashlib
from typing import Any

import gradio as gr
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from mnistcore.data import BOX, MEAN, SIDE, SIZES, STD
from mnistcore.files import STATIC
from mnistcore.reading.recognizer import DIGIT, NOT_A_DIGIT, UNSURE


def static_path() -> str:
    """The route under which ``mnistcore/page/static`` is served, such as "/scripts/1f0c9a7b".

    It holds a hash of the scripts: browsers keep what they load, and must not mix two versions.
    """
    scripts = b"".join(path.read_bytes() for path in sorted(STATIC.glob("*.js")))
    return f"/scripts/{hashlib.sha256(scripts).hexdigest()[:8]}"


def static_route() -> Mount:
    """The route of the page's scripts; nothing outside that folder can be reached through it."""
    return Mount(static_path(), StaticFiles(directory=STATIC))


# What the scripts must know from Python, so that no fact stands in both languages.
FACTS: dict[str, Any] = {
    "mean": MEAN,
    "std": STD,
    "trainImages": SIZES["train"],
    "side": SIDE,  # pixels of what the nets read
    "box": BOX,  # pixels of the digit within it
    "verdicts": {"digit": DIGIT, "unsure": UNSURE, "notADigit": NOT_A_DIGIT},
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
    address = f".{static_path()}/{script}.js"
    start = "start({ element, props, trigger, watch, server })"
    return gr.HTML(
        html_template=" ",
        js_on_load=f'import(new URL("{address}", document.baseURI))'
        f".then(({{ default: start }}) => {start});",
        apply_default_css=False,
        elem_id=name or script,
        **FACTS | props,
    )
