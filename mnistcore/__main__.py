"""The command line: ``python -m mnistcore train | all | benchmark | predict | maps | export``."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NoReturn

import torch
import torch.distributed as dist
from torch import Tensor, nn

from mnistcore import checkpoint, export, figures, inside
from mnistcore.benchmark import mnist, report, speed
from mnistcore.data import load_mnist, normalize, to_unit
from mnistcore.device import choose_device
from mnistcore.files import (
    ASSETS,
    INSTALLED,
    README,
    RESULTS,
    RUNS,
    WEIGHTS,
    code_version,
    write_json,
    write_whole,
)
from mnistcore.models import list_models, model_name
from mnistcore.training.loop import train
from mnistcore.training.recipes import RECIPES, TrainConfig

QUICK = {"epochs": 1}
AN_EIGHT = 61  # the test digit of the maps that come with the results


class Parser(argparse.ArgumentParser):
    """A wrong call is one line on stderr and exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Print the message and leave."""
        self.exit(2, f"{self.prog}: {message}\n")


def _add_training_flags(parser: argparse.ArgumentParser) -> None:
    """One flag for each field of ``TrainConfig``; what is not given is the net's own recipe."""
    group = parser.add_argument_group("recipe", "each net has its own; a flag here replaces it")
    for field in fields(TrainConfig):
        flag = f"--{field.name.replace('_', '-')}"
        if field.type is bool:
            group.add_argument(flag, action=argparse.BooleanOptionalAction)
        else:
            assert isinstance(field.type, type)
            group.add_argument(flag, type=field.type, metavar=field.type.__name__)
    parser.add_argument("--resume", action="store_true", help="go on after the last whole epoch")
    _add_place_flags(parser)


def _add_place_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", help="cpu, cuda, mps, ...; the accelerator if there is one")
    parser.add_argument("--data-dir", type=Path, default=ASSETS, help="folder of MNIST/raw")


def _parser() -> Parser:
    parser = Parser(prog="mnistcore", description="Five small CNNs that read handwritten digits.")
    commands = parser.add_subparsers(required=True, metavar="command", parser_class=Parser)

    command = commands.add_parser("train", help="train one net")
    command.add_argument("--model", required=True, help=", ".join(list_models()))
    command.add_argument("--out", type=Path, default=RUNS, help="folder of the weights")
    _add_training_flags(command)
    command.set_defaults(run=run_train)

    command = commands.add_parser("all", help="train the nets, then benchmark them")
    command.add_argument("--models", nargs="+", default=list_models(), metavar="MODEL")
    command.add_argument("--quick", action="store_true", help="one epoch a net: a trial, no result")
    command.add_argument(
        "--out",
        type=Path,
        help="gets weights/ and results/; assets, or runs if a recipe is changed",
    )
    _add_training_flags(command)
    command.set_defaults(run=run_all)

    command = commands.add_parser("benchmark", help="measure the trained nets on the test set")
    command.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of the weights")
    command.add_argument("--seeds", type=Path, nargs="+", default=[], metavar="DIR",
                         help="folders of the same nets with other seeds")  # fmt: skip
    command.add_argument(
        "--out", type=Path, help="folder of the results; assets/results for the shipped weights"
    )
    instead = command.add_mutually_exclusive_group()
    instead.add_argument("--speed", action="store_true",
                         help="compare our training with a conventional loop instead")  # fmt: skip
    instead.add_argument("--pictures", action="store_true",
                         help="measure how pictures are read instead")  # fmt: skip
    _add_place_flags(command)
    command.set_defaults(run=run_benchmark)

    command = commands.add_parser("predict", help="read the digits of pictures")
    command.add_argument("pictures", nargs="+", type=Path, metavar="FILE",
                         help="a picture, or a folder of pictures")  # fmt: skip
    command.add_argument("--model", default="all", help=f"all or {', '.join(list_models())}")
    command.add_argument("--json", action="store_true", help="a JSON object a line")
    command.add_argument("--steps", type=Path, metavar="DIR",
                         help="draw how each picture was read into this folder")  # fmt: skip
    command.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of the weights")
    command.add_argument("--device", help="cpu, cuda, mps, ...; the accelerator if there is one")
    command.set_defaults(run=run_predict)

    command = commands.add_parser("maps", help="draw what the layers make of one digit")
    command.add_argument("--model", default="LeNet", help=", ".join(list_models()))
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--index", type=int, help="of an MNIST test digit")
    source.add_argument("--image", type=Path, help="a picture of one digit")
    command.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of the weights")
    command.add_argument("--out", type=Path, default=RUNS / "maps", help="folder of the pictures")
    _add_place_flags(command)
    command.set_defaults(run=run_maps)

    command = commands.add_parser("export", help="write trained nets for other programs")
    command.add_argument("--format", choices=export.FORMATS, required=True)
    command.add_argument("--model", default="all", help=f"all or {', '.join(list_models())}")
    command.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of the weights")
    command.add_argument("--out", type=Path, default=RUNS / "onnx", help="folder of the files")
    command.set_defaults(run=run_export)
    return parser


def _train(name: str, args: argparse.Namespace, out_dir: Path, **recipe: Any) -> None:
    given = {f.name: getattr(args, f.name) for f in fields(TrainConfig)}
    recipe |= {key: value for key, value in given.items() if value is not None}
    content = train(
        name,
        replace(RECIPES[name], **recipe),
        out_dir=out_dir,
        data_dir=args.data_dir,
        device=args.device,
        resume=args.resume,
        show_progress=True,
    )
    if os.environ.get("RANK", "0") == "0":
        val, code = content["val"], code_version()
        now = "" if code == content["code_version"] else f"; now it is {code}"
        print(
            f"{out_dir / name}.pt misreads {val['errors']} of {val['n']:,} validation digits; made "
            f"in {content['train_seconds']:,.0f} s on {content['device']}, "
            f"code {content['code_version']}{now}"
        )


def run_train(args: argparse.Namespace) -> None:
    """Train one net."""
    _train(model_name(args.model), args, args.out)


def run_all(args: argparse.Namespace) -> None:
    """Train the nets one after the other, then benchmark them."""
    names = [model_name(name) for name in args.models]
    if dist.is_torchelastic_launched():
        raise ValueError("all runs in one process; under torchrun use train, then benchmark")
    changed = args.quick or any(getattr(args, f.name) is not None for f in fields(TrainConfig))
    out_dir = args.out or (RUNS if changed or INSTALLED or names != list_models() else ASSETS)
    print(f"training {', '.join(names)}; weights and results go to {out_dir}")
    for name in names:
        _train(name, args, out_dir / "weights", **(QUICK if args.quick else {}))
    if names == list_models():
        from mnistcore.training.threshold import choose_threshold

        choose_threshold(out_dir / "weights", args.data_dir)
    _benchmark(names, out_dir / "weights", [], out_dir / "results", args)
    if "LeNet" in names:
        model = checkpoint.load_model("LeNet", out_dir / "weights")
        _draw_maps(model, *_test_digit(AN_EIGHT, args.data_dir), out_dir / "results" / "maps")
    if args.quick:
        print("This was a quick trial: its figures are no results.")


def _benchmark(
    names: Sequence[str],
    weights_dir: Path,
    seeds: Sequence[Path],
    out_dir: Path,
    args: argparse.Namespace,
) -> None:
    results = mnist.run_benchmark(weights_dir, names, seeds, args.data_dir, args.device)
    mnist.write_results(results, out_dir, args.data_dir)
    text = report.benchmark_report(results)
    _publish("benchmark", text, out_dir, whole=list(results["nets"]) == list_models())


def _publish(name: str, text: str, out_dir: Path, whole: bool = True) -> None:
    """Print a report and keep it beside its results; the project's documents get its own."""
    write_whole(out_dir / f"{name}.md", (text + "\n").encode())
    if whole and out_dir.resolve() == RESULTS and README.exists():
        write_whole(README, report.splice(README.read_text(encoding="utf-8"), name, text).encode())
        _write_model_card()
    print(f"{text}\n\nwritten to {out_dir}")


def _write_model_card() -> None:
    """Put the model card beside the shipped weights, where all that it tells has been measured."""
    paths = [RESULTS / f"{name}.json" for name in ("benchmark", "pictures")]
    if all(path.exists() for path in paths):
        card = report.model_card(*(json.loads(path.read_text()) for path in paths))
        write_whole(WEIGHTS / "README.md", card.encode())


def run_benchmark(args: argparse.Namespace) -> None:
    """Measure the trained nets, the reading of pictures, or the speed of training."""
    if args.seeds and (args.pictures or args.speed):
        instead = "--pictures" if args.pictures else "--speed"
        raise ValueError(f"--seeds are for the benchmark of the nets, not {instead}")
    shipped = args.weights.resolve() == WEIGHTS
    if args.speed and not shipped:
        raise ValueError("--speed trains nets of its own: leave out --weights")
    out_dir = args.out or (RESULTS if shipped and not INSTALLED else RUNS / "results")
    if args.pictures:
        _benchmark_pictures(out_dir, args)
        return
    if not args.speed:
        _benchmark(list_models(), args.weights, args.seeds, out_dir, args)
        return
    result = speed.compare_speed(["LeNet", "MyVggNet"], args.data_dir, args.device, True)
    write_json(out_dir / "speed.json", result)
    _publish("speed", report.speed_report(result), out_dir)


def _benchmark_pictures(out_dir: Path, args: argparse.Namespace) -> None:
    from mnistcore.benchmark import pictures  # here: as in run_predict

    place = args.weights, args.data_dir, args.device
    results = pictures.run_picture_benchmark(*place, show_progress=True)
    pictures.write_results(results, pictures.example_sheet(*place), out_dir)
    _publish("pictures", report.pictures_report(results), out_dir)


def _walk(paths: Sequence[Path]) -> list[Path]:
    """The files among the paths and the pictures in the folders among them."""
    from PIL import Image

    suffixes = {s for s, form in Image.registered_extensions().items() if form in Image.OPEN}
    found = []
    for path in paths:
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.is_file())
            found += [p for p in files if p.suffix.lower() in suffixes]
        else:
            found.append(path)
    return found


def run_predict(args: argparse.Namespace) -> int:
    """Read pictures, a line each; 1 if some could not be read."""
    from mnistcore.reading import (
        recognizer as reader,  # here: no other command waits for scikit-image
    )

    recognizer = reader.Recognizer(args.weights, args.device)
    recognizer.load()
    reader.chosen_net(args.model)  # a wrong name is told once, not for every picture
    paths = _walk(args.pictures)
    if not paths:
        raise ValueError(f"no pictures in {', '.join(map(str, args.pictures))}")
    status = 0
    for number, path in enumerate(paths):
        try:
            reading = recognizer.read(path, args.model)
        except (ValueError, OSError) as error:
            print(f"mnistcore: {path}: {error}", file=sys.stderr)
            status = 1
            continue
        if args.json:
            print(json.dumps({"file": str(path), **reading.summary()}), flush=True)
        else:
            said = reading.text.replace("\n", " / ") or "-"
            doubt = f"  ({reading.verdict}: {reading.reason})" if reading.reason else ""
            print(f"{path}: {said}{doubt}", flush=True)
        if args.steps:
            write_whole(
                args.steps / f"{number:03d}_{path.stem}.png", figures.reading_steps(reading)
            )
    return status


def run_maps(args: argparse.Namespace) -> None:
    """Draw the maps of one digit, a picture a layer."""
    model = checkpoint.load_model(args.model, args.weights, choose_device(args.device))
    if args.image is not None:
        from mnistcore.reading.digits import read_digits  # here: as in run_predict

        views = read_digits(args.image)
        if len(views) != 1:
            raise ValueError(f"{args.image} shows {len(views)} digits; maps are drawn of one")
        ink = torch.from_numpy(views[0])[None, None]
        title = args.image.name
    else:
        ink, title = _test_digit(args.index, args.data_dir)
    for path in _draw_maps(model, ink, title, args.out):
        print(path)


def _test_digit(index: int, data_dir: Path) -> tuple[Tensor, str]:
    images, labels = load_mnist("test", data_dir)
    if not 0 <= index < len(images):
        raise ValueError(f"--index is {index}; it must be from 0 to {len(images) - 1}")
    return to_unit(images[index : index + 1]), f"test digit {index}, a {labels[index]}"


def _draw_maps(model: nn.Module, ink: Tensor, title: str, out_dir: Path) -> list[Path]:
    """A picture of the digit and one of each layer; the layers of a stage share their scale."""
    device = next(model.parameters()).device
    pictures = {"picture": figures.gray_picture(ink[0, 0].numpy(), title)}
    for stage in inside.feature_maps(model, normalize(ink).to(device)):
        limit = max(float(maps.abs().max()) for maps in stage.values())
        for name, maps in stage.items():
            pictures[name] = figures.feature_maps(maps.cpu().numpy(), limit, name)
    paths = [out_dir / f"{number:02d}_{name}.png" for number, name in enumerate(pictures)]
    for path, png in zip(paths, pictures.values(), strict=True):
        write_whole(path, png)
    return paths


def run_export(args: argparse.Namespace) -> None:
    """Write the nets, a file each."""
    names = list_models() if args.model.lower() == "all" else [model_name(args.model)]
    for name in names:
        path = args.out / f"{name}.{args.format}"
        write_whole(path, export.to_onnx(name, args.weights))
        print(path, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 for success, 1 if some of several pictures could not be read, 2 for a wrong call or bad
        input, 130 for Ctrl-C.
    """
    args = _parser().parse_args(argv)
    try:
        return args.run(args) or 0
    except (ValueError, OSError) as error:
        print(f"mnistcore: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        advice = "; add --resume to go on after the last epoch" if "resume" in args else ""
        print(f"mnistcore: stopped{advice}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
