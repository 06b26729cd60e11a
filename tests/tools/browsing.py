"""A real browser, for the tests that need one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.tools.server import CHROMIUM, launch_chromium


def needs_chromium() -> Any:
    """Playwright's synchronous API; skips the test if it or the browser is missing."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt install chromium-headless-shell")
    return pytest.importorskip("playwright.sync_api")


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser with a camera that shows a test picture."""
    camera = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with needs_chromium().sync_playwright() as playwright:
        browser = launch_chromium(playwright, *camera)
        yield browser
        browser.close()
