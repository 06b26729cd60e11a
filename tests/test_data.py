import gzip
import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch
from torch import Tensor
from torchvision.datasets import MNIST

from mnistcore import data
from mnistcore.data import MEAN, STD, load_mnist, mnist_images, normalize, split_train_val, to_unit
from mnistcore.files import ASSETS

EMBEDDED = ASSETS / "MNIST" / "raw"
IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])  # nobody listens there


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A data folder that holds the test set's two files, packed."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in (IMAGES, LABELS):
        shutil.copyfile(EMBEDDED / f"{name}.gz", raw / f"{name}.gz")
    return tmp_path


@pytest.fixture
def unpacked(packed: Path) -> Path:
    """The same data folder as torchvision leaves it: with the unpacked files beside the packed."""
    for path in (packed / "MNIST" / "raw").glob("*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    return packed


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_embedded_files_are_those_that_torchvision_knows() -> None:
    packed = {path.name: path.read_bytes() for path in EMBEDDED.glob("*.gz")}
    assert {name: hashlib.md5(content).hexdigest() for name, content in packed.items()} == dict(
        MNIST.resources
    )


@pytest.mark.parametrize(("split", "n"), [("train", 60_000), ("test", 10_000)])
def test_shapes_and_types(split: str, n: int) -> None:
    images, labels = load_mnist(split)
    assert (images.shape, images.dtype) == ((n, 1, 28, 28), torch.uint8)
    assert (labels.shape, labels.dtype) == ((n,), torch.int64)
    assert labels.unique().tolist() == list(range(10))
    assert len(images) == data.SIZES[split]


@pytest.mark.parametrize("form", ["packed", "unpacked", "only unpacked"])
def test_every_form_gives_the_images_and_labels_of_the_files(form: str, unpacked: Path) -> None:
    raw = unpacked / "MNIST" / "raw"
    pixels, digits = ((raw / name).read_bytes() for name in (IMAGES, LABELS))
    for name in (IMAGES, LABELS):
        if form == "packed":
            (raw / name).unlink()
        if form == "only unpacked":
            (raw / f"{name}.gz").unlink()
    images, labels = load_mnist("test", unpacked)
    assert images.numpy().tobytes() == pixels[16:]
    assert labels.tolist() == list(digits[8:])
    assert mnist_images("test", unpacked).tobytes() == pixels[16:]


def test_loading_writes_nothing(packed: Path) -> None:
    before = contents(packed)
    load_mnist("test", packed)
    assert contents(packed) == before


def test_loading_needs_no_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes as long to import as torch itself."""
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
    load_mnist("test")


def test_mean_and_std_are_those_of_the_training_images(mnist_train: tuple[Tensor, Tensor]) -> None:
    unit = to_unit(mnist_train[0])
    assert round(float(unit.mean()), 4) == MEAN
    assert round(float(unit.std()), 4) == STD


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent does not exist; give --data-dir"):
        load_mnist("train", tmp_path / "absent")


@pytest.mark.parametrize("name", [IMAGES, LABELS])
def test_a_folder_without_one_file_is_refused_and_left_alone(name: str, packed: Path) -> None:
    (packed / "MNIST" / "raw" / f"{name}.gz").unlink()
    before = contents(packed)
    with pytest.raises(FileNotFoundError, match=rf"no {name}.gz in .* leave out --data-dir"):
        load_mnist("test", packed)
    assert contents(packed) == before


@pytest.mark.parametrize("form", ["", ".gz"])
def test_other_data_is_refused_and_left_alone(form: str, unpacked: Path) -> None:
    """Digits of a user's own in MNIST's format, beside or in place of MNIST's files."""
    path = unpacked / "MNIST" / "raw" / f"{IMAGES}{form}"
    own = (3).to_bytes(2, "big").rjust(4, b"\0") + bytes(16)
    path.write_bytes(gzip.compress(own) if form else own)
    before = contents(unpacked)
    with pytest.raises(ValueError, match=rf"{path} is damaged or not MNIST's original; give --da"):
        load_mnist("test", unpacked)
    assert contents(unpacked) == before


def truncate(content: bytearray) -> None:
    del content[-1000:]


def flip_a_bit(content: bytearray) -> None:
    content[5000] ^= 1


@pytest.mark.parametrize("damage", [truncate, bytearray.clear, flip_a_bit])
@pytest.mark.parametrize("name", [IMAGES, f"{IMAGES}.gz", LABELS])
def test_damaged_file(name: str, damage: Callable[[bytearray], None], unpacked: Path) -> None:
    path = unpacked / "MNIST" / "raw" / name
    content = bytearray(path.read_bytes())
    damage(content)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{path} is damaged"):
        load_mnist("test", unpacked)


def test_a_damaged_embedded_file_is_restored_by_git(
    packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (packed / "MNIST" / "raw" / f"{IMAGES}.gz").write_bytes(b"")
    monkeypatch.setattr(data, "ASSETS", packed)
    with pytest.raises(ValueError, match=r"git checkout -- assets/MNIST"):
        load_mnist("test", packed)


@pytest.fixture
def without_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The assets of an installed package: they lack MNIST, and the cache folder is empty."""
    assets = tmp_path / "assets"
    assets.mkdir()
    monkeypatch.setattr(data, "ASSETS", assets)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return assets


@pytest.fixture
def mirror() -> Iterator[str]:
    """The address of a server on this machine that offers MNIST's files."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=EMBEDDED)) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_mnist_is_downloaded_once_where_the_package_lacks_it(
    without_mnist: Path,
    mirror: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(MNIST, "mirrors", [mirror])
    images, labels = load_mnist("test", without_mnist)
    raw = without_mnist.parent / "cache" / "mnistcore" / "MNIST" / "raw"
    assert caplog.messages == [f"downloading MNIST (12 MB) to {raw}"]
    assert {path.name for path in raw.iterdir()} == {name for name, _ in MNIST.resources}
    assert (len(images), len(labels)) == (10_000, 10_000)

    monkeypatch.setattr(MNIST, "mirrors", [])
    assert images.equal(load_mnist("test", without_mnist)[0])
    (raw / f"{IMAGES}.gz").write_bytes(b"half")
    with pytest.raises(ValueError, match=r"delete it, and MNIST is downloaded again"):
        load_mnist("test", without_mnist)


def test_a_download_without_a_network_is_one_line(without_mnist: Path) -> None:
    with pytest.raises(OSError, match=r"cannot be downloaded \(Error downloading") as caught:
        load_mnist("train", without_mnist)
    assert "\n" not in str(caught.value)
    raw = without_mnist.parent / "cache" / "mnistcore" / "MNIST" / "raw"
    assert str(caught.value).endswith(f"put its four original *-ubyte.gz files into {raw}")
    assert list(raw.iterdir()) == []


@pytest.mark.parametrize(("val_size", "n"), [(5000, 60_000), (1, 10), (9, 10)])
def test_splits_are_disjoint_and_together_everything(val_size: int, n: int) -> None:
    train, val = split_train_val(val_size, n)
    assert len(val) == val_size
    assert torch.cat([train, val]).sort().values.equal(torch.arange(n))


def test_validation_images_are_always_the_same_random_ones() -> None:
    torch.manual_seed(1)
    train, val = split_train_val(100, 1000)
    torch.manual_seed(2)
    again = split_train_val(100, 1000)
    assert train.equal(again[0])
    assert val.equal(again[1])
    assert 300 < float(val.float().mean()) < 700  # from everywhere, not from one end


@pytest.mark.parametrize("val_size", [-1, 0, 10, 11])
def test_val_size_out_of_bounds(val_size: int) -> None:
    with pytest.raises(ValueError, match=rf"val_size is {val_size}; .* 1 to 9"):
        split_train_val(val_size, 10)


def test_to_unit() -> None:
    images = torch.tensor([0, 51, 255], dtype=torch.uint8)
    unit = to_unit(images)
    assert unit.dtype == torch.float32
    assert torch.allclose(unit, torch.tensor([0, 0.2, 1]))
    assert images.tolist() == [0, 51, 255]


def test_normalize() -> None:
    ink = torch.tensor([0, MEAN, 1])
    assert torch.allclose(normalize(ink), torch.tensor([-0.42421, 0, 2.82149]), atol=1e-5)
