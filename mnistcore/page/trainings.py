"""Training runs that visitors start, each in its own process; a few run at a time, others wait.

A net is trained from scratch, or a copy of one is taught its visitor's own digits.
"""

import asyncio
import base64
import io
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import gradio as gr
import numpy as np

from mnistcore import checkpoint
from mnistcore.datasets import check_of_mnist
from mnistcore.files import WEIGHTS
from mnistcore.models import model_name
from mnistcore.page import views
from mnistcore.page.guard import (
    MAX_FILE,
    MAX_LONG,
    MAX_UNQUEUED,
    is_upload,
    limit_concurrency,
    reject_bad_input,
)
from mnistcore.page.hand import parse_digits
from mnistcore.page.line import CHECK, MOST_PAUSED, Line
from mnistcore.page.run import (
    AT_WORK,
    ENDED,
    GONE,
    PAUSED,
    RELOAD,
    STARTING,
    TESTING,
    TRAINING,
    WAITING,
    Run,
)
from mnistcore.page.yours import AT, OwnNet, find_own, unpack_net

MOST_IN_LINE = 20  # visitors who wait for their training
MOST_KEPT = 40  # nets, those used last: for a school class; one that was trained has up to 18 MB

MOST_CONNECTIONS = 4  # that show that a visitor is there; a page that loads again has two

TOO_MANY = "Too many visitors are waiting to train. Please try again later."
UPLOADED = "uploaded"  # how a net came to be that was not trained here


class Trainings:
    """All trainings of the page. Its public functions are called by its scripts."""

    def __init__(
        self,
        most: int,
        device: str,
        folder: Path,
        form: dict[str, Any],
        parse: Callable[[dict[str, Any]], Any],
        data: Path | None = None,
        weights: Path = WEIGHTS,
    ) -> None:
        """Start nothing yet.

        Args:
            most: how many train at a time.
            device: where.
            folder: where the trained nets go.
            form: what the page's form offers.
            parse: from what the form sends to the settings, a dataclass with a ``command()``;
                raises a ValueError with a sentence for the visitor.
            data: the folder of the data that the form offers beside MNIST, in the same format.
            weights: the folder of the page's nets, which can be taught.
        """
        limits = {"mostPaused": MOST_PAUSED, "mostBytes": MAX_FILE}
        self.form = form | limits | {"dropout": views.nets_with_dropout()}
        self._folder, self._parse, self._weights = folder, parse, weights
        self._line = Line(most, device, data)
        self._runs: dict[str, Run] = {}  # by token, the last used last; guarded by the line's lock

    def server_functions(self) -> list[Callable[..., Any]]:
        """What ``train.js`` calls."""
        return list(self._functions.values())

    def teach_functions(self) -> list[Callable[..., Any]]:
        """What ``teach.js`` calls."""
        return [
            self._functions[name] for name in ("prepare", "teach", "status", "stay", "download")
        ]

    @cached_property
    def _functions(self) -> dict[str, Callable[..., Any]]:
        """All that the scripts call, by name; limited together, whichever script calls."""

        async def stay(question: dict[str, Any], request: gr.Request) -> None:
            """Answer when a training has ended. Until then, the visitor is there.

            The open connection says so, also while the page is too busy to ask, or out of sight.
            """
            run = self._runs.get(str(question.get("token"))) if isinstance(question, dict) else None
            if run is None or run.connections >= MOST_CONNECTIONS:
                return
            run.connections += 1  # not a time: a busy server would be late to renew it
            try:
                while run.state in AT_WORK and not await request.is_disconnected():
                    await asyncio.sleep(CHECK)
            finally:
                run.connections -= 1

        quick = self.command, self.prepare, self.start, self.teach, self.status
        long = limit_concurrency(MAX_LONG, self.download, self.upload)
        limited = [*limit_concurrency(MAX_UNQUEUED, *quick), *long, stay]
        return {function.__name__: function for function in limited}

    @reject_bad_input
    def command(self, given: dict[str, Any]) -> dict[str, str]:
        """The ``command`` that trains with these settings, or an ``error`` in a sentence."""
        try:
            return {"command": self._parse(given).command()}
        except ValueError as error:
            return {"error": str(error)}

    def prepare(self, _: Any) -> None:
        """Start a process, which takes seconds, for a visitor who looks at the form."""
        self._line.prepare()

    @reject_bad_input
    def start(self, question: dict[str, Any]) -> dict[str, str]:
        """Start a training, or let it wait for its turn.

        Args:
            question: the ``choices`` of the form, and the ``digit`` that has been drawn, or None.

        Returns:
            Its ``token``, which nobody else knows, and its ``net``; or an ``error`` in a sentence.
        """
        try:
            choices = self._parse(question["choices"])
        except ValueError as error:
            return {"error": str(error)}
        digit = self._digit(question["digit"])
        return self._begin(choices.net, {"do": "train", "choices": asdict(choices), "digit": digit})

    @reject_bad_input
    def teach(self, question: dict[str, Any]) -> dict[str, str]:
        """Teach a copy of a net a visitor's digits, now or when its turn comes.

        Args:
            question: the ``net`` that is chosen, one's own with its token as "LeNet@<token>"; the
                ``digits`` of :func:`mnistcore.page.hand.parse_digits`; and the ``digit`` that has
                been drawn, or None.

        Returns:
            The ``token`` of the copy and the name of its ``net``, or an ``error`` in a sentence.
        """
        asked = str(question["net"])
        name, own_net, _ = asked.partition(AT)
        name = model_name(views.NET_OF_ALL if name == views.ALL else name)
        labels, images = zip(*parse_digits(question["digits"]), strict=True)
        digit = self._digit(question["digit"])
        own = find_own(asked, self.find)
        if own_net and own is None:
            return {"error": "Your net is no longer on the server. Please choose another."}
        base = own.path if own else checkpoint.find(self._weights, name)
        try:
            check_of_mnist(checkpoint.load_for(name, base))
        except ValueError as error:
            return {"error": f"{error}."}
        ink = base64.b64encode(np.stack(images).tobytes()).decode()
        given = {"base": str(base), "labels": labels, "images": ink, "digit": digit}
        return self._begin(name, {"do": "adapt"} | given)

    def _begin(self, net: str, job: dict[str, Any]) -> dict[str, str]:
        """Put a job in the line: the ``token`` and the ``net`` it makes, or an ``error``."""
        token = secrets.token_urlsafe(16)
        path = self._folder / token / f"{net}.pt"
        run = Run(job | {"path": str(path)}, path)
        with self._line.changed:
            if len(self._line) >= MOST_IN_LINE:
                return {"error": TOO_MANY}
            self._forget()
            self._runs[token] = run
            self._line.add(run)
        return {"token": token, "net": net}

    @reject_bad_input
    def upload(self, question: dict[str, Any]) -> dict[str, str]:
        """Take a net that a visitor has uploaded, as if it had been trained here.

        Args:
            question: the ``path`` of the upload, a checkpoint or what :meth:`download` gives.

        Returns:
            Its ``token`` and its ``net``, or an ``error`` in a sentence. Without a threshold it
            waits in the line until one has been chosen.
        """
        if len(self._line) >= MOST_IN_LINE:
            return {"error": TOO_MANY}
        uploaded = Path(question["path"])
        if not is_upload(uploaded):
            return {"error": "The file is not on the server. Please upload it again."}
        token = secrets.token_urlsafe(16)
        try:
            found = unpack_net(uploaded, self._folder / token)
        except ValueError as error:
            return {"error": str(error)}
        errors, n = found.answers["validation"]
        end = {"ended": UPLOADED, "val_errors": errors, "val_n": n, "data": found.data}
        run = Run({"do": "thresholds", "path": str(found.path), "end": end}, found.path)
        with self._line.changed:
            self._forget()
            self._runs[token] = run
            if run.net:
                run.state, run.end = ENDED, end
            else:
                self._line.add(run)
        return {"token": token, "net": found.path.stem}

    @reject_bad_input
    def status(self, question: dict[str, Any]) -> dict[str, Any]:
        """What is new about a training; takes a command for it, too.

        Args:
            question: its ``token``; how many points and images the page has ``seen``; a
                ``command``, pause, go, stop or test, or None; the ``digit`` on the canvas, or None.
        """
        points, images = (int(n) for n in question["seen"])
        with self._line.changed:
            run = self._runs.get(str(question["token"]))
            if run is None or run.state == GONE:
                return {"state": GONE}
            run.asked = time.monotonic()
            self._obey(run, question["command"], self._digit(question["digit"]))
            return {
                "state": run.state,
                "place": self._line.place(run),
                "points": run.points[points:],
                "images": run.images[images:],
                "newest": dict(run.newest) if len(run.points) > points else {},
                "end": run.end,
                "test": run.test,
            }

    @reject_bad_input
    def download(self, question: dict[str, Any]) -> dict[str, str]:
        """A trained net as a ``zip`` of the folder that ``--weights`` takes, in base64.

        An ``error`` in a sentence if the net is no longer there.
        """
        content = io.BytesIO()
        with self._line.changed:
            run = self._runs.get(str(question["token"]))
            if run is None or run.net is None:
                return {"error": "This net is no longer on the server. Please train it again."}
            with ZipFile(content, "w") as archive:
                for path in sorted(run.path.parent.iterdir()):
                    archive.write(path, path.name)
        return {"zip": base64.b64encode(content.getvalue()).decode()}

    def find(self, token: str) -> OwnNet | None:
        """A visitor's own net by its token; None if it is not there, or cannot read yet."""
        with self._line.changed:
            run = self._runs.get(token)
            net = run.net if run else None
            if net:
                self._runs[token] = self._runs.pop(token)  # the last used is the last
            return net

    @staticmethod
    def _digit(packed: str | None) -> str | None:
        return None if packed is None else views.pack(views.unpack_digit(packed))

    def _obey(self, run: Run, command: str | None, digit: str | None) -> None:
        if command == "test" and run.state == ENDED and run.path.exists() and not run.test:
            run.state, run.job = WAITING, {"do": "test", "path": str(run.path)}
            self._line.add(run)
            return
        if digit is not None and run.state in AT_WORK:
            run.words["digit"] = {"do": "digit", "digit": digit}
        if command == "stop" and run.state in AT_WORK - {TESTING}:
            run.words["training"] = {"do": command}
        if command in ("pause", "go") and run.state in (STARTING, TRAINING, PAUSED):
            run.words["training"] = {"do": command}

    def _forget(self) -> None:
        """Forget the nets used longest ago, and runs that made none and whose visitor has left."""
        done = {token: run for token, run in self._runs.items() if run.state not in AT_WORK}
        nets = [token for token, run in done.items() if run.net]
        watched = [t for t, run in done.items() if not run.net and not run.is_left(RELOAD)]
        for token in done.keys() - {*nets[-MOST_KEPT:], *watched}:
            shutil.rmtree(self._runs.pop(token).path.parent, ignore_errors=True)
