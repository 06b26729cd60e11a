"""The page's handlers as plain functions; ``test_page.py`` has the page in a browser."""

import base64
import io
import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import demo
from mnistcore.data import normalize
from mnistcore.files import ROOT, WEIGHTS
from mnistcore.inside import feature_maps
from mnistcore.models import list_models
from mnistcore.page import launch, views
from mnistcore.page.api import Endpoints
from mnistcore.page.cache import MAX_DRAWINGS, CachedRecognizer
from mnistcore.page.guard import MAX_UNQUEUED, is_upload, limit_concurrency
from mnistcore.page.handlers import Handlers, parse_drawing
from mnistcore.page.launch import upload_folder
from mnistcore.pens.font import DIGITS, Form
from mnistcore.pens.strokes import pen_strokes, render
from mnistcore.reading.recognizer import Examined, Recognizer
from mnistcore.training.choices import parse_choices

pytestmark = [  # gradio's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(device="cpu")


def drawn(*forms: Form, size: int = 210) -> bytes:
    """White forms on black as a PNG, as the canvas sends them."""
    rng = np.random.default_rng(1)
    side = min(0.6 * size, 0.8 * size / len(forms))
    parts = [
        part * side + np.array([size * (i + 0.5) / len(forms), size / 2], np.float32)
        for i, form in enumerate(forms)
        for part in pen_strokes(form, rng)
    ]
    return png((render(parts, size, size / 18) * 255).astype(np.uint8))


def png(picture: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "png")
    return buffer.getvalue()


def shown(recognizer: Recognizer, picture: bytes | None, **extra: Any) -> tuple[Any, Any, Any]:
    shown = Handlers(recognizer).show(picture, "LeNet conv1", **extra)
    answer, steps, maps = map(json.loads, shown)
    return answer, steps, maps


def unpack(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), "<f4")


def unpack_short(text: str, limit: float) -> NDArray[np.float64]:
    return np.frombuffer(base64.b64decode(text), "<i2") * (limit / 32_767)


def test_importing_starts_nothing_and_writes_nothing() -> None:
    code = (
        "import sys, demo, threading; assert threading.active_count() == 1;"
        "assert not {'mnistcore.training', 'mnistcore.benchmark', 'matplotlib.pyplot'} & "
        "set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert not (ROOT / "demo.pyi").exists()


def test_a_drawn_digit_is_read_with_all_that_the_page_shows(recognizer: Recognizer) -> None:
    answer, steps, maps = shown(recognizer, drawn(DIGITS["3"]), number=7)
    assert (answer["text"], answer["verdict"]) == ("3", "digit")
    (digit,) = answer["digits"]
    assert set(digit["probs_by_model"]) == set(answer["milliseconds"]) == set(list_models())
    assert sum(digit["probs"]) == pytest.approx(1, abs=1e-4)
    assert [view["number"] for view in (answer, steps, maps)] == [7, 7, 7]
    assert all(steps[step].startswith("data:image/png") for step in ("picture", "ink", "pieces"))
    assert [row["name"] for row in maps["rows"]] == ["conv1", "conv1+relu", "conv1+relu+pool"]


def test_the_maps_are_those_of_the_digit_that_is_shown(recognizer: Recognizer) -> None:
    _, _, maps = shown(recognizer, drawn(DIGITS["8"]))
    image = torch.tensor(views.unpack_digit(maps["digits"][0]))
    (first, *_) = feature_maps(recognizer.net("LeNet"), normalize(image)[None, None])
    for row in maps["rows"]:
        numbers = unpack_short(row["numbers"], maps["limit"])
        assert np.allclose(numbers, first[row["name"]].flatten(), atol=maps["limit"] / 60_000)
    weight, bias, *_ = recognizer.net("LeNet").parameters()
    assert np.array_equal(unpack(maps["kernels"]), weight.detach().flatten())
    assert maps["biases"] == bias.tolist()


def test_a_drawing_is_examined_once_whichever_net_is_chosen(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing, photograph = drawn(DIGITS["5"], size=150), drawn(DIGITS["5"], size=300)
    cached = CachedRecognizer(WEIGHTS, "cpu")
    for picture in (drawing, photograph):
        cached.read(picture, "LeNet")

    models = [*list_models(), "all"]
    expected = [recognizer.read(drawing, model).summary() for model in models]

    def examine(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(Recognizer, "examine", examine)
    assert [cached.read(drawing, model).summary() for model in models] == expected
    for another in (photograph, drawn(DIGITS["6"], size=150)):  # too large to cache; not seen yet
        with pytest.raises(RuntimeError):
            cached.read(another)


def test_the_cache_forgets_the_oldest_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    examined: list[bytes] = []
    blank = Recognizer(device="cpu").examine(png(np.zeros((50, 50), np.uint8)))

    def examine(_: Any, picture: bytes) -> Examined:
        examined.append(picture)
        return blank

    monkeypatch.setattr(Recognizer, "examine", examine)
    cached = CachedRecognizer(WEIGHTS, "cpu")
    drawings = [f"drawing {number}".encode() for number in range(MAX_DRAWINGS + 1)]
    for drawing in [*drawings[:-1], drawings[0], drawings[-1]]:
        cached.examine(drawing)
    assert examined == drawings
    for drawing in drawings[:2]:  # the first has been used since the second
        cached.examine(drawing)
    assert examined == [*drawings, drawings[1]]


def test_gradients_can_be_taken_of_a_net_that_has_read() -> None:
    recognizer = Recognizer(device="cpu")
    recognizer.read(drawn(DIGITS["5"]))
    recognizer.net("LeNet")(torch.zeros(1, 1, 28, 28)).sum().backward()


def test_too_many_calls_outside_the_queue_are_refused() -> None:
    started, go_on = threading.Semaphore(0), threading.Event()

    def question() -> str:
        started.release()
        go_on.wait(10)
        return "answer"

    question, other = limit_concurrency(MAX_UNQUEUED, question, lambda: "another answer")
    with ThreadPoolExecutor(MAX_UNQUEUED) as pool:
        answers = [pool.submit(question) for _ in range(MAX_UNQUEUED)]
        for _ in answers:
            assert started.acquire(timeout=10)
        for one in (question, other):
            with pytest.raises(gr.Error, match=r"busy\. Please try again"):
                one()
        go_on.set()
        assert {answer.result() for answer in answers} == {"answer"}
    assert (question(), other()) == ("answer", "another answer")


def test_an_empty_canvas_has_an_empty_answer(recognizer: Recognizer) -> None:
    assert parse_drawing(None) == (0, None)
    assert parse_drawing("12 ") == (12, None)
    for view in shown(recognizer, None, number=12):
        assert view == {"model": "LeNet", "number": 12}


def test_a_blank_picture_differs_from_an_empty_canvas(recognizer: Recognizer) -> None:
    answer, steps, maps = shown(recognizer, png(np.full((50, 50), 255, np.uint8)))
    assert answer["text"] == ""
    assert answer["digits"] == []
    assert "blank" in answer["reason"]
    assert "rows" not in maps
    assert "picture" in steps


def test_what_the_canvas_sends_is_parsed() -> None:
    data = drawn(DIGITS["1"])
    url = "data:image/webp;base64," + base64.b64encode(data).decode()
    assert parse_drawing(f"5 {url}") == (5, data)


def test_the_digits_of_a_number_come_with_their_boxes(recognizer: Recognizer) -> None:
    picture = drawn(DIGITS["2"], DIGITS["0"], DIGITS["7"])
    answer, steps, maps = shown(recognizer, picture)
    assert answer["text"] == "207"
    lefts = [digit["box"][0] for digit in steps["digits"]]
    assert lefts == sorted(lefts)
    assert len(maps["digits"]) == 3


def test_a_large_picture_is_shown_small_and_its_boxes_fit(recognizer: Recognizer) -> None:
    _, steps, _ = shown(recognizer, drawn(DIGITS["5"], size=1500))
    width, height = steps["size"]
    assert max(width, height) <= views.STEP_SIDE
    left, top, right, bottom = steps["digits"][0]["box"]
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert (bottom - top) / height > 0.4


@pytest.mark.parametrize("content", [b"", b"not a picture", drawn(DIGITS["4 open"])[:200]])
def test_an_unreadable_file_is_one_sentence_without_a_path(
    content: bytes, recognizer: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    for view in Handlers(recognizer).show_picture(str(path), "LeNet conv1", 1):
        shown = json.loads(view)
        assert set(shown) == {"model", "asked", "error"}
        assert shown["error"] == "This file is not a picture that can be read."


@pytest.mark.parametrize("stage", ["LeNet conv2", "MyNetV1 conv4", "MyVggNet conv7"])
def test_any_stage_of_any_net_can_be_looked_into(stage: str, recognizer: Recognizer) -> None:
    image = recognizer.read(drawn(DIGITS["6"])).digits[0].image
    maps = views.maps_data(recognizer, image, stage)
    row = maps["rows"][-1]
    channels, height, width = row["shape"]
    numbers = unpack_short(row["numbers"], maps["limit"]).reshape(row["shape"])
    place = channels // 2, height // 2, width // 2
    found = views.arithmetic_data(recognizer, image, stage, row["name"], *place)
    total = sum(plane["sum"] for plane in found["planes"]) + found["rest"]["sum"] + found["bias"]
    assert total == pytest.approx(found["value"], abs=1e-4)
    last = found["pooled"] if found["pooled"] is not None else found["relu"]
    assert last == pytest.approx(float(numbers[place]), abs=maps["limit"] / 60_000 + 1e-4)


@pytest.mark.parametrize("stage", ["LeNet", "LeNet conv3", "LeNet6 conv1", ""])
def test_an_unknown_stage_is_an_error(stage: str, recognizer: Recognizer) -> None:
    with pytest.raises(ValueError, match="no stage"):
        views.maps_data(recognizer, np.zeros((28, 28), np.float32), stage)


@pytest.mark.parametrize("text", ["", "!", "AAAA", base64.b64encode(bytes(9)).decode()])
def test_what_is_not_a_packed_digit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        views.unpack_digit(text)


def test_a_digit_survives_its_way_to_the_page_and_back() -> None:
    digit = np.random.default_rng(0).random((28, 28), np.float32)
    assert np.array_equal(views.unpack_digit(views.pack(digit)), digit)


def inline(content: bytes) -> dict[str, str]:
    """A picture as an API client sends it without an upload."""
    return {"url": "data:image/png;base64," + base64.b64encode(content).decode()}


@pytest.mark.parametrize("model", ["MyNetV2", "mynetv2", "all"])
def test_read_digits(model: str, recognizer: Recognizer) -> None:
    answer: Any = Endpoints(recognizer).read_digits(inline(drawn(DIGITS["9 round"])), model)
    assert {"text", "verdict", "reason", "digits", "signs"} == set(answer)
    assert answer["text"] == "9"
    assert json.loads(json.dumps(answer)) == answer


def test_feature_maps(recognizer: Recognizer) -> None:
    answer = Endpoints(recognizer).feature_maps(inline(drawn(DIGITS["2"])), "lenet", "")
    assert answer["model"] == "LeNet"
    assert np.shape(answer["image"]) == (28, 28)
    assert {name: np.shape(maps) for name, maps in answer["maps"].items()} == {
        "conv1": (6, 24, 24),
        "conv1+relu": (6, 24, 24),
        "conv1+relu+pool": (6, 12, 12),
        "conv2": (16, 8, 8),
        "conv2+relu": (16, 8, 8),
        "conv2+relu+pool": (16, 4, 4),
    }


def test_feature_maps_of_one_layer(recognizer: Recognizer) -> None:
    picture = inline(drawn(DIGITS["2"]))
    answer = Endpoints(recognizer).feature_maps(picture, "MyNetV2", "conv1+relu")
    assert list(answer["maps"]) == ["conv1+relu"]


TWO = inline(drawn(DIGITS["2"]))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((None, "LeNet", ""), "no picture"),
        (("photo.jpg", "LeNet", ""), r"upload the picture, from Python with .*handle_file\(path\)"),
        (({"url": "https://example.com/2.png"}, "LeNet", ""), "URLs are not accepted"),
        ((5, "LeNet", ""), "could not be understood"),
        ((inline(png(np.zeros((50, 50), np.uint8))), "LeNet", ""), "no digit"),
        ((TWO, "LeNet6", ""), "no model 'LeNet6'; choose from LeNet,"),
        ((TWO, "all", ""), "no model 'all'; choose from LeNet,"),
        ((TWO, "LeNet", "conv7"), r"no such layer; choose from conv1, conv1\+relu,"),
    ],
)
def test_a_wrong_question_to_the_api_is_one_sentence(
    arguments: tuple[Any, ...], sentence: str, recognizer: Recognizer
) -> None:
    with pytest.raises(gr.Error, match=sentence) as caught:
        Endpoints(recognizer).feature_maps(*arguments)
    assert not caught.value.print_exception or sentence.startswith("could not")


def test_the_misread_digits_are_those_of_the_test_set() -> None:
    images = views.mnist_test_images()
    assert images.shape == (10_000, 28, 28)
    from mnistcore.data import load_mnist

    assert np.array_equal(images, load_mnist("test")[0][:, 0])


@pytest.fixture(scope="module")
def built(recognizer: Recognizer) -> Iterator[Any]:
    app = demo.build(recognizer)
    yield app
    app.close()


def test_the_public_endpoints(built: Any) -> None:
    info = built.get_api_info()
    assert set(info["named_endpoints"]) == {"/read", "/maps", "/explain"}
    assert info["unnamed_endpoints"] == {}
    parameters = info["named_endpoints"]["/read"]["parameters"]
    assert [p["parameter_name"] for p in parameters] == ["picture", "model"]


def test_a_page_that_trains_nothing_teaches_nothing(
    built: Any, recognizer: Recognizer, tmp_path: Path
) -> None:
    training = demo.build(recognizer, demo.Trainings(1, "cpu", tmp_path, {}, parse_choices))
    for page, teaches in ((built, False), (training, True)):
        blocks: list[Any] = list(page.blocks.values())
        (own,) = (block for block in blocks if block.elem_id == "hand")
        assert ("teach" in [function.__name__ for function in own.server_fns]) == teaches


def fits(answer: Any, schema: dict[str, Any]) -> bool:
    """Whether an answer is exactly what a schema says."""
    if "enum" in schema:
        return answer in schema["enum"]
    if schema["type"] == "array":
        return isinstance(answer, list) and all(fits(item, schema["items"]) for item in answer)
    if schema["type"] == "object":
        known = schema.get("properties", dict.fromkeys(answer, schema.get("additionalProperties")))
        return set(answer) == set(known) and all(fits(answer[name], known[name]) for name in known)
    kinds = {"string": str, "integer": int, "number": float}
    return isinstance(answer, kinds[schema["type"]])


def test_the_documented_types_are_those_of_the_answers(recognizer: Recognizer, built: Any) -> None:
    endpoints, picture = Endpoints(recognizer), inline(drawn(DIGITS["5"]))
    info = built.get_api_info()["named_endpoints"]
    read, maps, why = (
        info[f"/{name}"]["returns"][0]["type"] for name in ("read", "maps", "explain")
    )
    assert fits(endpoints.read_digits(picture, "all"), read)
    assert fits(endpoints.feature_maps(picture, "LeNet", ""), maps)
    assert fits(endpoints.explain(picture, "LeNet", 3), why)
    assert not fits({"text": "5"}, read)


def test_mcp_without_its_packages_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server.fastmcp", None)
    monkeypatch.setattr(sys, "argv", ["demo.py", "--mcp"])
    with pytest.raises(SystemExit) as stop:
        demo.main()
    assert stop.value.code == 2
    assert capsys.readouterr().err == ('demo.py: --mcp needs more packages: pip install ".[mcp]"\n')


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--weights", "/nowhere"], "mnistcore all"),
        (["--device", "tpu"], "unknown device 'tpu'"),
        (["--port", "99999"], "--port is 99999; it must be from 1 to 65535"),
        (["--data-dir", "nowhere"], "data folder nowhere does not exist; give --data-dir a folder"),
        (["--data-dir", "tests", "--train", "0"], "--data-dir is for the Train tab, which --train"),
    ],
)
def test_a_wrong_start_is_one_line(
    flags: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["demo.py", *flags])
    with pytest.raises(SystemExit) as stop:
        demo.main()
    assert stop.value.code == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1


def test_a_port_that_is_taken_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(sys, "argv", ["demo.py", "--port", str(port)])
        with pytest.raises(SystemExit) as stop:
            demo.main()
    assert stop.value.code == 2
    assert capfd.readouterr().err == (
        f"demo.py: no free port {port} on 127.0.0.1; try another --port or --host\n"
    )


def test_a_port_is_free_or_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(launch, "PORTS", [port])
        with pytest.raises(ValueError, match=f"no free port from {port} to {port} on 127.0.0.1"):
            launch.choose_port("127.0.0.1", None)
        monkeypatch.setenv("GRADIO_SERVER_PORT", str(port))
        with pytest.raises(ValueError, match=f"no free port {port} on"):
            launch.choose_port("127.0.0.1", None)
    assert launch.choose_port("127.0.0.1", port) == port
    assert launch.choose_port("::1", port) == port
    with pytest.raises(ValueError, match="another --port or --host"):
        launch.choose_port("nowhere.invalid", port)


def test_each_server_has_its_own_folder_of_uploads_and_deletes_it() -> None:
    with upload_folder() as one:
        assert is_upload(one / "digit.png")
    with upload_folder() as other:
        (other / "digit.png").touch()
        assert one != other
        assert not is_upload(one / "digit.png")
        assert not is_upload(other / ".." / "digit.png")
    assert not other.exists()
    assert not is_upload(other / "digit.png")


def test_the_atlas_answers_bad_questions_with_a_sentence(
    recognizer: Recognizer, tmp_path: Path
) -> None:
    handlers = Handlers(recognizer)
    digit = views.pack(np.zeros((28, 28), np.float32))
    for question in ({"net": "AlexNet"}, {"net": "lenet", "index": 10_000}, {}):
        with pytest.raises(gr.Error, match="could not be understood"):
            handlers.training_digit(question)
    with pytest.raises(gr.Error, match="could not be understood"):
        handlers.nearest({"net": "all", "image": digit})
    assert len(handlers.nearest({"net": "lenet", "image": digit})["nearest"]) == 8
    shutil.copy(WEIGHTS / "LeNet.pt", tmp_path)
    without = Handlers(Recognizer(tmp_path, "cpu"))
    sentence = "These weights have no map of training digits."
    assert without.atlas({"net": "LeNet"})["error"].startswith(sentence)
    with pytest.raises(gr.Error, match=sentence):
        without.nearest({"net": "LeNet", "image": digit})


def test_own_digits_that_are_not_digits_are_refused(recognizer: Recognizer) -> None:
    handlers = Handlers(recognizer)
    image = base64.b64encode(bytes(784)).decode()
    for digit in ({"label": 10, "image": image}, {"label": "3", "image": image[:8]}, {}):
        with pytest.raises(gr.Error, match="could not be understood"):
            handlers.export_digits({"digits": [digit]})
    zipped = handlers.export_digits({"digits": [{"label": 3, "image": image}]})
    assert handlers.import_digits(zipped) == {"digits": [{"label": 3, "image": image}]}
    assert "not a zip" in handlers.import_digits({"zip": image})["error"]


def test_the_page_offers_the_nets_that_there_are(tmp_path: Path) -> None:
    def offered(*names: str) -> list[str]:
        for name in names:
            shutil.copy(WEIGHTS / f"{name}.pt", tmp_path)
        page = demo.build(Recognizer(tmp_path, "cpu"))
        blocks: list[Any] = list(page.blocks.values())
        (choice,) = (block for block in blocks if block.elem_id == "choice")
        nets: list[str] = choice.props["nets"]
        assert choice.value.split()[0] == nets[0]
        return nets

    assert offered("MyNetV2") == ["MyNetV2"]
    assert offered("MyVggNet") == ["MyNetV2", "MyVggNet"]
    assert offered("LeNet") == ["LeNet", "MyNetV2", "MyVggNet", "all"]
