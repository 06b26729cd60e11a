import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistcore.__main__ import main
from mnistcore.benchmark import pictures as bench
from mnistcore.benchmark.report import pictures_report
from mnistcore.benchmark.rows import Row, Sample
from mnistcore.models import list_models
from mnistcore.reading.picture import Plane
from mnistcore.results import Pictures

pytestmark = pytest.mark.slow

WITHOUT_DIGITS = {"blank", "dot", "scribble", "printed_letter", "drawn_letter", "shape"}


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


@pytest.fixture(scope="module")
def results() -> Pictures:
    return bench.run_picture_benchmark(device="cpu", split="val", share=0.012)


def test_results(results: Pictures) -> None:
    assert results["split"] == "val"
    for name, row in results["rows"].items():
        assert set(row["refused"]) == {*list_models(), "together"}
        low, high = row["refused"]["together"]["interval"]
        assert low - 1e-9 <= row["refused"]["together"]["share"] <= high + 1e-9
        if name in WITHOUT_DIGITS:
            assert "right" not in row
            continue
        assert set(row["right"]) == set(row["naive"]) == {*list_models(), "together"}
        for answers in (*row["right"].values(), *row["naive"].values()):
            assert answers["share"] == answers["count"] / row["n"]
        for net, wrong in row["sure_wrong"].items():
            others = row["n"] - row["right"][net]["count"], row["n"] - row["refused"][net]["count"]
            assert wrong["count"] <= min(others)
    rows = results["rows"]
    assert rows["own_frame"]["right"]["together"]["share"] > 0.8
    assert (
        rows["canvas"]["right"]["together"]["count"] > rows["canvas"]["naive"]["together"]["count"]
    )
    assert rows["own_frame"]["plain"]["share"] > 0.9
    assert (rows["own_frame"]["frame_difference"] or 255) < 10
    assert "split" in rows["canvas"]
    assert "split" not in rows["number"]
    for name in ("mnist_c", "forms", "lined", "signs", "layout"):
        assert sum(part["n"] for part in rows[name]["parts"].values()) == rows[name]["n"]
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


def test_a_row_whose_pictures_are_blank() -> None:
    """If nothing is found, no digit is right, and there is no frame to compare."""
    empty = np.zeros((28, 28), np.uint8)
    row = Row("blank", 2, lambda i, rng: Sample(empty, "1"), plain=True)
    digits = np.zeros((2, 28, 28), np.float32)
    bar_ = bench.tqdm(disable=True)
    result = bench._measure_row("own_frame", row, digits, bench.Recognizer(device="cpu"), bar_)
    assert result["right"]["together"]["count"] == 0
    assert result["refused"]["together"]["count"] == 2
    assert result["frame_difference"] is None
