"""Five small CNNs that read handwritten digits: trained, measured and explained.

The public names load their modules on first use, so importing the package is cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the same table for type checkers; "as" marks a name as public
    from mnistcore.checkpoint import load_model as load_model
    from mnistcore.data import normalize as normalize
    from mnistcore.models import create_model as create_model
    from mnistcore.models import list_models as list_models
    from mnistcore.reading.recognizer import Digit as Digit
    from mnistcore.reading.recognizer import Reading as Reading
    from mnistcore.reading.recognizer import Recognizer as Recognizer
    from mnistcore.reading.recognizer import read as read
    from mnistcore.training.adapt import Adapted as Adapted
    from mnistcore.training.adapt import adapt as adapt
    from mnistcore.training.loop import train as train
    from mnistcore.training.recipes import TrainConfig as TrainConfig

__version__ = "0.2.0"

_MODULES = {  # of the public names
    "Adapted": "training.adapt",
    "Digit": "reading.recognizer",
    "Reading": "reading.recognizer",
    "Recognizer": "reading.recognizer",
    "TrainConfig": "training.recipes",
    "adapt": "training.adapt",
    "create_model": "models",
    "list_models": "models",
    "load_model": "checkpoint",
    "normalize": "data",
    "read": "reading.recognizer",
    "train": "training.loop",
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"mnistcore.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'mnistcore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
