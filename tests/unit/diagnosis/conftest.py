"""Checks and findings made by hand."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from envdoctor.api import Check, Page
from envdoctor.model.finding import Finding

PAGE = Page(why="Because.", seen_by="The facts.", remedy="Mend it.")


@pytest.fixture(scope="session")
def made() -> dict[str, Any]:
    """The builders of tests/support/snapshots.py."""
    return runpy.run_path(str(Path(__file__).parents[2] / "support" / "snapshots.py"))


@pytest.fixture
def healthy(made: dict[str, Any]) -> Any:
    return made["snapshot"]()


@pytest.fixture
def make_check() -> Callable[..., Check]:
    """`make_check("a", "warn", hides=("b",))`: a check that finds this, once a status."""

    def make(check_id: str, *statuses: str, hides: Iterable[str] = (), **fields: Any) -> Check:
        found = [
            Finding(id=check_id, status=status, title=f"{check_id} is {status}", **fields)
            for status in statuses
        ]
        return Check(
            id=check_id,
            group="made",
            summary=f"Looks for {check_id}.",
            run=lambda _: found,
            page=PAGE,
            hides=tuple(hides),
        )

    return make
