"""The queue of training runs: a few run at a time, each in its own process; the others wait."""

import logging
import threading
import time
from pathlib import Path

from mnistcore.page.run import (
    ENDED,
    FAILED,
    GONE,
    LEASE,
    PAUSED,
    RELOAD,
    STARTING,
    TESTING,
    TRAINING,
    Run,
)
from mnistcore.page.worker import Worker

CHECK = 0.1  # seconds between two looks at what a visitor wants
GRACE = 0.3  # seconds in which a process leaves a training by itself; then it is ended
MOST_PAUSED = 120  # seconds of a training's pauses, all together
MOST_SILENT = 60  # seconds without a word from a training: the process hangs


class Line:
    """Those who train and those who wait, and the processes.

    Attributes:
        changed: guards it, and all that is known of its runs.
    """

    def __init__(self, most: int, device: str, data: Path | None = None) -> None:
        """Start nothing yet; ``most`` runs train at a time on ``device``, on MNIST or ``data``."""
        self._most, self._where = most, (device, data)
        self._waiting: list[Run] = []
        self._busy = 0  # how many have their turn
        self._idle: list[Worker] = []
        self.changed = threading.Condition()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def place(self, run: Run) -> int:
        """Of a run that waits, from 1; otherwise 0."""
        return self._waiting.index(run) + 1 if run in self._waiting else 0

    def prepare(self) -> None:
        """Start a process, which takes seconds, unless there is one."""
        with self.changed:
            if not self._idle and not self._busy:
                self._idle.append(Worker(*self._where))

    def add(self, run: Run) -> None:
        """Let a run wait for its turn; it goes on by itself from here. Holds ``changed``."""
        self._waiting.append(run)
        threading.Thread(target=self._drive, args=(run,), daemon=True).start()

    def _drive(self, run: Run) -> None:
        """Wait for the run's turn, and follow it to its end."""
        if not self._wait_for_turn(run):
            return
        state, idle, worker = FAILED, [], None
        try:
            worker = self._take_worker()
            worker.tell(**run.job)
            state = self._listen(run, worker)
            idle = [worker]
        except EOFError:
            if run.is_left():
                state = GONE
        except (OSError, ValueError):  # there is no memory for a process, or it says nonsense
            logging.getLogger(__name__).exception("a training broke off")
            if worker:
                worker.kill()
        with self.changed:
            run.state = ENDED if run.is_test else state  # its net is there, whatever was read
            run.forget_digits()
            self._idle += idle
            self._busy -= 1
            self.changed.notify_all()

    def _take_worker(self) -> Worker:
        """A process for a run: one that is idle, or a new one."""
        with self.changed:
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive:
                    return worker
                worker.kill()
            return Worker(*self._where)

    def _wait_for_turn(self, run: Run) -> bool:
        """Whether the run's turn has come before the visitor left or stopped it."""
        with self.changed:
            while True:
                stopped = run.words.get("training") == {"do": "stop"}
                if run.is_left(RELOAD) or stopped:
                    self._waiting.remove(run)
                    run.state = ENDED if stopped or run.is_test else GONE
                    run.forget_digits()
                    self.changed.notify_all()
                    return False
                if self._waiting[0] is run and self._busy < self._most:
                    break
                self.changed.wait(CHECK)
            self._waiting.remove(run)
            run.state = TESTING if run.is_test else STARTING
            self._busy += 1
            self.changed.notify_all()
            return True

    def _listen(self, run: Run, worker: Worker) -> str:
        """Follow a run to its end; its last state.

        Raises:
            EOFError: the process has ended, or had to be ended.
        """
        heard, paused, away = time.monotonic(), 0.0, False
        while True:
            message = worker.hear(CHECK)
            with self.changed:
                if message:
                    heard = time.monotonic()
                if "told" in message:
                    run.take(message["told"])
                    if run.state == STARTING:
                        run.state = TRAINING
                if "end" in message:
                    if "failed" in message["end"]:
                        return FAILED
                    if run.is_test:
                        run.test = message["end"]
                    else:
                        run.end = message["end"]
                    return ENDED
                if run.state == PAUSED:
                    paused, heard = paused + CHECK, time.monotonic()
                    if paused > MOST_PAUSED:
                        run.words["training"] = {"do": "stop"}
                # It pauses when its visitor leaves, and goes on if they only reload the page.
                if run.is_left() != away and run.state == (PAUSED if away else TRAINING):
                    away = not away
                    # A word of the visitor's own that has just come counts more.
                    run.words.setdefault("training", {"do": "pause" if away else "go"})
                words, run.words = run.words, {}
                if "training" in words:
                    run.state = PAUSED if words["training"]["do"] == "pause" else TRAINING
                left = run.is_left(LEASE if self._waiting else RELOAD)
            for word in words.values():
                worker.tell(**word)
            if left and run.state != TESTING:
                self._leave(worker)
                return GONE
            if time.monotonic() - heard > MOST_SILENT:
                worker.kill()
                raise EOFError

    @staticmethod
    def _leave(worker: Worker) -> None:
        """Make the process leave its training.

        Raises:
            EOFError: it had to be ended.
        """
        worker.tell("drop")
        end = time.monotonic() + GRACE
        while time.monotonic() < end:
            if "end" in worker.hear(GRACE):
                return
        worker.kill()
        raise EOFError
