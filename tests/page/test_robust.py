"""What strangers send the server: awkward files, nonsense, paths, addresses and floods.

Each meets the right answer or one sentence, and the server lives on.
"""

import base64
import http.client
import io
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from mnistcore.files import ROOT
from mnistcore.page import views
from tests.reading.test_picture import BAD_FILES, BLANKS, LOSSY, PICTURES, SHARP
from tests.tools.server import resident_mb, served

httpx = pytest.importorskip("httpx")
gradio_client = pytest.importorskip("gradio_client")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

# Refuses whatever leaves the machine, as a cut network would, and keeps a list of it.
CUT = """
import os, sys
HERE = {None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"}
def watch(event, args):
    if event == "socket.getaddrinfo" or event == "socket.gethostbyname":
        place = args[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        place = args[1][0] if isinstance(args[1], tuple) else None
    else:
        return
    place = place.decode() if isinstance(place, bytes) else place
    if place not in HERE:
        with open(os.environ["OUTSIDE"], "a") as file:
            file.write(f"{event} {place}\\n")
        raise OSError("the network is cut")
sys.addaudithook(watch)
"""


class Stranger:
    """Talks to the server as it likes."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)
        config = self.http.get("/config").json()
        self.ids = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
        self.events = config["dependencies"]

    def body(
        self, component: str, event: str, event_data: Any = None, **values: Any
    ) -> dict[str, Any]:
        """What the page sends at an event, from another session every time."""
        known = {"choice": "LeNet conv1"} | values
        names = {place: name for name, place in self.ids.items()}
        target = [self.ids[component], event]
        handler = next(h for h in self.events if target in h["targets"])
        return {
            "data": [known.get(names.get(place)) for place in handler["inputs"]],
            "fn_index": handler["id"],
            "session_hash": os.urandom(6).hex(),
            "trigger_id": target[0],
            "event_data": event_data,
        }

    def trigger(self, component: str, event: str, event_data: Any = None, **values: Any) -> Any:
        """What an event of the page is answered, as the page's own message has it."""
        body = self.body(component, event, event_data, **values)
        joined = self.http.post("/gradio_api/queue/join", json=body)
        if joined.status_code != 200:
            return joined.json()
        address = f"/gradio_api/queue/data?session_hash={body['session_hash']}"
        lines = self.http.get(address).text.split("\n\n")
        messages = [json.loads(line.removeprefix("data: ")) for line in lines if line]
        return next(m["output"] for m in messages if m["msg"] == "process_completed")

    def call(self, name: str, *data: Any) -> tuple[str, Any]:
        """How a named endpoint ends, and its data."""
        joined = self.http.post(f"/gradio_api/call/{name}", json={"data": data})
        if joined.status_code != 200:
            return "error", joined.json()
        text = self.http.get(f"/gradio_api/call/{name}/{joined.json()['event_id']}").text
        event, answer = text.strip().split("\n")[-2:]
        return event.removeprefix("event: "), json.loads(answer.removeprefix("data: "))

    def ask(self, function: str, data: Any, component: str = "maps") -> Any:
        """The response to a question that the maps, or another view, ask."""
        body = {
            "component_id": self.ids[component],
            "fn_name": function,
            "data": data,
            "session_hash": "stranger",
        }
        return self.http.post("/gradio_api/component_server", json=body)

    def upload(self, content: bytes, name: str = "digit.png") -> Any:
        return self.http.post("/gradio_api/upload", files={"files": (name, content)})

    def read(self, content: bytes) -> str:
        """The number on a picture."""
        (path,) = self.upload(content).json()
        event, data = self.call("read", file_data(path), "all")
        assert event == "complete", data
        return str(data[0]["text"])


def file_data(path: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}} | more


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any, Path]]:
    """The server without a network: its address, its process and its folder.

    In the folder, ``uploads`` links to what is uploaded, ``outside`` lists what was sent to the
    network and ``log`` is what the server printed.
    """
    folder = tmp_path_factory.mktemp("server")
    (folder / "sitecustomize.py").write_text(CUT)
    (folder / "outside").touch()
    env = os.environ | {
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        "OUTSIDE": str(folder / "outside"),
        "TMPDIR": str(folder),
    }
    with (
        (folder / "log").open("w") as log,
        served("demo.py", "--device", "cpu", env=env, stdout=log, stderr=log) as (url, process, _),
    ):
        (uploads,) = folder.glob("mnistcore-*")
        (folder / "uploads").symlink_to(uploads)
        yield url, process, folder
        assert process.poll() is None, (folder / "log").read_text()
        assert list(uploads.rglob("digit.png"))
    assert process.returncode == 0
    assert not uploads.exists(), "a server that is stopped leaves no upload"


@pytest.fixture(scope="module")
def server(started: tuple[str, Any, Path]) -> str:
    return started[0]


@pytest.fixture(scope="module")
def stranger(server: str) -> Iterator[Stranger]:
    stranger = Stranger(server)
    yield stranger
    stranger.http.close()


@pytest.fixture(scope="module")
def api(server: str) -> Iterator[Any]:
    client = gradio_client.Client(server, verbose=False)
    yield client
    client.close()


def assert_sentence(text: Any) -> None:
    """One sentence for people: no traceback, no path of ours."""
    assert isinstance(text, str)
    assert re.fullmatch(r"[A-Z][^\n]*[.\]]", text), text
    assert "Traceback" not in text
    assert str(ROOT) not in text
    assert "mnistcore-" not in text  # the folder of uploads


def assert_refused(answer: Any) -> None:
    """The server said no in a sentence, or in Gradio's own way without a word too many."""
    (text,) = (answer[key] for key in ("error", "detail") if key in answer)
    if text is not None:
        assert_sentence(text)


def assert_not_read(answer: Any) -> None:
    """The picture is refused, or all views are empty and say why in a sentence."""
    if "data" not in answer:
        assert_refused(answer)
        return
    for view in map(json.loads, answer["data"]):
        assert set(view) == {"model", "asked", "error"}
        assert_sentence(view["error"])


@pytest.fixture
def lives_on(stranger: Stranger) -> Iterator[None]:
    """Afterwards the server reads as before."""
    yield
    assert stranger.read(PICTURES["PNG"]) == "7"


READABLE = {
    name: picture
    for name, picture in (PICTURES | SHARP | LOSSY).items()
    if isinstance(picture, bytes)
}
EMPTY = {name: picture for name, picture in BLANKS.items() if isinstance(picture, bytes)}
FILES = {
    **{f"{name}: 7": (picture, "7") for name, picture in READABLE.items()},
    **{f"{name}: blank": (picture, "") for name, picture in EMPTY.items()},
    **{f"{name}: refused": (content, None) for name, (content, _) in BAD_FILES.items()},
}


@pytest.mark.parametrize(("content", "text"), FILES.values(), ids=FILES.keys())
def test_an_awkward_file_through_the_api(
    content: bytes, text: str | None, api: Any, tmp_path: Path
) -> None:
    path = tmp_path / "digit.png"
    path.write_bytes(content)
    if text is None:
        with pytest.raises(gradio_client.exceptions.AppError) as caught:
            api.predict(gradio_client.handle_file(path), "all", api_name="/read")
        assert_sentence(caught.value.message)
        assert "picture" in caught.value.message
    else:
        read = api.predict(gradio_client.handle_file(path), "all", api_name="/read")
        assert read["text"] == text


def test_awkward_files_on_the_page(open_page: Callable[..., Any], tmp_path: Path) -> None:
    page = open_page()
    page.get_by_role("tab", name="Upload").click()
    path = tmp_path / "digit.png"

    def upload(name: str) -> None:
        path.write_bytes(FILES[name][0])
        page.locator("#picture input[type=file]").set_input_files(path)

    upload("truncated JPEG: refused")
    alert = page.locator("#picture [role=alert]:not(:empty)")
    alert.wait_for()
    assert_sentence(alert.inner_text())
    assert "picture" in alert.inner_text()
    upload("PNG: 7")
    page.locator(".answer-text", has_text="7").wait_for()
    page.get_by_role("button", name="Remove").click()
    upload("JPEG: blank")
    page.locator(".answer-verdict", has_text="Nothing to read.").wait_for()


def test_memory_comes_back(started: tuple[str, Any, Path], stranger: Stranger) -> None:
    buffer = io.BytesIO()
    Image.new("1", (10_000, 10_000), 1).save(buffer, "PNG")
    memory = []
    for _ in range(3):  # each takes more than 500 MB
        assert stranger.read(buffer.getvalue()) == ""
        memory.append(resident_mb(started[1]))
    # A part that comes back late is not a leak, so one of the later readings is enough.
    assert min(memory[1:]) < memory[0] + 250


DRAWINGS = {
    "number": 5,
    "list": ["1 "],
    "object": {"path": "x"},
    "true": True,
    "no number": "x data:image/png;base64,AAAA",
    "no base64": "1 data:image/png;base64,A",
    "no image": "1 data:image/png;base64,AAAA",
    "bad picture": "1 data:image/png;base64," + base64.b64encode(PICTURES["PNG"][:99]).decode(),
    "endless number": "9" * 5000 + " ",
    "huge": "1 data:image/png;base64," + 900_000 * "A",
    "too huge": "1 data:image/png;base64," + 2_000_000 * "A",
    "file": file_data("/etc/passwd"),
}


@pytest.mark.usefixtures("lives_on")
@pytest.mark.parametrize("value", DRAWINGS.values(), ids=DRAWINGS.keys())
def test_what_is_not_a_drawing_is_refused(value: Any, stranger: Stranger) -> None:
    assert_refused(stranger.trigger("canvas", "input", canvas=value))


CHOICES = ["LeNet6 conv1", "LeNet conv9", "LeNet", "", None, 5, ["LeNet"], {"a": 1}, 10**6 * "x"]


@pytest.mark.usefixtures("lives_on")
@pytest.mark.parametrize("value", CHOICES)
def test_an_unknown_net_or_layer_is_refused(value: Any, stranger: Stranger) -> None:
    drawing = "1 data:image/png;base64," + base64.b64encode(PICTURES["PNG"]).decode()
    assert_refused(stranger.trigger("canvas", "input", canvas=drawing, choice=value))


@pytest.mark.parametrize("value", ["LeNet6", "lenet\n", None, 5, [], {}])
@pytest.mark.parametrize("name", ["read", "maps", "explain"])
def test_an_unknown_net_is_refused_by_the_api(name: str, value: Any, stranger: Stranger) -> None:
    (path,) = stranger.upload(PICTURES["PNG"]).json()
    event, answer = stranger.call(name, file_data(path), value)
    assert event == "error"
    assert_refused(answer)


DIGIT = views.pack(np.zeros((28, 28), np.float32))
QUESTION = {
    "digit": DIGIT,
    "stage": "LeNet conv1",
    "name": "conv1",
    "channel": 0,
    "row": 0,
    "column": 0,
}
QUESTIONS: dict[str, Any] = {
    "nothing": None,
    "text": "digit",
    "list": [1, 2],
    "no keys": {},
    "no digit": {"stage": "LeNet conv1"},
    "digit of another shape": QUESTION | {"digit": views.pack(np.zeros(9, np.float32))},
    "digit of NaN": QUESTION | {"digit": views.pack(np.full((28, 28), np.nan, np.float32))},
    "digit of infinity": QUESTION | {"digit": views.pack(np.full((28, 28), np.inf, np.float32))},
    "digit that is not text": QUESTION | {"digit": 5},
    "no base64": QUESTION | {"digit": "!"},
    "unknown net": QUESTION | {"stage": "LeNet6 conv1"},
    "unknown layer": QUESTION | {"stage": "LeNet conv9"},
    "stage of the Python kind": QUESTION | {"stage": "LeNet __class__"},
    "stage that is not text": QUESTION | {"stage": {}},
}
PLACES = {
    "unknown map": {"name": "conv9"},
    "map that is not text": {"name": []},
    "channel too large": {"channel": 6},
    "negative row": {"row": -1},
    "endless row": {"row": 10**30},
    "column that is not a number": {"column": "x"},
    "missing column": {"column": None},
}


@pytest.mark.parametrize("function", ["look", "arithmetic"])
@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_a_malformed_question_is_refused(function: str, question: Any, stranger: Stranger) -> None:
    answer = stranger.ask(function, question)
    assert answer.status_code == 400
    assert_sentence(answer.json()["detail"])


@pytest.mark.parametrize("change", PLACES.values(), ids=PLACES.keys())
def test_a_place_outside_the_maps_is_refused(change: dict[str, Any], stranger: Stranger) -> None:
    assert stranger.ask("arithmetic", QUESTION).status_code == 200
    answer = stranger.ask("arithmetic", QUESTION | change)
    assert answer.status_code == 400
    assert_sentence(answer.json()["detail"])


UNIT = {"image": DIGIT, "net": "LeNet", "name": "fc1", "unit": 0}
UNITS: dict[str, Any] = {
    "nothing": None,
    "no keys": {},
    "no digit": {"net": "LeNet", "name": "fc1", "unit": 0},
    "unknown net": UNIT | {"net": "LeNet6"},
    "net that is not text": UNIT | {"net": {}},
}
WRONG_UNITS = {
    "unknown layer": {"name": "fc9"},
    "unit too large": {"unit": 120},
    "text": {"unit": "x"},
}


@pytest.mark.parametrize("function", ["units", "unit"])
@pytest.mark.parametrize("question", UNITS.values(), ids=UNITS.keys())
def test_a_malformed_question_about_units_is_refused(
    function: str, question: Any, stranger: Stranger
) -> None:
    answer = stranger.ask(function, question, "units")
    assert answer.status_code == 400
    assert_sentence(answer.json()["detail"])


@pytest.mark.parametrize("change", WRONG_UNITS.values(), ids=WRONG_UNITS.keys())
def test_a_unit_that_does_not_exist_is_refused(change: dict[str, Any], stranger: Stranger) -> None:
    assert stranger.ask("unit", UNIT, "units").status_code == 200
    answer = stranger.ask("unit", UNIT | change, "units")
    assert answer.status_code == 400
    assert_sentence(answer.json()["detail"])


CHANGE = {"image": DIGIT, "net": "LeNet", "amounts": {"turn": 20.0}}
CHANGES: dict[str, Any] = {
    "nothing": None,
    "no keys": {},
    "no digit": {"net": "LeNet", "amounts": {}},
    "unknown net": CHANGE | {"net": "LeNet6"},
    "unknown change": CHANGE | {"amounts": {"melt": 1.0}},
    "an amount out of range": CHANGE | {"amounts": {"turn": 1e30}},
    "an amount that is not a number": CHANGE | {"amounts": {"turn": "x"}},
    "amounts that are a list": CHANGE | {"amounts": [1]},
}


@pytest.mark.parametrize("function", ["change", "curves"])
@pytest.mark.parametrize("question", CHANGES.values(), ids=CHANGES.keys())
def test_a_malformed_change_is_refused(function: str, question: Any, stranger: Stranger) -> None:
    assert stranger.ask(function, CHANGE, "change").status_code == 200
    answer = stranger.ask(function, question, "change")
    assert answer.status_code == 400
    assert_sentence(answer.json()["detail"])


@pytest.mark.parametrize("change", [{"image": "!"}, {"net": "LeNet6"}])
def test_a_malformed_flip_is_refused(change: dict[str, Any], stranger: Stranger) -> None:
    assert stranger.ask("flip", CHANGE, "change").status_code == 200
    answer = stranger.ask("flip", CHANGE | change, "change")
    assert answer.status_code == 400
    assert_sentence(answer.json()["detail"])


WHY = {"image": DIGIT, "nets": ["LeNet"], "digit": None, "other": None}
WHYS: dict[str, Any] = {
    "nothing": None,
    "no keys": {},
    "no digit": {"nets": ["LeNet"], "digit": 3, "other": 5},
    "unknown net": WHY | {"nets": ["LeNet6"]},
    "no nets": WHY | {"nets": []},
    "nets that are no list": WHY | {"nets": 5},
    "the same digit": WHY | {"digit": 3, "other": 10},
    "a digit that is not a number": WHY | {"digit": "x"},
    "an endless digit": WHY | {"other": 10**30},
}


@pytest.mark.parametrize("question", WHYS.values(), ids=WHYS.keys())
def test_a_malformed_why_is_refused(question: Any, stranger: Stranger) -> None:
    assert stranger.ask("why", WHY, "why").status_code == 200
    answer = stranger.ask("why", question, "why")
    assert answer.status_code == 400
    assert_sentence(answer.json()["detail"])


@pytest.mark.parametrize("name", ["preprocess", "__init__", "js_on_load", "queue", ""])
def test_no_other_function_can_be_called(name: str, stranger: Stranger) -> None:
    assert stranger.ask(name, None).status_code == 404


@pytest.mark.parametrize("event_data", [None, {}, {"index": "x"}, {"index": 10_000}, 5])
def test_a_misread_digit_that_does_not_exist(event_data: Any, stranger: Stranger) -> None:
    assert_refused(stranger.trigger("results", "click", event_data))


EXAMPLE = next((ROOT / "assets" / "examples").glob("*three*"))


def link_to_example(uploads: Path) -> str:
    link = uploads / "link.png"
    if not link.is_symlink():
        link.symlink_to(EXAMPLE)
    return str(link)


# Paths that are not uploads, though some lead to pictures; each from the folder of uploads.
PATHS: dict[str, Callable[[Path], str]] = {
    "a file of the system": lambda _: "/etc/passwd",
    "a picture of the project": lambda _: str(EXAMPLE),
    "a relative path": lambda _: str(EXAMPLE.relative_to(ROOT)),
    "weights": lambda _: str(ROOT / "assets" / "weights" / "LeNet.pt"),
    "out of the uploads": lambda uploads: f"{uploads}/../../../../../../../..{EXAMPLE}",
    "a link out of the uploads": link_to_example,
    "file://": lambda _: EXAMPLE.as_uri(),
    "a folder": str,
    "nothing": lambda uploads: str(uploads / "none.png"),
    "a device": lambda _: "/dev/zero",
    "not a path": lambda _: "a\0b",
}


@pytest.mark.usefixtures("lives_on")
@pytest.mark.parametrize("meta", [True, False], ids=["with meta", "without"])
@pytest.mark.parametrize("kind", PATHS)
def test_a_path_that_is_not_an_upload_is_not_read(
    kind: str, meta: bool, stranger: Stranger, started: tuple[str, Any, Path]
) -> None:
    path = PATHS[kind]((started[2] / "uploads").resolve())
    file = file_data(path) if meta else {"path": path}
    for name in ("read", "maps", "explain"):
        event, answer = stranger.call(name, file, "LeNet")
        assert event == "error"
        assert_refused(answer)
    for value in (path, file):
        assert_not_read(stranger.trigger("picture", "input", picture=value))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Somebody on this machine who is not to be asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


ADDRESSES = [
    "http://127.0.0.1:PORT/x.png",
    "http://localhost:PORT/x.png",
    "http://2130706433:PORT/x.png",
    "http://169.254.169.254/latest/meta-data",
    "https://example.com/x.png",
    "https://huggingface.co/x.png",
    "HTTPS://example.com/x.png",
]


@pytest.mark.usefixtures("lives_on")
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_not_asked(
    address: str, stranger: Stranger, listener: socket.socket, started: tuple[str, Any, Path]
) -> None:
    address = address.replace("PORT", str(listener.getsockname()[1]))
    for file in (
        file_data(address),
        file_data(address, url=address),
        {"path": address},
        {"url": address},
        address,
    ):
        event, answer = stranger.call("read", file, "LeNet")
        assert event == "error"
        assert_refused(answer)
        assert_not_read(stranger.trigger("picture", "input", picture=file))
    assert_refused(stranger.trigger("canvas", "input", canvas=file_data(address)))
    for endpoint in ("file=", "file/", "proxy="):
        response = stranger.http.get(f"/gradio_api/{endpoint}{address}", follow_redirects=False)
        assert response.status_code in (400, 403, 404), response.text
    assert (started[2] / "outside").read_text() == ""


ENDPOINTS = ["gradio_api/file=", "gradio_api/file/", "static/", "assets/", "svelte/"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_no_file_is_served_but_uploads(
    endpoint: str, stranger: Stranger, started: tuple[str, Any, Path]
) -> None:
    (uploaded,) = stranger.upload(PICTURES["PNG"]).json()
    if endpoint.endswith("file="):
        assert stranger.http.get(f"/{endpoint}{uploaded}").content == PICTURES["PNG"]
    host = urlsplit(started[0])
    demo, weights = ROOT / "demo.py", ROOT / "assets" / "weights" / "LeNet.pt"
    up = "../" * 12
    for path in (
        "/etc/passwd",
        "//etc/passwd",
        f"{up}etc/passwd",
        "..%2f" * 12 + "etc%2fpasswd",
        "%2e%2e/" * 12 + "etc/passwd",
        "%252e%252e%252f" * 12 + "etc%252fpasswd",
        "..\\" * 12 + "etc\\passwd",
        "file:///etc/passwd",
        f"{uploaded}/{up}etc/passwd",
        f"{uploaded}%00/etc/passwd",
        str(demo),
        "demo.py",
        "./demo.py",
        f"{ROOT}/tests/../demo.py",
        str(weights),
        "assets/weights/LeNet.pt",
        "assets/MNIST/README.md",
        f"{ROOT}/.git/config",
        str(started[2] / "log"),
        "/proc/self/environ",
    ):
        connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=30)
        connection.request("GET", f"/{endpoint}{path}")  # as it is: other clients tidy it up
        response = connection.getresponse()
        body = response.read()
        assert response.status in (400, 403, 404, 405), f"{path}: {response.status}"
        assert b"root:" not in body
        assert b"gradio as gr" not in body
        connection.close()


NOT_SERVED = [
    "/gradio_api/deep_link",  # writes a visitor's state to a file that stays
    "/gradio_api/process_recording",  # runs ffmpeg
    "/gradio_api/run/predict",  # these two bypass the queue
    "/gradio_api/run/read",
    "/gradio_api/proxy=http://127.0.0.1/",
    "/gradio_api/custom_component/a/client/component/index.js",
    "/monitoring",
    "/openapi.json",
    "/docs",
    "/gradio_api/vibe-edit",
    "/gradio_api/stream/a/1/2/playlist.m3u8",
    "//monitoring",
    "/gradio_api/anything-new",
]


@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize("address", NOT_SERVED)
def test_a_route_that_nothing_needs_is_not_served(
    address: str, end: str, stranger: Stranger
) -> None:
    host = stranger.http.base_url
    for method in ("GET", "POST"):
        connection = http.client.HTTPConnection(host.host, host.port, timeout=30)
        connection.request(method, address + end)  # as it is: other clients tidy it up
        response = connection.getresponse()
        assert response.status == 404
        assert json.loads(response.read())["detail"] == "There is nothing at this address."
        connection.close()


@pytest.mark.usefixtures("lives_on")
@pytest.mark.parametrize("body", [b"x", b"{", b"[" * 10**5, b"\xff\xfe", b"--x\r\n"])
@pytest.mark.parametrize("endpoint", ["queue/join", "call/read", "component_server", "cancel"])
def test_a_body_that_is_not_json_is_refused(endpoint: str, body: bytes, stranger: Stranger) -> None:
    response = stranger.http.post(f"/gradio_api/{endpoint}", content=body)
    assert response.status_code == 400
    assert_sentence(response.json()["detail"])


def test_a_bare_path_is_answered_with_one_sentence(
    api: Any, started: tuple[str, Any, Path]
) -> None:
    with pytest.raises(gradio_client.exceptions.AppError, match="handle_file") as caught:
        api.predict("photo.jpg", api_name="/read")
    assert_sentence(caught.value.message)
    assert "handle_file" not in (started[2] / "log").read_text()


@pytest.mark.usefixtures("lives_on")
def test_too_much_is_cut_off(stranger: Stranger) -> None:
    assert stranger.upload(bytes(20 * 10**6)).status_code == 200
    for excess in (1, 2 * 10**6):
        assert stranger.upload(bytes(20 * 10**6 + excess)).status_code == 413
    for endpoint in ("queue/join", "call/read", "component_server"):
        address = f"/gradio_api/{endpoint}"
        response = stranger.http.post(address, content=bytes(10**6 + 1))
        assert response.status_code == 413
        assert_sentence(response.json()["detail"])
        chunks = [bytes(10**5)] * 11
        assert stranger.http.post(address, content=iter(chunks)).status_code == 413
    upload = [b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n']
    upload += [bytes(10**6)] * 22
    response = stranger.http.post(
        "/gradio_api/upload",
        content=iter(upload),
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert response.status_code == 413
    known = {"data": [None, "all"]}
    in_chunks = iter([json.dumps(known).encode()])
    called = stranger.http.post(
        "/gradio_api/call/read", content=in_chunks, headers={"content-type": "application/json"}
    )
    assert called.status_code == 200


def test_an_upload_that_breaks_off_leaves_no_file(
    stranger: Stranger, started: tuple[str, Any, Path]
) -> None:
    uploads, host = started[2] / "uploads", stranger.http.base_url
    head = (
        "POST /gradio_api/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="files"; filename="7.png"\r\n\r\n'
    )

    def wait_for(count: int) -> None:
        end = time.monotonic() + 20
        while len(found := [path for path in uploads.glob("tmp*") if path.is_file()]) != count:
            assert time.monotonic() < end, found

    with socket.create_connection((host.host, host.port), timeout=30) as connection:
        connection.sendall(head.encode() + bytes(5 * 10**6))
        wait_for(1)
    wait_for(0)
    assert "ClientDisconnect" not in (started[2] / "log").read_text()


def test_nothing_leaves_the_machine(
    started: tuple[str, Any, Path], stranger: Stranger, open_page: Callable[..., Any]
) -> None:
    page = open_page()
    page.get_by_role("tab", name="Benchmark").click()
    page.locator(".misread button").first.wait_for()
    assert stranger.read(PICTURES["PNG"]) == "7"
    assert stranger.ask("arithmetic", QUESTION).status_code == 200
    assert (started[2] / "outside").read_text() == ""


def test_the_network_watch_works(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(CUT)
    env = os.environ | {"PYTHONPATH": str(tmp_path), "OUTSIDE": str(tmp_path / "outside")}
    code = "import socket; socket.create_connection(('example.com', 80))"
    for address in ("example.com", "192.0.2.1"):
        call = [sys.executable, "-c", code.replace("example.com", address)]
        result = subprocess.run(call, env=env, capture_output=True, text=True, check=False)
        assert "the network is cut" in result.stderr
    assert "getaddrinfo example.com" in (tmp_path / "outside").read_text()
    assert "192.0.2.1" in (tmp_path / "outside").read_text()


# The same page, where nothing is read while the file STUCK is there.
STUCK = """
import json, os, time, demo
def show(handlers, content, choice, number=0, **extra):
    if choice == "LeNet conv2":
        raise RuntimeError("a bug in /secret/place")
    while os.path.exists(os.environ["STUCK"]):
        time.sleep(0.01)
    return (json.dumps({"number": number or 7 * bool(content)}),) * 3
demo.Handlers.show, demo.MAX_WAITING = show, 2
demo.main()
"""


@pytest.fixture(scope="module")
def stuck_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    file = tmp_path_factory.mktemp("server") / "stuck"
    env = os.environ | {"PYTHONPATH": str(ROOT), "STUCK": str(file)}
    with served("-c", STUCK, "--device", "cpu", env=env, stderr=subprocess.DEVNULL) as (url, *_):
        yield url, file


@pytest.fixture
def stuck(stuck_server: tuple[str, Path]) -> Iterator[tuple[str, Path]]:
    """The address of that server, and the file, which no other test finds there."""
    yield stuck_server
    stuck_server[1].unlink(missing_ok=True)


def fill(stranger: Stranger) -> None:
    """Ask until the queue is full and stays so."""
    refused = 0
    for _ in range(1000):
        body = stranger.body("canvas", "input", canvas="1 ")
        joined = stranger.http.post("/gradio_api/queue/join", json=body)
        refused = refused + 1 if joined.status_code == 503 else 0
        if refused == 20:  # in a row, so that what has left the queue has arrived
            return
    pytest.fail("the queue never fills")


def answered(page: Any) -> None:
    """Wait until the answer is that of the newest drawing: a slow click sends two."""
    page.wait_for_function("""() => {
        const sent = document.querySelector("#canvas canvas").dataset.sent;
        return sent && document.querySelector("#answer [data-number]").dataset.number === sent;
    }""")


def test_a_full_queue_says_so(stuck: tuple[str, Path], browser: Any) -> None:
    url, file = stuck
    stranger = Stranger(url)
    page = browser.new_page()
    page.goto(url)
    canvas = page.locator("#canvas canvas[data-ready]")
    canvas.click()
    answered(page)
    file.touch()
    fill(stranger)
    client = gradio_client.Client(url, verbose=False)
    with pytest.raises(Exception, match="Queue is full! Please try again"):
        client.predict(None, "all", api_name="/read")
    client.close()
    canvas.click()
    toast = page.locator("[data-testid=toast-body]").first
    toast.wait_for()
    assert "currently busy. Please try again" in toast.inner_text()
    file.unlink()
    answered(page)  # the page has asked again by itself
    stranger.http.close()
    page.close()


def test_a_full_queue_loses_no_upload(
    stuck: tuple[str, Path], browser: Any, tmp_path: Path
) -> None:
    url, file = stuck
    stranger = Stranger(url)
    page = browser.new_page()
    page.goto(url)
    page.locator("#canvas canvas[data-ready]").click()
    answered(page)
    page.get_by_role("tab", name="Upload").click()
    page.locator("#answer [data-number='0']").wait_for()
    path = tmp_path / "digit.png"
    path.write_bytes(PICTURES["PNG"])
    file.touch()
    fill(stranger)
    page.locator("#picture input[type=file]").set_input_files(path)
    page.locator("[data-testid=toast-body]").first.wait_for()
    file.unlink()
    page.locator("#answer [data-number='7']").wait_for()
    assert page.locator(".picture-frame img").count()
    stranger.http.close()
    page.close()


def test_a_bug_of_ours_reveals_nothing(stuck: tuple[str, Path]) -> None:
    stranger = Stranger(stuck[0])
    answer = stranger.trigger("canvas", "input", canvas="1 ", choice="LeNet conv2")
    assert answer == {"error": None}
    stranger.http.close()
