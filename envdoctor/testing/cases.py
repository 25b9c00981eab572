"""The cases of a backend: each requirement for each of its rows, ready for a test runner."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from envdoctor.bench.plan import Wishes, choose_rows
from envdoctor.errors import InputError
from envdoctor.plugins import GROUP, load_plugins
from envdoctor.target.channel import WorkerEnded
from envdoctor.testing.ground import Ground
from envdoctor.testing.requirements import REQUIREMENTS
from envdoctor.testing.subject import Subject
from envdoctor.testing.verdict import NotApplicable, NotConforming, Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.api import Backend
    from envdoctor.plugins import Plugins
    from envdoctor.testing.requirements import Requirement


@dataclass(frozen=True)
class Case:
    """One requirement of one row."""

    subject: Subject
    requirement: Requirement

    @property
    def row(self) -> str:
        """The title of the row, as tables show it."""
        return self.subject.row.row.title

    def __str__(self) -> str:
        """A name for a test runner: the row, then the requirement."""
        return f"{self.row} {self.requirement.name}"

    def run(self) -> str:
        """Returns what was shown.

        Raises:
            NotConforming: the requirement is broken.
            NotApplicable: there is nothing to show.
        """
        try:
            return self.requirement.run(self.subject)
        except WorkerEnded as ended:
            if ended.outcome.status == "unsupported":
                raise NotApplicable(ended.outcome.reason) from ended
            self.subject.ground.drop_worker()
            raise NotConforming(ended.outcome.reason) from ended

    def judge(self) -> Verdict:
        """The same as data."""
        try:
            return self._verdict("passed", self.run())
        except NotApplicable as reason:
            return self._verdict("not applicable", str(reason))
        except NotConforming as reason:
            return self._verdict("failed", str(reason))

    def _verdict(self, status: Status, detail: str) -> Verdict:
        return Verdict(
            row=self.row, requirement=self.requirement.name, status=status, detail=detail
        )


def conformance_cases(
    backend: str,
    *others: str,
    modes: Sequence[str] = (),
    requirements: Sequence[str] = (),
    families: Sequence[str] = (),
) -> list[Case]:
    """All cases of installed backends, row by row; making them starts no worker.

    Args:
        backend: its name, as users write it after `--backend`.
        others: more of them.
        modes: only these of their modes; all of them by default.
        requirements: only these requirements; all of them by default.
        families: only these workloads, such as `mlp-tiny`; one of every family by default, which
            is what a certificate needs.

    Raises:
        InputError: there is no such backend, mode, requirement or workload, or it cannot run here.
    """
    for name in families:
        if name not in _ground().families:
            raise InputError(
                f"the kit has no workload called `{name}`.",
                f"Known: {', '.join(_ground().families)}.",
            )
    loaded = load_plugins()
    choice = choose_rows(loaded, Wishes(backends=(backend, *others), modes=tuple(modes)))
    for absent in choice.unavailable:
        raise InputError(absent.reason, absent.remedy)
    chosen = choose_requirements(requirements)
    subjects = [
        Subject(_ground(), row, _module(loaded, row.backend), tuple(families))
        for row in choice.rows
    ]
    return [Case(subject, requirement) for subject in subjects for requirement in chosen]


def choose_requirements(names: Sequence[str]) -> tuple[Requirement, ...]:
    """Those that are named, in their own order; all if none is.

    Raises:
        InputError: there is no such requirement.
    """
    known = [requirement.name for requirement in REQUIREMENTS]
    for name in names:
        if name not in known:
            raise InputError(
                f"there is no requirement called `{name}`.", f"Known: {', '.join(known)}."
            )
    return tuple(each for each in REQUIREMENTS if not names or each.name in names)


@cache
def _ground() -> Ground:
    """One for the process: what the oracle found serves all backends."""
    return Ground()


def _module(loaded: Plugins, backend: Backend) -> str:
    """The module that the entry point of a backend's plugin names."""
    owner = loaded.owner_of(backend)
    return next(iter(entry_points(group=GROUP, name=owner.name))).module
