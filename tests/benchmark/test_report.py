from typing import Any

import pytest

from mnistcore import checkpoint
from mnistcore.benchmark import mnist, report
from mnistcore.benchmark.report import benchmark_report, pictures_report, speed_report
from mnistcore.files import WEIGHTS
from mnistcore.results import Benchmark, Pictures, Speed


def answers(accuracy: float, errors: int) -> dict[str, Any]:
    return {
        "n": 10_000,
        "errors": errors,
        "accuracy": accuracy,
        "interval": [0.98123, 0.99456],
        "uncontested": {"n": 9985, "errors": errors - 8},
    }


def net(errors: int, own_recipe: bool = True) -> Any:
    return {
        **answers(1 - errors / 10_000, errors),
        "calibration": {"temperature": 0.9, "before": 0.0123, "after": 0.0045},
        "reference": (98.9, 99.22),
        "num_params": 44_426,
        "macs": 281_640,
        "latency_ms": 0.345,
        "images_per_second": 23_456.7,
        "training": {
            "config": {"epochs": 20, "seed": 0},
            "train_seconds": 123.4,
            "images_per_second": 8912.3,
            "device": "Some CPU, 2 threads",
            "torch_version": "2.9.0",
            "code_version": "abc1234",
            "own_recipe": own_recipe,
        },
    }


@pytest.fixture
def results() -> Benchmark:
    content: Any = {
        "device": "Some CPU, 2 threads",
        "torch_version": "2.9.0",
        "batch": 256,
        "nets": {"LeNet": net(50), "MyNetV2": net(40)},
        "together": answers(0.9971, 29),
        "mcnemar": [{"a": "LeNet", "b": "MyNetV2", "only_a": 9, "only_b": 19, "p_value": 0.08718}],
    }
    return content


def rows(text: str) -> list[list[str]]:
    """The cells of each line of each table."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_accuracy_rows(results: Benchmark) -> None:
    table = rows(benchmark_report(results))
    without = "99.58"  # 42 errors in 9,985
    assert table[2] == [
        "LeNet", "**99.50**", "98.12 to 99.46", "50", without, "98.90", "99.22",
    ]  # fmt: skip
    assert table[3][:2] == ["MyNetV2", "**99.60**"]
    assert table[4][:4] == ["all together", "**99.71**", "98.12 to 99.46", "29"]


def test_other_data_is_named_and_has_no_columns_of_mnist(results: Benchmark) -> None:
    results["data"] = {"name": "ours", "classes": [0, 7], "n": 10_000}
    for answers in (*results["nets"].values(), results["together"]):
        del answers["uncontested"]
    for net, data in zip(results["nets"].values(), ("ours", "theirs"), strict=True):
        net["reference"] = []
        net["training"]["data"] = data
    text = report.accuracy_report(results)
    assert rows(text)[0][-2:] == ["95 % interval", "errors per 10,000"]
    assert len({len(row) for row in rows(text)}) == 1
    assert "ours (classes 0, 7), n = 10,000" in text
    assert "Trained: LeNet on Some CPU" in text
    assert "; MyNetV2 on theirs, Some CPU" in text


def test_cost_rows(results: Benchmark) -> None:
    assert [
        "LeNet", "44,426", "0.28 M", "20", "123", "8,912", "0.34", "23,457", "1.23, 0.45",
    ] in rows(benchmark_report(results))  # fmt: skip


def test_pairs(results: Benchmark) -> None:
    text = benchmark_report(results)
    assert rows(text)[-1] == ["LeNet, MyNetV2", "9", "19", "0.087"]
    assert text.endswith("smallest p = 0.087).")


def test_tables_are_rectangular(results: Benchmark) -> None:
    for block in benchmark_report(results).split("\n\n"):
        assert len({len(row) for row in rows(block)}) <= 1


def add_seeds(benchmark: Benchmark) -> None:
    spread = {"mean": 0.99481, "std": 0.00052}
    everything: Any = {
        name: spread | {"uncontested": {"mean": 0.996, "std": 0.0005}}
        for name in (*benchmark["nets"], "together")
    }
    ensemble: Any = {"n": 10_000, "errors": 33, "uncontested": {"n": 9985, "errors": 26}}
    benchmark["seeds"] = {"n": 3, "nets": everything, "ensemble": ensemble}


def test_means_over_seeds_come_first(results: Benchmark) -> None:
    assert "±" not in benchmark_report(results)
    add_seeds(results)
    text = report.accuracy_report(results)
    header, _, lenet, _, together, ensemble, detailed, *_ = rows(text)
    assert header == ["net", "errors per 10,000", "without contested labels", "test accuracy %"]
    assert lenet == ["LeNet", "51.9 ± 5.2", "40.0 ± 5.0", "99.48 ± 0.05"]
    assert together == ["all together", *lenet[1:]]
    assert ensemble == ["all 6 nets together", "33", "26", "99.67"]
    assert detailed[2] == "95 % interval"
    assert "of n = 3 training runs" in text
    assert "Seed 0 alone:" in text


def test_means_on_other_data_have_no_contested_labels(results: Benchmark) -> None:
    add_seeds(results)
    spreads: list[Any] = [*results["seeds"]["nets"].values(), results["seeds"]["ensemble"]]
    for spread in spreads:
        del spread["uncontested"]
    text = report.accuracy_report(results)
    assert rows(text)[0] == ["net", "errors per 10,000", "test accuracy %"]
    assert rows(text)[5] == ["all 6 nets together", "33", "99.67"]


def test_the_overview_is_of_one_seed_or_of_several(results: Benchmark, pictures: Pictures) -> None:
    text = report.overview(results, pictures)
    assert rows(text)[0][2] == "MNIST test %"
    assert "\n\nOne training run of each net, seed 0. " in text
    add_seeds(results)
    text = report.overview(results, pictures)
    header, _, lenet, _, together, ensemble = rows(text)
    assert header[2:4] == ["MNIST errors per 10,000", "without contested labels"]
    assert lenet[2:4] == together[2:4] == ["51.9 ± 5.2", "40.0 ± 5.0"]
    assert lenet[4] == "98.90 (49.45 to 99.45)"
    assert ensemble == ["all 6 nets together", "266,556", "33", "26", "", ""]
    assert {len(row) for row in rows(text)} == {6}
    assert "Canvases and photos: seed 0 alone." in text


def test_provenance_names_each_origin_once(results: Benchmark) -> None:
    text = benchmark_report(results)
    assert "n = 10,000" in text
    assert text.count("Some CPU, 2 threads, torch 2.9.0, code abc1234") == 1


def test_one_net_needs_no_pairs(results: Benchmark) -> None:
    del results["together"], results["mcnemar"]
    results["nets"] = {"LeNet": net(50)}
    text = benchmark_report(results)
    assert "McNemar" not in text
    assert "together" not in text


def test_warning_if_a_recipe_was_changed(results: Benchmark) -> None:
    assert "Do not report" not in benchmark_report(results)
    results["nets"]["MyNetV2"] = net(40, own_recipe=False)
    first_line = benchmark_report(results).splitlines()[0]
    assert "Do not report these numbers" in first_line
    assert "MyNetV2 (20 epochs)" in first_line
    assert "LeNet" not in first_line


def test_an_adapted_net_is_named(results: Benchmark) -> None:
    content = checkpoint.load(WEIGHTS / "LeNet.pt") | {"adapted": {"digits": 24}}
    training = mnist._training_run("LeNet", content)
    results["nets"]["LeNet"] = net(40) | {"training": training}
    first_line = benchmark_report(results).splitlines()[0]
    assert "changed recipes for LeNet (adapted to a writer's digits (n = 24))" in first_line


def test_speed_report() -> None:
    speed: Speed = {
        "device": "Some CPU",
        "torch_version": "2.9.0",
        "images": 16_384,
        "rounds": 5,
        "nets": {
            "LeNet": {
                "conventional": 4321.4, "ours": 43_210.9,
                "ratio": 10.02, "ratio_min": 9.46, "ratio_max": 11.11,
            }
        },
    }  # fmt: skip
    text = speed_report(speed)
    assert rows(text)[-1] == ["LeNet", "4,321", "43,211", "**10.0** (9.5, 11.1)"]
    assert "5 rounds of 16,384 images" in text
    # Not in the results of earlier versions:
    assert "read_many" not in text
    assert "peak" not in text
    assert report.fast_sentence(speed) == ""
    speed["nets"]["LeNet"]["flops_per_image"] = 1_000_000
    speed["peak"] = {"float32": 1e11, "bfloat16": 1e12}
    speed["fast"] = {
        "device": "Some CPU, 2 threads",
        "net": "LeNet",
        "conventional": {"seconds": [8.0, 9.0], "accuracies": [0.99, 0.991]},
        "ours": {"seconds": [4.0, 3.0], "accuracies": [0.9912, 0.9914]},
    }
    text = speed_report(speed)
    assert rows(text)[2][4:] == ["4.3 (4.3%)", "43.2 (4.3%)"]
    assert "100 GFLOP/s in float32 and 1,000 in bfloat16" in text
    assert rows(text)[-2:] == [
        ["a conventional fast recipe", "99.05 ± 0.07", "8.5 (8.0, 9.0)", "1"],
        [
            "`mnistcore train --fast` (LeNet)",
            "99.13 ± 0.01",
            "3.5 (3.0, 4.0)",
            "**2.4 (2.0, 3.0)**",
        ],
    ]
    sentence = report.fast_sentence(speed)
    assert "in memory, `train --fast` trains LeNet in 3.5 s; it then reads 99.13 %" in sentence
    assert "takes 8.5 s and reads 99.05 %; ours is 2.4 (2.0, 3.0) times as fast" in sentence
    speed["peak"]["bfloat16"] = None
    assert rows(speed_report(speed))[2][4:] == ["4.3 (4.3%)", "43.2 (43.2%)"]
    speed["reading"] = {
        "device": "Some CPU, 1 thread",
        "n": 1000,
        "rounds": 5,
        "read": 149.2,
        "read_many": 521.7,
        "ratio": 3.52,
        "ratio_min": 3.31,
        "ratio_max": 3.68,
    }
    text = speed_report(speed)
    expected = ["1,000 MNIST digits, 28x28", "149", "522", "**3.5** (3.3, 3.7)"]
    assert rows(text)[-1] == expected
    assert "5 rounds, in turn in one process; Some CPU, 1 thread." in text


def share(count: int, n: int) -> dict[str, Any]:
    return {"count": count, "share": count / n, "interval": [count / n / 2, (1 + count / n) / 2]}


@pytest.fixture
def pictures() -> Pictures:
    def row(title: str, n: int, right: int, **more: Any) -> dict[str, Any]:
        answers = {"LeNet": share(right - 1, n), "together": share(right, n)}
        naive = {"LeNet": share(n // 2, n), "together": share(n // 4, n)}
        refused = {"LeNet": share(n - right + 1, n), "together": share(n - right, n)}
        return {
            "title": title,
            "n": n,
            "right": answers,
            "naive": naive,
            "refused": refused,
            "sure_wrong": {"LeNet": share(1, n), "together": share(n // 50, n)},
            **more,
        }

    content: Any = {
        "split": "test",
        "device": "Some CPU",
        "torch_version": "2.9.0",
        "read_ms": {"n": 200, "median": 12.34, "p95": 23.44},
        "rows": {
            "own_frame": row("as is", 1000, 995, plain=share(996, 1000), frame_difference=0.456),
            "canvas": row("canvases", 1000, 990, plain=share(996, 1000), split=share(2, 1000)),
            "redrawn": row("thicker", 200, 190, plain=share(199, 200), split=share(1, 200)),
            "number": row("numbers", 100, 80),
            "photo": row("photos", 300, 270),
            "dot": {
                "title": "one dot",
                "n": 50,
                "refused": {"LeNet": share(48, 50), "together": share(49, 50)},
            },
        },
    }
    return content


def test_pictures_report(pictures: Pictures) -> None:
    text = pictures_report(pictures)
    table = rows(text)
    assert [
        "canvases", "1,000", "25.00", "98.90", "**99.00**", "49.50 to 99.50", "2.00", "99.60",
    ] in table  # fmt: skip
    assert ["numbers", "100", "25.00", "79.00", "**80.00**", "40.00 to 90.00", "2.00", ""] in table
    assert ["one dot", "50", "0", "96.00", "**98.00**", "49.00 to 99.00"] in table
    assert ["as is", "1,000", "0", "0.60", "**0.50**", "0.25 to 50.25"] in table  # MNIST, refused
    assert "0.25 % (n = 1,200)" in text
    assert "0.46 of 255" in text
    assert "median 12.3 ms, 95th percentile 23.4 ms" in text
    assert "Do not report" not in text
    for block in text.split("\n\n"):
        assert len({len(row) for row in rows(block)}) <= 1


def test_warning_if_the_digits_are_not_those_of_the_test_set(pictures: Pictures) -> None:
    pictures["split"] = "val"
    assert "Do not report these numbers" in pictures_report(pictures).splitlines()[0]


def test_overview(results: Benchmark, pictures: Pictures) -> None:
    text = report.overview(results, pictures)
    lenet, newer, together = rows(text)[2:]
    assert lenet == [
        "LeNet",
        "44,426",
        "99.50 (98.12 to 99.46)",
        "98.90 (49.45 to 99.45)",
        "89.67 (44.83 to 94.83)",
    ]
    assert newer[0] == "MyNetV2"
    assert newer[3:] == ["", ""]  # not among the results on pictures
    assert together[:2] == ["all five together", "88,852"]
    assert "10,000 test digits, 1,000 canvases and 300 photos" in text
    assert "took 4 minutes (Some CPU, 2 threads)" in text


def test_the_pairs_in_a_sentence(results: Benchmark) -> None:
    pairs = results["mcnemar"]
    assert report.significance(pairs) == (
        "No pair of nets differs significantly on MNIST (exact McNemar test; smallest p = 0.087)."
    )
    pairs[0]["p_value"] = 0.012
    assert report.significance(pairs) == (
        "On MNIST these pairs differ significantly (exact McNemar test): "
        "LeNet and MyNetV2 (p = 0.012)."
    )


def test_the_recipes_side_by_side(results: Benchmark) -> None:
    assert ["`epochs`", "20", "20"] in rows(report.recipe_table(results))


def test_limits_name_the_worst_kinds(pictures: Pictures) -> None:
    text = report.limits(pictures)
    assert "2.00 % of *one dot* are read as sure digits" in text
    assert "*numbers*: 80.00 % are right" in text
