import errno
import math
import os
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any, NoReturn

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from mnistcore import checkpoint
from mnistcore.data import normalize, to_unit
from mnistcore.files import WEIGHTS
from mnistcore.models import create_model, list_models


def content_of(name: str) -> dict[str, Any]:
    torch.manual_seed(0)
    return {"model": name, "weights": create_model(name).state_dict(), "history": [{"loss": 0.5}]}


def save(content: dict[str, Any], path: Path) -> None:
    """Write a checkpoint in the format that its name says."""
    if path.suffix == ".pt":
        checkpoint.save(content, path)
    else:
        path.write_bytes(checkpoint.to_safetensors(content))


@pytest.fixture(params=[".pt", ".safetensors"])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A checkpoint of a fresh LeNet, in each format."""
    path = tmp_path / f"LeNet{request.param}"
    save(content_of("LeNet"), path)
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A checkpoint of a fresh LeNet, as a training writes it."""
    path = tmp_path / "LeNet.pt"
    checkpoint.save(content_of("LeNet"), path)
    return path


def logits_of(model: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return model(normalize(to_unit(images)))


@pytest.mark.parametrize("spelling", ["LeNet", "lenet"])
def test_a_saved_net_loads_unchanged(path: Path, spelling: str, few_images: Tensor) -> None:
    original = create_model("LeNet").eval()
    original.load_state_dict(content_of("LeNet")["weights"])
    model = checkpoint.load_model(spelling, path.parent)
    assert not model.training
    assert logits_of(model, few_images).equal(logits_of(original, few_images))
    assert checkpoint.load(path)["history"] == [{"loss": 0.5}]


def test_half_weights_become_a_float32_net(path: Path) -> None:
    content = content_of("LeNet")
    content["weights"] = {key: value.half() for key, value in content["weights"].items()}
    save(content, path)
    for key, value in checkpoint.load_model("LeNet", path.parent).state_dict().items():
        assert value.dtype == torch.float32
        assert value.equal(content["weights"][key].float())


@pytest.mark.parametrize("name", list_models())
def test_a_safetensors_file_has_all_that_a_checkpoint_has(name: str, tmp_path: Path) -> None:
    trained = checkpoint.load(WEIGHTS / f"{name}.pt")
    path = tmp_path / f"{name}.safetensors"
    save(trained, path)
    found = checkpoint.load(path)
    weights, expected = found.pop("weights"), trained.pop("weights")
    assert found == trained
    assert list(weights) == list(expected)
    assert all(weights[key].dtype == expected[key].dtype for key in weights)
    assert all(weights[key].equal(expected[key]) for key in weights)


def test_what_was_trained_in_a_folder_comes_first(tmp_path: Path) -> None:
    assert checkpoint.find(tmp_path, "LeNet") == tmp_path / "LeNet.pt"
    for suffix in (".safetensors", ".pt"):
        (tmp_path / f"LeNet{suffix}").touch()
        assert checkpoint.find(tmp_path, "LeNet") == tmp_path / f"LeNet{suffix}"


def test_a_safetensors_file_of_another_project_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "LeNet.safetensors"
    path.write_bytes(safetensors.torch.save(content_of("LeNet")["weights"], {"format": "pt"}))
    with pytest.raises(ValueError, match=rf"{path} is not a checkpoint of this project"):
        checkpoint.load_model("LeNet", tmp_path)


def test_safetensors_without_the_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(content_of("LeNet"), tmp_path / "LeNet.safetensors")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ValueError, match="pip install safetensors"):
        checkpoint.load_model("LeNet", tmp_path)
    with pytest.raises(ValueError, match="pip install safetensors"):
        checkpoint.to_safetensors(content_of("LeNet"))


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=rf"{tmp_path}/LeNet.pt; .*mnistcore all"):
        checkpoint.load_model("LeNet", tmp_path)


def test_an_unknown_net_lists_the_choices(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'ResNet'; choose from LeNet"):
        checkpoint.load_model("ResNet", tmp_path)


@pytest.mark.parametrize("kept", [0, 1, 1000, -100, -1])
def test_a_truncated_file_is_refused(path: Path, kept: int) -> None:
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=rf"{path} is truncated or not a checkpoint"):
        checkpoint.load_model("LeNet", path.parent)


@pytest.mark.parametrize("part", [0.002, 0.2, 0.5, 0.8])
def test_a_flipped_bit_is_refused(path: Path, part: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(part * len(content))] ^= 1  # a bit of the history or of a weight
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{path} is truncated or not a checkpoint"):
        checkpoint.load(path)


def test_a_wrong_compression_method_is_refused(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    entry = content.index(b"PK\x01\x02")  # the first entry of the archive's directory
    content[entry + 10] = zipfile.ZIP_DEFLATED
    archive.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{archive} is truncated or not a checkpoint"):
        checkpoint.load(archive)


@pytest.mark.parametrize("weights", [{}, {"conv": torch.zeros(1)}, "of MyNetV2"])
def test_weights_that_do_not_fit_are_refused(path: Path, weights: Any) -> None:
    if weights == "of MyNetV2":
        weights = content_of("MyNetV2")["weights"]
    save({"model": "LeNet", "weights": weights}, path)
    with pytest.raises(ValueError, match=rf"{path} does not contain the weights of LeNet"):
        checkpoint.load_model("LeNet", path.parent)


def test_a_checkpoint_without_weights_is_refused(archive: Path) -> None:
    checkpoint.save({"model": "LeNet", "weights": None}, archive)
    with pytest.raises(ValueError, match=rf"{archive} does not contain the weights of LeNet"):
        checkpoint.load_model("LeNet", archive.parent)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_weights_that_are_not_finite_are_refused(path: Path, value: float) -> None:
    content = content_of("LeNet")
    content["weights"]["stage2.conv2.bias"][3] = value
    save(content, path)
    with pytest.raises(ValueError, match=rf"{path} has values in stage2\.conv2\.bias that are not"):
        checkpoint.load_model("LeNet", path.parent)


def test_weights_beyond_float16_are_refused(path: Path) -> None:
    content = content_of("LeNet")
    content["weights"]["head.fc1.weight"][0, 0] = 1e6
    content["weights"] = {key: value.half() for key, value in content["weights"].items()}
    save(content, path)
    with pytest.raises(ValueError, match="not finite; delete it and train again"):
        checkpoint.load_model("LeNet", path.parent)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf, None, "1.0"])
def test_a_temperature_that_is_not_a_positive_number_is_refused(
    path: Path, temperature: object
) -> None:
    save({**content_of("LeNet"), "temperature": temperature}, path)
    with pytest.raises(ValueError, match=rf"{path} has the temperature {temperature}; it must be"):
        checkpoint.load_for("LeNet", path, "temperature")


def test_a_text_file_is_refused(path: Path) -> None:
    path.write_text("no weights here\n")
    with pytest.raises(ValueError, match=rf"{path} is truncated or not a checkpoint"):
        checkpoint.load(path)


@pytest.mark.parametrize("foreign", [[1, 2], {"weights": {}}], ids=["list", "dict"])
def test_foreign_content_is_refused(archive: Path, foreign: Any) -> None:
    torch.save(foreign, archive)
    with pytest.raises(ValueError, match=rf"{archive} is not a checkpoint of this project"):
        checkpoint.load(archive)


def test_a_checkpoint_of_another_net_is_refused(path: Path) -> None:
    save(content_of("MyNetV2"), path)
    with pytest.raises(ValueError, match=rf"{path} is a checkpoint of MyNetV2, not of LeNet"):
        checkpoint.load_model("LeNet", path.parent)


class Payload:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("saved_by", ["torch", "pickle"])
def test_nothing_in_a_file_is_executed(archive: Path, saved_by: str) -> None:
    executed = archive.with_name("executed")
    content = {"model": "LeNet", "weights": Payload(executed)}
    if saved_by == "torch":
        torch.save(content, archive)
    else:
        archive.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(ValueError, match=rf"{archive} is truncated or not a checkpoint"):
        checkpoint.load_model("LeNet", archive.parent)
    assert not executed.exists()


def test_write_whole_creates_the_folder_and_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    for data in (b"old and longer", b"new"):
        checkpoint.write_whole(path, data)
        assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_fd: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "no space left on device")

    before = archive.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        checkpoint.save(content_of("LeNet"), archive)
    assert archive.read_bytes() == before
    assert list(archive.parent.iterdir()) == [archive]
