"""The rules of ARCHITECTURE.md about imports, and that it names the files that there are."""

import ast
import re
from functools import cache
from pathlib import Path

from mnistcore.files import PACKAGE, ROOT

NAMES = {  # of each module: its file
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


@cache
def imports(path: Path) -> set[str]:
    """The modules of ours that a file imports, at once or inside a function, but for types."""
    found = set()
    queue: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while queue:
        node = queue.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
        queue += ast.iter_child_nodes(node)
    return found & set(NAMES) - {"mnistcore"}


def reachable(module: str) -> set[str]:
    """All modules of ours that a module loads, directly or through others."""
    found, queue = set[str](), [module]
    while queue:
        new = imports(NAMES[queue.pop()]) - found
        found |= new
        queue += new
    return found


def test_nothing_that_reads_or_shows_imports_what_trains_or_measures() -> None:
    readers = [
        name
        for name in NAMES
        if re.match(r"mnistcore\.(reading|page|inside|why|change|atlas)\b", name)
    ]
    assert len(readers) > 10
    for name in readers:
        wrong = [m for m in reachable(name) if re.match(r"mnistcore\.(training|benchmark)\b", m)]
        assert wrong == [], name


def test_imports_have_no_circle() -> None:
    assert [name for name in NAMES if name in reachable(name)] == []


def test_models_need_nothing_that_reads_trains_or_measures() -> None:
    assert reachable("mnistcore.models") <= {"mnistcore.fused"}


def test_only_the_page_imports_gradio() -> None:
    found = [
        name
        for name, path in NAMES.items()
        if re.search(r"^\s*(import|from) gradio", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert found
    assert [name for name in found if not name.startswith("mnistcore.page.")] == []


def test_every_file_of_the_package_is_in_the_architecture() -> None:
    (tree,) = re.findall(r"```\n(mnistcore/\n.*?)```", TEXT, re.DOTALL)
    listed = set(re.findall(r"\w+\.py", tree)) - {"demo.py"}
    assert listed == {path.name for path in NAMES.values() if path.parent == PACKAGE} | {
        path.name for path in NAMES.values() if path.name != "__init__.py"
    }


def test_the_picture_of_the_architecture_shows_files_that_exist() -> None:
    words = re.findall(r"[\w/]+\.py|assets/\w+", (ROOT / "assets/architecture.svg").read_text())
    assert len(words) > 10
    places = (ROOT, PACKAGE, PACKAGE / "training", PACKAGE / "benchmark")
    assert [word for word in words if not any((place / word).exists() for place in places)] == []
