import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from mnistcore.files import ROOT
from mnistcore.reading.recognizer import Recognizer
from tests.tools import load


@pytest.fixture(scope="module")
def answers() -> list[dict[str, Any]]:
    """The answers to two visitors' numbers."""
    recognizer, rng = Recognizer(device="cpu"), np.random.default_rng(0)
    return [load.write_number(n, rng, recognizer)[-1].answer for n in ("12", "19")]


def test_another_visitors_answer_is_found(answers: list[dict[str, Any]]) -> None:
    for own, other in (answers, answers[::-1]):
        load.check(json.loads(json.dumps(own)), own)
        with pytest.raises(load.WrongAnswer):
            load.check(other, own)


def test_wrong_probabilities_are_found(answers: list[dict[str, Any]]) -> None:
    other = json.loads(json.dumps(answers[0]))
    other["digits"][0]["probs_by_model"]["LeNet"] = [0.1] * 10
    with pytest.raises(load.WrongAnswer, match="probabilities"):
        load.check(other, answers[0])


def test_only_this_machine_can_be_tested() -> None:
    call = [sys.executable, "-m", "tests.tools.load", "--url", "http://example.com"]
    result = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "only a server on this machine" in result.stderr


@pytest.mark.slow
def test_concurrent_visitors_get_their_own_answers() -> None:
    call = [
        sys.executable,
        "-m",
        "tests.tools.load",
        "--clients",
        "4",
        "--seconds",
        "1",
        "--haste",
        "5",
    ]
    result = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    figures = json.loads(result.stdout.splitlines()[-1])
    assert (figures["errors"], figures["mixed"]) == (0, 0)
    kinds = figures["ms_by_kind"]
    assert set(kinds) == {"page", "tick", "stroke", "net", "read"}
    assert kinds["stroke"]["n"] >= 8
