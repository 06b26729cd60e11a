"""A real browser, for the tests that need one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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


@contextmanager
def firefox(log: Path) -> Iterator[Any]:
    """Firefox without a window, driven by Mozilla's own Marionette: Playwright needs its own build.

    Args:
        log: where Firefox writes what it would print.
    """
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        pytest.skip("needs Firefox: apt install firefox-esr")
    marionette = pytest.importorskip("marionette_driver.marionette")
    browser = marionette.Marionette(bin=path, headless=True, gecko_log=str(log), startup_timeout=60)
    try:
        browser.start_session()
        yield browser
    finally:
        browser.quit()
        browser.cleanup()
