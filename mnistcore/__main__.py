"""The command line: ``mnistcore train | all | adapt | benchmark | predict | maps | ...``.

``python -m mnistcore`` is the same. Each command imports what it needs when it runs, so that
``--help`` and a wrong call answer at once, and reading a picture loads nothing that trains.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistcore.files import (
    INSTALLED,
    RESULTS,
    RUNS,
    WEIGHTS,
    code_version,
    error_words,
    write_json,
    write_whole,
)
from mnistcore.flags import build_parser
from mnistcore.training.recipes import FAST, FAST_NET, RECIPES, TrainConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mnistcore.datasets import Dataset
    from mnistcore.reading.recognizer import Digit, Recognizer

QUICK = {"epochs": 1}
AN_EIGHT = 61  # index of the test digit whose maps come with the results
OUTPUT_CLOSED = 141  # 128 + SIGPIPE: the status that shells give a program which `head` cut short


def _train_and_report(
    name: str,
    args: Namespace,
    out_dir: Path,
    overwrite: bool,
    replacing: Sequence[str] = (),
    **recipe: Any,
) -> None:
    """Train one net with its recipe, ``recipe`` and the flags, and print one line about it."""
    from mnistcore.training.loop import train

    flags = {f.name: getattr(args, f.name) for f in fields(TrainConfig)}
    recipe |= {key: value for key, value in flags.items() if value is not None}
    content = train(
        name,
        recipe,
        out_dir=out_dir,
        data_dir=args.data_dir,
        device=args.device,
        resume=args.resume,
        overwrite=overwrite,
        show_progress=True,
        replacing=replacing,
    )
    if _is_first_process():
        val, code = content["val"], code_version()
        now = "" if code == content["code_version"] else f"; it is now {code}"
        print(
            f"{out_dir / name}.pt misreads {val['errors']} of {val['n']:,} validation digits; "
            f"trained in {content['train_seconds']:,.0f} s on {content['device']}, "
            f"code {content['code_version']}{now}"
        )


def run_train(args: Namespace) -> None:
    """Train one net, so that it can read pictures, alone or with the others in its folder."""
    from mnistcore.datasets import MNIST, data_name
    from mnistcore.models import model_name

    if args.fast and (data := data_name(args.data_dir)) != MNIST:
        raise ValueError(f"--fast is for MNIST, but the data is {data}; give --model LeNet instead")
    name = FAST_NET if args.fast else model_name(args.model)
    _train_and_report(name, args, args.out, args.overwrite, **(FAST if args.fast else {}))
    if _is_first_process():
        _choose_thresholds(args.out, args.data_dir)
        print(f"To read with it, add --weights {args.out} --model {name}.")


def _is_first_process() -> bool:
    """Whether this process reports: the only one, or torchrun's first."""
    return os.environ.get("RANK", "0") == "0"


def _choose_thresholds(weights_dir: Path, data_dir: Path) -> None:
    from mnistcore.datasets import load_data
    from mnistcore.training.threshold import choose_thresholds

    choose_thresholds(weights_dir, load_data("train", data_dir).images)


def run_all(args: Namespace) -> None:
    """Train the nets one after the other, then benchmark them."""
    from torch.distributed import is_torchelastic_launched

    from mnistcore import checkpoint
    from mnistcore.datasets import load_data
    from mnistcore.models import model_name
    from mnistcore.training.loop import check_same_data, check_unused

    names = list(dict.fromkeys(map(model_name, args.models)))  # each once
    if is_torchelastic_launched():
        raise ValueError("all runs in one process; under torchrun use train, then benchmark")
    out_dir = args.out or (RUNS / "quick" if args.quick else RUNS)
    weights_dir, results_dir = out_dir / "weights", out_dir / "results"
    if args.seeds < 1:
        raise ValueError(f"--seeds is {args.seeds}; it must be at least 1")
    first, *others = range(args.seed or 0, (args.seed or 0) + args.seeds)
    folders = {first: weights_dir} | {seed: out_dir / f"seed{seed}" for seed in others}
    new_trial = args.quick and not args.out and not args.resume
    overwrite = args.overwrite or new_trial
    for folder in folders.values():  # of all nets, before the first of them trains for hours
        if not (args.resume or overwrite):
            check_unused(folder, names)
        check_same_data(folder, names, args.data_dir)
    _check_results(results_dir, args.data_dir)
    test = load_data("test", args.data_dir)  # if there is none, better to know it now
    print(f"training {', '.join(names)}; weights and results go to {out_dir}")
    recipe = QUICK if args.quick else {}
    for seed, folder in folders.items():
        flags = Namespace(**vars(args) | {"seed": seed})
        for name in names:
            _train_and_report(name, flags, folder, overwrite, names, **recipe)
            if folder != weights_dir:
                _record([name], [folder], weights_dir, results_dir, args)
        _choose_thresholds(folder, args.data_dir)
    _benchmark(names, weights_dir, results_dir, args)
    if "LeNet" in names:
        model = checkpoint.load_model("LeNet", weights_dir)
        index = min(AN_EIGHT, len(test.labels) - 1)
        _draw_maps(model, *_test_digit(index, test), results_dir / "maps")
    if args.quick:
        print("Quick trial run: do not report these numbers.")
        return
    if weights_dir.resolve() != WEIGHTS:
        print(f"To read with these nets, add --weights {weights_dir}.")
    if test.is_mnist:
        print(f"For the page's map of training digits: mnistcore atlas --weights {weights_dir}")


def run_adapt(args: Namespace) -> None:
    """Teach nets the user's hand, and write them unless they have forgotten too much."""
    from tqdm import tqdm

    from mnistcore import checkpoint
    from mnistcore.data import load_mnist
    from mnistcore.datasets import load_pictures
    from mnistcore.reading.ensemble import Ensemble
    from mnistcore.training.adapt import adapt_checkpoint
    from mnistcore.training.loop import check_same_data
    from mnistcore.training.threshold import choose_thresholds

    nets = Ensemble(args.weights, args.device)
    chosen = nets.choose(args.model)
    names = [chosen] if chosen else nets.names
    there = [f"{name}.pt" for name in names if (args.out / f"{name}.pt").exists()]
    if there and not args.overwrite:
        raise FileExistsError(
            f"{args.out} already holds {', '.join(there)}; add --overwrite to replace, or --out "
            "FOLDER to write elsewhere"
        )
    check_same_data(args.out, names, args.data_dir)
    digits = load_pictures(args.digits)
    print(f"{len(digits.labels)} digits in {args.digits}; warnings: {len(digits.notes)}")
    mnist = load_mnist("train", args.data_dir)
    contents, forgetful = {}, []
    for name in names:
        path = checkpoint.find(args.weights, name)
        with tqdm(desc=name, unit=" steps", disable=None) as bar:

            def show(done: int, steps: int, bar: Any = bar) -> None:
                bar.total = steps
                bar.update(done - bar.n)

            adapted, contents[name] = adapt_checkpoint(
                path, digits.images, digits.labels, mnist, nets.device, on_step=show
            )
        print(f"{name}: {adapted.summary}", flush=True)
        if adapted.forgets:
            forgetful.append(name)
    if forgetful and not args.force:
        raise ValueError(
            f"nothing is written: {', '.join(forgetful)} lost more than half a percentage point on "
            "MNIST; check the digits and their classes, or add --force to write them anyway"
        )
    for name, content in contents.items():
        checkpoint.save(content, args.out / f"{name}.pt")
    choose_thresholds(args.out, mnist[0])
    print(f"To read your handwriting, add --weights {args.out} --model {chosen or args.model}.")


def _check_results(out_dir: Path, data_dir: Path) -> None:
    """Refuse to replace the project's results on MNIST by those on other data."""
    from mnistcore.datasets import MNIST, data_name

    if out_dir.resolve() == RESULTS and data_name(data_dir, "test") != MNIST:
        raise ValueError(f"{out_dir} has the results on MNIST; add --out FOLDER to write elsewhere")


def _benchmark(
    names: Sequence[str],
    weights_dir: Path,
    out_dir: Path,
    args: Namespace,
) -> None:
    from mnistcore.benchmark import mnist, report, seeds

    records = out_dir / seeds.FOLDER
    results = mnist.run_benchmark(weights_dir, names, records, args.data_dir, args.device)
    for path in mnist.write_results(results, out_dir, args.data_dir):
        print(f"deleted {path}: an earlier run's figure")
    _publish("benchmark", report.benchmark_report(results), out_dir)


def _record(
    names: Sequence[str],
    folders: Sequence[Path],
    weights_dir: Path,
    out_dir: Path,
    args: Namespace,
) -> None:
    """Record what nets answer that differ from those in ``weights_dir`` only in their seed."""
    from mnistcore import checkpoint
    from mnistcore.benchmark import seeds
    from mnistcore.benchmark.mnist import find_weights
    from mnistcore.datasets import load_data
    from mnistcore.device import choose_device

    test = load_data("test", args.data_dir, choose_device(args.device))
    for path in [path for folder in folders for path in find_weights(folder, names)]:
        first = checkpoint.find(weights_dir, path.stem)
        record = seeds.write_record(path, first, test, out_dir / seeds.FOLDER)
        print(f"recorded in {record}", flush=True)


def _publish(name: str, text: str, out_dir: Path) -> None:
    """Print a report and write it beside its results, or into the project's documents."""
    from mnistcore.benchmark import documents

    print(text, end="\n\n", flush=True)
    written = documents.publish(name, text, out_dir)
    print(f"results are in {out_dir}, tables in {', '.join(map(str, written))}")


def run_benchmark(args: Namespace) -> None:
    """Measure the nets, the reading of pictures or the speed; or only record, or only report."""
    shipped = args.weights.resolve() == WEIGHTS
    if args.instead in ("speed", "report") and not shipped:
        raise ValueError(f"--{args.instead} is for the shipped weights: leave out --weights")
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
        result["fast"] = speed.compare_fast(args.data_dir, args.device, True)
        result["reading"] = speed.compare_reading(args.data_dir, args.device)
        write_json(out_dir / "speed.json", result)
        _publish("speed", report.speed_report(result), out_dir)
    else:
        _check_results(out_dir, args.data_dir)
        if args.record:
            _record(list(RECIPES), args.record, args.weights, out_dir, args)
        else:
            _benchmark(list(RECIPES), args.weights, out_dir, args)


def _benchmark_pictures(out_dir: Path, args: Namespace) -> None:
    from mnistcore.benchmark import pictures, report

    places = args.weights, args.data_dir, args.device
    results = pictures.run_picture_benchmark(*places, show_progress=True)
    pictures.write_results(results, pictures.example_sheet(*places), out_dir)
    _publish("pictures", report.pictures_report(results), out_dir)


def _complain(message: str) -> None:
    print(f"mnistcore: {message}", file=sys.stderr)


def run_predict(args: Namespace) -> int:
    """Read pictures and print one line for each; 1 if some could not be read."""
    from tqdm import tqdm

    from mnistcore import predict

    if args.jobs is not None and args.jobs < 1:
        raise ValueError(f"--jobs is {args.jobs}; it must be at least 1")
    paths, errors = predict.find_pictures(args.pictures)
    for error in errors:
        _complain(f"folder {error.filename} cannot be read: {error.strerror}")
    if not paths and not errors:
        raise ValueError(f"no pictures in {', '.join(map(str, args.pictures))}")
    job = predict.Job(args.weights, args.device, args.model, args.json, args.steps)
    outcomes = predict.read_pictures(paths, job, args.jobs)
    status = 1 if errors else 0
    hidden = None if len(paths) > 1 else True  # None: unless stderr is a terminal
    with (
        closing(outcomes),
        tqdm(outcomes, total=len(paths), unit=" pictures", disable=hidden) as bar,
    ):
        for outcome in bar:
            if outcome.error:
                bar.write(f"mnistcore: {outcome.error}", sys.stderr)
                status = 1
            else:
                bar.write(outcome.answer)
                sys.stdout.flush()
    return status


def run_maps(args: Namespace) -> None:
    """Draw the feature maps and the units of one digit, one picture per layer."""
    import torch

    from mnistcore import checkpoint
    from mnistcore.device import choose_device

    model = checkpoint.load_model(args.model, args.weights, choose_device(args.device))
    if args.image is not None:
        from mnistcore.reading.recognizer import Recognizer

        digit = _only_digit(Recognizer(device=args.device), args.image)
        ink = torch.from_numpy(digit.image)[None, None]
        title = args.image.name
    else:
        from mnistcore.datasets import load_data

        ink, title = _test_digit(args.index, load_data("test", args.data_dir))
    for path in _draw_maps(model, ink, title, args.out):
        print(path)


def _only_digit(recognizer: "Recognizer", path: Path, model: str = "all") -> "Digit":
    digits = recognizer.read(path, model).digits
    if len(digits) != 1:
        raise ValueError(f"{path} shows {len(digits)} digits; give a picture of exactly one")
    return digits[0]


def run_explain(args: Namespace) -> None:
    """Draw which ink of a digit supports the nets' answer, and which supports another digit."""
    from mnistcore import figures
    from mnistcore.reading.recognizer import Recognizer
    from mnistcore.why import explain

    recognizer = Recognizer(args.weights, args.device)
    digit = _only_digit(recognizer, args.picture, args.model)
    chosen = recognizer.choose(args.model)
    if args.why_not == digit.label:
        raise ValueError(f"--why-not is {digit.label}, which is the answer; give another digit")
    nets = [chosen] if chosen else recognizer.names
    found = explain(recognizer, digit.image, nets, digit.label, args.why_not)
    name = f"{args.picture.stem}_{chosen or 'all'}_{found.digit}_not_{found.other}.png"
    write_whole(args.out / name, figures.explanation(found, digit.image, args.picture.name))
    print(args.out / name)
    for net, one in found.nets.items():
        print(
            f"{net}: logit of {found.digit} minus that of {found.other} {one.difference:+.2f}, "
            f"without ink {one.blank:+.2f}; all pixels together {one.total:+.2f}"
        )


def _test_digit(index: int, test: "Dataset") -> "tuple[Tensor, str]":
    from mnistcore.data import to_unit

    images, labels = test.images, test.labels
    if not 0 <= index < len(images):
        raise ValueError(f"--index is {index}; it must be from 0 to {len(images) - 1}")
    source = "" if test.is_mnist else f" of {test.name}"
    return to_unit(images[index : index + 1]), f"test digit {index}{source}, a {labels[index]}"


def _draw_maps(model: "nn.Module", ink: "Tensor", title: str, out_dir: Path) -> list[Path]:
    """Draw the digit, the maps and the units of each layer; a stage shares its colour scale.

    Maps of an earlier run in ``out_dir`` are removed: they may be of another net or digit.
    """
    from mnistcore import figures, inside
    from mnistcore.data import normalize

    device = next(model.parameters()).device
    pictures = {"picture": figures.gray_picture(ink[0, 0].numpy(), title)}
    stages = inside.feature_maps(model, normalize(ink).to(device))
    for stage in stages:
        limit = max(float(maps.abs().max()) for maps in stage.values())
        for name, maps in stage.items():
            pictures[name] = figures.feature_maps(maps.cpu().numpy(), limit, name)
    for layer in inside.units(model, list(stages[-1].values())[-1]):
        limit = float(layer.sums.abs().max())
        for name, numbers in {layer.name: layer.sums, f"{layer.name}+relu": layer.relu}.items():
            if numbers is not None:
                pictures[name] = figures.units(numbers.cpu().numpy(), limit, name)
    kinds = ("picture", "conv*", "fc*")
    earlier = [path for kind in kinds for path in out_dir.glob(f"[0-9][0-9]_{kind}.png")]
    for path in earlier:
        path.unlink()
    if earlier:
        _complain(f"replaced {len(earlier)} pictures of an earlier run in {out_dir}")
    paths = [out_dir / f"{number:02d}_{name}.png" for number, name in enumerate(pictures)]
    for path, png in zip(paths, pictures.values(), strict=True):
        write_whole(path, png)
    return paths


def run_atlas(args: Namespace) -> None:
    """Write the atlas of each net beside its weights."""
    from tqdm import tqdm

    from mnistcore.atlas import make_atlas
    from mnistcore.reading.ensemble import Ensemble

    nets = Ensemble(args.weights, args.device)
    chosen = nets.choose(args.model)
    names = [chosen] if chosen else nets.names
    with tqdm(names, unit=" nets", disable=None) as bar:
        for name in bar:
            bar.set_description(name)
            bar.write(str(make_atlas(args.weights, name, args.device)))


def run_export(args: Namespace) -> None:
    """Write the nets, one file each."""
    from mnistcore import export
    from mnistcore.reading.ensemble import Ensemble

    convert = {"onnx": export.to_onnx, "safetensors": export.to_safetensors}[args.format]
    nets = Ensemble(args.weights, "cpu")
    chosen = nets.choose(args.model)
    for name in [chosen] if chosen else nets.names:
        path = (args.out or RUNS / args.format) / f"{name}.{args.format}"
        write_whole(path, convert(name, args.weights))
        print(path, flush=True)


COMMANDS: dict[str, Callable[[Namespace], int | None]] = {
    "train": run_train,
    "all": run_all,
    "adapt": run_adapt,
    "benchmark": run_benchmark,
    "predict": run_predict,
    "maps": run_maps,
    "explain": run_explain,
    "atlas": run_atlas,
    "export": run_export,
}


def _run(args: Namespace) -> int:
    try:
        return COMMANDS[args.command](args) or 0
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        _complain(error_words(error))
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
