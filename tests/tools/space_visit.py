"""Visits the page in a Space's folder from a sandbox; ``test_space.py`` starts it.

``python space_visit.py PYTHON FOLDER`` starts the folder's demo.py with that Python, as a Space
does, and uses the page in Chromium. Only the working folder is writable.
"""

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.tools.server import launch_chromium, wait_for_page
from tests.tools.visiting import DIGITS, answer, draw

SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1  # <linux/sockios.h>, <linux/if.h>
ADDRESS, PORT = "127.0.0.1", 7860
SPACE = {"GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": str(PORT), "GRADIO_NUM_PORTS": "1"}


def main(python: str, folder: Path) -> None:
    """Check that the sandbox holds, start the page, and use it."""
    refused(lambda: (folder / "new").touch())
    refused(lambda: (Path(python).parent / "new").touch())
    assert [name for _, name in socket.if_nameindex()] == ["lo"]
    with socket.socket() as some_socket:  # a new network namespace has loopback, but down
        ioctl(some_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
    here = str(Path.cwd())
    environment = {"PATH": os.environ["PATH"], "HOME": here, "TMPDIR": here, **SPACE}
    with subprocess.Popen([python, "demo.py"], cwd=folder, env=environment) as server:
        try:
            wait_for_page(server, f"http://{ADDRESS}:{PORT}", "demo.py")
            with sync_playwright() as playwright:
                use(launch_chromium(playwright))
        finally:
            server.terminate()


def refused(attempt: Callable[[], object]) -> None:
    """Assert that an attempt fails."""
    try:
        attempt()
    except OSError:
        return
    raise AssertionError("the sandbox does not hold")


def use(chromium: Browser) -> None:
    """Draw a digit, read an example, and put a misread digit of the benchmark on the canvas."""
    page, errors = chromium.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"http://{ADDRESS}:{PORT}")
    page.locator("#canvas canvas[data-ready]").wait_for()
    draw(page, DIGITS["3"])
    expect(answer(page)).to_have_text("3")
    page.get_by_role("tab", name="Upload").click()
    page.get_by_role("button", name="a number").click()
    expect(page.locator(".answer-text")).to_have_text("2049")
    page.get_by_role("tab", name="Benchmark").click()
    page.locator(".misread button").first.click()
    expect(page.locator("#canvas canvas")).to_be_in_viewport()
    expect(page.locator(".bars .best")).to_be_visible()
    chromium.close()
    assert errors == []


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
