"""The flags of the command line. Importing this is quick: it loads neither torch nor matplotlib."""

import argparse
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import NoReturn, TypeAlias

from mnistcore import __version__
from mnistcore.files import ASSETS, RUNS, WEIGHTS
from mnistcore.training.recipes import FAST_NET, RECIPES, TrainConfig

NETS = ", ".join(RECIPES)

Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


MISSING = "the following arguments are required"  # so argparse begins


class Parser(argparse.ArgumentParser):
    """Reports a wrong call in one line on stderr, with exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit."""
        advice = f"; see {self.prog} --help" if message.startswith(MISSING) else ""
        self.exit(2, f"{self.prog}: {message}{advice}\n")


def _path(text: str) -> Path:
    if not text:  # Path("") is the current folder
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def _folder(text: str) -> Path:
    """A folder to write into, which need not exist."""
    path = _path(text)
    with suppress(OSError):  # what cannot even be looked at is refused where it is used
        if path.exists() and not path.is_dir():
            raise argparse.ArgumentTypeError(f"{path} is a file; give a folder")
    return path


def _add_device_flag(parser: Parser) -> None:
    parser.add_argument("--device", help="cpu, cuda, mps, ...; default: the GPU if there is one")


def _add_data_flags(parser: Parser) -> None:
    """The flags of commands that take any data."""
    _add_device_flag(parser)
    parser.add_argument(
        "--data-dir",
        type=_path,
        default=ASSETS,
        help="folder of MNIST's files, of four files of your own like them, or of pictures of "
        "digits, in folders 0 to 9 or named like 3_name.png; or a zip of pictures; default: MNIST",
    )


def _add_weights_flag(parser: Parser) -> None:
    parser.add_argument("--weights", type=_path, default=WEIGHTS, help="folder of the weights")


def _add_training_flags(parser: Parser) -> None:
    """One flag per field of ``TrainConfig``, and what all trainings have in common."""
    _add_data_flags(parser)
    earlier = parser.add_mutually_exclusive_group()
    earlier.add_argument("--resume", action="store_true", help="continue after the last epoch")
    earlier.add_argument("--overwrite", action="store_true", help="replace an earlier training")
    recipe = parser.add_argument_group("recipe", "each net has its own; a flag replaces a setting")
    for setting in fields(TrainConfig):
        flag, meaning = f"--{setting.name.replace('_', '-')}", setting.metadata["help"]
        if setting.type is bool:
            recipe.add_argument(flag, action=argparse.BooleanOptionalAction, help=meaning)
        else:
            assert isinstance(setting.type, type)
            low, high = setting.metadata["range"]
            recipe.add_argument(
                flag,
                type=setting.type,
                metavar=setting.type.__name__,
                help=f"{meaning}; {low} to {high}",
            )


def _add_train(commands: Commands) -> None:
    command = commands.add_parser("train", help="train one net")
    chosen = command.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--model", help=NETS)
    chosen.add_argument(
        "--fast", action="store_true", help=f"{FAST_NET} on MNIST, to about 99 %% in seconds"
    )
    command.add_argument(
        "--out", type=_folder, default=RUNS, help=f"folder for the weights; default: {RUNS}"
    )
    _add_training_flags(command)


def _add_all(commands: Commands) -> None:
    command = commands.add_parser("all", help="train the nets, then benchmark them")
    command.add_argument("--models", nargs="+", default=list(RECIPES), metavar="MODEL", help=NETS)
    command.add_argument(
        "--quick", action="store_true", help="a trial of one epoch per net; replaces the last trial"
    )
    command.add_argument(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help="train each net N times, with --seed and the seeds after it, for mean and standard "
        "deviation; default: 1",
    )
    command.add_argument(
        "--out",
        type=_folder,
        help=f"folder for weights/ and results/; default: {RUNS}, or {RUNS / 'quick'} with --quick",
    )
    _add_training_flags(command)


def _add_adapt(commands: Commands) -> None:
    command = commands.add_parser("adapt", help="teach trained nets your handwriting")
    command.add_argument(
        "digits",
        type=_path,
        metavar="FOLDER",
        help="pictures of your digits in folders 0 to 9, or named like 3_name.png; or a zip",
    )
    command.add_argument("--model", default="all", help=f"all, {NETS}")
    _add_weights_flag(command)
    command.add_argument(
        "--out", type=_folder, required=True, metavar="DIR", help="folder for the weights"
    )
    command.add_argument("--overwrite", action="store_true", help="replace earlier weights")
    command.add_argument(
        "--force",
        action="store_true",
        help="also write nets that have become worse on MNIST by more than half a percentage point",
    )
    _add_device_flag(command)
    command.add_argument(
        "--data-dir",
        type=_path,
        default=ASSETS,
        help="folder of MNIST's four original files, which are mixed in",
    )


def _add_benchmark(commands: Commands) -> None:
    command = commands.add_parser("benchmark", help="measure the trained nets on the test set")
    _add_weights_flag(command)
    command.add_argument(
        "--out",
        type=_folder,
        help=f"folder for the results; default: {RUNS / 'results'}, or the project's own results "
        "for the weights that come with it",
    )
    instead = command.add_mutually_exclusive_group()
    for flag, meaning in (
        ("speed", "instead, measure how fast nets are trained and pictures read, with MNIST"),
        ("pictures", "instead, measure how well pictures are read, with MNIST"),
        ("report", "measure nothing; write the documents' tables from the project's own results"),
    ):
        instead.add_argument(
            f"--{flag}", dest="instead", action="store_const", const=flag, help=meaning
        )
    instead.add_argument(
        "--record",
        type=_path,
        nargs="+",
        metavar="DIR",
        help="store the answers of the same nets trained with other seeds, from these folders, and "
        "print no results; from then on `benchmark` reports mean and standard deviation",
    )
    _add_data_flags(command)


def _add_predict(commands: Commands) -> None:
    command = commands.add_parser("predict", help="read the digits in pictures")
    command.add_argument(
        "pictures", nargs="+", type=_path, metavar="FILE", help="a picture or a folder of pictures"
    )
    command.add_argument("--model", default="all", help=f"all, {NETS}")
    command.add_argument("--json", action="store_true", help="print one JSON object per line")
    command.add_argument(
        "--steps", type=_folder, metavar="DIR", help="draw into DIR how each picture was read"
    )
    command.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="processes that read a folder; default: one per core, fewer for few pictures",
    )
    _add_weights_flag(command)
    _add_device_flag(command)


def _add_maps(commands: Commands) -> None:
    command = commands.add_parser("maps", help="draw the feature maps and units of one digit")
    command.add_argument("--model", default="LeNet", help=NETS)
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--index", type=int, help="index of a test digit")
    source.add_argument("--image", type=_path, help="a picture of one digit")
    _add_weights_flag(command)
    command.add_argument(
        "--out",
        type=_folder,
        default=RUNS / "maps",
        help="folder for the maps, where they replace earlier ones",
    )
    _add_data_flags(command)


def _add_explain(commands: Commands) -> None:
    command = commands.add_parser(
        "explain", help="draw which ink of a digit supports the answer, and which counts against it"
    )
    command.add_argument("picture", type=_path, metavar="FILE", help="a picture of one digit")
    command.add_argument("--model", default="all", help=f"all, {NETS}")
    command.add_argument(
        "--why-not", type=int, metavar="DIGIT", help="default: the next likeliest digit"
    )
    _add_weights_flag(command)
    command.add_argument("--out", type=_folder, default=RUNS / "why", help="folder for the picture")
    _add_device_flag(command)


def _add_atlas(commands: Commands) -> None:
    command = commands.add_parser(
        "atlas", help="map ten thousand training digits as each net sees them, for the page"
    )
    command.add_argument("--model", default="all", help=f"all, {NETS}")
    _add_weights_flag(command)
    _add_device_flag(command)


def _add_export(commands: Commands) -> None:
    command = commands.add_parser("export", help="write trained nets for other programs")
    command.add_argument("--format", choices=["onnx", "safetensors"], required=True)
    command.add_argument("--model", default="all", help=f"all, {NETS}")
    _add_weights_flag(command)
    command.add_argument(
        "--out",
        type=_folder,
        help=f"folder for the files; default: {RUNS / 'onnx'} or {RUNS / 'safetensors'}",
    )


def build_parser() -> Parser:
    """The parser of the whole command line; ``command`` names the chosen command."""
    parser = Parser(prog="mnistcore", description="Five small CNNs that read handwritten digits.")
    parser.add_argument(
        "--version",
        action="version",
        version=f"mnistcore {__version__}",
        help="print the version and exit",
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="command", parser_class=Parser
    )
    for add in (
        _add_train,
        _add_all,
        _add_adapt,
        _add_benchmark,
        _add_predict,
        _add_maps,
        _add_explain,
        _add_atlas,
        _add_export,
    ):
        add(commands)
    return parser
