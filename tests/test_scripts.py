import subprocess
from pathlib import Path

import pytest

from mnistcore.files import ROOT
from tests.tools import server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".venv").exists(), reason="would install into a new .venv"),
]


def run(script: str, *args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    call = ["bash", str(ROOT / "scripts" / script), *args]
    return subprocess.run(call, cwd=cwd, capture_output=True, text=True, check=False)


def test_train_all_runs_from_any_folder_and_passes_its_arguments_on(tmp_path: Path) -> None:
    flags = ["--quick", "--epochs", "1", "--models", "LeNet", "--out", "out", "--val-size", "45000"]
    result = run("train_all.sh", *flags, "--drawn", "0", "--others", "0", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "do not report these numbers" in result.stdout
    assert (tmp_path / "out" / "weights" / "LeNet.pt").exists()
    assert (tmp_path / "out" / "results" / "benchmark.json").exists()


def test_a_wrong_argument_is_the_exit_status_of_the_script(tmp_path: Path) -> None:
    result = run("train_all.sh", "--models", "LeNet6", cwd=tmp_path)
    assert result.returncode == 2
    assert "unknown model 'LeNet6'" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_publish_space_writes_its_folder_where_it_is_called(tmp_path: Path) -> None:
    result = run("publish_space.sh", "owner/name", "--dry-run", "out", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / "demo.py").exists()


@pytest.mark.parametrize(
    ("command", "patience", "told"),
    [("import time; time.sleep(60)", 0.1, "gave no page"), ("", 60.0, "has ended")],
)
def test_a_server_without_a_page_is_given_up(
    command: str, patience: float, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PATIENCE", patience)
    with pytest.raises(RuntimeError, match=told), server.served("-c", command):
        pass
