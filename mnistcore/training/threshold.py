"""The probability thresholds below which the nets are not trusted, from validation digits."""

from pathlib import Path

import numpy as np
from torch import Tensor

from mnistcore import checkpoint
from mnistcore.data import split_train_val, to_unit
from mnistcore.files import write_json
from mnistcore.reading.ensemble import THRESHOLD_FILE, Ensemble, Probs

REFUSED = 0.01  # fraction of the validation digits that fall below a threshold
# The highest threshold. With few validation digits all may have a probability of 1; then rounding
# alone would make an answer unsure.
HIGHEST = 0.999


def choose_thresholds(weights_dir: Path | str, images: Tensor) -> None:
    """Write ``recognizer.json``: the 1st percentile of the top probability on validation digits.

    It has one threshold for the mean of all nets in the folder, and one for each net alone. The
    digits are those that no net was trained on: the smallest of their validation sets, which is a
    part of the others.

    Args:
        weights_dir: folder of at least one checkpoint.
        images: all training images of the data set that the nets were trained on, uint8
            (n, 1, 28, 28).

    Raises:
        FileNotFoundError, ValueError: weights are missing or damaged.
        OSError: the folder cannot be written.
    """
    nets = Ensemble(weights_dir, "cpu")
    paths = {name: checkpoint.find(weights_dir, name) for name in nets.names}
    configs = [checkpoint.load_for(name, path, "config")["config"] for name, path in paths.items()]
    val = split_train_val(min(config["val_size"] for config in configs), len(images))[1]
    probs = nets.probs(to_unit(images[val, 0]).cpu().numpy())[0]
    content = {
        "threshold": _threshold(np.mean(list(probs.values()), 0)),
        "nets": {name: _threshold(by_net) for name, by_net in probs.items()},
        "refused_validation_digits": REFUSED,
        "n": len(val),
    }
    write_json(Path(weights_dir) / THRESHOLD_FILE, content)


def _threshold(probs: Probs) -> float:
    """The probability of the likeliest digit that ``REFUSED`` of the answers (n, 10) are below."""
    return min(HIGHEST, float(np.quantile(probs.max(1), REFUSED)))
