"""The page as a Space of Hugging Face: its configuration, what is uploaded, that this works."""

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
from huggingface_hub import HfApi, SpaceCard, SpaceHardware
from huggingface_hub.constants import SPACES_SDK_TYPES
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import demo
from mnistcore.files import ROOT
from mnistcore.models import list_models
from scripts import publish_space
from tests.tools.browsing import needs_chromium

# From the Hub's reference of the configuration.
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
KEYS = {
    "title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file",
    "fullWidth", "suggested_hardware", "short_description", "license", "models", "datasets",
    "tags", "pinned",
}  # fmt: skip
LONGEST_DESCRIPTION = 60
EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def card() -> dict[str, Any]:
    return SpaceCard.load(ROOT / "README.md").data.to_dict()


def test_the_hub_takes_the_configuration(card: dict[str, Any]) -> None:
    assert set(card) <= KEYS
    assert {card["colorFrom"], card["colorTo"]} <= COLOURS
    assert EMOJI.fullmatch(card["emoji"])
    assert 0 < len(card["short_description"]) <= LONGEST_DESCRIPTION
    assert card["sdk"] in SPACES_SDK_TYPES
    assert card["suggested_hardware"] in list(SpaceHardware)
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+", name) for name in card["datasets"])
    assert (ROOT / card["app_file"]).samefile(demo.__file__)
    assert f'license = "{card["license"].upper()}"' in (ROOT / "pyproject.toml").read_text()


def test_the_versions_are_those_that_the_project_asks_for(card: dict[str, Any]) -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    wanted = next(r for r in map(Requirement, lines) if r.name == "gradio")
    installed, there = Version(gradio.__version__), Version(card["sdk_version"])
    assert there in wanted.specifier
    assert (installed.major, installed >= there) == (there.major, True)  # what the tests run on
    (python,) = re.findall(r'requires-python = "(.+)"', (ROOT / "pyproject.toml").read_text())
    assert isinstance(card["python_version"], str)  # 3.10 would be the number 3.1
    assert card["python_version"] in SpecifierSet(python)


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The folder that would be uploaded."""
    path = tmp_path / "space"
    assert publish_space.main(["owner/name", "--dry-run", str(path)]) == 0
    assert re.fullmatch(r".*space: \d+\.\d MB for owner/name\n", capsys.readouterr().out)
    return path


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_folder_holds_the_page_and_nothing_else(folder: Path) -> None:
    git = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=True)
    found = names(folder)
    assert found <= set(git.stdout.decode().split("\0"))
    assert {name for name in found if name.startswith("assets/MNIST")} == {
        "assets/MNIST/README.md", "assets/MNIST/raw/t10k-images-idx3-ubyte.gz",
    }  # fmt: skip
    assert {name for name in found if name.startswith("assets/weights")} == {
        f"assets/weights/{file}"
        for file in (*(f"{net}.pt" for net in list_models()), "recognizer.json", "README.md")
    }
    assert {name.partition("/")[0] for name in found if "/" in name or name[-3:] != ".md"} == {
        "LICENSE", "requirements.txt", "demo.py", "mnistcore", "assets",
    }  # fmt: skip
    assert all((folder / name).read_bytes() == (ROOT / name).read_bytes() for name in found)


@pytest.mark.parametrize("document", ["README.md", "assets/weights/README.md"])
def test_what_its_documents_show_is_there(document: str, folder: Path) -> None:
    text = (folder / document).read_text()
    targets = [t for t in re.findall(r"\]\(([^)\s]+)\)", text) if not t.startswith("http")]
    assert targets
    for target in targets:
        assert ((folder / document).parent / target).exists(), target


def test_a_folder_that_holds_something_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("precious")
    assert publish_space.main(["owner/name", "--dry-run", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"publish_space: {tmp_path} is not empty\n"
    assert names(tmp_path) == {"mine"}


@pytest.mark.parametrize("space", ["name", "/", "a/b/c", "owner/", "own er/name", "owner/na--me"])
def test_a_name_that_is_none_is_one_line(space: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        publish_space.main([space])
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert f"{space!r} is no OWNER/NAME" in err
    assert err.count("\n") == 1


def test_no_token_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(publish_space, "get_token", lambda: None)
    assert publish_space.main(["owner/name"]) == 2
    err = capsys.readouterr().err
    assert "hf auth login" in err
    assert err.count("\n") == 1


@pytest.mark.slow
def test_no_network_is_one_line() -> None:
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_TOKEN": "hf_none", "PYTHONPATH": str(ROOT)}
    call = [sys.executable, str(ROOT / "scripts" / "publish_space.py"), "owner/name"]
    result = subprocess.run(
        call, env=os.environ | nowhere, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert result.stderr.startswith("publish_space: http://127.0.0.1:9: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize(("flags", "private"), [([], None), (["--private"], True)])
def test_the_space_is_made_and_holds_the_folder_alone(
    flags: list[str],
    private: bool | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    api = mock.create_autospec(HfApi, instance=True)
    api.create_repo.return_value = "https://hub/spaces/owner/name"
    uploaded: list[set[str]] = []
    api.upload_folder.side_effect = lambda *, folder_path, **_: uploaded.append(
        names(Path(folder_path))
    )
    monkeypatch.setattr(publish_space, "HfApi", lambda: api)
    monkeypatch.setattr(publish_space, "get_token", lambda: "hf_token")
    assert publish_space.main(["owner/name", *flags]) == 0
    assert capsys.readouterr().out == "https://hub/spaces/owner/name\n"
    api.create_repo.assert_called_once_with(
        "owner/name", repo_type="space", space_sdk="gradio", private=private, exist_ok=True
    )
    call = api.upload_folder.call_args.kwargs
    assert (call["repo_id"], call["repo_type"]) == ("owner/name", "space")
    assert call["delete_patterns"] == "*"
    assert uploaded == [set(publish_space.page_files())]


@pytest.mark.parametrize("zero_gpu", [False, True])
def test_zero_gpu_gets_its_function_and_the_nets_stay_on_the_cpu(
    zero_gpu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    decorated: list[Any] = []
    seen: dict[str, Any] = {}

    def build(recognizer: demo.Recognizer) -> Any:
        seen["device"] = recognizer.device.type
        return mock.Mock(launch=seen.update, blocks={}, temp_file_sets=[])

    monkeypatch.setattr(demo, "build", build)
    monkeypatch.setattr(demo.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["demo.py"])
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
    assert seen["server_name"] is None  # GRADIO_SERVER_NAME decides, which a Space sets


def link_requirements(requirements: Path, site: Path) -> None:
    """Put what a requirements file asks for, and what that asks for in turn, into site-packages.

    pip does so in minutes, from the network, wherever these tests are set up. Linking what it
    installed there shows in a moment whether the page needs anything else.
    """
    wanted = [Requirement(line) for line in requirements.read_text().splitlines()]
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


# Only the folder $2 can be written to, and no other machine reached.
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
    """A folder with a short name: Chromium has a socket in it, and a socket's path a limit."""
    with TemporaryDirectory() as path:
        yield path


@pytest.mark.slow
def test_the_folder_and_its_requirements_are_all_that_the_page_needs(
    folder: Path, scratch: str
) -> None:
    """Nor a network, nor a place to write but a temporary folder."""
    needs_chromium()
    confined = [*CONFINED, str(folder), scratch]
    if not shutil.which("unshare") or subprocess.run([*confined, "true"], check=False).returncode:
        pytest.skip("needs a Linux that gives a process its own network and mounts")
    python = folder / "env" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    (site,) = (folder / "env" / "lib").glob("*/site-packages")
    link_requirements(folder / "requirements.txt", site)
    assert (site / "gradio").exists()
    assert not (site / "pytest").exists()
    visit = [sys.executable, str(ROOT / "tests" / "space_visit.py"), str(python), str(folder)]
    places = {"HOME": scratch, "TMPDIR": scratch, "PYTHONPATH": str(ROOT)}
    subprocess.run([*confined, *visit], env=os.environ | places, timeout=120, check=True)
