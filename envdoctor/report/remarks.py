"""What the columns of a table cannot say: doubts, drifts, and what the machine allows to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report import noise, numbers
from envdoctor.report import sentences as say
from envdoctor.statistics.growth import overheads
from envdoctor.statistics.pairing import cells_of, round_seconds
from envdoctor.statistics.ranking import precisions
from envdoctor.statistics.workloads import overall

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envdoctor.model.cell import Row
    from envdoctor.model.run import Run
    from envdoctor.statistics.ranking import Ranking
    from envdoctor.statistics.workloads import Mean

CLEAR = {"slower", "tie"}
"""Verdicts that the columns tell, or the sentence on the fastest row."""


def remarks(run: Run, ranking: Ranking) -> tuple[str, ...]:
    """Sentences on a workload; without a ranking, why there is none."""
    names = say.row_names([place.cell for place in ranking.places])
    found = ranking.resolution
    if ranking.leader is not None:
        lines = [*_ranked(run, ranking, names)]
    elif found is not None and found.grade == "D":
        lines = [*noise.too_noisy(run, ranking.workload, found)]
    else:
        lines = [ranking.reason]
    lines += [say.not_steady(place, names[place.cell.row]) for place in ranking.places]
    lines += [say.subnormal(place, names[place.cell.row]) for place in ranking.places]
    crowded = [names[place.cell.row] for place in ranking.places if place.cell.oversubscribed]
    lines.append(say.oversubscribed(crowded))
    lines.append(say.throttled(run, ranking.workload))
    if found is not None and ranking.rough:
        lines += noise.rough(run, ranking.workload, found)
    elif found is not None and ranking.leader is not None:
        lines += [noise.loaded(run, ranking.workload), say.resolution(found)]
    return tuple(line for line in lines if line)


def summary(run: Run) -> tuple[str, ...]:
    """What several workloads say together."""
    return tuple(line for line in (geometric_means(run), *_overheads(run)) if line)


def _overheads(run: Run) -> Iterator[str]:
    """Where a larger batch takes hardly longer."""
    for found in overheads(run):
        names = say.row_names([cell for cell in run.cells if cell.row in found.ratios])
        first, *others = (
            f"{names[row]} {numbers.significant(ratio)}x" for row, ratio in found.ratios.items()
        )
        name, _, ratio = first.rpartition(" ")
        yield (
            f"{found.workload} with a batch of {found.batch:,} is bound by overhead: for "
            f"{found.larger:,} samples {'; '.join([f'{name} takes {ratio} as long', *others])}."
        )


def geometric_means(run: Run) -> str:
    """A sentence for each precision on all its rows over several workloads; empty without any."""
    every = precisions(run)
    found = (_geometric_means(run, each, named=len(every) > 1) for each in every)
    return " ".join(sentence for sentence in found if sentence)


def _geometric_means(run: Run, precision: str, *, named: bool) -> str:
    found = overall(run, precision)
    if found is None:
        return ""
    names = say.row_names(cells_of(run, found.workloads[0]))
    first, *others = (mean for mean in found.means if mean.row != found.reference)
    takes = f"{names[first.row]} takes {_mean(first)} as long as {names[found.reference]}"
    parts = [f"{takes}{_ends(first)}"]
    parts += [f"{names[mean.row]} {_mean(mean)}{_ends(mean)}" for mean in others]
    return (
        f"over {say.listed(found.workloads)}{f' in {precision}' if named else ''}, "
        "in the geometric mean of times per step: "
        f"{'; '.join(parts)}."
    )


def _ranked(run: Run, ranking: Ranking, names: Mapping[Row, str]) -> Iterator[str]:
    leader = names[ranking.places[0].cell.row]
    rounds = run.plan.most_rounds * run.plan.most_launches
    effort = say.Effort(rounds, round_seconds(run, ranking.workload))
    yield say.fastest(ranking, names)
    for place in ranking.places[1:]:
        name, found = names[place.cell.row], place.comparison
        if found is None:
            yield f"? {name} and {leader} share no round that counts."
            continue
        if found.verdict not in CLEAR and not ranking.rough:
            yield say.relation(name, leader, found, effort)
        yield say.drifted(name, leader, found)
    yield say.setup(run, ranking, names)


def _mean(mean: Mean) -> str:
    return f"{numbers.significant(mean.ratio)}x"


def _ends(mean: Mean) -> str:
    if mean.interval is None:
        return " (too few rounds for an interval)"
    return f" (95 % CI {say.interval(mean.interval)})"
