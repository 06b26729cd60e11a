"""The page's scripts and examples: served under addresses of their own, and only they."""

import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from mnistcore.data import MEAN
from mnistcore.files import STATIC
from mnistcore.page import components


@pytest.fixture
def client() -> TestClient:
    routes = [components.scripts_route(), components.examples_route()]
    return TestClient(Starlette(routes=routes))


def test_every_script_and_what_it_imports_is_served(client: TestClient) -> None:
    for path in STATIC.glob("*.js"):
        answer = client.get(f"{components.scripts_path()}/{path.name}")
        assert answer.status_code == 200
        assert "javascript" in answer.headers["content-type"]  # browsers refuse other modules
        for imported in re.findall(r'from "\./(.+)";', answer.text):
            assert (STATIC / imported).is_file(), f"{path.name} imports {imported}"


@pytest.mark.parametrize(
    "path", ["../components.py", "%2e%2e/components.py", "..%2fguard.py", "page.css", ""]
)
def test_nothing_else_is_served(path: str, client: TestClient) -> None:
    for folder in (components.scripts_path(), "/examples"):
        assert client.get(f"{folder}/{path}").status_code == 404


def test_every_example_is_served(client: TestClient) -> None:
    for name, path in components.EXAMPLES.items():
        answer = client.get(f"/examples/{name}")
        assert answer.content == path.read_bytes()
        assert answer.headers["content-type"].startswith("image/")


def test_a_proxy_may_remove_its_root_path(client: TestClient) -> None:
    proxied = TestClient(client.app, root_path="/digits")
    assert proxied.get(f"{components.scripts_path()}/shared.js").status_code == 200


def test_changed_scripts_have_another_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = components.scripts_path()
    for path in STATIC.glob("*.js"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(components, "STATIC", tmp_path)
    assert components.scripts_path() == before
    (tmp_path / "shared.js").write_text("// newer")
    assert components.scripts_path() != before


def test_a_component_loads_its_script_and_knows_the_facts() -> None:
    view = components.view("maps", name="inside", stage="conv1")
    assert f".{components.scripts_path()}/maps.js" in (view.js_on_load or "")
    assert view.elem_id == "inside"
    assert view.props["stage"] == "conv1"
    assert view.props["mean"] == MEAN
