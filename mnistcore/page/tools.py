"""The API's functions as MCP tools, with the official SDK.

Gradio's own MCP server writes every data URL to a file that its clean-up does not know, so that a
client can fill the disk, and it answers in Python's notation instead of JSON.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from inspect import getdoc
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

import anyio
import anyio.to_thread
import gradio as gr
from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import Field
from starlette.routing import Route

from mnistcore.page.api import NETS, Endpoints
from mnistcore.page.guard import MAX_WAITING, is_upload
from mnistcore.page.views import ALL

MCP_PATH = "/gradio_api/mcp"  # where Gradio's own server would be
PICTURE = (
    "a data URL (data:image/png;base64,...), or the URL that the tool upload_file_to_gradio "
    "returns, if there is one"
)
# Names are accepted in any case, so the schema lists them but does not enforce them.
AnyModel = Annotated[str, Field(json_schema_extra={"enum": [ALL, *NETS]})]
Net = Annotated[str, Field(json_schema_extra={"enum": list(NETS)})]
Picture = Annotated[str, Field(description=PICTURE)]


def uploaded_or_inline(picture: str) -> dict[str, str]:
    """A tool's picture in the form in which the page sends one.

    Raises:
        ToolError: it is neither a data URL nor the URL of an upload.
    """
    if picture.startswith("data:"):
        return {"url": picture}
    path = unquote(picture.partition("/gradio_api/file=")[2])
    if not is_upload(Path(path)):
        raise ToolError(f"Please give the picture as {PICTURE}.")
    return {"path": path}


def mcp_app_kwargs(endpoints: Endpoints) -> dict[str, Any]:
    """Arguments of the page's FastAPI app that make it serve the tools at ``MCP_PATH``."""
    server = mcp_server(endpoints)
    (route,) = server.streamable_http_app().routes
    assert isinstance(route, Route)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    with_slash = Route(f"{MCP_PATH}/", route.endpoint)
    return {"routes": [route, with_slash], "lifespan": lifespan}


def mcp_server(endpoints: Endpoints) -> FastMCP:
    """An MCP server with the three tools."""
    server = FastMCP(
        "mnistcore",
        log_level="WARNING",
        stateless_http=True,
        streamable_http_path=MCP_PATH,
        # The page is open to all, under whatever name its host is known.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    one_at_a_time = anyio.CapacityLimiter(1)  # as Gradio's queue calls each endpoint

    async def call(function: Callable[..., Any], picture: str, *args: Any) -> str:
        if one_at_a_time.statistics().tasks_waiting >= MAX_WAITING:
            raise ToolError("The server is busy. Please try again.")
        file = uploaded_or_inline(picture)
        try:
            answer = await anyio.to_thread.run_sync(function, file, *args, limiter=one_at_a_time)
        except gr.Error as error:
            raise ToolError(error.message) from error
        return json.dumps(answer)

    async def read_digits(picture: Picture, model: AnyModel = ALL) -> str:
        return await call(endpoints.read_digits, picture, model)

    async def feature_maps(picture: Picture, model: Net = NETS[0], layer: str = "") -> str:
        return await call(endpoints.feature_maps, picture, model, layer)

    async def explain(picture: Picture, model: Net = NETS[0], why_not: int = -1) -> str:
        return await call(endpoints.explain, picture, model, why_not)

    for tool in (read_digits, feature_maps, explain):
        description = getdoc(getattr(Endpoints, tool.__name__))
        server.add_tool(tool, description=description, structured_output=False)
    return server
