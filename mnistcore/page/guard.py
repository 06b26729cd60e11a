"""Protects the page from its visitors: which requests pass, how large and how many they may be."""

import functools
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import HTTPException, Request
from starlette.formparsers import MultiPartException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_FILE = 20 * 10**6  # bytes of an uploaded picture
MAX_BODY = 10**6  # bytes of any other request: the canvas sends at most a tenth of that
MAX_ZIP = 7 * 10**5  # bytes of a zip of digits; in base64, which a request holds, a third more
MAX_WAITING = 200  # events in the queue: four seconds' work at some fifty a second
# Concurrent calls of functions that Gradio runs outside its queue, together: of quick ones, and of
# those that run a net hundreds of times.
MAX_UNQUEUED, MAX_LONG = 16, 4

UPLOAD = "/gradio_api/upload"
# What the page, gradio_client, MCP clients and Gradio's own start need. Anything else is a 404,
# also what a later Gradio adds: some of its routes write files, fetch URLs or run ffmpeg.
ALLOWED_PATHS = {
    "/",
    "/config",
    "/favicon.ico",
    "/manifest.json",
    "/robots.txt",
    "/theme.css",
    "/gradio_api/app_id",  # tells a page that lost the server when it is back
    "/gradio_api/cancel",
    "/gradio_api/component_server",
    "/gradio_api/info",
    "/gradio_api/mcp",
    "/gradio_api/openapi.json",
    "/gradio_api/queue/data",
    "/gradio_api/queue/join",
    "/gradio_api/reset",
    "/gradio_api/startup-events",
    UPLOAD,
}
ALLOWED_FOLDERS = (
    "/assets/",  # these three are Gradio's front end
    "/static/",
    "/svelte/",
    "/examples/",  # these two are the page's own
    "/scripts/",
    "/gradio_api/call/",
    "/gradio_api/heartbeat/",
    "/gradio_api/file=/",  # a path; Gradio would fetch a URL here
)


def user_error(sentence: str) -> gr.Error:
    """An error that is not logged.

    The page shows it as a toast, or beside a picture as a sentence; a client gets it as a message.
    """
    return gr.Error(sentence, print_exception=False)


def reject_bad_input(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a handler to answer input that the page never sends with one sentence.

    The log has the exception itself.
    """

    @functools.wraps(handler)
    def answer(*args: Any) -> Any:
        try:
            return handler(*args)
        except gr.Error:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise gr.Error("The request could not be understood.") from error

    return answer


def limit_concurrency(most: int, *handlers: Callable[..., Any]) -> list[Callable[..., Any]]:
    """Handlers that bypass Gradio's queue; together they refuse more than ``most`` calls at a time.

    More calls would starve the threads that read drawings.
    """
    free = threading.BoundedSemaphore(most)

    def limited(handler: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(handler)
        def answer(*args: Any) -> Any:
            if not free.acquire(blocking=False):
                raise user_error("The server is busy. Please try again.")
            try:
                return handler(*args)
            finally:
                free.release()

        return answer

    return list(map(limited, handlers))


def is_upload(path: Path) -> bool:
    """Whether a path leads into the folder of uploads, after every link and ``..`` in it."""
    folder = os.environ.get("GRADIO_TEMP_DIR")
    return folder is not None and path.resolve().is_relative_to(Path(folder).resolve())


def refuse_url(item: dict[str, Any]) -> dict[str, Any]:
    """Pass on an object of a request's JSON unless its ``path`` is a URL: Gradio would fetch it.

    Raises:
        HTTPException: it is.
    """
    path = item.get("path")
    if isinstance(path, str) and path.lower().startswith(("http://", "https://")):
        raise HTTPException(400, "Please send the image itself; URLs are not fetched.")
    return item


class RequestGuard:
    """ASGI middleware: refuses routes other than the page's, large requests, and URLs to fetch."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on or answer it with one sentence."""
        if scope["type"] == "lifespan":  # the server's own start and end
            await self.app(scope, receive, send)
            return
        try:
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if (path.rstrip("/") or "/") not in ALLOWED_PATHS and not (
                path.startswith(ALLOWED_FOLDERS)
            ):
                raise HTTPException(404, "There is nothing at this address.")
            limited = limit_body(scope, receive, upload=path == UPLOAD)
            if scope["method"] == "POST" and path != UPLOAD:
                limited = await check_json(limited)
        except HTTPException as error:
            await JSONResponse({"detail": error.detail}, error.status_code)(scope, receive, send)
        else:
            await self.app(scope, limited, send)


def limit_body(scope: Scope, receive: Receive, upload: bool) -> Receive:
    """A request's ``receive`` that gives up when the body gets too large or an upload breaks off.

    Raises:
        HTTPException: the request's header already gives too large a size.
    """
    limit = MAX_BODY + MAX_FILE if upload else MAX_BODY
    too_large = (
        f"An upload may have at most {MAX_FILE:,} bytes. Please send a smaller picture."
        if upload
        else f"A request may have at most {MAX_BODY:,} bytes. Please upload the picture."
    )
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        # Only after a MultiPartException does Gradio delete what it has of the file.
        if upload and message["type"] == "http.disconnect":
            raise MultiPartException("The upload was interrupted.")
        if received > limit:  # sent in chunks, with no length in the header
            raise MultiPartException(too_large) if upload else HTTPException(413, too_large)
        return message

    if int(dict(scope["headers"]).get(b"content-length", 0)) > limit:
        raise HTTPException(413, too_large)
    return limited


async def check_json(receive: Receive) -> Receive:
    """Read a request's whole body, which must be JSON without URLs to fetch, and replay it.

    Raises:
        HTTPException: it is not.
    """
    messages, body, more = [], b"", True
    while more:
        message = await receive()
        messages.append(message)
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if body:
        try:
            json.loads(body, object_hook=refuse_url)
        except (ValueError, RecursionError):
            raise HTTPException(400, "The request is not JSON.") from None

    async def replay() -> Message:
        return messages.pop(0) if messages else await receive()

    return replay


def error_response(_: Request, error: gr.Error) -> JSONResponse:
    """The response to a failed ``server_functions`` call, for which Gradio has none."""
    return JSONResponse({"detail": error.message}, 400)
