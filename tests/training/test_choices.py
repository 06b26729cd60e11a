"""What a visitor may choose for a training, and the command that does the same."""

import shlex
from dataclasses import asdict, fields, replace
from typing import Any

import pytest

from mnistcore.flags import build_parser
from mnistcore.training.choices import LESSONS, Choices, form, parse_choices
from mnistcore.training.recipes import RECIPES, TrainConfig

CHOICES = [
    *(lesson["choices"] for lesson in LESSONS),
    Choices(net="MyNetV2", images=6_000, lr=0.001, dropout=False, pen_font=True),
]


@pytest.mark.parametrize("choices", CHOICES)
def test_the_command_trains_with_the_same_settings(choices: Choices) -> None:
    python, _, module, *words = shlex.split(choices.command())
    assert (python, module) == ("python", "mnistcore")
    args = build_parser().parse_args(words)
    flags = {f.name: getattr(args, f.name) for f in fields(TrainConfig)}
    given = {name: value for name, value in flags.items() if value is not None}
    assert replace(RECIPES[args.model], **given) == choices.config()


def test_what_the_form_sends_is_what_was_chosen() -> None:
    for choices in CHOICES:
        assert parse_choices(asdict(choices)) == choices
    assert [lesson["choices"] for lesson in form()["lessons"]] == list(map(asdict, CHOICES[:-1]))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"net": "AlexNet"}, "The net is AlexNet; it must be one of LeNet, "),
        ({"images": 60_000}, "The number of images is 60000; it must be one of 600, 6000, 55000"),
        ({"epochs": 19}, "with 55,000 images it must be from 1 to 18"),
        ({"epochs": 0}, "The number of epochs is 0"),
        ({"lr": 11}, "The learning rate is 11; it must be from 1e-05 to 10"),
        ({"lr": float("nan")}, "The learning rate is nan"),
        ({"epochs": 1.5}, "epochs is 1.5; it must be a whole number"),
        ({"batch_size": 1}, "The batch size is 1"),
        ({"images": 600, "batch_size": 1024}, "A batch of 1,024 cannot be filled with 600"),
        ({"images": 600, "batch_size": 512}, "That makes 3 steps; at least 10 are needed"),
    ],
)
def test_limits_are_refused_with_a_sentence(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_choices(asdict(Choices()) | given)
