"""Pictures in files and folders -> one line for each, read by one process or by several."""

import json
import os
import signal
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path

import torch
from PIL import Image

from mnistcore.files import write_whole
from mnistcore.reading.recognizer import Reading, Recognizer

FEWEST = 32  # pictures per process; fewer are read before another process has started
CHUNK = 4  # pictures that a process is given at once: Ctrl-C waits for them


@dataclass(frozen=True)
class Job:
    """How pictures are read, and what is wanted of each."""

    weights: Path
    device: str | None
    model: str
    as_json: bool
    steps: Path | None  # the folder into which the steps of each reading are drawn


@dataclass(frozen=True)
class Outcome:
    """What became of a picture: a line with its answer, or why it could not be read."""

    answer: str = ""
    error: str = ""


class Reader:
    """A recognizer with the job that it does."""

    def __init__(self, job: Job) -> None:
        """Load the weights.

        Raises:
            ValueError, FileNotFoundError: an unknown net or device, or unusable weights.
        """
        self.job = job
        self.recognizer = Recognizer(job.weights, job.device)
        self.recognizer.choose(job.model)
        self.recognizer.load()

    def read(self, number: int, path: Path) -> Outcome:
        """Read one picture and draw its steps, if they are wanted; ``number`` counts from 0.

        Raises:
            OSError: the drawing cannot be written.
        """
        try:
            reading = self.recognizer.read(path, self.job.model)
            answer = _line(path, reading, self.job.as_json)
        except (ValueError, OSError) as error:
            return Outcome(error=_reason(path, error))
        if self.job.steps:
            from mnistcore import figures  # here: matplotlib takes long to import

            png = figures.reading_steps(reading)
            write_whole(self.job.steps / f"{number:03d}_{path.stem}.png", png)
        return Outcome(answer)


def find_pictures(paths: Sequence[Path]) -> tuple[list[Path], list[OSError]]:
    """The files among the paths, the pictures in the folders among them, and what is unreadable."""
    suffixes = {s for s, form in Image.registered_extensions().items() if form in Image.OPEN}
    found: list[Path] = []
    errors: list[OSError] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = [
            Path(folder, name)
            for folder, _, names in os.walk(path, onerror=errors.append)
            for name in names
        ]
        found += sorted(p for p in inside if p.suffix.lower() in suffixes and p.is_file())
    return found, errors


def read_pictures(
    paths: Sequence[Path], job: Job, jobs: int | None = None
) -> Generator[Outcome, None, None]:
    """What became of each picture, in the order of the paths.

    Args:
        paths: the pictures.
        job: how they are read.
        jobs: processes; by default one per core, but fewer for few pictures, and one on a GPU.

    Raises:
        ValueError, FileNotFoundError: as :class:`Reader`, before anything is read.
        OSError: a process has died.
    """
    reader = Reader(job)
    if jobs is None:
        on_cpu = reader.recognizer.device.type == "cpu"
        jobs = min(_cores(), len(paths) // FEWEST) if on_cpu else 1
    jobs = min(jobs, len(paths))
    if jobs <= 1:
        return (reader.read(number, path) for number, path in enumerate(paths))
    return _read_in_processes(paths, job, jobs)


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read_in_processes(
    paths: Sequence[Path], job: Job, jobs: int
) -> Generator[Outcome, None, None]:
    """As :func:`read_pictures`. The processes hand back lines, not pictures: memory is bounded."""
    method = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
    context = get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload([__name__])  # imported once, for all processes
    pool = ProcessPoolExecutor(jobs, context, _start_process, (job,))
    try:
        with _ctrl_c_ignored():  # by the processes that start now, which inherit this
            outcomes = pool.map(_read_in_process, range(len(paths)), paths, chunksize=CHUNK)
        yield from outcomes
    except BrokenExecutor as error:
        raise OSError(
            f"one of {jobs} processes that read pictures has died, perhaps for lack of memory; "
            "try a smaller --jobs"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """For a moment; only the main thread decides about signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_readers: list[Reader] = []  # in a process of the pool: its only one


def _start_process(job: Job) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the main process, which ends these
    torch.set_num_threads(1)
    _readers.append(Reader(job))


def _read_in_process(number: int, path: Path) -> Outcome:
    return _readers[0].read(number, path)


def _line(path: Path, reading: Reading, as_json: bool) -> str:
    if as_json:
        return json.dumps({"file": str(path), **reading.summary()}, allow_nan=False)
    text = reading.text.replace("\n", " / ") or "-"
    reason = f"  ({reading.verdict}: {reading.reason})" if reading.reason else ""
    return f"{path}: {text}{reason}"


def _reason(path: Path, error: Exception) -> str:
    """Why a picture was not read, with its path once: some of the reader's messages name it."""
    reason = str(error)
    named = reason.startswith((f"no picture {path}", f"{path} "))
    if named:
        return reason
    begins = f"{path.name} "
    return f"{path} {reason[len(begins) :]}" if reason.startswith(begins) else f"{path}: {reason}"
