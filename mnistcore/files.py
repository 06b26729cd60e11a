"""Where the project's files are, and how every file is written: whole or not at all."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent  # of a checkout
ASSETS = PACKAGE / "assets" if (PACKAGE / "assets").is_dir() else ROOT / "assets"
WEIGHTS = ASSETS / "weights"
RESULTS = ASSETS / "results"
STATIC = PACKAGE / "page" / "static"  # the page's scripts, style and text
README = ROOT / "README.md"
RUNS = Path("runs")  # what a command writes by default, in the folder it is called from


def code_version() -> str:
    """The last commit that changed the package, marked where it has been edited since."""

    def git(*args: str) -> str:
        command = ["git", "-C", str(ROOT), *args, "--", "mnistcore"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("log", "-1", "--format=%h") + ("+edited" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """An OSError within names ``path``: the system's own names a temporary file, or none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a power cut, finds the old content or the new, never half.

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
    """Write JSON that people can read, as :func:`write_whole` does."""
    write_whole(path, (json.dumps(content, indent=1) + "\n").encode())
