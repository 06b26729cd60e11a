from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from mnistcore.benchmark import documents
from mnistcore.benchmark.documents import DOCUMENTS, fill, make_blocks, publish, write_documents
from mnistcore.files import RESULTS, WEIGHTS
from mnistcore.results import Results, load_results

TEXT = """---
# model-index: begin, generated
old
# model-index: end
---
# Title
<!-- speed: begin, generated -->
<!-- speed: end -->
between
<!-- accuracy: begin, generated -->
old
lines
<!-- accuracy: end -->
after
"""
BLOCKS = {"model-index": "index", "speed": "fast", "accuracy": "high\nhigher", "unused": "x"}


def test_fill_replaces_the_blocks_alone() -> None:
    filled = fill(TEXT, BLOCKS)
    assert (
        filled
        == """---
# model-index: begin, generated
index
# model-index: end
---
# Title
<!-- speed: begin, generated -->
fast
<!-- speed: end -->
between
<!-- accuracy: begin, generated -->
high
higher
<!-- accuracy: end -->
after
"""
    )
    assert fill(filled, BLOCKS) == filled


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- speed: begin, generated -->\n", "one has no end"),
        ("<!-- speed: begin, generated -->\n<!-- accuracy: end -->\n", "one has no end"),
        ("<!-- sped: begin, generated -->\n<!-- sped: end -->\n", "unknown: sped; choose from"),
    ],
)
def test_fill_refuses_a_damaged_document(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fill(text, BLOCKS)


def test_the_documents_show_the_shipped_results() -> None:
    blocks = make_blocks(load_results())
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        assert "begin, generated" in text
        assert fill(text, blocks) == text, f"run python -m mnistcore benchmark --report: {path}"


def test_every_block_is_in_a_document() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    assert [name for name in make_blocks(load_results()) if f" {name}: begin" not in texts] == []


def test_the_hub_understands_the_model_card() -> None:
    data: Any = ModelCard.load(WEIGHTS / "README.md").data
    assert (data.license, data.datasets, data.metrics) == ("mit", ["ylecun/mnist"], ["accuracy"])
    benchmark = load_results().benchmark
    accuracies = [net["accuracy"] for net in benchmark["nets"].values()]
    assert [(r.dataset_split, r.metric_type, r.metric_value) for r in data.eval_results] == [
        ("test", "accuracy", pytest.approx(value))
        for value in (*accuracies, benchmark["together"]["accuracy"])
    ]


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A document with an old block, in place of all others."""
    path = tmp_path / "README.md"
    path.write_text("<!-- speed: begin, generated -->\nold\n<!-- speed: end -->\n")
    monkeypatch.setattr(documents, "DOCUMENTS", (path,))
    return path


def test_the_shipped_results_go_into_the_documents(document: Path) -> None:
    assert publish("speed", "text", RESULTS) == [document]
    assert "| LeNet |" in document.read_text()
    assert not (RESULTS / "speed.md").exists()


def test_other_results_have_a_report_beside_them(document: Path, tmp_path: Path) -> None:
    before = document.read_text()
    assert publish("speed", "text", tmp_path / "results") == [tmp_path / "results" / "speed.md"]
    assert (tmp_path / "results" / "speed.md").read_text() == "text\n"
    assert document.read_text() == before


@pytest.mark.parametrize(
    ("results", "message"),
    [
        (Results({**load_results().benchmark, "nets": {}}, None, None), "no results for LeNet, My"),
        (Results(load_results().benchmark, None, None), "benchmark --pictures"),
        (Results(load_results().benchmark, load_results().pictures, None), "benchmark --speed"),
    ],
)
def test_documents_wait_for_all_results(
    results: Results, message: str, document: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "load_results", lambda _: results)
    before = document.read_text()
    with pytest.raises(ValueError, match=message):
        write_documents()
    assert document.read_text() == before
