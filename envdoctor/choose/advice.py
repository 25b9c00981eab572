"""What would change the answer, and what it does not rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.choose.candidates import why_not_measured
from envdoctor.choose.records import PRIORITIES, Reason, Source
from envdoctor.statistics.costs import break_even_steps, costs
from envdoctor.statistics.verdicts import rounds_to_settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.choose.candidates import Question
    from envdoctor.choose.standings import Standing, Standings
    from envdoctor.model.cell import Cell, Row
    from envdoctor.model.run import Run

OWN_SIZE = "custom"
"""What a description that names no size has."""


def would_change(question: Question, order: Standings | None) -> tuple[Reason, ...]:
    """The nearest things that would lead to another answer, each from a number or a fact."""
    if order is None or question.run is None:
        return ()
    several = len(question.fitting) > 1
    return (
        *(_other_priorities(question, order) if several else ()),
        *_without_needs(question, order),
        *_few_steps(question, question.run, order),
        *_more_rounds(question, question.run, order),
    )


def _leading(order: Standings) -> list[Standing]:
    return [place for place in order.places if place.rank == 1]


def _first(order: Standings) -> list[str]:
    return [place.row.backend for place in _leading(order)]


def _other_priorities(question: Question, order: Standings) -> Iterator[Reason]:
    for priority in PRIORITIES:
        other = question.places(priority, question.fits)
        if priority == question.priority or other is None:
            continue
        names = _first(other)
        if names and not set(names) & set(_first(order)):
            text = f"with --priority {priority}: {' or '.join(names)}"
            now = [place for name in _first(order) for place in [other.of(name)] if place]
            figures = question.figures(priority, other.workloads, *_leading(other), *now)
            yield Reason(text=text, source=question.source(other.workloads, figures))


def _without_needs(question: Question, order: Standings) -> Iterator[Reason]:
    """A framework that does not meet every need to the full, and would come first, clearly."""

    def choosable(name: str) -> bool:
        return not question.facts.framework(name).reference

    every = question.places(question.priority, choosable)
    names = _first(every) if every else []
    if every is None or not names or set(names) & set(_first(order)):
        return
    judged = question.judged(names[0])
    against = [each.need for each in judged if each.answer in {"no", "unknown"}]
    limits = [each.need for each in judged if each.answer == "partly"]
    parts = [f"without {' and '.join(against)}"] if against else []
    parts += [f"if its limits do for {' and '.join(limits)}"] if limits else []
    leading = [*_leading(every), *_leading(order)]
    figures = question.figures(question.priority, every.workloads, *leading)
    yield Reason(
        text=f"{', and '.join(parts)}: {' or '.join(names)}",
        source=question.source(every.workloads, figures),
    )


def _few_steps(question: Question, run: Run, order: Standings) -> Iterator[Reason]:
    """The framework that is ahead for longest, because it starts sooner."""
    if question.priority != "speed" or not _first(order):
        return
    workload = order.workloads[0]
    leader = _cell(run, order.places[0].row, workload)
    own = leader and costs(run, leader)
    if not own:
        return
    ahead: list[tuple[int, Standing]] = []
    for place in order.places[1:]:
        other = _cell(run, place.row, workload)
        paid = other and costs(run, other)
        if paid and paid.setup_seconds < own.setup_seconds:
            ahead.append((break_even_steps(own, paid) or 0, place))
    steps, place = max(ahead, key=lambda pair: pair[0], default=(0, order.places[0]))
    if steps > 1:
        text = f"for fewer than {steps:,} steps of {workload}, start included: {place.row.backend}"
        both = (place, order.places[0])
        figures = (
            *question.figures("speed", (workload,), *both),
            *question.figures("start-up", (workload,), *both),
        )
        yield Reason(text=text, source=question.source((workload,), figures))


def _cell(run: Run, row: Row, workload: str) -> Cell | None:
    found = (cell for cell in run.cells if (cell.row, cell.workload) == (row, workload))
    return next(found, None)


def _more_rounds(question: Question, run: Run, order: Standings) -> Iterator[Reason]:
    """How much more measuring would tell apart what is not clear."""
    most = run.plan.most_launches * run.plan.most_rounds
    for place in _unclear(order):
        comparison = place.comparison
        if comparison is None:
            continue
        more = None if order.rough else rounds_to_settle(comparison, most)
        name, first = place.row.backend, order.places[0].row.backend
        if order.rough:
            text = f"on a quieter machine a run may tell {name} from {first}"
        elif more is not None:
            text = f"about {more} more rounds would tell {name} from {first}"
        else:
            text = f"no budget of this run's size would tell {name} from the first"
        figures = question.figures("speed", order.workloads, place, order.places[0])
        yield Reason(text=text, source=question.source(order.workloads, figures))


def _unclear(order: Standings) -> list[Standing]:
    unclear = {"inconclusive", "leans slower", "leans faster"}
    return [place for place in order.places if place.verdict in unclear]


def not_measured(question: Question, order: Standings | None) -> tuple[str, ...]:
    """What a reader might think that the answer rests on, and it does not."""
    return tuple(_not_measured(question, order))


def _not_measured(question: Question, order: Standings | None) -> Iterator[str]:
    run = question.run
    if run is None:
        yield "Nothing: no run was found. `envdoctor choose --measure` makes one."
        return
    ranked = {place.row.backend for place in order.places} if order else set()
    missing: dict[str, list[str]] = {}
    for name in question.frameworks:
        if question.fits(name) and name not in ranked:
            missing.setdefault(why_not_measured(question, name), []).append(name)
    yield from (f"{', '.join(names)}: {why}." for why, names in missing.items())
    yield from _other_systems(question, run)
    sizes = _sizes(run)
    if sizes:
        yield f"Models of other sizes than {', '.join(sizes)}: they may rank otherwise."
    yield "Anything but training: inference, data loading, several devices."


def _sizes(run: Run) -> list[str]:
    """The sizes that were measured; a model of the user's own has none but its own."""
    sizes = {
        f"that of {record.name}" if record.size == OWN_SIZE else record.size
        for record in run.workloads
        if record.size and record.name in run.plan.workloads
    }
    return sorted(sizes)


def _other_systems(question: Question, run: Run) -> Iterator[str]:
    system = run.facts.system.name if run.facts.system else question.setup.system
    for need in question.facts.needs:
        asked = need.name in question.needs.names
        if asked and need.system and need.system.lower() != system.lower():
            yield f"Speed on {need.system}: the run is from {system or 'another system'}."


def otherwise_here(question: Question) -> tuple[Reason, ...]:
    """Where this machine or this environment is not what the needs are about."""
    return tuple(_otherwise(question))


def _otherwise(question: Question) -> Iterator[Reason]:
    setup, needs = question.setup, question.needs
    source = Source(kind="machine", where="envdoctor info")
    if "gpu" in needs.names and not setup.gpus:
        yield Reason(text="no GPU of NVIDIA was found here", source=source)
    for need in question.facts.needs:
        if need.name in needs.names and need.system and need.system != setup.system:
            yield Reason(
                text=f"this machine runs {setup.system or 'another system'}", source=source
            )
    if needs.python and needs.python != setup.python:
        yield Reason(text=f"this environment has Python {setup.python}", source=source)
