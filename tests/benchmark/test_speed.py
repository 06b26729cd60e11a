import pytest

from mnistcore.benchmark import speed
from mnistcore.files import ASSETS


def test_both_ways_are_timed_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "IMAGES", 1024)
    monkeypatch.setattr(speed, "ROUNDS", 2)
    result = speed.compare_speed(["LeNet"], ASSETS, "cpu")
    (net,) = result["nets"].values()
    assert net["ratio_min"] <= net["ratio"] <= net["ratio_max"]
    assert net["conventional"] > 0
    assert (result["images"], result["rounds"]) == (1024, 2)
