"""One's own data: four IDX files, pictures by class, and a zip of them."""

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from mnistcore import checkpoint
from mnistcore.__main__ import main
from mnistcore.datasets import Dataset, load_data
from mnistcore.files import ASSETS, RESULTS
from mnistcore.training import epoch
from mnistcore.training.loop import train
from mnistcore.training.recipes import RECIPES, fitted
from tests.tools.pictures import canvas, gray, pen

CLASSES = [0, 1]
PER_CLASS = 20  # images
SHORT = ["--model", "LeNet", "--epochs", "4", "--lr", "3e-3", "--device", "cpu"]


@pytest.fixture(scope="session")
def digits(mnist_train: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """A few images of two classes, uint8 (40, 28, 28), class by class, and their labels."""
    images, labels = mnist_train
    chosen = torch.cat([(labels == label).nonzero()[:PER_CLASS, 0] for label in CLASSES])
    return images[chosen, 0], labels[chosen]


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    return header + array.astype(np.uint8).tobytes()


def write_idx(
    folder: Path, images: np.ndarray, labels: np.ndarray, prefix: str = "", packed: bool = True
) -> None:
    """The same images and labels for training and for the test."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "t10k"):
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            path = folder / f"{prefix}{split}-{kind}-ubyte"
            if packed:
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(idx(array), 1))
            else:
                path.write_bytes(idx(array))


@pytest.fixture(scope="session")
def own(digits: tuple[Tensor, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same digits as each kind of data set."""
    root = tmp_path_factory.mktemp("own")
    images, labels = (tensor.numpy() for tensor in digits)
    write_idx(root / "files" / "raw", images, labels)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        for path in (
            root / "folders" / str(label) / f"{number:02d}.png",
            root / "export" / f"{label}_{number:02d}.png",
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(255 - image).save(path)
    shutil.make_archive(str(root / "export"), "zip", root / "export")
    return root


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["files", "folders", "export.zip"])
def test_each_kind_trains_a_net_that_reads(
    kind: str, own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(own)
    flags = ["--data-dir", str(own / kind), "--out", str(tmp_path)]
    assert main(["train", *SHORT, *flags]) == 0
    content = checkpoint.load(tmp_path / "LeNet.pt")
    n = 40 if kind == "files" else 32
    assert content["data"] == {"name": Path(kind).stem, "classes": CLASSES, "n": n}
    assert content["config"] == asdict(replace(fitted(RECIPES["LeNet"], n), epochs=4, lr=3e-3))
    assert content["val"]["n"] == n // 5
    picture = str(own / "folders" / "0" / "00.png")
    capsys.readouterr()
    assert main(["predict", picture, "--weights", str(tmp_path), "--model", "LeNet"]) == 0
    assert capsys.readouterr().out.startswith(f"{picture}: 0")
    assert contents(own) == before


@pytest.mark.slow
def test_results_are_about_the_data(own: Path, tmp_path: Path) -> None:
    flags = ["--data-dir", str(own / "folders"), "--out", str(tmp_path)]
    assert main(["all", *SHORT, *flags]) == 0
    results_dir = tmp_path / "results"
    text = (results_dir / "benchmark.md").read_text()
    assert "folders (classes 0, 1), n = 8" in text
    assert "MNIST" not in text
    assert "contested" not in text
    assert "reference" not in text
    results = json.loads((results_dir / "benchmark.json").read_text())
    assert results["data"] == {"name": "folders", "classes": CLASSES, "n": 8}
    assert results["nets"]["LeNet"]["training"]["data"] == "folders"
    assert (results_dir / "LeNet_confusion.png").stat().st_size > 5_000
    assert (results_dir / "maps" / "00_picture.png").exists()


def test_results_on_other_data_do_not_replace_those_on_mnist(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data-dir", str(own / "files")]
    assert main(["benchmark", *data]) == 2
    assert f"{RESULTS} has the results on MNIST; add --out" in capsys.readouterr().err
    monkeypatch.setattr("mnistcore.__main__.RESULTS", tmp_path / "results")
    assert main(["all", *SHORT, *data, "--out", str(tmp_path), "--overwrite"]) == 2
    assert "has the results on MNIST; add --out" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())  # nothing was trained before it was refused


def load(split: str, place: Path) -> Dataset:
    data = load_data(split, place)
    assert (data.images.dtype, data.labels.dtype) == (torch.uint8, torch.int64)
    assert data.images.shape == (len(data.labels), 1, 28, 28)
    return data


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("place", ["", "raw", "MNIST/raw"])
def test_idx_files_give_their_images_and_labels(
    place: str, packed: bool, digits: tuple[Tensor, Tensor], tmp_path: Path
) -> None:
    images, labels = digits
    write_idx(tmp_path / place, images.numpy(), labels.numpy(), packed=packed)
    (tmp_path / place / "._train-images-idx3-ubyte").write_bytes(b"of macOS")
    for split in ("train", "test"):
        data = load(split, tmp_path)
        assert data.images[:, 0].equal(images)
        assert data.labels.equal(labels)
        assert (data.name, data.is_mnist) == (tmp_path.name, False)


def test_emnist_is_turned(digits: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    images, labels = digits
    write_idx(tmp_path, images.mT.numpy(), labels.numpy(), "emnist-digits-")
    assert load("train", tmp_path).images[:, 0].equal(images)
    write_idx(tmp_path, images.numpy(), labels.numpy(), "emnist-letters-")
    with pytest.raises(ValueError, match=r"letters-train-.*; keep the files of one data set in a"):
        load_data("train", tmp_path)


def test_mnist_is_known_by_its_files(tmp_path: Path, digits: tuple[Tensor, Tensor]) -> None:
    raw, own = tmp_path / "raw", tmp_path / "MNIST"
    raw.mkdir()
    for path in (ASSETS / "MNIST" / "raw").glob("t10k*.gz"):
        shutil.copy(path, raw)
    data = load("test", tmp_path)
    assert (data.name, data.is_mnist, len(data.labels)) == ("MNIST", True, 10_000)
    packed = raw / "t10k-images-idx3-ubyte.gz"
    content = packed.read_bytes()
    packed.write_bytes(half(content))
    with pytest.raises(
        ValueError, match=r"images-idx3-ubyte\.gz is damaged: it cannot be unpacked"
    ):
        load_data("test", tmp_path)
    packed.unlink()  # other images with MNIST's labels are data of one's own
    packed.with_suffix("").write_bytes(idx(255 - data.images[:, 0].numpy()))
    inverted = load("test", tmp_path)
    assert (inverted.name, inverted.is_mnist) == (tmp_path.name, False)
    assert inverted.images.equal(255 - data.images)
    assert inverted.labels.equal(data.labels)
    write_idx(own, digits[0].numpy(), digits[1].numpy())
    assert load("train", own).name == f"{tmp_path.name}/MNIST"  # but not MNIST


def test_pictures_are_framed_and_each_fifth_of_a_class_is_for_the_test(
    own: Path, digits: tuple[Tensor, Tensor]
) -> None:
    images, labels = digits
    is_test = torch.arange(PER_CLASS).repeat(len(CLASSES)) % 5 == 4
    for kind in ("folders", "export", "export.zip"):
        for split, chosen in (("train", ~is_test), ("test", is_test)):
            data = load(split, own / kind)
            assert data.labels.equal(labels[chosen])
            gaps = (data.images[:, 0].float() - images[chosen].float()).abs().mean((1, 2))
            assert gaps.max() < 10  # of 255: framed as MNIST frames them
            assert data.notes == ()


def test_a_folder_may_say_what_its_pictures_are_for(own: Path, tmp_path: Path) -> None:
    for part, numbers in (("train", "012345"), ("Testing", "67")):
        for label in "01":
            (tmp_path / part / label).mkdir(parents=True)
            for number in numbers:
                picture = own / "folders" / label / f"{2 * int(label)}{number}.png"
                shutil.copy(picture, tmp_path / part / label)
    assert load("train", tmp_path).labels.tolist() == 6 * [0] + 6 * [1]
    assert load("test", tmp_path).labels.tolist() == [0, 0, 1, 1]


def test_what_shows_no_digit_of_its_class_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def show(name: str, *digits: str) -> None:
        blot = np.ones((90, 90), np.float32)
        inks = [blot if digit == "blot" else pen(digit, 100, 10) for digit in digits]
        parts = [(ink, 40 + 140 * k, 60) for k, ink in enumerate(inks)]
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(gray(canvas(*parts, shape=(220, 160 + 140 * len(parts))))).save(path)

    show("3_one.png", "3")
    show("7_two.png", "7", "7")  # a sheet of one class
    show("7/mixed.png", "7", "2")
    show("7/sheet.png", "7", "7", "7", "2", "blot")
    (tmp_path / "7" / "IMG_1.heic").write_bytes(b"of a phone")
    show("7/blank.png")
    show("other.png", "3")
    show("10/ten.png", "3")
    (tmp_path / "3_broken.png").write_bytes(b"no picture")
    (tmp_path / "._3_hidden.png").write_bytes(b"of macOS")
    data = load("train", tmp_path)
    assert data.labels.tolist() == [3, 7, 7, 7, 7, 7]
    no_class = "it is not in a folder 0 to 9, nor named like 3_name.png"
    assert data.notes == (
        f"10/ten.png is left out: {no_class}",
        "3_broken.png is left out: 3_broken.png is not a picture that can be read",
        "7/IMG_1.heic is left out: it is not a picture; save photographs as JPEG or PNG",
        "7/blank.png is left out: blank: there is no ink",
        "7/mixed.png is left out: it shows 72, not digits of its class alone; if they are misread, "
        "put each into a picture of its own",
        "7/sheet.png shows 5 digits, 1 of them left out: a dot",
        "7/sheet.png shows 5 digits, 1 of them read as 2; all count as 7",
        f"other.png is left out: {no_class}",
    )
    assert caplog.messages == [f"reading 9 files of {tmp_path}", *data.notes]


IMAGES, LABELS = np.zeros((6, 28, 28), np.uint8), np.array([0, 1, 2, 0, 1, 2], np.uint8)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (
            IMAGES[:, :20],
            LABELS,
            r"the train images of .* are 6 x 20 x 28; they must be n x 28 x 28",
        ),
        (IMAGES, LABELS + 8, r"the train labels of .* are from 8 to 10; they must be from 0 to 9"),
        (IMAGES, LABELS[:5], r"has 6 train images and 5 labels; every image needs one"),
        (IMAGES, 0 * LABELS, r"has images of class 0 alone; a net needs two or more"),
        (IMAGES[:0], LABELS[:0], r"has no train images; add some"),
    ],
)
def test_unusable_idx_files(
    images: np.ndarray, labels: np.ndarray, message: str, tmp_path: Path
) -> None:
    write_idx(tmp_path, images, labels)
    with pytest.raises(ValueError, match=message):
        load_data("train", tmp_path)


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def negative(content: bytes) -> bytes:
    """As many bytes as the header says, but with two negative lengths."""
    return content[:4] + np.array([-6, -28, 28], ">i4").tobytes() + content[16:]


@pytest.mark.parametrize(
    ("packed", "damage", "message"),
    [
        (True, half, r"-ubyte\.gz is damaged: it cannot be unpacked"),
        (False, half, r"its header says 6 x 28 x 28 bytes, and 2344 follow"),
        (False, negative, r"its header says -6 x -28 x 28 bytes, and 4704 follow"),
        (False, lambda _: b"", r"is damaged or not an IDX file of bytes"),
        (False, lambda _: b"\x89PNG\r\n", r"is damaged or not an IDX file of bytes"),
    ],
)
def test_damaged_idx_files(
    packed: bool, damage: Callable[[bytes], bytes], message: str, tmp_path: Path
) -> None:
    write_idx(tmp_path, IMAGES, LABELS, packed=packed)
    (path,) = tmp_path.glob("train-images*")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=message):
        load_data("train", tmp_path)


def test_a_missing_idx_file(tmp_path: Path) -> None:
    write_idx(tmp_path, IMAGES, LABELS)
    (tmp_path / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError, match="has no test images; a data set has four files"):
        load_data("test", tmp_path)


def test_places_without_pictures(own: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no data; it needs pictures"):
        load_data("train", tmp_path)
    with pytest.raises(FileNotFoundError, match="away does not exist; give --data-dir a folder"):
        load_data("train", tmp_path / "away")
    shutil.copy(own / "folders" / "0" / "00.png", tmp_path / "name.png")
    with pytest.raises(ValueError, match=r"holds no data; .* or named like 3_name\.png"):
        load_data("train", tmp_path)
    with pytest.raises(ValueError, match=r"name\.png is neither a folder nor a zip that can be"):
        load_data("train", tmp_path / "name.png")
    shutil.move(tmp_path / "name.png", tmp_path / "0_name.png")
    with pytest.raises(ValueError, match="has images of class 0 alone; a net needs two or more"):
        load_data("train", tmp_path)
    with pytest.raises(
        ValueError, match=r"has no test images; .* or else every 5th digit of a cla"
    ):
        load_data("test", tmp_path)


@pytest.mark.parametrize("setting", ["drawn", "edited", "others"])
def test_synthetic_images_are_for_mnist(setting: str, own: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=f"{setting} is 9, but .* MNIST alone; leave out --{setting}"
    ):
        train("LeNet", {setting: 9}, out_dir=tmp_path, data_dir=own / "files", device="cpu")


@pytest.mark.slow
def test_nets_of_other_data_are_not_mixed(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither by resuming, nor in a folder whose nets read together."""
    first, other = (["--data-dir", str(own / kind)] for kind in ("files", "folders"))
    flags = ["train", *SHORT, "--out", str(tmp_path)]
    assert main([*flags, *first]) == 0
    capsys.readouterr()
    assert main([*flags, *other, "--resume"]) == 2
    message = "data files: 40 images of 2 classes (now folders: 32 images of 2 classes)"
    assert message in capsys.readouterr().err
    assert main([*flags, *other, "--model", "MyNetV2"]) == 2
    assert "LeNet.pt was trained on files, not on folders" in capsys.readouterr().err
    with pytest.raises(ValueError, match="lr is 99"):  # LeNet will be trained again, too
        train(
            "MyNetV2",
            {"lr": 99},
            out_dir=tmp_path,
            data_dir=own / "folders",
            device="cpu",
            replacing=["LeNet"],
        )


@pytest.mark.slow
def test_chance_does_not_refuse_a_net_of_few_images(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epoch, "normalize", torch.zeros_like)  # it sees nothing
    settings = {"epochs": 1}
    content = train("LeNet", settings, out_dir=tmp_path, data_dir=own / "files", device="cpu")
    assert content["val"]["errors"] > 0
    assert (tmp_path / "LeNet.pt").exists()


@pytest.mark.parametrize(
    ("n", "val_size", "batch_size", "epochs"),
    [(2, 1, 1, 1000), (480, 96, 38, 100), (60_000, 5000, 256, 40)],
)
def test_the_recipe_is_fitted_to_the_number_of_images(
    n: int, val_size: int, batch_size: int, epochs: int
) -> None:
    config = fitted(RECIPES["MyVggNet"], n)
    assert (config.val_size, config.batch_size, config.epochs) == (val_size, batch_size, epochs)
    assert config.drawn == config.edited == config.others == 0
