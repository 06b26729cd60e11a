"""The package as others get it: its public names, what it requires, what a wheel holds and does."""

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

import mnistcore
from mnistcore import export
from mnistcore.files import ASSETS, ROOT

LARGEST_WHEEL = 28_000_000  # bytes; the weights are most of it, and the atlas 4 MB
# Only a Space with ZeroGPU, `mnistcore atlas`, and the export of safetensors need them.
OPTIONAL = {"spaces", "sklearn", "safetensors"}


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """What a command prints, run without this process's Python settings.

    Raises:
        AssertionError: it failed.
    """
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    result = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_public_names_are_there() -> None:
    for name in mnistcore.__all__:
        assert getattr(mnistcore, name).__module__.startswith("mnistcore.")
    assert mnistcore.train.__name__ == "train"


def test_dir_lists_the_public_names() -> None:
    assert dir(mnistcore) == sorted([*mnistcore.__all__, "__version__"])
    assert mnistcore.__all__ == sorted(mnistcore.__all__)
    assert {"Digit", "read"} <= set(mnistcore.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'mnistcore' has no attribute 'guess'"):
        mnistcore.guess  # noqa: B018


def test_type_checkers_see_the_same_public_names() -> None:
    tree = ast.parse(Path(mnistcore.__file__).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert {alias.asname: node.module for node in imports for alias in node.names} == {
        name: f"mnistcore.{module}" for name, module in mnistcore._MODULES.items()
    }


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = {"numpy", "torch", "matplotlib", "skimage", "PIL"}
    code = f"import sys, mnistcore; dir(mnistcore); print({heavy} & set(sys.modules))"
    assert run(sys.executable, "-c", code) == "set()\n"


# What it requires


def project() -> dict[str, list[Requirement]]:
    """The requirements in pyproject.toml, by extra; "" are those of the package itself."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = {"": table["dependencies"]} | table["optional-dependencies"]
    return {extra: [Requirement(line) for line in lines] for extra, lines in groups.items()}


def names(requirements: Iterable[Requirement]) -> set[str]:
    return {requirement.name for requirement in requirements}


def imported(paths: Iterable[Path]) -> set[str]:
    """The distributions that Python files import anywhere in them."""
    modules: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                modules.add(node.module or "")
    top_level = {module.partition(".")[0] for module in modules}
    known = packages_distributions()
    foreign = top_level - sys.stdlib_module_names - OPTIONAL - {"mnistcore"}
    return {distribution.lower() for module in foreign for distribution in known[module]}


def test_requirements_txt_is_the_package_with_its_page() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    listed = [Requirement(line) for line in lines if not line.startswith("#")]
    assert listed == project()[""] + project()["page"]


def test_all_that_is_imported_is_required_and_no_more() -> None:
    package, page = set((ROOT / "mnistcore").rglob("*.py")), ROOT / "mnistcore" / "page"
    of_page, of_mcp = set(page.rglob("*.py")), {page / "tools.py"}
    required = {extra: names(requirements) for extra, requirements in project().items()}
    assert imported(package - of_page) == required[""]
    found = imported(of_page - of_mcp | {ROOT / "demo.py"})
    assert found - required[""] == required["page"]
    found = imported(of_mcp) - required[""] - required["page"]
    assert found == required["mcp"] - {"mnistcore", "gradio"}


def test_the_extra_onnx_is_what_an_export_needs() -> None:
    assert names(project()["onnx"]) == set(export.NEEDED)


def test_publishing_the_nets_installs_the_page_and_the_extra_safetensors() -> None:
    lines = (ROOT / "scripts" / "requirements.txt").read_text().splitlines()
    listed = [line for line in lines if not line.startswith("#")]
    assert listed == ["-r ../requirements.txt", *map(str, project()["safetensors"])]


# What a wheel holds and does

# Seconds. Building takes 8 on idle cores, but other tests may run beside it.
patient = pytest.mark.timeout(300)


def repository() -> set[str]:
    """The files of the repository, tracked or new."""
    listing = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return {name for name in listing.split("\0") if (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of this checkout and the wheel that was built from the sdist."""
    copy, out = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("built")
    for name in repository():  # building leaves files in its source folder
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, copy)
    return out


@pytest.mark.slow
@patient
def test_the_sdist_holds_the_repository(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        found = {name.partition("/")[2] for name in sdist.getnames()}
    assert {name for name in repository() if not name.startswith(".")} <= found


@pytest.mark.slow
@patient
def test_the_wheel_holds_the_package_with_weights_and_results(built: Path) -> None:
    (path,) = built.glob("*.whl")
    assert path.stat().st_size < LARGEST_WHEEL
    with ZipFile(path) as wheel:
        found = set(wheel.namelist())
    places = ("mnistcore/", "assets/results/", "assets/examples/")
    wanted = {name for name in repository() if name.startswith(places)}
    wanted = {name for name in wanted if not name.startswith("assets/results/seeds/")}
    wanted |= {f"assets/weights/{path.name}" for path in (ASSETS / "weights").glob("*.*")}
    wanted |= {"assets/MNIST/README.md"}
    wanted |= {f"assets/MNIST/raw/t10k-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")}
    inside = {name.replace("assets/", "mnistcore/assets/", 1) for name in wanted}
    assert {name for name in found if ".dist-info/" not in name} == inside


@pytest.fixture(scope="module")
def environment(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and, by reference, what it requires."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python, (wheel,) = folder / "bin" / "python", built.glob("*.whl")
    offline = "--no-deps", "--no-index", "--disable-pip-version-check"
    run(sys.executable, "-m", "pip", "--python", python, "install", *offline, wheel)
    (site,) = folder.glob("lib/*/site-packages")
    (site / "tests.pth").write_text(sysconfig.get_path("purelib"))
    return folder


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of a three in a folder where nothing else is."""
    (three,) = (ASSETS / "examples").glob("1 *.png")
    return shutil.copyfile(three, tmp_path / "photo.png")


@pytest.mark.slow
@patient
def test_an_installed_package_reads_from_any_folder(environment: Path, photo: Path) -> None:
    code = "import mnistcore; print(mnistcore.__file__, mnistcore.read('photo.png').text)"
    place, text = run(environment / "bin" / "python", "-c", code, cwd=photo.parent).split()
    assert Path(place).is_relative_to(environment)
    assert text == "3"


@pytest.mark.slow
@patient
def test_the_console_script_reads_from_any_folder(environment: Path, photo: Path) -> None:
    script = environment / "bin" / "mnistcore"
    assert run(script, "predict", "photo.png", cwd=photo.parent) == "photo.png: 3\n"
