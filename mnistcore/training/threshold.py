"""The probability threshold below which the five nets are not trusted, from validation digits."""

from pathlib import Path

import numpy as np

from mnistcore import checkpoint
from mnistcore.data import load_mnist, split_train_val, to_unit
from mnistcore.files import ASSETS, WEIGHTS, write_json
from mnistcore.models import list_models
from mnistcore.reading.ensemble import THRESHOLD_FILE, Ensemble

REFUSED = 0.01  # fraction of the validation digits that fall below the threshold
BATCH = 500  # images per forward pass: bounds the memory, not the result


def choose_threshold(weights_dir: Path | str = WEIGHTS, data_dir: Path | str = ASSETS) -> None:
    """Write ``recognizer.json``: the 1st percentile of the nets' mean top probability.

    Args:
        weights_dir: folder of the five checkpoints, all trained with the same validation split.
        data_dir: folder that holds ``MNIST/raw``.

    Raises:
        FileNotFoundError, ValueError: weights or data are missing or damaged.
        OSError: the folder cannot be written.
    """
    name = list_models()[0]
    first = checkpoint.load_for(name, Path(weights_dir) / f"{name}.pt", "config")
    images = load_mnist("train", data_dir)[0]
    val = split_train_val(first["config"]["val_size"], len(images))[1]
    nets = Ensemble(weights_dir, "cpu")
    batches = to_unit(images[val, 0]).split(BATCH)
    probs = [np.mean(list(nets.probs(b.numpy())[0].values()), 0).max(1) for b in batches]
    threshold = float(np.quantile(np.concatenate(probs), REFUSED))
    content = {"threshold": threshold, "refused_validation_digits": REFUSED, "n": len(val)}
    write_json(Path(weights_dir) / THRESHOLD_FILE, content)
