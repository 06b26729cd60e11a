import bz2
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistcore.__main__ import main
from mnistcore.benchmark import pictures as bench
from mnistcore.benchmark.report import pictures_report
from mnistcore.data import load_mnist, split_train_val
from mnistcore.models import list_models
from mnistcore.reading.picture import Plane
from mnistcore.reading.recognizer import Digit, Reading
from mnistcore.results import Pictures
from mnistcore.training.recipes import TrainConfig

ROWS = (
    "own_frame", "canvas", "redrawn", "photo", "number", "pen", "mnist_c",
    "blank", "dot", "scribble", "printed_letter", "drawn_letter", "shape",
)  # fmt: skip


def bar() -> Plane:
    ink = np.zeros((100, 100), np.float32)
    ink[10:90, 40:60] = 1
    return ink


def gray(plane: Plane) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.rint(255 * plane).astype(np.uint8)


def test_naive_input_finds_the_polarity() -> None:
    light = bench.naive_input(gray(bar()))
    dark = bench.naive_input(gray(1 - bar()))
    assert light.shape == (28, 28)
    np.testing.assert_allclose(light, dark, atol=0.01)
    assert light[14, 14] == 1
    assert light[14, 2] == 0


def test_naive_input_of_a_transparent_picture() -> None:
    picture = np.zeros((100, 100, 4), np.uint8)
    picture[:, :, 3] = gray(bar())
    np.testing.assert_allclose(
        bench.naive_input(picture), bench.naive_input(gray(bar())), atol=0.01
    )


def reading(text: str, answers: list[tuple[int, str]]) -> Reading:
    """A reading of digits in which LeNet says 7 everywhere."""
    blank = np.zeros((28, 28), np.float32)

    def one_hot(digit: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        return np.eye(10, dtype=np.float32)[digit]

    digits = tuple(
        Digit(
            box=(0, 0, 1, 1),
            verdict=verdict,
            reason="",
            candidates=[label],
            fitted=blank,
            image=blank,
            probs=one_hot(label),
            probs_by_model={
                name: one_hot(7 if name == "LeNet" else label) for name in list_models()
            },
        )
        for label, verdict in answers
    )
    return Reading(text, "digit", "", digits, {}, [], 1.0, {})


def test_text_of_one_net() -> None:
    both = reading("12\n3", [(1, "digit"), (8, "not a digit"), (2, "unsure"), (3, "digit")])
    assert bench.text_of_net(both, "LeNet") == "77\n7"
    assert bench.text_of_net(both, "MyVggNet") == "12\n3"
    assert bench.text_of_net(reading("", []), "LeNet") == ""


def test_splits() -> None:
    digits, labels = bench.load_split("val")
    images, truths = load_mnist("train")
    held_out = split_train_val(TrainConfig.val_size, len(images))[1]
    assert digits.shape == (TrainConfig.val_size, 28, 28)
    assert digits.dtype == np.float32
    assert np.bincount(labels).tolist() == np.bincount(truths[held_out].numpy()).tolist()
    assert digits.sum() == pytest.approx(float(images[held_out].sum()) / 255, rel=1e-3)
    again, _ = bench.load_split("val")
    np.testing.assert_array_equal(digits, again)


@pytest.fixture(scope="module")
def rows() -> bench.Rows:
    return bench.make_rows(*bench.load_split("val"))


def test_samples_are_the_same_every_time(rows: bench.Rows) -> None:
    assert set(ROWS) <= set(rows)
    for name, row in rows.items():
        first, second = (bench.make_sample(name, row, 3) for _ in range(2))
        np.testing.assert_array_equal(first.picture, second.picture)
        assert first.truth == second.truth
        other = bench.make_sample(name, row, 4)
        assert not np.array_equal(first.picture, other.picture)


def test_samples_have_the_truth_about_their_pictures(rows: bench.Rows) -> None:
    digits, labels = bench.load_split("val")
    sample = bench.make_sample("own_frame", rows["own_frame"], 7)
    np.testing.assert_array_equal(sample.picture, np.rint(255 * digits[7]))
    for name in ("own_frame", "canvas", "redrawn", "photo", "mnist_c"):
        assert rows[name].plain
        assert bench.make_sample(name, rows[name], 7).truth == str(labels[7])
    lengths = [len(bench.make_sample("number", rows["number"], i).truth or "") for i in range(8)]
    assert lengths == [1, 2, 3, 4, 5, 6, 7, 8]
    assert bench.make_sample("dot", rows["dot"], 0).truth is None


def test_share_of_the_pictures(rows: bench.Rows) -> None:
    few = bench.make_rows(*bench.load_split("val"), share=0.01)
    assert few["canvas"].n == round(rows["canvas"].n * 0.01)


@pytest.fixture(scope="module")
def results() -> Pictures:
    return bench.run_picture_benchmark(device="cpu", split="val", share=0.012)


def test_results(results: Pictures) -> None:
    assert results["split"] == "val"
    for name, row in results["rows"].items():
        low, high = row["refused"]["interval"]
        assert low - 1e-9 <= row["refused"]["share"] <= high + 1e-9
        if name in ROWS[7:]:
            assert "right" not in row
            continue
        assert set(row["right"]) == set(row["naive"]) == {*list_models(), "together"}
        for answers in (*row["right"].values(), *row["naive"].values()):
            assert answers["share"] == answers["count"] / row["n"]
    rows = results["rows"]
    assert rows["own_frame"]["right"]["together"]["share"] > 0.8
    assert (
        rows["canvas"]["right"]["together"]["count"] > rows["canvas"]["naive"]["together"]["count"]
    )
    assert rows["own_frame"]["plain"]["share"] > 0.9
    assert (rows["own_frame"]["frame_difference"] or 255) < 10
    assert "split" in rows["canvas"]
    assert "split" not in rows["number"]
    assert sum(part["n"] for part in rows["mnist_c"]["parts"].values()) == rows["mnist_c"]["n"]
    assert 0 < results["read_ms"]["median"] <= results["read_ms"]["p95"]


def test_the_report_has_every_row(results: Pictures) -> None:
    text = pictures_report(results)
    assert all(row["title"] in text for row in results["rows"].values())


def test_files(results: Pictures, tmp_path: Path) -> None:
    sheet = bench.example_sheet(device="cpu", split="val")
    bench.write_results(results, sheet, tmp_path)
    assert json.loads((tmp_path / "pictures.json").read_text()) == results
    assert (tmp_path / "pictures.png").read_bytes().startswith(b"\x89PNG")


def test_command(
    results: Pictures,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(bench, "run_picture_benchmark", lambda *args, **options: results)
    monkeypatch.setattr(bench, "example_sheet", lambda *args: b"png")
    assert main(["benchmark", "--pictures", "--out", str(tmp_path)]) == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"pictures.json", "pictures.md", "pictures.png"}
    assert pictures_report(results) in capsys.readouterr().out


def test_one_thing_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["benchmark", "--pictures", "--speed"])
    assert stopped.value.code == 2
    assert "not allowed" in capsys.readouterr().err


def idx(values: np.ndarray[Any, Any], kind: int) -> bytes:
    """An array in the format of MNIST's files."""
    sizes = struct.pack(f">{values.ndim}I", *values.shape)
    return bytes([0, 0, kind, values.ndim]) + sizes + values.tobytes()


def test_other_sets_that_are_not_here(tmp_path: Path) -> None:
    assert set(bench._other_sets(tmp_path)) <= {"sklearn"}


def test_usps(tmp_path: Path) -> None:
    pixels = np.full(256, -1.0)
    pixels[:16] = 1  # the first row
    line = " ".join(f"{i}:{value}" for i, value in enumerate(pixels, 1))
    (tmp_path / "usps.t.bz2").write_bytes(bz2.compress(f"1 {line}\n10 {line}\n".encode()))
    _, images, labels = bench._other_sets(tmp_path)["usps"]
    assert images.dtype == np.uint8
    assert images[0, 0].tolist() == [255] * 16
    assert images[0, 1:].max() == 0
    assert [str(label) for label in labels] == ["0", "9"]


def test_emnist(tmp_path: Path) -> None:
    raw = tmp_path / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    lying = np.zeros((2, 28, 28), np.uint8)
    lying[:, 14, 4:24] = 255
    (raw / "emnist-digits-test-images-idx3-ubyte").write_bytes(idx(lying, 8))
    (raw / "emnist-digits-test-labels-idx1-ubyte").write_bytes(idx(np.array([1, 1], np.uint8), 8))
    _, images, labels = bench._other_sets(tmp_path)["emnist"]
    assert images[0, 4:24, 14].min() == 255
    assert labels.tolist() == [1, 1]


def test_qmnist(tmp_path: Path) -> None:
    raw = tmp_path / "QMNIST" / "raw"
    raw.mkdir(parents=True)
    images = np.zeros((10_002, 28, 28), np.uint8)
    labels = np.zeros((10_002, 8), ">i4")
    labels[-2:, 0] = 4, 5
    (raw / "qmnist-test-images-idx3-ubyte").write_bytes(idx(images, 8))
    (raw / "qmnist-test-labels-idx2-int").write_bytes(idx(labels, 12))
    _, found, truths = bench._other_sets(tmp_path)["qmnist"]
    assert len(found) == 2
    assert truths.tolist() == [4, 5]


def test_a_row_whose_pictures_are_blank(rows: bench.Rows) -> None:
    """If nothing is found, no digit is right, and there is no frame to compare."""
    empty = np.zeros((28, 28), np.uint8)
    row = replace(rows["own_frame"], n=2, make=lambda i, rng: bench.Sample(empty, "1"))
    digits = np.zeros((2, 28, 28), np.float32)
    bar_ = bench.tqdm(disable=True)
    result = bench._measure_row("own_frame", row, digits, bench.Recognizer(device="cpu"), bar_)
    assert result["right"]["together"]["count"] == 0
    assert result["refused"]["count"] == 2
    assert result["frame_difference"] is None
