"""Control groups and processors of other machines, as recorded files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

MACHINES = Path(__file__).parents[2] / "machines"


@pytest.fixture(scope="session")
def machines() -> Path:
    return MACHINES


@pytest.fixture
def groups(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """A folder of control groups from {path: content}, and the membership file."""

    def build(membership: str, files: dict[str, str]) -> tuple[Path, Path]:
        root = tmp_path / "cgroup"
        root.mkdir()
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        member = tmp_path / "membership"
        member.write_text(membership)
        return root, member

    return build


@pytest.fixture
def tree(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, str]], Path]:
    """A root folder from {path: content}, a new one for each call."""

    def build(files: dict[str, str]) -> Path:
        root = tmp_path_factory.mktemp("root")
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode())
        return root

    return build
