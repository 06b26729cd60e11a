import json
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from mnistcore.files import RESULTS
from mnistcore.results import Benchmark, Pictures, Speed, load_results


def check(value: Any, kind: Any, place: str) -> None:
    """Assert that JSON has the shape of a type made of TypedDicts, lists and plain values."""
    origin, arguments = get_origin(kind), get_args(kind)
    if is_typeddict(kind):
        assert set(value) <= set(get_type_hints(kind)), place
        assert set(value) >= kind.__required_keys__, place
        for key, of_key in get_type_hints(kind).items():
            if key in value:
                check(value[key], of_key, f"{place}.{key}")
    elif origin is list:
        for i, item in enumerate(value):
            check(item, arguments[0], f"{place}[{i}]")
    elif origin is dict:
        for key, item in value.items():
            check(item, arguments[1], f"{place}.{key}")
    elif origin in (Union, UnionType):
        assert isinstance(value, arguments), place
    elif kind is not Any:
        assert type(value) is kind or (kind is float and type(value) is int), place


@pytest.mark.parametrize(
    ("name", "kind"), [("benchmark", Benchmark), ("pictures", Pictures), ("speed", Speed)]
)
def test_the_shipped_files_have_the_shapes_of_the_types(name: str, kind: Any) -> None:
    content = json.loads((RESULTS / f"{name}.json").read_text())
    check(content, kind, name)
    first = next(iter(content))
    del content[first]
    with pytest.raises(AssertionError):
        check(content, kind, name)


def test_results_that_are_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="run python -m mnistcore benchmark"):
        load_results(tmp_path)
    (tmp_path / "benchmark.json").write_text((RESULTS / "benchmark.json").read_text())
    results = load_results(tmp_path)
    assert results.benchmark == load_results().benchmark
    assert (results.pictures, results.speed) == (None, None)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "benchmark.json").write_text('{"device": ')
    with pytest.raises(ValueError, match=r"benchmark\.json is damaged"):
        load_results(tmp_path)
