"""The charts of one workload: what each shows, or why the run holds nothing to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envdoctor.report import sentences
from envdoctor.report.html.elements import visible
from envdoctor.report.table import members

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.model.cell import Cell, Row
    from envdoctor.model.run import Run
    from envdoctor.report.table import Table


@dataclass(frozen=True)
class Chart:
    """One figure of the page."""

    name: str
    """An identifier, unique within a workload."""
    heading: str
    caption: str
    """How to read it, in a sentence or two."""
    spec: dict[str, Any] | None = None
    """In Vega-Lite's language; None if there is nothing to draw."""
    absent: str = ""
    """Why there is nothing to draw."""


@dataclass(frozen=True)
class Subject:
    """What the charts of a workload are drawn from."""

    run: Run
    table: Table
    names: dict[Row, str]
    """Of all its rows but the twin, no two alike; those with a speed first, fastest first."""

    @property
    def fast_names(self) -> list[str]:
        """Those of the rows with a speed, fastest first."""
        return [self.names[line.cell.row] for line in self.table.lines]


def subject(run: Run, table: Table) -> Subject:
    """The workload of a table, with a name for each row."""
    fast = [line.cell for line in table.lines]
    shown = {id(cell) for cell in fast}
    others = [cell for cell in members(run, table) if id(cell) not in shown]
    return Subject(run, table, _distinct([*fast, *others]))


def _distinct(cells: Sequence[Cell]) -> dict[Row, str]:
    """Names that can be shown; equal ones are numbered, or their bars would lie on each other."""
    found: dict[Row, str] = {}
    for row, name in sentences.row_names(cells).items():
        plain, number = visible(name), 2
        unique = plain
        while unique in found.values():
            unique, number = f"{plain} ({number})", number + 1
        found[row] = unique
    return found
