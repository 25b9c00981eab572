"""Why a framework has its place: what its best row took in the run, beside the first one's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.choose.records import Reason

if TYPE_CHECKING:
    from envdoctor.choose.candidates import Question
    from envdoctor.choose.records import Priority
    from envdoctor.choose.standings import Standing, Standings

BEST: dict[Priority, str] = {
    "speed": "the fastest",
    "memory": "the one that takes least memory",
    "start-up": "the one that starts soonest",
}
MORE: dict[Priority, str] = {
    "speed": "as long per step as",
    "memory": "the memory of",
    "start-up": "as long to start as",
}
SAME: dict[Priority, str] = {
    "speed": "as fast as",
    "memory": "as much memory as",
    "start-up": "as long to start as",
}
SMALL_RATIO = 1.1
"""Up to this a difference is told to be little: a version or a setting moves a step as far."""


def why_here(question: Question, order: Standings, place: Standing) -> Reason:
    """The reason of a place that has a rank."""
    first = order.places[0]
    concerned = (place,) if place is first else (place, first)
    figures = question.figures(question.priority, order.workloads, *concerned)
    source = question.source(order.workloads, figures)
    return Reason(text=_text(question.priority, order, place, first), source=source)


def _text(priority: Priority, order: Standings, place: Standing, first: Standing) -> str:
    name, count = first.row.backend, len(order.places)
    if place is first:
        return f"{BEST[priority]} of {count} measured" if count > 1 else "measured, and alone"
    if place.rank == 1 and place.verdict == "tie":
        return f"{SAME[priority]} {name}, within {100 * order.margin:.2g} %"
    if place.rank == 1:
        return f"the run cannot tell it from {name}"
    times = ratio(place, first)
    if times is None:
        return f"behind {name}"
    ends = ""
    if place.interval is not None:
        ends = f" (95 % CI {place.interval.low:.2f} to {place.interval.high:.2f})"
    return f"{times:.2f}x {MORE[priority]} {name}{ends}"


def ratio(place: Standing, first: Standing) -> float | None:
    """What a place takes over what the first takes; None where nothing was divided."""
    if place.ratio is not None:
        return place.ratio
    return place.value / first.value if place.value and first.value else None
