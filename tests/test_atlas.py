import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mnistcore import atlas, checkpoint
from mnistcore.__main__ import main
from mnistcore.atlas import Atlas, Atlases, Digits, load_atlas, load_digits, make_atlas
from mnistcore.data import load_mnist, normalize, split_train_val, to_unit
from mnistcore.files import WEIGHTS
from mnistcore.models import create_model, list_models
from mnistcore.reading.ensemble import Ensemble
from mnistcore.training.recipes import RECIPES


@pytest.fixture(scope="module")
def atlases(ensemble: Ensemble) -> Atlases:
    return Atlases(ensemble)


@pytest.mark.parametrize("name", list_models())
def test_the_shipped_atlas_of_each_net_finds_a_training_digit_again(
    name: str, atlases: Atlases
) -> None:
    digits = atlases.of(name).digits
    for index in (0, 5_000, 9_999):
        found = atlases.neighbours(digits.images[index] / np.float32(255), name)
        assert found.indices[0] == index
        assert found.labels[0] == digits.labels[index]
        assert (np.diff(found.distances) >= 0).all()
        assert found.distances[0] < found.distances[1] / 2
        assert found.place == pytest.approx(atlases.of(name).places[index], abs=0.1)


def test_the_digits_of_the_shipped_atlas_are_training_digits() -> None:
    images, labels = load_mnist("train")
    train, val = split_train_val(5_000, len(images))
    of = {images[i].numpy().tobytes(): int(labels[i]) for i in train}
    digits = load_digits(WEIGHTS)
    assert len(digits.images) == atlas.COUNT
    pairs = zip(digits.images, digits.labels, strict=True)
    assert all(of[image.tobytes()] == label for image, label in pairs)
    assert not {images[i].numpy().tobytes() for i in val} & set(map(np.ndarray.tobytes, digits[0]))


def test_distances_are_those_of_what_the_last_linear_layer_reads(
    ensemble: Ensemble, atlases: Atlases
) -> None:
    net = ensemble.net("MyNetV2")
    seen: list[torch.Tensor] = []
    (*_, last) = (layer for layer in net.modules() if isinstance(layer, nn.Linear))
    handle = last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    digits = atlases.of("MyNetV2").digits
    drawn = np.clip(digits.images[7] / np.float32(255) + np.eye(28, dtype=np.float32), 0, 1)
    found = atlases.neighbours(drawn, "MyNetV2")
    with torch.inference_mode():
        net(normalize(torch.tensor(drawn)[None, None]))
        net(normalize(to_unit(torch.tensor(digits.images[found.indices])[:, None])))
    handle.remove()
    expected = (seen[-1] - seen[-2]).norm(dim=1).numpy()
    assert found.distances == pytest.approx(expected, rel=0.1)  # they are kept in 127 steps


def test_a_digit_lies_between_its_neighbours_and_nearest_to_the_nearest() -> None:
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]] * 2 + [[0.5, 0.5]] * 4, np.float32)
    hidden = np.array([[k] for k in range(12)], np.float32)
    digits = Digits(np.zeros((12, 28, 28), np.uint8), np.arange(12, dtype=np.uint8))
    found = Atlas(digits, hidden, corners, usual=1).neighbours(np.array([-1], np.float32))
    assert found.indices.tolist() == list(range(8))
    weights = 1 / np.arange(1, 9) ** 2
    assert found.place == pytest.approx(weights @ corners[:8] / weights.sum())


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with the weights of LeNet, where an atlas has few digits."""
    pytest.importorskip("sklearn")
    monkeypatch.setattr(atlas, "COUNT", 120)
    shutil.copy(WEIGHTS / "LeNet.pt", tmp_path)
    return tmp_path


@pytest.mark.slow
def test_an_atlas_is_made_once_and_again_for_other_weights(
    few: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["atlas", "--weights", str(few), "--device", "cpu"]
    assert main(call) == 0
    path = few / "atlas_LeNet.npz"
    assert capsys.readouterr().out == f"{path}\n"
    nets = Ensemble(few, "cpu")
    made = load_atlas(few, "LeNet", nets.net("LeNet"), load_digits(few))
    assert made.places.min() == 0
    assert made.places.max() == 1
    assert made.hidden.shape == (120, 84)
    written = path.stat().st_mtime_ns
    assert main(call) == 0
    assert path.stat().st_mtime_ns == written
    with pytest.raises(ValueError, match="made with other weights; make it with `mnistcore atlas`"):
        load_atlas(few, "LeNet", create_model("LeNet"), load_digits(few))
    path.write_bytes(path.read_bytes()[:5_000])
    with pytest.raises(ValueError, match="is damaged; delete it"):
        load_atlas(few, "LeNet", nets.net("LeNet"), load_digits(few))
    assert make_atlas(few, "LeNet", device="cpu") == path
    (few / "atlas_digits.npz").unlink()
    assert make_atlas(few, "LeNet", device="cpu") == path
    again = load_atlas(few, "LeNet", nets.net("LeNet"), load_digits(few))
    np.testing.assert_array_equal(again.places, made.places)


def test_a_net_of_other_digits_has_no_atlas(few: Path) -> None:
    path = few / "LeNet.pt"
    content = checkpoint.load(path)
    checkpoint.save(content | {"data": {"name": "ours", "classes": [0, 1], "n": 80}}, path)
    with pytest.raises(ValueError, match="was trained on ours; an atlas shows the digits of MNIST"):
        make_atlas(few, "LeNet", device="cpu")


def test_validation_digits_are_those_of_the_recipes() -> None:
    assert {recipe.val_size for recipe in RECIPES.values()} == {atlas.VAL_SIZE}


def test_without_an_atlas_the_command_is_named(few: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make it with `mnistcore atlas`"):
        Atlases(Ensemble(few, "cpu")).of("LeNet")


def test_the_atlas_needs_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlas, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match="pip install scikit-learn"):
        make_atlas(WEIGHTS, "LeNet")


def test_all_atlases_together_are_small() -> None:
    files = list(WEIGHTS.glob("atlas_*.npz"))
    assert len(files) == len(list_models()) + 1
    assert sum(path.stat().st_size for path in files) < 6_000_000
