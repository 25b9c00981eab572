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
_RULE = "─"


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
    carried: bool = False
    """Whether it goes into a second table where one has no room for all of these."""

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


def split(columns: Sequence[Column], width: int, key: str) -> list[list[Column]]:
    """The columns of one table; of two, if one has no room for all that must not be lost.

    The second has all columns that are carried, so that tables of one width look alike.

    Args:
        columns: all that there are.
        width: of a table.
        key: the heading of the column that names the lines, and so begins the second table too.
    """
    kept = [column.heading for column in choose(columns, width)]
    carried = [column for column in columns if column.carried and any(column.values)]
    if all(column.heading in kept for column in carried):
        return [list(columns)]
    return [
        [column for column in columns if not column.carried],
        [*(column for column in columns if column.heading == key), *carried],
    ]


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
            Text(column.heading),
            justify="left" if column.left else "right",
            no_wrap=True,
            min_width=column.width,
            overflow="ellipsis",
        )
    for index in range(len(columns[0].values)):
        table.add_row(*(_cell(column, index) for column in kept))
    return table


def plain(columns: Sequence[Column], width: int) -> str:
    """The same as text without styles, for thousands of lines: a drawn one takes a millisecond."""
    kept = choose(columns, width)
    widths = [column.width for column in kept]
    room = width - sum(size + GAP_COLUMNS for size in widths) + GAP_COLUMNS
    for number, column in enumerate(kept):
        if column.prose and room > 0:
            full = max(map(len, [column.heading, *column.values]))
            grown = min(full, widths[number] + room)
            room, widths[number] = room - (grown - widths[number]), grown
    values = ([column.heading, *column.values] for column in kept)
    cells = [
        [_fitted(value, size, column) for value in found]
        for column, size, found in zip(kept, widths, values, strict=True)
    ]
    heading, *rest = ((" " * GAP_COLUMNS).join(line).rstrip() for line in zip(*cells, strict=True))
    rule = _RULE * (sum(widths) + GAP_COLUMNS * (len(widths) - 1))
    return "\n".join([heading, rule, *rest])


def _fitted(value: str, width: int, column: Column) -> str:
    if len(value) > width:
        value = f"{value[: width - 1]}…"
    return value.ljust(width) if column.left else value.rjust(width)


def _cell(column: Column, index: int) -> Text:
    style = "red" if index in column.marked else column.style
    return Text(column.values[index], style=style)
