"""Load test: many visitors use the real server at once; does each get its own answers, how soon?

``python -m tests.tools.load --clients 64 --seconds 60`` starts demo.py, or uses ``--url``; it needs
no browser. Each visitor does what the page does for a person. It writes a number of its own stroke
by stroke, the pen down for 0.3 to 0.6 s and up for 1 to 2 s. While the pen is down, it sends a
picture every 100 ms, but never before the last one is answered; after answers that take more than
200 ms it pauses for twice as long. It sends another picture when the pen goes up. Then it chooses
two other nets, for a second each, uploads every second number to ``/read``, and clears the canvas.

Every answer is compared with that of a Recognizer in this process. Prints a summary and a line of
JSON; exits with status 1 if an answer was wrong or missing.
"""

import argparse
import asyncio
import base64
import contextlib
import io
import itertools
import json
import os
import random
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnistcore.models import list_models
from mnistcore.pens.font import DIGITS
from mnistcore.pens.strokes import FORMS_OF, pen_strokes, render
from mnistcore.reading.recognizer import Recognizer
from tests.tools.server import percentiles, resident_mb, served

LONGEST = 60  # seconds to wait for an answer: heartbeats keep its stream open forever
TICK = 0.1  # seconds between the pictures that the canvas sends of a stroke
SIDE, ROWS, PEN = 210, slice(35, 175), 6  # pixels of the picture that the canvas sends
Answer = dict[str, Any]


@dataclass(frozen=True)
class Stroke:
    """One stroke of a number: what the canvas sends."""

    ticks: list[bytes]  # pictures while the pen is down
    picture: bytes  # when it is up again
    answer: Answer  # what is on it


class WrongAnswer(Exception):  # noqa: N818 - it is an answer
    """An answer that belongs to another picture."""


def write_number(number: str, rng: np.random.Generator, recognizer: Recognizer) -> list[Stroke]:
    """A number as a person writes it on the canvas, stroke by stroke."""
    side = min(90, 0.8 * SIDE / len(number))
    strokes: list[NDArray[np.float32]] = []
    for place, digit in enumerate(number):
        form = DIGITS[str(rng.choice(FORMS_OF[int(digit)]))]
        middle = np.array([SIDE * (place + 0.5) / len(number), SIDE / 2], np.float32)
        strokes += [part * side + middle for part in pen_strokes(form, rng)]
    written = []
    for count, stroke in enumerate(strokes):
        ends = [
            max(2, round(len(stroke) * share)) for share in np.arange(1, rng.integers(3, 7)) / 6
        ]
        ticks = [picture([*strokes[:count], stroke[:end]]) for end in ends]
        whole = picture(strokes[: count + 1])
        written.append(Stroke(ticks, whole, recognizer.read(whole).summary()))
    return written


def picture(strokes: list[NDArray[np.float32]]) -> bytes:
    """Strokes on the canvas, as lossless WebP."""
    ink = render(strokes, SIDE, PEN)[ROWS]
    buffer = io.BytesIO()
    Image.fromarray((255 * ink).astype(np.uint8)).convert("RGB").save(
        buffer, "WEBP", lossless=True, method=0
    )
    return buffer.getvalue()


def check(answer: Answer, expected: Answer) -> None:
    """Compare two answers, whichever net was chosen.

    Raises:
        WrongAnswer: they belong to different pictures.
    """
    digits, known = answer.get("digits", []), expected["digits"]
    if [digit["box"] for digit in digits] != [digit["box"] for digit in known]:
        raise WrongAnswer(f"{answer.get('text')!r} instead of {expected['text']!r}")
    for digit, right in zip(digits, known, strict=True):
        for net, probs in right["probs_by_model"].items():
            if not np.allclose(digit["probs_by_model"][net], probs, atol=1e-4):
                raise WrongAnswer(f"wrong probabilities of a {right['label']}")


class Tally:
    """What all visitors experienced."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = defaultdict(list)  # milliseconds by kind
        self.requests = 0
        self.errors: list[str] = []
        self.wrong: list[str] = []

    @contextlib.contextmanager
    def timed(self, kind: str) -> Any:
        """Record how long the block takes, or what went wrong in it."""
        start = time.perf_counter()
        try:
            yield
            self.times[kind].append(1e3 * (time.perf_counter() - start))
        except WrongAnswer as error:
            self.wrong.append(f"{kind}: {error}")
        except (httpx.HTTPError, TimeoutError, RuntimeError, ValueError, LookupError) as error:
            self.errors.append(f"{kind}: {error!r}")


class Visitor:
    """One browser with the page open."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        tally: Tally,
        numbers: list[list[Stroke]],
        seed: int,
        haste: float,
    ) -> None:
        self.http, self.tally, self.numbers, self.haste = http, tally, numbers, haste
        self.random = random.Random(seed)
        self.session = uuid.uuid4().hex
        self.sent = 10**6 * seed  # no two visitors use the same numbers
        self.net, self.nets = "LeNet", [*list_models(), "all"]
        self.ids: dict[str | None, int] = {}
        self.events: list[dict[str, Any]] = []
        self.value = f"{self.sent} "
        self.newest: tuple[bytes, Answer | None] | None = None
        self.pause = 0.0  # seconds before the next picture of a stroke

    async def stay(self, seconds: float) -> None:
        """Open the page, then write and look until the time is up."""
        end = time.perf_counter() + seconds
        await asyncio.sleep(self.random.uniform(0, min(5, seconds / 4)))
        with self.tally.timed("page"):
            self.tally.requests += 1
            (await self.http.get("/")).raise_for_status()
            config = (await self.http.get("/config")).raise_for_status().json()
            self.ids = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
            self.events = config["dependencies"]
        if not self.events:
            return  # ``errors`` has the reason
        beat = asyncio.create_task(self.heartbeat())
        for number in itertools.count():  # at least one, however slow the page was
            await self.write(self.numbers[number % len(self.numbers)], number % 2 == 0)
            if time.perf_counter() >= end:
                break
        beat.cancel()

    async def heartbeat(self) -> None:
        """Keep the connection open that tells the server that the page is open."""
        with contextlib.suppress(httpx.HTTPError):
            async for _ in self.lines(f"/gradio_api/heartbeat/{self.session}"):
                pass

    async def look(self, seconds: float) -> None:
        """Look at an answer for a while."""
        await asyncio.sleep(seconds / self.haste)

    async def write(self, strokes: list[Stroke], upload: bool) -> None:
        """Write a number, look at it, clear it."""
        for stroke in strokes:
            await self.draw(stroke)
            await self.look(self.random.uniform(1, 2))
        for _ in range(2):
            self.net = self.random.choice([net for net in self.nets if net != self.net])
            with self.tally.timed("net"):
                await self.show("choice", "input", strokes[-1].answer)
            await self.look(1)
        if upload:
            with self.tally.timed("read"):
                check(await self.read(strokes[-1].picture), strokes[-1].answer)
            await self.look(1)
        self.sent += 1
        self.value = f"{self.sent} "  # the page empties itself

    async def draw(self, stroke: Stroke) -> None:
        """Draw a stroke and wait for the answer. As on the page, requests never overlap."""
        sender: asyncio.Task[None] | None = None
        due = time.perf_counter() + self.pause
        for tick in stroke.ticks:
            if time.perf_counter() >= due:
                self.newest = tick, None
                due = time.perf_counter() + self.pause
                if sender is None or sender.done():
                    sender = asyncio.create_task(self.send())
            await asyncio.sleep(TICK)
        with self.tally.timed("stroke"):
            start = time.perf_counter()
            self.newest = stroke.picture, stroke.answer
            if sender is None or sender.done():
                sender = asyncio.create_task(self.send())
            await sender
            took = time.perf_counter() - start
            self.pause = 2 * took if took > 2 * TICK else 0

    async def send(self) -> None:
        """Send the newest picture until none is newer."""
        while self.newest:
            (content, expected), self.newest = self.newest, None
            self.sent += 1
            data = base64.b64encode(content).decode()
            self.value = f"{self.sent} data:image/webp;base64,{data}"
            if expected is None:
                with self.tally.timed("tick"):
                    await self.show("canvas", "input", None)
            else:
                await self.show("canvas", "input", expected)

    async def show(self, component: str, event: str, expected: Answer | None) -> None:
        """Trigger an event of the page and check the answer that its view gets."""
        target = [self.ids[component], event]
        known = {
            self.ids["canvas"]: self.value,
            self.ids["choice"]: f"{self.net} conv1",
        }
        asked = {}
        for handler in self.events:
            if target in handler["targets"] and handler["backend_fn"]:  # others run in the browser
                body = {
                    "data": [known.get(place) for place in handler["inputs"]],
                    "fn_index": handler["id"],
                    "session_hash": self.session,
                    "trigger_id": target[0],
                    "event_data": None,
                }
                joined = await self.http.post("/gradio_api/queue/join", json=body)
                self.tally.requests += 1
                asked[joined.raise_for_status().json()["event_id"]] = handler["outputs"]
        shown: dict[int, Any] = {}
        async with asyncio.timeout(LONGEST):
            async for line in self.lines(f"/gradio_api/queue/data?session_hash={self.session}"):
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    if not message["success"]:
                        raise RuntimeError(f"refused: {message['output']}")
                    outputs = asked[message["event_id"]]
                    shown |= zip(outputs, message["output"]["data"], strict=True)
        answer = json.loads(shown[self.ids["answer"]])
        if (answer["number"], answer["model"]) != (self.sent, self.net):
            raise WrongAnswer(f"the answer to drawing {answer['number']} instead of {self.sent}")
        if expected:
            check(answer, expected)

    async def read(self, content: bytes) -> Answer:
        """Upload a picture and read it through the API."""
        files = {"files": ("number.webp", content)}
        uploaded = await self.http.post("/gradio_api/upload", files=files)
        (path,) = uploaded.raise_for_status().json()
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        called = await self.http.post("/gradio_api/call/read", json={"data": [file, self.net]})
        self.tally.requests += 2
        identity = called.raise_for_status().json()["event_id"]
        async with asyncio.timeout(LONGEST):  # the stream's heartbeats keep it open
            lines = [line async for line in self.lines(f"/gradio_api/call/read/{identity}") if line]
        if lines[-2] != "event: complete":
            raise RuntimeError(f"refused: {lines}")
        answer: Answer = json.loads(lines[-1].removeprefix("data: "))[0]
        return answer

    async def lines(self, address: str) -> AsyncIterator[str]:
        """What the server streams."""
        async with self.http.stream("GET", address) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                yield line


async def drive(
    url: str,
    numbers: list[list[list[Stroke]]],
    seconds: float,
    process: subprocess.Popen[bytes] | None,
    haste: float,
) -> tuple[Tally, list[float]]:
    """Run one visitor for each list of numbers.

    Returns:
        Their tally, and the server's memory in MB at the start and after every sixth of the time.
    """
    tally, memory = Tally(), []

    async def watch() -> None:
        while process:
            memory.append(round(resident_mb(process), 1))
            await asyncio.sleep(seconds / 6)

    async with contextlib.AsyncExitStack() as stack:
        visitors = []
        for seed, own in enumerate(numbers, 1):
            # One client each: searching a shared pool takes a quarter of the script's time.
            http = httpx.AsyncClient(base_url=url, timeout=60, verify=False)
            await stack.enter_async_context(http)
            visitors.append(Visitor(http, tally, own, seed, haste))
        watcher = asyncio.create_task(watch())
        await asyncio.gather(*(visitor.stay(seconds) for visitor in visitors))
        watcher.cancel()
    return tally, memory


def main() -> None:
    """Run the visitors, print the figures, and exit with 1 if an answer was wrong or missing."""
    parser = argparse.ArgumentParser(description="Load test of the real page.")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument(
        "--haste", type=float, default=1, help="divide the visitors' pauses by this"
    )
    parser.add_argument("--url", help="a server on this machine; default: start demo.py")
    parser.add_argument("--out", type=Path, help="file for the figures, as JSON")
    args = parser.parse_args()
    if args.url and urlsplit(args.url).hostname not in ("127.0.0.1", "localhost", "::1"):
        parser.error("--url: only a server on this machine can be tested")
    if args.haste <= 0:
        parser.error(f"--haste is {args.haste:g}; it must be more than 0")

    recognizer = Recognizer(device="cpu")
    rng = np.random.default_rng(0)
    numbers = [
        [write_number(f"{client}{other}", rng, recognizer) for other in (3, 7)]
        for client in range(10, 10 + args.clients)
    ]
    with contextlib.ExitStack() as stack:
        url, process = args.url, None
        if not url:
            url, process, _ = stack.enter_context(served("demo.py", "--device", "cpu"))
        tally, memory = asyncio.run(drive(url, numbers, args.seconds, process, args.haste))

    times = [ms for kind in tally.times.values() for ms in kind]
    if not times:
        sys.exit(f"no request was answered: {tally.errors[:5]}")
    figures = {
        "clients": args.clients,
        "seconds": args.seconds,
        "cores": os.cpu_count(),
        "requests": tally.requests,
        "errors": len(tally.errors),
        "mixed": len(tally.wrong),
        "ms": percentiles(times),
        "ms_by_kind": {k: percentiles(v) for k, v in tally.times.items()},
        "memory_mb": memory,
        "examples": (tally.errors + tally.wrong)[:5],
    }
    print(
        f"{args.clients} clients, {args.seconds:g} s: {tally.requests:,} requests, "
        f"{len(tally.errors)} errors, {len(tally.wrong)} wrong answers, "
        f"median {figures['ms']['median']:.0f} ms, 95 % under {figures['ms']['p95']:.0f} ms"
        + (f", memory {memory[0]:.0f} to {memory[-1]:.0f} MB" if memory else "")
    )
    print(json.dumps(figures))
    if args.out:
        args.out.write_text(json.dumps(figures, indent=1) + "\n")
    sys.exit(bool(tally.errors or tally.wrong))


if __name__ == "__main__":
    main()
