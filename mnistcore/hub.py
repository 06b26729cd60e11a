"""The nets of a folder as a Hugging Face model repository: weights, configuration and card.

``python -m mnistcore.hub OWNER/NAME WEIGHTS FOLDER`` writes one; ``scripts/publish_model.sh``
uploads it.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mnistcore
from mnistcore import checkpoint
from mnistcore.benchmark.report import accuracy_report, adapted_words
from mnistcore.data import MEAN, SIDE, STD
from mnistcore.datasets import MNIST, trained_on
from mnistcore.files import RESULTS, ROOT, WEIGHTS, error_words, write_whole
from mnistcore.flags import Parser
from mnistcore.models import count_parameters
from mnistcore.reading.ensemble import CONFIG_FILE, THRESHOLD_FILE, Ensemble
from mnistcore.results import Benchmark, DataRecord, load_results

Contents = Mapping[str, Mapping[str, Any]]  # the checkpoint of each net

SYNTHETIC_WORDS = {  # by the setting that says how many
    "drawn": "digits of the project's own pen font",
    "edited": "MNIST digits with an extra stroke",
    "others": "drawings that are not digits, with a uniform target",
}
LICENSE = re.compile(r"^license: (\S+)$", re.MULTILINE)  # in a card
CODE = re.compile(r"```python\n.*?```", re.DOTALL)
RELATIVE_LINK = re.compile(r"\[([^]]+)\]\((?!https?:)[^)]*\)")
USAGE = """\
```python
# needs mnistcore with the extra safetensors, and huggingface_hub
from huggingface_hub import snapshot_download

import mnistcore

folder = snapshot_download("{repository}")
print(mnistcore.Recognizer(folder).read("photo.jpg").text)  # any picture, all nets together
net = mnistcore.load_model("{net}", folder)  # one net: normalised (N, 1, 28, 28) -> logits (N, 10)
```"""


def model_repository(repository: str, weights_dir: Path | str = WEIGHTS) -> dict[str, bytes]:
    """The files of a model repository, by name.

    The card of the shipped nets is ``assets/weights/README.md``. Other nets get one that says what
    their checkpoints know, and has their results if ``benchmark`` has measured them: in the folder
    ``results`` in ``weights_dir`` or beside it. They also get no licence: that is their owner's
    to choose.

    Args:
        repository: its name on the Hub, ``OWNER/NAME``.
        weights_dir: folder of ``recognizer.json`` and of at least one checkpoint.

    Raises:
        FileNotFoundError, ValueError: weights, thresholds or results are missing or damaged, or
            the shipped results are not those of the shipped weights.
    """
    nets = Ensemble(weights_dir, "cpu")
    contents = {
        name: checkpoint.load_for(
            name, checkpoint.find(weights_dir, name), "config", "history", "val"
        )
        for name in nets.names
    }
    nets.load()  # refuses weights that no net could use
    shipped = nets.folder.resolve() == WEIGHTS
    source = (WEIGHTS / "README.md").read_text(encoding="utf-8")
    card = _shipped_card(source, contents) if shipped else _own_card(source, nets, contents)
    usage = USAGE.format(repository=repository, net=nets.names[0])
    card = CODE.sub(lambda _: usage, card.replace(THRESHOLD_FILE, CONFIG_FILE), count=1)
    card = RELATIVE_LINK.sub(r"\1", card)
    licensed = LICENSE.search(card)
    files = {
        "README.md": card.encode(),
        CONFIG_FILE: _config(nets, contents, licensed and licensed[1]),
    }
    if shipped:
        files["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    for name, content in contents.items():
        files[f"{name}{checkpoint.SAFETENSORS}"] = checkpoint.to_safetensors(content)
    return files


def _config(nets: Ensemble, contents: Contents, license_id: str | None) -> bytes:
    """What it takes to use the weights, here or in another program, as JSON."""
    thresholds = nets.thresholds
    config = {
        "mnistcore_version": mnistcore.__version__,
        "license": license_id,
        "input": {"shape": [1, SIDE, SIDE], "range": [0, 1], "mean": MEAN, "std": STD},
        "classes": trained_on(contents[nets.names[0]])["classes"],
        "nets": {
            name: {
                "file": f"{name}{checkpoint.SAFETENSORS}",
                "parameters": count_parameters(nets.net(name)),
                "temperature": nets.temperature(name),
            }
            for name in nets.names
        },
        "thresholds": {"threshold": thresholds.together, "nets": thresholds.nets},
    }
    return (json.dumps(config, indent=1) + "\n").encode()


def _shipped_card(source: str, contents: Contents) -> str:
    if not _are_of(load_results(RESULTS).benchmark, contents):
        raise ValueError(
            f"{RESULTS} has the results of other weights; run `mnistcore benchmark` first"
        )
    return source


def _are_of(benchmark: Benchmark, contents: Contents) -> bool:
    """Whether results were measured with these very nets."""
    return benchmark["nets"].keys() == contents.keys() and all(
        net["training"]["history"] == contents[name]["history"]
        and net["calibration"]["temperature"] == contents[name]["temperature"]
        for name, net in benchmark["nets"].items()
    )


def _own_card(source: str, nets: Ensemble, contents: Contents) -> str:
    """A card for nets that are not the shipped ones.

    Args:
        source: the card of the shipped nets; what holds for all nets is taken from it.
        nets: the nets.
        contents: their checkpoints.
    """
    _, front_matter, body = source.split("---\n", 2)
    introduction, *parts = re.split(r"^## ", body.partition("\n\n")[2], flags=re.MULTILINE)
    sections = {title: text for title, _, text in (part.partition("\n\n") for part in parts)}
    data = trained_on(contents[nets.names[0]])
    of_mnist = data["name"] == MNIST
    mnist = sections["Data"].partition("\n\n")[0]
    if synthetic := _synthetic(contents):
        mnist += "\n\n" + synthetic
    kept = ["library_name", "pipeline_tag", "tags", *(["datasets"] if of_mnist else [])]
    front = [line for line in front_matter.splitlines() if line.partition(":")[0] in kept]
    blocks = [
        "\n".join(["---", *front, "---", f"# {', '.join(nets.names)}, trained on {data['name']}"]),
        introduction,
        "## Data",
        mnist if of_mnist else _data(data),
        "## Recipe",
        sections["Recipe"].partition("<!--")[0],
        "\n".join(_settings(name, content) for name, content in contents.items()),
        "## Results",
        "\n".join(_validation(nets, name, content) for name, content in contents.items()),
        _test_results(nets.folder, contents),
        "## Limits",
        f"- How the nets read pictures other than those of {data['name']} was not measured, nor "
        "whether they read some\n  groups of writers better than others.\n"
        "- The probabilities were calibrated on the images held out for validation. Calibration on "
        "other pictures was not\n  measured.",
        "## Out of scope",
        sections["Out of scope"],
    ]
    return "\n\n".join(block.strip() for block in blocks) + "\n"


def _data(data: DataRecord) -> str:
    """A sentence about images that are not MNIST's."""
    classes = ", ".join(map(str, data["classes"]))
    return (
        f"{data['n']:,} training images of `{data['name']}`, of the classes {classes}. `val_size` "
        "of them are held out to fit\nthe temperature and the threshold."
    )


def _synthetic(contents: Contents) -> str:
    """A sentence about the images that were added to MNIST's; empty if there were none."""
    added = [
        f"`{setting}` {words}"
        for setting, words in SYNTHETIC_WORDS.items()
        if any(content["config"].get(setting) for content in contents.values())
    ]
    return f"The nets also train on {', and on '.join(added)}." if added else ""


def _settings(name: str, content: Mapping[str, Any]) -> str:
    """A line about how a net was trained."""
    settings = ", ".join(f"`{key}` {value}" for key, value in content["config"].items())
    part, adapted = content["config"].get("train_size"), content.get("adapted")
    stopped = content.get("stopped_after")
    ended = "" if stopped is None else f"; stopped after {stopped:.1f} epochs"
    fewer = f"only {part:,} of the training images; " if part else ""
    further = f"; then {adapted_words(adapted['digits'])}" if adapted else ""
    return f"- {name}: {fewer}{settings}{ended}{further}"


def _validation(nets: Ensemble, name: str, content: Mapping[str, Any]) -> str:
    """A line about what a net reaches on the images that were held out of its training."""
    parameters, val = count_parameters(nets.net(name)), content["val"]
    return (
        f"- {name}, {parameters:,} parameters: {val['errors']:,} of {val['n']:,} validation images "
        "wrong"
    )


def _test_results(weights_dir: Path, contents: Contents) -> str:
    """A table of the results that ``benchmark`` has written for these nets, if it has."""
    for folder in (weights_dir / "results", weights_dir.parent / "results"):
        if (folder / "benchmark.json").exists():
            benchmark = load_results(folder).benchmark
            if _are_of(benchmark, contents):
                return accuracy_report(benchmark)
    return "They were not measured on a test set."


def main() -> None:
    """Write a model repository into a new folder."""
    parser = Parser(prog="publish_model")
    parser.add_argument("repository", metavar="OWNER/NAME")
    parser.add_argument("weights", type=Path)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    try:
        for name, data in model_repository(args.repository, args.weights).items():
            write_whole(args.folder / name, data)
    except (ValueError, OSError) as error:
        parser.error(error_words(error))


if __name__ == "__main__":
    main()
