"""The history of a workload on one machine, and what the latest run changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import structs

from envdoctor.errors import InputError
from envdoctor.library.history import LeftOut, Point, Trend
from envdoctor.model import codec
from envdoctor.statistics.blocks import summarise
from envdoctor.statistics.comparability import obstacles
from envdoctor.statistics.pairing import kept_blocks
from envdoctor.statistics.ranking import rank
from envdoctor.statistics.runs import compare_runs
from envdoctor.statistics.verdicts import MARGIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from envdoctor.library.records import Entry
    from envdoctor.model.cell import Row
    from envdoctor.model.run import Run

NO_BASELINE = "No earlier run can be compared with the latest one."
NOISIEST = "D"


@dataclass(frozen=True)
class _Kept:
    """A run of the history, reduced to the workload."""

    entry: Entry
    run: Run
    grade: str
    speeds: frozenset[Row]
    """The rows that have one."""


def trend(
    entries: Sequence[Entry],
    open_run: Callable[[Entry], Path],
    workload: str,
    *,
    wanted: Callable[[Row], bool] = lambda _: True,
    margin: float = MARGIN,
) -> Trend:
    """The history of a workload.

    The latest run that measured it says which machine and which data it is about; a run of
    another machine or of other data is left out, with what differs.

    Args:
        entries: the stored runs, newest first.
        open_run: the file of one.
        workload: the name of the workload.
        wanted: which rows to follow.
        margin: differences up to this are a tie.

    Raises:
        InputError: no stored run has measured the workload.
    """
    left_out: list[LeftOut] = []
    kept: list[_Kept] = []
    for entry in entries:
        reason = _take(entry, open_run(entry), workload, wanted, kept)
        if reason:
            left_out.append(LeftOut(run=entry.id, started_at=entry.started_at, reason=reason))
    if not kept:
        raise _unknown(workload, entries, left_out)
    latest = kept[0]
    baseline = _best(kept[1:], latest)
    comparison = None if baseline is None else compare_runs(baseline.run, latest.run, margin=margin)
    return Trend(
        workload=workload,
        machine=_machine(latest.run),
        points=tuple(
            point for each in reversed(kept) for point in _points(each) if wanted(point.row)
        ),
        left_out=tuple(left_out),
        comparison=comparison,
        choice=_why(baseline, latest) if baseline else NO_BASELINE,
    )


def _take(
    entry: Entry,
    path: Path,
    workload: str,
    wanted: Callable[[Row], bool],
    kept: list[_Kept],
) -> str:
    """Add a run to the history, or say why not; an empty reason for one without the workload."""
    if workload not in entry.workloads:
        return ""
    try:
        run = _reduced(codec.read(path), workload, wanted)
    except InputError as error:
        return error.sentence
    if kept:
        different = obstacles(kept[0].run, run, workload)
        if different:
            return "; ".join(f"{each.what}: {each.b}, now {each.a}" for each in different) + "."
    ranking = rank(run, workload)
    speeds = frozenset(point.row for point in _measured(run))
    if not speeds:
        return f"no row has a speed on {workload} (the run is {run.state})."
    grade = ranking.resolution.grade if ranking.resolution else ""
    kept.append(_Kept(entry, run, grade, speeds))
    return ""


def _reduced(run: Run, workload: str, wanted: Callable[[Row], bool]) -> Run:
    """The run as if only this workload had been measured; the twin stays, for the noise."""
    row = run.plan.twin
    original = None if row is None else structs.replace(row, twin=False)
    cells = tuple(
        cell
        for cell in run.cells
        if cell.workload == workload and (cell.row.twin or cell.row == original or wanted(cell.row))
    )
    plan = structs.replace(run.plan, workloads=(workload,))
    return structs.replace(run, cells=cells, plan=plan)


def _measured(run: Run) -> Iterator[Point]:
    """The rows with a speed; the point is still without what the folder knows of the run."""
    for cell in run.cells:
        step = summarise(kept_blocks(run, cell))
        if cell.row.twin or not cell.comparable or step is None:
            continue
        yield Point(
            run=run.id,
            started_at=run.started_at,
            row=cell.row,
            version=cell.version,
            step_seconds=step.seconds,
            low_seconds=step.low_seconds,
            high_seconds=step.high_seconds,
        )


def _points(kept: _Kept) -> Iterator[Point]:
    for point in _measured(kept.run):
        entry = kept.entry
        yield structs.replace(point, run=entry.id, names=entry.names, grade=kept.grade)


def _best(earlier: Sequence[_Kept], latest: _Kept) -> _Kept | None:
    """The earlier run that says most: finished, quiet, with many of the rows, and then young."""
    usable = [each for each in earlier if each.grade != NOISIEST and each.speeds & latest.speeds]
    return min(
        usable,
        key=lambda each: (
            each.run.state != "finished",
            -len(each.speeds & latest.speeds),
            each.grade or NOISIEST,
        ),
        default=None,
    )


def _why(baseline: _Kept, latest: _Kept) -> str:
    common = len(baseline.speeds & latest.speeds)
    rows = f"{common} row{'s' * (common != 1)} in common"
    grade = f", noise grade {baseline.grade}" if baseline.grade else ""
    return (
        f"The baseline is {baseline.entry.id}: of the comparable runs it tells most "
        f"({rows}{grade}), and of equals it is the newest."
    )


def _machine(run: Run) -> str:
    cpu = run.facts.cpu.model if run.facts.cpu else "an unknown processor"
    threads = run.plan.threads
    parts = [cpu, f"{threads} CPU{'s' * (threads != 1)}"]
    if any(row.device != "cpu" for row in run.plan.rows):
        parts += run.facts.gpus
    return ", ".join(parts)


def _unknown(workload: str, entries: Sequence[Entry], left_out: list[LeftOut]) -> InputError:
    if left_out:
        return InputError(f"no stored run of {workload} can be used.", left_out[0].reason)
    known = sorted({name for entry in entries for name in entry.workloads})
    hint = f"Measured so far: {', '.join(known)}." if known else "`envdoctor bench` makes one."
    return InputError(f"no stored run has measured `{workload}`.", hint)
