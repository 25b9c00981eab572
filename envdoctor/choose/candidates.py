"""Each framework with its needs, its place and its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from envdoctor.choose.figures import figures
from envdoctor.choose.measured import why_here
from envdoctor.choose.needs import judge
from envdoctor.choose.records import Answer, Candidate, Judged, Outcome, Reason, Source
from envdoctor.choose.setup import Installed
from envdoctor.choose.standings import standings
from envdoctor.statistics.matching import why_no_speed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envdoctor.choose.data import Facts
    from envdoctor.choose.needs import Needs
    from envdoctor.choose.records import Figure, Priority
    from envdoctor.choose.setup import Setup
    from envdoctor.choose.standings import Standing, Standings
    from envdoctor.model.cell import Row
    from envdoctor.model.run import Run

DOCTOR = "envdoctor check"
Tier = Answer
TIERS: tuple[Tier, ...] = ("yes", "partly", "unknown", "no")
OUTCOMES: dict[Tier, Outcome] = {
    "yes": "limited",
    "partly": "limited",
    "unknown": "unknown",
    "no": "ruled out",
}
"""Of what is not recommended."""
ORDER: tuple[Outcome, ...] = (
    "first",
    "behind",
    "not ranked",
    "not measured",
    "limited",
    "unknown",
    "ruled out",
)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked, of which machine, on which grounds."""

    needs: Needs
    priority: Priority
    setup: Setup
    facts: Facts
    frameworks: tuple[str, ...]
    """The names of all that could be chosen."""
    run: Run | None = None

    @property
    def device(self) -> str:
        """Where a speed counts: `cpu` unless a need says otherwise."""
        devices = [need.device for need in self.facts.needs if need.name in self.needs.names]
        return next((device for device in devices if device), "cpu")

    def judged(self, framework: str) -> tuple[Judged, ...]:
        """The needs of a framework, by the facts."""
        return judge(self.facts.framework(framework), self.needs, self.facts)

    def tier(self, framework: str) -> Tier:
        """How far it meets the needs: as the worst of the answers says."""
        if self.facts.framework(framework).reference:
            return "no"
        answers = [each.answer for each in self.judged(framework)]
        return max(answers, key=TIERS.index, default="yes")

    @cached_property
    def fitting(self) -> frozenset[str]:
        """What meets all needs in full or, if nothing does, in part; never what is unknown."""
        tiers = {name: self.tier(name) for name in self.frameworks}
        best = "yes" if "yes" in tiers.values() else "partly"
        return frozenset(name for name, tier in tiers.items() if tier == best)

    def fits(self, framework: str) -> bool:
        """Whether it may be recommended."""
        return framework in self.fitting

    def on_device(self, row: Row) -> bool:
        """Whether a row ran where a speed counts."""
        return row.device.partition(":")[0] == self.device

    def places(self, priority: Priority, among: Callable[[str], bool]) -> Standings | None:
        """The order of some frameworks in the run; None without a run."""
        if self.run is None:
            return None
        return standings(self.run, priority, lambda row: self.on_device(row) and among(row.backend))

    def figures(
        self, priority: Priority, workloads: Sequence[str], *places: Standing
    ) -> tuple[Figure, ...]:
        """The numbers that the places rest on."""
        run = self.run
        assert run is not None
        return tuple(
            figure for place in places for figure in figures(run, place.row, workloads, priority)
        )

    def source(self, workloads: Sequence[str] = (), figures: tuple[Figure, ...] = ()) -> Source:
        """The run, as a source."""
        assert self.run is not None
        names = ", ".join(workloads)
        where = f"{self.run.id}: {names}" if names else self.run.id
        return Source(kind="run", where=where, figures=figures)


def candidates(question: Question, order: Standings | None) -> tuple[Candidate, ...]:
    """All frameworks: those with a place first, then what fits, then what is ruled out."""
    found = [_candidate(question, order, name) for name in question.frameworks]
    places = [place.row.backend for place in order.places] if order else []

    def key(candidate: Candidate) -> tuple[int, int, str]:
        name = candidate.framework
        place = places.index(name) if name in places else len(places)
        return ORDER.index(candidate.outcome), place, name

    return tuple(sorted(found, key=key))


def _candidate(question: Question, order: Standings | None, name: str) -> Candidate:
    judged = question.judged(name)
    place = order.of(name) if order else None
    here = question.setup.installed.get(name, Installed())
    hindrance, remedy = _hindrance(question, name, here)
    return Candidate(
        framework=name,
        outcome=_outcome(question, name, place),
        rank=place.rank if place else None,
        row=place.row.title if place else "",
        value=place.value if place else None,
        ratio=place.ratio if place else None,
        low=place.interval.low if place and place.interval else None,
        high=place.interval.high if place and place.interval else None,
        verdict=place.verdict if place else "",
        version=here.version,
        needs=judged,
        reasons=tuple(_reasons(question, name, judged, here, order)),
        hindrance=hindrance,
        remedy=remedy,
    )


def _outcome(question: Question, name: str, place: Standing | None) -> Outcome:
    if not question.fits(name):
        return OUTCOMES[question.tier(name)]
    if place is None:
        return "not measured"
    if place.rank is None:
        return "not ranked"
    return "first" if place.rank == 1 else "behind"


def _hindrance(question: Question, name: str, here: Installed) -> tuple[str, str]:
    """Why it does not run here as it is, with the command that would change that."""
    if here.hindrance:
        return here.hindrance, here.remedy
    if "gpu" not in question.needs.names:
        return "", ""
    through = question.facts.framework(name).through or (name,)
    if all(_without_cuda(question, each) for each in through):
        return f"no build of {' or '.join(through)} with CUDA is installed", f"`{DOCTOR}` says more"
    return "", ""


def _without_cuda(question: Question, name: str) -> bool:
    """Whether a framework is not here in a build with CUDA, as far as its files tell."""
    here = question.setup.installed.get(name, Installed())
    if here.hindrance:
        return True
    return question.facts.framework(name).cuda_builds and here.without_cuda


def _reasons(
    question: Question,
    name: str,
    judged: Sequence[Judged],
    here: Installed,
    order: Standings | None,
) -> list[Reason]:
    """What speaks for and against it: its place, needs, what the doctor finds, why no figure."""
    found: list[Reason] = []
    place = order.of(name) if order else None
    if order and place and place.rank is not None:
        found.append(why_here(question, order, place))
    reference = question.facts.framework(name).reference
    if reference:
        source = Source(
            kind="fact", where="envdoctor's own backend", seen=question.facts.valid_as_of
        )
        found.append(Reason(text=reference, source=source))
    found += [each.reason for each in judged if each.reason and each.answer != "yes"]
    machine = Source(kind="machine", where=DOCTOR)
    found += [Reason(text=problem, source=machine) for problem in here.problems]
    if place is None and question.run is not None and question.fits(name):
        found.append(Reason(text=why_not_measured(question, name), source=question.source()))
    return found


def why_not_measured(question: Question, name: str) -> str:
    """Why a framework has no figure in the run."""
    run = question.run
    if run is None:
        return "nothing was measured"
    absent = next((each for each in run.unavailable if each.backend == name), None)
    if absent is not None:
        return absent.reason.rstrip(".")
    cells = [cell for cell in run.cells if cell.row.backend == name and not cell.row.twin]
    if not cells:
        return "it was no part of the run"
    here = [cell for cell in cells if question.on_device(cell.row)]
    if not here:
        return f"it was measured on {cells[0].row.device}, not on {question.device}"
    failed = next((cell for cell in here if not cell.comparable), None)
    if failed is not None:
        return f"it has no speed on {failed.workload}: {why_no_speed(failed).rstrip('.')}"
    return "it has no figure for this priority on the workloads that count"
