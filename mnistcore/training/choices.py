"""What a visitor of the page may choose for a training, and trainings to learn from.

Imports nothing heavy, as the page's form is made of it.
"""

import shlex
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from mnistcore.training.recipes import RECIPES, TrainConfig, fitted

IMAGES = 600, 6_000, 55_000  # the last: all that are not held out
BATCH_SIZES = 32, 64, 128, 256, 512, 1024
ALL_BATCH_SIZES = 1, 2, 4, 8, 16, *BATCH_SIZES  # for other data than MNIST, which may be few images
LR = 1e-5, 10.0
MOST_SECONDS = 60  # of a training, without its pauses
MOST_IMAGES = 1_000_000  # in all epochs of a training
DRAWN = 10  # percent: of the images, so many digits of the pen font are added
LEAST_STEPS = 10  # of a training: its learning rate rises in a fifth of them, two at least
UNDISTORTED: dict[str, Any] = dict.fromkeys(("degrees", "scale", "shear", "shift", "elastic"), 0.0)


@dataclass(frozen=True)
class Choices:
    """The settings of one training.

    Raises:
        ValueError: one is out of range; the message is a sentence for the visitor.
    """

    net: str = "LeNet"
    data: str = ""  # the folder or zip of other data than MNIST, as the command names it
    # Of MNIST, those that are trained on; of other data all, a part of which is held out.
    images: int = IMAGES[-1]
    epochs: int = 3
    lr: float = RECIPES["LeNet"].lr
    batch_size: int = 256
    distortion: bool = True
    dropout: bool = True
    pen_font: bool = False
    shuffle: bool = True

    def __post_init__(self) -> None:
        _one_of("The net", self.net, RECIPES)
        if not self.data:
            _one_of("The number of images", self.images, IMAGES)
        elif self.pen_font:
            raise ValueError("The pen font is added to MNIST alone. Please switch it off.")
        _one_of("The batch size", self.batch_size, ALL_BATCH_SIZES if self.data else BATCH_SIZES)
        low, high = LR
        if not low <= self.lr <= high:
            raise ValueError(
                f"The learning rate is {self.lr:g}; it must be from {low:g} to {high:g}."
            )
        images = self.trained_on
        if self.batch_size > images:
            raise ValueError(
                f"A batch of {self.batch_size:,} cannot be filled with {images:,} images. "
                "Choose a smaller batch or more images."
            )
        most = MOST_IMAGES // images
        if not 1 <= self.epochs <= most:
            raise ValueError(
                f"The number of epochs is {self.epochs:,}; with {images:,} images it must be "
                f"from 1 to {most:,}, so that at most {MOST_IMAGES:,} images are trained on."
            )

        steps = images // self.batch_size * self.epochs
        if steps < LEAST_STEPS:
            raise ValueError(
                f"That makes {steps} steps; at least {LEAST_STEPS} are needed. Choose more "
                "epochs, more images or a smaller batch."
            )

    @property
    def trained_on(self) -> int:
        """How many images are not held out."""
        return self.images - self._recipe().val_size if self.data else self.images

    def _recipe(self) -> TrainConfig:
        recipe = RECIPES[self.net]
        return fitted(recipe, self.images) if self.data else recipe

    def config(self) -> TrainConfig:
        """The net's own recipe with these settings."""
        all_images = self.data or self.images == IMAGES[-1]
        settings: dict[str, Any] = {
            "train_size": 0 if all_images else self.images,
            "drawn": self.images * DRAWN // 100 if self.pen_font else 0,
            "edited": 0,
            "others": 0,
            "epochs": self.epochs,
            "lr": self.lr,
            "batch_size": self.batch_size,
            "dropout": self.dropout,
            "shuffle": self.shuffle,
        }
        return replace(self._recipe(), **settings, **({} if self.distortion else UNDISTORTED))

    def command(self) -> str:
        """The same training on the command line."""
        config, recipe = self.config(), self._recipe()
        words = ["python -m mnistcore train --model", self.net]
        if self.data:
            words.append(f"--data-dir {shlex.quote(self.data)}")
        for setting in fields(TrainConfig):
            value, flag = getattr(config, setting.name), setting.name.replace("_", "-")
            if value == getattr(recipe, setting.name):
                continue
            if setting.type is bool:
                words.append(f"--{'' if value else 'no-'}{flag}")
            else:
                words.append(f"--{flag} {value:g}")
        return " ".join(words)


def _one_of(title: str, value: Any, allowed: Any) -> None:
    if value not in allowed:
        raise ValueError(f"{title} is {value}; it must be one of {', '.join(map(str, allowed))}.")


@dataclass(frozen=True)
class OwnData:
    """The data set that the page offers beside MNIST."""

    place: Path  # what the trainings load
    name: str  # in reports and checkpoints
    given: str  # as the command names it: a folder, or a zip with its suffix
    n: int  # training images, of which a part is held out
    has_test: bool  # whether it has test images

    def choices(self) -> Choices:
        """Good settings for LeNet: MNIST's, fitted to the number of images.

        Raises:
            ValueError: there are more images than one training may take.
        """
        usual = Choices()
        recipe = replace(RECIPES[usual.net], epochs=usual.epochs, batch_size=usual.batch_size)
        most = fitted(recipe, self.n).batch_size
        batch_size = max(size for size in ALL_BATCH_SIZES if size <= most)
        epochs = fitted(replace(recipe, batch_size=batch_size), self.n).epochs
        epochs = min(epochs, max(1, MOST_IMAGES // self.n))
        return replace(usual, data=self.given, images=self.n, epochs=epochs, batch_size=batch_size)


def parse_choices(given: dict[str, Any], own: OwnData | None = None) -> Choices:
    """What the page sent.

    Args:
        given: the settings.
        own: what the page offers beside MNIST.

    Raises:
        ValueError: a setting is out of range; the message is a sentence for the visitor.
        KeyError, TypeError: it does not come from the page's form.
    """
    kinds = get_type_hints(Choices)
    for name, kind in kinds.items():
        if kind is int and float(given[name]) % 1:
            raise ValueError(f"The setting {name} is {given[name]}; it must be a whole number.")
    data = str(given["data"])
    if data and (own is None or (data, given["images"]) != (own.given, own.n)):
        raise ValueError("The page no longer offers these images. Please reload it.")
    return Choices(**{name: kind(given[name]) for name, kind in kinds.items()})


# Trainings to learn from. All but the first fail on purpose.
LESSONS: list[dict[str, Any]] = [
    {
        "title": "A good training run",
        "words": "The kernels begin as noise. Watch the maps of your drawing change with them, "
        "while the validation accuracy passes 95 % before the first epoch ends.",
        "choices": Choices(),
    },
    {
        "title": "Learning rate too high",
        "words": "The loss jumps up, then stays at 2.30, the loss of guessing among ten digits: "
        "the steps were so large that the net can no longer learn.",
        "choices": Choices(images=6_000, epochs=10, lr=0.3),
    },
    {
        "title": "Overfitting: few images",
        "words": "The training accuracy reaches 100 % while the validation accuracy stays near "
        "92 % and its loss rises again: the net learns the 600 images by heart. Then switch "
        "distortion on.",
        "choices": Choices(images=600, epochs=60, lr=0.004, batch_size=64, distortion=False),
    },
    {
        "title": "Not shuffled",
        "words": "In each epoch all zeros come first, then all ones, up to the nines: the net "
        "learns to give only the current digit, and forgets the rest. Shuffled, the same "
        "settings reach 96 %.",
        "choices": Choices(images=6_000, epochs=6, lr=0.001, batch_size=64, shuffle=False),
    },
]


def form(own: OwnData | None = None) -> dict[str, Any]:
    """What the page's form offers: MNIST, and one's own data if there is any."""
    offered: dict[str, Any] | None = None
    if own:
        choices = own.choices()
        offered = {
            "name": own.name,
            "hasTest": own.has_test,
            "images": choices.trained_on,
            "batches": [size for size in ALL_BATCH_SIZES if size <= choices.trained_on],
            "choices": asdict(choices),
        }
    return {
        "own": offered,
        "rates": {net: recipe.lr for net, recipe in RECIPES.items()},
        "sizes": IMAGES,
        "batches": BATCH_SIZES,
        "lowestRate": LR[0],
        "highestRate": LR[1],
        "mostSeconds": MOST_SECONDS,
        "mostImages": MOST_IMAGES,
        "lessons": [lesson | {"choices": asdict(lesson["choices"])} for lesson in LESSONS],
    }
