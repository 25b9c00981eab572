"""Lists of plugins and workloads, for a terminal or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from envdoctor.report import numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console


def as_json(value: Any) -> str:
    """Plain data as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode("utf-8")


def show_plugins(found: Mapping[str, Any], console: Console) -> None:
    """The backends with what they lack, then what was left out."""
    for row in found["backends"]:
        mark = "[green]runs[/green]" if row["runs"] else "[yellow]cannot run[/yellow]"
        modes = ", ".join(row["modes"])
        version = f" {row['version']}" if row["version"] else ""
        console.print(
            f"[bold]{escape(row['name'])}[/bold]{escape(version)} · {escape(modes)} · {mark}",
            highlight=False,
        )
        if not row["runs"]:
            console.print(Text(f"  {row['reason']}"))
            console.print(Text(f"  {row['remedy']}", style="cyan"), soft_wrap=True)
    for name in found["disabled"]:
        console.print(f"plugin {escape(name)}: switched off")
    for broken in found["broken"]:
        console.print(
            f"[red]plugin {escape(broken['plugin'])}: left out:[/red] {escape(broken['reason'])}"
        )


def show_workloads(rows: Sequence[Mapping[str, Any]], console: Console) -> None:
    """A line a workload."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("workload", no_wrap=True)
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_column("FLOPs a sample", justify="right", no_wrap=True)
    table.add_column("batch", justify="right")
    table.add_column("steps", justify="right")
    table.add_column("data", no_wrap=True)
    table.add_column("what it is")
    for row in rows:
        table.add_row(
            Text(row["name"]),
            f"{row['parameters']:,}",
            numbers.flops(row["training_flops"]),
            str(row["batch"]),
            str(row["steps"]),
            Text(row["data_set"]),
            Text(row["summary"]),
        )
    console.print(table)
