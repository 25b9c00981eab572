"""Which rows of two runs belong together, and which row both can be measured by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envdoctor.statistics.comparability import changes
from envdoctor.statistics.pairing import kept_blocks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envdoctor.model.cell import Cell, Row
    from envdoctor.model.run import Run


@dataclass(frozen=True)
class Match:
    """A row on a workload, and its cells in the runs that have them."""

    workload: str
    row: Row
    """As it stands in B, or in A if it is only there."""
    a: Cell | None
    b: Cell | None


def matches(a: Run, b: Run) -> tuple[Match, ...]:
    """Every row on every workload of either run but the twins: those of B first, in its order."""
    cells_a, cells_b = (
        {(cell.workload, _key(cell.row)): cell for cell in run.cells if not cell.row.twin}
        for run in (a, b)
    )
    return tuple(
        Match(key[0], (cells_b.get(key) or cells_a[key]).row, cells_a.get(key), cells_b.get(key))
        for key in dict.fromkeys([*cells_b, *cells_a])
    )


def _key(row: Row) -> tuple[str, ...]:
    """What makes two rows the same line of two tables; where it is installed does not."""
    return (row.backend, row.mode, row.device, row.precision)


def has_speed(run: Run, cell: Cell) -> bool:
    """Whether a cell earned a speed, and a block of it counts."""
    return cell.comparable and bool(kept_blocks(run, cell))


def why_no_speed(cell: Cell) -> str:
    """Why a cell earned no speed, as the end of a sentence."""
    if cell.outcome.status != "ok":
        words = (cell.outcome.status.replace("_", " "), cell.outcome.reason.rstrip("."))
        return ": ".join(word for word in words if word)
    if cell.certificate is None or not cell.certificate.same_work:
        return "it is not proven to do the same work"
    return "no round was left undisturbed"


def reference_of(a: Run, b: Run, candidates: Iterable[Match]) -> Match | None:
    """The row of a workload that both runs can be measured by: one that did not change.

    It is rather the row that was run twice. Another envdoctor may run any row otherwise, so with
    one there is none; nor is there where rounds were not interleaved. How the times came out
    plays no part in the choice.
    """
    paired = a.plan.interleaved and b.plan.interleaved
    if not paired or a.envdoctor_version != b.envdoctor_version:
        return None
    twins = {_key(run.plan.twin) for run in (a, b) if run.plan.twin is not None}
    unchanged = [match for match in candidates if _is_unchanged(a, b, match)]
    return min(unchanged, key=lambda match: _key(match.row) not in twins, default=None)


def _is_unchanged(a: Run, b: Run, match: Match) -> bool:
    if match.a is None or match.b is None:
        return False
    return has_speed(a, match.a) and has_speed(b, match.b) and not changes(match.a, match.b)
