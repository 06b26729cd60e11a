import errno
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import mnistcore
from mnistcore import checkpoint
from mnistcore.__main__ import main
from mnistcore.benchmark import documents
from mnistcore.files import ASSETS, RESULTS, ROOT, WEIGHTS
from mnistcore.models import list_models
from mnistcore.training.recipes import FAST, TrainConfig
from mnistcore.training.threshold import choose_thresholds

EXAMPLES = ROOT / "assets" / "examples"

pytestmark = pytest.mark.usefixtures("small_mnist")

SHORT = shlex.split(
    "--epochs 1 --batch-size 100 --val-size 500 --drawn 100 --edited 30 --others 100 --device cpu"
)


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
    assert main(["train", "--model", "LeNet", "--out", ".", "--overwrite", *SHORT, *flags]) == 2
    assert message in one_line(capsys)
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    "argv",
    [
        ["train"],
        ["train", "--model", "LeNet", "--fast"],
        ["train", "--model", "LeNet", "--epochs", "many"],
        ["train", "--model", "LeNet", "--resume", "--overwrite"],
        ["predict", ""],
        ["maps", "--index", "0", "--out", ""],
        ["benchmark", "--report", "--record", "runs"],
        ["fly"],
        [],
    ],
)
def test_a_wrong_call_is_one_line(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
    one_line(capsys)


@pytest.mark.parametrize("instead", ["--speed", "--report"])
def test_weights_are_not_ignored(instead: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", instead, "--weights", "runs"]) == 2
    assert f"{instead} is for the shipped weights: leave out --weights" in one_line(capsys)


def test_fast_trains_lenet_with_its_own_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = shlex.split("--batch-size 100 --val-size 500 --device cpu")
    assert main(["train", "--fast", "--out", str(tmp_path), *flags]) == 0
    content = checkpoint.load(tmp_path / "LeNet.pt")
    assert content["config"]["epochs"] == FAST["epochs"]
    assert content["config"]["drawn"] == 0
    assert content["config"]["batch_size"] == 100  # a flag replaces a setting
    assert "--model LeNet" in capsys.readouterr().out
    assert checkpoint.load_model("LeNet", tmp_path)


def test_fast_is_for_mnist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "0").mkdir()
    assert main(["train", "--fast", "--data-dir", str(tmp_path)]) == 2
    assert f"--fast is for MNIST, but the data is {tmp_path.name}" in one_line(capsys)


def test_a_call_without_a_command_names_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    assert one_line(capsys).endswith("; see mnistcore --help\n")


@pytest.mark.parametrize(
    "call",
    [
        "train --model LeNet --out",
        "adapt digits --out",
        "predict 3.png --steps",
        "export --format onnx --out",
    ],
)
def test_a_file_in_place_of_an_output_folder_is_refused_before_any_work(
    call: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SystemExit) as stop:
        main([*call.split(), str(tmp_path / "file")])
    assert stop.value.code == 2
    assert f"{tmp_path / 'file'} is a file; give a folder" in one_line(capsys)


def test_an_output_folder_that_cannot_be_looked_at_is_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["train", "--model", "LeNet", "--out", "x" * 300, *SHORT]) == 2
    assert "File name too long" in one_line(capsys)


def test_ctrl_c_says_how_to_resume(
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
    assert f"{tmp_path} holds no data; it needs pictures" in one_line(capsys)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--out", str(tmp_path), *SHORT, "--device", "cuda"]
    assert main(["train", "--model", "LeNet", *flags]) == 2
    assert "no device 'cuda' on this machine; it has cpu" in one_line(capsys)


@pytest.mark.slow
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
    """The benchmark returns its earlier results."""
    found = json.loads((trained / "results" / "benchmark.json").read_text())
    monkeypatch.setattr("mnistcore.benchmark.mnist.run_benchmark", lambda *_: found)


@pytest.mark.slow
def test_results_of_other_weights_do_not_replace_the_shipped_ones(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    remember_results(trained, monkeypatch)
    shipped = files(RESULTS)
    assert main(["benchmark", "--weights", str(trained / "weights")]) == 0
    assert (tmp_path / "runs" / "results" / "benchmark.json").exists()
    assert files(RESULTS) == shipped


def test_report_writes_the_documents_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copies = [tmp_path / f"{i}.md" for i in range(len(documents.DOCUMENTS))]
    shipped = [path.read_text() for path in documents.DOCUMENTS]
    for path, text in zip(copies, shipped, strict=True):
        path.write_text(text.replace("| LeNet |", "| LeNet5 |"))
    monkeypatch.setattr(documents, "DOCUMENTS", copies)
    assert main(["benchmark", "--report"]) == 0
    assert [path.read_text() for path in copies] == shipped
    assert capsys.readouterr().out.splitlines() == [str(path) for path in copies]


def trains(out: Path, *more: str) -> list[str]:
    """The call that trains two nets with two seeds each."""
    nets = ["--models", "lenet", "MyNetV2", "--seeds", "2"]
    return ["all", *nets, "--out", str(out), *SHORT, *more]


@pytest.fixture(scope="module")
def trained(small_mnist: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nets of two seeds and their benchmark, as ``all`` leaves them."""
    out = tmp_path_factory.mktemp("all")
    assert main(trains(out)) == 0
    return out


@pytest.mark.parametrize(
    ("command", "folder"), [("train", ""), ("all", "weights"), ("all", "seed1")]
)
def test_an_earlier_training_is_not_replaced_unless_asked(
    command: str, folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / folder
    state = weights / "MyNetV2" / "training.pt"
    state.parent.mkdir(parents=True)
    state.write_bytes(b"hours of work")
    nets = ["--model", "MyNetV2"]
    if command == "all":
        nets = ["--models", "LeNet", "MyNetV2", "--seeds", "2"]
    assert main([command, *nets, "--out", str(tmp_path), *SHORT]) == 2
    line = one_line(capsys)  # so `all` has not started with LeNet
    assert f"{weights} already holds MyNetV2/training.pt" in line
    assert "--resume" in line
    assert "--overwrite" in line
    assert files(tmp_path) == {str(state): b"hours of work"}


def test_all_does_not_touch_the_shipped_weights_unless_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained_into: list[tuple[Path, bool]] = []

    def train(name: str, _: Any, *, out_dir: Path, overwrite: bool, **__: Any) -> Any:
        trained_into.append((out_dir, overwrite))
        raise ValueError(f"{name} is enough")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mnistcore.training.loop.train", train)
    assert main(["all"]) == 2
    assert main(["all", "--quick"]) == 2
    assert main(["all", "--quick", "--resume"]) == 2
    assert trained_into == [
        (Path("runs/weights"), False),
        (Path("runs/quick/weights"), True),
        (Path("runs/quick/weights"), False),
    ]
    capsys.readouterr()
    assert main(["all", "--out", str(ASSETS)]) == 2
    assert "already holds LeNet.pt, MyFullConvNet.pt, MyNetV1.pt" in one_line(capsys)


def test_a_training_that_learned_nothing_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mnistcore.training.epoch.normalize", torch.zeros_like)
    assert main(["train", "--model", "LeNet", "--out", str(tmp_path), *SHORT]) == 2
    out, err = capsys.readouterr()
    assert "epoch 1/1" in out
    assert err.startswith("mnistcore: LeNet learned nothing: it reads ")
    assert err.count("\n") == 1
    assert not (tmp_path / "LeNet.pt").exists()


def test_a_net_that_was_trained_reads_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mnist_train: tuple[Tensor, Tensor]
) -> None:
    """It alone, with thresholds of its own; and with a second net in the same folder, both."""
    out, three = tmp_path / "a", str(EXAMPLES / "1 a three.png")
    assert main(["train", "--model", "lenet", "--out", str(out), *SHORT]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"To read with it, add --weights {out} --model LeNet."
    assert sorted(json.loads((out / "recognizer.json").read_text())["nets"]) == ["LeNet"]
    assert main(["predict", three, "--json", "--weights", str(out), "--model", "LeNet"]) == 0
    (digit,) = json.loads(capsys.readouterr().out)["digits"]
    assert list(digit["probs_by_model"]) == ["LeNet"]
    assert digit["probs"] == digit["probs_by_model"]["LeNet"]
    assert main(["predict", three, "--weights", str(out), "--model", "MyVggNet"]) == 2
    assert "no " + str(out / "MyVggNet.pt; the folder has LeNet") in one_line(capsys)
    shutil.copy(WEIGHTS / "MyNetV2.pt", out)  # trained with more validation images
    choose_thresholds(out, mnist_train[0])
    content = json.loads((out / "recognizer.json").read_text())
    assert (list(content["nets"]), content["n"]) == (["LeNet", "MyNetV2"], 500)
    assert main(["predict", three, "--weights", str(out), "--model", "MyNetV2"]) == 0
    assert capsys.readouterr().out == f"{three}: 3\n"


@pytest.mark.slow
def test_all_trains_and_benchmarks_what_was_asked(trained: Path) -> None:
    assert {path.name for path in (trained / "weights").glob("*.pt")} == {"LeNet.pt", "MyNetV2.pt"}
    table = (trained / "results" / "benchmark.md").read_text()
    assert "Do not report these numbers" in table  # one epoch is not the recipe
    assert "| LeNet |" in table
    assert "| MyNetV2 |" in table
    assert "| MyVggNet |" not in table
    assert (trained / "results" / "accuracy.png").stat().st_size > 10_000


@pytest.mark.slow
def test_all_trains_several_seeds_and_goes_on_where_it_was_stopped(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed, folder in ((0, trained / "weights"), (1, trained / "seed1")):
        assert checkpoint.load(folder / "LeNet.pt")["config"]["seed"] == seed
        assert (folder / "recognizer.json").exists()
    seeds = json.loads((trained / "results" / "benchmark.json").read_text())["seeds"]
    assert (seeds["n"], list(seeds["nets"])) == (2, ["LeNet", "MyNetV2", "together"])
    record = trained / "results" / "seeds" / "MyNetV2_1.npz"
    before = record.read_bytes()
    record.unlink()  # as if Ctrl-C had come between the training and its record
    remember_results(trained, monkeypatch)
    monkeypatch.setattr("mnistcore.benchmark.mnist.write_results", lambda *_: [])
    monkeypatch.setattr("mnistcore.__main__._draw_maps", lambda *_: [])
    assert main(trains(trained, "--resume")) == 0
    assert record.read_bytes() == before


def test_a_record_is_made_of_each_net_and_no_result_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = checkpoint.load(WEIGHTS / "LeNet.pt")
    checkpoint.save(content | {"config": content["config"] | {"seed": 3}}, tmp_path / "LeNet.pt")
    call = ["benchmark", "--record", str(tmp_path), "--out", str(tmp_path), "--device", "cpu"]
    assert main(call) == 0
    record = tmp_path / "seeds" / "LeNet_3.npz"
    assert capsys.readouterr().out == f"recorded in {record}\n"
    assert sorted(files(tmp_path)) == [str(tmp_path / "LeNet.pt"), str(record)]
    assert record.stat().st_size < 60_000
    assert main([*call, "--record", str(tmp_path / "nowhere")]) == 2
    assert f"no weights in {tmp_path / 'nowhere'}" in one_line(capsys)


def test_at_least_one_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["all", "--seeds", "0", "--out", str(tmp_path)]) == 2
    assert "--seeds is 0; it must be at least 1" in one_line(capsys)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["LeNet", "mynetv2"])
def test_maps_draws_one_picture_per_layer(model: str, trained: Path, tmp_path: Path) -> None:
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
        assert drawn[10:] == ["10_conv5+relu.png", "11_fc1.png", "12_fc1+relu.png", "13_fc2.png"]
    assert main(["maps", "--image", str(EXAMPLES / "1 a three.png"), *flags]) == 0


@pytest.mark.slow
def test_maps_replaces_those_of_an_earlier_run_and_says_so(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--index", "61", "--weights", str(trained / "weights"), "--out", str(tmp_path)]
    assert main(["maps", "--model", "MyNetV2", *flags]) == 0
    (tmp_path / "01_holiday.png").write_bytes(b"not a map")
    capsys.readouterr()
    assert main(["maps", "--model", "LeNet", *flags]) == 0
    out, err = capsys.readouterr()
    assert err == f"mnistcore: replaced 14 pictures of an earlier run in {tmp_path}\n"
    written = {*out.splitlines(), str(tmp_path / "01_holiday.png")}
    assert {str(path) for path in tmp_path.iterdir()} == written


def test_explain_draws_why_and_says_how_the_pixels_add_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, out = EXAMPLES / "1 a three.png", ["--out", str(tmp_path)]
    assert main(["explain", str(picture), "--model", "LeNet", "--why-not", "8", *out]) == 0
    path, sentence = capsys.readouterr().out.splitlines()
    assert path == str(tmp_path / "1 a three_LeNet_3_not_8.png")
    assert Path(path).stat().st_size > 10_000
    difference, blank, total = (float(x) for x in re.findall(r"[+-]\d+\.\d+", sentence))
    assert total == pytest.approx(difference - blank, rel=0.012)
    assert main(["explain", str(picture), *out]) == 0
    path, *sentences = capsys.readouterr().out.splitlines()
    assert [sentence.split(":")[0] for sentence in sentences] == list_models()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["1 a three.png", "--why-not", "3"], "--why-not is 3, which is the answer"),
        (["1 a three.png", "--why-not", "10"], "two different digits from 0 to 9"),
        (["5 a number.png"], "shows 4 digits; give a picture of exactly one"),
    ],
)
def test_explain_says_what_is_wrong(
    flags: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, *more = flags
    assert main(["explain", str(EXAMPLES / picture), *more, "--out", str(tmp_path)]) == 2
    assert message in one_line(capsys)
    assert files(tmp_path) == {}


def test_predict_reads_files_and_folders(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    shutil.copytree(EXAMPLES, folder)
    (folder / "a document.pdf").write_bytes(b"%PDF-1.4")  # Pillow can write these but not read them
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
    assert err == "mnistcore: no picture nowhere.png\n"


def test_predict_reads_in_several_processes_in_the_order_of_the_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(9):
        shutil.copy(EXAMPLES / "1 a three.png", tmp_path / f"{number}.png")
    (tmp_path / "4.png").write_bytes(b"no pixels here")
    assert main(["predict", str(tmp_path), "--json", "--jobs", "1", "--device", "cpu"]) == 1
    alone = capsys.readouterr()
    assert [Path(json.loads(line)["file"]).stem for line in alone.out.splitlines()] == list(
        "01235678"
    )
    assert alone.err == f"mnistcore: {tmp_path / '4.png'} is not a picture that can be read\n"
    steps = ["--steps", str(tmp_path / "steps")]
    assert main(["predict", str(tmp_path), "--json", "--jobs", "2", "--device", "cpu", *steps]) == 1
    assert capsys.readouterr() == alone
    assert len(list((tmp_path / "steps").iterdir())) == 8
    monkeypatch.setattr("mnistcore.predict._start_process", os._exit)  # as if memory ran out
    assert main(["predict", str(tmp_path), "--jobs", "2", "--device", "cpu"]) == 2
    assert "one of 2 processes that read pictures has died" in one_line(capsys)


def test_predict_shows_its_progress_on_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("1.png", "2.png"):
        shutil.copy(EXAMPLES / "1 a three.png", tmp_path / name)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["predict", str(tmp_path), "--device", "cpu"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 2
    assert "2/2 [" in err
    assert "pictures" in err
    assert main(["predict", str(tmp_path / "1.png"), "--device", "cpu"]) == 0
    assert capsys.readouterr().err == ""  # a single picture needs no bar


def test_jobs_must_be_positive(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(EXAMPLES), "--jobs", "0"]) == 2
    assert "--jobs is 0; it must be at least 1" in one_line(capsys)


def test_predict_names_a_file_once_and_in_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no pixels here")
    assert main(["predict", str(broken)]) == 1
    assert one_line(capsys) == f"mnistcore: {broken} is not a picture that can be read\n"


def test_predict_names_a_folder_that_it_may_not_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed, scandir = tmp_path / "closed", os.scandir
    closed.mkdir()
    three = Path(shutil.copy(EXAMPLES / "1 a three.png", tmp_path))

    def refuse(folder: str | Path) -> Any:
        if Path(folder) == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(closed))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)  # root may open any folder
    assert main(["predict", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out == f"{three}: 3\n"
    assert err == f"mnistcore: folder {closed} cannot be read: Permission denied\n"
    assert main(["predict", str(closed)]) == 1
    assert "cannot be read: Permission denied" in one_line(capsys)


def test_predict_says_that_a_folder_holds_no_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(tmp_path)]) == 2
    assert one_line(capsys) == f"mnistcore: no pictures in {tmp_path}\n"


def test_predict_never_prints_what_is_not_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mnistcore.reading.recognizer.Reading.summary", lambda _: {"p": math.nan})
    assert main(["predict", "--json", str(EXAMPLES / "1 a three.png")]) == 1
    assert "not JSON compliant" in one_line(capsys)


@pytest.mark.parametrize(
    ("name", "content"),
    [("MyNetV1.pt", None), ("recognizer.json", '{"threshold": NaN}')],
    ids=["weights", "threshold"],
)
def test_predict_refuses_numbers_that_are_not_finite(
    name: str, content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(WEIGHTS, weights)
    if content is None:
        damaged = checkpoint.load(weights / name)
        damaged["weights"]["head.fc3.bias"][8] = -math.inf
        checkpoint.save(damaged, weights / name)
    else:
        (weights / name).write_text(content)
    call = ["predict", "--json", str(EXAMPLES / "1 a three.png"), "--weights", str(weights)]
    assert main(call) == 2
    assert str(weights / name) in one_line(capsys)


@pytest.mark.parametrize("argv", [["--help"], ["predict", str(EXAMPLES), "--model", "LeNet"]])
def test_a_closed_output_ends_a_command_quietly(argv: list[str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)  # as `head` does when it has seen enough
    call = [sys.executable, "-m", "mnistcore", *argv]
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}  # unbuffered, argparse hides the error
    result = subprocess.run(
        call, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False, env=buffered
    )
    os.close(write_end)
    assert result.stderr == ""
    assert result.returncode == 141


def loaded(argv: list[str], modules: set[str]) -> set[str]:
    """Those of ``modules`` that a process has imported once the command ``argv`` has run."""
    code = f"""
import contextlib, io, sys
from mnistcore.__main__ import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    with contextlib.suppress(SystemExit):
        main({argv!r})
print(*({modules!r} & set(sys.modules)))
"""
    call = [sys.executable, "-c", code]
    return set(subprocess.run(call, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["fly"], ["predict", ""]], ids=str)
def test_help_and_wrong_calls_import_nothing_heavy(argv: list[str]) -> None:
    assert loaded(argv, {"torch", "numpy", "matplotlib", "skimage", "scipy", "PIL"}) == set()


def test_predict_imports_nothing_that_trains() -> None:
    trains = {"torchvision", "matplotlib", "mnistcore.training.loop", "mnistcore.training.epoch"}
    argv = ["predict", str(EXAMPLES / "1 a three.png"), "--device", "cpu"]
    assert loaded(argv, {"mnistcore.reading.recognizer", *trains}) == {
        "mnistcore.reading.recognizer"
    }


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"mnistcore {mnistcore.__version__}\n"


def test_every_training_flag_has_help_with_its_range(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # so that no line is wrapped
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = capsys.readouterr().out
    for setting in fields(TrainConfig):
        meaning = setting.metadata["help"]
        if setting.type is not bool:
            low, high = setting.metadata["range"]
            meaning += f"; {low} to {high}"
        assert f"{meaning}\n" in text


@pytest.mark.slow
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
    assert "run mnistcore all" in one_line(capsys)
    assert files(tmp_path) == {}
