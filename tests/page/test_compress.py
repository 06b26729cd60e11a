"""Answers are compressed, and arrive as early as before."""

import asyncio
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mnistcore.page.compress import CompressAnswers

EVENTS = [b"data: " + bytes([letter]) * 1000 + b"\n\n" for letter in b"ab"]


async def stream(_: Any, receive: Any, send: Any) -> None:
    """An app that answers with two events."""
    length = str(sum(map(len, EVENTS))).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
    )
    for k, event in enumerate(EVENTS):
        await send({"type": "http.response.body", "body": event, "more_body": k == 0})


def answer(path: str, accept: bytes) -> tuple[dict[bytes, bytes], list[bytes]]:
    """The headers and the parts of an answer."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"accept-encoding", accept)]
    scope = {"type": "http", "path": path, "root_path": "/space", "headers": headers}
    with ThreadPoolExecutor() as thread:  # this one may have an event loop
        thread.submit(asyncio.run, CompressAnswers(stream)(scope, receive, send)).result()
    return dict(sent[0]["headers"]), [message["body"] for message in sent[1:]]


@pytest.mark.parametrize("path", ["/space/gradio_api/queue/data", "/gradio_api/component_server/"])
def test_each_event_of_a_stream_can_be_read_when_it_comes(path: str) -> None:
    headers, parts = answer(path, b"gzip, br")
    assert headers[b"content-encoding"] == b"gzip"
    assert b"content-length" not in headers
    assert sum(map(len, parts)) < 200
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert [unpacker.decompress(part) for part in parts] == EVENTS
    assert unpacker.eof


@pytest.mark.parametrize(
    ("path", "accept"), [("/gradio_api/queue/data", b"br"), ("/config", b"gzip")]
)
def test_nothing_else_is_touched(path: str, accept: bytes) -> None:
    headers, parts = answer(path, accept)
    assert b"content-encoding" not in headers
    assert parts == EVENTS
