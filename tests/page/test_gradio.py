"""What the page relies on in Gradio beyond its documentation, and what breaks without it.

A new minor release may change any of it, so pyproject.toml pins one; run these tests before raising
the pin. ``test_page.py`` holds what the front end does: a tab's panel has its ``elem_id`` and gets
``display: none`` when another tab is open, and JavaScript may return ``{__type__: "update"}`` to
select a tab (both events.py); page.css knows some of Gradio's class names.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from gradio.routes import App
from starlette.routing import Match
from starlette.testclient import TestClient

import demo
from mnistcore.page.components import WEIGHTS_SHIPPED
from mnistcore.page.guard import ALLOWED_FOLDERS, ALLOWED_PATHS, user_error
from mnistcore.page.launch import launch_arguments, set_environment, upload_folder
from mnistcore.reading.recognizer import Recognizer

GRADIO = Path(gr.__file__).parent
is_http_url_like = gr.processing_utils.client_utils.is_http_url_like

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def uploads() -> Iterator[Path]:
    with upload_folder() as folder:
        yield folder


def client_of(blocks: gr.Blocks, **options: Any) -> TestClient:
    return TestClient(gr.mount_gradio_app(FastAPI(), blocks, "/", max_file_size="1mb", **options))


@pytest.fixture(scope="module")
def page(uploads: Path) -> Iterator[gr.Blocks]:
    blocks = demo.build(Recognizer(device="cpu"))
    yield blocks
    blocks.close()


@pytest.fixture(scope="module")
def client(page: gr.Blocks) -> TestClient:
    return client_of(page, app_kwargs=launch_arguments()["app_kwargs"])


def upload(client: TestClient, content: bytes = b"not a picture") -> str:
    (path,) = client.post("/gradio_api/upload", files={"files": ("7.png", content)}).json()
    return str(path)


def test_uploads_go_to_the_folder_in_the_environment(client: TestClient, uploads: Path) -> None:
    """Otherwise no upload is read, and none is deleted when the server ends."""
    assert Path(upload(client)).is_relative_to(uploads)


def test_uploads_are_known_to_the_hourly_clean_up(client: TestClient, page: gr.Blocks) -> None:
    """Otherwise ``delete_cache`` does not delete them while the server runs."""
    path = upload(client, b"known")
    assert any(path in files for files in page.temp_file_sets)


def test_the_middleware_and_the_error_response_are_installed(
    client: TestClient, page: gr.Blocks
) -> None:
    """Otherwise nothing of guard.py has any effect."""
    response = client.get("/gradio_api/deep_link")
    assert response.json() == {"detail": "There is nothing at this address."}
    view = next(b for b in page.blocks.values() if getattr(b, "elem_id", "") == "maps")
    question = {"component_id": view._id, "fn_name": "look", "data": {}, "session_hash": "x"}
    response = client.post("/gradio_api/component_server", json=question)
    assert response.status_code == 400
    assert response.json() == {"detail": "The request could not be understood."}


def test_each_allowed_route_exists(page: gr.Blocks) -> None:
    """Otherwise Gradio has renamed it, and the page or its clients lack the new one."""
    app = App.create_app(page)
    addresses = {path for path in ALLOWED_PATHS if not path.endswith("/mcp")}  # ours
    ours = ("/examples/", "/scripts/")
    addresses |= {f"{folder}x" for folder in ALLOWED_FOLDERS if folder not in ours}

    def served(address: str) -> bool:
        scope = {"type": "http", "path": address, "method": "GET", "headers": []}
        return any(route.matches(scope)[0] != Match.NONE for route in app.router.routes)

    assert {address for address in addresses if not served(address)} == set()


def test_only_known_parts_of_gradio_fetch_urls() -> None:
    """Otherwise guard.py may let a request through that makes the server fetch a URL.

    processing_utils fetches the ``path`` of a file, route_utils the address after ``file=``; the
    workflows are not on this page, and the third is a list of dependencies.
    """
    fetching = {
        str(path.relative_to(GRADIO))
        for path in GRADIO.rglob("*.py")
        if "safehttpx" in path.read_text(encoding="utf-8")
    }
    assert fetching == {"processing_utils.py", "route_utils.py", "workflow_provider_shims.py"}
    urls = [url for url in ("http://a", "https://a", "ftp://a", "//a") if is_http_url_like(url)]
    assert urls == ["http://a", "https://a"]


def test_the_queue_reads_how_often_it_sums_up() -> None:
    """Otherwise every event sums up the last 10,000, and the page gets slower all day."""
    set_environment()
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.State()
    frequency = blocks.queue()._queue.ANAYLTICS_CACHE_FREQUENCY
    assert frequency == sys.maxsize
    blocks.close()


def test_an_api_function_gets_what_the_client_sent(uploads: Path) -> None:
    """Otherwise names in another case, data URLs and bare paths do not reach our sentences."""
    seen: list[Any] = []

    def see(picture: gr.FileData, model: str = "all") -> str:
        seen.append((picture, model))
        return "seen"

    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.api(see)
    client = client_of(blocks)
    sent = [{"url": "data:image/png;base64,aaaa"}, "photo.jpg", None]
    for picture in sent:
        client.post("/gradio_api/run/see", json={"data": [picture, "LENET"]})
    assert seen == [(picture, "LENET") for picture in sent]
    blocks.close()


def test_an_error_of_ours_is_not_logged() -> None:
    """Otherwise the log fills with tracebacks of visitors' mistakes."""
    error = user_error("Please upload the picture.")
    assert (error.message, error.print_exception) == ("Please upload the picture.", False)


def test_components_take_any_event_of_our_scripts() -> None:
    """Otherwise the page cannot be built: ``retry`` is an event of our canvas alone."""
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.HTML().retry(lambda: None)
    blocks.close()


def test_the_fonts_of_the_theme_are_shipped() -> None:
    """Otherwise the page falls back to the system's fonts."""
    names = {400: "Regular", 700: "Bold"}
    for family in ("IBMPlexSans", "IBMPlexMono"):
        for weight in WEIGHTS_SHIPPED:
            fonts = GRADIO / "templates" / "frontend" / "static" / "fonts" / family
            assert (fonts / f"{family}-{names[weight]}.woff2").is_file()
