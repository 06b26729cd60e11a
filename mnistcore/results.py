"""The results files: what ``benchmark.json``, ``pictures.json`` and ``speed.json`` hold.

The benchmarks write them; the documents' tables, the figures and the page read them.
Shares and accuracies are fractions in [0, 1]; intervals are 95 % Wilson intervals, low and high.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from mnistcore.files import RESULTS

MNIST = "MNIST"  # the name of the data set that the project is about
TOGETHER = "together"  # the mean of all nets' probabilities, where a net's name would stand


class Misread(TypedDict):
    """A test digit with a wrong answer."""

    index: int  # in the test set
    label: int
    pred: int
    prob: float  # of ``pred``


class DataRecord(TypedDict):
    """A data set."""

    name: str  # "MNIST", or that of its folder
    classes: list[int]
    n: int  # images of the split


class Uncontested(TypedDict):
    """The test digits whose label nobody contests."""

    n: int
    errors: int


class Score(TypedDict):
    """How many test digits are misread."""

    n: int
    errors: int
    uncontested: NotRequired[Uncontested]  # of MNIST alone


class Answers(Score):
    """What one net, or all together, reaches on the test set."""

    loss: float  # mean cross-entropy, nats
    confusion: list[list[int]]  # rows true, columns predicted
    accuracy: float
    interval: list[float]
    misread: list[Misread]


class TogetherAnswers(Answers):
    """What all nets together reach."""

    calibration_error: float


class Calibration(TypedDict):
    """Expected calibration error before and after dividing the logits by the temperature."""

    temperature: float
    before: float
    after: float


class Spread(TypedDict):
    """Accuracies of several trainings."""

    mean: float
    std: float


class SeedAnswers(Spread):
    """Test accuracy over seeds of one net, or of all nets of a seed together."""

    uncontested: NotRequired[Spread]  # of MNIST alone


class Seeds(TypedDict):
    """Trainings of the same nets with the same settings, but other seeds."""

    n: int
    nets: dict[str, SeedAnswers]  # by net, and TOGETHER where there are several nets
    ensemble: Score  # of all nets of all seeds together


class TrainingRun(TypedDict):
    """How the weights were made."""

    config: dict[str, Any]  # the fields of ``TrainConfig``
    data: NotRequired[str]  # the name; not in the results of earlier versions, which are of MNIST
    history: list[dict[str, float]]  # one entry per epoch
    train_seconds: float
    device: str
    processes: int
    torch_version: str
    code_version: str
    images_per_second: float
    stopped_after: NotRequired[float]  # in epochs, of those in ``config``
    adapted: NotRequired[int]  # how many of a writer's digits it learned; absent: none
    own_recipe: bool  # False: trained with settings other than the net's recipe, or adapted
    val_accuracy: float


class NetResults(Answers):
    """What one net reaches, costs and was made by."""

    calibration: Calibration
    # %, the reference project's table and best log; empty: not in it, or the data is not MNIST
    reference: list[float]
    num_params: int
    macs: int  # multiply-adds for one image
    latency_ms: float  # of one image
    images_per_second: float  # in batches
    file_bytes: int
    training: TrainingRun


class Pair(TypedDict):
    """McNemar's test of two nets."""

    a: str
    b: str
    only_a: int  # images that only ``a`` reads right
    only_b: int
    p_value: float


class Benchmark(TypedDict):
    """``benchmark.json``."""

    device: str
    torch_version: str
    batch: int  # images per batch of ``NetResults.images_per_second``
    data: NotRequired[DataRecord]  # not in the results of earlier versions, which are of MNIST
    nets: dict[str, NetResults]
    together: NotRequired[TogetherAnswers]  # where there are several nets, as ``mcnemar``
    seeds: NotRequired[Seeds]  # where there are several
    mcnemar: NotRequired[list[Pair]]


class Share(TypedDict):
    """How many of n pictures."""

    count: int
    share: float
    interval: list[float]


class Part(TypedDict):
    """One kind of picture within a row, all nets together."""

    n: int
    right: Share
    naive: Share
    refused: Share
    sure_wrong: Share


class PictureRow(TypedDict):
    """One kind of picture. Rows without digits have only the first three keys."""

    title: str
    n: int
    refused: dict[str, Share]  # by net: not read as a sure digit
    right: NotRequired[dict[str, Share]]  # by net: all digits read, and nothing else
    naive: NotRequired[dict[str, Share]]  # by net: the same, with the picture shrunk to 28x28
    sure_wrong: NotRequired[dict[str, Share]]  # by net: not right, but the net is sure
    plain: NotRequired[Share]  # all nets together on the same digits, taken from MNIST
    split: NotRequired[Share]  # single digits taken for several
    parts: NotRequired[dict[str, Part]]
    frame_difference: NotRequired[float | None]  # of 255: MNIST's framing against ours


class ReadTimes(TypedDict):
    """Milliseconds of n reads."""

    n: int
    median: float
    p95: float


class Pictures(TypedDict):
    """``pictures.json``."""

    split: str
    device: str
    torch_version: str
    read_ms: ReadTimes
    rows: dict[str, PictureRow]


class Rates(TypedDict):
    """Training images per second of one net, and the ratio of our loop to the other."""

    conventional: float
    ours: float
    ratio: float
    ratio_min: float
    ratio_max: float
    flops_per_image: NotRequired[int]  # of a training step; not in the results of earlier versions


class Peak(TypedDict):
    """FLOP/s of the fastest matrix product on the device."""

    float32: float
    bfloat16: float | None  # None: the device has no instructions for it


class ShortTraining(TypedDict):
    """A short training, once per seed."""

    seconds: list[float]  # from the data in memory to the last step
    accuracies: list[float]  # on the test set


class Fast(TypedDict):
    """``train --fast`` against a conventional fast recipe, in turn, with the same seeds."""

    device: str
    net: str
    conventional: ShortTraining
    ours: ShortTraining


class ReadRates(TypedDict):
    """Pictures per second read one by one and many together, on one thread, and their ratio."""

    device: str  # names the number of threads
    n: int  # pictures per round
    rounds: int
    read: float
    read_many: float
    ratio: float
    ratio_min: float
    ratio_max: float


class Speed(TypedDict):
    """``speed.json``."""

    device: str
    torch_version: str
    images: int  # per round
    rounds: int
    nets: dict[str, Rates]
    # Not in the results of earlier versions:
    peak: NotRequired[Peak]
    fast: NotRequired[Fast]
    reading: NotRequired[ReadRates]


@dataclass(frozen=True)
class Results:
    """All results of a folder; None where a benchmark has not been run."""

    benchmark: Benchmark
    pictures: Pictures | None
    speed: Speed | None


def load_results(folder: Path = RESULTS) -> Results:
    """The results of a folder.

    Raises:
        FileNotFoundError: the folder has no ``benchmark.json``.
        ValueError: a file is damaged.
    """
    if not (folder / "benchmark.json").exists():
        raise FileNotFoundError(f"no results in {folder}; run python -m mnistcore benchmark")
    return Results(*(_load(folder / f"{name}.json") for name in ("benchmark", "pictures", "speed")))


def _load(path: Path) -> Any:
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); delete it and measure again") from error
