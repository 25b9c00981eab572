"""One number over several workloads: the geometric mean of ratios, never a mean of times."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import fmean
from typing import TYPE_CHECKING

from envdoctor.statistics.interval import Interval
from envdoctor.statistics.paired import Comparison, compare
from envdoctor.statistics.pairing import paired_seconds
from envdoctor.statistics.ranking import rank

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envdoctor.model.cell import Row
    from envdoctor.model.run import Run
    from envdoctor.statistics.ranking import Place

FEWEST_WORKLOADS = 2

Tables = dict[str, dict["Row", "Place"]]
"""The rows with a speed, by workload."""


@dataclass(frozen=True)
class Mean:
    """How a row compares with the reference over all the workloads."""

    row: Row
    ratio: float
    """The geometric mean of the ratios of times; 1 for the reference itself."""
    interval: Interval | None
    """None for the reference, and where a workload gave no interval."""


@dataclass(frozen=True)
class Overall:
    """All rows over the workloads that they all ran, lowest ratio first."""

    reference: Row
    """The row with the lowest geometric mean of its median step times."""
    workloads: tuple[str, ...]
    means: tuple[Mean, ...]


def overall(
    run: Run, precision: str | None = None, *, among: Callable[[Row], bool] | None = None
) -> Overall | None:
    """The rows over the rankable workloads that every row with a speed ran; None under two.

    Ratios to the leader of each workload could not be multiplied: there is one reference. A row
    that shares no round with it on one of the workloads is left out.

    Args:
        run: the record.
        precision: of the rows; the first of the plan if it is not given.
        among: which of them take part; all if it is not given.
    """
    tables = _tables(run, precision, among)

    rows = list(dict.fromkeys(row for table in tables.values() for row in table))
    common = {name: table for name, table in tables.items() if len(table) == len(rows)}
    if len(common) < FEWEST_WORKLOADS or len(rows) < 2:
        return None
    reference = min(rows, key=lambda row: _mean_log_seconds(common, row))
    others = (_mean(run, common, row, reference) for row in rows if row != reference)
    means = [Mean(reference, 1.0, None), *(mean for mean in others if mean is not None)]
    return Overall(reference, tuple(common), tuple(sorted(means, key=lambda mean: mean.ratio)))


def geometric_mean(comparisons: Sequence[Comparison]) -> tuple[float, Interval | None]:
    """The geometric mean of independent ratios, and its interval at the same confidence.

    The half widths add up as the errors of a mean do, which is what drawing each ratio anew from
    a normal distribution in the logarithm tends to. No interval if one of the ratios has none.
    """
    middle = fmean(log(each.ratio) for each in comparisons)
    widths = [each.half_width for each in comparisons]
    known = [width for width in widths if width is not None]
    if len(known) < len(widths):
        return exp(middle), None
    half_width = sqrt(sum(width**2 for width in known)) / len(known)
    return exp(middle), Interval.around(middle, half_width)


def _tables(run: Run, precision: str | None, among: Callable[[Row], bool] | None) -> Tables:
    """The rankable workloads, in the order of the record."""
    names = dict.fromkeys(cell.workload for cell in run.cells)
    rankings = (rank(run, name, precision, among=among) for name in names)
    return {
        ranking.workload: {place.cell.row: place for place in ranking.places}
        for ranking in rankings
        if ranking.rankable
    }


def _mean_log_seconds(tables: Tables, row: Row) -> float:
    return fmean(log(table[row].step.seconds) for table in tables.values())


def _mean(run: Run, tables: Tables, row: Row, reference: Row) -> Mean | None:
    """The mean of a row; None if it shares no round with the reference on one of the workloads."""
    found = []
    for table in tables.values():
        times, others = paired_seconds(run, table[row].cell, table[reference].cell)
        if not times:
            return None
        found.append(compare(times, others, comparisons=len(table) - 1))
    return Mean(row, *geometric_mean(found))
