"""Trainings of several visitors: their line, their ends, and the process that trains."""

import base64
import json
import os
import queue
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from mnistcore import checkpoint
from mnistcore.files import WEIGHTS
from mnistcore.page import line, trainings, views
from mnistcore.page.run import LEASE
from mnistcore.page.trainings import Trainings
from mnistcore.page.worker import Worker
from mnistcore.page.yours import OwnNet
from mnistcore.reading.ensemble import THRESHOLD_FILE
from mnistcore.training.choices import Choices, parse_choices
from mnistcore.training.jobs import NICE

SHORT = asdict(Choices(images=600, epochs=20, batch_size=64))
PATIENCE = 60  # seconds for a process to start and train, on a busy machine


class FakeWorker:
    """Does what it is told without training: tests put its messages in."""

    def __init__(self, _: str, data: Path | None) -> None:
        self.told: list[dict[str, Any]] = []
        self.messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.killed = False
        workers.append(self)

    def tell(self, do: str, **details: Any) -> None:
        self.told.append({"do": do} | details)
        if do == "drop" and not self.deaf:
            self.messages.put({"end": None})

    deaf = False
    is_alive = True

    def hear(self, seconds: float) -> dict[str, Any]:
        try:
            message = self.messages.get(timeout=seconds)
        except queue.Empty:
            return {}
        if "lost" in message:
            raise EOFError
        return message

    def kill(self) -> None:
        self.killed = True


workers: list[FakeWorker] = []


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Trainings:
    """Trainings of one visitor at a time, with fake workers."""
    workers.clear()
    monkeypatch.setattr(line, "Worker", FakeWorker)
    return Trainings(1, "cpu", tmp_path, {}, parse_choices)


def status(of: Trainings, token: str, command: str | None = None, digit: Any = None) -> Any:
    question = {"token": token, "seen": [0, 0], "command": command, "digit": digit}
    return of.status(question)


def wait_for(condition: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def start(of: Trainings) -> str:
    return of.start({"choices": SHORT, "digit": None})["token"]


def start_with_net(of: Trainings) -> str:
    """A training of which the net is there already, as its process writes it before the end."""
    token = start(of)
    wait_for(lambda: bool(workers and workers[0].told))
    folder = Path(workers[0].told[0]["path"]).parent
    folder.mkdir()
    for name in ("LeNet.pt", THRESHOLD_FILE):
        shutil.copy(WEIGHTS / name, folder)
    return token


def digits(count: int = 3, side: int = 28, label: int = 3) -> list[dict[str, Any]]:
    image = base64.b64encode(bytes(side * side)).decode()
    return [{"label": label, "image": image} for _ in range(count)]


def told(epoch: float, **more: Any) -> dict[str, Any]:
    return {"told": {"epoch": epoch, "kernels": epoch} | more}


def test_a_training_is_told_as_it_goes(one: Trainings) -> None:
    token = start(one)
    wait_for(lambda: bool(workers and workers[0].told))
    assert status(one, token)["state"] == "starting"
    worker = workers[0]
    assert worker.told[0]["choices"] == SHORT
    worker.messages.put(told(0, images_of={"7": "x"}))
    worker.messages.put(told(1, images_of={"9": "y"}))
    wait_for(lambda: len(status(one, token)["points"]) == 2)
    now = one.status({"token": token, "seen": [1, 1], "command": None, "digit": None})
    assert now["state"] == "training"
    assert now["points"] == [{"epoch": 1}]
    assert now["images"] == [{"index": 9, "bytes": "y"}]
    assert now["newest"] == {"kernels": 1}
    json.dumps(now)

    digit = views.pack(np.ones((28, 28), np.float32))
    status(one, token, "pause", digit)
    wait_for(lambda: status(one, token)["state"] == "paused")
    status(one, token, "go")
    wait_for(lambda: status(one, token)["state"] == "training")
    status(one, token, "stop")
    wait_for(lambda: worker.told[-1]["do"] == "stop")
    assert [told["do"] for told in worker.told[1:]] == ["digit", "pause", "go", "stop"]
    worker.messages.put({"end": {"ended": "stopped"}})
    wait_for(lambda: status(one, token)["state"] == "ended")
    assert status(one, token)["end"] == {"ended": "stopped"}


def test_others_wait_in_a_line(one: Trainings) -> None:
    first, second, third = (start(one) for _ in range(3))
    wait_for(lambda: status(one, first)["state"] == "starting")
    assert [status(one, token)["place"] for token in (first, second, third)] == [0, 1, 2]
    status(one, second, "stop")
    wait_for(lambda: status(one, second)["state"] == "ended")
    assert status(one, third)["place"] == 1
    workers[0].messages.put({"end": {"ended": "finished"}})
    wait_for(lambda: status(one, third)["state"] == "starting" and bool(status(one, first)))
    assert len(workers) == 1  # the same process


@pytest.mark.parametrize("deaf", [False, True])
def test_whoever_leaves_makes_room_soon(
    one: Trainings, deaf: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeWorker, "deaf", deaf)
    first, second = start(one), start(one)
    wait_for(lambda: status(one, first)["state"] == "starting")
    left = time.monotonic()
    wait_for(lambda: status(one, second)["state"] == "starting")
    assert LEASE < time.monotonic() - left < 10  # 1.6 where nothing else runs
    assert workers[0].told[-1 if deaf else 1]["do"] == "drop"
    assert workers[0].killed == deaf
    assert status(one, first) == {"state": "gone"}


def test_a_training_stops_while_its_page_is_reloaded(
    one: Trainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = start(one)
    wait_for(lambda: bool(workers))
    (worker,) = workers
    worker.messages.put(told(0))
    wait_for(lambda: status(one, token)["state"] == "training")
    wait_for(lambda: worker.told[-1]["do"] == "pause", 10)  # 1.4 s where nothing else runs
    wait_for(lambda: status(one, token) and worker.told[-1]["do"] == "go")
    monkeypatch.setattr(line, "RELOAD", LEASE)
    wait_for(lambda: worker.told[-1]["do"] == "drop", 10)


def test_a_stop_on_ones_return_counts_more_than_going_on(one: Trainings) -> None:
    token = start(one)
    wait_for(lambda: bool(workers))
    (worker,) = workers
    worker.messages.put(told(0))
    wait_for(lambda: status(one, token)["state"] == "training")
    wait_for(lambda: worker.told[-1]["do"] == "pause", 10)
    status(one, token, "stop")
    wait_for(lambda: status(one, token) and worker.told[-1]["do"] != "pause")
    assert worker.told[-1]["do"] == "stop"


def test_a_process_that_is_lost_ends_its_training(one: Trainings) -> None:
    token = start(one)
    wait_for(lambda: bool(workers))
    workers[0].messages.put({"lost": True})
    wait_for(lambda: status(one, token)["state"] == "failed")
    again = start(one)
    wait_for(lambda: len(workers) == 2)
    assert status(one, again)["state"] == "starting"


def test_a_process_that_cannot_start_ends_its_training_alone(
    one: Trainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: Any) -> None:
        raise OSError("Cannot allocate memory")

    monkeypatch.setattr(line, "Worker", no_memory)
    token = start(one)
    wait_for(lambda: status(one, token)["state"] == "failed")
    monkeypatch.setattr(line, "Worker", FakeWorker)
    start(one)
    wait_for(lambda: bool(workers and workers[0].told))
    assert status(one, token)["state"] == "failed"  # not forgotten before its page knows


def test_a_test_that_fails_costs_no_net(one: Trainings) -> None:
    token = start_with_net(one)
    status(one, token, "stop")  # it comes too late
    end = {"ended": "finished", "val_errors": 30, "val_n": 5000}
    workers[0].messages.put({"end": end})
    wait_for(lambda: status(one, token)["state"] == "ended")
    status(one, token, "test")
    wait_for(lambda: status(one, token)["state"] == "testing")
    workers[0].messages.put({"end": {"failed": True}})
    wait_for(lambda: status(one, token)["state"] == "ended")
    now = status(one, token)
    assert (now["end"], now["test"]) == (end, {})
    assert one.find(token)
    status(one, token, "test")
    wait_for(lambda: status(one, token)["state"] == "testing")
    workers[0].messages.put({"end": {"errors": 100, "n": 10_000}})
    wait_for(lambda: bool(status(one, token)["test"]))
    assert status(one, token)["end"] == end


def test_a_word_that_came_too_late_stops_no_test(one: Trainings) -> None:
    token = start_with_net(one)
    with one._line.changed:  # so that the stop waits until the training has ended
        workers[0].messages.put({"end": {"ended": "finished", "val_errors": 30, "val_n": 5000}})
        time.sleep(0.1)
        one._runs[token].words["training"] = {"do": "stop"}
    wait_for(lambda: status(one, token)["state"] == "ended")
    assert one._runs[token].words == {}
    other = start(one)
    wait_for(lambda: status(one, other)["state"] == "starting")
    status(one, token, "test")
    time.sleep(0.3)
    assert status(one, token)["state"] == "waiting"
    assert "zip" in one.download({"token": token})
    workers[0].messages.put({"end": {"ended": "stopped"}})
    wait_for(lambda: status(one, token)["state"] == "testing")


def test_whoever_stops_as_his_turn_comes_does_not_train(one: Trainings) -> None:
    start(one)
    wait_for(lambda: bool(workers and workers[0].told))
    waiting = start(one)
    with one._line.changed:
        workers[0].messages.put({"end": {"ended": "stopped"}})
        one._runs[waiting].words["training"] = {"do": "stop"}
    wait_for(lambda: status(one, waiting)["state"] not in ("waiting", "starting"))
    assert status(one, waiting)["state"] == "ended"
    assert len(workers[0].told) == len(workers) == 1


def test_digits_of_whoever_stops_waiting_are_not_kept(one: Trainings) -> None:
    start(one)
    waiting = one.teach({"net": "LeNet", "digits": digits(), "digit": None})["token"]
    run = one._runs[waiting]
    run.words["digit"] = {"do": "digit", "digit": "a drawing"}
    assert "images" in run.job
    status(one, waiting, "stop")
    wait_for(lambda: status(one, waiting)["state"] == "ended")
    assert (run.job, run.words) == ({"do": "adapt"}, {})


def test_only_a_trained_net_can_be_downloaded(one: Trainings) -> None:
    assert "no longer on the server" in one.download({"token": "another's"})["error"]


def test_a_pause_ends(one: Trainings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "MOST_PAUSED", 0.3)
    token = start(one)
    wait_for(lambda: bool(workers))
    workers[0].messages.put(told(0))
    wait_for(lambda: status(one, token)["state"] == "training")
    status(one, token, "pause")
    wait_for(lambda: status(one, token) and workers[0].told[-1]["do"] == "stop")


def test_wrong_settings_and_a_long_line_are_refused(
    one: Trainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = SHORT | {"images": 55_000, "epochs": 99}
    error = one.start({"choices": wrong, "digit": None})["error"]
    assert error == one.command(wrong)["error"]
    assert "The number of epochs is 99" in error
    with pytest.raises(gr.Error, match="could not be understood"):
        one.start({"choices": {}, "digit": None})
    with pytest.raises(gr.Error, match="could not be understood"):
        one.start({"choices": SHORT, "digit": "junk"})
    assert status(one, "another") == {"state": "gone"}
    monkeypatch.setattr(trainings, "MOST_IN_LINE", 1)
    first = start(one)
    wait_for(lambda: status(one, first)["state"] == "starting")
    start(one)
    refused = one.start({"choices": SHORT, "digit": None})
    assert "Too many visitors are waiting" in refused["error"]


def test_a_net_is_taught_in_the_same_line(one: Trainings) -> None:
    question = {"net": "all", "digits": digits(), "digit": None}
    begun = one.teach(question)
    assert begun["net"] == "LeNet"
    wait_for(lambda: bool(workers) and bool(workers[0].told))
    (job,) = workers[0].told
    assert job["base"] == str(WEIGHTS / "LeNet.pt")
    assert job["labels"] == (3, 3, 3)
    assert base64.b64decode(job["images"]) == bytes(3 * 784)
    again = start(one)
    wait_for(lambda: status(one, again)["place"] == 1)
    shutil.copytree(WEIGHTS, Path(job["path"]).parent)
    workers[0].messages.put({"end": {"ended": "finished", "summary": "better"}})
    wait_for(lambda: status(one, begun["token"])["end"].get("summary") == "better")
    of_own = question | {"net": f"LeNet@{begun['token']}"}
    token = one.teach(of_own)["token"]
    assert one._runs[token].job["base"] == job["path"]
    shutil.rmtree(Path(job["path"]).parent)
    assert "no longer on the server" in one.teach(of_own)["error"]
    assert "no longer on the server" in one.teach(question | {"net": "LeNet@another"})["error"]
    assert one.find(token) is None  # it is waiting


@pytest.mark.parametrize(
    "wrong",
    [
        {"digits": []},
        {"digits": digits(501)},
        {"digits": digits(side=27)},
        {"digits": digits(label=10)},
        {"digit": "junk"},
        {"net": "../LeNet"},
    ],
    ids=["none", "501", "another size", "another label", "a broken drawing", "no net"],
)
def test_what_cannot_be_taught_is_refused(one: Trainings, wrong: dict[str, Any]) -> None:
    question = {"net": "LeNet", "digits": digits(), "digit": None}
    with pytest.raises(gr.Error, match="could not be understood"):
        one.teach(question | wrong)
    assert not workers


def test_a_net_of_other_data_is_not_taught(one: Trainings, tmp_path: Path) -> None:
    content = checkpoint.load(WEIGHTS / "LeNet.pt") | {"data": {"name": "clothes"}}
    checkpoint.save(content, tmp_path / "LeNet.pt")
    other = Trainings(1, "cpu", tmp_path, {}, parse_choices, weights=tmp_path)
    found = other.teach({"net": "LeNet", "digits": digits(), "digit": None})
    assert found == {"error": "LeNet was trained on clothes; only MNIST nets can be adapted."}


@pytest.mark.slow
def test_the_process_trains_and_reads_the_test_set_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Worker] = []

    class Remembered(Worker):
        def __init__(self, device: str, data: Path | None) -> None:
            super().__init__(device, data)
            started.append(self)

    monkeypatch.setattr(line, "Worker", Remembered)
    real = Trainings(1, "cpu", tmp_path, {}, parse_choices)
    token = start(real)
    wait_for(lambda: status(real, token)["state"] == "training", PATIENCE)
    (worker,) = started
    assert os.getpriority(os.PRIO_PROCESS, worker._process.pid) == NICE
    wait_for(lambda: status(real, token)["state"] == "ended", PATIENCE)
    now = status(real, token)
    assert now["end"]["ended"] == "finished"
    assert now["points"][-1]["val"][1] > 0.5
    status(real, token, "test")
    wait_for(lambda: bool(status(real, token)["test"]), PATIENCE)
    test = status(real, token, "test")["test"]
    low, high = test["interval"]
    assert low < 1 - test["errors"] / test["n"] < high
    worker._process.kill()  # while it is idle: the next training gets another
    worker._process.wait()
    again = start(real)
    wait_for(lambda: status(real, again)["state"] == "training", PATIENCE)


def test_an_uploaded_net_is_as_one_that_was_trained_here(
    one: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(trainings, "MOST_KEPT", 1)
    bare = shutil.copy(WEIGHTS / "LeNet.pt", tmp_path)
    found = one.upload({"path": str(bare)})
    token = found.pop("token")
    assert found == {"net": "LeNet"}
    assert one.find(token) is None  # its threshold is being chosen
    wait_for(lambda: bool(workers and workers[0].told))
    assert status(one, token)["end"] == {}
    job = workers[0].told[0]
    assert job["do"] == "thresholds"
    shutil.copy(WEIGHTS / THRESHOLD_FILE, Path(job["path"]).parent)
    workers[0].messages.put({"end": job["end"]})
    wait_for(lambda: status(one, token)["state"] == "ended")
    val = checkpoint.load(WEIGHTS / "LeNet.pt")["val"]
    answers = {"validation": (val["errors"], val["n"])}
    assert one.find(token) == OwnNet(tmp_path / token / "LeNet.pt", answers)

    archive = tmp_path / "net.zip"
    archive.write_bytes(base64.b64decode(one.download({"token": token})["zip"]))
    again = one.upload({"path": str(archive)})["token"]
    now = status(one, again)
    assert (now["state"], now["end"]["ended"]) == ("ended", "uploaded")
    assert one.find(again)
    one.upload({"path": str(archive)})
    assert one.find(token) is None  # only the newest are kept
    assert status(one, token) == {"state": "gone"}
    assert not (tmp_path / token).exists()


@pytest.mark.parametrize("path", ["/etc/hostname", "../../etc/hostname", "/tmp/.."])
def test_only_what_was_uploaded_becomes_a_net(
    path: str, one: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    assert "not on the server" in one.upload({"path": path})["error"]
    for missing in ("", "missing.pt", "a" * 300):
        error = one.upload({"path": str(tmp_path / missing)})["error"]
        assert error.startswith("The file cannot be read. Please upload")
    (tmp_path / "a.pt").write_text("no net")
    assert "The file is damaged or not a net." in one.upload({"path": f"{tmp_path}/a.pt"})["error"]
    assert [file.name for file in tmp_path.iterdir()] == ["a.pt"]
