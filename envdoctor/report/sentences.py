"""What a ranking says, in sentences: how long a row takes, never how much faster it is."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING

from envdoctor.report import numbers
from envdoctor.statistics.costs import break_even_steps, costs
from envdoctor.statistics.disturbance import disturbance
from envdoctor.statistics.verdicts import rounds_to_settle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envdoctor.model.cell import Cell, Row
    from envdoctor.model.run import Run
    from envdoctor.statistics.interval import Interval
    from envdoctor.statistics.paired import Comparison
    from envdoctor.statistics.ranking import Place, Ranking
    from envdoctor.statistics.resolution import Resolution

TO = "\N{EN DASH}"
"""Between the ends of an interval."""

ROUGH = 0.05
"""An interval that reaches farther to each side leaves one decimal of a ratio above 1."""

MANY_SUBNORMALS = 0.001
"""Share of the weights from which on they are worth a word: they go into every product."""


@dataclass(frozen=True)
class Effort:
    """What more rounds would cost, to say whether they are worth it."""

    most_rounds: int
    """The most that the plan allows, over all launches."""
    round_seconds: float | None = None


def row_names(cells: Sequence[Cell]) -> dict[Row, str]:
    """A name for each row of a workload: the title, and what tells equal titles apart."""
    return {cell.row: _name(cell, cells) for cell in cells}


def listed(names: Sequence[str]) -> str:
    """Names as in a sentence: `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _name(cell: Cell, cells: Sequence[Cell]) -> str:
    details = {
        id(each): (each.version, each.row.precision, each.row.device, each.row.interpreter)
        for each in cells
        if each.row.title == cell.row.title
    }
    columns = zip(details[id(cell)], *details.values(), strict=True)
    differing = [own for own, *all_ in columns if own and len(set(all_)) > 1]
    return " ".join([cell.row.title, *differing])


def fastest(ranking: Ranking, names: Mapping[Row, str]) -> str:
    """The leader with its step time, and the rows that tie with it; empty without a leader.

    In a rough order, too, the rows that cannot be told from it; otherwise each has a sentence.
    """
    if ranking.leader is None:
        return ""
    parts = [f"{names[ranking.leader.row]} {numbers.duration(ranking.places[0].step.seconds)}/step"]
    for place in ranking.places:
        found = place.comparison
        if found is not None and found.interval is not None and found.verdict == "tie":
            parts.append(
                f"{names[place.cell.row]} is equal within {_percent(found.margin)} "
                f"({ratio(found)}, 95 % CI {interval(found.interval)})"
            )
    undecided = [names[p.cell.row] for p in ranking.places[1:] if p.comparison and p.rank == 1]
    if ranking.rough and undecided:
        parts.append(f"not to be told from it here: {listed(undecided)}")
    return f"fastest: {'; '.join(parts)}."


def relation(name: str, reference: str, found: Comparison, effort: Effort) -> str:
    """How a row compares with the reference, as far as the verdict goes."""
    if found.interval is None:
        more = rounds_to_settle(found, effort.most_rounds)
        return (
            f"? {name} vs {reference}: {found.rounds} paired rounds are too few for an interval; "
            f"{more} more would give one."
        )
    ends, margin = interval(found.interval), _percent(found.margin)
    takes = f"{ratio(found)} as long as {reference}"
    match found.verdict:
        case "slower" | "faster":
            rounds, launches = (
                _count(found.rounds, "paired round"),
                _count(found.launches, "launch"),
            )
            return f"{name} takes {takes} (95 % CI {ends}; {rounds}, {launches})."
        case "leans slower" | "leans faster":
            doubt = f"real, but it may be under the {margin} margin."
            return f"~ {name} takes about {takes} ({ends}); {doubt}"
        case "tie":
            return f"= {name} and {reference}: no difference larger than {margin} (CI {ends})."
        case "inconclusive":
            settle = _settle(rounds_to_settle(found, effort.most_rounds), effort)
            return f"? {name} vs {reference}: {ratio(found)} ({ends}). Too noisy to say; {settle}"


def _settle(more: int | None, effort: Effort) -> str:
    if more is None:
        return "settling it would take more than your budget."
    seconds = effort.round_seconds
    time = "" if seconds is None else f" ({_about(more * seconds)})"
    return f"about {_count(more, 'more round')}{time} would settle it."


def drifted(name: str, reference: str, found: Comparison) -> str:
    """How the ratio changed while it was measured; empty if it did not."""
    if found.drift is None:
        return ""
    return (
        f"{name} drifted against {reference}: {found.drift.first_ratio:.2f}x in the first half of "
        f"the rounds, {found.drift.second_ratio:.2f}x in the second."
    )


def setup(run: Run, ranking: Ranking, names: Mapping[Row, str]) -> str:
    """What the leader pays before its first steady step, and how long another row is ahead.

    Of all clearly slower rows the one that is ahead for longest; empty if none ever is.
    """
    own = None if ranking.leader is None else costs(run, ranking.leader)
    if ranking.leader is None or own is None:
        return ""
    slower = (p.cell for p in ranking.places if p.comparison and p.comparison.verdict == "slower")
    found = ((costs(run, cell), names[cell.row]) for cell in slower)
    steps = ((break_even_steps(own, other), name) for other, name in found if other is not None)
    longest, name = max(((until or 0, name) for until, name in steps), default=(0, ""))
    if longest == 0:
        return ""
    return (
        f"{names[ranking.leader.row]} pays {numbers.duration(own.setup_seconds)} before the first "
        f"steady step; {name} is ahead until step {_rounded(longest):,} on this workload."
    )


def not_steady(place: Place, name: str) -> str:
    """That a row never settled, and what it compiled meanwhile; empty if it did settle."""
    if place.steady:
        return ""
    compiled = sum(launch.compiled_while_timed for launch in place.cell.launches)
    times = f" (compiled {_count(compiled, 'time')} while it was timed)" if compiled else ""
    return f"{name} did not reach a steady state{times}; its time is an upper bound."


def oversubscribed(names: Sequence[str]) -> str:
    """The rows whose own threads crowd the CPUs; empty without any."""
    if not names:
        return ""
    have = "has" if len(names) == 1 else "have"
    return f"{listed(names)} {have} more threads than CPUs, which wait for each other."


def subnormal(place: Place, name: str) -> str:
    """That a row carries many numbers that CPUs are slow with; empty if it does not."""
    share = place.cell.subnormal_share or 0.0
    if share < MANY_SUBNORMALS:
        return ""
    return (
        f"{numbers.percent(share)} of the weights of {name} are below the normal numbers of "
        "float32, which CPUs may be many times slower with."
    )


def throttled(run: Run, workload: str) -> str:
    """In how many rounds a GPU slowed itself down; empty if in none."""
    seen = disturbance(run, workload)
    if not seen.throttled_gpu_rounds:
        return ""
    rounds = f"{seen.throttled_gpu_rounds} of {_count(seen.rounds, 'round')}"
    return (
        f"the GPU slowed itself down, for heat or power, in {rounds}, which were repeated where "
        "the budget allowed."
    )


def resolution(found: Resolution) -> str:
    """The smallest difference that this machine can show now."""
    smallest, width = _percent(found.smallest_difference), _percent(found.half_width)
    return f"on this machine now, differences under {smallest} cannot be seen (A/A ±{width})."


def ratio(found: Comparison) -> str:
    """A ratio of times with the decimals that its interval supports: `1.05x`, `1.1x`, `12.3x`."""
    value = found.ratio
    if not 0.1 <= value < 10:
        return f"{numbers.significant(value)}x"
    rough = value >= 1 and (found.half_width is None or found.half_width > ROUGH)
    return f"{value:.1f}x" if rough else f"{value:.2f}x"


def interval(found: Interval) -> str:
    """The ends of an interval: with three decimals if an end would read as 1.00."""
    ends = (found.low, found.high)
    decimals = 3 if any(f"{end:.2f}" == "1.00" for end in ends) else 2
    return TO.join(
        f"{end:.{decimals}f}" if 0.1 <= end < 10 else numbers.significant(end) for end in ends
    )


def _percent(share: float) -> str:
    """Two significant digits: `2 %`, `1.8 %`."""
    digits = numbers.significant(share * 100, 2)
    return f"{digits.removesuffix('.0')} %"


def _count(number: int, thing: str) -> str:
    plural = "es" if thing.endswith("ch") else "s"
    return f"{number} {thing}{plural if number != 1 else ''}"


def _about(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


def _rounded(count: int) -> int:
    """A count with two significant digits."""
    return round(count, 1 - floor(log10(count)))
