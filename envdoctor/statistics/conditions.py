"""Conditions on ratios of times, such as `torch > 1.10x jax`: `--fail-if` of every command.

    CONDITION = [ROW ":"] SIDE (">" | "<") FACTOR "x" SIDE ["on" WORKLOAD]
    SIDE      = ROW, or, between two runs, "A" or "B"
    ROW       = BACKEND [MODE]

A side stands for its time per step. A row without a mode stands for each of its modes, a
condition without a workload for each of them; it fails if it holds anywhere. It holds where the
whole interval of the ratio lies beyond the factor, so noise alone hardly ever fails it.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

from envdoctor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from envdoctor.model.cell import Row

RUNS = ("A", "B")
EXAMPLE = "torch > 1.10x jax"
EXAMPLE_OF_RUNS = "torch compile: B > 1.05x A on mlp-tiny"
TOKEN = re.compile(r"[:<>]|[^\s:<>]+")
FACTOR = re.compile(r"(\d+(?:\.\d+)?|\.\d+)x", re.ASCII)
MARKS = (":", "<", ">")
MOST_WORDS = 2
"""Of a row: its backend and its mode."""


@dataclass(frozen=True)
class Name:
    """A row by its backend and perhaps its mode."""

    backend: str
    mode: str = ""

    def __str__(self) -> str:
        return f"{self.backend} {self.mode}".rstrip()

    def fits(self, row: Row) -> bool:
        """Whether it names this row."""
        return self.backend == row.backend and self.mode in {"", row.mode}


@dataclass(frozen=True)
class Condition:
    """What must not hold."""

    text: str
    left: Name
    sign: Literal[">", "<"]
    factor: float
    right: Name
    row: Name | None = None
    """Between runs: the row, or None for every row."""
    workload: str = ""
    """Empty for every workload."""

    @property
    def between_runs(self) -> bool:
        """Whether its sides are the two runs of a comparison."""
        return self.left.backend in RUNS

    @property
    def rows(self) -> tuple[Name, ...]:
        """The rows that it names."""
        named = (self.row,) if self.between_runs else (self.left, self.right)
        return tuple(name for name in named if name is not None)

    def holds(self, low: float, high: float) -> bool:
        """Whether the whole interval of left over right lies beyond the factor."""
        return low > self.factor if self.sign == ">" else high < self.factor

    def is_out_of_reach(self, low: float, high: float) -> bool:
        """Whether none of the interval lies beyond the factor."""
        return high <= self.factor if self.sign == ">" else low >= self.factor


def parse(text: str) -> Condition:
    """A condition from its text; raises InputError with the place where it is not understood."""
    condition = _Reader(text).condition()
    if condition.left == condition.right:
        raise InputError(f"`{text}` compares a side with itself.", f"Such as: {EXAMPLE}")
    if condition.between_runs != (condition.right.backend in RUNS):
        raise InputError(
            f"`{text}` compares a run with a row.", f"Such as: {EXAMPLE}, or: {EXAMPLE_OF_RUNS}"
        )
    if condition.row is not None and not condition.between_runs:
        raise InputError(
            f"`{text}` names a row before the colon, but does not compare the runs A and B.",
            f"Such as: {EXAMPLE_OF_RUNS}",
        )
    return condition


class _Reader:
    """Reads the tokens of a condition from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(TOKEN.finditer(text))
        self._at = 0

    def condition(self) -> Condition:
        """The whole text as a condition."""
        first = self._name()
        row = None
        if self._is(":"):
            self._at += 1
            row, first = first, self._name()
        sign: Literal[">", "<"] = ">" if self._is(">") else "<"
        if not self._is(sign):
            self._refuse("`>` or `<`")
        self._at += 1
        factor = self._factor()
        right = self._name()
        workload = self._workload()
        return Condition(self._text, first, sign, factor, right, row, workload)

    def _word(self) -> str:
        """The next token; empty at the end."""
        return self._tokens[self._at].group() if self._at < len(self._tokens) else ""

    def _is(self, word: str) -> bool:
        return self._word() == word

    def _name(self) -> Name:
        words: list[str] = []
        while self._word() not in {"", "on", *MARKS} and len(words) < MOST_WORDS:
            words.append(self._word())
            self._at += 1
        if not words:
            self._refuse("a backend")
        if words[0] in RUNS and len(words) > 1:
            self._at -= 1
            self._refuse(f"nothing more after the run {words[0]}")
        return Name(*words)

    def _factor(self) -> float:
        found = FACTOR.fullmatch(self._word())
        if found is None or float(found[1]) == 0:
            self._refuse("a factor such as `1.10x`")
        self._at += 1
        return float(found[1])

    def _workload(self) -> str:
        if not self._word():
            return ""
        if not self._is("on"):
            self._refuse("`on` and a workload, or the end")
        self._at += 1
        workload = self._word()
        if workload in {"", *MARKS}:
            self._refuse("a workload")
        self._at += 1
        if self._word():
            self._refuse("the end")
        return workload

    def _refuse(self, wanted: str) -> NoReturn:
        at_end = self._at >= len(self._tokens)
        place = len(self._text.rstrip()) if at_end else self._tokens[self._at].start()
        found = "it ends" if at_end else f"there is `{self._word()}`"
        raise InputError(
            f"the condition `{self._text}` is not understood at character {place + 1}: "
            f"{wanted} is wanted, and {found}.",
            f"Such as: {EXAMPLE}, or in a comparison of runs: {EXAMPLE_OF_RUNS}",
        )


def check_names(
    condition: Condition,
    rows: Sequence[Row],
    workloads: Sequence[str],
    unavailable: Collection[str] = (),
) -> None:
    """Refuse a condition that names a row or a workload that is not there at all.

    `unavailable` are backends that exist and cannot run, which is no mistake of who wrote the
    condition. Raises InputError with the names that are there.
    """
    titles = list(dict.fromkeys(row.title for row in rows))
    for name in condition.rows:
        if name.backend not in unavailable and not any(name.fits(row) for row in rows):
            _unknown("row", str(name), titles, condition)
    if condition.workload and condition.workload not in workloads:
        _unknown("workload", condition.workload, list(workloads), condition)


def _unknown(kind: str, name: str, known: list[str], condition: Condition) -> NoReturn:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean `{close[0]}`?" if close else f"Known: {', '.join(known) or 'none'}."
    raise InputError(f"there is no {kind} called `{name}` for `{condition.text}`.", hint)
