"""Lists of plugins and workloads, for a terminal or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from rich.text import Text

from envdoctor.report import numbers
from envdoctor.report.grid import Column, draw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console


def as_json(value: Any) -> str:
    """Plain data as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode("utf-8")


def show_plugins(found: Mapping[str, Any], console: Console) -> None:
    """The backends with what they lack, then what was left out."""
    for row in found["backends"]:
        mark = ("runs", "green") if row["runs"] else ("cannot run", "yellow")
        version = f" {row['version']}" if row["version"] else ""
        modes = ", ".join(row["modes"])
        console.print(Text.assemble((row["name"], "bold"), f"{version} · {modes} · ", mark))
        if not row["runs"]:
            console.print(Text(f"  {row['reason']}"))
            console.print(Text(f"  {row['remedy']}", style="cyan"), soft_wrap=True)
    for name in found["disabled"]:
        console.print(Text(f"plugin {name}: switched off"))
    for broken in found["broken"]:
        left_out = (f"plugin {broken['plugin']}: left out: ", "red")
        console.print(Text.assemble(left_out, broken["reason"]))


def show_workloads(rows: Sequence[Mapping[str, Any]], console: Console) -> None:
    """A line a workload."""
    columns = [
        Column("workload", [row["name"] for row in rows], left=True),
        Column("parameters", [f"{row['parameters']:,}" for row in rows]),
        Column("FLOPs/sample", [numbers.flops(row["training_flops"]) for row in rows], rank=1),
        Column("batch", [str(row["batch"]) for row in rows], rank=4),
        Column("steps", [str(row["steps"]) for row in rows], rank=3),
        Column("data", [row["data_set"] for row in rows], rank=5, left=True),
        Column("what it is", [row["summary"] for row in rows], rank=2, left=True, prose=True),
    ]
    console.print(draw(columns, console.width))
