"""The documents: short, with links that lead somewhere, and without numbers typed by hand."""

import re
from pathlib import Path

import pytest

from mnistcore.benchmark.documents import BLOCK
from mnistcore.files import ROOT

DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("assets/*/README.md")]
)
README = (ROOT / "README.md").read_text(encoding="utf-8")
FIGURE = re.compile(r"\d ?%|\d\.\d\d|\d,\d{3}|\bp [=<]|\d+ of \d")  # what a result looks like


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives to a document's headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_document_can_be_reached_from_the_readme() -> None:
    found, queue = set[Path](), [ROOT / "README.md"]
    while queue:
        document = queue.pop()
        if document not in found:
            found.add(document)
            links = re.findall(r"\]\(([^)#:]+\.md)", document.read_text(encoding="utf-8"))
            queue += [(document.parent / link).resolve() for link in links]
    assert set(DOCUMENTS) <= found


def test_the_readme_is_short_and_starts_with_its_title() -> None:
    assert README.startswith("# mnistcore\n")
    assert len(README.encode()) <= 8000


def test_the_readme_has_no_figures_but_generated_ones() -> None:
    """That the generated ones are right is tested in benchmark/test_documents.py."""
    generated = "".join(match[0] for match in BLOCK.finditer(README))
    assert FIGURE.search(generated)
    by_hand = re.sub(r"Python 3\.\d+", "", BLOCK.sub("", README))
    assert FIGURE.findall(by_hand) == []


def test_hooks_run_the_python_checks_of_ci() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    script = (ROOT / "scripts" / "test.sh").read_text()
    checks = re.findall(r"entry: \.venv/bin/(.*)", hooks)
    assert checks == re.findall(r"^part \w+ ((?:ruff|mypy).*)$", script, re.MULTILINE)
