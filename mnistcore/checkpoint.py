"""Weights and how they were made, in one file that is written whole or not at all."""

import io
import lzma
import math
import pickle
import zipfile
import zlib
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mnistcore.files import WEIGHTS, write_whole
from mnistcore.models import create_model, model_name


def save(content: dict[str, Any], path: Path) -> None:
    """Write a checkpoint: tensors, numbers and strings, and lists and dicts of them."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_whole(path, buffer.getvalue())


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; nothing in it is executed.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated, altered or not a checkpoint.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint {path}; make one with `mnistcore all`")
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:  # torch.load compares no checksums
                raise zipfile.BadZipFile("wrong checksum")
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        pickle.UnpicklingError,
        RuntimeError,
        OSError,
        EOFError,
        ValueError,
        LookupError,
    ) as error:
        raise ValueError(
            f"{path} is truncated or not a checkpoint; delete it and train again"
        ) from error
    if not isinstance(content, dict) or "model" not in content:
        raise ValueError(f"{path} is not a checkpoint of this project")
    return content


def load_for(name: str, path: Path, *keys: str) -> dict[str, Any]:
    """Read a checkpoint that must be of the net ``name`` and contain ``keys``.

    Raises:
        FileNotFoundError, ValueError: as :func:`load`, or it is of another net, lacks a key or
            has a temperature that is not a positive number.
    """
    content = load(path)
    if content["model"] != name:
        raise ValueError(f"{path} is a checkpoint of {content['model']}, not of {name}")
    for key in keys:
        if key not in content:
            raise ValueError(f"{path} has no {key}; delete it and train again")
    temperature = content.get("temperature", 1.0)
    if not isinstance(temperature, int | float) or not 0 < temperature < math.inf:
        raise ValueError(
            f"{path} has the temperature {temperature}; it must be a positive number: "
            "delete the file and train again"
        )
    return content


def load_model(
    name: str, weights_dir: Path | str = WEIGHTS, device: torch.device | str = "cpu"
) -> nn.Module:
    """A trained net in eval mode, in float32: normalised images in, logits out.

    Args:
        name: one of ``list_models()``, in any case.
        weights_dir: the folder that holds ``<name>.pt``.
        device: where the net goes.

    Raises:
        ValueError: the name is unknown, or the file is damaged, of another net or not finite.
        FileNotFoundError: the file does not exist.
    """
    name = model_name(name)
    path = Path(weights_dir) / f"{name}.pt"
    return build_model(load_for(name, path), path, device)


def build_model(
    content: dict[str, Any], path: Path, device: torch.device | str = "cpu"
) -> nn.Module:
    """The net of a checkpoint that was read from ``path``, as :func:`load_model` returns it.

    Raises:
        ValueError: the weights do not fit the net, or are not all finite.
    """
    name = content["model"]
    model = create_model(name)
    try:
        model.load_state_dict(content["weights"])  # float16 becomes float32 here
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise ValueError(f"{path} does not contain the weights of {name}") from error
    for key, weight in model.state_dict().items():
        if not weight.isfinite().all():
            raise ValueError(
                f"{path} has values in {key} that are not finite; delete it and train again"
            )
    return model.to(device).eval()
