"""The tables of the README, in Markdown, from the results files alone."""

from collections.abc import Mapping, Sequence
from typing import Any

BEGIN, END = "<!-- {name}: begin, generated -->", "<!-- {name}: end -->"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(header) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]


def benchmark_report(results: Mapping[str, Any]) -> str:
    """Accuracy, cost, calibration and pairwise tests; ``results`` as in ``benchmark.json``."""
    nets = results["nets"]
    odd = [
        f"{name} ({net['training']['config']['epochs']} epochs)"
        for name, net in nets.items()
        if not net["training"]["own_recipe"]
    ]
    lines = []
    if odd:
        lines += [f"**No results: trained by other than the net's recipe: {', '.join(odd)}.**", ""]
    lines += [*_accuracy_table(results), "", *_cost_table(results), "", _provenance(results)]
    if "mcnemar" in results:
        lines += ["", *_mcnemar_table(results["mcnemar"])]
    return "\n".join(lines)


def _accuracy_table(results: Mapping[str, Any]) -> list[str]:
    header = [
        "net",
        "test accuracy %",
        "95 % interval",
        "errors per 10,000",
        "without contested labels %",
        "over seeds %",
        "reference: table %",
        "reference: best log %",
    ]
    rows = []
    for name, net in results["nets"].items():
        seeds = net["seeds"]
        spread = "one seed"
        if seeds["n"] > 1:
            spread = f"{_percent(seeds['mean'])} ± {_percent(seeds['std'])} (n = {seeds['n']})"
        reference = [f"{percent:.2f}" for percent in net["reference"]] or ["", ""]
        rows.append([name, *_accuracy_cells(net), spread, *reference])
    if "together" in results:
        rows.append(["all together", *_accuracy_cells(results["together"]), "", "", ""])
    return _table(header, rows)


def _accuracy_cells(answers: Mapping[str, Any]) -> list[str]:
    low, high = answers["interval"]
    uncontested = answers["uncontested"]
    return [
        f"**{_percent(answers['accuracy'])}**",
        f"{_percent(low)} to {_percent(high)}",
        f"{answers['errors'] * 10_000 / answers['n']:.0f}",
        _percent(1 - uncontested["errors"] / uncontested["n"]),
    ]


def _cost_table(results: Mapping[str, Any]) -> list[str]:
    header = [
        "net",
        "parameters",
        "multiply-adds",
        "epochs",
        "training s",
        "training images/s",
        "one image, ms",
        f"images/s by {results['batch']}",
        "calibration error % before, after temperature",
    ]
    rows = []
    for name, net in results["nets"].items():
        training, calibration = net["training"], net["calibration"]
        row = [
            name,
            f"{net['num_params']:,}",
            f"{net['macs'] / 1e6:.2f} M",
            f"{training['config']['epochs']}",
            f"{training['train_seconds']:,.0f}",
            f"{training['images_per_second']:,.0f}",
            f"{net['latency_ms']:.2f}",
            f"{net['images_per_second']:,.0f}",
            f"{_percent(calibration['before'])}, {_percent(calibration['after'])}",
        ]
        rows.append(row)
    return _table(header, rows)


def _provenance(results: Mapping[str, Any]) -> str:
    trainings = [net["training"] for net in results["nets"].values()]
    seeds = sorted({training["config"]["seed"] for training in trainings})
    made = sorted(
        f"{t['device']}, torch {t['torch_version']}, code {t['code_version']}" for t in trainings
    )
    n = next(iter(results["nets"].values()))["n"]
    return (
        f"MNIST test set, n = {n:,}, read after the last epoch; Wilson intervals; "
        f"seed {', '.join(map(str, seeds))}. Trained on: {'; '.join(dict.fromkeys(made))}. "
        f"Speed, medians: {results['device']}, torch {results['torch_version']}."
    )


def _mcnemar_table(pairs: Sequence[Mapping[str, Any]]) -> list[str]:
    header = ["pair", "only the first is right", "only the second is right", "p (exact McNemar)"]
    rows = [
        [f"{p['a']}, {p['b']}", str(p["only_a"]), str(p["only_b"]), f"{p['p_value']:.2g}"]
        for p in pairs
    ]
    return _table(header, rows)


def speed_report(speed: Mapping[str, Any]) -> str:
    """Conventional training beside ours; ``speed`` as in ``speed.json``."""
    header = ["net", "conventional, images/s", "this project, images/s", "ratio (least, greatest)"]
    rows = [
        [
            name,
            f"{net['conventional']:,.0f}",
            f"{net['ours']:,.0f}",
            f"**{net['ratio']:.1f}** ({net['ratio_min']:.1f}, {net['ratio_max']:.1f})",
        ]
        for name, net in speed["nets"].items()
    ]
    how = (
        f"Medians of {speed['rounds']} rounds of {speed['images']:,} images, the two in turn in "
        f"one process; {speed['device']}, torch {speed['torch_version']}."
    )
    return "\n".join([*_table(header, rows), "", how])


def pictures_report(results: Mapping[str, Any]) -> str:
    """How well pictures are read, refused and how fast; ``results`` as in ``pictures.json``."""
    rows = results["rows"]
    read = {key: row for key, row in rows.items() if "right" in row}
    nets = [name for name in next(iter(read.values()))["right"] if name != "together"]
    header = [
        "pictures",
        "n",
        "naive %",
        *(f"{name} %" for name in nets),
        "five together %",
        "95 % interval",
        "the nets on the same digits of MNIST %",
    ]
    lines = _table(header, [_read_cells(row, nets) for row in read.values()])
    others = [row for row in rows.values() if "right" not in row]
    refusing = [[row["title"], *_refused_cells(row)] for row in [*others, rows["own_frame"]]]
    header = ["refused: not read as a sure digit", "n", "naive %", "refused %", "95 % interval"]
    lines += ["", *_table(header, refusing), "", *_reading_figures(results)]
    if results["split"] != "test":
        lines = [f"**No results: digits of the {results['split']} split.**", "", *lines]
    return "\n".join(lines)


def _interval(share: Mapping[str, Any]) -> str:
    return " to ".join(map(_percent, share["interval"]))


def _read_cells(row: Mapping[str, Any], nets: Sequence[str]) -> list[str]:
    right = row["right"]
    return [
        row["title"],
        f"{row['n']:,}",
        _percent(row["naive"]["together"]["share"]),
        *(_percent(right[name]["share"]) for name in nets),
        f"**{_percent(right['together']['share'])}**",
        _interval(right["together"]),
        _percent(row["plain"]["share"]) if "plain" in row else "",
    ]


def _refused_cells(row: Mapping[str, Any]) -> list[str]:
    refused = row["refused"]
    return [f"{row['n']:,}", "0", f"**{_percent(refused['share'])}**", _interval(refused)]


def _reading_figures(results: Mapping[str, Any]) -> list[str]:
    rows, times = results["rows"], results["read_ms"]
    canvases = [rows[name] for name in ("canvas", "redrawn")]
    n = sum(row["n"] for row in canvases)
    split = sum(row["split"]["count"] for row in canvases)
    figures = [
        f"single digits on canvases taken for several: {_percent(split / n)} % (n = {n:,})",
        f"28x28 that comes out of an MNIST digit in its own frame: off by "
        f"{rows['own_frame']['frame_difference']:.2f} of 255 in the mean",
        f"a read of a 280x280 canvas, all five nets, one thread: {times['median']:.1f} ms in the "
        f"median, 95 % under {times['p95']:.1f} ms ({results['device']}, "
        f"torch {results['torch_version']})",
    ]
    return [
        "Read is what has all its digits right and no other. Naive: the whole picture shrunk to "
        "28x28, gray, light on dark by its median, the five nets together. Wilson intervals.",
        "",
        *(f"- {figure}" for figure in figures),
    ]


def splice(text: str, name: str, block: str) -> str:
    """A text in which the generated block ``name`` is replaced.

    Raises:
        ValueError: the text has no such block.
    """
    begin, end = BEGIN.format(name=name), END.format(name=name)
    if begin not in text or end not in text:
        raise ValueError(f"no block {begin} ... {end}")
    head, rest = text.split(begin, 1)
    return f"{head}{begin}\n{block}\n{end}{rest.split(end, 1)[1]}"
