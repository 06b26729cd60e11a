"""What is written for people, and what must agree with it."""

import re

from mnistcore.files import ROOT


def test_links_lead_to_files() -> None:
    links = [
        link
        for page in ROOT.glob("*.md")
        for link in re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", page.read_text())
        if "://" not in link
    ]
    assert len(links) > 20
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_contributing_is_short() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) < 40


def test_the_picture_of_the_architecture_shows_files_that_exist() -> None:
    words = re.findall(r"[\w/]+\.py|assets/\w+", (ROOT / "assets/architecture.svg").read_text())
    assert len(words) > 10
    places = (ROOT, ROOT / "mnistcore")
    assert [word for word in words if not any((place / word).exists() for place in places)] == []


def test_hooks_run_what_ci_runs() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    script = (ROOT / "scripts" / "test.sh").read_text()
    checks = re.findall(r"entry: \.venv/bin/(.*)", hooks)
    assert checks == re.findall(r"^part \w+ ((?:ruff|mypy).*)$", script, re.MULTILINE)
