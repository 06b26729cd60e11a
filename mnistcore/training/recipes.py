"""How each net is trained: the settings, their ranges, and one recipe per net.

Imports nothing heavy: the command line takes its flags and the nets' names from here.
"""

import math
from dataclasses import dataclass, field, fields, replace
from typing import Any


def _setting(default: float, low: float, high: float, meaning: str) -> Any:
    return field(default=default, metadata={"range": (low, high), "help": meaning})


def _switch(default: bool, meaning: str) -> Any:
    return field(default=default, metadata={"help": meaning})


@dataclass(frozen=True)
class TrainConfig:
    """The settings that determine the weights; each field is a flag of ``train``.

    The names are stored in every checkpoint, and a training resumes only with equal settings, so
    a field is not renamed lightly.

    Raises:
        ValueError: a value is out of range; the message names the value and the range.
    """

    epochs: int = _setting(20, 1, 10_000, "passes over the training images")
    # MNIST has 60,000 training images. How many are left for batches depends on val_size; that is
    # checked once the images are loaded.
    batch_size: int = _setting(256, 1, 59_999, "images per step")
    lr: float = _setting(4e-3, 1e-9, 10, "peak learning rate of the one-cycle schedule")
    weight_decay: float = _setting(0.05, 0, 10, "weight decay of AdamW")
    warmup: float = _setting(
        0.2, 0.01, 0.99, "fraction of the steps in which the learning rate rises"
    )
    ema: float = _setting(0.05, 0, 1, "span of the weight averaging, as a fraction of all steps")
    val_size: int = _setting(5000, 1, 59_999, "training images held out for validation")
    train_size: int = _setting(
        0, 0, 59_999, "how many training images are used, in order; 0: all that are not held out"
    )
    beta1: float = _setting(
        0.0, 0, 0.999, "beta1 of AdamW; 0: it cycles from 0.95 to 0.85 and back"
    )
    beta2: float = _setting(0.999, 0, 0.99999, "beta2 of AdamW")
    hard: float = _setting(
        1.0,
        0.01,
        1,
        "fraction of the images, those with the highest last loss, that are used after the "
        "first epoch",
    )
    seed: int = _setting(0, 0, 2**31 - 1, "seed of weights, order, distortion and dropout")
    # The five strengths of distort.distort.
    degrees: float = _setting(12.0, 0, 180, "largest rotation, in degrees either way")
    scale: float = _setting(0.12, 0, 0.9, "largest change of width and height, as a fraction")
    shear: float = _setting(0.2, 0, 2, "largest slant, in pixels sideways per pixel of height")
    shift: float = _setting(2.0, 0, 28, "largest shift, in pixels along each axis")
    elastic: float = _setting(0.0, 0, 10, "strength of the elastic distortion, in pixels")
    fade: float = _setting(
        0.0, 0, 1, "fraction of the steps, at the end, in which the distortion fades out"
    )
    drawn: int = _setting(0, 0, 1_000_000, "synthetic digits added to MNIST")
    edited: int = _setting(
        0, 0, 1_000_000, "MNIST digits added once more with a slash, a bar, a flag or a foot"
    )
    others: int = _setting(
        0,
        0,
        1_000_000,
        "synthetic non-digits added to MNIST; their target is ten equal probabilities",
    )
    shuffle: bool = _switch(
        True, "draw a new random order in each epoch; otherwise all zeros come first, nines last"
    )
    he_init: bool = _switch(False, "draw the initial weights as He et al. do, larger than torch's")
    dropout: bool = _switch(True, "use dropout, in the nets that have it")
    amp: bool = _switch(True, "train in bfloat16 where the device has instructions for it")
    channels_last: bool = _switch(True, "keep the channels of a pixel side by side in memory")
    half_weights: bool = _switch(False, "store the finished weights as float16")

    def __post_init__(self) -> None:
        for setting in fields(self):
            if "range" in setting.metadata:
                low, high = setting.metadata["range"]
                value = getattr(self, setting.name)
                if not low <= value <= high:
                    raise ValueError(f"{setting.name} is {value}; it must be from {low} to {high}")

    def distortion(self, done: float) -> dict[str, float]:
        """The strengths for :func:`mnistcore.training.distort.distort` at one moment.

        They fade out over the last steps, which then see images like those the net will read.

        Args:
            done: the fraction of all steps that is done, in [0, 1].

        References:
            He et al.: Data augmentation revisited: rethinking the distribution gap between clean
            and augmented data. arXiv:1909.09148, 2019.
        """
        strength = min(1.0, (1 - done) / self.fade) if self.fade else 1.0
        amounts = ("degrees", "scale", "shear", "shift", "elastic")
        return {amount: strength * getattr(self, amount) for amount in amounts}


# The recipes are made for MNIST. For fewer images:
VAL_PART = 5  # at most a fifth is held out for validation
# A batch is at most a tenth of the others: then even one epoch has the steps that a warmup needs.
# Trained on 384 images of MNIST, LeNet reads 96.9 % of 5,000 validation images with batches of a
# tenth, and 96.3 % with batches of a quarter; a lower lr, by the root of the batch size, is worse.
BATCH_PART = 10
LEAST_STEPS = 1000  # after 400, MyVggNet reads 90.9 % of those images, after 1,000 it reads 96.6 %


def fitted(recipe: TrainConfig, n: int) -> TrainConfig:
    """A recipe for ``n`` training images other than MNIST's: MNIST's synthetic digits are left out.

    Where the images are few, fewer are held out, batches are smaller, and epochs more.
    """
    val_size = min(recipe.val_size, max(1, n // VAL_PART))
    batch_size = min(recipe.batch_size, max(1, (n - val_size) // BATCH_PART))
    epochs = max(recipe.epochs, math.ceil(LEAST_STEPS / ((n - val_size) // batch_size)))
    return replace(
        recipe,
        epochs=epochs,
        batch_size=batch_size,
        val_size=val_size,
        drawn=0,
        edited=0,
        others=0,
    )


# Chosen on 10,000 validation images that took no part in training:
# - Long schedules pay. LeNet converges early, and its steps are so short that only large batches
#   keep a processor busy.
# - Nets that overfit got more distortion or weight decay.
# - Letting the distortion fade out lowered the loss of two nets by a tenth, on 5,000 images.
# - Synthetic digits teach regional forms: without them three nets misread twice as many recorded
#   strokes. Synthetic non-digits teach doubt. Both cost accuracy on MNIST: in short trainings on
#   folds of the 60,000 images, the five misread 598 left-out digits with the full numbers and 519
#   with half.
# - Edited digits teach real hands' habits, and cost accuracy, too. MyNetV2, 24 epochs, one seed: of
#   5,000 validation digits, 2,000 strokes of UNIPEN and 3,000 of another set it misread 27, 64 and
#   35 with neither edited digits nor the eighteen newest forms, 27, 55 and 31 with these forms, 31,
#   42 and 37 with 3,000 edited digits as well, and 38, 50 and 33 with 6,000.
# - With 2,000 non-digits instead of none, the same net with 1,500 edited digits alone refuses 92 %
#   of recorded letters instead of 46 %, and misreads 27, 46 and 41; with 6,000 it misread 38, 50
#   and 38.
# - The two smallest nets keep that gain in full trainings, so they get half. With half, MyNetV1 and
#   MyVggNet were no better on the validation images; MyNetV2 was, but the five together then
#   misread more strokes.
RECIPES = {
    "LeNet": TrainConfig(
        epochs=115,
        batch_size=1024,
        lr=0.012,
        weight_decay=0.1,
        elastic=0.5,
        drawn=6_000,
        edited=1_500,
        others=3_000,
        channels_last=False,
    ),
    "MyFullConvNet": TrainConfig(
        epochs=98,
        lr=0.01,
        weight_decay=0.15,
        degrees=15.0,
        scale=0.15,
        elastic=0.5,
        drawn=6_000,
        edited=1_500,
        others=2_000,
    ),
    "MyNetV1": TrainConfig(
        epochs=20,
        lr=0.002,
        elastic=0.4,
        drawn=12_000,
        edited=1_500,
        others=2_000,
        half_weights=True,  # nine million parameters: float16 halves the file to 18 MB
    ),
    "MyNetV2": TrainConfig(
        epochs=80,
        lr=0.008,
        weight_decay=0.1,
        elastic=0.3,
        fade=0.25,
        drawn=12_000,
        edited=1_500,
        others=2_000,
    ),
    "MyVggNet": TrainConfig(
        epochs=40,
        lr=0.006,
        weight_decay=0.3,
        degrees=15.0,
        scale=0.15,
        elastic=0.5,
        fade=0.25,
        drawn=12_000,
        edited=1_500,
        others=3_000,
    ),
}

# About 99 % in seconds: what `train --fast` changes in LeNet's recipe. Chosen on 10,000 validation
# images, with few seeds; in brackets, their mean loss. The easy images teach little after the first
# epoch: in batches of 256, the net misread 98 (.031) after one epoch and five of a quarter of the
# images, 111,000 in all, and 101 (.030) after three whole epochs, 150,000. Batches of 384 take the
# same time for one such epoch more: 88 (.029). With torch's first weights it misread 108 (.034)
# instead of 98, and with AdamW's usual memories 141 (.044) instead of 118 (.039), in three whole
# epochs of batches of 512.
FAST_NET = "LeNet"
FAST: dict[str, Any] = {
    "epochs": 7,
    "batch_size": 384,
    "lr": 0.013,
    "beta1": 0.7,
    "beta2": 0.9,
    "hard": 0.25,
    "he_init": True,
    "degrees": 6.0,
    "scale": 0.06,
    "shear": 0.1,
    "shift": 1.0,
    "elastic": 0.0,
    "drawn": 0,
    "edited": 0,
    "others": 0,
}
