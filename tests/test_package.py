import subprocess
import sys

import mnistcore
from mnistcore import metrics as evaluate
from mnistcore.training import epoch as training


def test_public_names_are_there() -> None:
    for name in mnistcore.__all__:
        assert getattr(mnistcore, name).__module__.startswith("mnistcore.")
    assert mnistcore.train.__name__ == "train"


def test_there_is_one_normalize() -> None:
    assert training.normalize is evaluate.normalize is mnistcore.normalize


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, mnistcore; print({'torch', 'matplotlib', 'skimage'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"
