"""A visitor's own net: how it is found and checked, and that it answers wherever a net does."""

import base64
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch

from mnistcore import checkpoint
from mnistcore.files import WEIGHTS
from mnistcore.page import views, yours
from mnistcore.page.handlers import Handlers
from mnistcore.page.results_view import own_rows
from mnistcore.page.yours import NetGoneError, Nets, OwnNet, unpack_net
from mnistcore.reading.ensemble import THRESHOLD_FILE
from mnistcore.reading.recognizer import Recognizer
from tests.tools.visiting import DIGITS, Open, Page, answer, click, draw, example, expect

TOKEN = "a-token_that-nobody-knows"
OWN = f"MyNetV2@{TOKEN}"
FORGED = ["", "another", "..", f"../{TOKEN}", f"{TOKEN}/", f"/tmp/{TOKEN}", f"{TOKEN}\0"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one's own net: a MyNetV2 that says 1 whatever it sees."""
    folder = tmp_path_factory.mktemp("own")
    content = checkpoint.load(WEIGHTS / "MyNetV2.pt")
    weights = {key: torch.zeros_like(value) for key, value in content["weights"].items()}
    weights["head.fc2.bias"][1] = 9
    checkpoint.save(content | {"weights": weights, "temperature": 1.0}, folder / "MyNetV2.pt")
    shutil.copy(WEIGHTS / THRESHOLD_FILE, folder)
    return folder


@pytest.fixture(scope="module")
def shared() -> Recognizer:
    return Recognizer(WEIGHTS, "cpu")


@pytest.fixture(scope="module")
def handlers(shared: Recognizer, folder: Path) -> Handlers:
    net = OwnNet(folder / "MyNetV2.pt", {"validation": (60, 5000), "test": (100, 10000)})
    return Handlers(shared, {TOKEN: net}.get)


def show(handlers: Handlers, choice: str) -> list[Any]:
    content = example("a three").read_bytes()
    return [json.loads(part) for part in handlers.show(content, choice, asked=5)]


@pytest.mark.parametrize("token", FORGED)
def test_only_the_token_leads_to_a_net(handlers: Handlers, token: str) -> None:
    with pytest.raises(NetGoneError, match="no longer on the server"):
        handlers._nets.of(f"MyNetV2@{token}")
    with pytest.raises(NetGoneError):
        handlers._nets.of(f"LeNet@{TOKEN}")
    for part in show(handlers, f"MyNetV2@{token} conv1"):
        assert part["gone"] is True
        assert part["asked"] == 5
        assert not part.get("digits")
    with pytest.raises(gr.Error, match="no longer on the server"):
        handlers.units({"image": views.pack(np.ones((28, 28), "f4")), "net": f"MyNetV2@{token}"})


def test_own_net_answers_alone_beside_what_the_others_say(handlers: Handlers) -> None:
    answer, _, maps = show(handlers, f"{OWN} conv5")
    assert (answer["model"], answer["text"], answer["asked"]) == (OWN, "1", 5)
    (digit,) = answer["digits"]
    assert digit["probs"] == digit["probs_by_model"][OWN]
    by_shared = show(handlers, "LeNet conv1")[0]["digits"][0]["probs_by_model"]
    assert list(digit["probs_by_model"]) == [*by_shared, OWN] == list(answer["milliseconds"])
    assert by_shared["MyNetV2"][3] > 0.9  # the page's own is another
    for name, probs in by_shared.items():
        assert digit["probs_by_model"][name] == pytest.approx(probs, abs=1e-4)
    assert maps["stage"] == f"{OWN} conv5"
    assert not any(base64.b64decode(maps["rows"][0]["numbers"]))  # its weights are zeros


def test_every_question_about_a_net_may_be_about_ones_own(handlers: Handlers) -> None:
    image = show(handlers, f"{OWN} conv1")[2]["digits"][0]
    stage = f"{OWN} conv2"
    assert handlers.look({"digit": image, "stage": stage})["stage"] == stage
    place = {"name": "conv2", "channel": 0, "row": 1, "column": 1}
    found = handlers.arithmetic({"digit": image, "stage": stage} | place)
    assert (found["stage"], found["value"]) == (stage, 0)
    question = {"image": image, "net": OWN}
    assert np.argmax(handlers.units(question)["probs"]) == 1
    assert handlers.unit(question | {"name": "fc2", "unit": 1})["bias"] == 9
    assert np.argmax(handlers.change(question | {"amounts": {}})["probs"]) == 1
    assert handlers.curves(question | {"amounts": {}})
    assert handlers.flip(question) == {}  # nothing changes its answer
    assert "no map of training digits" in handlers.atlas(question)["error"]
    with pytest.raises(gr.Error, match="no map of training digits"):
        handlers.nearest(question)
    why = handlers.why({"image": image, "digit": None, "other": None, "nets": [OWN, "LeNet"]})
    assert [one["net"] for one in why["nets"]] == [OWN, "LeNet"]
    assert why["digit"] == 1  # what one's own says
    assert why["nets"][0]["sum"] == 0 != why["nets"][1]["sum"]


def test_the_benchmark_has_rows_of_ones_own_net(handlers: Handlers) -> None:
    top, rest = map(json.loads, handlers.show_results(f"{OWN} conv1"))
    rows = [row for row in top["rows"] if row["own"]]
    assert [row["name"] for row in rows] == [
        "Your MyNetV2, 5,000 validation images",
        "Your MyNetV2, 10,000 test images",
    ]
    assert [row["errors"] for row in rows] == [60, 100]
    assert {row["key"] for row in rows} == {top["chosen"]} == {OWN}
    for row in rows:
        assert row["interval"][0] < row["accuracy"] < row["interval"][1]
        assert row["train_seconds"] is row["macs"] is row["reference"] is None
    assert "not measured with the others" in top["notes"]
    assert rest["missing"] == "The digits that a net of your own misreads are not listed."
    measured, _ = map(json.loads, handlers.show_results("MyNetV2 conv1"))
    gone, _ = map(json.loads, handlers.show_results("MyNetV2@gone conv1"))
    assert gone == measured
    assert not any(row["own"] for row in measured["rows"])


def test_few_nets_of_visitors_are_in_memory(
    shared: Recognizer, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yours, "MOST_LOADED", 2)
    nets = Nets(shared, lambda token: OwnNet(tmp_path / token / "MyNetV2.pt", {}))
    for token in "abc":
        shutil.copytree(folder, tmp_path / token)
    loaded = {token: nets.of(f"MyNetV2@{token}")[0] for token in "aba"}
    assert nets.of("MyNetV2@a")[0] is loaded["a"]
    nets.of("MyNetV2@c")
    assert nets.of("MyNetV2@a")[0] is loaded["a"]
    assert nets.of("MyNetV2@b")[0] is not loaded["b"]
    shutil.rmtree(tmp_path / "c")
    with pytest.raises(NetGoneError):
        nets.of("MyNetV2@c")
    assert nets.of("LeNet") == (shared, "LeNet")


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("inside", ["", "my net/"])
def test_a_net_is_taken_from_a_zip_or_a_checkpoint(
    inside: str, folder: Path, tmp_path: Path
) -> None:
    net, thresholds = (folder / "MyNetV2.pt", folder / THRESHOLD_FILE)
    files = {"MyNetV2.pt": net.read_bytes(), THRESHOLD_FILE: thresholds.read_bytes()}
    more = {f"{inside}../../{THRESHOLD_FILE}.txt": b"not ours", "__MACOSX/._MyNetV2.pt": b"junk"}
    archive = zipped(tmp_path / "a.zip", {inside + k: v for k, v in files.items()} | more)
    errors, n = checkpoint.load(net)["val"]["errors"], 5000
    found = unpack_net(archive, tmp_path / "new")
    assert found == OwnNet(tmp_path / "new" / "MyNetV2.pt", {"validation": (errors, n)})
    assert {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()} == files
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "new"]
    bare = unpack_net(net, tmp_path / "bare")
    assert bare == replace(found, path=tmp_path / "bare" / "MyNetV2.pt")
    assert list((tmp_path / "bare").iterdir()) == [bare.path]


def changed(folder: Path, path: Path, **changes: Any) -> Path:
    checkpoint.save(checkpoint.load(folder / "MyNetV2.pt") | changes, path)
    return path


def test_a_net_of_other_data_says_so(folder: Path, tmp_path: Path) -> None:
    data = {"name": "ours", "classes": [0, 1, 2, 3], "n": 300}
    found = unpack_net(changed(folder, tmp_path / "net.pt", data=data), tmp_path / "new")
    assert found.data == "ours"
    assert {row["name"] for row in own_rows("MyNetV2@a", found)} == {
        f"Your MyNetV2, {found.answers['validation'][1]:,} validation images of ours"
    }


BAD: dict[str, tuple[Callable[[Path, Path], Any], str]] = {
    "text": (lambda _, path: path.write_text("no net"), "The file is damaged or not a net."),
    "empty": (lambda _, path: path.touch(), "The file is damaged or not a net."),
    "cut": (
        lambda own, path: path.write_bytes((own / "MyNetV2.pt").read_bytes()[:-999]),
        "The file is damaged or not a net.",
    ),
    "other zip": (
        lambda _, path: zipped(path, {"a.txt": b"a"}),
        "The file is truncated or not a checkpoint.",
    ),
    "two nets": (
        lambda _, path: zipped(path, {"LeNet.pt": b"", "MyNetV2.pt": b""}),
        "The zip has 2 nets, and only one can be uploaded.",
    ),
    "bomb": (
        lambda _, path: zipped(path, {"LeNet.pt": bytes(41 * 10**6)}),
        "The file takes 41 MB, and at most 40 are allowed.",
    ),
    "bomb within": (
        lambda _, path: zipped(path, {"a/data.pkl": bytes(41 * 10**6)}),
        "The file takes 41 MB, and at most 40 are allowed.",
    ),
    "no checkpoint": (
        lambda _, path: torch.save([1], path),
        "The file is not a checkpoint of this project.",
    ),
    "code": (lambda _, path: torch.save({"model": print}, path), "not a checkpoint."),
    "another net": (
        lambda own, path: changed(own, path, model="ResNet"),
        "The net is a ResNet, and the page knows LeNet,",
    ),
    "another shape": (
        lambda own, path: changed(own, path, model="LeNet"),
        "The file does not contain the weights of LeNet.",
    ),
    "no temperature": (
        lambda own, path: changed(own, path, temperature=float("nan")),
        "The file has the temperature nan",
    ),
    "no answers": (
        lambda own, path: changed(own, path, temperature=1e-300),
        "The net's answers are not finite numbers.",
    ),
    "no numbers": (
        lambda own, path: changed(own, path, val={"errors": "none", "n": 5000}),
        "The file does not say how many validation images the net misreads.",
    ),
    "no dict": (lambda own, path: changed(own, path, val=[]), "The file cannot be read."),
    "threshold": (
        lambda own, path: zipped(
            path,
            {"MyNetV2.pt": (own / "MyNetV2.pt").read_bytes(), THRESHOLD_FILE: b'{"threshold": 7}'},
        ),
        f"Its {THRESHOLD_FILE} is damaged.",
    ),
}


@pytest.mark.parametrize(("make", "sentence"), BAD.values(), ids=BAD.keys())
def test_other_files_are_refused_in_a_sentence(
    make: Callable[[Path, Path], Any], sentence: str, folder: Path, tmp_path: Path
) -> None:
    upload, new = tmp_path / "upload", tmp_path / "new"
    make(folder, upload)
    with pytest.raises(ValueError, match=r"Please upload a checkpoint \(\.pt\)") as caught:
        unpack_net(upload, new)
    assert sentence in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert not new.exists()


def test_safetensors_files_are_refused_by_their_name(tmp_path: Path) -> None:
    upload = tmp_path / "LeNet.safetensors"
    upload.touch()
    with pytest.raises(ValueError, match=r"^Safetensors files cannot be uploaded\. Please"):
        unpack_net(upload, tmp_path / "new")


def test_a_full_disk_is_not_the_visitors_fault(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", fail)
    with pytest.raises(
        ValueError, match=r"^The server could not store the file\. Please try again"
    ):
        unpack_net(folder / "MyNetV2.pt", tmp_path / "new")
    assert "No space left on device" in caplog.text
    assert not (tmp_path / "new").exists()


def option(page: Page) -> Any:
    return page.locator("#choice label", has_text="Yours")


def send(page: Page, path: Path) -> None:
    page.get_by_label("Net to upload").set_input_files(path)


@pytest.mark.slow
@pytest.mark.timeout(300)  # seconds: a training waits for what else the machine does
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_trained_net_is_one_of_the_nets_for_its_visitor_alone(
    open_page: Open, tmp_path: Path
) -> None:
    page, other = open_page(leaves=True), open_page()
    draw(page, DIGITS["1"])
    expect(answer(page)).to_have_text("1")
    page.get_by_role("tab", name="Train").click()
    page.get_by_label("Images").select_option("600")
    page.get_by_role("spinbutton", name="Epochs").fill("20")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(option(page).get_by_role("radio")).to_be_checked(timeout=120_000)
    expect(page.locator(".train-result")).to_contain_text("chosen at the top as “Yours”")
    assert option(page).get_attribute("title") == "trained here: 20 epochs on 600 images"

    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download the net").click()
    mine = tmp_path / "mine.zip"
    downloading.value.save_as(mine)
    with zipfile.ZipFile(mine) as archive:
        archive.extract("LeNet.pt", tmp_path)
    (tmp_path / "bad.pt").write_text("no net")
    send(page, tmp_path / "bad.pt")
    expect(page.locator(".train-state")).to_contain_text("The file is damaged or not a net.")
    page.get_by_role("tab", name="Benchmark").click()
    row = page.locator("#results-table tr.chosen")
    expect(row).to_contain_text("Your LeNet, 5,000 validation images")

    page.get_by_role("tab", name="Read", exact=True).click()
    expect(page.locator(".answer h2")).to_contain_text("Your LeNet: probability of each digit")
    expect(page.locator(".nets .chosen")).to_contain_text("Your LeNet")
    expect(page.locator("#layer h2")).to_have_text("Feature maps of your LeNet")
    for section, words in {
        ".why": "s logit of",
        ".units": "logits",
        ".change": "Your LeNet says",
        ".atlas": "A net of your own has no map of training digits",
    }.items():
        page.locator(f"{section} summary").first.click()
        expect(page.locator(section)).to_contain_text(words)

    page.reload()
    expect(option(page).get_by_role("radio")).to_be_checked()
    expect(page.locator(".answer h2")).to_contain_text("Your LeNet: probability of each digit")
    expect(answer(page)).to_have_text("1")
    click(page, "link")
    expect(page.get_by_label("Link to this drawing")).to_have_value(re.compile("net=LeNet&"))
    expect(page.locator(".pad-note [role=status]")).to_have_text(
        re.compile(r"(Copied|Copy this); it opens with the page.s LeNet:")
    )
    assert "@" not in page.url
    assert option(other).count() == 0
    other.reload()
    other.locator("#canvas canvas[data-ready]").wait_for()
    assert option(other).count() == 0

    other.get_by_role("tab", name="Train").click()
    for name in ("mine.zip", "LeNet.pt"):  # the second needs a threshold
        send(other, tmp_path / name)
        expect(other.locator(".train-state")).to_have_text(f"Uploaded: {name}.", timeout=60_000)
        expect(option(other)).to_have_attribute("title", f"uploaded: {name}")
        expect(option(other).get_by_role("radio")).to_be_checked()
    origin = other.locator("#choice p", has_text="uploaded")
    expect(origin).to_contain_text("Uploaded: LeNet.pt. Your other net: “uploaded: mine.zip”.")
    other.get_by_role("button", name="Use it instead").click()
    expect(origin).to_contain_text("Uploaded: mine.zip. Your other net: “uploaded: LeNet.pt”.")
    expect(option(other).get_by_role("radio")).to_be_checked()
    other.locator("#choice label", has_text="MyNetV2").click()
    expect(origin).to_be_hidden()
    other.evaluate("""sessionStorage.setItem("mnistcore yours", JSON.stringify(
        { token: "../forged", net: "LeNet" }))""")
    other.evaluate("""sessionStorage.setItem("mnistcore choice", "LeNet@../forged conv2")""")
    other.goto("about:blank")
    other.goto(page.url.partition("#")[0])
    expect(other.locator("#choice").get_by_role("status")).to_contain_text(
        "Your LeNet is no longer on the server"
    )
    assert option(other).count() == 0
    assert other.locator("#choice input:checked").input_value() == "LeNet"
    draw(other, DIGITS["1"])
    expect(answer(other)).to_have_text("1")
