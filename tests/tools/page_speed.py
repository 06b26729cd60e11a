"""Measure the page in a real browser: latency, frames, lost strokes, memory, traffic, start-up.

``python -m tests.tools.page_speed`` takes about ten minutes and needs tests/requirements.txt and
Chromium. It prints JSON and, with --out, also writes it to a file.
"""

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from tqdm import tqdm

from tests.tools.server import launch_chromium, percentiles, resident_mb, served

DRAWN_SECONDS = 5  # of one stroke, for frames and bytes
# The same page with a handler that does nothing but return the drawing's number.
NOTHING = """
import json, sys, demo
demo.Handlers.show = lambda *args, number=0, **extra: (json.dumps({"number": number}),) * 3
sys.argv = ["demo.py", *sys.argv[1:]]
demo.main()
"""
# Times from pointer-up to the frame in which all three views show that drawing.
WATCH = """() => {
    const views = ["answer", "steps", "maps"];
    const canvas = document.querySelector("#canvas canvas");
    const state = (window.measured = { times: [], frames: [], waiting: null });
    const check = () => {
        if (!state.waiting) return;
        const sent = Number(canvas.dataset.sent);
        const there = views.every((id) =>
            Number(document.querySelector(`#${id} [data-number]`)?.dataset.number) >= sent);
        if (!there) return;
        const since = state.waiting;
        state.waiting = null;
        requestAnimationFrame(() => state.times.push(performance.now() - since));
    };
    new MutationObserver(check).observe(document.body, { subtree: true, attributes: true,
        attributeFilter: ["data-number"] });
    window.addEventListener("pointerup", () => (state.waiting = performance.now()), true);
    let last = performance.now();
    const frame = (now) => {
        if (state.recording) state.frames.push(now - last);
        last = now;
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
}"""


class Strokes:
    """Draws on the canvas of a page."""

    def __init__(self, page: Page) -> None:
        self.page, self.mouse = page, page.mouse
        self.rng = random.Random(0)
        page.locator("#canvas canvas[data-ready]").wait_for()
        page.evaluate(WATCH)

    def stroke(self, seconds: float = 0.4) -> None:
        """A downward stroke that takes this many seconds; the pen stays down."""
        box = self.page.locator("#canvas canvas").bounding_box()
        assert box
        left, top = box["x"] + box["width"] * self.rng.uniform(0.2, 0.8), box["y"]
        self.mouse.move(left, top + 0.2 * box["height"])
        self.mouse.down()
        start, done = time.perf_counter(), 0.0
        while done < 1:
            done = min(1, (time.perf_counter() - start) / seconds) if seconds else 1
            sway = 0.04 * box["width"] * math.sin(9 * done)
            self.mouse.move(left + sway, top + (0.2 + 0.6 * done) * box["height"])

    def latency(self) -> float:
        """Draw a stroke; milliseconds from mouse up to its answer on the page."""
        self.stroke()
        self.page.evaluate("measured.times = []")
        self.mouse.up()
        self.page.wait_for_function("measured.times.length > 0")
        return float(self.page.evaluate("measured.times[0]"))

    def clear(self) -> None:
        """Clear the canvas."""
        self.page.locator("[data-tool=clear]").click()


def count_bytes(page: Page) -> list[int]:
    """The sizes in bytes of the requests that a page sends from now on; the list grows."""
    sent: list[int] = []
    page.on("request", lambda r: sent.append(len(r.post_data)) if r.post_data else None)
    return sent


def latencies(page: Page, count: int) -> list[float]:
    """Milliseconds for each of ``count`` strokes, two per drawing."""
    strokes, times = Strokes(page), []
    for number in tqdm(range(count + 5), "latency", leave=False, unit="stroke"):
        times.append(strokes.latency())
        if number % 2:
            strokes.clear()
    return times[5:]  # the browser compiles the scripts during the first


def frames(page: Page) -> list[float]:
    """Milliseconds between the frames of a page while it is drawn on."""
    strokes = Strokes(page)
    page.evaluate("measured.recording = true")
    strokes.stroke(DRAWN_SECONDS)
    strokes.mouse.up()
    return list(page.evaluate("measured.frames.slice(1)"))


def lost(page: Page, count: int = 100) -> int:
    """How many of ``count`` strokes, sent as fast as possible, are missing on the canvas."""
    Strokes(page)
    box = page.locator("#canvas canvas").bounding_box()
    assert box
    places = [((i % 14 + 0.5) / 14, (i // 14 + 0.5) / 8) for i in range(count)]
    for x, y in places:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + x * box["width"] + 3, box["y"] + y * box["height"])
        page.mouse.up()
    script = """places => {
        const canvas = document.querySelector("#canvas canvas");
        const { data, width, height } = canvas.getContext("2d").getImageData(
            0, 0, canvas.width, canvas.height);
        return places.filter(([x, y]) =>
            data[4 * (Math.floor(y * height) * width + Math.floor(x * width))] < 128).length;
    }"""
    return int(page.evaluate(script, places))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strokes", type=int, default=200)
    parser.add_argument("--memory-strokes", type=int, default=2000)
    parser.add_argument("--out", type=Path, help="JSON of the figures")
    args = parser.parse_args()
    results: dict[str, Any] = {"cores": os.cpu_count(), "load": os.getloadavg()[0]}

    bare = [sys.executable, "-c", "import gradio, torch"]
    imports, starts = [], []
    for _ in tqdm(range(5), "start", leave=False):
        begin = time.perf_counter()
        subprocess.run(bare, check=True)
        imports.append(time.perf_counter() - begin)
        with served("demo.py") as (_, _, seconds):
            starts.append(seconds)
    results["imports_s"], results["start_s"] = map(statistics.median, (imports, starts))
    results["start_ratio"] = results["start_s"] / results["imports_s"]

    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)

        def opened(url: str) -> Page:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(url)
            return page

        with served("demo.py") as (url, process, _), served("-c", NOTHING) as (nothing, _, _):
            page = opened(url)
            sent = count_bytes(page)
            ours, theirs = [], []
            empty = opened(nothing)
            for _ in range(4):  # in turn, so that both run under the same load
                sent.clear()
                page.bring_to_front()
                ours += latencies(page, args.strokes // 4)
                count, requests = args.strokes // 4 + 5, list(sent)
                empty.bring_to_front()
                theirs += latencies(empty, args.strokes // 4)
            results["latency_ms"], results["nothing_ms"] = percentiles(ours), percentiles(theirs)
            results["ratio"] = results["latency_ms"]["median"] / results["nothing_ms"]["median"]
            results["bytes_per_request_max"] = max(requests)
            results["bytes_per_stroke"] = sum(requests) / count
            results["requests_per_stroke"] = len(requests) / count
            page = opened(url)
            sent = count_bytes(page)
            results["frame_ms"] = percentiles(frames(page))
            results["bytes_per_second"] = sum(sent) / DRAWN_SECONDS
            results["lost_of_100"] = lost(opened(url))
            page = opened(url)
            strokes = Strokes(page)
            memory = []
            for number in tqdm(range(args.memory_strokes), "memory", unit="stroke"):
                if number % max(1, args.memory_strokes // 10) == 0:
                    memory.append(round(resident_mb(process), 1))
                strokes.stroke(0)
                strokes.page.evaluate("measured.times = []")
                strokes.mouse.up()
                strokes.page.wait_for_function("measured.times.length > 0")
                if number % 3 == 2:
                    strokes.clear()
            results["memory_mb"] = [*memory, round(resident_mb(process), 1)]
    print(json.dumps(results, indent=1))
    if args.out:
        args.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
