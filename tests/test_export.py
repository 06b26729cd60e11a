import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from mnistcore import export
from mnistcore.__main__ import main
from mnistcore.models import list_models
from mnistcore.reading.recognizer import Recognizer

pytestmark = pytest.mark.slow

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All five nets, exported on the command line."""
    out = tmp_path_factory.mktemp("onnx")
    printed, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(printed), redirect_stderr(errors):
        assert main(["export", "--format", "onnx", "--out", str(out)]) == 0
    assert printed.getvalue().split() == [str(out / f"{name}.onnx") for name in list_models()]
    assert errors.getvalue() == ""
    return out


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


def test_one_net_can_be_named_in_any_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--format", "onnx", "--model", "lenet", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'LeNet.onnx'}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["LeNet.onnx"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--format", "onnx", "--model", "LeNet6"], "unknown model 'LeNet6'"),
        (["--format", "onnx", "--weights", "/nowhere"], "mnistcore all"),
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
