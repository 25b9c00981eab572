"""A run in a few words: how noisy it was, and what came first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from envdoctor.errors import InputError
from envdoctor.model import codec
from envdoctor.statistics.ranking import NO_TWIN, NOT_PAIRED, TOO_NOISY, rank

if TYPE_CHECKING:
    from pathlib import Path

    from envdoctor.model.run import Run
    from envdoctor.statistics.ranking import Ranking

LARGEST_JUDGED_BYTES = 20_000_000
TOO_LARGE = "too large for a list"
SHOWN = 3
"""So many rows are named."""


def outcome_of(path: Path, size_bytes: int) -> tuple[str, str, str]:
    """The grade, the verdict and the problem of a run file; one of the last two is empty."""
    if size_bytes > LARGEST_JUDGED_BYTES:
        return "", TOO_LARGE, ""
    try:
        run = codec.read(path)
    except InputError as error:
        return "", "", error.sentence.replace(str(path), path.name)
    rankings = [rank(run, name) for name in run.plan.workloads]
    return grade(rankings), verdict(run, rankings), ""


def grade(rankings: list[Ranking]) -> str:
    """The worst noise grade; empty if no workload has one."""
    return max((each.resolution.grade for each in rankings if each.resolution), default="")


def verdict(run: Run, rankings: list[Ranking]) -> str:
    """The rows that nothing was clearly faster than, with on how many of the workloads.

    Such as `jax jit`, `jax jit = torch compile`, `jax jit on 2 of 3, numpy on 1 of 3`.
    """
    ranked = [each for each in rankings if each.rankable and len(each.places) > 1]
    if not ranked:
        return _nothing(run, rankings)
    first = [
        tuple(place.cell.row.title for place in each.places if place.rank == 1) for each in ranked
    ]
    if len(set(first)) == 1:
        return _names(first[0])
    counts = Counter(title for titles in first for title in titles).most_common()
    parts = [f"{title} on {count} of {len(ranked)}" for title, count in counts[:SHOWN]]
    return ", ".join(parts) + (", ..." if len(counts) > SHOWN else "")


def _names(titles: tuple[str, ...]) -> str:
    more = f" = {len(titles) - SHOWN} more" if len(titles) > SHOWN else ""
    return " = ".join(titles[:SHOWN]) + more


def _nothing(run: Run, rankings: list[Ranking]) -> str:
    """Why nothing came first."""
    if any(each.reason == TOO_NOISY for each in rankings):
        return "too noisy to rank"
    if any(each.reason == NOT_PAIRED for each in rankings):
        return "not measured side by side"
    if any(each.reason == NO_TWIN for each in rankings):
        return "too few rounds to rank"
    alone = [each.places[0].cell.row.title for each in rankings if each.places]
    if alone:
        return f"only {alone[0]}"
    return "no row has a speed" if run.state == "finished" else "nothing measured yet"
