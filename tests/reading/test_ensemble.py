import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from mnistcore import checkpoint
from mnistcore.data import split_train_val
from mnistcore.files import WEIGHTS
from mnistcore.models import list_models
from mnistcore.reading import ensemble
from mnistcore.reading.recognizer import SAME_PROB, Reading, Recognizer, read
from mnistcore.training.threshold import REFUSED
from tests.tools.pictures import digit, gray, write


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the nets in the order in which their weights are loaded."""
    names: list[str] = []
    lock = threading.Lock()
    original = checkpoint.load_for

    def load_for(name: str, *args: Any) -> Any:
        with lock:
            names.append(name)
        return original(name, *args)

    monkeypatch.setattr(checkpoint, "load_for", load_for)
    return names


def test_nets_load_when_needed_and_once(loads: list[str]) -> None:
    reader = Recognizer()
    assert loads == []
    assert reader.net("lenet") is reader.net("LeNet")
    assert loads == ["LeNet"]
    assert not reader.net("LeNet").training
    for _ in range(2):
        reader.read(gray(digit("2")))
    assert sorted(loads) == sorted(list_models())


def test_threads_read_alike_and_load_once(loads: list[str]) -> None:
    reader = Recognizer()
    pictures = [gray(digit(name)) for name in "0123456789"] + [gray(write(["31", "42"]))]
    gate = threading.Barrier(8)

    def read_all(turn: int) -> dict[int, Reading]:
        gate.wait()
        order = np.roll(np.arange(len(pictures)), turn)
        return {int(i): reader.read(pictures[i]) for i in order}

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(read_all, range(8)))
    assert sorted(loads) == sorted(list_models())
    for i, picture in enumerate(pictures):
        expected = reader.read(picture)
        for result in results:
            assert result[i].text == expected.text
            for one, other in zip(result[i].digits, expected.digits, strict=True):
                assert np.allclose(one.probs, other.probs, atol=1e-5)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A copy of the weights, to be damaged."""
    for file in WEIGHTS.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    return tmp_path


def assert_one_line(error: BaseException, name: str) -> None:
    assert "\n" not in str(error)
    assert name in str(error)
    assert "mnistcore all" in str(error)


def test_the_nets_of_a_folder_read(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One net or several: what the folder holds answers, and nothing else may be asked for."""
    (weights / "MyNetV2.pt").unlink()
    four = Recognizer(weights)
    assert four.names == ["LeNet", "MyFullConvNet", "MyNetV1", "MyVggNet"]
    picture = gray(digit("3"))
    (one,) = four.read(picture).digits
    assert list(one.probs_by_model) == four.names
    assert np.allclose(one.probs, np.mean(list(one.probs_by_model.values()), 0))
    with pytest.raises(
        FileNotFoundError, match=r"MyNetV2\.pt; the folder has LeNet, MyFullConvNet"
    ):
        four.read(picture, "mynetv2")
    alone = tmp_path_factory.mktemp("alone")
    for name in ("LeNet.pt", "recognizer.json"):
        shutil.copy(weights / name, alone)
    for model in ("all", "LeNet"):
        assert Recognizer(alone).read(picture, model).text == "3"
    (alone / "LeNet.pt").unlink()
    with pytest.raises(FileNotFoundError, match="no weights in") as caught:
        Recognizer(alone).read(picture)
    assert_one_line(caught.value, alone.name)


def test_missing_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, what in (("none", "does not exist"), ("file", "is a file")):
        with pytest.raises(FileNotFoundError, match=what) as caught:
            Recognizer(tmp_path / name).read(gray(digit("3")))
        assert_one_line(caught.value, name)


def test_damaged_weights(weights: Path) -> None:
    path = weights / "LeNet.pt"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"LeNet\.pt") as caught:
        Recognizer(weights).read(gray(digit("3")))
    assert "\n" not in str(caught.value)


def test_missing_threshold(weights: Path) -> None:
    (weights / "recognizer.json").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        Recognizer(weights).read(gray(digit("3")))
    assert_one_line(caught.value, "recognizer.json")


DAMAGE = [b"", b"{", b"[]", b"7", b"\xff\xfe", b"null", b"{}"]


@pytest.mark.parametrize("content", DAMAGE)
def test_damaged_threshold(weights: Path, content: bytes) -> None:
    (weights / "recognizer.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"recognizer\.json") as caught:
        Recognizer(weights).read(gray(digit("3")))
    assert_one_line(caught.value, "recognizer.json")


@pytest.mark.parametrize("value", [None, "high", float("nan"), -1, 7, [0.5]])
def test_threshold_out_of_range(weights: Path, value: Any) -> None:
    path = weights / "recognizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "threshold": value}))
    with pytest.raises(ValueError, match=r"recognizer\.json"):
        Recognizer(weights).read(gray(digit("3")))


def test_each_net_has_a_threshold_of_its_own(weights: Path) -> None:
    path = weights / "recognizer.json"
    content = json.loads(path.read_text())
    thresholds = Recognizer(weights).thresholds
    assert thresholds.of(None) == content["threshold"]
    assert {name: thresholds.of(name) for name in list_models()} == content["nets"]
    path.write_text(json.dumps({"threshold": 0.7}))  # of an earlier version
    assert {Recognizer(weights).thresholds.of(name) for name in [None, *list_models()]} == {0.7}
    for nets in ({"LeNet": 2}, {"LeNet": None}, ["LeNet"]):
        path.write_text(json.dumps({"threshold": 0.7, "nets": nets}))
        with pytest.raises(ValueError, match=r"recognizer\.json is damaged"):
            _ = Recognizer(weights).thresholds


def test_unknown_device() -> None:
    with pytest.raises(ValueError, match="abacus"):
        Recognizer(device="abacus")


def test_refused_validation_digits_are_one_percent(mnist_train: tuple[Tensor, Tensor]) -> None:
    images, _ = mnist_train
    val = split_train_val(5000, len(images))[1][:500]
    reader = Recognizer()
    probs = reader.probs(images[val, 0].numpy().astype(np.float32) / np.float32(255))[0]
    for net, by_net in [(None, np.mean(list(probs.values()), 0)), *probs.items()]:
        refused = (by_net.max(1) < reader.thresholds.of(net)).mean()
        assert refused <= REFUSED + 0.01  # of 500 drawn: two standard deviations


def test_what_a_net_says_does_not_depend_on_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.stack([read(gray(digit(name))).digits[0].image for name in "01234"])
    reader = Recognizer()
    whole = reader.probs(images)[0]
    monkeypatch.setattr(ensemble, "BATCH", 2)
    for name, probs in reader.probs(images)[0].items():
        assert probs.shape == (5, 10)
        assert np.allclose(probs, whole[name], atol=SAME_PROB)
