"""Short words for the facts that findings rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.model.finding import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.model.environment import Distribution, Environment

SHOWN = 3
"""How many names of a list are shown; the facts have them all."""


def installed(distribution: Distribution) -> Evidence:
    """That a distribution is installed, and where."""
    return Evidence(
        fact=f"{distribution.name} {distribution.version}", source=distribution.location
    )


def installed_ones(environment: Environment, *names: str) -> tuple[Evidence, ...]:
    """Those of these distributions that are installed."""
    found = (environment.distributions.get(name) for name in names)
    return tuple(installed(each) for each in found if each is not None)


def some(names: Sequence[str], count: int | None = None) -> str:
    """`a, b, c and 4 more`.

    Args:
        names: in the order in which they are shown.
        count: how many there are, if the names are not all.
    """
    total = len(names) if count is None else max(count, len(names))
    shown = ", ".join(names[:SHOWN])
    rest = total - min(len(names), SHOWN)
    return f"{shown} and {rest} more" if rest else shown


def all_of(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
