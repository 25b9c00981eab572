"""Reads what a step has left behind: items that were shown, were not, or failed.

Only plain JSON is looked at, so that a result of any shape gives an answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

from smoke.running import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from smoke.plan import Step
    from smoke.running import Ending

State = Literal["shown", "not shown", "failed"]
UNFINISHED = "the run ended before it was measured."
"""What a run file says of a row whose turn has not come."""
ENDED_WELL = (0, 1, 3)
"""Codes of a command that has told all in its result: done, problems found, incomplete."""
GPUS = ("cuda", "gpu", "rocm")


@dataclass(frozen=True)
class Item:
    """One thing that a step was to show."""

    what: str
    state: State
    detail: str = ""
    """What was seen, or why not."""


def read(step: Step, folder: Path, ending: Ending) -> list[Item]:
    """The items of a step that has ended, however it did."""
    fault = _fault(ending)
    path = folder / f"{step.name}.json"
    if not path.exists():
        path = folder / f"{step.name}.out"
    try:
        found = list(READERS[step.kind](json.loads(path.read_bytes())))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, LookupError) as error:
        if fault:
            return [fault]
        reason = f"its result cannot be read ({type(error).__name__}: {error})"
        return [Item(step.title, "failed", reason)]
    if ending.cut:
        found = [_excused(item) for item in found]
    if fault and not any(item.state == "failed" for item in found):
        found.append(fault)
    return found or [Item(step.title, "not shown", "its result is empty")]


def check_items(result: Mapping[str, Any]) -> Iterator[Item]:
    """Of `envdoctor check --deep`: findings that fail, and every probe of a GPU."""
    for target in result["targets"]:
        for finding in target.get("findings", ()):
            muted = finding.get("muted") or finding.get("caused_by")
            if finding["status"] == "fail" and not muted:
                yield Item(f"check {finding['id']}", "failed", finding["title"])
        probes = target["snapshot"].get("probes") or ()
        for probe in probes:
            if probe["device"].startswith(GPUS):
                steps = ", ".join(step["name"] for step in probe.get("steps", ()))
                yield _item(f"{probe['framework']} on {probe['device']}", probe["outcome"], steps)
        if not any(probe["device"].startswith(GPUS) for probe in probes):
            yield Item("probes", "not shown", "no framework found a GPU to be exercised on")


def parity_items(result: Mapping[str, Any]) -> Iterator[Item]:
    """Of `envdoctor parity`: every row on every workload at every precision."""
    for entry in result["entries"]:
        row, certificate = entry["row"], entry.get("certificate") or {}
        where = f"{row['backend']} {row['mode']} {row.get('precision', 'fp32')}"
        errors = (certificate.get("output_error"), certificate.get("gradient_error"))
        detail = ""
        if None not in errors:
            detail = f"on {row.get('device', 'cpu')}, outputs {errors[0]:.1e}, gradients "
            detail += f"{errors[1]:.1e}"
        yield _item(f"{entry['workload']}: {where}", entry["outcome"], detail)
    yield from _unavailable(result)


def bench_items(result: Mapping[str, Any]) -> Iterator[Item]:
    """Of a run file: speed, device memory, slowdowns and energy of every row."""
    records = {record["name"]: record for record in result.get("workloads", ())}
    for cell in result.get("cells", ()):
        row = cell["row"]
        if row.get("twin"):
            continue
        what = f"{row['backend']} {row['mode']} {row.get('precision', 'fp32')}"
        batch = records[cell["workload"]]["batch"]
        yield _item(what, cell["outcome"], ", ".join(_measures(cell, batch)))
        if (cell.get("quality") or {}).get("reached") is False:
            yield Item(f"{what}: quality", "failed", "the training plan missed its quality")
    for energy in result.get("energies", ()):
        detail = f"{energy['joules_per_sample']:.3g} J a sample at {energy['watts']:.0f} W"
        yield Item(f"{energy['row']['backend']}: energy", "shown", detail)
    if result.get("energy_note"):
        yield Item("energy", "not shown", result["energy_note"])
    yield from _unavailable(result)


READERS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Item]]] = {
    "check": check_items,
    "parity": parity_items,
    "bench": bench_items,
}


def _measures(cell: Mapping[str, Any], batch: int) -> Iterator[str]:
    """What was measured of a row, each in a few words."""
    blocks = cell.get("blocks", ())
    if not blocks:
        return
    step_ns = median(block["wall_ns"] / block["steps"] for block in blocks)
    yield f"{batch / step_ns * 1e9:,.0f} samples/s"
    peak = (cell.get("memory") or {}).get("device_peak_bytes")
    yield "no device memory" if peak is None else f"{peak / 2**20:,.0f} MiB of the device at most"
    canary = (cell.get("plausibility") or {}).get("canary")
    if canary is not None:
        yield f"canary {canary:.1e}"
    told = [(block.get("noise") or {}).get("gpu_throttled") for block in blocks]
    if None in told:
        yield "slowdowns not told"
    else:
        yield f"slowed down in {sum(map(bool, told))} of {len(told)} blocks"


def _unavailable(result: Mapping[str, Any]) -> Iterator[Item]:
    for each in result.get("unavailable", ()):
        yield Item(each["backend"], "not shown", each["reason"])
    for each in result.get("broken_plugins", ()):
        # Not of torch or jax, or their rows would be missed in the result.
        yield Item(each["plugin"], "not shown", each["reason"])


def _item(what: str, outcome: Mapping[str, Any], detail: str) -> Item:
    """An item from an outcome: what the backend says it cannot do is no failure."""
    status, reason = outcome["status"], outcome.get("reason", "")
    if status == "ok":
        return Item(what, "shown", detail)
    if status == "unsupported":
        return Item(what, "not shown", reason)
    return Item(what, "failed", f"{status}: {reason}")


def _excused(item: Item) -> Item:
    """An item of a step that was cut: what it had not come to is no failure."""
    if item.state == "failed" and item.detail.endswith(UNFINISHED):
        return Item(item.what, "not shown", "the time of the step was up")
    return item


def _fault(ending: Ending) -> Item | None:
    """What an ending says by itself."""
    if ending.cut:
        return Item("the step", "not shown", f"not finished within {ending.seconds:.0f} s")
    if ending.exit_code in ENDED_WELL:
        return None
    said = f": {ending.complaint}" if ending.complaint else ""
    return Item("the step", "failed", f"it ended with {describe(ending.exit_code)}{said}")
