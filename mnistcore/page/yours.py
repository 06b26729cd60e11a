"""The nets of single visitors, each known by a token: trained here, taught, or uploaded."""

import errno
import logging
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile

import gradio as gr
import torch
from torch import nn

from mnistcore import checkpoint
from mnistcore.data import SIDE, SIZES, normalize
from mnistcore.datasets import trained_on
from mnistcore.models import MODELS
from mnistcore.reading.ensemble import THRESHOLD_FILE, Ensemble
from mnistcore.reading.recognizer import Recognizer
from mnistcore.results import MNIST

AT = "@"  # between a net and its token: "LeNet@..." is a visitor's own LeNet
MOST_LOADED = 8  # of these nets in memory: of MyNetV1, the largest, they take 300 MB
MOST_UNPACKED = 40 * 10**6  # bytes of a net's file: MyNetV1 takes 37 MB in float32
UPLOADED = "uploaded.pt"  # until the net in it is known
CANNOT_STORE = {  # the disk is full, read-only, closed or broken, or too many files are open
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.EMFILE, errno.ENFILE)
}
NOT_STORED = "The server could not store the file. Please try again later."
WANTED = "Please upload a checkpoint (.pt) written by mnistcore, or a zip from this page."


@dataclass(frozen=True)
class OwnNet:
    """A visitor's own net, as far as the page knows it."""

    path: Path  # of its checkpoint, alone in a folder with its threshold
    answers: dict[str, tuple[int, int]]  # errors and images of "validation", and of "test" if read
    data: str = MNIST  # the name of what it was trained on


Find = Callable[[str], OwnNet | None]  # from a token; None if the server has no such net


def find_own(name: str, find: Find) -> OwnNet | None:
    """The own net that "LeNet@<token>" means; None if the server has none, or not of that kind."""
    net, _, token = name.partition(AT)
    found = find(token) if token else None
    return found if found and found.path.stem == net else None


class NetGoneError(gr.Error):
    """A visitor's own net is not on the server, or no longer."""

    def __init__(self) -> None:
        super().__init__("Your net is no longer on the server.", print_exception=False)


class Nets:
    """The nets of the page by name: those that all visitors share, and each one's own."""

    def __init__(self, shared: Recognizer, find: Find) -> None:
        self._shared, self._find = shared, find
        self._loaded: OrderedDict[Path, Recognizer] = OrderedDict()  # the last used at the end
        self._lock = threading.Lock()

    def of(self, name: str) -> tuple[Recognizer, str]:
        """The recognizer that has a net, and the name that the net has there.

        Args:
            name: "LeNet", "all", or of a visitor's own "LeNet@<token>".

        Raises:
            NetGoneError: the server has no such net of a visitor.
        """
        net, own, _ = name.partition(AT)
        if not own:
            return self._shared, net
        found = find_own(name, self._find)
        if found is None:
            raise NetGoneError
        folder, device = found.path.parent, str(self._shared.device)
        with self._lock:
            recognizer = self._loaded.pop(folder, None) or Recognizer(folder, device)
            self._loaded[folder] = recognizer
            if len(self._loaded) > MOST_LOADED:
                self._loaded.popitem(last=False)
        try:
            recognizer.load()
        except (OSError, ValueError) as error:  # it has just been deleted
            raise NetGoneError from error
        return recognizer, net


def unpack_net(upload: Path, folder: Path) -> OwnNet:
    """Put an uploaded net into a new folder, as a training does; nothing in it is executed.

    Args:
        upload: a checkpoint, or a zip with one and perhaps its ``recognizer.json``.
        folder: for both under their usual names; if this fails, there is none.

    Raises:
        ValueError: it is something else; the message is a sentence for the visitor.
    """
    try:
        folder.mkdir()
        _unpack(upload, folder)
        return _check(folder)
    except Exception as error:  # a stranger's file can make torch raise anything
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError) and error.errno in CANNOT_STORE:
            logging.getLogger(__name__).exception("an upload could not be stored")
            raise ValueError(NOT_STORED) from error
        known = isinstance(error, ValueError)
        reason = str(error).partition(";")[0] if known else "the file cannot be read"
        for name, words in ((UPLOADED, "the file"), (THRESHOLD_FILE, f"its {THRESHOLD_FILE}")):
            reason = reason.replace(str(folder / name), words)
        raise ValueError(f"{reason[0].upper()}{reason[1:]}. {WANTED}") from error


def _unpack(upload: Path, folder: Path) -> None:
    """Write the checkpoint as ``UPLOADED``, and its ``recognizer.json`` if there is one.

    Raises:
        ValueError: there is none, there are several, or one is too large.
    """
    path = folder / UPLOADED
    if upload.suffix == ".safetensors":
        raise ValueError("safetensors files cannot be uploaded")
    try:
        with ZipFile(upload) as archive:  # so is a checkpoint, without nets in it
            members = {PurePosixPath(file.filename).name: file for file in archive.infolist()}
            nets = [f"{name}.pt" for name in MODELS if f"{name}.pt" in members]
            if len(nets) > 1:
                raise ValueError(f"the zip has {len(nets)} nets, and only one can be uploaded")
            wanted = {UPLOADED: nets[0], THRESHOLD_FILE: THRESHOLD_FILE} if nets else {}
            for target, name in wanted.items():
                if name in members:
                    _check_size(members[name].file_size)
                    (folder / target).write_bytes(archive.read(members[name]))
        if not nets:
            shutil.copyfile(upload, path)
        with ZipFile(path) as archive:
            _check_size(sum(file.file_size for file in archive.infolist()))
    except (BadZipFile, UnicodeDecodeError) as error:
        raise ValueError("the file is damaged or not a net") from error


def _check(folder: Path) -> OwnNet:
    """Check the checkpoint that was written, and give it the name of its net.

    Raises:
        ValueError: it, or its threshold, is not what mnistcore writes.
    """
    path = folder / UPLOADED
    name = checkpoint.load(path)["model"]
    if name not in MODELS:
        raise ValueError(f"the net is a {name!s:.40}, and the page knows {', '.join(MODELS)}")
    content = checkpoint.load_for(name, path, "temperature", "config", "val")
    _check_answers(checkpoint.build_model(content, path), content["temperature"])
    numbers = content["val"]["errors"], content["val"]["n"], content["config"]["val_size"]
    errors, n, held_out = numbers
    if not (
        all(type(x) is int for x in numbers)
        and 0 <= errors <= n <= SIZES["train"]
        and n * held_out > 0
    ):
        raise ValueError("the file does not say how many validation images the net misreads")
    if (folder / THRESHOLD_FILE).exists():
        _ = Ensemble(folder).thresholds  # reads and checks them
    data = str(trained_on(content)["name"])
    return OwnNet(path.rename(folder / f"{name}.pt"), {"validation": (errors, n)}, data)


def _check_answers(model: nn.Module, temperature: float) -> None:
    """Ask a net about a blank and a full image: finite weights alone do not make it answer."""
    inks = torch.stack([torch.zeros(1, SIDE, SIDE), torch.ones(1, SIDE, SIDE)])
    with torch.inference_mode():
        probs = (model(normalize(inks)) / temperature).softmax(1)
    if not bool(probs.isfinite().all()):
        raise ValueError("the net's answers are not finite numbers")


def _check_size(size: int) -> None:
    if size > MOST_UNPACKED:
        raise ValueError(
            f"the file takes {size / 1e6:.0f} MB, and at most {MOST_UNPACKED / 1e6:.0f} are allowed"
        )
