import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mnistcore.files import ROOT
from tests.tools import server

needs_venv = pytest.mark.skipif(
    not (ROOT / ".venv").exists(), reason="would install into a new .venv"
)


def run(
    script: str, *args: str, cwd: Path, root: Path = ROOT, **env: str
) -> subprocess.CompletedProcess[str]:
    call = ["bash", str(root / "scripts" / script), *args]
    return subprocess.run(
        call, cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("python", "message"),
    [
        ("exit 1", "the command python3 must be Python 3.11 or newer"),
        ('[ "$1" = -c ]', "python3 has no pip"),
        ('[ "$1" = -c ] || [ "$3" = --version ]', "cannot create"),
        ('[ "$3" != --python ]', "installing requirements.txt failed"),
    ],
    ids=["old Python", "no pip", "no environment", "no network"],
)
def test_an_installation_that_fails_says_what_to_do(
    python: str, message: str, tmp_path: Path
) -> None:
    """In a new clone, with a command in place of python3."""
    clone, bin_folder = tmp_path / "clone", tmp_path / "bin"
    shutil.copytree(ROOT / "scripts", clone / "scripts")
    shutil.copy(ROOT / "requirements.txt", clone)
    bin_folder.mkdir()
    (bin_folder / "python3").write_text(f"#!/bin/sh\n{python}\n")
    (bin_folder / "python3").chmod(0o755)
    path = f"{bin_folder}:{os.environ['PATH']}"
    result = run("train_all.sh", cwd=tmp_path, root=clone, PATH=path)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(message)
    assert not list(clone.glob(".venv/installed-*"))


@pytest.mark.slow
@pytest.mark.timeout(300)  # seconds: 20 on idle cores, but other tests may run beside it
@needs_venv
def test_train_all_runs_from_any_folder_and_passes_its_arguments_on(tmp_path: Path) -> None:
    flags = ["--quick", "--epochs", "1", "--models", "LeNet", "--out", "out", "--val-size", "45000"]
    added = [word for kind in ("drawn", "edited", "others") for word in (f"--{kind}", "0")]
    result = run("train_all.sh", *flags, *added, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "do not report these numbers" in result.stdout
    assert (tmp_path / "out" / "weights" / "LeNet.pt").exists()
    assert (tmp_path / "out" / "results" / "benchmark.json").exists()


@pytest.mark.slow
@needs_venv
def test_a_wrong_argument_is_the_exit_status_of_the_script(tmp_path: Path) -> None:
    result = run("train_all.sh", "--epochs", "many", cwd=tmp_path)
    assert result.returncode == 2
    assert "invalid int value: 'many'" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@needs_venv
def test_publish_space_writes_its_folder_where_it_is_called(tmp_path: Path) -> None:
    result = run("publish_space.sh", "owner/name", "--dry-run", "out", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / "demo.py").exists()


@pytest.mark.parametrize(
    ("command", "patience", "message"),
    [("import time; time.sleep(60)", 0.1, "served no page"), ("", 60.0, "ended by itself")],
)
def test_waiting_for_a_server_without_a_page_ends(
    command: str, patience: float, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PATIENCE", patience)
    with pytest.raises(RuntimeError, match=message), server.served("-c", command):
        pass
