"""An atlas of training digits: how a net sees ten thousand of them, and where another one lies.

A net's logits are computed from the numbers of its last hidden layer alone, so two digits with
nearly the same numbers there are nearly the same to the net. The distance between two digits is
that of these numbers, and the map of an atlas keeps near neighbours together in two dimensions.

References:
    van der Maaten, Hinton: Visualizing data using t-SNE. JMLR 9, 2008.
    Shepard: A two-dimensional interpolation function for irregularly-spaced data. Proceedings of
    the 23rd ACM national conference, 1968 (the place of another digit on the map).
"""

import hashlib
import io
import threading
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mnistcore import checkpoint, inside
from mnistcore.data import load_mnist, normalize, split_train_val, to_unit
from mnistcore.datasets import trained_on
from mnistcore.device import choose_device
from mnistcore.files import write_whole
from mnistcore.reading.ensemble import Ensemble
from mnistcore.results import MNIST

DIGITS_FILE = "atlas_digits.npz"  # of all nets, beside the weights, as is the file of each net
COUNT = 10_000  # digits
VAL_SIZE = 5_000  # digits that the nets were validated on, as TrainConfig has it; not among these
SEED = 0  # of their choice, and of the map
NEAREST = 8  # digits
USUAL = 0.99  # of the digits have their nearest neighbour within the usual distance
LEVELS = 127  # the numbers are kept as int8, in so many steps from zero to the greatest
EXTENT = 2**16 - 1  # places on the map are kept as uint16
BATCH = 500  # images per pass: bounds the memory


@dataclass(frozen=True)
class Neighbours:
    """The training digits that are nearest to a digit, the nearest first."""

    indices: NDArray[np.intp]  # (NEAREST,), in the atlas
    labels: NDArray[np.uint8]  # (NEAREST,)
    distances: NDArray[np.float32]  # (NEAREST,)
    place: tuple[float, float]  # of the digit on the map, x and y in [0, 1]
    usual: float  # USUAL of the training digits have their nearest neighbour within this distance


class Digits(NamedTuple):
    """The training digits of an atlas."""

    images: NDArray[np.uint8]  # (n, 28, 28), ink 255 on 0
    labels: NDArray[np.uint8]  # (n,)


@dataclass(frozen=True)
class Atlas:
    """Ten thousand training digits as one net sees them."""

    digits: Digits
    hidden: NDArray[np.float32]  # (n, m), the numbers of the net's last hidden layer
    places: NDArray[np.float32]  # (n, 2), x and y on the map, in [0, 1]
    usual: float  # see Neighbours

    def neighbours(self, hidden: NDArray[np.float32]) -> Neighbours:
        """The digits nearest to another one, and its place among them.

        The place is the mean of theirs, weighted by the inverse square of their distances.

        Args:
            hidden: float32 (m,), what the net's last hidden layer makes of it.
        """
        distances = np.linalg.norm(self.hidden - hidden, axis=1)
        nearest = np.argpartition(distances, NEAREST)[:NEAREST]
        nearest = nearest[np.argsort(distances[nearest], kind="stable")]
        near = distances[nearest]
        weights = 1 / np.maximum(near, np.finfo(np.float32).eps) ** 2
        x, y = weights @ self.places[nearest] / weights.sum()
        labels = self.digits.labels[nearest]
        return Neighbours(nearest, labels, near, (float(x), float(y)), self.usual)


class Atlases:
    """The atlases of some nets; each is loaded when it is first needed, and only once."""

    def __init__(self, nets: Ensemble) -> None:
        self._nets = nets
        self._known: dict[str, Atlas] = {}
        self._lock = threading.Lock()

    @cached_property
    def _digits(self) -> Digits:
        return load_digits(self._nets.folder)

    def of(self, net: str) -> Atlas:
        """The atlas of a net.

        Raises:
            FileNotFoundError, ValueError: as :func:`load_atlas`, and as :meth:`Ensemble.net`.
        """
        with self._lock:
            if net not in self._known:
                model, folder = self._nets.net(net), self._nets.folder
                self._known[net] = load_atlas(folder, net, model, self._digits)
            return self._known[net]

    def neighbours(self, image: NDArray[np.float32], net: str) -> Neighbours:
        """The training digits that a net finds most like a digit, float32 (28, 28) in [0, 1].

        Raises:
            FileNotFoundError, ValueError: as :meth:`of`.
        """
        atlas, model = self.of(net), self._nets.net(net)
        ink = torch.tensor(image, device=self._nets.device)[None, None]
        return atlas.neighbours(inside.last_hidden(model, normalize(ink))[0].cpu().numpy())


def load_digits(folder: Path) -> Digits:
    """The training digits of the atlases in a folder of weights.

    Raises:
        FileNotFoundError: there are none.
        ValueError: their file is damaged.
    """
    content = _read(folder / DIGITS_FILE, "images", "labels")
    return Digits(content["images"], content["labels"])


def load_atlas(folder: Path, net: str, model: nn.Module, digits: Digits) -> Atlas:
    """The atlas of a net.

    Args:
        folder: of the weights.
        net: the net's name.
        model: the net itself; the atlas must have been made with these very weights.
        digits: see :func:`load_digits`.

    Raises:
        FileNotFoundError: there is no atlas.
        ValueError: it is damaged, or was made with other weights.
    """
    path = _path(folder, net)
    content = _read(path, "made_with", "hidden", "limit", "places", "usual")
    if str(content["made_with"]) != _digest(model, digits):
        raise ValueError(f"{path} was made with other weights; make it with `mnistcore atlas`")
    hidden = content["hidden"] * (float(content["limit"]) / LEVELS)
    places = content["places"] / EXTENT
    usual = float(content["usual"])
    return Atlas(digits, hidden.astype(np.float32), places.astype(np.float32), usual)


def make_atlas(weights_dir: Path, net: str, device: str | None = None) -> Path:
    """Write the atlas of a net beside its weights, unless there is one of these very weights.

    It takes some minutes, nearly all of them for the map.

    Args:
        weights_dir: folder of the weights.
        net: its name.
        device: "cpu", "cuda", ...; by default an accelerator if there is one.

    Returns:
        The file.

    Raises:
        ValueError: a package is missing, weights or data are damaged, or the net was trained on
            other digits than MNIST's.
        FileNotFoundError: weights or data are missing.
        OSError: the folder cannot be written.
    """
    if find_spec("sklearn") is None:
        raise ValueError("an atlas needs one more package: pip install scikit-learn")
    from sklearn.manifold import TSNE  # type: ignore[import-untyped]
    from sklearn.neighbors import NearestNeighbors  # type: ignore[import-untyped]

    path, weights = _path(weights_dir, net), checkpoint.find(weights_dir, net)
    content = checkpoint.load_for(net, weights)
    data = trained_on(content)["name"]
    if data != MNIST:
        raise ValueError(
            f"{weights} was trained on {data}; an atlas shows the digits of MNIST alone"
        )
    model = checkpoint.build_model(content, weights, choose_device(device))
    with suppress(FileNotFoundError, ValueError):  # none, one of other weights, or damaged
        load_atlas(weights_dir, net, model, load_digits(weights_dir))
        return path
    digits = _choose_digits()
    _write(weights_dir / DIGITS_FILE, images=digits.images, labels=digits.labels)
    ink = to_unit(torch.tensor(digits.images)[:, None].to(next(model.parameters()).device))
    batches = normalize(ink).split(BATCH)
    hidden = torch.cat([inside.last_hidden(model, batch) for batch in batches]).cpu().numpy()
    limit = np.abs(hidden).max()
    distances, _ = NearestNeighbors(n_neighbors=1).fit(hidden).kneighbors()
    places = TSNE(init="pca", random_state=SEED).fit_transform(hidden)
    low = places.min(0)
    _write(
        path,
        made_with=_digest(model, digits),
        hidden=np.round(hidden / limit * LEVELS).astype(np.int8),
        limit=np.float32(limit),
        places=np.round((places - low) / np.ptp(places, 0).max() * EXTENT).astype(np.uint16),
        usual=np.float32(np.quantile(distances, USUAL)),
    )
    return path


def _path(folder: Path, net: str) -> Path:
    return folder / f"atlas_{net}.npz"


def _choose_digits() -> Digits:
    """The training digits of every atlas: always the same random choice."""
    images, labels = load_mnist("train")
    train = split_train_val(VAL_SIZE, len(images))[0]
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(SEED))
    chosen = train[order[:COUNT]].sort().values
    return Digits(images[chosen, 0].numpy(), labels[chosen].numpy().astype(np.uint8))


def _digest(model: nn.Module, digits: Digits) -> str:
    """A hash of a net's weights and of the digits of its atlas."""
    found = hashlib.sha256(digits.images.tobytes())
    for weights in model.state_dict().values():
        found.update(weights.cpu().numpy().tobytes())
    return found.hexdigest()


def _read(path: Path, *names: str) -> dict[str, NDArray[Any]]:
    """The arrays of a file of an atlas.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no {path}; make it with `mnistcore atlas`")
    try:
        # Not from the path: np.load leaves a damaged file open.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as content:
            return {name: content[name] for name in names}
    except (LookupError, ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is damaged; delete it and make it again with `mnistcore atlas`"
        ) from error


def _write(path: Path, **arrays: Any) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_whole(path, buffer.getvalue())
