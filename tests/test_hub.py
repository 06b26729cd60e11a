"""The nets as a model repository: its files, its card, and that others can use them."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file
from torch import Tensor

from mnistcore import checkpoint, hub
from mnistcore.__main__ import main
from mnistcore.data import to_unit
from mnistcore.files import ASSETS, RESULTS, WEIGHTS, write_json, write_whole
from mnistcore.models import create_model, list_models
from mnistcore.reading.ensemble import Ensemble
from mnistcore.results import load_results
from mnistcore.training.loop import SYNTHETIC
from tests.test_scripts import needs_venv, run

FILES = {"README.md", "LICENSE", "config.json", *(f"{name}.safetensors" for name in list_models())}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of the shipped nets."""
    path = tmp_path_factory.mktemp("repository")
    for name, data in hub.model_repository("owner/name").items():
        write_whole(path / name, data)
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_repository_reads_as_the_shipped_nets_do(folder: Path, few_images: Tensor) -> None:
    assert names(folder) == FILES
    ours, theirs = Ensemble(device="cpu"), Ensemble(folder, "cpu")
    assert theirs.names == list_models()
    assert theirs.thresholds == ours.thresholds
    ink = to_unit(few_images[:32, 0]).numpy()
    expected, found = ours.probs(ink)[0], theirs.probs(ink)[0]
    assert all((found[name] == expected[name]).all() for name in list_models())


def test_config_and_weights_are_all_that_another_program_needs(
    folder: Path, ensemble: Ensemble, few_images: Tensor
) -> None:
    config = json.loads((folder / "config.json").read_text())
    assert config["license"] == "mit"
    assert config["classes"] == list(range(10))
    ink = to_unit(few_images[:32])
    assert list(ink.shape[1:]) == config["input"]["shape"]
    images = (ink - config["input"]["mean"]) / config["input"]["std"]
    expected = ensemble.probs(ink[:, 0].numpy())[0]
    for name, net in config["nets"].items():
        model = create_model(name).eval()
        model.load_state_dict(load_file(folder / net["file"]))
        assert sum(p.numel() for p in model.parameters()) == net["parameters"]
        with torch.no_grad():
            probs = (model(images) / net["temperature"]).softmax(1).numpy()
        np.testing.assert_allclose(probs, expected[name], rtol=0, atol=1e-5)


def test_the_card_is_that_of_the_shipped_nets(folder: Path) -> None:
    card = ModelCard.load(folder / "README.md")
    source = ModelCard.load(WEIGHTS / "README.md")
    assert card.data.to_dict() == source.data.to_dict()
    assert re.findall(r"\]\((?!https?:)", card.text) == []  # links that lead nowhere on the Hub
    headings = re.findall(r"^## .*", source.text, re.MULTILINE)
    assert headings
    assert re.findall(r"^## .*", card.text, re.MULTILINE) == headings


def test_the_code_in_the_card_runs(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (three,) = (ASSETS / "examples").glob("1 *.png")
    (tmp_path / "photo.jpg").write_bytes(three.read_bytes())
    monkeypatch.chdir(tmp_path)
    asked: list[str] = []

    def download(repository: str) -> str:
        asked.append(repository)
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    exec(code, {})
    assert asked == ["owner/name"]
    assert capsys.readouterr().out == "3\n"


def test_results_of_other_weights_are_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    results = load_results(RESULTS)
    results.benchmark["nets"]["LeNet"]["calibration"]["temperature"] += 0.1
    monkeypatch.setattr(hub, "load_results", lambda _: results)
    with pytest.raises(ValueError, match="results of other weights; run `mnistcore benchmark`"):
        hub.model_repository("owner/name")


# Nets of one's own


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., Path]:
    """Writes LeNet and MyNetV2 as if a user had trained them, and returns their folder."""

    def write(**changes: Any) -> Path:
        weights = tmp_path / "weights"
        for name in ("LeNet", "MyNetV2"):
            content = checkpoint.load(WEIGHTS / f"{name}.pt") | changes
            checkpoint.save(content, weights / f"{name}.pt")
        write_json(weights / "recognizer.json", {"threshold": 0.7, "nets": {}})
        return weights

    return write


OURS = {"name": "ours", "classes": [1, 7], "n": 600}


def card_of(weights: Path, tmp_path: Path) -> tuple[dict[str, Any], str]:
    files = hub.model_repository("owner/name", weights)
    assert set(files) == {"README.md", "config.json", "LeNet.safetensors", "MyNetV2.safetensors"}
    config = json.loads(files["config.json"])
    assert config["license"] is None
    assert config["thresholds"] == {"threshold": 0.7, "nets": {}}
    write_whole(tmp_path / "card.md", files["README.md"])
    card = ModelCard.load(tmp_path / "card.md")
    return card.data.to_dict(), card.text


def test_a_card_of_ones_own_nets_says_what_their_files_know(
    own: Callable[..., Path], tmp_path: Path
) -> None:
    weights = own(data=OURS, adapted={"digits": 40})
    data, text = card_of(weights, tmp_path)
    assert set(data) == {"library_name", "pipeline_tag", "tags"}
    assert "# LeNet, MyNetV2, trained on ours" in text
    assert "600 training images of `ours`, of the classes 1, 7." in text
    val = checkpoint.load(weights / "LeNet.pt")["val"]
    assert f"- LeNet, 44,426 parameters: {val['errors']} of {val['n']:,} validation" in text
    assert "`epochs` 115" in text
    assert text.count("adapted to a writer's digits (n = 40)") == 2
    assert "not measured on a test set" in text
    assert "## Out of scope\n\n- Anything that moves money" in text
    measured = load_results(RESULTS).benchmark["nets"]["LeNet"]
    assert f"{measured['accuracy']:.2%}".rstrip("%") not in text


def test_a_card_of_nets_of_mnist_names_mnist(own: Callable[..., Path], tmp_path: Path) -> None:
    config = checkpoint.load(WEIGHTS / "LeNet.pt")["config"] | {"train_size": 1000}
    data, text = card_of(own(config=config), tmp_path)
    assert data["datasets"] == ["ylecun/mnist"]
    assert "The 60,000 training images of MNIST" in text
    assert "only 1,000 of the training images" in text
    assert (
        "The nets also train on `drawn` digits of the project's own pen font, and on `edited` "
        "MNIST digits with an extra stroke, and on `others` drawings" in text
    )
    assert "cross-validation" not in text


@pytest.mark.parametrize(
    ("drawn", "also"), [(0, ""), (9, "on `drawn` digits of the project's own pen font.\n")]
)
def test_a_card_names_the_added_images_that_there_were(
    drawn: int, also: str, own: Callable[..., Path], tmp_path: Path
) -> None:
    config = checkpoint.load(WEIGHTS / "LeNet.pt")["config"]
    assert set(SYNTHETIC) == set(hub.SYNTHETIC_WORDS)
    config |= dict.fromkeys(SYNTHETIC, 0) | {"drawn": drawn}
    _, text = card_of(own(config=config), tmp_path)
    assert text.partition("The nets also train ")[2].startswith(also)
    assert ("also train" in text) == bool(also)


@pytest.mark.parametrize("place", ["results", "weights/results"])
def test_the_results_of_these_very_nets_are_in_the_card(
    place: str, own: Callable[..., Path], tmp_path: Path
) -> None:
    benchmark = load_results(RESULTS).benchmark
    benchmark["nets"] = {name: benchmark["nets"][name] for name in ("LeNet", "MyNetV2")}
    write_json(tmp_path / place / "benchmark.json", benchmark)
    row = f"| LeNet | **{100 * benchmark['nets']['LeNet']['accuracy']:.2f}** |"
    assert row in card_of(own(), tmp_path)[1]
    other = card_of(own(temperature=1.5), tmp_path)[1]
    assert row not in other
    assert "not measured on a test set" in other


# Damage


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"thresholds": {"threshold": 2}}'])
def test_a_damaged_config_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match=rf"{tmp_path}/config.json is damaged; download it again"):
        _ = Ensemble(tmp_path, "cpu").thresholds


def test_a_damaged_file_is_one_line_on_the_command_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_whole(tmp_path / "config.json", (folder / "config.json").read_bytes())
    damaged = tmp_path / "LeNet.safetensors"
    write_whole(damaged, (folder / damaged.name).read_bytes()[:-1])
    (three,) = (ASSETS / "examples").glob("1 *.png")
    for command in (["predict", str(three)], ["export", "--format", "safetensors"]):
        assert main([*command, "--weights", str(tmp_path)]) in (1, 2)
        assert capsys.readouterr().err.endswith(
            f"{damaged} is truncated or not a checkpoint; export or download it again\n"
        )
    assert names(tmp_path) == {"config.json", "LeNet.safetensors"}


# The script


@pytest.mark.slow
@pytest.mark.timeout(300)  # seconds: a new environment is checked first
@needs_venv
def test_the_script_writes_a_folder_that_predict_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run("publish_model.sh", "owner/name", "--dry-run", "out", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"out: \d+M for owner/name", result.stdout.splitlines()[-1])
    assert names(tmp_path / "out") == FILES
    (three,) = (ASSETS / "examples").glob("1 *.png")
    assert main(["predict", str(three), "--weights", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == f"{three}: 3\n"


@pytest.mark.slow
@pytest.mark.timeout(300)
@needs_venv
def test_the_script_uploads_ones_own_nets(own: Callable[..., Path], tmp_path: Path) -> None:
    """A ``hf`` of our own writes down how it is called and what it would upload."""
    log, bin_folder = tmp_path / "log", tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "hf").write_text(
        f'#!/bin/sh\necho "$@" >>{log}\n'
        f'if [ "$1" = upload ]; then cp -R "$3" {tmp_path}/uploaded; fi\n'
    )
    (bin_folder / "hf").chmod(0o755)
    path = f"{bin_folder}:{os.environ['PATH']}"
    flags = ["--weights", str(own()), "--private"]
    result = run(
        "publish_model.sh", "a/b", *flags, cwd=tmp_path, PATH=path, HF_ENDPOINT="https://h"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "https://h/a/b"
    token, create, upload = log.read_text().splitlines()
    assert token == "auth token"
    assert create == "repos create a/b --type model --exist-ok --private"
    assert re.fullmatch(
        r"upload a/b \S+ --type model --delete \* --commit-message mnistcore \w+", upload
    )
    assert names(tmp_path / "uploaded") == FILES - {"LICENSE"} - {
        f"{name}.safetensors" for name in ("MyFullConvNet", "MyNetV1", "MyVggNet")
    }


def test_a_folder_without_weights_is_one_line_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["hub", "owner/name", "empty", "out"])
    with pytest.raises(SystemExit) as stop:
        hub.main()
    assert stop.value.code == 2
    assert re.fullmatch(r"publish_model: no weights in empty; .*\n", capsys.readouterr().err)
    assert names(tmp_path) == {"empty"}


def test_a_wrong_call_of_the_script_names_its_flags(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    for arguments, message in (
        (["name"], "'name' is not OWNER/NAME"),
        (["a/b", "--weights"], "use --weights DIR, --private or --dry-run DIR"),
        (["a/b", "--dry-run", "."], ". is not empty"),
    ):
        result = run("publish_model.sh", *arguments, cwd=tmp_path)
        assert result.returncode == 2
        assert re.fullmatch(rf"publish_model: .*{re.escape(message)}\n", result.stderr)
    assert names(tmp_path) == {"mine"}
