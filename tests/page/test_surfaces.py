"""Python, the command line, HTTP, MCP and the page give the same answer to a picture."""

import asyncio
import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from PIL import Image

from mnistcore.benchmark import scenes
from mnistcore.files import ROOT
from mnistcore.models import list_models
from mnistcore.pens.font import DIGITS
from mnistcore.reading.recognizer import Recognizer
from tests.tools.pictures import gray, write

gradio_client = pytest.importorskip("gradio_client")
mcp = pytest.importorskip("mcp")
transport = pytest.importorskip("mcp.client.streamable_http")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

Answers = dict[str, dict[str, Any]]  # summaries by file name
COUNT = 20


def picture(number: int, rng: np.random.Generator) -> scenes.Pixels:
    """One of twenty pictures: digits and numbers, drawn and photographed, and what is not one."""
    digit = DIGITS[rng.choice(list(DIGITS))]
    lines = ["".join(rng.choice(list("0123456789"), rng.integers(1, 6))) for _ in range(2)]
    kinds: list[Callable[[], scenes.Pixels]] = [
        *10 * [lambda: scenes.canvas(scenes.pen_drawing(digit, rng), rng)],
        lambda: scenes.photograph(scenes.pen_drawing(digit, rng), rng),
        *2 * [lambda: gray(write(lines[:1]))],
        lambda: scenes.canvas(write(lines, height=60, width=7), rng),
        lambda: scenes.photograph(write(lines[:1]), rng),
        *(
            lambda make=make: make(rng)
            for make in (
                scenes.blank,
                scenes.dot,
                scenes.drawn_scribble,
                scenes.drawn_letter,
                scenes.drawn_shape,
            )
        ),
    ]
    return kinds[number]()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Picture files; a third of them are JPEGs where that is possible, and all large ones are.

    As a PNG, a photograph of a million pixels is too large for an MCP call.
    """
    rng, out = np.random.default_rng(0), tmp_path_factory.mktemp("pictures")
    for number in range(COUNT):
        image = Image.fromarray(picture(number, rng))
        jpeg = number % 3 == 0 or image.width * image.height > 250_000
        suffix = "jpg" if jpeg and image.mode == "RGB" else "png"
        image.save(out / f"{number:02d}.{suffix}")
    return out


@pytest.fixture(scope="module")
def expected(folder: Path) -> Answers:
    recognizer = Recognizer(device="cpu")
    return {path.name: recognizer.read(path).summary() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def client(server: str) -> Iterator[Any]:
    client = gradio_client.Client(server, verbose=False)
    yield client
    client.close()


def by_command_line(folder: Path, _: str) -> Answers:
    call = [sys.executable, "-m", "mnistcore", "predict", str(folder), "--json", "--device", "cpu"]
    result = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    return {Path(answer.pop("file")).name: answer for answer in answers}


def by_http(folder: Path, url: str) -> Answers:
    client = gradio_client.Client(url, verbose=False)
    try:
        jobs = {
            path.name: client.submit(gradio_client.handle_file(str(path)), api_name="/read")
            for path in folder.iterdir()
        }
        return {name: job.result() for name, job in jobs.items()}
    finally:
        client.close()


def data_url(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


def with_mcp(url: str, ask: Callable[[Any], Any]) -> Any:
    """What ``ask`` gets from a session with the server's tools."""

    async def talk() -> Any:
        async with (
            transport.streamable_http_client(f"{url}/gradio_api/mcp/") as (receive, send, _),
            mcp.ClientSession(receive, send) as session,
        ):
            await session.initialize()
            return await ask(session)

    # In a thread of its own: the browser's event loop may be running in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, talk()).result()


def by_mcp(folder: Path, url: str) -> Answers:
    async def ask(session: Any) -> Answers:
        answers = {}
        for path in folder.iterdir():
            given = {"picture": data_url(path.read_bytes())}
            result = await session.call_tool("read_digits", given)
            answers[path.name] = json.loads(result.content[0].text)
        return answers

    return with_mcp(url, ask)


def test_the_pictures_are_of_all_kinds(expected: Answers) -> None:
    assert len(expected) == COUNT
    verdicts = [answer["verdict"] for answer in expected.values()]
    assert set(verdicts) == {"digit", "unsure", "not a digit"}
    assert verdicts.count("digit") >= 10
    lengths = {len(answer["text"]) for answer in expected.values()}
    assert len(lengths) >= 4


@pytest.mark.parametrize("surface", [by_command_line, by_http, by_mcp])
def test_each_surface_answers_as_python_does(
    surface: Callable[[Path, str], Answers], folder: Path, server: str, expected: Answers
) -> None:
    answers = surface(folder, server)
    assert set(answers) == set(expected)
    for name, right in expected.items():
        answer = answers[name]
        for key in ("text", "verdict", "reason"):
            assert answer[key] == right[key], name
        for digit, other in zip(answer["digits"], right["digits"], strict=True):
            for key in ("label", "verdict", "reason", "box"):
                assert digit[key] == other[key], name
            assert set(digit["probs_by_model"]) == set(list_models())
            probs, same = (
                np.array([d["probs"], *(d["probs_by_model"][net] for net in list_models())])
                for d in (digit, other)
            )
            np.testing.assert_allclose(probs, same, rtol=0, atol=1e-5, err_msg=name)


def percent(prob: float) -> str:
    """A probability as the page's bars show it."""
    if prob < 0.0005:
        return "0"
    return f"{100 * prob:.0f}" if prob > 0.9995 else f"{100 * prob:.1f}"


# What stands in place of an answer before there is one.
NOT_YET = ":not(:text-matches('Nothing to read yet|Reading|responding'))"


def test_the_page_shows_what_python_answers(
    folder: Path, server: str, expected: Answers, browser: Any
) -> None:
    with browser.new_page() as page:
        page.goto(server)
        page.get_by_role("tab", name="Upload").click()
        page.locator("#choice").get_by_text("All five").click()
        for path in folder.iterdir():
            page.locator("#picture input[type=file]").set_input_files(path)
            page.locator(f".answer-verdict{NOT_YET}").wait_for()
            right = expected[path.name]
            digits = right["digits"]
            text = page.locator(".answer-text").inner_text()
            assert text == (right["text"] or "\N{EN DASH}"), path.name
            verdict = page.locator(".answer").get_attribute("data-verdict")
            assert verdict == (right["verdict"] if digits else "none"), path.name
            bars = page.locator(".bar-value").all_inner_texts()
            probs = digits[0]["probs"] if digits else []
            assert bars == ([percent(prob) for prob in probs] or [""] * 10), path.name
            assert page.locator(".answer .thumbnail").count() == len(digits) * (len(digits) > 1)
            page.get_by_role("button", name="Remove").click()
            page.locator(".answer-verdict", has_text="Nothing to read yet.").wait_for()


def png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(gray(write(["4"]))).save(buffer, "png")
    return buffer.getvalue()


def test_the_endpoints_are_documented(client: Any) -> None:
    info = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(info) == {"/read", "/maps", "/explain"}
    for endpoint in info.values():
        assert endpoint["description"]
    read = {p["parameter_name"]: p for p in info["/read"]["parameters"]}
    assert read["model"]["python_type"]["type"].startswith("Literal['all', 'LeNet'")
    assert read["model"]["parameter_default"] == "all"
    assert "verdict: Literal['digit'" in info["/read"]["returns"][0]["python_type"]["type"]


@pytest.mark.parametrize("model", ["LeNet6", 7, None, "x" * 100_000])
def test_an_unknown_model_is_one_sentence(model: Any, client: Any, tmp_path: Path) -> None:
    (tmp_path / "4.png").write_bytes(png())
    file = gradio_client.handle_file(str(tmp_path / "4.png"))
    with pytest.raises(gradio_client.exceptions.AppError) as caught:
        client.predict(file, model, api_name="/read")
    sentence = str(caught.value)
    assert sentence.startswith(f"There is no model {str(model)[:40]!r}; choose from all, LeNet,")
    assert len(sentence) < 200


def test_a_model_is_found_in_any_case(client: Any, tmp_path: Path) -> None:
    (tmp_path / "4.png").write_bytes(png())
    file = gradio_client.handle_file(str(tmp_path / "4.png"))
    answers = [client.predict(file, model, api_name="/read") for model in ("LeNet", "lenet")]
    assert answers[0] == answers[1]


def test_the_tools_explain_their_use(server: str) -> None:
    async def ask(session: Any) -> Any:
        return (await session.list_tools()).tools

    tools = {tool.name: tool for tool in with_mcp(server, ask)}
    assert set(tools) == {"read_digits", "feature_maps", "explain"}
    for tool in tools.values():
        assert "Returns:" in tool.description
        properties = tool.inputSchema["properties"]
        assert all(f"{name}: " in tool.description for name in properties)
        assert properties["picture"]["type"] == "string"
        assert "data URL" in properties["picture"]["description"]
        assert tool.inputSchema["required"] == ["picture"]
        assert "LeNet" in properties["model"]["enum"]


INLINE = {"picture": data_url(png())}
PATH = {"picture": f"http://a/gradio_api/file={ROOT / 'assets/page.png'}"}
FORM = "Please give the picture as a data URL"


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("read_digits", {"picture": "/etc/passwd"}, FORM),
        ("read_digits", PATH, FORM),
        ("read_digits", {"picture": "http://127.0.0.1/4.png"}, FORM),
        ("read_digits", {"picture": "data:image/png;base64,aaaa"}, "not a picture"),
        ("read_digits", {"picture": "data:image/png;base64,a"}, "could not be understood"),
        ("read_digits", INLINE | {"model": "LeNet6"}, "choose from all, LeNet,"),
        ("feature_maps", INLINE | {"layer": "conv7"}, "choose from conv1,"),
        ("explain", INLINE | {"why_not": 4}, "LeNet says 4. Please choose another digit."),
        ("explain", INLINE | {"why_not": 10}, "There is no digit 10; choose from 0 to 9"),
    ],
)
def test_a_tool_says_what_is_wrong(
    tool: str, arguments: dict[str, Any], sentence: str, server: str
) -> None:
    async def ask(session: Any) -> Any:
        return await session.call_tool(tool, arguments)

    result = with_mcp(server, ask)
    assert result.isError
    assert sentence in result.content[0].text
    assert os.sep + "tmp" not in result.content[0].text


def test_a_tool_reads_an_upload(server: str) -> None:
    # As Gradio's own upload_file_to_gradio does it, which runs where the model's user is.
    upload = httpx.post(f"{server}/gradio_api/upload", files={"files": ("4.png", png())})
    (path,) = upload.json()

    async def ask(session: Any) -> Any:
        given = {"picture": f"{server}/gradio_api/file={quote(path)}"}
        return await session.call_tool("read_digits", given)

    assert json.loads(with_mcp(server, ask).content[0].text)["text"] == "4"


def test_explain_is_the_same_over_http_and_as_a_tool(
    server: str, client: Any, tmp_path: Path
) -> None:
    (tmp_path / "4.png").write_bytes(png())
    file = gradio_client.handle_file(str(tmp_path / "4.png"))
    answer = client.predict(file, "MyNetV2", 9, api_name="/explain")
    assert (answer["digit"], answer["why_not"]) == (4, 9)
    ink = answer["difference"] - answer["without_ink"]
    assert np.sum(answer["pixels"]) == pytest.approx(ink, rel=0.011)

    async def ask(session: Any) -> Any:
        given = {"picture": data_url(png()), "model": "MyNetV2", "why_not": 9}
        return await session.call_tool("explain", given)

    assert json.loads(with_mcp(server, ask).content[0].text) == answer


def test_a_tool_gives_one_layer_and_leaves_no_file(server: str, server_files: Path) -> None:
    before = set(server_files.rglob("*"))

    async def ask(session: Any) -> Any:
        given = {"picture": data_url(png()), "model": "LeNet", "layer": "conv2+relu+pool"}
        return await session.call_tool("feature_maps", given)

    answer = json.loads(with_mcp(server, ask).content[0].text)
    assert np.shape(answer["maps"]["conv2+relu+pool"]) == (16, 4, 4)
    assert set(server_files.rglob("*")) == before
