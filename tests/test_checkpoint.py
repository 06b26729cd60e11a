import errno
import math
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from torch import Tensor, nn

from mnistcore import checkpoint
from mnistcore.data import normalize, to_unit
from mnistcore.models import create_model


def content_of(name: str) -> dict[str, Any]:
    torch.manual_seed(0)
    return {"model": name, "weights": create_model(name).state_dict(), "history": [{"loss": 0.5}]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A checkpoint of a fresh LeNet."""
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
    checkpoint.save(content, path)
    for key, value in checkpoint.load_model("LeNet", path.parent).state_dict().items():
        assert value.dtype == torch.float32
        assert value.equal(content["weights"][key].float())


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


@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_a_flipped_bit_is_refused(path: Path, part: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(part * len(content))] ^= 1  # a bit of a weight
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{path} is truncated or not a checkpoint"):
        checkpoint.load(path)


def test_a_wrong_compression_method_is_refused(path: Path) -> None:
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")  # the first entry of the archive's directory
    content[entry + 10] = zipfile.ZIP_DEFLATED
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{path} is truncated or not a checkpoint"):
        checkpoint.load(path)


@pytest.mark.parametrize("weights", [None, {}, {"conv": torch.zeros(1)}, "of MyNetV2"])
def test_weights_that_do_not_fit_are_refused(path: Path, weights: Any) -> None:
    if weights == "of MyNetV2":
        weights = content_of("MyNetV2")["weights"]
    checkpoint.save({"model": "LeNet", "weights": weights}, path)
    with pytest.raises(ValueError, match=rf"{path} does not contain the weights of LeNet"):
        checkpoint.load_model("LeNet", path.parent)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_weights_that_are_not_finite_are_refused(path: Path, value: float) -> None:
    content = content_of("LeNet")
    content["weights"]["stage2.conv2.bias"][3] = value
    checkpoint.save(content, path)
    with pytest.raises(ValueError, match=rf"{path} has values in stage2\.conv2\.bias that are not"):
        checkpoint.load_model("LeNet", path.parent)


def test_weights_beyond_float16_are_refused(path: Path) -> None:
    content = content_of("LeNet")
    content["weights"]["head.fc1.weight"][0, 0] = 1e6
    content["weights"] = {key: value.half() for key, value in content["weights"].items()}
    checkpoint.save(content, path)
    with pytest.raises(ValueError, match="not finite; delete it and train again"):
        checkpoint.load_model("LeNet", path.parent)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf, None, "1.0"])
def test_a_temperature_that_is_not_a_positive_number_is_refused(
    path: Path, temperature: object
) -> None:
    checkpoint.save({**content_of("LeNet"), "temperature": temperature}, path)
    with pytest.raises(ValueError, match=rf"{path} has the temperature {temperature}; it must be"):
        checkpoint.load_for("LeNet", path, "temperature")


def test_a_text_file_is_refused(path: Path) -> None:
    path.write_text("no weights here\n")
    with pytest.raises(ValueError, match=rf"{path} is truncated or not a checkpoint"):
        checkpoint.load(path)


@pytest.mark.parametrize("foreign", [[1, 2], {"weights": {}}], ids=["list", "dict"])
def test_foreign_content_is_refused(path: Path, foreign: Any) -> None:
    torch.save(foreign, path)
    with pytest.raises(ValueError, match=rf"{path} is not a checkpoint of this project"):
        checkpoint.load(path)


def test_a_checkpoint_of_another_net_is_refused(path: Path) -> None:
    checkpoint.save(content_of("MyNetV2"), path)
    with pytest.raises(ValueError, match=rf"{path} is a checkpoint of MyNetV2, not of LeNet"):
        checkpoint.load_model("LeNet", path.parent)


class Payload:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("saved_by", ["torch", "pickle"])
def test_nothing_in_a_file_is_executed(path: Path, saved_by: str) -> None:
    executed = path.with_name("executed")
    content = {"model": "LeNet", "weights": Payload(executed)}
    if saved_by == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(ValueError, match=rf"{path} is truncated or not a checkpoint"):
        checkpoint.load_model("LeNet", path.parent)
    assert not executed.exists()


def test_write_whole_creates_the_folder_and_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    for data in (b"old and longer", b"new"):
        checkpoint.write_whole(path, data)
        assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_fd: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "no space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        checkpoint.save(content_of("LeNet"), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
