"""How the time of a step grows with the batch: hardly, where something else takes the time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import log
from typing import TYPE_CHECKING

from envdoctor.model.description import BATCH_SIGN
from envdoctor.statistics.blocks import summarise
from envdoctor.statistics.pairing import cells_of, kept_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envdoctor.model.cell import Row
    from envdoctor.model.run import Run, WorkloadRecord
    from envdoctor.statistics.blocks import StepTime

MOST_GROWTH = log(1 / 0.85) / log(2)
"""The exponent under which a step hardly grows: half a batch takes more than 85 % of the time."""


@dataclass(frozen=True)
class Overhead:
    """Rows whose step hardly grows from one batch to a larger one."""

    workload: str
    """Without a batch."""
    batch: int
    larger: int
    ratios: Mapping[Row, float]
    """The time with the larger batch over that with the smaller one, the least first."""


def overheads(run: Run) -> Iterator[Overhead]:
    """Of each workload that ran with several batches; a row counts if its intervals agree."""
    families: dict[str, list[WorkloadRecord]] = {}
    for record in run.workloads:
        families.setdefault(record.name.partition(BATCH_SIGN)[0], []).append(record)
    for name, records in families.items():
        ordered = sorted(records, key=lambda record: record.batch)
        for small, large in pairwise(ordered):
            if small.batch == large.batch:
                continue
            before, after = _steps(run, small.name), _steps(run, large.name)
            most = (large.batch / small.batch) ** MOST_GROWTH
            ratios = {
                row: after[row].seconds / step.seconds
                for row, step in before.items()
                if row in after and after[row].high_seconds / step.low_seconds <= most
            }
            if ratios:
                least_first = dict(sorted(ratios.items(), key=lambda item: item[1]))
                yield Overhead(name, small.batch, large.batch, least_first)


def _steps(run: Run, workload: str) -> dict[Row, StepTime]:
    """The step time of each row with a speed."""
    found = ((cell.row, summarise(kept_blocks(run, cell))) for cell in cells_of(run, workload))
    return {row: step for row, step in found if step is not None}
