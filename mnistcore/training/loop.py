"""Training one net, from data to checkpoint: seeded, resumable, in one or several processes."""

import math
import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import torch.distributed as dist
from tqdm import tqdm

from mnistcore import checkpoint, figures
from mnistcore.datasets import Dataset, data_name, load_data, titled, trained_on
from mnistcore.device import choose_device, keep_freed_memory
from mnistcore.files import ASSETS, naming, write_json, write_whole
from mnistcore.metrics import measure, predict_logits
from mnistcore.models import list_models, model_name
from mnistcore.results import DataRecord
from mnistcore.training.epoch import Training
from mnistcore.training.images import Data, split_data
from mnistcore.training.recipes import RECIPES, TrainConfig, fitted
from mnistcore.training.workers import Workers, joined_workers

# A net has learned something if it avoids this share of the errors that are made by always giving
# the most frequent answer. For MNIST that is an accuracy of 15 %: 8 standard deviations above the
# share of the 1s, on 5,000 validation images. Where that share is less than one error, chance
# would decide, so no net is refused.
LEARNED = 0.05
SYNTHETIC = ("drawn", "edited", "others")  # settings for MNIST alone


def train(
    name: str,
    config: TrainConfig | Mapping[str, Any] | None = None,
    *,
    out_dir: Path | str,
    data_dir: Path | str = ASSETS,
    device: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    show_progress: bool = False,
    replacing: Iterable[str] = (),
) -> dict[str, Any]:
    """Train one net on MNIST, or on a data set of one's own; the test set is not touched.

    After every epoch ``<out_dir>/<name>/`` holds ``training.pt``, from which the training can
    resume, and ``history.json``. At the end ``curves.png`` is added, the finished checkpoint is
    ``<out_dir>/<name>.pt``, and ``training.pt`` is deleted.

    Under ``torchrun`` each process trains on its part of every batch, and the first one writes;
    several machines need a shared ``out_dir``.

    Args:
        name: one of ``list_models()``, in any case.
        config: a whole recipe, or a dict of the settings to change in the net's own recipe. For
            other data than MNIST the net's own recipe is fitted to the number of images, and no
            synthetic digits are added.
        out_dir: folder of the checkpoint.
        data_dir: the data set; see :func:`mnistcore.datasets.load_data`.
        device: "cpu", "cuda", "mps", ...; by default the accelerator if there is one.
        resume: continue after the last epoch in ``training.pt``, or return a finished checkpoint
            unchanged; start from scratch if there is neither.
        overwrite: start from scratch even if either exists, and replace it.
        show_progress: show a progress bar (on a terminal) and print one line per epoch.
        replacing: other nets that are about to be trained into ``out_dir`` as well: those that are
            there now may be of other data.

    Returns:
        The checkpoint: weights (averaged over the steps), config, data (name, classes and number
        of images), history, temperature, val (metrics on the validation images), and where, how
        long and with what it was trained.

    Raises:
        ValueError: unknown net or device, unusable settings or data, a checkpoint with other
            settings or data, nets of other data in ``out_dir``, or a training that diverged or
            learned nothing.
        FileExistsError: ``out_dir`` holds a training; give ``resume`` or ``overwrite``.
        OSError: ``out_dir`` cannot be written.
    """
    name, out_dir = model_name(name), Path(out_dir)
    chosen = choose_device(device)
    if resume and overwrite:
        raise ValueError("resume and overwrite exclude each other; give one of them")
    if not (resume or overwrite):
        check_unused(out_dir, [name])
    check_same_data(out_dir, [name, *replacing], data_dir)
    keep_freed_memory()
    with joined_workers(chosen) as workers:
        dataset = _load_data(workers, data_dir)
        config = _settings(name, config, dataset)
        if resume and not _state(out_dir, name).exists() and _finished(out_dir, name).exists():
            return _finished_training(name, config, dataset, out_dir)
        data = split_data(dataset, config)
        training = Training(name, config, workers, len(data.images))
        if workers.rank == 0:
            _prepare_folder(out_dir, name, overwrite)
        if resume and _state(out_dir, name).exists():
            _resume(training, data, _state(out_dir, name))
        _run_epochs(training, data, out_dir, show_progress)
        return _finish(training, data, out_dir)


def _settings(
    name: str, config: TrainConfig | Mapping[str, Any] | None, dataset: Dataset
) -> TrainConfig:
    """The settings of a training; see :func:`train`."""
    if not isinstance(config, TrainConfig):
        settings = [setting.name for setting in fields(TrainConfig)]
        for setting in config or {}:
            if setting not in settings:
                raise ValueError(f"{setting} is not a setting; choose from {', '.join(settings)}")
        recipe = RECIPES[name]
        if not dataset.is_mnist:
            recipe = fitted(recipe, len(dataset.labels))
        config = replace(recipe, **(config or {}))
    for setting in SYNTHETIC:
        if getattr(config, setting) and not dataset.is_mnist:
            raise ValueError(
                f"{setting} is {getattr(config, setting)}, but the data is {dataset.name}: "
                f"synthetic images are added to MNIST alone; leave out --{setting}"
            )
    return config


def _finished(out_dir: Path, name: str) -> Path:
    return out_dir / f"{name}.pt"


def _state(out_dir: Path, name: str) -> Path:
    return out_dir / name / "training.pt"


def check_unused(out_dir: Path, names: Iterable[str]) -> None:
    """Refuse a folder that holds a finished or interrupted training of one of the nets.

    Raises:
        FileExistsError: it does; the message names the files and what to do.
    """
    paths = [path(out_dir, name) for name in names for path in (_state, _finished)]
    found = [str(path.relative_to(out_dir)) for path in paths if path.exists()]
    if found:
        raise FileExistsError(
            f"{out_dir} already holds {', '.join(found)}; add --resume to continue from there, "
            "--overwrite to train from scratch, or --out FOLDER to write elsewhere"
        )


def check_same_data(out_dir: Path, names: Iterable[str], data_dir: Path | str) -> None:
    """Refuse a folder that holds nets, besides those to be trained, of another data set.

    Raises:
        ValueError: it does; the nets of a folder read together.
        FileNotFoundError: there is no data.
    """
    data = data_name(data_dir)
    for other in set(list_models()) - set(names):
        path = checkpoint.find(out_dir, other)
        theirs = trained_on(checkpoint.load(path))["name"] if path.exists() else data
        if theirs != data:
            raise ValueError(
                f"{path} was trained on {theirs}, not on {data}; all nets of a folder "
                "must be trained on the same data: add --out FOLDER to write elsewhere"
            )


def _finished_training(
    name: str, config: TrainConfig, dataset: Dataset, out_dir: Path
) -> dict[str, Any]:
    path = _finished(out_dir, name)
    content = checkpoint.load_for(name, path, "config", "val")
    _check_same_settings(config, dataset.record, content, path)
    return content


def _resume(training: Training, data: Data, path: Path) -> None:
    state = checkpoint.load_for(training.name, path, "config", "history", *training.parts)
    _check_same_settings(training.config, data.record, state, path)
    training.restore(state)


def _in_words(record: DataRecord) -> str:
    return f"{record['name']}: {record['n']:,} images of {len(record['classes'])} classes"


def _check_same_settings(
    config: TrainConfig, record: DataRecord, content: dict[str, Any], path: Path
) -> None:
    # A setting that is newer than the checkpoint had the effect of its default.
    ours, theirs = asdict(config), asdict(TrainConfig()) | content["config"]
    ours["data"], theirs["data"] = _in_words(record), _in_words(trained_on(content))
    differ = [f"{k} {theirs[k]} (now {v})" for k, v in ours.items() if theirs[k] != v]
    if differ:
        raise ValueError(
            f"{path} was made with {', '.join(differ)}; resume with the same settings, or use "
            "--overwrite instead of --resume"
        )


def _load_data(workers: Workers, data_dir: Path | str) -> Dataset:
    downloads = os.environ.get("LOCAL_RANK", "0") == "0"  # one process per machine
    if not downloads:
        dist.barrier()
    dataset = load_data("train", data_dir, workers.device)
    if downloads and workers.world > 1:
        dist.barrier()
    return dataset


def _prepare_folder(out_dir: Path, name: str, overwrite: bool) -> None:
    folder = out_dir / name
    folder.mkdir(parents=True, exist_ok=True)
    with naming(folder):  # better to fail now than after the first epoch
        tempfile.TemporaryFile(dir=folder).close()
    if overwrite:
        _state(out_dir, name).unlink(missing_ok=True)


def _run_epochs(training: Training, data: Data, out_dir: Path, show_progress: bool) -> None:
    name, config, first = training.name, training.config, training.workers.rank == 0
    total, done = (
        sum(training.epoch_steps[:epochs]) * config.batch_size
        for epochs in (config.epochs, len(training.history))
    )
    with tqdm(
        total=total,
        initial=done,
        desc=name,
        unit="image",
        unit_scale=True,
        disable=None if show_progress and first else True,
    ) as bar:
        while len(training.history) < config.epochs:
            start = time.perf_counter()
            entry = training.epoch(data.images, data.labels, bar)
            if not math.isfinite(entry["loss"]):
                raise ValueError(f"{name} diverged (loss {entry['loss']}); lower --lr")
            val = measure(predict_logits(training.ema.module, data.val_images), data.val_labels)
            entry |= {"val_loss": val.loss, "val_accuracy": val.accuracy}
            entry["seconds"] = time.perf_counter() - start
            training.history.append(entry)
            if first:
                # The state last: if killed between the two, the epoch is simply repeated.
                write_json(out_dir / name / "history.json", training.history)
                state = training.state() | {"data": data.record}
                checkpoint.save(state, _state(out_dir, name))
            if first and show_progress:
                bar.write(_epoch_line(name, len(training.history), config.epochs, entry))


def _epoch_line(name: str, epoch: int, epochs: int, entry: dict[str, float]) -> str:
    return (
        f"{name} epoch {epoch}/{epochs}  loss {entry['loss']:.4f}  "
        f"train {entry['accuracy']:.2%}  val {entry['val_accuracy']:.2%}  "
        f"lr {entry['lr']:.1e}  {entry['seconds']:.1f} s"
    )


def _finish(training: Training, data: Data, out_dir: Path) -> dict[str, Any]:
    """Write the finished checkpoint, unless the net has learned nothing."""
    name, content = training.name, training.finished(data)
    errors, n = content["val"]["errors"], content["val"]["n"]
    guessing = n - int(data.val_labels.bincount().max())  # errors of the most frequent answer
    if LEARNED * guessing >= 1 and errors > (1 - LEARNED) * guessing:
        raise ValueError(
            f"{name} learned nothing: it reads {1 - errors / n:.1%} of the validation digits, "
            "which is guessing, so no weights were written; lower --lr, raise --epochs or change "
            "the recipe, and add --overwrite"
        )
    if training.workers.rank == 0:
        curves = figures.curves(titled(name, data.record["name"]), training.history)
        write_whole(out_dir / name / "curves.png", curves)
        checkpoint.save(content, _finished(out_dir, name))
        _state(out_dir, name).unlink(missing_ok=True)
    return content
