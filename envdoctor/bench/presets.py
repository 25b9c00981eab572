"""How thoroughly to measure: launches, rounds, and the width at which to stop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """A way to spend time. Measuring stops on the width of the intervals, never on a result."""

    name: str
    least_launches: int
    most_launches: int
    least_rounds: int
    """Of each launch."""
    most_rounds: int
    half_width: float
    workload_seconds: float
    """No new round begins on a workload after so long, its starts included."""
    settle_seconds: float
    """How long a worker may take to become steady."""
    fresh: bool
    """Whether everything is proven and trained anew, and compilers find empty caches."""
    timed_starts: bool = True
    """Whether the first launch starts its rows one by one, so that their set-up can be compared."""
    launches_anew: int = 1
    """Launches in which every workload starts workers of its own, which set-up and memory are told
    from; in those after them a worker goes on from workload to workload."""
    block_seconds: float = 0.015
    """So that clock and synchronisation are a small share, and no longer: three minutes of steps of
    a shared machine, cut up as rounds of four equal rows, left their ratio open by 0.78 % with
    blocks of 0.05 s, 0.71 % with 0.03 s and 0.60 % with 0.015 s (standard errors of 45 s). There
    are more of them, and what disturbs one strikes its neighbours in the round."""


QUICK = Preset(
    "quick", 1, 1, 10, 96, 0.05, 33.0, 1.0, fresh=False, timed_starts=False, launches_anew=0
)
DEFAULT = Preset("default", 2, 3, 10, 256, 0.015, 100.0, 2.0, fresh=False)
"""Its width is what a difference of 5 % asks for: to lie beyond the margin of 2 % in 19 of 20 runs,
its interval may reach 1.6 % to each side (log 1.05 - log 1.02 = h + 1.645 h / 1.96). And an
interval as wide as the margin would never show a tie."""
RIGOROUS = Preset("rigorous", 5, 5, 20, 320, 0.01, 1200.0, 60.0, fresh=True, launches_anew=5)
FEWEST_FOLDS = 2
MOST_FOLDS = 20
"""Of cross-validation: each is a whole training of every row, and more tell little more."""
PRESETS = {preset.name: preset for preset in (QUICK, DEFAULT, RIGOROUS)}
