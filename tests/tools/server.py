"""Starts the real page as a process for tests and measurements, and ends it."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mnistcore.files import ROOT

# The first has no window and draws the same pages with two thirds of the processor time.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)

PATIENCE = 120  # seconds to wait for a server's first page


def launch_chromium(playwright: Any, *flags: str) -> Any:
    """A Playwright browser without a window, which also runs as root."""
    usual = ("--disable-gpu", "--no-sandbox")
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*usual, *flags])


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_page(server: subprocess.Popen[bytes], url: str, name: str) -> None:
    """Wait until a server that has just been started serves its page.

    Raises:
        RuntimeError: the process ended by itself, or served no page for PATIENCE seconds.
    """
    end = time.perf_counter() + PATIENCE
    while True:
        if server.poll() is not None:
            raise RuntimeError(f"{name} ended by itself")
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            if time.perf_counter() > end:
                raise RuntimeError(f"{name} served no page in {PATIENCE} s") from None
            time.sleep(0.02)


@contextmanager
def served(*command: str, **options: Any) -> Iterator[tuple[str, subprocess.Popen[bytes], float]]:
    """A server process, its URL, and the seconds until it served its page.

    Args:
        command: what Python runs; a ``--port`` is added.
        options: of ``subprocess.Popen``.

    Raises:
        RuntimeError: as :func:`wait_for_page`.
    """
    port, start = free_port(), time.perf_counter()
    url = f"http://127.0.0.1:{port}"
    usual: dict[str, Any] = {
        "cwd": ROOT,
        "env": os.environ | {"PYTHONPATH": str(ROOT)},
        "stdout": subprocess.DEVNULL,
    }
    call = [sys.executable, *command, "--port", str(port)]
    process = subprocess.Popen(call, **(usual | options))
    try:
        wait_for_page(process, url, " ".join(command))
        yield url, process, time.perf_counter() - start
    finally:
        process.terminate()
        try:
            process.wait(60)  # Python takes seconds to clean up, on a busy machine many
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def resident_mb(process: subprocess.Popen[bytes]) -> float:
    """Resident memory of a process in MB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def percentiles(times: list[float]) -> dict[str, float]:
    """Median, 95th percentile, maximum and count."""
    ordered = sorted(times)
    return {
        "median": statistics.median(ordered),
        "p95": ordered[int(0.95 * len(ordered))],
        "max": ordered[-1],
        "n": len(ordered),
    }
