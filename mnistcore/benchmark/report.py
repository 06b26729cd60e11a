"""The results as Markdown tables and sentences."""

from collections.abc import Sequence
from itertools import compress
from statistics import fmean, stdev
from typing import Literal

from mnistcore.results import (
    MNIST,
    TOGETHER,
    Answers,
    Benchmark,
    Fast,
    NetResults,
    Pair,
    Peak,
    PictureRow,
    Pictures,
    Rates,
    ReadRates,
    Score,
    SeedAnswers,
    Seeds,
    ShortTraining,
    Speed,
    Spread,
    TrainingRun,
    Uncontested,
)

SIGNIFICANT = 0.05  # a pair with a p-value below it is named

SEEDS_HEADER = ["MNIST errors per 10,000", "without contested labels"]

MODEL_INDEX = """\
  - name: {name}
    results:
      - task: {{type: image-classification}}
        dataset: {{type: ylecun/mnist, name: MNIST, split: test}}
        metrics: [{{type: accuracy, value: {accuracy:.4f}}}]"""


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"


def _interval(bounds: Sequence[float]) -> str:
    return " to ".join(map(_percent, bounds))


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def _errors(score: Score | Uncontested) -> str:
    return f"{10_000 * score['errors'] / score['n']:.0f}"


def _mean_errors(spread: Spread) -> str:
    """Mean and standard deviation of the errors per 10,000."""
    return f"{10_000 * (1 - spread['mean']):.1f} ± {10_000 * spread['std']:.1f}"


def overview(benchmark: Benchmark, pictures: Pictures) -> str:
    """The README's table: each net's size, and its accuracy on MNIST and on two other kinds.

    On MNIST it is the mean over several seeds, if they were measured.
    """
    canvas, photo = (pictures["rows"][name] for name in ("canvas", "photo"))
    seeds = benchmark.get("seeds")
    on_mnist = SEEDS_HEADER if seeds else ["MNIST test %"]
    header = ["net", "parameters", *on_mnist, "digits on a canvas %", "simulated photos %"]

    def cells(name: str, answers: Answers, num_params: int) -> list[str]:
        shares = [row.get("right", {}).get(name) for row in (canvas, photo)]
        test = [f"{_percent(answers['accuracy'])} ({_interval(answers['interval'])})"]
        return [
            f"{num_params:,}",
            *(_seeds_cells(seeds["nets"][name]) if seeds else test),
            *(f"{_percent(s['share'])} ({_interval(s['interval'])})" if s else "" for s in shares),
        ]

    nets = benchmark["nets"]
    rows = [[name, *cells(name, net, net["num_params"])] for name, net in nets.items()]
    all_params = sum(net["num_params"] for net in nets.values())
    rows.append(["all five together", *cells(TOGETHER, benchmark["together"], all_params)])
    if seeds:
        title, *errors = _ensemble_row(benchmark, seeds)
        rows.append([title, f"{seeds['n'] * all_params:,}", *errors, "", ""])
    n = benchmark["together"]["n"]
    minutes = sum(net["training"]["train_seconds"] for net in nets.values()) / 60
    devices = sorted({net["training"]["device"] for net in nets.values()})
    notes = (
        f"In brackets: 95 % Wilson intervals. n = {n:,} test digits, {canvas['n']:,} canvases and "
        f"{photo['n']:,} photos; the canvases and photos are rendered from test digits. Training "
        f"all five took {minutes:.0f} minutes ({'; '.join(devices)})."
    )
    seed = _first_seeds(benchmark)
    if seeds:
        notes = (
            f"Mean ± standard deviation of n = {seeds['n']} seeds. "
            f"Canvases and photos: seed {seed} alone. {notes}"
        )
    else:
        notes = f"One training run of each net, seed {seed}. {notes}"
    return f"{_table(header, rows)}\n\n{notes}"


def _seeds_cells(answers: SeedAnswers) -> list[str]:
    """The cells below ``SEEDS_HEADER``; the second is empty for other data than MNIST."""
    uncontested = answers.get("uncontested")
    return [_mean_errors(answers), _mean_errors(uncontested) if uncontested else ""]


def _ensemble_row(benchmark: Benchmark, seeds: Seeds) -> list[str]:
    """A title, and the cells below ``SEEDS_HEADER``."""
    ensemble = seeds["ensemble"]
    uncontested = ensemble.get("uncontested")
    return [
        f"all {seeds['n'] * len(benchmark['nets'])} nets together",
        _errors(ensemble),
        _errors(uncontested) if uncontested else "",
    ]


def _seeds_note(seeds: Seeds) -> str:
    return (
        f"Mean ± standard deviation of n = {seeds['n']} training runs with the same "
        "settings and data but different seeds; their devices and versions of the code may differ. "
        "Only nets of the same seed are combined, except in the last row."
    )


def significance(pairs: Sequence[Pair]) -> str:
    """One sentence: which nets differ on MNIST."""
    differing = [pair for pair in pairs if pair["p_value"] < SIGNIFICANT]
    if not differing:
        smallest = min(pair["p_value"] for pair in pairs)
        return (
            "No pair of nets differs significantly on MNIST "
            f"(exact McNemar test; smallest p = {smallest:.2g})."
        )
    named = [f"{pair['a']} and {pair['b']} (p = {pair['p_value']:.2g})" for pair in differing]
    return f"On MNIST these pairs differ significantly (exact McNemar test): {', '.join(named)}."


def benchmark_report(benchmark: Benchmark) -> str:
    """Accuracy, cost, calibration and pairwise tests."""
    parts = [accuracy_report(benchmark), cost_table(benchmark)]
    if "mcnemar" in benchmark:
        parts.append(pairs_report(benchmark["mcnemar"]))
    return "\n\n".join(parts)


def accuracy_report(benchmark: Benchmark) -> str:
    """Test accuracy of each net, over several seeds if they were measured, and of the first one."""
    changed = [
        f"{name} ({_change(net['training'])})"
        for name, net in benchmark["nets"].items()
        if not net["training"]["own_recipe"]
    ]
    header = [
        "net",
        "test accuracy %",
        "95 % interval",
        "errors per 10,000",
        "without contested labels %",
        "reference: table %",
        "reference: best log %",
    ]
    rows = [[name, *_net_cells(net)] for name, net in benchmark["nets"].items()]
    if "together" in benchmark:
        rows.append(["all together", *_accuracy_cells(benchmark["together"]), "", ""])
    parts = [_used_columns(header, rows), _provenance(benchmark)]
    if seeds := benchmark.get("seeds"):
        alone = f"Seed {_first_seeds(benchmark)} alone:"
        parts = [_seeds_table(benchmark, seeds), _seeds_note(seeds), alone, *parts]
    if changed:
        warning = f"**Do not report these numbers: changed recipes for {', '.join(changed)}.**"
        parts.insert(0, warning)
    return "\n\n".join(parts)


def _used_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table without its empty columns, which contested labels and the reference are off MNIST."""
    used = [any(column) for column in zip(*rows, strict=True)]
    header, *rows = ([*compress(cells, used)] for cells in (header, *rows))
    return _table(header, rows)


def _seeds_table(benchmark: Benchmark, seeds: Seeds) -> str:
    rows = [
        [
            "all together" if name == TOGETHER else name,
            *_seeds_cells(answers),
            f"{_percent(answers['mean'])} ± {_percent(answers['std'])}",
        ]
        for name, answers in seeds["nets"].items()
    ]
    accuracy = 1 - seeds["ensemble"]["errors"] / seeds["ensemble"]["n"]
    rows.append([*_ensemble_row(benchmark, seeds), _percent(accuracy)])
    return _used_columns(["net", "errors per 10,000", SEEDS_HEADER[1], "test accuracy %"], rows)


def adapted_words(digits: int) -> str:
    """That a net was adapted, and to how many digits."""
    return f"adapted to a writer's digits (n = {digits:,})"


def _change(training: TrainingRun) -> str:
    """What was done to a net that was not trained by its recipe alone."""
    if "adapted" in training:
        return adapted_words(training["adapted"])
    epochs = training["config"]["epochs"]
    if "stopped_after" in training:
        return f"{training['stopped_after']:.1f} of {epochs} epochs"
    return f"{epochs} epochs"


def _net_cells(net: NetResults) -> list[str]:
    reference = [f"{percent:.2f}" for percent in net["reference"]] or ["", ""]
    return [*_accuracy_cells(net), *reference]


def _accuracy_cells(answers: Answers) -> list[str]:
    uncontested = answers.get("uncontested")
    return [
        f"**{_percent(answers['accuracy'])}**",
        _interval(answers["interval"]),
        _errors(answers),
        _percent(1 - uncontested["errors"] / uncontested["n"]) if uncontested else "",
    ]


def _first_seeds(benchmark: Benchmark) -> str:
    """The seed of the nets that the results show in detail; several if the nets' own differ."""
    seeds = {net["training"]["config"]["seed"] for net in benchmark["nets"].values()}
    return ", ".join(map(str, sorted(seeds)))


def _provenance(benchmark: Benchmark) -> str:
    trainings = {name: net["training"] for name, net in benchmark["nets"].items()}
    tested = benchmark.get("data", {"name": MNIST, "classes": []})
    made: dict[str, list[str]] = {}
    for name, t in trainings.items():
        where = f"{t['device']}, torch {t['torch_version']}, code {t['code_version']}"
        data = t.get("data", MNIST)
        made.setdefault(where if data == tested["name"] else f"{data}, {where}", []).append(name)
    places = [f"{', '.join(names)} on {where}" for where, names in made.items()]
    n = next(iter(benchmark["nets"].values()))["n"]
    classes = ", ".join(map(str, tested["classes"]))
    test_set = (
        "MNIST test set" if tested["name"] == MNIST else f"{tested['name']} (classes {classes})"
    )
    return (
        f"{test_set}, n = {n:,}, evaluated after the last epoch; Wilson intervals; one training "
        f"run of each net, seed {_first_seeds(benchmark)}. Trained: {'; '.join(places)}."
    )


def cost_table(benchmark: Benchmark) -> str:
    """Size, training, speed and calibration of each net."""
    header = [
        "net",
        "parameters",
        "multiply-adds",
        "epochs",
        "training s",
        "training images/s",
        "one image, ms",
        f"images/s in batches of {benchmark['batch']}",
        "calibration error % before, after temperature",
    ]
    rows = []
    for name, net in benchmark["nets"].items():
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
    where = f"{benchmark['device']}, torch {benchmark['torch_version']}"
    return f"{_table(header, rows)}\n\nInference speed: medians on {where}."


def pairs_report(pairs: Sequence[Pair]) -> str:
    """McNemar's test of each pair of nets, of one seed."""
    header = ["pair", "only the first is right", "only the second is right", "p (exact McNemar)"]
    rows = [
        [f"{p['a']}, {p['b']}", str(p["only_a"]), str(p["only_b"]), f"{p['p_value']:.2g}"]
        for p in pairs
    ]
    return f"{_table(header, rows)}\n\n{significance(pairs)}"


def speed_report(speed: Speed) -> str:
    """The speed of a conventional loop and of ours, two short trainings, and the speed of reading.

    Results of earlier versions have the first alone, without the device's peak.
    """
    header = ["net", "conventional, images/s", "this project, images/s", "ratio (min, max)"]
    if "peak" in speed:
        header += ["conventional, GFLOP/s (of peak)", "this project, GFLOP/s (of peak)"]
    rows = [
        [
            name,
            f"{net['conventional']:,.0f}",
            f"{net['ours']:,.0f}",
            f"**{net['ratio']:.1f}** ({net['ratio_min']:.1f}, {net['ratio_max']:.1f})",
            *(_flops_cells(net, speed["peak"]) if "peak" in speed else []),
        ]
        for name, net in speed["nets"].items()
    ]
    how = (
        f"Medians of {speed['rounds']} rounds of {speed['images']:,} images; both loops take turns "
        f"in one process; {speed['device']}, torch {speed['torch_version']}."
    )
    if "peak" in speed:
        how += f" {_peak_sentence(speed['peak'])}"
    parts = [_table(header, rows), how]
    if "fast" in speed:
        parts += _fast_table(speed["fast"])
    if "reading" in speed:
        parts += _reading_speed(speed["reading"])
    return "\n\n".join(parts)


def _flops_cells(net: Rates, peak: Peak) -> list[str]:
    """FLOP/s of both loops: float32 in the conventional one, ours bfloat16 if the device has it."""

    def cell(images_per_second: float, at_best: float) -> str:
        flops = images_per_second * net["flops_per_image"]
        return f"{flops / 1e9:,.1f} ({flops / at_best:.1%})"

    return [
        cell(net["conventional"], peak["float32"]),
        cell(net["ours"], peak["bfloat16"] or peak["float32"]),
    ]


def _peak_sentence(peak: Peak) -> str:
    peaks, ours = f"{peak['float32'] / 1e9:,.0f} GFLOP/s in float32", "float32"
    if peak["bfloat16"]:
        peaks, ours = f"{peaks} and {peak['bfloat16'] / 1e9:,.0f} in bfloat16", "bfloat16"
    return (
        f"Peak: the fastest product of two square matrices, {peaks}; the conventional loop "
        f"computes in float32, this project's in {ours}. FLOPs are those of the layers' products "
        "alone, as torch.utils.flop_counter counts them."
    )


def _fast_table(fast: Fast) -> list[str]:
    header = ["training", "test accuracy %", "seconds (min, max)", "times as fast (min, max)"]
    theirs, ours = fast["conventional"], fast["ours"]

    def cells(title: str, training: ShortTraining) -> list[str]:
        accuracies, seconds = training["accuracies"], training["seconds"]
        return [
            title,
            f"{_percent(fmean(accuracies))} ± {_percent(stdev(accuracies))}",
            f"{fmean(seconds):.1f} ({min(seconds):.1f}, {max(seconds):.1f})",
        ]

    rows = [
        [*cells("a conventional fast recipe", theirs), "1"],
        [*cells(f"`mnistcore train --fast` ({fast['net']})", ours), f"**{_faster(fast)}**"],
    ]
    how = (
        f"Means over {len(ours['seconds'])} seeds, in turn in one process, from the data in memory "
        f"to the last step, without validation or files; {fast['device']}."
    )
    return [_table(header, rows), how]


def _faster(fast: Fast) -> str:
    """How many times as fast ours is: the ratio of the means, and the extremes over the seeds."""
    theirs, ours = fast["conventional"]["seconds"], fast["ours"]["seconds"]
    ratios = [a / b for a, b in zip(theirs, ours, strict=True)]
    return f"{fmean(theirs) / fmean(ours):.1f} ({min(ratios):.1f}, {max(ratios):.1f})"


def fast_sentence(speed: Speed) -> str:
    """The README's sentence about ``train --fast``; empty for results of earlier versions."""
    if "fast" not in speed:
        return ""
    fast = speed["fast"]
    theirs, ours = fast["conventional"], fast["ours"]
    return (
        f"With the data already in memory, `train --fast` trains {fast['net']} in "
        f"{fmean(ours['seconds']):.1f} s; it then reads "
        f"{_percent(fmean(ours['accuracies']))} % of MNIST's test digits (mean of "
        f"{len(ours['seconds'])} seeds; {fast['device']}). A conventional fast recipe takes "
        f"{fmean(theirs['seconds']):.1f} s and reads {_percent(fmean(theirs['accuracies']))} %; "
        f"ours is {_faster(fast)} times as fast (least and greatest in brackets)."
    )


def _reading_speed(rates: ReadRates) -> list[str]:
    header = ["pictures", "`read`, pictures/s", "`read_many`, pictures/s", "ratio (min, max)"]
    row = [
        f"{rates['n']:,} MNIST digits, 28x28",
        f"{rates['read']:,.0f}",
        f"{rates['read_many']:,.0f}",
        f"**{rates['ratio']:.1f}** ({rates['ratio_min']:.1f}, {rates['ratio_max']:.1f})",
    ]
    how = (
        f"All five nets; medians of {rates['rounds']} rounds, in turn in one process; "
        f"{rates['device']}."
    )
    return [_table(header, [row]), how]


def pictures_report(pictures: Pictures) -> str:
    """How well pictures are read, what is refused, and how fast."""
    rows = pictures["rows"]
    read = [row for row in rows.values() if "right" in row]
    nets = [name for name in read[0]["right"] if name != TOGETHER]
    header = [
        "pictures",
        "n",
        "naive %",
        *(f"{name} %" for name in nets),
        "five together %",
        "95 % interval",
        "wrong and sure %",
        "same digits from MNIST, five together %",
    ]
    parts = [_table(header, [_read_cells(row, nets) for row in read])]
    without_digits = [row for row in rows.values() if "right" not in row]
    header = [
        "not read as a sure digit",
        "n",
        "naive %",
        *(f"{name} %" for name in nets),
        "five together %",
        "95 % interval",
    ]
    refused = [_refused_cells(row, nets) for row in (*without_digits, rows["own_frame"])]
    parts += [_table(header, refused), _reading_figures(pictures)]
    if pictures["split"] != "test":
        warning = f"**Do not report these numbers: digits of the {pictures['split']} split.**"
        parts.insert(0, warning)
    return "\n\n".join(parts)


def _read_cells(row: PictureRow, nets: Sequence[str]) -> list[str]:
    right = row["right"]
    return [
        row["title"],
        f"{row['n']:,}",
        _percent(row["naive"][TOGETHER]["share"]),
        *(_percent(right[name]["share"]) for name in nets),
        f"**{_percent(right[TOGETHER]['share'])}**",
        _interval(right[TOGETHER]["interval"]),
        _percent(row["sure_wrong"][TOGETHER]["share"]),
        _percent(row["plain"]["share"]) if "plain" in row else "",
    ]


def _refused_cells(row: PictureRow, nets: Sequence[str]) -> list[str]:
    refused = row["refused"]
    return [
        row["title"],
        f"{row['n']:,}",
        "0",
        *(_percent(refused[name]["share"]) for name in nets),
        f"**{_percent(refused[TOGETHER]['share'])}**",
        _interval(refused[TOGETHER]["interval"]),
    ]


def _reading_figures(pictures: Pictures) -> str:
    rows, times = pictures["rows"], pictures["read_ms"]
    canvases = [rows[name] for name in ("canvas", "redrawn")]
    n = sum(row["n"] for row in canvases)
    split = sum(row["split"]["count"] for row in canvases)
    return (
        "A picture is right if all its digits are read correctly and nothing else is read. Naive: "
        "the whole picture in gray, shrunk to 28x28, inverted if its median is light, and given to "
        "the five nets. Wilson intervals.\n\n"
        f"- Single digits on canvases read as several: {_percent(split / n)} % (n = {n:,}).\n"
        "- Our framing of MNIST digits differs from MNIST's own by a mean of "
        f"{rows['own_frame']['frame_difference']:.2f} of 255.\n"
        f"- Reading a 280x280 canvas with all five nets: median {times['median']:.1f} ms, 95th "
        f"percentile {times['p95']:.1f} ms ({pictures['device']}, torch "
        f"{pictures['torch_version']})."
    )


def model_index(benchmark: Benchmark) -> str:
    """The model card's results, as YAML that the Hugging Face Hub reads."""
    answers: dict[str, Answers] = {**benchmark["nets"], "All five together": benchmark["together"]}
    return "\n".join(
        MODEL_INDEX.format(name=name, accuracy=a["accuracy"]) for name, a in answers.items()
    )


def recipe_table(benchmark: Benchmark) -> str:
    """The settings that each net was trained with."""
    configs = [net["training"]["config"] for net in benchmark["nets"].values()]
    rows = [[f"`{key}`", *(str(config[key]) for config in configs)] for key in configs[0]]
    return _table(["", *benchmark["nets"]], rows)


def limits(pictures: Pictures) -> str:
    """The model card's sentences about the kinds of pictures that are read and refused worst."""

    def share(row: PictureRow, key: Literal["right", "refused"]) -> float:
        return row[key][TOGETHER]["share"]

    rows = pictures["rows"].values()
    worst = min((row for row in rows if "right" in row), key=lambda row: share(row, "right"))
    slips = min((row for row in rows if "right" not in row), key=lambda row: share(row, "refused"))
    return (
        f"- Non-digits are often refused, but not always: {_percent(1 - share(slips, 'refused'))}"
        f" % of *{slips['title']}* are read as sure digits.\n"
        "- The numbers hold for pictures like those measured. The kind that is read worst is "
        f"*{worst['title']}*: {_percent(share(worst, 'right'))} % are right."
    )
