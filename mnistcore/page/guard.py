"""What stands between the page and those who send it things: limits, refusals, tools for MCP."""

import functools
import hashlib
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote

import gradio as gr
import gradio.mcp
import safehttpx
from fastapi import HTTPException, Request
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnistcore.page.components import scripts_route
from mnistcore.reading.picture import Picture
from mnistcore.reading.recognizer import Examined, Recognizer

MAX_FILE = 20 * 10**6  # bytes of an upload
MAX_MESSAGE = 10**6  # bytes of any other request: the canvas sends a tenth of that at the most
MAX_WAITING = 200  # events in the queue: at some fifty a second, four seconds
MAX_SESSIONS = 500  # Gradio keeps what each of the latest visitors saw last, up to a megabyte
LATEST = 100  # drawings of which is remembered what the nets said
DRAWING = 30_000  # pixels of what the canvas sends: a quarter of a megabyte in memory
MOST_ASIDE = 8  # questions about maps at a time: they do not wait in the queue
# Gradio's, which our page does not use: they write a visitor's state to a file that stays, or run
# ffmpeg on what is sent.
CLOSED = ("/gradio_api/deep_link", "/gradio_api/process_recording")


def told(sentence: str) -> gr.Error:
    """What the page says in a corner; the server's log has no need of it."""
    return gr.Error(sentence, print_exception=False)


def checked(handler: Callable[..., Any]) -> Callable[..., Any]:
    """A handler that answers what our page never sends with a sentence.

    What was wrong with it is in the server's log.
    """

    @functools.wraps(handler)
    def answer(*args: Any) -> Any:
        try:
            return handler(*args)
        except gr.Error:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise gr.Error("The server can make nothing of what was sent.") from error

    return answer


def beside_the_queue(handler: Callable[..., Any]) -> Callable[..., Any]:
    """A handler that Gradio calls at once: of very many calls at a time some are refused.

    They would take the threads that read the drawings.
    """
    free = threading.BoundedSemaphore(MOST_ASIDE)

    @functools.wraps(handler)
    def answer(*args: Any) -> Any:
        if not free.acquire(blocking=False):
            raise told("The server is busy: try again.")
        try:
            return handler(*args)
        finally:
            free.release()

    return answer


def is_upload(path: Path) -> bool:
    """Whether a file is in the folder of uploads."""
    return path.resolve().is_relative_to(Path(get_upload_folder()).resolve())


class Remembering(Recognizer):
    """A recognizer that examines each of the latest drawings once, whichever net is asked.

    The page sends a drawing again when another net is chosen, or the pen goes up where it was.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)

        @functools.lru_cache(LATEST)
        def known(_: bytes) -> list[Examined]:
            return []

        self._known = known

    def examine(self, picture: Picture) -> Examined:
        """What all five nets say to the digits of a picture."""
        if not isinstance(picture, bytes):
            return super().examine(picture)
        known = self._known(hashlib.sha256(picture).digest())
        if known:
            return known[0]
        examined = super().examine(picture)
        if examined.plane.ink.size <= DRAWING:  # a hundred photographs would fill the memory
            known.append(examined)
        return examined


class LimitedRequests:
    """Refuses a request that is larger than any of the page's, or asks for what is closed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        headers = dict(scope.get("headers", ()))
        upload = headers.get(b"content-type", b"").startswith(b"multipart/form-data")
        limit = MAX_MESSAGE + MAX_FILE * upload
        words = (
            f"An upload may have at most {MAX_FILE:,} bytes: send a smaller picture."
            if upload
            else f"A request may have at most {limit:,} bytes: upload the picture."
        )
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:  # one that came in chunks and had not told its length
                raise HTTPException(413, words)
            return message

        if scope.get("path", "").rstrip("/").endswith(CLOSED):
            await JSONResponse({"detail": "There is nothing here."}, 404)(scope, receive, send)
        elif int(headers.get(b"content-length", 0)) > limit:
            await JSONResponse({"detail": words}, 413)(scope, receive, send)
        else:
            await self.app(scope, counted, send)


def in_words(_: Request, error: gr.Error) -> JSONResponse:
    """The answer where a ``server_functions`` call fails, for which Gradio has none."""
    return JSONResponse({"detail": error.message}, 400)


async def fetch_nothing(*_: Any, **__: Any) -> NoReturn:
    """Takes the place of Gradio's downloads: addresses that clients send are not asked."""
    raise told("Send the picture itself: this server fetches nothing from elsewhere.")


def settings() -> dict[str, Any]:
    """Stop Gradio's own requests; the arguments to launch a page that is open to all."""
    safehttpx.get = safehttpx.async_validate_url = fetch_nothing
    # Gradio would sum up the last 10,000 events after every one, for a monitor that is off here.
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(sys.maxsize))
    os.environ.setdefault("MPLBACKEND", "agg")  # Gradio imports pyplot at the first event
    return {
        "max_file_size": MAX_FILE,
        "enable_monitoring": False,
        "state_session_capacity": MAX_SESSIONS,
        "app_kwargs": {
            "routes": [scripts_route()],
            "middleware": [Middleware(LimitedRequests)],
            "exception_handlers": {gr.Error: in_words},
        },
    }


class Tools(gradio.mcp.GradioMCPServer):
    """Gradio's MCP server, for pictures that are sent: it fetches nothing and leaves no file.

    Gradio's own writes each data URL to a file that it never deletes, and answers in Python's
    notation.
    """

    _file_data_tool_description = (
        " Give the picture as a data URL (data:image/png;base64,...), or as the address that the "
        "tool upload_file_to_gradio gives, where there is one."
    )

    def simplify_filedata_schema(
        self, schema: dict[str, Any]
    ) -> tuple[dict[str, Any], list[list[str | int]]]:
        """Say of what form a picture is."""
        simple, positions = super().simplify_filedata_schema(schema)
        for (name,) in positions:
            simple["properties"][name]["format"] = "data URL, or address of an upload"
        return simple, positions

    def convert_strings_to_filedata(
        self, value: dict[str, Any], filedata_positions: list[list[str | int]]
    ) -> dict[str, Any]:
        """Make a picture what the page would send.

        Raises:
            ValueError: it is neither a data URL nor an upload.
        """
        names = [name for name in value if [name] in filedata_positions]
        return value | {name: self._sent(str(value[name])) for name in names}

    def _sent(self, picture: str) -> dict[str, str]:
        if picture.startswith("data:"):
            return {"url": picture}
        upload = Path(unquote(picture.partition("/gradio_api/file=")[2]))
        if is_upload(upload) and upload.is_file():
            return {"path": str(upload)}
        raise ValueError(f"There is no such picture.{self._file_data_tool_description}")

    def postprocess_output_data(self, data: list[Any], root_url: str) -> list[Any]:
        """Answer in JSON."""
        return [self.types.TextContent(type="text", text=json.dumps(output)) for output in data]
