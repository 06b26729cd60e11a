"""What is known of one visitor's training, and the states it goes through."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mnistcore.page.yours import OwnNet
from mnistcore.reading.ensemble import THRESHOLD_FILE
from mnistcore.results import MNIST

LEASE = 1.3  # seconds without a sign of a visitor after which he has left,
RELOAD = 10  # and after which he does not come back: a page takes seconds to load again

WAITING, STARTING, TRAINING, PAUSED = "waiting", "starting", "training", "paused"
TESTING, ENDED, FAILED, GONE = "testing", "ended", "failed", "gone"
AT_WORK = {WAITING, STARTING, TRAINING, PAUSED, TESTING}
# What is told of a training only once, with the newest numbers: each replaces the one before.
NEWEST = ("digit", "kernels", "maps", "confusion", "errors", "wrong")


@dataclass
class Run:
    """One visitor's training, as far as it is known."""

    job: dict[str, Any]  # what the process is told
    path: Path  # where its checkpoint goes
    state: str = WAITING
    points: list[dict[str, Any]] = field(default_factory=list)  # the curves
    images: list[dict[str, Any]] = field(default_factory=list)  # validation digits, packed
    newest: dict[str, Any] = field(default_factory=dict)
    end: dict[str, Any] = field(default_factory=dict)
    test: dict[str, Any] = field(default_factory=dict)  # what it reads of the test set
    # What the process is told next, the newest word about each thing.
    words: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: float = field(default_factory=time.monotonic)  # the visitor's last question
    connections: int = 0  # open ones; each shows that the visitor is there

    def take(self, told: dict[str, Any]) -> None:
        """Keep what the process told."""
        images = told.pop("images_of", {})
        self.images += [{"index": int(i), "bytes": text} for i, text in images.items()]
        self.newest |= {key: told.pop(key) for key in NEWEST if key in told}
        self.points.append(told)

    @property
    def net(self) -> OwnNet | None:
        """The net; None if it is not there, or cannot read yet."""
        if not (self.path.parent / THRESHOLD_FILE).is_file():  # which is written last
            return None
        answers = {}
        if "val_n" in self.end:
            answers["validation"] = self.end["val_errors"], self.end["val_n"]
        if self.test:
            answers["test"] = self.test["errors"], self.test["n"]
        return OwnNet(self.path, answers, self.end.get("data", MNIST))

    def forget_digits(self) -> None:
        """Keep nothing of the job but its kind: it and words not yet passed on may hold some."""
        self.job, self.words = {"do": self.job["do"]}, {}

    @property
    def is_test(self) -> bool:
        """Whether it only reads the test set with a net that has been trained."""
        return bool(self.job["do"] == "test")

    def is_left(self, seconds: float = LEASE) -> bool:
        """Whether the visitor has given no sign for so long."""
        return not self.connections and time.monotonic() - self.asked > seconds
