"""A real browser, for the tests that need one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scripts.server import CHROMIUM, launch_chromium


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window and with a camera that shows a test picture."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt install chromium")
    camera = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with pytest.importorskip("playwright.sync_api").sync_playwright() as playwright:
        browser = launch_chromium(playwright, *camera)
        yield browser
        browser.close()
