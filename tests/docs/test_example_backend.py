"""The example's files are those that the guide shows, and nothing in it is left unsaid."""

from __future__ import annotations

from pathlib import Path

import pytest

from envdoctor.testing import REQUIREMENTS

EXAMPLE = Path(__file__).parents[2] / "docs" / "example-backend"


@pytest.fixture
def guide(open_page):
    return open_page("docs/guides/write-a-backend.md")


def test_the_guide_shows_every_file_as_it_is(guide):
    shown = {block.title: block.text for block in guide.blocks("toml", "python")}
    files = {
        str(path.relative_to(EXAMPLE)): path.read_text(encoding="utf-8")
        for path in EXAMPLE.rglob("*")
        if path.suffix in {".py", ".toml"}
    }
    assert shown == files


def test_the_example_lists_its_files(open_page):
    told = open_page("docs/example-backend/README.md").table("# A backend of somebody else")
    assert set(told) - {"file"} <= {str(p.relative_to(EXAMPLE)) for p in EXAMPLE.rglob("*")}


def test_the_guide_tells_every_requirement(guide):
    told = guide.table("## Earn the certificate")
    assert list(told)[1:] == [requirement.name for requirement in REQUIREMENTS]
