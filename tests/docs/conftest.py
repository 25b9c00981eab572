"""The documents as the tests see them: pages, sections and blocks of code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of code: its language, its title, its text."""

    language: str
    title: str
    text: str


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return BLOCK.sub("", self.text)

    def blocks(self, *languages: str) -> list[Block]:
        found = [Block(*match.groups(default="")) for match in BLOCK.finditer(self.text)]
        return [block for block in found if block.language in languages]

    def commands(self) -> list[str]:
        """The `envdoctor` lines of the shell blocks, without their comments."""
        lines = "\n".join(block.text for block in self.blocks("sh")).splitlines()
        bare = [line.partition(" #")[0].strip() for line in lines]
        return [line for line in bare if line.split()[:1] == ["envdoctor"]]

    def section(self, heading: str) -> str:
        """The text under a heading, up to the next one of its level or above."""
        level = heading.partition(" ")[0]
        _, found, rest = f"\n{self.prose}".partition(f"\n{heading}\n")
        assert found, f"{self.path.name} has no heading `{heading}`"
        return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]

    def table(self, heading: str) -> dict[str, list[str]]:
        """The rows of the tables right under a heading, by the bare text of the first cell."""
        found = {}
        own = re.split(r"^#+ ", self.section(heading), maxsplit=1, flags=re.MULTILINE)[0]
        for line in own.splitlines():
            if line.startswith("| "):
                cells = [cell.strip() for cell in line.strip("|").split("|")]
                found[cells[0].strip("`")] = cells[1:]
        return found

    def write_files(self, folder: Path, *languages: str) -> None:
        """Write the blocks with a title to files of that name."""
        for block in self.blocks(*languages):
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")


@dataclass(frozen=True)
class Shell:
    """Runs the command lines of a guide as they stand, in a folder."""

    folder: Path

    def run(self, line: str, *more: str) -> subprocess.CompletedProcess[str]:
        program, *arguments = line.split()
        assert program == "envdoctor"
        variables = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "COLUMNS": "200",
        }
        return subprocess.run(
            [sys.executable, "-m", "envdoctor", *arguments, *more],
            cwd=self.folder,
            env=variables,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(params=PAGES, ids=name_of)
def page(request) -> Page:
    """Every page in turn."""
    return Page(request.param)


@pytest.fixture
def open_page():
    """A page by its path in the repository."""
    return lambda path: Page(ROOT / path)
