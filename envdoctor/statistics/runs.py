"""Two runs, row by row: what a row's time per step in B is over that in A.

Nothing pairs the rounds of two runs, and between them the machine may have changed its pace:
another host of the same kind, another clock, warmer air. More blocks cannot tell that. So where
both runs hold a row that did not change, every other row is first divided by it, round by round
within its own run, and those ratios are compared: the pace cancels. Where there is none, step
times are compared as they are, with an interval that allows for the pace.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log
from typing import TYPE_CHECKING

from envdoctor.errors import InputError
from envdoctor.model.comparison import Comparison, Measured, Pace, Pair, Ratio, Side
from envdoctor.statistics.blocks import summarise, warmup_debt_seconds
from envdoctor.statistics.comparability import changes
from envdoctor.statistics.ground import Ground, ground
from envdoctor.statistics.matching import Match, has_speed, matches, reference_of, why_no_speed
from envdoctor.statistics.pairing import kept_blocks, paired_seconds
from envdoctor.statistics.steadiness import was_steady
from envdoctor.statistics.unpaired import Shift, shift
from envdoctor.statistics.verdicts import MARGIN, roughly, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envdoctor.model.cell import Cell
    from envdoctor.model.comparison import Status
    from envdoctor.model.run import Run
    from envdoctor.statistics.interval import Interval
    from envdoctor.statistics.verdicts import Verdict

REFERENCE = "reference"
"""Stands for the verdict of the row that the others are measured by: it has none."""


@dataclass(frozen=True)
class _Question:
    """What is asked of every row."""

    a: Run
    b: Run
    margin: float
    grounds: dict[str, Ground]
    references: dict[str, Match | None]
    """By workload."""
    comparisons: int


def compare_runs(a: Run, b: Run, *, margin: float = MARGIN, absolute: bool = False) -> Comparison:
    """All rows of two runs: those of B first, in its order, then those that only A has.

    `margin` is the relative difference up to which rows are equal in practice; `absolute`
    compares step times as they are even where a row in common would cancel the machine's pace.
    All intervals hold together with 95 %. Raises InputError for a margin that is none.
    """
    if not (isfinite(margin) and margin >= 0):
        raise InputError(f"the margin cannot be {margin}.", "0.02 stands for 2 %.")
    found = matches(a, b)
    grounds = {each.workload: ground(a, b, each.workload) for each in found}
    answers = [_hindrance(a, b, each, grounds[each.workload]) for each in found]
    clear = [match for match, answer in zip(found, answers, strict=True) if answer is None]
    references = {name: None if absolute else _reference(a, b, name, clear) for name in grounds}
    judged = [match for match in clear if match is not references[match.workload]]
    question = _Question(a, b, margin, grounds, references, max(1, len(judged)))
    return Comparison(
        a=_side(a),
        b=_side(b),
        margin=margin,
        pairs=tuple(
            answer or _compared(question, match)
            for match, answer in zip(found, answers, strict=True)
        ),
        paces=tuple(_paces(grounds)),
        notes=(*_noise_notes(grounds, margin), *_notes(a, b, clear)),
    )


def _side(run: Run) -> Side:
    return Side(
        id=run.id,
        started_at=run.started_at,
        state=run.state,
        envdoctor_version=run.envdoctor_version,
    )


def _reference(a: Run, b: Run, workload: str, clear: Sequence[Match]) -> Match | None:
    """The row to measure by, if there is also another one to measure."""
    here = [match for match in clear if match.workload == workload]
    return reference_of(a, b, here) if len(here) > 1 else None


def _hindrance(a: Run, b: Run, match: Match, found: Ground) -> Pair | None:
    """The answer for a row that cannot be compared, and why; None if it can."""
    workload, row = match.workload, match.row
    if match.a is None or match.b is None:
        alone: Status = "only in B" if match.a is None else "only in A"
        return Pair(workload=workload, row=row, status=alone)
    if found.obstacles:
        return Pair(
            workload=workload, row=row, status="not comparable", differences=found.obstacles
        )
    before, after = _measured(a, match.a), _measured(b, match.b)
    sides = (("A", match.a, before), ("B", match.b, after))
    whys = [f"in {side} {why_no_speed(cell)}" for side, cell, measured in sides if not measured]
    if not (whys or found.noise):
        return None
    return Pair(
        workload=workload,
        row=row,
        status="no speed" if whys else "too noisy",
        reason=f"{'; '.join(whys)}." if whys else found.noise,
        changed=changes(match.a, match.b),
        a=before,
        b=after,
    )


def _measured(run: Run, cell: Cell) -> Measured | None:
    """What a run says of a row, if it earned a speed."""
    step = summarise(kept_blocks(run, cell))
    if step is None or not has_speed(run, cell):
        return None
    first = min(cell.launches, key=lambda launch: launch.launch, default=None)
    memory, quality = cell.memory, cell.quality
    return Measured(
        step_seconds=step.seconds,
        warmup_debt_seconds=warmup_debt_seconds(first, step.seconds) if first else None,
        caches=first.caches if first else "",
        footprint_bytes=memory.footprint_bytes if memory else None,
        working_set_bytes=memory.working_set_bytes if memory else None,
        metric=quality.metric if quality else "",
        value=quality.value if quality else None,
        standard_error=quality.standard_error if quality else None,
    )


def _compared(question: _Question, match: Match) -> Pair:
    """The answer for a row that can be compared, in both views as far as they exist."""
    assert match.a is not None
    assert match.b is not None
    here, reference = question.grounds[match.workload], question.references[match.workload]
    steps = _shift(question, _logs(question.a, match.a), _logs(question.b, match.b))
    of_steps = here.with_pace(steps.interval)
    relative = None if match is reference else _relative(question, match)
    shown, interval = (relative, relative.interval) if relative else (steps, of_steps)
    return Pair(
        workload=match.workload,
        row=match.row,
        status="compared",
        reason="" if interval else "too few rounds for an interval.",
        changed=changes(match.a, match.b),
        a=_measured(question.a, match.a),
        b=_measured(question.b, match.b),
        view="relative" if relative else "step time",
        reference=reference.row if relative and reference else None,
        ratio=_ratio(shown, interval),
        step_ratio=_ratio(steps, of_steps),
        blocks=shown.blocks,
        launches=shown.launches,
        doubt=here.doubt,
        verdict=REFERENCE if match is reference else _verdict(question, here, interval),
    )


def _verdict(question: _Question, here: Ground, interval: Interval | None) -> Verdict:
    found = verdict(interval, here.margin(question.margin))
    return roughly(found) if here.doubt else found


def _relative(question: _Question, match: Match) -> Shift | None:
    """The shift of the row's times over the reference's; None without a reference or a round."""
    reference = question.references[match.workload]
    if reference is None:
        return None
    sides = [
        _logs(run, cell, other)
        for run, cell, other in (
            (question.a, match.a, reference.a),
            (question.b, match.b, reference.b),
        )
        if cell is not None and other is not None
    ]
    return _shift(question, *sides) if all(sides) else None


def _shift(question: _Question, a: list[list[float]], b: list[list[float]]) -> Shift:
    return shift(a, b, comparisons=question.comparisons)


def _logs(run: Run, cell: Cell, reference: Cell | None = None) -> list[list[float]]:
    """The logarithms of a row's seconds per step, by launch; less those of a reference."""
    times, others = paired_seconds(run, cell, reference or cell)
    if reference is None:
        return [[log(time) for time in launch] for launch in times]
    return [
        [log(time) - log(other) for time, other in zip(*launch, strict=True)]
        for launch in zip(times, others, strict=True)
    ]


def _ratio(found: Shift, interval: Interval | None) -> Ratio | None:
    if interval is None:
        return None
    return Ratio(ratio=found.ratio, low=interval.low, high=interval.high)


def _paces(grounds: dict[str, Ground]) -> Iterator[Pace]:
    for workload, found in grounds.items():
        if found.pace is not None and not found.obstacles:
            yield Pace(workload=workload, ratio=found.pace)


def _noise_notes(grounds: dict[str, Ground], margin: float) -> Iterator[str]:
    """Where only what is far apart is told."""
    for workload, found in grounds.items():
        if found.doubt and not (found.obstacles or found.unfit):
            runs = "Both runs were" if len(found.noisy) > 1 else f"Run {found.noisy} was"
            percent = 100 * found.margin(margin)
            yield (
                f"{runs} noisy on {workload} (grade D): only differences over {percent:.0f} % "
                "are told."
            )


def _notes(a: Run, b: Run, clear: Sequence[Match]) -> Iterator[str]:
    """What a reader must know of the runs."""
    for side, run in (("A", a), ("B", b)):
        if run.state != "finished":
            yield f"Run {side} did not finish: its file says `{run.state}`."
        if not run.plan.interleaved:
            yield f"Run {side} did not interleave its rows, so none can be measured by another."
        cells = (match.a if side == "A" else match.b for match in clear)
        unsteady = [cell for cell in cells if cell and not was_steady(run, cell)]
        for cell in unsteady:
            yield (
                f"In run {side}, {cell.row.title} did not become steady on {cell.workload}: its "
                "time is an upper bound."
            )
    if a.envdoctor_version != b.envdoctor_version:
        yield (
            f"envdoctor is {a.envdoctor_version} in A and {b.envdoctor_version} in B: it may run "
            "the frameworks otherwise."
        )
