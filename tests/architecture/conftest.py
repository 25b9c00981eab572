"""The sources, parsed once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE_SIDE = ("plugin", "facts", "checks")
"""How the names of those modules of a plugin begin that the core imports."""
PACKAGES = ("envdoctor", "plugins", "benchmarks/envdoctor_workloads")


@dataclass(frozen=True)
class Source:
    path: Path
    """Relative to the root of the repository."""
    text: str
    tree: ast.Module

    def __str__(self) -> str:
        return str(self.path)

    @property
    def in_target(self) -> bool:
        """Whether it runs in the target: the child code, and what a plugin has for it."""
        if self.path.parts[0] == "plugins":
            return not self.on_core_side
        return self.path.parts[:2] == ("envdoctor", "child")

    @property
    def on_core_side(self) -> bool:
        """Whether it is a part of a plugin that the core imports."""
        return self.path.parts[0] == "plugins" and self.path.stem.startswith(CORE_SIDE)

    def imports(self) -> Iterator[str]:
        """The full name of every module that it imports, wherever in the file."""
        for node in ast.walk(self.tree):
            match node:
                case ast.Import(names=names):
                    yield from (alias.name for alias in names)
                case ast.ImportFrom(module=str(module), level=0, names=names):
                    yield from (f"{module}.{alias.name}" for alias in names)
                case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]) if (
                    ast.unparse(function)
                    in {"__import__", "import_module", "importlib.import_module"}
                ):
                    yield name


def _read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(ROOT), text, ast.parse(text))


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def sources() -> tuple[Source, ...]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return tuple(_read(path) for path in paths)
