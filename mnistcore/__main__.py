"""The command line: ``mnistcore train | all | benchmark | predict | maps | export``.

``python -m mnistcore`` is the same. Each command imports what it needs when it runs, so that
``--help`` and a wrong call answer at once, and reading a picture loads nothing that trains.
"""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistcore.files import (
    INSTALLED,
    RESULTS,
    RUNS,
    WEIGHTS,
    code_version,
    write_json,
    write_whole,
)
from mnistcore.flags import build_parser
from mnistcore.training.recipes import RECIPES, TrainConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mnistcore.reading.recognizer import Reading

QUICK = {"epochs": 1}
AN_EIGHT = 61  # index of the test digit whose maps come with the results
OUTPUT_CLOSED = 141  # 128 + SIGPIPE: the status that shells give a program which `head` cut short


def _train_and_report(
    name: str, args: Namespace, out_dir: Path, overwrite: bool, **recipe: Any
) -> None:
    """Train one net with its recipe, ``recipe`` and the flags, and print one line about it."""
    from mnistcore.training.loop import train

    flags = {f.name: getattr(args, f.name) for f in fields(TrainConfig)}
    recipe |= {key: value for key, value in flags.items() if value is not None}
    content = train(
        name,
        replace(RECIPES[name], **recipe),
        out_dir=out_dir,
        data_dir=args.data_dir,
        device=args.device,
        resume=args.resume,
        overwrite=overwrite,
        show_progress=True,
    )
    if os.environ.get("RANK", "0") == "0":
        val, code = content["val"], code_version()
        now = "" if code == content["code_version"] else f"; it is now {code}"
        print(
            f"{out_dir / name}.pt misreads {val['errors']} of {val['n']:,} validation digits; "
            f"trained in {content['train_seconds']:,.0f} s on {content['device']}, "
            f"code {content['code_version']}{now}"
        )


def run_train(args: Namespace) -> None:
    """Train one net."""
    from mnistcore.models import model_name

    _train_and_report(model_name(args.model), args, args.out, args.overwrite)


def run_all(args: Namespace) -> None:
    """Train the nets one after the other, then benchmark them."""
    from torch.distributed import is_torchelastic_launched

    from mnistcore import checkpoint
    from mnistcore.models import model_name
    from mnistcore.training.loop import check_unused

    names = list(dict.fromkeys(map(model_name, args.models)))  # each once
    if is_torchelastic_launched():
        raise ValueError("all runs in one process; under torchrun use train, then benchmark")
    out_dir = args.out or (RUNS / "quick" if args.quick else RUNS)
    weights_dir, results_dir = out_dir / "weights", out_dir / "results"
    new_trial = args.quick and not args.out and not args.resume
    overwrite = args.overwrite or new_trial
    if not (args.resume or overwrite):
        check_unused(weights_dir, names)  # of all nets, before the first of them trains for hours
    print(f"training {', '.join(names)}; weights and results go to {out_dir}")
    for name in names:
        _train_and_report(name, args, weights_dir, overwrite, **(QUICK if args.quick else {}))
    whole = set(names) == set(RECIPES)
    if whole:
        from mnistcore.training.threshold import choose_threshold

        choose_threshold(weights_dir, args.data_dir)
    _benchmark(names, weights_dir, [], results_dir, args)
    if "LeNet" in names:
        model = checkpoint.load_model("LeNet", weights_dir)
        _draw_maps(model, *_test_digit(AN_EIGHT, args.data_dir), results_dir / "maps")
    if args.quick:
        print("Quick trial run: do not report these numbers.")
    elif whole and weights_dir.resolve() != WEIGHTS:
        print(f"To read with these nets, add --weights {weights_dir}.")


def _benchmark(
    names: Sequence[str],
    weights_dir: Path,
    seeds: Sequence[Path],
    out_dir: Path,
    args: Namespace,
) -> None:
    from mnistcore.benchmark import mnist, report

    results = mnist.run_benchmark(weights_dir, names, seeds, args.data_dir, args.device)
    for path in mnist.write_results(results, out_dir, args.data_dir):
        print(f"deleted {path}: an earlier run's figure")
    _publish("benchmark", report.benchmark_report(results), out_dir)


def _publish(name: str, text: str, out_dir: Path) -> None:
    """Print a report and write it beside its results, or into the project's documents."""
    from mnistcore.benchmark import documents

    print(text, end="\n\n", flush=True)
    written = documents.publish(name, text, out_dir)
    print(f"results are in {out_dir}, tables in {', '.join(map(str, written))}")


def run_benchmark(args: Namespace) -> None:
    """Measure the nets, the reading of pictures or the speed of training, or only report."""
    shipped = args.weights.resolve() == WEIGHTS
    if args.instead and args.seeds:
        raise ValueError(f"--seeds is for the benchmark of the nets, not for --{args.instead}")
    if args.instead in ("speed", "report") and not shipped:
        raise ValueError(f"--{args.instead} does not read weights: leave out --weights")
    out_dir = args.out or (RESULTS if shipped and not INSTALLED else RUNS / "results")
    if args.instead == "report":
        if INSTALLED:
            raise ValueError("--report writes the documents of a checkout; this is an installation")
        if args.out:
            raise ValueError("--report writes the documents of the project: leave out --out")
        from mnistcore.benchmark import documents

        for path in documents.write_documents():
            print(path)
    elif args.instead == "pictures":
        _benchmark_pictures(out_dir, args)
    elif args.instead == "speed":
        from mnistcore.benchmark import report, speed

        result = speed.compare_speed(["LeNet", "MyVggNet"], args.data_dir, args.device, True)
        write_json(out_dir / "speed.json", result)
        _publish("speed", report.speed_report(result), out_dir)
    else:
        _benchmark(list(RECIPES), args.weights, args.seeds, out_dir, args)


def _benchmark_pictures(out_dir: Path, args: Namespace) -> None:
    from mnistcore.benchmark import pictures, report

    places = args.weights, args.data_dir, args.device
    results = pictures.run_picture_benchmark(*places, show_progress=True)
    pictures.write_results(results, pictures.example_sheet(*places), out_dir)
    _publish("pictures", report.pictures_report(results), out_dir)


def _find_pictures(paths: Sequence[Path]) -> tuple[list[Path], list[OSError]]:
    """The files among the paths, the pictures in the folders among them, and what is unreadable."""
    from PIL import Image

    suffixes = {s for s, form in Image.registered_extensions().items() if form in Image.OPEN}
    found: list[Path] = []
    errors: list[OSError] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = [
            Path(folder, name)
            for folder, _, names in os.walk(path, onerror=errors.append)
            for name in names
        ]
        found += sorted(p for p in inside if p.suffix.lower() in suffixes and p.is_file())
    return found, errors


def _complain(message: str) -> None:
    print(f"mnistcore: {message}", file=sys.stderr)


def _unread(path: Path, error: Exception) -> str:
    """Why a picture was not read, with its path once: some of the reader's messages name it."""
    reason = str(error)
    named = reason.startswith((f"no picture {path}", f"{path} "))
    return reason if named else f"{path}: {reason.removeprefix(path.name).lstrip()}"


def _answer(path: Path, reading: "Reading", as_json: bool) -> str:
    if as_json:
        return json.dumps({"file": str(path), **reading.summary()}, allow_nan=False)
    text = reading.text.replace("\n", " / ") or "-"
    return f"{path}: {text}" + (
        f"  ({reading.verdict}: {reading.reason})" if reading.reason else ""
    )


def run_predict(args: Namespace) -> int:
    """Read pictures and print one line for each; 1 if some could not be read."""
    from mnistcore.reading import recognizer as reader

    paths, errors = _find_pictures(args.pictures)
    for error in errors:
        _complain(f"folder {error.filename} cannot be read: {error.strerror}")
    if not paths and not errors:
        raise ValueError(f"no pictures in {', '.join(map(str, args.pictures))}")
    recognizer = reader.Recognizer(args.weights, args.device)
    recognizer.load()
    reader.chosen_net(args.model)  # an unknown name fails here, once, and not for each picture
    status = 1 if errors else 0
    for number, path in enumerate(paths):
        try:
            reading = recognizer.read(path, args.model)
            answer = _answer(path, reading, args.json)
        except (ValueError, OSError) as error:
            _complain(_unread(path, error))
            status = 1
            continue
        print(answer, flush=True)
        if args.steps:
            from mnistcore import figures

            png = figures.reading_steps(reading)
            write_whole(args.steps / f"{number:03d}_{path.stem}.png", png)
    return status


def run_maps(args: Namespace) -> None:
    """Draw the feature maps of one digit, one picture per layer."""
    import torch

    from mnistcore import checkpoint
    from mnistcore.device import choose_device

    model = checkpoint.load_model(args.model, args.weights, choose_device(args.device))
    if args.image is not None:
        from mnistcore.reading.recognizer import read

        digits = read(args.image).digits
        if len(digits) != 1:
            raise ValueError(
                f"{args.image} shows {len(digits)} digits; give a picture of exactly one"
            )
        ink = torch.from_numpy(digits[0].image)[None, None]
        title = args.image.name
    else:
        ink, title = _test_digit(args.index, args.data_dir)
    for path in _draw_maps(model, ink, title, args.out):
        print(path)


def _test_digit(index: int, data_dir: Path) -> "tuple[Tensor, str]":
    from mnistcore.data import load_mnist, to_unit

    images, labels = load_mnist("test", data_dir)
    if not 0 <= index < len(images):
        raise ValueError(f"--index is {index}; it must be from 0 to {len(images) - 1}")
    return to_unit(images[index : index + 1]), f"test digit {index}, a {labels[index]}"


def _draw_maps(model: "nn.Module", ink: "Tensor", title: str, out_dir: Path) -> list[Path]:
    """Draw the digit and the maps of each layer; the layers of a stage share their colour scale.

    Maps of an earlier run in ``out_dir`` are removed: they may be of another net or digit.
    """
    from mnistcore import figures, inside
    from mnistcore.data import normalize

    device = next(model.parameters()).device
    pictures = {"picture": figures.gray_picture(ink[0, 0].numpy(), title)}
    for stage in inside.feature_maps(model, normalize(ink).to(device)):
        limit = max(float(maps.abs().max()) for maps in stage.values())
        for name, maps in stage.items():
            pictures[name] = figures.feature_maps(maps.cpu().numpy(), limit, name)
    earlier = [p for kind in ("picture", "conv*") for p in out_dir.glob(f"[0-9][0-9]_{kind}.png")]
    for path in earlier:
        path.unlink()
    if earlier:
        _complain(f"replaced {len(earlier)} pictures of an earlier run in {out_dir}")
    paths = [out_dir / f"{number:02d}_{name}.png" for number, name in enumerate(pictures)]
    for path, png in zip(paths, pictures.values(), strict=True):
        write_whole(path, png)
    return paths


def run_export(args: Namespace) -> None:
    """Write the nets, one file each."""
    from mnistcore import export
    from mnistcore.models import model_name

    names = list(RECIPES) if args.model.lower() == "all" else [model_name(args.model)]
    for name in names:
        path = args.out / f"{name}.{args.format}"
        write_whole(path, export.to_onnx(name, args.weights))
        print(path, flush=True)


COMMANDS: dict[str, Callable[[Namespace], int | None]] = {
    "train": run_train,
    "all": run_all,
    "benchmark": run_benchmark,
    "predict": run_predict,
    "maps": run_maps,
    "export": run_export,
}


def _run(args: Namespace) -> int:
    try:
        return COMMANDS[args.command](args) or 0
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        _complain(str(error))
        return 2
    except KeyboardInterrupt:
        advice = "; add --resume to continue after the last epoch" if "resume" in args else ""
        _complain(f"stopped{advice}")
        return 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 for success, 1 if some of several pictures could not be read, 2 for a wrong call or bad
        input, 130 for Ctrl-C, 141 if the program that reads the output has ended.
    """
    try:
        try:
            return _run(build_parser().parse_args(argv))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered goes nowhere; otherwise Python complains about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OUTPUT_CLOSED


if __name__ == "__main__":
    sys.exit(main())
