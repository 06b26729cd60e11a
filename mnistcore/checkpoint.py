"""Weights and how they were made, in one file that is written whole or not at all.

A training writes ``<net>.pt``; ``<net>.safetensors`` has the same content for other programs.
"""

import hashlib
import io
import json
import lzma
import pickle
import sys
import zipfile
import zlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mnistcore.files import WEIGHTS, write_whole
from mnistcore.models import create_model, model_name

SAFETENSORS = ".safetensors"
METADATA = "mnistcore"  # the key of all that is not a tensor in a safetensors file


def find(folder: Path | str, name: str) -> Path:
    """The file of the net ``name`` in a folder; it need not exist.

    ``<name>.pt`` comes first: what was trained in a folder, after what it was downloaded with.
    """
    trained = Path(folder) / f"{name}.pt"
    exported = trained.with_suffix(SAFETENSORS)
    return exported if exported.is_file() and not trained.is_file() else trained


def save(content: dict[str, Any], path: Path) -> None:
    """Write a checkpoint: tensors, numbers and strings, and lists and dicts of them."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_whole(path, buffer.getvalue())


def to_safetensors(content: Mapping[str, Any]) -> bytes:
    """A checkpoint as a safetensors file, which :func:`load` reads.

    All but the weights is one JSON object in its metadata, under ``mnistcore``. There ``order``
    lists the names of the weights in the order of the layers, as the file sorts them by name;
    ``sha256`` is that of everything else, as the format has no checksum.

    Raises:
        ValueError: the package safetensors is missing.
    """
    _require_safetensors()
    from safetensors.torch import save

    weights = {key: weight.contiguous() for key, weight in content["weights"].items()}
    about = {key: value for key, value in content.items() if key != "weights"}
    about["order"] = list(weights)
    about["sha256"] = _digest(about, weights)
    # With several keys, two files of the same net would differ: their order is random.
    return save(weights, {METADATA: json.dumps(about)})


def _require_safetensors() -> None:
    if find_spec("safetensors") is None:
        raise ValueError("safetensors files need one more package: pip install safetensors")


def _digest(about: Mapping[str, Any], weights: Mapping[str, Tensor]) -> str:
    found = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for key in sorted(weights):
        found.update(weights[key].numpy().tobytes())
    return found.hexdigest()


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; nothing in it is executed.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated, altered or not a checkpoint, or it is a safetensors file
            and that package is missing.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint {path}; make one with `mnistcore all`")
    exported = path.suffix == SAFETENSORS
    if exported:
        _require_safetensors()
    try:
        content = _read_safetensors(path) if exported else _read_archive(path)
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        pickle.UnpicklingError,
        RuntimeError,
        OSError,
        EOFError,
        AttributeError,
        TypeError,
        ValueError,
        LookupError,
    ) as error:
        advice = "export or download it again" if exported else "delete it and train again"
        raise ValueError(f"{path} is truncated or not a checkpoint; {advice}") from error
    if not isinstance(content, dict) or "model" not in content:
        raise ValueError(f"{path} is not a checkpoint of this project")
    return content


def _read_archive(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        if archive.testzip() is not None:  # torch.load compares no checksums
            raise zipfile.BadZipFile("wrong checksum")
    return torch.load(path, map_location="cpu", weights_only=True)


def _read_safetensors(path: Path) -> dict[str, Any]:
    """The content of a file of :func:`to_safetensors`; of another safetensors file, nothing."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    if METADATA not in metadata:
        return {}
    about = json.loads(metadata[METADATA])
    if about.pop("sha256") != _digest(about, weights):
        raise ValueError("wrong checksum")
    about["weights"] = {key: weights[key] for key in about.pop("order")}
    return about


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
    if not isinstance(temperature, int | float) or not 0 < temperature <= sys.float_info.max:
        raise ValueError(
            f"{path} has the temperature {temperature!s:.40}; it must be a positive number: "
            "delete the file and train again"
        )
    return content


def load_model(
    name: str, weights_dir: Path | str = WEIGHTS, device: torch.device | str = "cpu"
) -> nn.Module:
    """A trained net in eval mode, in float32: normalised images in, logits out.

    Args:
        name: one of ``list_models()``, in any case.
        weights_dir: the folder that holds ``<name>.pt`` or ``<name>.safetensors``, such as that of
            the trained nets, or of a model repository of ``scripts/publish_model.sh``.
        device: where the net goes.

    Raises:
        ValueError: the name is unknown, the file is damaged, of another net or not finite, or it
            is a safetensors file and that package is missing.
        FileNotFoundError: the file does not exist.
    """
    name = model_name(name)
    path = find(weights_dir, name)
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
