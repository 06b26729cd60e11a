"""The process in which the page trains."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from mnistcore.files import PACKAGE


class Worker:
    """A process that trains one net after the other; see ``mnistcore.training.jobs``."""

    def __init__(self, device: str, data: Path | None = None) -> None:
        """Start it, to train there, on MNIST or on the data in a folder."""
        path = os.pathsep.join([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mnistcore.training.jobs", device, *([data] if data else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is for the page; this ends when its input does
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")  # it has ended

    def tell(self, do: str, **details: Any) -> None:
        """Give it a job, or a word about the one at hand."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended, which `hear` says
            self._process.stdin.write(json.dumps({"do": do} | details) + "\n")
            self._process.stdin.flush()

    def hear(self, seconds: float) -> dict[str, Any]:
        """The next message; empty if none comes within so many seconds.

        Raises:
            EOFError: the process has ended.
        """
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return {}
        if not line:
            self.kill()
            raise EOFError
        message: dict[str, Any] = json.loads(line)
        return message

    def kill(self) -> None:
        """End the process at once; nothing can be told to it any more."""
        self._process.kill()
        self._listener.join()
        with contextlib.suppress(BrokenPipeError), self._process:  # closes its pipes
            pass
