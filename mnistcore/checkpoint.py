"""Weights and what made them, in one file that is written whole or not at all."""

import io
import lzma
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
    """Write a checkpoint: tensors, numbers, strings, and lists and dicts of these."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_whole(path, buffer.getvalue())


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; nothing in it is executed.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated, altered or no checkpoint.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint {path}; make one with scripts/train_all.sh")
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:  # torch.load compares no checksums
                raise zipfile.BadZipFile("a checksum does not fit")
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (
        zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError,
        LookupError, zlib.error, lzma.LZMAError,
    ) as error:  # fmt: skip
        raise ValueError(f"{path} is truncated or no checkpoint; delete it") from error
    if not isinstance(content, dict) or "model" not in content:
        raise ValueError(f"{path} is no checkpoint of this project")
    return content


def load_for(name: str, path: Path, *keys: str) -> dict[str, Any]:
    """Read a checkpoint that must be of the net ``name`` and hold ``keys``.

    Raises:
        FileNotFoundError, ValueError: as :func:`load`, or it is of another net or lacks a key.
    """
    content = load(path)
    if content["model"] != name:
        raise ValueError(f"{path} is a checkpoint of {content['model']}, not of {name}")
    for key in keys:
        if key not in content:
            raise ValueError(f"{path} holds no {key}; delete it")
    return content


def load_model(
    name: str, weights_dir: Path | str = WEIGHTS, device: torch.device | str = "cpu"
) -> nn.Module:
    """A trained net, ready to answer: eval mode, float32, logits out.

    Args:
        name: one of ``list_models()``, in any case.
        weights_dir: the folder that holds ``<name>.pt``.
        device: where the net goes.

    Raises:
        ValueError: no net has that name, or its file is damaged or of another net.
        FileNotFoundError: the file is not there.
    """
    name = model_name(name)
    path = Path(weights_dir) / f"{name}.pt"
    return build_model(load_for(name, path), path, device)


def build_model(
    content: dict[str, Any], path: Path, device: torch.device | str = "cpu"
) -> nn.Module:
    """The net of a checkpoint that was read from ``path``, as :func:`load_model` gives it.

    Raises:
        ValueError: it does not hold the weights of its net.
    """
    name = content["model"]
    model = create_model(name)
    try:
        model.load_state_dict(content["weights"])  # float16 is widened to float32 here
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise ValueError(f"{path} does not hold the weights of {name}") from error
    return model.to(device).eval()
