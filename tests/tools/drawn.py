"""Digits that people drew, in a folder beside the checkout, and the module that draws them."""

import importlib.util
from types import ModuleType

from mnistcore.files import ROOT

DRAWN = ROOT.parent / "shared" / "drawn"


def load_render() -> ModuleType:
    """The module that draws strokes as a browser's canvas does."""
    spec = importlib.util.spec_from_file_location("render", DRAWN / "render.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
