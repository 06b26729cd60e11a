"""What the Benchmark tab shows: the results files as plain data for results.js."""

from typing import TypedDict

from mnistcore.metrics import wilson_interval
from mnistcore.page.views import TITLES, mnist_test_images, num_params, png_url
from mnistcore.page.yours import OwnNet
from mnistcore.results import (
    MNIST,
    TOGETHER,
    Answers,
    Misread,
    NetResults,
    Pair,
    Pictures,
    Results,
    Share,
)

NO_ERRORS_OF_OWN = "The digits that a net of your own misreads are not listed."
OWN_NOTES = (
    " Your own net was not measured with the others: it read the validation images at the end of "
    "its training, and reads the test images only when you ask it to."
)


class TableRow(TypedDict):
    """A net, or all nets together, in the first table. None: not measured, or only for one net."""

    key: str
    name: str
    own: bool  # a visitor's, which was not measured with the others
    accuracy: float
    interval: list[float]
    errors: int
    errors_over_seeds: list[float] | None  # mean and standard deviation
    reference: float | None  # accuracy in the reference project
    num_params: int | None
    macs: int | None
    latency_ms: float | None
    train_seconds: float | None


class ReadRow(Share):
    """How many pictures of one kind the chosen net reads right."""

    title: str
    n: int
    naive: float  # the share that is right without our framing
    sure_wrong: float  # the share that is wrong although the net is sure


class RefusedRow(Share):
    """How many pictures of one kind are refused."""

    title: str
    n: int


class PicturesData(TypedDict):
    """Accuracy on pictures other than MNIST's."""

    read: list[ReadRow]
    refused: list[RefusedRow]


class MisreadDigit(Misread):
    """A misread test digit with its image."""

    image: str  # data URL of a PNG


class ResultsData(TypedDict):
    """What results.js shows."""

    chosen: str  # a net's name or "all"
    title: str
    words: str  # above the first table: what it shows
    notes: str  # below it: how its numbers were measured
    rows: list[TableRow]
    seeds: int | None  # how many trainings of each net ``errors_over_seeds`` is of
    missing: str | None  # a sentence, if the chosen net has not been measured
    confusion: list[list[int]] | None  # rows true, columns predicted
    misread: list[MisreadDigit]  # the most confident first
    pairs: list[Pair] | None
    pictures: PicturesData | None


def results_data(results: Results, chosen: str, own: OwnNet | None = None) -> ResultsData:
    """The benchmark's tables, and the errors of the chosen net, or of all five together.

    Args:
        results: what :func:`mnistcore.results.load_results` returned.
        chosen: a net's name or "all".
        own: the net, if it is a visitor's own.
    """
    benchmark = results.benchmark
    nets = benchmark["nets"]
    rows = [_net_row(name, net) for name, net in nets.items()]
    answers: dict[str, Answers] = {**nets}
    if "together" in benchmark:
        answers["all"] = benchmark["together"]
        rows.append(_row("all", benchmark["together"]))
    seeds = benchmark.get("seeds")
    if seeds:
        for row in rows:
            spread = seeds["nets"][TOGETHER if row["key"] == "all" else row["key"]]
            n = answers[row["key"]]["n"]
            row["errors_over_seeds"] = [n * (1 - spread["mean"]), n * spread["std"]]
    if own:
        rows += own_rows(chosen, own)
    answer = answers.get(chosen)
    title = f"Your {own.path.stem}" if own else TITLES.get(chosen, chosen)
    digits = mnist_test_images()
    trained_on = " and ".join(sorted({net["training"]["device"] for net in nets.values()}))
    missing = f"No results for {title} yet. Run python -m mnistcore benchmark to measure it."
    if own:
        missing = NO_ERRORS_OF_OWN
    return {
        "chosen": chosen,
        "title": title,
        "words": f"On MNIST's {len(digits):,} test images, after the last epoch. The bar is the "
        "95 % interval: the range in which the accuracy on all such digits very likely lies. The "
        "diamond, the reference, is the accuracy in the table of pytorch-mnist, the public project "
        "that introduced the five nets.",
        "notes": "A multiply-add is one multiplication and one addition; the count says how much "
        "arithmetic one image needs. One image was timed on "
        f"{benchmark['device']}, torch {benchmark['torch_version']}; the nets were trained on "
        f"{trained_on}. In the table of pytorch-mnist, 98.06 for MyFullConvNet is a typo for "
        "99.06." + (OWN_NOTES if own else ""),
        "rows": rows,
        "seeds": seeds["n"] if seeds else None,
        "missing": None if answer else missing,
        "confusion": answer["confusion"] if answer else None,
        "misread": [
            {**entry, "image": png_url(digits[entry["index"]])}
            for entry in sorted(
                answer["misread"] if answer else [], key=lambda entry: -entry["prob"]
            )
        ],
        "pairs": benchmark.get("mcnemar"),
        "pictures": pictures_data(results.pictures, chosen)
        if answer and results.pictures
        else None,
    }


def own_rows(key: str, own: OwnNet) -> list[TableRow]:
    """A visitor's own net in the first table: a row for each set of images that it has read."""
    of_data = "" if own.data == MNIST else f" of {own.data}"
    return [
        {
            "key": key,
            "name": f"Your {own.path.stem}, {n:,} {images} images{of_data}",
            "own": True,
            "accuracy": 1 - errors / n,
            "interval": list(wilson_interval(n - errors, n)),
            "errors": errors,
            "errors_over_seeds": None,
            "reference": None,
            "num_params": num_params()[own.path.stem],
            "macs": None,
            "latency_ms": None,
            "train_seconds": None,
        }
        for images, (errors, n) in own.answers.items()
    ]


def _row(key: str, answers: Answers) -> TableRow:
    return {
        "key": key,
        "name": TITLES.get(key, key),
        "own": False,
        "accuracy": answers["accuracy"],
        "interval": answers["interval"],
        "errors": answers["errors"],
        "errors_over_seeds": None,
        "reference": None,
        "num_params": None,
        "macs": None,
        "latency_ms": None,
        "train_seconds": None,
    }


def _net_row(name: str, net: NetResults) -> TableRow:
    return {
        **_row(name, net),
        "reference": net["reference"][0] / 100 if net["reference"] else None,
        "num_params": net["num_params"],
        "macs": net["macs"],
        "latency_ms": net["latency_ms"],
        "train_seconds": net["training"]["train_seconds"],
    }


def pictures_data(pictures: Pictures, chosen: str) -> PicturesData | None:
    """How well the chosen net reads pictures other than MNIST's, and what is refused.

    None for a net that is newer than the results.
    """
    net = TOGETHER if chosen == "all" else chosen
    read: list[ReadRow] = []
    refused: list[RefusedRow] = []
    for row in pictures["rows"].values():
        title, n = row["title"], row["n"]
        if net not in row["refused"]:
            return None
        if "right" not in row:
            refused.append({"title": title, "n": n, **row["refused"][net]})
        else:
            naive, sure_wrong = row["naive"][net]["share"], row["sure_wrong"][net]["share"]
            read.append(
                {
                    "title": title,
                    "n": n,
                    **row["right"][net],
                    "naive": naive,
                    "sure_wrong": sure_wrong,
                }
            )
    return {"read": read, "refused": refused}


def accuracy_curves(results: Results) -> dict[str, list[int] | list[float] | list[str]]:
    """Validation accuracy over the epochs of each net, as columns of a table."""
    points = [
        (epoch, round(100 * entry["val_accuracy"], 3), name)
        for name, net in results.benchmark["nets"].items()
        for epoch, entry in enumerate(net["training"]["history"], 1)
    ]
    epochs, accuracies, names = zip(*points, strict=True)
    return {"epoch": list(epochs), "accuracy %": list(accuracies), "net": list(names)}
