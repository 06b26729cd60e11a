"""What several tests share: MNIST's training set, a small, seeded part of it, the real page."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mnistcore.datasets import Dataset, load_data
from mnistcore.files import ROOT
from mnistcore.reading.ensemble import Ensemble
from mnistcore.training import loop as training
from tests.tools.browsing import chromium
from tests.tools.server import served

torch.set_num_threads(1)  # the tests' tensors are small: more threads only wait for each other
load_once = cache(load_data)
# What Gradio logs where a page is left before one of its questions is answered.
LEFT_TOO_EARLY = ("AbortError: signal is aborted", "Unexpected error Connection errored out.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files with the most slow tests first, so that parallel processes end together."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="session", autouse=True)
def _uploads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Uploads go to a folder of this run: Gradio's own is shared by all programs of the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        yield


@pytest.fixture(scope="session")
def mnist_train() -> tuple[Tensor, Tensor]:
    """All training images, uint8 (60000, 1, 28, 28), and labels, int64 (60000,)."""
    data = load_once("train")
    return data.images, data.labels


@pytest.fixture(scope="session")
def few(mnist_train: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    images, labels = mnist_train
    chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:256]
    return images[chosen], labels[chosen]


@pytest.fixture
def few_images(few: tuple[Tensor, Tensor]) -> Tensor:
    """uint8 (256, 1, 28, 28); a copy, so that a test may change it."""
    return few[0].clone()


@pytest.fixture
def few_labels(few: tuple[Tensor, Tensor]) -> Tensor:
    """int64 (256,), of ``few_images``."""
    return few[1].clone()


def first(n: int, data: Dataset) -> Dataset:
    """The first images of a data set; copies, so that a test may change them."""
    return replace(data, images=data.images[:n].clone(), labels=data.labels[:n].clone())


def load_small(split: str, *args: Any) -> Dataset:
    """The first 2,500 images of a split."""
    return first(2500, load_once(split, *args))


@pytest.fixture(scope="module")
def small_mnist() -> Iterator[None]:
    """Training sees only a few images, so that an epoch takes a fraction of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "load_data", load_small)
        yield


@pytest.fixture(scope="session")
def ensemble() -> Ensemble:
    """The shipped nets, each loaded once."""
    return Ensemble(device="cpu")


@pytest.fixture(scope="session")
def server_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the real page puts what it is given."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def server(server_files: Path) -> Iterator[str]:
    """The address of the real page, which runs until the tests of this process end."""
    flags = ["--device", "cpu", *(["--mcp"] if find_spec("mcp") else [])]
    env = os.environ | {"TMPDIR": str(server_files)}
    with served("../demo.py", *flags, cwd=ROOT / "tests", env=env) as (url, *_):
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium. As long as it runs, this thread has an event loop: asyncio.run needs another."""
    with chromium() as one:
        yield one


@pytest.fixture(scope="session")
def visitors() -> dict[str, list[Any]]:
    """Idle browser tabs by their settings, each in a browser context of its own.

    They are reused because a new context compiles the page's scripts again, which takes longer
    than most tests, and because opening a tab takes longer than loading the page.
    """
    return {}


@pytest.fixture
def open_page(
    server: str, browser: Any, visitors: dict[str, list[Any]]
) -> Iterator[Callable[..., Any]]:
    """Opens the page; fails afterwards if the page logged an error or requested another server.

    Each page that a test opens belongs to another visitor.
    """
    from tests.tools import visiting  # skips where Playwright is missing

    used, wrong = [], []
    allowed: list[str] = []
    watchers: dict[str, Callable[[Any], None]] = {
        "console": lambda m: wrong.append(m.text) if m.type == "error" else None,
        "pageerror": lambda error: wrong.append(str(error)),
        "request": lambda request: wrong.append(request.url)
        if not request.url.startswith((server, "data:", "blob:")) else None,
    }  # fmt: skip

    def open_one(
        width: int = 1280,
        height: int = 900,
        fragment: str = "",
        drawn_on: bool = False,
        leaves: bool = False,
        **settings: Any,
    ) -> Any:
        """With ``drawn_on``, an earlier test may have drawn on the page; it is clear again.

        With ``leaves``, the test leaves the page before all questions are answered.
        """
        allowed.extend(LEFT_TOO_EARLY if leaves else ())
        free = visitors.setdefault(repr(settings), [])
        page = free.pop() if free else browser.new_context(**settings).new_page()
        used.append((page, free))
        page.set_viewport_size({"width": width, "height": height})
        is_open = page.url.rstrip("/") == server
        stays = drawn_on and is_open and visiting.clear_all(page)
        if not stays:
            page.goto("about:blank")
        for event, watcher in watchers.items():
            page.on(event, watcher)
        if not stays:
            page.goto(server + fragment)
            page.locator("#canvas canvas[data-ready]").wait_for()
        return page

    yield open_one
    for page, free in used:
        for event, watcher in watchers.items():
            page.remove_listener(event, watcher)
        page.unroute_all()
        page.mouse.move(0, 0)  # away from everything that reacts to the pointer
        page.evaluate("sessionStorage.clear()")
        free.append(page)
    assert [words for words in wrong if not words.startswith(tuple(allowed))] == []
