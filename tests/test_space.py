"""The page as a Hugging Face Space: its configuration, the uploaded files, and that they work."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest import mock

import gradio
import pytest
import torch
from huggingface_hub import SpaceCard, SpaceHardware
from huggingface_hub.constants import SPACES_SDK_TYPES
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import demo
from mnistcore.data import MD5
from mnistcore.files import ROOT
from mnistcore.models import list_models
from tests.tools.browsing import needs_chromium

# What the Hub's reference of the configuration allows, where huggingface_hub does not know it.
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
LONGEST_DESCRIPTION = 60  # characters

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def publish(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    call = ["bash", str(ROOT / "scripts" / "publish_space.sh"), *args]
    result = subprocess.run(
        call, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr.count("\n")) in ((0, 0), (2, 1)), result.stderr
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that would be uploaded."""
    path = tmp_path_factory.mktemp("space") / "new" / "folder"
    result = publish("owner/name", "--dry-run", str(path))
    assert re.fullmatch(rf"{path}: \d+M for owner/name\n", result.stdout), result.stderr
    return path


@pytest.fixture(scope="module")
def card(folder: Path) -> dict[str, Any]:
    return SpaceCard.load(folder / "README.md").data.to_dict()


def test_the_hub_accepts_the_configuration(card: dict[str, Any], folder: Path) -> None:
    assert {card["colorFrom"], card["colorTo"]} <= COLOURS
    assert 0 < len(card["short_description"]) <= LONGEST_DESCRIPTION
    assert card["sdk"] in SPACES_SDK_TYPES
    assert card["suggested_hardware"] in list(SpaceHardware)
    assert (folder / card["app_file"]).is_file()
    assert f'license = "{card["license"].upper()}"' in (ROOT / "pyproject.toml").read_text()


def read_requirements(path: Path) -> list[Requirement]:
    lines = path.read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_the_versions_are_those_that_the_project_asks_for(card: dict[str, Any]) -> None:
    wanted = next(r for r in read_requirements(ROOT / "requirements.txt") if r.name == "gradio")
    assert card["sdk_version"] in wanted.specifier
    assert card["sdk_version"] == gradio.__version__  # the version that the tests use
    (python,) = re.findall(r'requires-python = "(.+)"', (ROOT / "pyproject.toml").read_text())
    assert isinstance(card["python_version"], str)  # 3.10 would be the number 3.1
    assert card["python_version"] in SpecifierSet(python)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_folder_has_the_page_and_nothing_else(folder: Path) -> None:
    git = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=True)
    found = names(folder)
    assert found <= set(git.stdout.decode().split("\0"))
    assert {name for name in found if name.startswith("assets/MNIST")} == {
        "assets/MNIST/README.md",
        *(f"assets/MNIST/raw/{name}.gz" for name in MD5),
    }
    assert {name for name in found if name.startswith("assets/weights")} == {
        f"assets/weights/{file}"
        for file in (
            *(f"{net}.pt" for net in list_models()),
            *(f"atlas_{name}.npz" for name in (*list_models(), "digits")),
            "recognizer.json",
            "README.md",
        )
    }
    top = {name.partition("/")[0] for name in found}
    assert {name for name in top if not name.endswith(".md")} == {
        "LICENSE",
        "assets",
        "demo.py",
        "docs",
        "mnistcore",
        "requirements.txt",
    }
    found.remove("README.md")
    assert all((folder / name).read_bytes() == (ROOT / name).read_bytes() for name in found)


def test_the_readme_has_the_configuration_in_front(folder: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    front_matter, begin, rest = (folder / "README.md").read_text().partition(readme)
    assert (front_matter[:4], begin, rest) == ("---\n", readme, "")


@pytest.mark.parametrize(
    "document", ["README.md", "assets/weights/README.md", "docs/benchmark.md", "docs/training.md"]
)
def test_what_its_documents_show_is_there(document: str, folder: Path) -> None:
    text = (folder / document).read_text()
    targets = [t for t in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text) if not t.startswith("http")]
    assert targets
    for target in targets:
        assert ((folder / document).parent / target).exists(), target


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    result = publish("owner/name", "--dry-run", str(tmp_path))
    assert result.stderr == f"publish_space: {tmp_path} is not empty\n"
    assert names(tmp_path) == {"mine"}


@pytest.mark.parametrize(
    "arguments",
    [(), ("name",), ("/",), ("a/b/c",), ("owner/",), ("own er/name",), ("a/b", "--dry-run"),
     ("a/b", "--public")],
)  # fmt: skip
def test_a_wrong_call_is_one_line(arguments: tuple[str, ...]) -> None:
    result = publish(*arguments)
    assert result.returncode == 2
    assert re.search("is not OWNER/NAME|use --private or --dry-run DIR", result.stderr)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("space", "token", "message"),
    [
        ("owner/name", "", "Run `hf auth login`"),
        ("owner/name", "hf_none", "hf repos: .*Connection"),
        ("owner/na--me", "hf_none", "'owner/na--me'"),
    ],
)
def test_what_the_hub_refuses_is_one_line(
    space: str, token: str, message: str, tmp_path: Path
) -> None:
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_TOKEN": token, "HF_HOME": str(tmp_path)}
    result = publish(space, **nowhere, PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert re.search(message, result.stderr)
    assert result.stdout == ""


@pytest.mark.parametrize("flags", [[], ["--private"]])
def test_the_space_is_created_and_has_the_folder_alone(
    flags: list[str], folder: Path, tmp_path: Path
) -> None:
    """A ``hf`` of our own writes down how it is called and what it would upload."""
    log = tmp_path / "log"
    (tmp_path / "hf").write_text(
        f'#!/bin/sh\necho "$@" >>{log}\n'
        f'if [ "$1" = upload ]; then cp -R "$3" {tmp_path}/uploaded; fi\n'
    )
    (tmp_path / "hf").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    result = publish("owner/name", *flags, PATH=path, HF_ENDPOINT="https://hub")
    assert result.stdout == "https://hub/spaces/owner/name\n"
    token, create, upload = log.read_text().splitlines()
    assert token == "auth token"
    wanted = ["repos create owner/name --type space --space-sdk gradio --exist-ok", *flags]
    assert create == " ".join(wanted)
    assert re.fullmatch(
        r"upload owner/name \S+ --type space --delete \* --commit-message mnistcore \w+", upload
    )
    assert names(tmp_path / "uploaded") == names(folder)


@pytest.mark.parametrize("zero_gpu", [False, True])
def test_zero_gpu_gets_its_function_and_the_nets_stay_on_the_cpu(
    zero_gpu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    decorated: list[Any] = []
    seen: dict[str, Any] = {}

    def build(recognizer: demo.Recognizer, _: demo.Trainings | None) -> Any:
        seen["device"] = recognizer.device.type
        return mock.Mock(launch=seen.update, blocks={}, temp_file_sets=[])

    monkeypatch.setattr(demo, "build", build)
    monkeypatch.setattr(demo.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["demo.py"])
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")  # as a Space does
    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=decorated.append))
    if zero_gpu:
        monkeypatch.setenv("SPACES_ZERO_GPU", "true")
        pretended = torch.device("cuda")
        monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: pretended)
    else:
        monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: None)
    demo.main()
    assert seen["device"] == "cpu"
    assert len(decorated) == zero_gpu
    assert seen["server_name"] in (None, "0.0.0.0")  # None: Gradio asks GRADIO_SERVER_NAME itself


def link_requirements(requirements: Path, site: Path) -> None:
    """Link the packages of a requirements file, and what they require in turn, into site-packages.

    Installing them would take minutes and the network. Links to what is installed here show just
    as well whether the page needs anything else.
    """
    wanted = read_requirements(requirements)
    done = set()
    while wanted:
        requirement = wanted.pop()
        if str(requirement) in done:
            continue
        done.add(str(requirement))
        found = distribution(requirement.name)
        for name in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            if not (site / name).is_symlink():
                (site / name).symlink_to(str(found.locate_file(name)))
        wanted += [
            needed
            for needed in map(Requirement, found.requires or [])
            if needed.marker is None
            or any(needed.marker.evaluate({"extra": e}) for e in ("", *requirement.extras))
        ]


# Only the folder $2 can be written to, and no other machine can be reached.
CONFINE = """
mount --bind "$1" "$1"
mount --bind "$2" "$2"
mount -o remount,bind,ro "$1"
mount -o remount,bind,ro /
cd "$2"
shift 2
exec "$@"
"""
CONFINED = [
    "unshare", "--map-root-user", "--net", "--mount", "--pid", "--mount-proc", "--fork",
    "--kill-child", "bash", "-euc", CONFINE, "confined",
]  # fmt: skip


@pytest.fixture
def scratch() -> Iterator[str]:
    """A folder with a short name: Chromium puts a socket in it, and a socket's path is limited."""
    with TemporaryDirectory() as path:
        yield path


@pytest.mark.slow
@pytest.mark.timeout(300)  # seconds: it takes 100 beside other tests
def test_the_folder_and_its_requirements_are_all_that_the_page_needs(
    folder: Path, scratch: str, tmp_path: Path
) -> None:
    """The page also needs no network, and no place to write but a temporary folder."""
    needs_chromium()
    page = shutil.copytree(folder, tmp_path / "page")  # the environment goes into it
    confined = [*CONFINED, str(page), scratch]
    if not shutil.which("unshare") or subprocess.run([*confined, "true"], check=False).returncode:
        pytest.skip("needs a Linux that gives a process its own network and mounts")
    python = page / "env" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", page / "env"], check=True)
    (site,) = (page / "env" / "lib").glob("*/site-packages")
    link_requirements(page / "requirements.txt", site)
    assert (site / "gradio").exists()
    assert not (site / "pytest").exists()
    visit = [
        sys.executable,
        str(ROOT / "tests" / "tools" / "space_visit.py"),
        str(python),
        str(page),
    ]
    places = {"HOME": scratch, "TMPDIR": scratch, "PYTHONPATH": str(ROOT)}
    subprocess.run([*confined, *visit], env=os.environ | places, timeout=240, check=True)
