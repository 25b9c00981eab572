"""The order of the rows on a workload, as far as the record supports one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from envdoctor.statistics.blocks import StepTime, summarise
from envdoctor.statistics.disturbance import is_loaded
from envdoctor.statistics.paired import Comparison, compare
from envdoctor.statistics.pairing import cells_of, kept_blocks, paired_seconds, twins
from envdoctor.statistics.resolution import Resolution, resolution
from envdoctor.statistics.steadiness import was_steady
from envdoctor.statistics.verdicts import roughly

if TYPE_CHECKING:
    from collections.abc import Callable

    from envdoctor.model.cell import Cell, Row
    from envdoctor.model.run import Run

Mark = Literal["", "=", "~", "?"]

NOTHING_MEASURED = "No row has earned a speed on this workload."
NOT_PAIRED = (
    "Memory forced a fresh start for every block, so no two rows were measured side by side."
)
NO_TWIN = (
    "The second copy of a row was not measured often enough, so nothing tells how far chance goes."
)
TOO_NOISY = "This machine is too noisy to rank these backends right now."


@dataclass(frozen=True)
class Place:
    """A row of the table, where it stands, and how sure that is."""

    cell: Cell
    step: StepTime
    rank: int | None
    """Shared by rows that cannot be told apart; None where nothing is ranked."""
    mark: Mark
    """How it relates to the leader: "" slower, "=" tie, "~" leans, "?" inconclusive."""
    comparison: Comparison | None
    """With the leader; None for the leader, without a round in common, or where nothing is ranked.
    """
    steady: bool
    """Whether it was steady while it was timed; if not, its time is too high."""


@dataclass(frozen=True)
class Ranking:
    """The rows with a speed on one workload, lowest median first."""

    workload: str
    leader: Cell | None
    """The row with the lowest median step time; None where nothing is ranked."""
    places: tuple[Place, ...]
    resolution: Resolution | None
    """None without a twin, or with too few rounds of it."""
    reason: str = ""
    """Why nothing is ranked."""

    @property
    def rankable(self) -> bool:
        """Whether the record supports an order."""
        return not self.reason

    @property
    def rough(self) -> bool:
        """Whether only what exceeds the smallest visible difference is told, for a noise grade D.

        The other rows share the leader's rank and are not clear.
        """
        return self.rankable and self.resolution is not None and self.resolution.grade == "D"


def rankings(run: Run, workload: str) -> tuple[Ranking, ...]:
    """A ranking for each precision, in the order of the plan: none ranks rows of two."""
    return tuple(rank(run, workload, precision) for precision in precisions(run))


def precisions(run: Run) -> tuple[str, ...]:
    """The precisions of the rows of a run, in the order of the plan."""
    rows = (*run.plan.rows, *(cell.row for cell in run.cells))
    return tuple(dict.fromkeys(row.precision for row in rows))


def rank(
    run: Run,
    workload: str,
    precision: str | None = None,
    *,
    among: Callable[[Row], bool] | None = None,
) -> Ranking:
    """The ranking of a workload, from the record alone; it draws on blocks of kept rounds only.

    Args:
        run: the record.
        workload: which table.
        precision: of the rows that are ranked; the first of the plan if it is not given. How far
            chance goes, the twin tells for all.
        among: which rows to rank; all if it is not given.
    """
    wanted = precision or next(iter(precisions(run)), "fp32")
    places = tuple(
        place
        for place in _unranked(run, workload)
        if place.cell.row.precision == wanted and (among is None or among(place.cell.row))
    )
    found = resolution_of(run, workload)
    reason = _reason(run, workload, places, found)
    if reason:
        return Ranking(workload, None, places, found, reason)
    margin = run.plan.margin if found is None else found.margin(run.plan.margin)
    compared = _comparisons(run, [place.cell for place in places], margin)
    if found is None or found.grade != "D":
        return Ranking(workload, places[0].cell, _ranked(places, compared), found)
    told = [each and replace(each, verdict=roughly(each.verdict)) for each in compared]
    if not any(each is not None and each.verdict == "slower" for each in told):
        return Ranking(workload, None, places, found, TOO_NOISY)
    return Ranking(workload, places[0].cell, _ranked(places, told, apart=1 + margin), found)


def widest_half_width(run: Run, workload: str) -> float | None:
    """The widest half interval of any ratio of a workload, the twin's included, in the logarithm.

    None while some ratio has none yet, and where there is no ratio.
    """
    cells = [place.cell for place in _unranked(run, workload)]
    compared = _comparisons(run, cells, run.plan.margin)
    if (twin := _twin(run, workload)) is not None:
        compared.append(twin)
    widths = [None if each is None else each.half_width for each in compared]
    known = [width for width in widths if width is not None]
    return max(known) if known and len(known) == len(widths) else None


def _unranked(run: Run, workload: str) -> tuple[Place, ...]:
    """The rows with a speed and a kept round, by their median."""
    steps = ((cell, summarise(kept_blocks(run, cell))) for cell in cells_of(run, workload))
    places = [
        Place(cell, step, None, "", None, was_steady(run, cell))
        for cell, step in steps
        if step is not None
    ]
    return tuple(sorted(places, key=lambda place: place.step.seconds))


def resolution_of(run: Run, workload: str) -> Resolution | None:
    """What the machine could tell apart; None where no twin was measured often enough."""
    pair, twin = twins(run, workload), _twin(run, workload)
    return None if pair is None or twin is None else resolution(pair[1].row, twin)


def _twin(run: Run, workload: str) -> Comparison | None:
    """The twin compared with its original; None if they share no round."""
    pair = twins(run, workload) if run.plan.interleaved else None
    return None if pair is None else _compare(run, *pair, 1, run.plan.margin)


def _reason(run: Run, workload: str, places: tuple[Place, ...], found: Resolution | None) -> str:
    """Why these rows cannot be ranked; empty if they can, or if their intervals are to decide."""
    if not places:
        return NOTHING_MEASURED
    if not run.plan.interleaved:
        return NOT_PAIRED
    if run.plan.twin is not None and found is None:
        return NO_TWIN
    return TOO_NOISY if is_unfit(run, workload, found) else ""


def is_unfit(run: Run, workload: str, found: Resolution | None) -> bool:
    """Whether nothing may be told: a grade D of copies that differ in earnest, or under a load."""
    if found is None or found.grade != "D":
        return False
    return found.biased or is_loaded(run, workload)


def _comparisons(run: Run, cells: list[Cell], margin: float) -> list[Comparison | None]:
    """Each row but the first with the first; together they have the confidence."""
    if not run.plan.interleaved:
        return []
    others = len(cells) - 1
    return [_compare(run, cell, cells[0], others, margin) for cell in cells[1:]]


def _compare(
    run: Run, cell: Cell, reference: Cell, comparisons: int, margin: float
) -> Comparison | None:
    times, others = paired_seconds(run, cell, reference)
    if not times:
        return None
    return compare(times, others, comparisons=comparisons, margin=margin)


def _ranked(
    places: tuple[Place, ...], compared: list[Comparison | None], apart: float = 1.0
) -> tuple[Place, ...]:
    """The places with their ranks: a rank says no more than the intervals do.

    Rows that are not clearly slower share the leader's rank. Among the slower ones a rank is
    shared by those whose intervals, times the factor `apart`, reach back to that of its first row.
    """
    ranked = [replace(places[0], rank=1)]
    rank, highest = 1, 0.0
    for position, (place, comparison) in enumerate(zip(places[1:], compared, strict=True), start=2):
        own: int | None = 1
        if comparison is None:
            own = None
        elif comparison.verdict == "slower" and comparison.interval is not None:
            if rank == 1 or comparison.interval.low > apart * highest:
                rank, highest = position, comparison.interval.high
            own = rank
        ranked.append(replace(place, rank=own, mark=_mark(comparison), comparison=comparison))
    return tuple(ranked)


def _mark(comparison: Comparison | None) -> Mark:
    """The sign before a row that is not clearly slower.

    A row that seems faster than the one of the lowest median contradicts it: undecided.
    """
    match comparison.verdict if comparison else "inconclusive":
        case "slower":
            return ""
        case "tie":
            return "="
        case "leans slower":
            return "~"
        case _:
            return "?"
