"""How the page is launched: its flags, port and folder of uploads, and Gradio's settings."""

import argparse
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import gradio as gr
from starlette.middleware import Middleware

from mnistcore.files import WEIGHTS
from mnistcore.page.components import examples_route, scripts_route
from mnistcore.page.compress import CompressAnswers
from mnistcore.page.guard import MAX_FILE, RequestGuard, error_response

PORTS = range(7860, 7960)  # those that Gradio tries
MOST_TRAININGS = 64  # at a time: each takes a core and half a gigabyte of memory
MAX_SESSIONS = 500  # Gradio keeps what each visitor saw last, up to a megabyte


def exit_with(sentence: object) -> NoReturn:
    """End a wrong call with one line on stderr and status 2."""
    sys.stderr.write(f"demo.py: {sentence}\n")
    sys.exit(2)


def parse_flags() -> argparse.Namespace:
    """What the page is started with; ends the process if that is wrong."""
    parser = argparse.ArgumentParser(description="Draw digits and watch five nets read them.")
    parser.add_argument("--port", type=int, help="default: the first free port from 7860")
    parser.add_argument("--host", help="default: 127.0.0.1; 0.0.0.0 for the whole network")
    parser.add_argument("--share", action="store_true", help="a public address for 72 hours")
    parser.add_argument("--device", help="cpu, cuda, ...; default: the accelerator if available")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of the weights")
    parser.add_argument(
        "--train", type=int, default=1, metavar="N", help="how many visitors train at once; 0: none"
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="PLACE",
        help="also train on your own images: a folder or a zip, as for `mnistcore train`",
    )
    parser.add_argument("--mcp", action="store_true", help="also offer the endpoints as MCP tools")
    args = parser.parse_args()
    if args.port is not None and not 0 < args.port < 2**16:
        exit_with(f"--port is {args.port}; it must be from 1 to {2**16 - 1}")
    if not 0 <= args.train <= MOST_TRAININGS:
        exit_with(f"--train is {args.train}; it must be from 0 to {MOST_TRAININGS}")
    if args.data_dir and not args.train:
        exit_with("--data-dir is for the Train tab, which --train 0 leaves out; give only one")
    if args.mcp:
        try:
            import_module("mcp.server.fastmcp")
        except ImportError:
            exit_with('--mcp needs more packages: pip install ".[mcp]"')
    return args


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
            "middleware": [Middleware(RequestGuard), Middleware(CompressAnswers)],
            "exception_handlers": {gr.Error: error_response},
            **app_kwargs,
            "routes": [scripts_route(), examples_route(), *app_kwargs.get("routes", [])],
        },
    }
