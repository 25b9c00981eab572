"""The frameworks in the order of a run: by speed, by memory, or by what comes before training.

Speed rests on the rankings of the run and their verdicts. Memory and the start were measured
once for each row and have no interval, so a difference counts only beyond a generous margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envdoctor.choose.figures import QUANTITIES, figure_of
from envdoctor.statistics.ranking import NOTHING_MEASURED, precisions, rank
from envdoctor.statistics.verdicts import roughly, verdict
from envdoctor.statistics.workloads import overall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from envdoctor.choose.records import Priority
    from envdoctor.model.cell import Cell, Row
    from envdoctor.model.run import Run
    from envdoctor.statistics.interval import Interval
    from envdoctor.statistics.paired import Comparison
    from envdoctor.statistics.ranking import Ranking
    from envdoctor.statistics.verdicts import Verdict

MARGINS: dict[Priority, float] = {"memory": 0.1, "start-up": 0.2}
"""Up to these, two figures that were taken once each count as equal."""


@dataclass(frozen=True)
class Standing:
    """The best row of a framework, and where it stands."""

    row: Row
    rank: int | None
    """Shared by what cannot be told apart."""
    value: float | None
    """Seconds per step, bytes or seconds; None for speed over several workloads."""
    ratio: float | None = None
    interval: Interval | None = None
    verdict: str = ""
    comparison: Comparison | None = None
    """With the first row, on one workload."""


@dataclass(frozen=True)
class Standings:
    """All frameworks of a run that have a figure, the best first."""

    workloads: tuple[str, ...]
    """Those that count."""
    places: tuple[Standing, ...]
    margin: float
    """Differences up to this are none."""
    reason: str = ""
    """Why they have no ranks; empty if they have."""
    rough: bool = False
    """Whether the machine was so noisy that only large differences were told."""

    def of(self, framework: str) -> Standing | None:
        """The place of a framework, if it has one."""
        return next((each for each in self.places if each.row.backend == framework), None)


def standings(run: Run, priority: Priority, among: Callable[[Row], bool]) -> Standings:
    """The order of the frameworks.

    Args:
        run: the record.
        priority: what counts.
        among: which rows may take part.
    """
    if priority == "speed":
        return _by_speed(run, among)
    cells = [cell for cell in run.cells if cell.comparable and not cell.row.twin]
    precision = next(iter(precisions(run)), "")  # as a ranking by speed: of the first only
    taking_part = [each for each in cells if each.row.precision == precision and among(each.row)]
    figures = {id(cell): figure_of(run, cell, QUANTITIES[priority]) for cell in taking_part}
    return _by_figure(taking_part, figures, MARGINS[priority])


def _by_speed(run: Run, among: Callable[[Row], bool]) -> Standings:
    found = [rank(run, name, among=among) for name in run.plan.workloads]
    usable = [each for each in found if each.rankable]
    if not usable:
        return _unranked(run, found)
    margin = max(_margin(run, each) for each in usable)
    means = overall(run, among=among) if len(usable) > 1 else None
    if means is None:
        widest = max(usable, key=lambda each: len(each.places))
        return Standings((widest.workload,), _of_one(widest), margin, rough=widest.rough)
    rough = any(each.rough for each in usable)
    verdicts = [
        (mean.row, mean.ratio, mean.interval, _told(mean.interval, margin, rough=rough))
        for mean in means.means
    ]
    return Standings(means.workloads, _shared(means.reference, verdicts), margin, rough=rough)


def _told(interval: Interval | None, margin: float, *, rough: bool) -> Verdict:
    found = verdict(interval, margin)
    return roughly(found) if rough else found


def _unranked(run: Run, found: Sequence[Ranking]) -> Standings:
    """The rows in the order of their medians, without ranks: of the fullest workload."""
    fullest = max(found, key=lambda each: len(each.places), default=None)
    if fullest is None or not fullest.places:
        return Standings((), (), run.plan.margin, NOTHING_MEASURED)
    places = [
        Standing(row=place.cell.row, rank=None, value=place.step.seconds)
        for place in fullest.places
    ]
    return Standings((fullest.workload,), _best_of_each(places), run.plan.margin, fullest.reason)


def _margin(run: Run, ranking: Ranking) -> float:
    found = ranking.resolution
    return run.plan.margin if found is None else found.margin(run.plan.margin)


def _of_one(ranking: Ranking) -> tuple[Standing, ...]:
    places = []
    for place in ranking.places:
        found = place.comparison
        places.append(
            Standing(
                row=place.cell.row,
                rank=place.rank,
                value=place.step.seconds,
                ratio=found.ratio if found else None,
                interval=found.interval if found else None,
                verdict=found.verdict if found else "",
                comparison=found,
            )
        )
    return _best_of_each(places)


def _shared(
    reference: Row, verdicts: Iterable[tuple[Row, float, Interval | None, str]]
) -> tuple[Standing, ...]:
    """Ranks over several workloads, shared as within one: by what the intervals can tell."""
    places: list[Standing] = []
    current, highest = 1, 0.0
    for position, (row, ratio, interval, found) in enumerate(verdicts, start=1):
        if row == reference:
            places.append(Standing(row=row, rank=1, value=None))
            continue
        own = 1
        if found == "slower" and interval is not None:
            if current == 1 or interval.low > highest:
                current, highest = position, interval.high
            own = current
        places.append(Standing(row, own, None, ratio, interval, found))
    # The reference has the lowest medians, if not always the lowest ratio.
    places.sort(key=lambda each: (each.rank, each.row != reference))
    return _best_of_each(places)


def _best_of_each(places: Iterable[Standing]) -> tuple[Standing, ...]:
    best: dict[str, Standing] = {}
    for place in places:
        best.setdefault(place.row.backend, place)
    return tuple(best.values())


def _by_figure(
    cells: Sequence[Cell], figures: Mapping[int, float | None], margin: float
) -> Standings:
    """By the largest figure of each row over the workloads that all have in common."""
    by_row: dict[Row, dict[str, float]] = {}
    for cell in cells:
        value = figures[id(cell)]
        if value is not None:
            by_row.setdefault(cell.row, {})[cell.workload] = value
    counts = {row: len(values) for row, values in by_row.items()}
    whole = [row for row, count in counts.items() if count == max(counts.values())]
    common = [
        name
        for name in (by_row[whole[0]] if whole else ())
        if all(name in by_row[r] for r in whole)
    ]
    if not common:
        return Standings((), (), margin, NOTHING_MEASURED)
    worst = {row: max(by_row[row][name] for name in common) for row in whole}
    ordered = sorted(worst.items(), key=lambda pair: pair[1])
    places = _best_of_each(Standing(row=row, rank=None, value=value) for row, value in ordered)
    return Standings(tuple(common), _ranked_by_figure(places, margin), margin)


def _ranked_by_figure(places: Sequence[Standing], margin: float) -> tuple[Standing, ...]:
    """A rank is shared by what lies within the margin of the first that has it."""
    ranked: list[Standing] = []
    current, first = 1, places[0].value or 0.0
    for position, place in enumerate(places, start=1):
        value = place.value or 0.0
        if value > first * (1 + margin):
            current, first = position, value
        word = "" if position == 1 else "tie" if current == 1 else "behind"
        ranked.append(Standing(place.row, current, place.value, verdict=word))
    return tuple(ranked)
