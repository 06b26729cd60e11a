"""Teaching a net one's own hand: a made hand, which writes its 3 the wrong way round."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from mnistcore import Adapted, adapt, checkpoint, load_model
from mnistcore.__main__ import main
from mnistcore.files import WEIGHTS
from mnistcore.metrics import predict_logits
from mnistcore.training import adapt as adapting
from mnistcore.training.adapt import STEPS, Errors
from tests.tools.made_hand import ODD, hand, write
from tests.tools.pictures import gray


def misread(net: nn.Module, images: Tensor, labels: Tensor) -> int:
    return int((predict_logits(net, (images * 255).byte()[:, None]).argmax(1) != labels).sum())


@pytest.fixture(scope="module")
def lenet() -> nn.Module:
    return load_model("LeNet")


@pytest.fixture(scope="module")
def steps() -> list[tuple[int, int]]:
    """What was said about the progress while the net was adapted."""
    return []


@pytest.fixture(scope="module")
def adapted(
    lenet: nn.Module, steps: list[tuple[int, int]], mnist_train: tuple[Tensor, Tensor]
) -> Adapted:
    given = hand([*range(10)] * 5, seed=0)
    return adapt(lenet, *given, mnist=mnist_train, on_step=lambda *step: steps.append(step))


@pytest.mark.slow
def test_a_hand_is_misread_before_and_read_after(lenet: nn.Module, adapted: Adapted) -> None:
    odd = hand([ODD] * 20, seed=1000)
    assert misread(lenet, *odd) >= 18
    assert misread(adapted.model, *odd) <= 2
    assert not adapted.model.training


@pytest.mark.slow
def test_the_report_counts_held_out_digits_and_mnist(
    lenet: nn.Module, adapted: Adapted, mnist_train: tuple[Tensor, Tensor]
) -> None:
    held_out = hand([*range(10)] * 5, seed=0)
    fifth = slice(40, 50)  # of each class one
    before, after = (
        misread(net, held_out[0][fifth], held_out[1][fifth]) for net in (lenet, adapted.model)
    )
    assert before > after
    assert adapted.held_out == Errors(10, before, after)
    assert adapted.mnist.n == 1000
    assert not adapted.forgets
    assert re.fullmatch(
        rf"{10 - after} of your 10 held-out digits are right, previously {10 - before}; "
        r"on MNIST 99\.\d % of 1,000 are right, (as before|previously 99\.\d %); "
        r"trained in \d+\.\d s",
        adapted.summary,
    )


@pytest.mark.slow
def test_the_net_itself_stays_as_it_is(lenet: nn.Module, adapted: Adapted) -> None:
    shipped = load_model("LeNet").state_dict()
    assert all(torch.equal(value, shipped[key]) for key, value in lenet.state_dict().items())
    assert not torch.equal(
        adapted.model.state_dict()["head.fc3.weight"], shipped["head.fc3.weight"]
    )


@pytest.mark.slow
def test_progress_is_told_after_each_step(adapted: Adapted, steps: list[tuple[int, int]]) -> None:
    assert steps == [(done, STEPS) for done in range(1, STEPS + 1)]


@pytest.fixture
def two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training ends before it has learned much."""
    monkeypatch.setattr(adapting, "STEPS", 2)


@pytest.mark.usefixtures("two_steps")
def test_the_same_digits_in_any_form_give_the_same_net(
    lenet: nn.Module, mnist_train: tuple[Tensor, Tensor]
) -> None:
    images, labels = hand([1, ODD], seed=0)
    bytes_of = (images * 255).round().byte()
    nets = [
        adapt(lenet, images, labels, mnist=mnist_train),
        adapt("lenet", bytes_of.numpy(), labels.numpy(), mnist=mnist_train),
        adapt(lenet, bytes_of[:, None], labels.int(), mnist=mnist_train),
    ]
    first, *others = (net.model.state_dict() for net in nets)
    for other in others:
        assert all(torch.equal(value, other[key]) for key, value in first.items())
    assert nets[0].held_out == Errors(0, 0, 0)
    assert nets[0].summary.startswith(
        "none of your digits is held out, as no class has 5 digits; on MNIST"
    )


def test_a_training_can_be_stopped(lenet: nn.Module, mnist_train: tuple[Tensor, Tensor]) -> None:
    def stop(done: int, _: int) -> None:
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        adapt(lenet, *hand([1], seed=0), mnist=mnist_train, on_step=stop)


def test_more_than_half_a_point_is_too_much(lenet: nn.Module) -> None:
    for after, forgets in ((0, False), (10, False), (11, True)):
        assert Adapted(lenet, Errors(0, 0, 0), Errors(1000, 5, after), 1.0).forgets == forgets


GOOD = torch.zeros(3, 28, 28)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (GOOD[:0], torch.zeros(0).long(), r"shape \(0, 1, 28, 28\); it must be .* one or more"),
        (GOOD[:, :20], torch.arange(3), r"shape \(3, 1, 20, 28\); it must be \(n, 28, 28\)"),
        (GOOD[0], torch.arange(3), r"the shape \(28, 28\)"),
        (GOOD, torch.arange(2), r"there are 3 images, and labels of the shape \(2,\)"),
        (GOOD, torch.arange(3) + 8, "a label is not a whole number from 0 to 9"),
        (GOOD, torch.tensor([0.0, 1.0, 2.0]), "a label is not a whole number from 0 to 9"),
        (GOOD + 255, torch.arange(3), "ink of an image must be from 0 to 1, or uint8"),
        (GOOD * torch.nan, torch.arange(3), "ink of an image must be from 0 to 1, or uint8"),
    ],
)
def test_digits_that_cannot_be_used_are_refused(
    lenet: nn.Module, images: Tensor, labels: Tensor, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        adapt(lenet, images, labels)


# The command


def save_hand(folder: Path, labels: list[int], seed: int) -> None:
    """Pictures of the hand's digits, black on white, in folders by class."""
    for i, label in enumerate(labels):
        path = folder / str(label) / f"{seed + i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(gray(write(label, seed + i))).save(path)


def lines(capsys: pytest.CaptureFixture[str]) -> tuple[list[str], str]:
    out, err = capsys.readouterr()
    return out.splitlines(), err


@pytest.mark.slow
def test_the_command_writes_a_net_that_reads_the_hand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digits, out = tmp_path / "my-digits", tmp_path / "mine"
    save_hand(digits, [ODD] * 5 + [*range(10)] * 2, seed=0)
    (digits / "4" / "blank.png").write_bytes(b"")
    flags = "--model", "lenet", "--out", str(out), "--device", "cpu"
    call = [sys.executable, "-m", "mnistcore", "adapt", str(digits), *flags]
    result = subprocess.run(call, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "4/blank.png is left out: " in result.stderr
    _, summary, advice = result.stdout.splitlines()
    assert summary.startswith(
        "LeNet: 1 of your 1 held-out digit is right, previously 0; on MNIST 99."
    )
    assert advice == f"To read your handwriting, add --weights {out} --model LeNet."
    assert sorted(path.name for path in out.iterdir()) == ["LeNet.pt", "recognizer.json"]
    content, shipped = (checkpoint.load(place / "LeNet.pt") for place in (out, WEIGHTS))
    assert content["adapted"]["digits"] == 25
    assert content["val"]["n"] == shipped["val"]["n"]
    assert content["val"] != shipped["val"]
    assert content["config"] == shipped["config"]

    save_hand(tmp_path, [ODD] * 3, seed=2000)
    for place, right in ((WEIGHTS, 0), (out, 3)):
        call = ["predict", str(tmp_path / "3"), "--weights", str(place), "--model", "LeNet"]
        assert main(call) == 0
        read, _ = lines(capsys)
        assert sum(bool(re.search(r"\.png: 3\b", line)) for line in read) == right


@pytest.mark.slow
@pytest.mark.usefixtures("two_steps")
def test_nets_that_forget_are_written_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(adapting, "MOST_FORGOTTEN", -1)
    digits, out = tmp_path / "my-digits", tmp_path / "mine"
    save_hand(digits, [1, 2], seed=0)
    call = ["adapt", str(digits), "--model", "LeNet", "--out", str(out), "--device", "cpu"]
    assert main(call) == 2
    said, err = lines(capsys)
    assert said[1].startswith("LeNet: none of your digits is held out")
    assert (
        "mnistcore: nothing is written: LeNet lost more than half a percentage point on MNIST"
        in err
    )
    assert not out.exists()
    assert main([*call, "--force"]) == 0
    before = (out / "LeNet.pt").read_bytes()
    capsys.readouterr()
    assert main([*call, "--force"]) == 2
    assert lines(capsys)[1] == (
        f"mnistcore: {out} already holds LeNet.pt; add --overwrite to replace, or --out FOLDER to "
        "write elsewhere\n"
    )
    assert (out / "LeNet.pt").read_bytes() == before
    assert main([*call, "--force", "--overwrite", "--weights", str(out)]) == 0
    assert (out / "LeNet.pt").read_bytes() != before


def test_a_folder_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digits = tmp_path / "away"
    assert main(["adapt", str(digits), "--out", str(tmp_path / "mine")]) == 2
    assert lines(capsys)[1] == (
        f"mnistcore: {digits} does not exist; give a folder or a zip of pictures\n"
    )
