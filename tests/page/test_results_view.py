import json
from pathlib import Path

import pytest

from mnistcore.files import RESULTS
from mnistcore.models import list_models
from mnistcore.page import handlers
from mnistcore.page.handlers import Handlers
from mnistcore.page.results_view import accuracy_curves, results_data
from mnistcore.page.yours import OwnNet
from mnistcore.reading.recognizer import Recognizer
from mnistcore.results import load_results


def test_results_of_each_net_and_of_all_together() -> None:
    results = load_results()
    for chosen in [*list_models(), "all"]:
        data = results_data(results, chosen)
        assert data["missing"] is None
        assert data["confusion"] is not None
        assert sum(map(sum, data["confusion"])) == 10_000
        errors = next(row["errors"] for row in data["rows"] if row["key"] == chosen)
        assert len(data["misread"]) == errors
    curves = accuracy_curves(results)
    assert set(curves["net"]) == set(list_models())


def test_results_on_pictures_are_shown_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "benchmark.json").write_text((RESULTS / "benchmark.json").read_text())
    assert results_data(load_results(tmp_path), "all")["pictures"] is None
    share = {"count": 9, "share": 0.9, "interval": [0.6, 0.98]}
    digit = {
        "right": {"LeNet": share, "together": share},
        "naive": {"LeNet": share | {"share": 0.3}, "together": share},
        "sure_wrong": {"LeNet": share | {"share": 0.1}, "together": share},
    }
    refused = {"LeNet": share, "together": share}
    rows = {
        "canvas": {"title": "canvases", "n": 10, "refused": refused, **digit},
        "dot": {"title": "dots", "n": 10, "refused": refused},
    }
    (tmp_path / "pictures.json").write_text(json.dumps({"rows": rows}))
    data = results_data(load_results(tmp_path), "LeNet")["pictures"]
    assert data
    assert data["read"] == [
        {"title": "canvases", "n": 10, **share, "naive": 0.3, "sure_wrong": 0.1}
    ]
    assert data["refused"] == [{"title": "dots", "n": 10, **share}]
    newer = results_data(load_results(tmp_path), "MyVggNet")
    assert newer["pictures"] is None


def test_errors_over_seeds_are_shown_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    results = load_results()
    results.benchmark.pop("seeds", None)
    data = results_data(results, "all")
    assert data["seeds"] is None
    assert {row["errors_over_seeds"] for row in data["rows"]} == {None}
    names = [*list_models(), "together"]
    results.benchmark["seeds"] = {
        "n": 3,
        "nets": {name: {"mean": 1 - i / 1000, "std": 0.0005} for i, name in enumerate(names)},
        "ensemble": {"n": 10_000, "errors": 30},
    }
    data = results_data(results, "all")
    assert data["seeds"] == 3
    for i, row in enumerate(data["rows"]):
        assert row["errors_over_seeds"] == pytest.approx([10 * i, 5])
    own = OwnNet(Path("LeNet.pt"), {"validation": (60, 5000)})
    assert results_data(results, "LeNet@token", own)["rows"][-1]["errors_over_seeds"] is None
    monkeypatch.setattr(handlers, "read_results", lambda: results)
    assert json.loads(Handlers(Recognizer(device="cpu")).show_results("LeNet")[0])["seeds"] == 3


@pytest.mark.parametrize(
    ("chosen", "title"), [("MyVggNet", "MyVggNet"), ("all", "All five together")]
)
def test_a_net_without_results_is_not_shown_with_those_of_another(chosen: str, title: str) -> None:
    results = load_results()
    del results.benchmark["nets"]["MyVggNet"], results.benchmark["together"]
    data = results_data(results, chosen)
    assert data["missing"] == (
        f"No results for {title} yet. Run python -m mnistcore benchmark to measure it."
    )
    assert (data["confusion"], data["misread"], data["pictures"]) == (None, [], None)
    assert [row["key"] for row in data["rows"]] == list_models()[:-1]
