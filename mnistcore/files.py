"""Where the project's files are, and how files are written: whole or not at all."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mnistcore import __version__

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent  # of a checkout
INSTALLED = (PACKAGE / "assets").is_dir()  # a wheel puts the assets into the package
ASSETS = (PACKAGE if INSTALLED else ROOT) / "assets"
WEIGHTS = ASSETS / "weights"
RESULTS = ASSETS / "results"
STATIC = PACKAGE / "page" / "static"  # the page's scripts, style and text
README = ROOT / "README.md"
RUNS = Path("runs")  # default output of the commands, in the current folder


def cache_dir() -> Path:
    """The data folder that MNIST is downloaded to where the package comes without it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mnistcore"


def code_version() -> str:
    """The last commit that changed the package, marked where it has been edited since.

    For an installed package, its version; without git, "unknown".
    """
    if INSTALLED:
        return __version__

    def git(*args: str) -> str:
        command = ["git", "-C", str(ROOT), *args, "--", "mnistcore"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        commit = git("log", "-1", "--format=%h")
        edited = "+edited" if git("status", "--porcelain") else ""
        return commit + edited if commit else "unknown"
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an OSError inside the block name ``path``, not a temporary file or no file at all."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_whole(path: Path, data: bytes) -> None:
    """Write a file in one step: a reader, or a power cut, finds the old or the new content whole.

    Raises:
        OSError: the folder cannot be written or the disk is full; the old file is intact.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with naming(path):
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write indented JSON as :func:`write_whole` writes bytes."""
    write_whole(path, (json.dumps(content, indent=1) + "\n").encode())


def error_words(error: Exception) -> str:
    """An error as a line; one of the system without its number: "runs: File exists"."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
