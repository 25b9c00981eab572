"""The site: built as `make docs` builds it, complete, and fetching nothing."""

from __future__ import annotations

import importlib.util
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from envdoctor.cli.main import main
from envdoctor.plugins import load_plugins

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts" / "docs_site"
NO_MKDOCS = importlib.util.find_spec("mkdocs") is None


@pytest.fixture(scope="module")
def pages():
    return runpy.run_path(str(SCRIPTS / "command_pages.py"))["command_pages"]()


@pytest.fixture(scope="module")
def checks():
    return load_plugins(strangers=False).checks()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    if NO_MKDOCS:
        pytest.skip("mkdocs is not installed")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_command_has_a_page_with_its_options_and_examples(pages):
    assert {f"commands/{name}.md" for name in main.commands} <= set(pages)
    bench = pages["commands/bench.md"]
    assert "envdoctor bench mlp-tiny --backend numpy --backend torch" in bench
    shown = [each for each in main.commands["bench"].params if not getattr(each, "hidden", False)]
    missing = [each.opts[0] for each in shown if each.opts[0].strip("-") not in bench]
    assert missing == []
    assert "--no-stopping" not in bench


def test_a_group_has_a_page_for_each_of_its_commands(pages):
    assert "commands/new-backend.md" in pages
    assert "(new-backend.md)" in pages["commands/new.md"]


def test_a_cell_of_a_table_stays_one(pages):
    for text in pages.values():
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        assert all(row.count("|") == 3 for row in rows)


def test_every_check_is_on_the_page_of_checks(checks):
    page = runpy.run_path(str(SCRIPTS / "checks_page.py"))["checks_page"]()
    assert re.findall(r"^### (.+)$", page, re.MULTILINE) == [
        each.id for each in sorted(checks, key=lambda each: (each.group, each.id))
    ]


def test_a_new_page_finds_its_place():
    navigation = runpy.run_path(str(SCRIPTS / "navigation.py"))["navigation"]
    found = navigation(["guides/new.md", "fresh.md", "index.md", "decisions/0001-a.md"])
    assert found == [
        "index.md",
        {"Guides": ["guides/new.md"]},
        {"Reference": ["fresh.md"]},
        {"Project": ["decisions/0001-a.md"]},
    ]


def test_the_site_builds_without_a_warning(site, pages):
    made = [site / Path(path).with_suffix(".html") for path in pages]
    assert [path.name for path in made if not path.is_file()] == []
    assert (site / "guides" / "check-your-setup.html").is_file()
    assert (site / "start.html").is_file()


def test_the_site_fetches_nothing(site):
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert re.findall(r'(?:src|<link[^>]* href)="(?:https?:)?//[^"]*"', text) == []


def test_code_blocks_are_blocks(site):
    broken = [path.name for path in site.rglob("*.html") if "```" in path.read_text("utf-8")]
    assert broken == []


def test_links_between_the_pages_lead_somewhere(site):
    lost = [
        f"{path.name}: {link}"
        for path in site.rglob("*.html")
        for link in re.findall(r'<a[^>]* href="([^"#?:]+)["#]', path.read_text("utf-8"))
        if path.name != "404.html" and not (path.parent / link).exists()
    ]
    assert lost == []
