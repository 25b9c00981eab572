"""Tables that fit a terminal: what matters least is left out first, and no number is cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP_COLUMNS = 2
SHORTEST_TAIL_COLUMNS = 24
"""Below this a column of prose is left out rather than cut."""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    heading: str
    values: Sequence[str]
    rank: int = 0
    """0 always stays; of the others the highest goes first."""
    left: bool = False
    style: str = ""
    prose: bool = False
    """Whether it takes what room is left, and may be cut."""
    marked: frozenset[int] = frozenset()
    """The lines that are shown in red."""

    @property
    def width(self) -> int:
        """The room that it takes."""
        widest = max(map(len, [self.heading, *self.values]))
        return min(SHORTEST_TAIL_COLUMNS, widest) if self.prose else widest


def choose(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns that fit into a width, in their order."""
    kept = [column for column in columns if any(column.values) or not column.values]
    while sum(column.width + GAP_COLUMNS for column in kept) - GAP_COLUMNS > width:
        worst = max(kept, key=lambda column: column.rank)
        if worst.rank == 0:
            break
        kept.remove(worst)
    return kept


def draw(columns: Sequence[Column], width: int, title: str = "") -> Table:
    """A table of the columns that fit."""
    kept = choose(columns, width)
    table = Table(
        title=Text(title, style="bold") if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        padding=(0, GAP_COLUMNS - 1, 0, 0),
    )
    for column in kept:
        table.add_column(
            column.heading,
            justify="left" if column.left else "right",
            no_wrap=True,
            min_width=column.width,
            overflow="ellipsis",
        )
    for index in range(len(columns[0].values)):
        table.add_row(*(_cell(column, index) for column in kept))
    return table


def _cell(column: Column, index: int) -> Text:
    style = "red" if index in column.marked else column.style
    return Text(column.values[index], style=style)
