"""Five small CNNs that read handwritten digits: trained, measured and looked into.

The public names load their modules when they are first used, so that importing the package
costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnistcore.checkpoint import load_model
    from mnistcore.data import normalize
    from mnistcore.models import create_model, list_models
    from mnistcore.reading.recognizer import Reading, Recognizer, read
    from mnistcore.training.loop import train
    from mnistcore.training.recipes import TrainConfig

__version__ = "0.1.0"

_HOMES = {
    "list_models": "models",
    "create_model": "models",
    "load_model": "checkpoint",
    "normalize": "data",
    "TrainConfig": "training.recipes",
    "train": "training.loop",
    "Recognizer": "reading.recognizer",
    "Reading": "reading.recognizer",
    "read": "reading.recognizer",
}
__all__ = [
    "Reading", "Recognizer", "TrainConfig", "create_model", "list_models", "load_model",
    "normalize", "read", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"mnistcore.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'mnistcore' has no attribute {name!r}")
