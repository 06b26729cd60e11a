import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from mnistcore import checkpoint, export
from mnistcore.__main__ import main
from mnistcore.data import normalize, to_unit
from mnistcore.models import list_models
from mnistcore.reading.recognizer import Recognizer
from tests.test_models import WEIGHT_SHAPES

pytestmark = pytest.mark.slow

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")


def export_all(out: Path, kind: str) -> Path:
    """All five nets, exported on the command line."""
    printed, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(printed), redirect_stderr(errors):
        assert main(["export", "--format", kind, "--out", str(out)]) == 0
    assert printed.getvalue().split() == [str(out / f"{name}.{kind}") for name in list_models()]
    assert errors.getvalue() == ""
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_all(tmp_path_factory.mktemp("onnx"), "onnx")


@pytest.fixture(scope="module")
def tensors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_all(tmp_path_factory.mktemp("safetensors"), "safetensors")


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(device="cpu")


def load(folder: Path, name: str) -> Any:
    return onnx.load(folder / f"{name}.onnx")


@pytest.mark.parametrize("name", list_models())
@pytest.mark.parametrize("n", [1, 2, 100])
def test_probabilities_equal_those_of_the_recognizer(
    name: str, n: int, folder: Path, recognizer: Recognizer, few_images: Tensor
) -> None:
    rng = np.random.default_rng(0)
    ink = (few_images[:n].numpy() / np.float32(255)).astype(np.float32)
    ink[n // 2 :] = rng.random(ink[n // 2 :].shape)  # and noise, which no net has seen
    expected = recognizer.probs(ink[:, 0])[0][name]
    (probs,) = ort.InferenceSession(folder / f"{name}.onnx").run(["probs"], {"ink": ink})
    assert probs.dtype == np.float32
    assert probs.shape == (n, 10)
    np.testing.assert_allclose(probs, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", list_models())
def test_a_file_describes_its_input_its_output_and_its_net(name: str, folder: Path) -> None:
    model = load(folder, name)
    onnx.checker.check_model(model, full_check=True)
    (ink,), (probs,) = model.graph.input, model.graph.output
    for value, shape in ((ink, ["N", 1, 28, 28]), (probs, ["N", 10])):
        sides = value.type.tensor_type.shape.dim
        assert [side.dim_param or side.dim_value for side in sides] == shape
        assert value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert (ink.name, probs.name) == ("ink", "probs")
    assert "Dropout" not in {node.op_type for node in model.graph.node}
    metadata = {prop.key: prop.value for prop in model.metadata_props}
    assert set(metadata) == {"net", "version", "temperature", "val_accuracy"}
    assert metadata["net"] == name
    assert 0.3 < float(metadata["temperature"]) < 3
    assert 0.98 < float(metadata["val_accuracy"]) <= 1


@pytest.mark.parametrize("name", list_models())
def test_safetensors_give_the_same_logits(name: str, tensors: Path, few_images: Tensor) -> None:
    images = normalize(to_unit(few_images))
    with torch.no_grad():
        expected = checkpoint.load_model(name)(images)
        assert checkpoint.load_model(name, tensors)(images).equal(expected)


def by_position(path: Path) -> list[Tensor]:
    """The weights of a file in the order of the layers, read with its own package alone."""
    with safe_open(path, "pt") as file:
        return [file.get_tensor(key) for key in json.loads(file.metadata()["mnistcore"])["order"]]


@pytest.mark.parametrize("name", WEIGHT_SHAPES)
def test_safetensors_have_the_shapes_of_the_reference_by_position(name: str, tensors: Path) -> None:
    shapes = [tuple(weights.shape) for weights in by_position(tensors / f"{name}.safetensors")]
    assert shapes == [s for shape in WEIGHT_SHAPES[name] for s in (shape, shape[:1])]


def test_safetensors_load_by_position_into_a_net_with_other_names(
    tensors: Path, few_images: Tensor
) -> None:
    theirs = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    weights = by_position(tensors / "LeNet.safetensors")
    theirs.load_state_dict(dict(zip(theirs.state_dict(), weights, strict=True)))
    images = normalize(to_unit(few_images))
    with torch.no_grad():
        expected = checkpoint.load_model("LeNet")(images)
        torch.testing.assert_close(theirs(images), expected, rtol=0, atol=1e-4)


def test_what_was_exported_exports_again(tensors: Path, folder: Path, tmp_path: Path) -> None:
    again = ["--weights", str(tensors), "--model", "LeNet", "--out", str(tmp_path)]
    for kind, before in (("onnx", folder), ("safetensors", tensors)):
        assert main(["export", "--format", kind, *again]) == 0
        file = f"LeNet.{kind}"
        assert (tmp_path / file).read_bytes() == (before / file).read_bytes()


@pytest.mark.parametrize("kind", ["onnx", "safetensors"])
def test_one_net_can_be_named_in_any_case_and_goes_into_the_folder_of_its_format(
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", "--format", kind, "--model", "lenet"]) == 0
    assert capsys.readouterr().out == f"runs/{kind}/LeNet.{kind}\n"
    assert [path.name for path in Path("runs", kind).iterdir()] == [f"LeNet.{kind}"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--format", "onnx", "--model", "LeNet6"], "unknown model 'LeNet6'"),
        (["--format", "onnx", "--weights", "/nowhere"], "/nowhere does not exist"),
        (["--format", "coreml"], "invalid choice: 'coreml'"),
        ([], "--format"),
    ],
)
def test_a_wrong_call_is_one_line(
    flags: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(["export", "--out", str(tmp_path), *flags])
    except SystemExit as stop:
        status = int(stop.code or 0)
    assert status == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ValueError, match="pip install onnxscript"):
        export.to_onnx("LeNet")
