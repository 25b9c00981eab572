"""The answer: a decision no firmer than its grounds, in a sentence, with everything behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.choose.advice import not_measured, otherwise_here, would_change
from envdoctor.choose.candidates import candidates
from envdoctor.choose.measured import SMALL_RATIO, ratio
from envdoctor.choose.records import Choice, Measurement
from envdoctor.statistics.ranking import TOO_NOISY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.choose.candidates import Question
    from envdoctor.choose.records import Candidate, Decision
    from envdoctor.choose.standings import Standings
    from envdoctor.model.run import Run

FITTING = {"first", "behind", "not ranked", "not measured"}
FASTEST = {"speed": "is fastest", "memory": "takes least memory", "start-up": "starts soonest"}
EQUAL = {"speed": "are equally fast", "memory": "take as much memory", "start-up": "start as soon"}


def choose(question: Question) -> Choice:
    """Judge the needs, rank what is left by the run, and say how sure that is."""
    order = question.places(question.priority, question.fits)
    found = candidates(question, order)
    decision, recommended = _decide(found, order)
    return Choice(
        needs=question.needs.texts,
        priority=question.priority,
        valid_as_of=question.facts.valid_as_of,
        decision=decision,
        headline=_headline(question, decision, recommended, found, order),
        recommended=recommended,
        measurement=_measurement(question.run, order),
        candidates=found,
        here=otherwise_here(question),
        would_change=would_change(question, order),
        not_measured=not_measured(question, order),
    )


def _decide(
    found: Sequence[Candidate], order: Standings | None
) -> tuple[Decision, tuple[str, ...]]:
    """What can be said, and the frameworks that it is about."""
    fitting = tuple(each.framework for each in found if each.outcome in FITTING)
    if not fitting:
        return "none fits", ()
    if len(fitting) == 1:
        return "one", fitting  # no measurement could change that
    first = [each for each in found if each.outcome == "first"]
    names = tuple(each.framework for each in first)
    if not first:
        noisy = order is not None and order.reason == TOO_NOISY
        return "too noisy" if noisy else "not measured", ()
    if len(first) == 1:
        return "one", names
    if all(each.verdict in {"", "tie"} for each in first):
        return "tie", names
    return "undecided", names


def _headline(
    question: Question,
    decision: Decision,
    recommended: tuple[str, ...],
    found: Sequence[Candidate],
    order: Standings | None,
) -> str:
    names = ", ".join(each.framework for each in found if each.outcome in FITTING)
    asked = ", ".join(question.needs.texts)
    for_ = f" for {asked}" if asked else ""
    match decision:
        case "none fits":
            return _nothing_fits(found, asked)
        case "not measured":
            why = _why_unmeasured(question, order)
            return f"What fits{for_}: {names}. Which is best was not measured: {why}."
        case "too noisy":
            return f"What fits{for_}: {names}. {TOO_NOISY}"
        case "one":
            return f"{recommended[0]}{for_}: {_lead(question, found, order)}."
        case "tie":
            margin = 100 * order.margin if order else 0
            return (
                f"{' or '.join(recommended)}{for_}: they {EQUAL[question.priority]} within "
                f"{margin:.2g} %, so take the one that you know."
            )
        case "undecided":
            return (
                f"{recommended[0]}{for_}, perhaps: the run cannot tell it from "
                f"{', '.join(recommended[1:])}."
            )


def _nothing_fits(found: Sequence[Candidate], asked: str) -> str:
    if not asked:
        only = ", ".join(each.framework for each in found)
        why = f"{only} is no framework to be chosen" if only else "no backend is here"
        return f"There is nothing to choose from: {why}."
    unknown = [each.framework for each in found if each.outcome == "unknown"]
    perhaps = f" Nothing is known of {', '.join(unknown)}." if unknown else ""
    return f"No framework is known to meet {asked}.{perhaps}"


def _why_unmeasured(question: Question, order: Standings | None) -> str:
    if question.run is None:
        return "there is no run to go by"
    elsewhere = not any(question.on_device(cell.row) for cell in question.run.cells)
    if elsewhere:
        return f"the run has no row on {question.device}"
    reason = order.reason if order else ""
    return (reason or "none of them has a figure in the run").rstrip(".")


def _lead(question: Question, found: Sequence[Candidate], order: Standings | None) -> str:
    """What the first has over the second; or that there is no second."""
    if len(question.fitting) == 1:
        return "nothing else is known to fit"
    second = next((each for each in found if each.outcome == "behind"), None)
    if second is None or order is None:
        return "of what fits, only this was measured"
    better = FASTEST[question.priority]
    if second.ratio is not None and second.low is not None and second.high is not None:
        little = (
            ", which is little: let something else decide" if second.high <= SMALL_RATIO else ""
        )
        return (
            f"it {better}; {second.framework} takes {second.ratio:.2f}x as long per step "
            f"(95 % CI {second.low:.2f} to {second.high:.2f}){little}"
        )
    place = order.of(second.framework)
    times = ratio(place, order.places[0]) if place else None
    return f"it {better}; {second.framework} needs {times:.2f}x" if times else f"it {better}"


def _measurement(run: Run | None, order: Standings | None) -> Measurement | None:
    if run is None:
        return None
    cpu = run.facts.cpu.model if run.facts.cpu else ""
    parts = (cpu, f"{run.plan.threads} CPUs", *run.facts.gpus)
    return Measurement(
        run=run.id,
        started_at=run.started_at,
        workloads=order.workloads if order else (),
        machine=", ".join(part for part in parts if part),
    )
