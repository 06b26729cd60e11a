"""The data of whoever runs the page, in the Train tab."""

import shlex
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mnistcore import checkpoint
from mnistcore.datasets import load_data
from mnistcore.files import ASSETS
from mnistcore.flags import build_parser
from mnistcore.training.choices import Choices, OwnData, form, parse_choices
from mnistcore.training.jobs import data_of, read_test_set
from mnistcore.training.live import FINISHED, Live
from mnistcore.training.offer import copy_data, offer
from mnistcore.training.recipes import RECIPES, TrainConfig, fitted
from tests.test_datasets import write_idx

CPU = torch.device("cpu")


@pytest.fixture
def four(few: tuple[Tensor, Tensor], tmp_path: Path) -> Path:
    """Data of four classes: some hundred images of MNIST, the same for training and the test."""
    images, labels = (tensor[few[1] < 4].numpy() for tensor in few)
    write_idx(tmp_path / "our digits", images[:, 0], labels)
    return tmp_path / "our digits"


@pytest.fixture
def own(four: Path, tmp_path: Path) -> OwnData:
    found = copy_data(four, tmp_path / "page")
    assert found
    return found


def test_the_copy_is_the_same_data_under_the_same_name(four: Path, own: OwnData) -> None:
    for split in ("train", "test"):
        given, copy = load_data(split, four), load_data(split, own.place)
        assert copy.record == given.record
        assert torch.equal(copy.images, given.images)
        assert torch.equal(copy.labels, given.labels)
    assert (own.name, own.given, own.has_test) == ("our digits", "our digits", True)


def test_without_test_images_there_is_no_test(four: Path, tmp_path: Path) -> None:
    for path in four.glob("t10k*"):
        path.unlink()
    own = copy_data(four, tmp_path / "page")
    assert own
    assert form(own)["own"]["hasTest"] is False


def test_mnist_is_offered_anyway(tmp_path: Path) -> None:
    for data_dir in (None, ASSETS):
        offered, parse, place = offer(data_dir, tmp_path)
        assert (offered["own"], place) == (None, None)
        assert parse(asdict(Choices())) == Choices()


@pytest.mark.parametrize("n", [2, 12, 100, 600, 60_000, 240_000])
def test_any_number_of_images_trains_at_one_click(n: int) -> None:
    own = OwnData(Path("ours"), "ours", "ours", n, has_test=True)
    offered = form(own)["own"]
    choices = parse_choices(offered["choices"], own)
    assert choices.batch_size in offered["batches"]
    assert choices.epochs * offered["images"] <= 1_000_000
    steps = choices.epochs * (offered["images"] // choices.batch_size)
    assert 600 < steps < 3000


@pytest.mark.parametrize("net", RECIPES)
def test_the_command_trains_with_the_same_settings(net: str, own: OwnData) -> None:
    choices = replace(own.choices(), net=net, distortion=False)
    *_, module, train, _, model, flag, data_dir = shlex.split(choices.command())[:8]
    assert (module, train, model, flag, data_dir) == (
        "mnistcore",
        "train",
        net,
        "--data-dir",
        "our digits",
    )
    args = build_parser().parse_args(shlex.split(choices.command())[3:])
    flags = {f.name: getattr(args, f.name) for f in fields(TrainConfig)}
    given = {name: value for name, value in flags.items() if value is not None}
    assert replace(fitted(RECIPES[net], own.n), **given) == choices.config()


def test_only_what_is_offered_is_trained_on(own: OwnData) -> None:
    given = asdict(own.choices())
    parse = partial(parse_choices, own=own)
    assert parse(given) == own.choices()
    for wrong in ({"data": "/etc"}, {"data": "/etc", "images": 600}, {"images": own.n + 1}):
        with pytest.raises(ValueError, match="no longer offers these images"):
            parse(given | wrong)
    with pytest.raises(ValueError, match="no longer offers these images"):
        parse_choices(given)
    with pytest.raises(ValueError, match="The pen font is added to MNIST alone"):
        parse(given | {"pen_font": True})
    with pytest.raises(ValueError, match="The number of images is "):
        parse(given | {"data": ""})


@pytest.mark.slow
def test_fewer_classes_than_ten_train_and_are_tested(own: OwnData, tmp_path: Path) -> None:
    data = load_data("train", own.place)
    one = Live(replace(own.choices(), epochs=20, distortion=False), data, CPU)
    *_, last = one.tell()
    assert one.ended == FINISHED
    assert len(last["probs"]) == len(last["confusion"]) == 10
    path = tmp_path / "LeNet.pt"
    end = one.finish(path)
    assert end["data"] == "our digits"
    assert end["val_n"] == own.n - own.choices().trained_on
    assert checkpoint.load(path)["data"] == data.record
    assert data_of(path, own.place) == own.place
    test = read_test_set(path, CPU, own.place)
    assert test["n"] == own.n
    assert test["errors"] < own.n / 5  # which it has seen in training
