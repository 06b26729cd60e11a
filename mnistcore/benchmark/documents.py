"""The project's documents: where their generated blocks are, and what fills them.

A block is all that stands between two lines, ``<!-- NAME: begin, generated -->`` and
``<!-- NAME: end -->``; in YAML, ``# NAME: begin, generated`` and ``# NAME: end``.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from mnistcore.benchmark import report
from mnistcore.files import README, RESULTS, ROOT, WEIGHTS, write_whole
from mnistcore.models import list_models
from mnistcore.results import Results, load_results

DOCUMENTS = (README, ROOT / "docs" / "benchmark.md", WEIGHTS / "README.md")
BEGIN = re.compile(r"^(?:<!--|#) [\w-]+: begin, generated", re.MULTILINE)
BLOCK = re.compile(
    r"^(?P<begin>(?:<!--|#) (?P<name>[\w-]+): begin, generated(?: -->)?\n)"
    r".*?"
    r"^(?P<end>(?:<!--|#) (?P=name): end)",
    re.MULTILINE | re.DOTALL,
)


def fill(text: str, blocks: Mapping[str, str]) -> str:
    """A document with its generated blocks replaced.

    Raises:
        ValueError: a block has no end, or a name that is not in ``blocks``.
    """
    names = [match["name"] for match in BLOCK.finditer(text)]
    unknown = sorted(set(names) - set(blocks))
    if unknown or len(names) != len(BEGIN.findall(text)):
        reason = f"unknown: {', '.join(unknown)}" if unknown else "one has no end"
        raise ValueError(f"generated blocks: {reason}; choose from {', '.join(blocks)}")
    return BLOCK.sub(lambda m: f"{m['begin']}{blocks[m['name']]}\n{m['end']}", text)


def make_blocks(results: Results) -> dict[str, str]:
    """The content of every generated block, by name.

    Raises:
        ValueError: a benchmark is missing, or does not have all nets.
    """
    benchmark, pictures, speed = results.benchmark, results.pictures, results.speed
    missing = [name for name in list_models() if name not in benchmark["nets"]]
    if missing:
        raise ValueError(f"no results for {', '.join(missing)}; run python -m mnistcore benchmark")
    if pictures is None or speed is None:
        flag = "--speed" if pictures else "--pictures"
        raise ValueError(f"missing results; run python -m mnistcore benchmark {flag}")
    return {
        "overview": report.overview(benchmark, pictures),
        "accuracy": report.accuracy_report(benchmark),
        "cost": report.cost_table(benchmark),
        "pairs": report.pairs_report(benchmark["mcnemar"]),
        "pictures": report.pictures_report(pictures),
        "speed": report.speed_report(speed),
        "fast": report.fast_sentence(speed),
        "model-index": report.model_index(benchmark),
        "recipe": report.recipe_table(benchmark),
        "limits": report.limits(pictures),
    }


def write_documents() -> list[Path]:
    """Fill the blocks of all documents from the shipped results.

    Returns:
        The documents.

    Raises:
        ValueError: as :func:`make_blocks` and :func:`fill`.
        OSError: a document cannot be read or written.
    """
    blocks = make_blocks(load_results(RESULTS))
    for path in DOCUMENTS:
        write_whole(path, fill(path.read_text(encoding="utf-8"), blocks).encode())
    return list(DOCUMENTS)


def publish(name: str, text: str, out_dir: Path) -> list[Path]:
    """Write a report beside its results, or fill the documents if the results are the shipped ones.

    Returns:
        The written files.

    Raises:
        ValueError, OSError: as :func:`write_documents`.
    """
    if out_dir.resolve() == RESULTS and README.exists():
        return write_documents()
    path = out_dir / f"{name}.md"
    write_whole(path, (text + "\n").encode())
    return [path]
