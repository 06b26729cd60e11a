import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mnistcore.__main__ import main
from mnistcore.benchmark.report import splice
from mnistcore.files import RESULTS, ROOT, WEIGHTS
from mnistcore.models import list_models

EXAMPLES = ROOT / "assets" / "examples"

pytestmark = pytest.mark.usefixtures("small_mnist")

SHORT = [
    "--epochs", "1", "--batch-size", "100", "--val-size", "500", "--drawn", "100",
    "--others", "100", "--device", "cpu",
]  # fmt: skip


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("mnistcore")
    assert err.count("\n") == 1
    return err


def test_a_wrong_name_is_one_line_and_exit_status_2() -> None:
    call = [sys.executable, "-m", "mnistcore", "train", "--model", "LeNet6"]
    result = subprocess.run(call, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == (
        f"mnistcore: unknown model 'LeNet6'; choose from {', '.join(list_models())}\n"
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--epochs", "0"], "epochs is 0"),
        (["--lr", "-0.1"], "lr is -0.1"),
        (["--device", "warp"], "unknown device 'warp'"),
        (["--data-dir", "nowhere"], "data folder nowhere does not exist"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    flags: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "LeNet.pt").write_text("precious")
    before = files(tmp_path)
    assert main(["train", "--model", "LeNet", "--out", ".", *SHORT, *flags]) == 2
    assert message in one_line(capsys)
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    "argv", [["train"], ["train", "--model", "LeNet", "--epochs", "many"], ["fly"], []]
)
def test_a_wrong_call_is_one_line(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
    one_line(capsys)


@pytest.mark.parametrize("instead", ["--pictures", "--speed"])
def test_seeds_are_not_ignored(instead: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", instead, "--seeds", "runs"]) == 2
    assert f"--seeds are for the benchmark of the nets, not {instead}" in one_line(capsys)


def test_weights_are_not_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "--speed", "--weights", "runs"]) == 2
    assert "--speed trains nets of its own: leave out --weights" in one_line(capsys)


def test_an_output_folder_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert main(["train", "--model", "LeNet", "--out", str(tmp_path / "file"), *SHORT]) == 2
    assert "file" in one_line(capsys)


def test_ctrl_c_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mnistcore.training.loop.Training.epoch", interrupted)
    assert main(["train", "--model", "LeNet", "--out", str(tmp_path), *SHORT]) == 130
    assert "--resume" in one_line(capsys)


def test_an_empty_data_folder_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--out", str(tmp_path / "out"), "--data-dir", str(tmp_path)]
    assert main(["train", "--model", "LeNet", *flags, *SHORT]) == 2
    assert "put MNIST's four original *-ubyte.gz files" in one_line(capsys)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--out", str(tmp_path), *SHORT, "--device", "cuda"]
    assert main(["train", "--model", "LeNet", *flags]) == 2
    assert "no device 'cuda' on this machine; it has cpu" in one_line(capsys)


def test_a_checkpoint_of_another_net_is_one_line(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "MyVggNet.pt"
    wrong.write_bytes((trained / "weights" / "LeNet.pt").read_bytes())
    flags = ["--out", str(tmp_path), "--resume", *SHORT]
    capsys.readouterr()
    assert main(["train", "--model", "MyVggNet", *flags]) == 2
    assert "is a checkpoint of LeNet, not of MyVggNet" in one_line(capsys)
    assert wrong.read_bytes() == (trained / "weights" / "LeNet.pt").read_bytes()


def remember_results(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The benchmark finds what it has found before."""
    found = json.loads((trained / "results" / "benchmark.json").read_text())
    monkeypatch.setattr("mnistcore.benchmark.mnist.run_benchmark", lambda *_: found)


def test_results_of_other_weights_do_not_replace_the_shipped_ones(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    remember_results(trained, monkeypatch)
    shipped = files(RESULTS)
    assert main(["benchmark", "--weights", str(trained / "weights")]) == 0
    assert (tmp_path / "runs" / "results" / "benchmark.json").exists()
    assert files(RESULTS) == shipped


def test_the_projects_own_results_are_told_in_its_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = json.loads((RESULTS / "speed.json").read_text())
    for name in ("benchmark.json", "pictures.json"):
        shutil.copy(RESULTS / name, tmp_path)
    readme = ROOT / "README.md"
    stale = splice(readme.read_text(), "speed", "stale")
    (tmp_path / "README.md").write_text(stale)
    monkeypatch.setattr("mnistcore.__main__.README", tmp_path / "README.md")
    monkeypatch.setattr("mnistcore.__main__.WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr("mnistcore.__main__.RESULTS", tmp_path)
    monkeypatch.setattr("mnistcore.benchmark.speed.compare_speed", lambda *_: found)
    assert main(["benchmark", "--speed"]) == 0
    assert (tmp_path / "README.md").read_text() == readme.read_text()
    card = (tmp_path / "weights" / "README.md").read_text()
    assert card == (WEIGHTS / "README.md").read_text()


def test_results_of_some_nets_are_not_told_in_the_documents(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(kept := (ROOT / "README.md").read_text())
    monkeypatch.setattr("mnistcore.__main__.README", readme)
    monkeypatch.setattr("mnistcore.__main__.RESULTS", tmp_path)
    remember_results(trained, monkeypatch)
    assert main(["benchmark", "--weights", str(trained / "weights"), "--out", str(tmp_path)]) == 0
    assert (tmp_path / "benchmark.md").exists()
    assert readme.read_text() == kept


@pytest.fixture(scope="module")
def trained(small_mnist: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nets and their benchmark, as ``all`` leaves them."""
    out = tmp_path_factory.mktemp("all")
    assert main(["all", "--models", "lenet", "MyNetV2", "--out", str(out), *SHORT]) == 0
    return out


def test_all_trains_and_benchmarks_what_was_asked(trained: Path) -> None:
    assert {path.name for path in (trained / "weights").glob("*.pt")} == {"LeNet.pt", "MyNetV2.pt"}
    table = (trained / "results" / "benchmark.md").read_text()
    assert "No results" in table  # one epoch is not the recipe
    assert "| LeNet |" in table
    assert "| MyNetV2 |" in table
    assert "| MyVggNet |" not in table
    assert (trained / "results" / "accuracy.png").stat().st_size > 10_000


@pytest.mark.parametrize("model", ["LeNet", "mynetv2"])
def test_maps_draws_a_picture_a_layer(model: str, trained: Path, tmp_path: Path) -> None:
    flags = ["--weights", str(trained / "weights"), "--out", str(tmp_path)]
    assert main(["maps", "--model", model, "--index", "61", *flags]) == 0
    drawn = sorted(path.name for path in tmp_path.iterdir())
    if model == "LeNet":
        assert drawn[:4] == [
            "00_picture.png",
            "01_conv1.png",
            "02_conv1+relu.png",
            "03_conv1+relu+pool.png",
        ]
    else:
        assert drawn[-1] == "10_conv5+relu.png"
    assert main(["maps", "--image", str(EXAMPLES / "1 a three.png"), *flags]) == 0


def test_predict_reads_files_and_folders(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    shutil.copytree(EXAMPLES, folder)
    (folder / "a document.pdf").write_bytes(b"%PDF-1.4")  # Pillow writes these but reads none
    assert main(["predict", str(folder), "--json", "--steps", str(tmp_path / "steps")]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == len(list(EXAMPLES.iterdir()))
    assert (lines[0]["text"], lines[0]["verdict"]) == ("3", "digit")
    assert len(lines[0]["digits"][0]["probs_by_model"]) == len(list_models())
    assert len(list((tmp_path / "steps").glob("*.png"))) == len(lines)


def test_predict_names_what_cannot_be_read_and_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    three = str(EXAMPLES / "1 a three.png")
    assert main(["predict", "nowhere.png", three, "--model", "lenet"]) == 1
    out, err = capsys.readouterr()
    assert out == f"{three}: 3\n"
    assert err == "mnistcore: nowhere.png: no picture nowhere.png\n"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--index", "10000"], "--index is 10000; it must be from 0 to 9999"),
        (["--image", "requirements.txt"], "requirements.txt is not a picture"),
        (["--image", "nowhere.png"], "no picture nowhere.png"),
        (["--index", "0", "--weights", "nowhere"], "no checkpoint nowhere"),
        (["--index", "0", "--model", "VGG"], "unknown model 'VGG'"),
    ],
)
def test_maps_names_what_it_cannot_draw(
    flags: list[str],
    message: str,
    trained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    weights = ["--weights", str(trained / "weights")]
    assert main(["maps", *weights, "--out", str(tmp_path), *flags]) == 2
    assert message in one_line(capsys)
    assert files(tmp_path) == {}


def test_a_folder_without_weights_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", "--weights", str(tmp_path), "--out", str(tmp_path / "results")]) == 2
    assert "run scripts/train_all.sh" in one_line(capsys)
    assert files(tmp_path) == {}
