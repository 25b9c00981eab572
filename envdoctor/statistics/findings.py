"""How conditions come out: inside one run, where rows are paired, and between two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.errors import InputError
from envdoctor.model.comparison import Check, Comparison, Finding, Ratio
from envdoctor.statistics.conditions import EXAMPLE, check_names
from envdoctor.statistics.matching import why_no_speed
from envdoctor.statistics.paired import compare
from envdoctor.statistics.pairing import paired_seconds
from envdoctor.statistics.ranking import is_unfit, resolution_of
from envdoctor.statistics.runs import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.model.cell import Cell
    from envdoctor.model.comparison import Pair, Result
    from envdoctor.model.run import Run
    from envdoctor.statistics.conditions import Condition, Name
    from envdoctor.statistics.resolution import Resolution

NOT_PAIRED = "the rows were not measured in the same rounds"
NO_ROUNDS = "they have too few rounds in common"
TOO_NOISY = "the run was too noisy: two copies of one row could not be told to be equal"
IN_DOUBT = "the machine was noisy, and up to {percent:.0f} % beyond that is in doubt"


def evaluate(condition: Condition, run: Run) -> Finding:
    """How a condition on rows comes out in one run; all its checks together hold with 95 %.

    Rows of two precisions did other work and are not held against each other.

    Raises InputError if it is about two runs, or names a row or workload that the run has not.
    """
    if condition.between_runs:
        raise InputError(
            f"`{condition.text}` is about two runs, and there is one.", f"Such as: {EXAMPLE}"
        )
    workloads = list(dict.fromkeys([*run.plan.workloads, *(c.workload for c in run.cells)]))
    rows = [*run.plan.rows, *(cell.row for cell in run.cells)]
    absent = {each.backend: each.reason for each in run.unavailable}
    check_names(condition, rows, workloads, absent)
    duels = [
        (left, right)
        for workload in workloads
        if condition.workload in {"", workload}
        for left in _cells(run, workload, condition.left)
        for right in _cells(run, workload, condition.right)
        if left.row != right.row and left.row.precision == right.row.precision
    ]
    comparisons = sum(left.comparable and right.comparable for left, right in duels)
    missing = [absent[name.backend] for name in condition.rows if name.backend in absent]
    return _finding(
        condition,
        [_duel(condition, run, *duel, comparisons) for duel in duels],
        missing[0] if missing else "no workload has both sides.",
    )


def _cells(run: Run, workload: str, name: Name) -> list[Cell]:
    """The cells that a name stands for; what a backend says it cannot do is nobody's failure."""
    return [
        cell
        for cell in run.cells
        if cell.workload == workload
        and not cell.row.twin
        and name.fits(cell.row)
        and cell.outcome.status != "unsupported"
    ]


def _duel(condition: Condition, run: Run, left: Cell, right: Cell, comparisons: int) -> Check:
    """One row against another on one workload."""
    resolution = resolution_of(run, left.workload)
    obstacle, found = _obstacle(run, left, right, resolution), None
    if not obstacle:
        times, others = paired_seconds(run, left, right)
        compared = compare(times, others, comparisons=comparisons) if times else None
        if compared and compared.interval:
            low, high = compared.interval.low, compared.interval.high
            found = Ratio(ratio=compared.ratio, low=low, high=high)
    doubt = resolution.doubt if resolution else 0.0
    result = _result(condition, found, doubt)
    return Check(
        workload=left.workload,
        left=left.row.title,
        right=right.row.title,
        result=result,
        ratio=found,
        reason=_in_doubt(result, doubt) if found else obstacle or NO_ROUNDS,
    )


def _obstacle(run: Run, left: Cell, right: Cell, resolution: Resolution | None) -> str:
    """Why two cells of a run have no ratio; empty if they may have one."""
    for cell in (left, right):
        if not cell.comparable:
            return f"{cell.row.title} has no speed: {why_no_speed(cell)}"
    if not run.plan.interleaved:
        return NOT_PAIRED
    return TOO_NOISY if is_unfit(run, left.workload, resolution) else ""


def evaluate_between(condition: Condition, comparison: Comparison) -> Finding:
    """How a condition on the runs A and B comes out, on the ratios of their comparison.

    The row that the others are measured by is only checked if it is named. Raises InputError for
    a row or workload that neither run has.
    """
    pairs = comparison.pairs
    workloads = list(dict.fromkeys(pair.workload for pair in pairs))
    check_names(condition, [pair.row for pair in pairs], workloads)
    asked = [
        pair
        for pair in pairs
        if condition.workload in {"", pair.workload} and _is_asked(condition.row, pair)
    ]
    checks = [_between(condition, pair) for pair in asked]
    return _finding(condition, checks, "no row has a speed in both runs.")


def _is_asked(name: Name | None, pair: Pair) -> bool:
    """Whether a condition on this row, or on every row that both runs have, is about a pair."""
    if name is not None:
        return name.fits(pair.row)
    alone = pair.status in {"only in A", "only in B"}
    never = pair.status == "no speed" and pair.a is None and pair.b is None
    return not (alone or never or pair.verdict == REFERENCE)


def _between(condition: Condition, pair: Pair) -> Check:
    """One row in one run against itself in the other."""
    ratio, reason = pair.ratio, pair.reason.rstrip(".")
    if pair.status != "compared":
        ratio, reason = None, f"{pair.status}{f': {reason}' if reason else ''}"
    elif pair.verdict == REFERENCE:
        ratio, reason = None, "the other rows are measured by it; compare with --absolute"
    if ratio is not None and condition.left.backend == "A":
        ratio = Ratio(ratio=1 / ratio.ratio, low=1 / ratio.high, high=1 / ratio.low)
    over = f" over {pair.reference.title}" if pair.reference else ""
    result = _result(condition, ratio, pair.doubt)
    return Check(
        workload=pair.workload,
        subject=f"{pair.row.title}{over}",
        left=condition.left.backend,
        right=condition.right.backend,
        result=result,
        ratio=ratio,
        reason=_in_doubt(result, pair.doubt) if ratio else reason,
    )


def _result(condition: Condition, ratio: Ratio | None, doubt: float) -> Result:
    """What a ratio of left over right makes of the condition.

    Without doubt, what does not surely hold has passed. With it, only what surely does not hold.
    """
    if ratio is None:
        return "cannot be told"
    low, high = ratio.low / (1 + doubt), ratio.high * (1 + doubt)
    if condition.holds(low, high):
        return "failed"
    in_doubt = doubt and not condition.is_out_of_reach(low, high)
    return "cannot be told" if in_doubt else "passed"


def _in_doubt(result: Result, doubt: float) -> str:
    return IN_DOUBT.format(percent=100 * doubt) if result == "cannot be told" else ""


def _finding(condition: Condition, checks: Sequence[Check], nothing: str) -> Finding:
    """All checks in one: failed if one did, passed if all did; `nothing` is why there are none."""
    results = {check.result for check in checks}
    worst: Result = "cannot be told"
    if "failed" in results:
        worst = "failed"
    elif results == {"passed"}:
        worst = "passed"
    return Finding(
        condition=condition.text,
        factor=condition.factor,
        result=worst,
        checks=tuple(checks),
        reason="" if checks else nothing,
    )
