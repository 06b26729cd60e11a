"""How the page is launched: its port, its folder of uploads, and Gradio's settings."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from mnistcore.page.components import examples_route, scripts_route
from mnistcore.page.guard import MAX_FILE, RequestGuard, error_response

PORTS = range(7860, 7960)  # those that Gradio tries
MAX_SESSIONS = 500  # Gradio keeps what each visitor saw last, up to a megabyte


def choose_port(host: str | None, port: int | None) -> int:
    """A port that nobody listens on: the given one, or else the first of ``PORTS``.

    Gradio's environment variables stand in for a host or port that is None.

    Raises:
        ValueError: there is none, or no such host on this machine.
    """
    host = host or os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    given = os.environ.get("GRADIO_SERVER_PORT", "0")
    if not given.isdecimal() or int(given) >= 2**16:
        raise ValueError(f"GRADIO_SERVER_PORT is {given!r}; it must be from 1 to {2**16 - 1}")
    fixed = port or int(given)
    for candidate in [fixed] if fixed else PORTS:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            socket.create_server((host, candidate), family=family).close()
        except OSError:
            continue
        return candidate
    asked = fixed or f"from {PORTS[0]} to {PORTS[-1]}"
    raise ValueError(f"no free port {asked} on {host}; try another --port or --host")


@contextmanager
def upload_folder() -> Iterator[Path]:
    """A folder of this process for what visitors upload, deleted at the end.

    Gradio reads its name from the environment when a page is built and when it is served.
    """
    # An upload may arrive while the folder is deleted.
    with TemporaryDirectory(prefix="mnistcore-", ignore_cleanup_errors=True) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        try:
            yield Path(folder)
        finally:
            os.environ.pop("GRADIO_TEMP_DIR", None)


def set_environment() -> None:
    """Set what Gradio reads from environment variables; call this before the page is built."""
    # Gradio sums up the last 10,000 events after each event, for a monitor that is off here.
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(sys.maxsize))
    os.environ.setdefault("MPLBACKEND", "agg")  # Gradio imports pyplot at the first event


def launch_arguments(**app_kwargs: Any) -> dict[str, Any]:
    """Arguments of ``Blocks.launch`` for a page that is open to all.

    Args:
        app_kwargs: more arguments of the FastAPI app.
    """
    return {
        "max_file_size": MAX_FILE,
        "enable_monitoring": False,
        "state_session_capacity": MAX_SESSIONS,
        "app_kwargs": {
            "middleware": [Middleware(RequestGuard)],
            "exception_handlers": {gr.Error: error_response},
            **app_kwargs,
            "routes": [scripts_route(), examples_route(), *app_kwargs.get("routes", [])],
        },
    }
