"""How long a run still takes: guesses, corrected by how pieces of the same kind really went."""

from __future__ import annotations

import json
import os
import time
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from envdoctor.bench.events import Began, Piece

USUAL: Mapping[str, float] = {
    "reference": 0.5,
    "proving": 0.5,
    "starting": 0.5,
    "timing": 0.9,
    "folds": 0.5,
}
"""Real seconds over guessed ones where no earlier run tells; guesses err on the long side."""
PRIOR_SECONDS = 3.0
"""For how many guessed seconds the earlier runs speak, beside the pieces of this one."""
LEAST_SECONDS = 2.0
"""A run with less of a kind teaches nothing about it."""
RANGE = (0.02, 50.0)
"""Of a factor that can be believed."""
FILE = "pace-of-work.json"


class TimeLeft:
    """Follows the pieces of a run. Pieces that it leaves out are taken off when a later begins."""

    def __init__(self, planned: Iterable[Piece], earlier: Mapping[str, float] = USUAL) -> None:
        self._left = list(planned)
        self._earlier: dict[str, float] = {**USUAL, **earlier}
        self._expected: dict[str, float] = {}
        self._real: dict[str, float] = {}
        self._piece: Began | None = None
        self._begun = 0.0
        self._share = 0.0

    def begin(self, piece: Began) -> None:
        """A piece of work begins."""
        places = [
            place
            for place, each in enumerate(self._left)
            if (each.kind, each.workload) == (piece.kind, piece.workload)
        ]
        if places:
            del self._left[: places[0] + 1]
        self._piece, self._begun, self._share = piece, time.monotonic(), 0.0

    def advance(self, share: float) -> None:
        """So much of the present piece is done, 0 to 1."""
        self._share = min(1.0, max(self._share, share))

    def end(self) -> None:
        """The present piece is over."""
        if self._piece is not None:
            kind = self._piece.kind
            spent = time.monotonic() - self._begun
            self._real[kind] = self._real.get(kind, 0.0) + spent
            expected = self._expected.get(kind, 0.0)
            self._expected[kind] = expected + self._piece.expected_seconds
        self._piece = None

    def seconds(self) -> float:
        """The time left, as far as anything can be planned."""
        planned = self._planned()
        if self._piece is None:
            return planned
        present = self._piece.expected_seconds * self._factor(self._piece.kind)
        return planned + (1.0 - self._share) * present

    def _planned(self) -> float:
        """What the pieces to come take, no workload longer than its limit."""
        together: dict[tuple[str, float], float] = {}
        for piece in self._left:
            key = (piece.workload, piece.limit_seconds)
            seconds = piece.seconds * self._factor(piece.kind)
            together[key] = together.get(key, 0.0) + seconds
        return sum(min(seconds, limit) for (_, limit), seconds in together.items())

    def learned(self) -> dict[str, float]:
        """Real over guessed seconds of each kind, for the next run on this machine."""
        return {
            kind: (self._earlier[kind] + self._real[kind] / expected) / 2
            for kind, expected in self._expected.items()
            if expected >= LEAST_SECONDS
        }

    def _factor(self, kind: str) -> float:
        """Real over guessed seconds of a kind: earlier runs, its pieces, and the present one."""
        real = self._real.get(kind, 0.0) + PRIOR_SECONDS * self._earlier[kind]
        expected = self._expected.get(kind, 0.0) + PRIOR_SECONDS
        if self._piece is not None and self._piece.kind == kind and self._share > 0:
            real += time.monotonic() - self._begun
            expected += self._share * self._piece.expected_seconds
        return real / expected


def read_factors(folder: Path | None) -> dict[str, float]:
    """What earlier runs have taught; nothing where there is no such file, or a damaged one."""
    try:
        found = json.loads((folder / FILE).read_bytes()) if folder is not None else {}
        factors = {kind: float(found[kind]) for kind in USUAL if kind in found}
    except (OSError, ValueError, TypeError, RecursionError):
        return {}
    low, high = RANGE
    return {kind: each for kind, each in factors.items() if isfinite(each) and low <= each <= high}


def keep_factors(folder: Path | None, factors: Mapping[str, float]) -> None:
    """Keep what this run has taught, whole or not at all; a run does not fail for it."""
    if folder is None or not factors:
        return
    whole = {**read_factors(folder), **factors}
    draft = folder / f"{FILE}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(whole), encoding="utf-8")
        draft.replace(folder / FILE)
    except OSError:
        return
