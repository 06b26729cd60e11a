"""A training that is killed, or whose disk is full, folder closed or state truncated."""

import os
import random
import resource
import shlex
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from mnistcore import checkpoint, figures
from mnistcore.__main__ import main
from mnistcore.training import loop
from mnistcore.training.epoch import Training
from tests.conftest import load_small
from tests.tools.forking import fork

KILLS, EPOCHS = 4, 4
TRAIN = shlex.split(
    f"train --model LeNet --out . --device cpu --epochs {EPOCHS} --batch-size 100 --val-size 1500 "
    "--drawn 50 --edited 10 --others 50"
)
FINISHED, STATE, HISTORY = Path("LeNet.pt"), Path("LeNet/training.pt"), Path("LeNet/history.json")
WRITES = 2 * EPOCHS + 2  # of an uninterrupted training: two per epoch, two at the end

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("small_mnist")]


def result(folder: Path) -> dict[str, Any]:
    """What interruptions must not change, and the names of the files."""
    content = checkpoint.load(folder / FINISHED)
    history = [{k: v for k, v in e.items() if k != "seconds"} for e in content["history"]]
    return {
        "weights": {key: weight.tolist() for key, weight in content["weights"].items()},
        "history": history,
        "files": sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()),
        "epochs written": (folder / HISTORY).read_text().count('"seconds"'),
    }


def run_training(folder: Path, write: int | None = None, part: float = 1) -> None:
    """Train in ``folder``, in this process, resuming where the last one ended.

    The process kills itself during write number ``write``, when ``part`` of the temporary file is
    on the disk and it has not been renamed yet.
    """
    fsync, writes = os.fsync, 0

    def counted(file: int) -> None:
        nonlocal writes
        if writes == write:
            os.ftruncate(file, int(part * os.fstat(file).st_size))
            os.kill(os.getpid(), signal.SIGKILL)
        writes += 1
        fsync(file)

    patch = pytest.MonkeyPatch()
    patch.setattr(os, "fsync", counted)
    patch.setattr(loop, "load_data", load_small)
    patch.setattr(
        figures, "curves", lambda *_: b"curves"
    )  # drawing them takes longer than an epoch
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    raise SystemExit(main([*TRAIN, "--resume"]))


def started(*args: Any) -> BaseProcess:
    process = fork.Process(target=run_training, args=args)
    process.start()
    return process


def epochs_done(folder: Path) -> int:
    if not (folder / STATE).exists():
        return EPOCHS if (folder / FINISHED).exists() else 0
    return len(checkpoint.load(folder / STATE)["history"])


def test_a_training_killed_at_random_moments_resumes_to_the_same_weights(tmp_path: Path) -> None:
    rng = random.Random(0)
    whole, folder = tmp_path / "whole", tmp_path / "killed 0 times"
    started(tmp_path / "warm", 0).join()  # the first waits for the server to import
    start = time.perf_counter()
    started(whole).join()
    seconds = time.perf_counter() - start
    kills: list[str] = []
    for _ in range(5 * KILLS):  # some trainings end before they are killed
        if len(kills) == KILLS:
            break
        before = epochs_done(folder)
        if len(kills) % 2:
            after = rng.uniform(0, seconds)
            moment, process = f"after {after:.3f} s", started(folder)
            process.join(after)
            process.kill()
        else:
            write, part = rng.randrange(WRITES - 2 * before), rng.choice([rng.random(), 1])
            if not kills:
                write = WRITES - 3  # the last epoch is in the history but not in the state
            moment, process = f"in write {write} at {part:.0%}", started(folder, write, part)
        process.join()
        if process.exitcode == -signal.SIGKILL:
            kills.append(moment)
            assert epochs_done(folder) >= before, kills
        else:
            assert process.exitcode == 0, kills
            assert result(folder) == result(whole), kills
            folder = tmp_path / f"killed {len(kills)} times"
    assert len(kills) == KILLS
    process = started(folder)
    process.join()
    assert process.exitcode == 0, kills
    assert result(folder) == result(whole), kills


@contextmanager
def full_disk() -> Iterator[None]:
    """The last byte of the training's state does not fit on the disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (STATE.stat().st_size - 1, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@contextmanager
def closed_folder() -> Iterator[None]:
    """The training's folder is read-only."""
    user, nobody = os.geteuid(), 65534
    STATE.parent.chmod(0o555)
    if user == 0:  # root may write anywhere
        os.seteuid(nobody)
    try:
        yield
    finally:
        os.seteuid(user)
        STATE.parent.chmod(0o755)


@pytest.fixture(scope="module")
def whole(small_mnist: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("whole"))
        assert main(TRAIN) == 0
        return Path.cwd()


@pytest.mark.parametrize(
    ("trouble", "messages"),
    [
        (full_disk, [f"{STATE}: File too large"] * 2),
        (closed_folder, [f"{path}: Permission denied" for path in (HISTORY, STATE.parent)]),
    ],
)
def test_a_write_error_is_one_line_and_costs_only_the_current_epoch(
    trouble: Callable[[], AbstractContextManager[None]],
    messages: list[str],
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    epoch, lasting = Training.epoch, ExitStack()

    def third_in_trouble(run: Training, *args: Any) -> dict[str, float]:
        if len(run.history) == 2:
            lasting.enter_context(trouble())
        return epoch(run, *args)

    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)  # root becomes nobody and must still get in
    with lasting, monkeypatch.context() as patch:
        patch.setattr(Training, "epoch", third_in_trouble)
        assert main(TRAIN) == 2
        patch.undo()
        state = STATE.read_bytes()
        errors = [capsys.readouterr().err]
        assert main([*TRAIN, "--resume"]) == 2  # the same as long as the trouble lasts
        errors.append(capsys.readouterr().err)
        assert STATE.read_bytes() == state
    for error, message in zip(errors, messages, strict=True):
        assert error == f"mnistcore: {message}\n"
    assert epochs_done(tmp_path) == 2
    assert main([*TRAIN, "--resume"]) == 0
    assert result(tmp_path) == result(whole)


@pytest.mark.parametrize("path", [STATE, FINISHED], ids=str)
def test_a_truncated_checkpoint_is_one_line_and_nothing_is_written(
    path: Path,
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, cut in ((HISTORY, 0), (path, 1000)):
        content = (whole / (HISTORY if name == HISTORY else FINISHED)).read_bytes()
        name.parent.mkdir(exist_ok=True)
        name.write_bytes(content[: len(content) - cut])
    before = {p: p.read_bytes() for p in (HISTORY, path)}
    assert main([*TRAIN, "--resume"]) == 2
    assert capsys.readouterr().err == (
        f"mnistcore: {path} is truncated or not a checkpoint; delete it and train again\n"
    )
    assert {p: p.read_bytes() for p in Path().rglob("*") if p.is_file()} == before
