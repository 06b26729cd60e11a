"""Training one net, from data to checkpoint: seeded, resumable, in one or several processes."""

import math
import os
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch.distributed as dist
from tqdm import tqdm

from mnistcore import checkpoint, figures
from mnistcore.data import load_mnist
from mnistcore.device import choose_device, keep_freed_memory
from mnistcore.files import ASSETS, naming, write_json, write_whole
from mnistcore.metrics import measure, predict_logits
from mnistcore.models import model_name
from mnistcore.training.epoch import Training
from mnistcore.training.images import Data, split_data
from mnistcore.training.recipes import RECIPES, TrainConfig
from mnistcore.training.workers import Workers, joined_workers

# A net that always answers 1, the most frequent digit, is right on 11.2 % of the training images;
# on 5,000 validation images 15 % is 8 standard deviations above that.
GUESSING = 0.15


def train(
    name: str,
    config: TrainConfig | None = None,
    *,
    out_dir: Path | str,
    data_dir: Path | str = ASSETS,
    device: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Train one net on MNIST; the test set is not touched.

    After every epoch ``<out_dir>/<name>/`` holds ``training.pt``, from which the training can
    resume, and ``history.json``. At the end ``curves.png`` is added, the finished checkpoint is
    ``<out_dir>/<name>.pt``, and ``training.pt`` is deleted.

    Under ``torchrun`` each process trains on its part of every batch, and the first one writes;
    several machines need a shared ``out_dir``.

    Args:
        name: one of ``list_models()``, in any case.
        config: the recipe; the net's own by default.
        out_dir: folder of the checkpoint.
        data_dir: folder that holds ``MNIST/raw``.
        device: "cpu", "cuda", "mps", ...; by default the accelerator if there is one.
        resume: continue after the last epoch in ``training.pt``, or return a finished checkpoint
            unchanged; start from scratch if there is neither.
        overwrite: start from scratch even if either exists, and replace it.
        show_progress: show a progress bar (on a terminal) and print one line per epoch.

    Returns:
        The checkpoint: weights (averaged over the steps), config, history, temperature, val
        (metrics on the validation images), and where, how long and with what it was trained.

    Raises:
        ValueError: unknown net or device, unusable settings, damaged data, a checkpoint with other
            settings, or a training that diverged or learned nothing.
        FileExistsError: ``out_dir`` holds a training; give ``resume`` or ``overwrite``.
        OSError: ``out_dir`` cannot be written.
    """
    name, out_dir = model_name(name), Path(out_dir)
    config = config or RECIPES[name]
    chosen = choose_device(device)
    if resume and overwrite:
        raise ValueError("resume and overwrite exclude each other; give one of them")
    if not (resume or overwrite):
        check_unused(out_dir, [name])
    if resume and not _state(out_dir, name).exists() and _finished(out_dir, name).exists():
        return _finished_training(name, config, out_dir)
    keep_freed_memory()
    with joined_workers(chosen) as workers:
        data = _load_data(config, workers, data_dir)
        training = Training(name, config, workers, len(data.images))
        if workers.rank == 0:
            _prepare_folder(out_dir, name, overwrite)
        if resume and _state(out_dir, name).exists():
            _resume(training, _state(out_dir, name))
        _run_epochs(training, data, out_dir, show_progress)
        return _finish(training, data, out_dir)


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


def _finished_training(name: str, config: TrainConfig, out_dir: Path) -> dict[str, Any]:
    path = _finished(out_dir, name)
    content = checkpoint.load_for(name, path, "config", "val")
    _check_same_settings(config, content, path)
    return content


def _resume(training: Training, path: Path) -> None:
    state = checkpoint.load_for(training.name, path, "config", "history", *training.parts)
    _check_same_settings(training.config, state, path)
    training.restore(state)


def _check_same_settings(config: TrainConfig, content: dict[str, Any], path: Path) -> None:
    # A setting that is newer than the checkpoint had the effect of its default.
    ours, theirs = asdict(config), asdict(TrainConfig()) | content["config"]
    differ = [f"{k} {theirs[k]} (now {v})" for k, v in ours.items() if theirs[k] != v]
    if differ:
        raise ValueError(
            f"{path} was made with {', '.join(differ)}; resume with the same settings, or use "
            "--overwrite instead of --resume"
        )


def _load_data(config: TrainConfig, workers: Workers, data_dir: Path | str) -> Data:
    downloads = os.environ.get("LOCAL_RANK", "0") == "0"  # one process per machine
    if not downloads:
        dist.barrier()
    images, labels = load_mnist("train", data_dir, workers.device)
    if downloads and workers.world > 1:
        dist.barrier()
    return split_data(images, labels, config)


def _prepare_folder(out_dir: Path, name: str, overwrite: bool) -> None:
    folder = out_dir / name
    folder.mkdir(parents=True, exist_ok=True)
    with naming(folder):  # better to fail now than after the first epoch
        tempfile.TemporaryFile(dir=folder).close()
    if overwrite:
        _state(out_dir, name).unlink(missing_ok=True)


def _run_epochs(training: Training, data: Data, out_dir: Path, show_progress: bool) -> None:
    name, config, first = training.name, training.config, training.workers.rank == 0
    total = config.epochs * training.steps_per_epoch * config.batch_size
    with tqdm(
        total=total,
        initial=total * len(training.history) // config.epochs,
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
                checkpoint.save(training.state(), _state(out_dir, name))
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
    name, content = training.name, training.finished(data.val_images, data.val_labels)
    accuracy = 1 - content["val"]["errors"] / content["val"]["n"]
    if accuracy < GUESSING:
        raise ValueError(
            f"{name} learned nothing: it reads {accuracy:.1%} of the validation digits, which is "
            "guessing, so no weights were written; lower --lr or change the recipe, and add "
            "--overwrite"
        )
    if training.workers.rank == 0:
        write_whole(out_dir / name / "curves.png", figures.curves(name, training.history))
        checkpoint.save(content, _finished(out_dir, name))
        _state(out_dir, name).unlink(missing_ok=True)
    return content
