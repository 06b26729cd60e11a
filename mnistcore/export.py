"""The trained nets for other programs.

As ONNX they take ink and return calibrated probabilities; as safetensors they are weights alone,
with all that is known about them.
"""

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

import mnistcore
from mnistcore import checkpoint
from mnistcore.data import SIDE, normalize
from mnistcore.files import WEIGHTS
from mnistcore.models import model_name

NEEDED = ["onnx", "onnxscript"]  # packages that only ONNX needs


class Calibrated(nn.Module):
    """A net with the normalisation before it and the temperature after it."""

    def __init__(self, net: nn.Module, temperature: float) -> None:
        super().__init__()
        self.net = net
        self.temperature = temperature

    def forward(self, ink: Tensor) -> Tensor:
        """Ink (N, 1, 28, 28) in [0, 1], framed like MNIST -> probabilities (N, 10)."""
        return (self.net(normalize(ink)) / self.temperature).softmax(1)


def to_onnx(name: str, weights_dir: Path | str = WEIGHTS) -> bytes:
    """A trained net as an ONNX file.

    Its input ``ink`` is float32 (N, 1, 28, 28) in [0, 1], framed like MNIST's digits, for any N;
    its output ``probs`` is float32 (N, 10). Its metadata give the net, the version of this
    package, the temperature and the accuracy on the validation digits.

    Args:
        name: one of ``list_models()``, in any case.
        weights_dir: as for :func:`mnistcore.load_model`.

    Raises:
        ValueError, FileNotFoundError: as :func:`mnistcore.load_model`; ValueError, too, if a
            package is missing.
    """
    missing = [package for package in NEEDED if find_spec(package) is None]
    if missing:
        raise ValueError(f"ONNX needs more packages: pip install {' '.join(missing)}")
    name = model_name(name)
    path = checkpoint.find(weights_dir, name)
    content = checkpoint.load_for(name, path, "temperature", "val")
    temperature, val = float(content["temperature"]), content["val"]
    program = torch.onnx.export(
        Calibrated(checkpoint.build_model(content, path), temperature).eval(),
        (torch.zeros(2, 1, SIDE, SIDE),),  # two: the exporter takes a batch of one for a constant
        input_names=["ink"],
        output_names=["probs"],
        dynamic_shapes={"ink": {0: "N"}},
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    about = {
        "net": name,
        "version": mnistcore.__version__,
        "temperature": str(temperature),
        "val_accuracy": str(1 - val["errors"] / val["n"]),
    }
    program.model.metadata_props.update(about)
    return program.model_proto.SerializeToString()


def to_safetensors(name: str, weights_dir: Path | str = WEIGHTS) -> bytes:
    """A trained net as a safetensors file; see :func:`mnistcore.checkpoint.to_safetensors`.

    Args:
        name: one of ``list_models()``, in any case.
        weights_dir: as for :func:`mnistcore.load_model`.

    Raises:
        ValueError, FileNotFoundError: as :func:`mnistcore.load_model`; ValueError, too, if the
            package is missing.
    """
    name = model_name(name)
    path = checkpoint.find(weights_dir, name)
    content = checkpoint.load_for(name, path)
    checkpoint.build_model(content, path)  # refuses weights that no net could use
    return checkpoint.to_safetensors(content)
