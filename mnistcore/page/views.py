"""What the page shows, as plain data for its scripts; nothing here knows about Gradio or HTML."""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from mnistcore import change, inside
from mnistcore.data import SIDE, mnist_images, normalize
from mnistcore.device import device_name
from mnistcore.models import count_parameters, create_model, list_models
from mnistcore.reading.candidates import Candidate
from mnistcore.reading.ensemble import ALL, Probs
from mnistcore.reading.graph import paths_through
from mnistcore.reading.recognizer import Reading, Recognizer
from mnistcore.why import Explanation

NET_OF_ALL = "LeNet"  # whose maps are shown where all five nets answer
TITLES = {ALL: "All five together"}
PRINTED = 0.25, 0.5, 1.0  # the colour of what was printed on the paper, red, green and blue
MOST_CANDIDATES = 60  # of a line, that are shown
LEAST_COST = 0.05  # nats: a cost that counts for less is not shown
LIKELIEST = 3  # digits of a candidate that are shown
SHORT_MAX = 32_767  # of int16: maps so packed are half the size, and right to three digits
STEP_SIDE = 480  # pixels; larger pictures of the steps only make the page slow


def png_url(picture: NDArray[Any]) -> str:
    """A picture, uint8 or float in [0, 1], (H, W) or (H, W, 3), as the URL of an <img>."""
    if picture.dtype != np.uint8:
        picture = (picture * 255).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "png", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def pack(numbers: NDArray[np.float32] | Tensor) -> str:
    """Numbers as base64 of float32, little-endian, as JavaScript's Float32Array reads them."""
    return base64.b64encode(np.asarray(numbers, "<f4").tobytes()).decode()


def pack_short(numbers: Tensor, limit: float) -> str:
    """Numbers in +-limit as base64 of int16 in +-``SHORT_MAX``, little-endian."""
    scaled = (numbers * (SHORT_MAX / limit)).round().cpu()
    return base64.b64encode(scaled.numpy().astype("<i2").tobytes()).decode()


def unpack_digit(text: str) -> NDArray[np.float32]:
    """A packed digit -> float32 (28, 28) in [0, 1].

    Raises:
        ValueError: the text is not a packed digit.
    """
    numbers = np.frombuffer(base64.b64decode(text, validate=True), "<f4")
    if numbers.size != SIDE * SIDE or not np.isfinite(numbers).all():
        raise ValueError("a digit has 28x28 numbers")
    return numbers.reshape(SIDE, SIDE).clip(0, 1)


@cache
def layer_names() -> dict[str, list[str]]:
    """The names of each net's convolutions, and under ``ALL`` those that stand for all five."""
    with torch.device("meta"):  # shapes only, no numbers
        layers = {name: list(inside.conv_layers(create_model(name))) for name in list_models()}
    return layers | {ALL: layers[NET_OF_ALL]}


@cache
def nets_with_dropout() -> list[str]:
    """The nets that training can leave units out of."""
    with torch.device("meta"):
        nets = {name: create_model(name) for name in list_models()}
    return [n for n, net in nets.items() if any(isinstance(m, nn.Dropout) for m in net.modules())]


def together(nets: list[str]) -> list[str]:
    """``ALL`` if these nets may also be chosen together: several, with the one whose maps show."""
    return [ALL] if len(nets) > 1 and NET_OF_ALL in nets else []


@cache
def num_params() -> dict[str, int]:
    """The number of trainable parameters of each net."""
    with torch.device("meta"):
        return {name: count_parameters(create_model(name)) for name in list_models()}


def answer_data(reading: Reading) -> dict[str, Any]:
    """The answer: all digits, each digit by each net, and the time that each net took."""
    answer = reading.summary()
    for entry, digit in zip(answer["digits"], reading.digits, strict=True):
        entry["image"] = png_url(digit.image)
    return answer | {"milliseconds": reading.milliseconds, "shown": _shown(reading)}


def _shown(reading: Reading) -> str:
    """The text of a reading with a dot for what is not a digit; "" if nothing is."""
    lines = ("".join(item.text or "·" for item in line) for line in reading.lines)
    return "\n".join(lines) if reading.text else ""


def steps_data(reading: Reading) -> dict[str, Any]:
    """How the picture became what the nets read, step by step."""
    steps = {name: _shrunk(step) for name, step in reading.steps.items()}
    shrink = reading.steps["ink"].shape[1] / steps["ink"].shape[1] * reading.scale
    height, width = steps["ink"].shape
    ink, printed = steps["ink"], steps["paper"]
    if printed.any():  # otherwise a gray picture will do, which is a third of the size
        ink = ink[:, :, None] + printed[:, :, None] * np.array(PRINTED, np.float32)
    return {
        "notes": reading.notes,
        "size": [width, height],
        "picture": png_url(steps["picture"]),
        "ink": png_url(ink.clip(0, 1)),
        "printed": bool(printed.any()),
        "pieces": png_url(steps["pieces"].astype(np.uint8)),
        "digits": [
            {
                "box": [side / shrink for side in digit.box],
                "label": digit.label,
                "verdict": digit.verdict,
                "fitted": png_url(digit.fitted),
                "fitted_size": list(digit.fitted.shape[::-1]),
                "image": png_url(digit.image),
            }
            for digit in reading.digits
        ],
        "signs": len(reading.signs),
        "graph": [_candidates(line, shrink / reading.scale) for line in reading.graph.candidates],
    }


def _candidates(line: list[Candidate], shrink: float) -> list[dict[str, Any]]:
    """What was considered for a line: the cheapest candidates and those that were chosen.

    Args:
        line: all candidates.
        shrink: pixels of the ink in one that is shown.
    """
    paths = paths_through(line)
    best = min(path.cost for path in paths if path)
    shown = sorted(
        zip(line, paths, strict=True), key=lambda pair: (not pair[0].chosen, pair[0].cost)
    )
    return [
        {
            "box": [side / shrink for side in found.box],
            "kind": "digit" if found.answer else "sign" if found.sign else "nothing",
            "text": found.text,
            "probs": _likeliest(found.answer.mean) if found.answer else [],
            "sure": found.answer.sure if found.answer else found.sure,
            "costs": {name: cost for name, cost in found.costs.items() if cost > LEAST_COST},
            "cost": found.cost,
            "chosen": found.chosen,
            "read": path.text if path else None,  # what the line would be with it, and
            "more": path.cost - best if path else None,  # by how much more that would cost
        }
        for found, path in shown[:MOST_CANDIDATES]
    ]


def _likeliest(probs: Probs) -> list[tuple[int, float]]:
    return [(int(k), float(probs[k])) for k in np.argsort(-probs)[:LIKELIEST]]


def _shrunk(step: NDArray[Any]) -> NDArray[Any]:
    """A step's picture, subsampled so that no side exceeds ``STEP_SIDE``."""
    every = -(-max(step.shape[:2]) // STEP_SIDE)
    return step[::every, ::every]


def maps_data(recognizer: Recognizer, image: NDArray[np.float32], stage: str) -> dict[str, Any]:
    """The feature maps of one stage of a net for a digit.

    Args:
        recognizer: provides the nets.
        image: float32 (28, 28) in [0, 1].
        stage: the net and its convolution, "LeNet conv1".

    Raises:
        ValueError: there is no such net or convolution.
    """
    net, conv = _net_and_conv(stage)
    model = recognizer.net(net)
    maps = feature_maps(recognizer, image, net)[conv]
    layer = inside.conv_layers(model)[conv]
    first = layer.in_channels == 1
    limit = max(float(planes.abs().max()) for planes in maps.values()) or 1.0
    return {
        "stage": stage,
        "input": pack(normalize(torch.tensor(image))),
        "rows": [
            {
                "name": name,
                "shape": list(planes.shape),
                "numbers": pack_short(planes, limit),
                "dead": inside.dead_maps(planes),
            }
            for name, planes in maps.items()
        ],
        "limit": limit,
        "inputs": layer.in_channels,
        "kernel": layer.kernel_size[0],
        "stride": layer.stride[0],
        # Kernels with one plane are shown as pictures, deeper ones with the arithmetic.
        "kernels": pack(layer.weight.detach().cpu()) if first else None,
        "biases": layer.bias.tolist() if first and layer.bias is not None else None,
        "kernel_limit": float(layer.weight.detach().abs().max()),
        "device": device_name(recognizer.device),
    }


def feature_maps(
    recognizer: Recognizer, image: NDArray[np.float32], net: str
) -> dict[str, dict[str, Tensor]]:
    """The feature maps of all stages of a net for a digit (28, 28), by convolution."""
    stages = inside.feature_maps(recognizer.net(net), _batch(recognizer, image))
    return {next(iter(stage)): stage for stage in stages}


def arithmetic_data(
    recognizer: Recognizer,
    image: NDArray[np.float32],
    stage: str,
    name: str,
    channel: int,
    row: int,
    column: int,
) -> dict[str, Any]:
    """The arithmetic behind one pixel of a map, with the three input planes that count most.

    Raises:
        ValueError: there is no such net, map or pixel.
    """
    net, _ = _net_and_conv(stage)
    batch = _batch(recognizer, image)
    found = inside.arithmetic(recognizer.net(net), batch, name, channel, row, column)
    terms = (found.patch * found.kernel).sum((1, 2))  # (C_in,)
    order = terms.abs().argsort(descending=True).tolist()
    return {
        "stage": stage,
        "name": name,
        "channel": channel,
        "row": found.row,
        "column": found.column,
        "planes": [
            {
                "plane": c,
                "patch": found.patch[c].tolist(),
                "kernel": found.kernel[c].tolist(),
                "sum": float(terms[c]),
            }
            for c in order[:3]
        ],
        "rest": {"count": len(order[3:]), "sum": float(terms[order[3:]].sum())},
        "bias": found.bias,
        "value": found.value,
        "relu": found.relu,
        "window": None if found.window is None else found.window.tolist(),
        "pooled": found.pooled,
        "field": found.field,
        "source": found.source,
    }


def units_data(recognizer: Recognizer, image: NDArray[np.float32], net: str) -> dict[str, Any]:
    """The linear layers of a net for a digit, from its last maps to the probabilities.

    Raises:
        ValueError: there is no such net.
    """
    model, batch = recognizer.net(net), _batch(recognizer, image)
    name, maps = inside.last_maps(model, batch)
    layers = inside.units(model, maps)
    logits, temperature = layers[-1].sums, recognizer.temperature(net)
    shown = [layers[0].inputs, *(one.sums if one.relu is None else one.relu for one in layers)]
    return {
        "maps": name,
        "shape": list(maps.shape),
        "inputs": pack(layers[0].inputs.cpu()),
        "layers": [
            {"name": one.name, "dropout": one.dropout, "relu": one.relu is not None}
            | {"numbers": pack(numbers.cpu())}
            for one, numbers in zip(layers, shown[1:], strict=True)
        ],
        "limit": max(float(numbers.abs().max()) for numbers in shown),
        "temperature": temperature,
        "probs": (logits / temperature).softmax(0).tolist(),
    }


def unit_data(
    recognizer: Recognizer, image: NDArray[np.float32], net: str, name: str, unit: int
) -> dict[str, Any]:
    """The arithmetic behind one unit of a linear layer.

    Raises:
        ValueError: there is no such net, layer or unit.
    """
    found = inside.unit_arithmetic(recognizer.net(net), _batch(recognizer, image), name, unit)
    terms = zip(found.sources, found.inputs.tolist(), found.weights.tolist(), strict=True)
    return {
        "name": name,
        "unit": unit,
        "terms": [{"source": s, "input": x, "weight": w} for s, x, w in terms],
        "rest": {"count": found.rest_count, "sum": found.rest},
        "bias": found.bias,
        "value": found.value,
        "relu": found.relu,
    }


def changes() -> dict[str, dict[str, Any]]:
    """The ways to change a digit, with their ranges and units."""
    return {name: asdict(one) for name, one in change.CHANGES.items()}


def change_data(
    recognizer: Recognizer, image: NDArray[np.float32], net: str, amounts: Mapping[str, float]
) -> dict[str, Any]:
    """A digit that has been changed, and its probabilities.

    Args:
        recognizer: provides the nets.
        image: float32 (28, 28) in [0, 1].
        net: the name of one.
        amounts: of some of :data:`mnistcore.change.CHANGES`.

    Raises:
        ValueError: there is no such net.
    """
    given = {name: torch.tensor([amount]) for name, amount in amounts.items()}
    changed = change.change(torch.tensor(image)[None], given)[0].numpy()
    with torch.inference_mode():
        logits = recognizer.net(net)(_batch(recognizer, changed))[0]
        probs = (logits / recognizer.temperature(net)).softmax(0)
    return {"image": pack(changed), "probs": probs.tolist()}


def curves_data(
    recognizer: Recognizer, image: NDArray[np.float32], net: str, amounts: Mapping[str, float]
) -> dict[str, Any]:
    """The probabilities of a digit over the range of each change; see :func:`change_data`."""
    ink = torch.tensor(image, device=recognizer.device)
    found = change.curves(recognizer.net(net), recognizer.temperature(net), ink, amounts)
    return {name: pack(probs.cpu()) for name, probs in found.items()}


def flip_data(recognizer: Recognizer, image: NDArray[np.float32], net: str) -> dict[str, Any]:
    """The smallest change in the ink that gives another answer; empty if none was found.

    Raises:
        ValueError: there is no such net.
    """
    ink = torch.tensor(image, device=recognizer.device)
    found = change.smallest_flip(recognizer.net(net), ink)
    if found is None:
        return {}
    return {
        "image": pack(found.image.cpu()),
        "before": found.before,
        "after": found.after,
        "mean": found.mean,
        "largest": found.largest,
    }


def why_data(found: Explanation) -> dict[str, Any]:
    """Why nets say one digit and not another."""
    return {
        "digit": found.digit,
        "other": found.other,
        "probs": found.probs.tolist(),
        "limit": found.limit,
        "nets": [
            {
                "net": net,
                "pixels": pack(one.pixels),
                "sum": one.total,
                "difference": one.difference,
                "blank": one.blank,
            }
            for net, one in found.nets.items()
        ],
    }


def _net_and_conv(stage: str) -> tuple[str, str]:
    net, _, conv = stage.partition(" ")
    if net == ALL or conv not in layer_names().get(net, []):
        raise ValueError(f"there is no stage {stage!r}; choose a net and one of its convolutions")
    return net, conv


def _batch(recognizer: Recognizer, image: NDArray[np.float32]) -> Tensor:
    return normalize(torch.tensor(image))[None, None].to(recognizer.device)


@cache
def mnist_test_images() -> NDArray[np.uint8]:
    """MNIST's test images, uint8 (10000, 28, 28)."""
    return mnist_images("test")


def to_json(data: Any) -> str:
    """Data as compact JSON."""
    return json.dumps(data, separators=(",", ":"))
