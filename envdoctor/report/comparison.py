"""Two runs side by side: what every format shows, before it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envdoctor.report import numbers
from envdoctor.report.sentences import interval
from envdoctor.statistics.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from envdoctor.model.comparison import (
        Check,
        Comparison,
        Difference,
        Finding,
        Measured,
        Pair,
        Ratio,
    )

UNCLEAR = {"leans slower": "~ ", "leans faster": "~ ", "inconclusive": "? ", "tie": "= "}
"""The marks before a ratio whose verdict is not clear."""


@dataclass(frozen=True)
class Line:
    """A compared row, in the words of the table."""

    row: str
    a: str
    b: str
    ratio: str
    interval: str
    verdict: str
    memory: str
    quality: str
    warmup: str


@dataclass(frozen=True)
class Table:
    """One workload: the compared rows, and notes on the others."""

    heading: str
    lines: tuple[Line, ...]
    notes: tuple[str, ...]


def tables(comparison: Comparison) -> tuple[Table, ...]:
    """A table for each workload of either run."""
    names = dict.fromkeys(pair.workload for pair in comparison.pairs)
    return tuple(
        _table(name, [pair for pair in comparison.pairs if pair.workload == name]) for name in names
    )


def introduction(comparison: Comparison) -> str:
    """Which runs these are."""
    sides = (("A", comparison.a), ("B", comparison.b))
    return "; ".join(f"{name} is run {side.id} of {side.started_at[:16]}" for name, side in sides)


def footnotes(comparison: Comparison) -> tuple[str, ...]:
    """What a reader must know of the runs, and how to read the numbers."""
    apart = (pace for pace in comparison.paces if _beyond(pace.ratio, comparison.margin))
    paces = [
        f"The machine's pace on {pace.workload}: a fixed piece of work took {times(pace.ratio)} as "
        "long in B."
        for pace in apart
    ]
    if not any(pair.ratio for pair in comparison.pairs):
        return (*comparison.notes, *paces)
    margin = numbers.percent(comparison.margin)
    reading = "B/A: above 1, B takes longer."
    if any(pair.ratio and not pair.doubt for pair in comparison.pairs):
        reading = f"{reading} Up to {margin} either way is a tie."
    confidence = "All intervals of this report hold together with 95 %."
    return (*comparison.notes, *paces, f"{reading} {confidence}")


def _beyond(ratio: float, margin: float) -> bool:
    return max(ratio, 1 / ratio) > 1 + margin


def _table(workload: str, pairs: Sequence[Pair]) -> Table:
    compared = [pair for pair in pairs if pair.status == "compared"]
    return Table(
        heading=f"{workload}{_view(compared)}",
        lines=tuple(map(_line, compared)),
        notes=(*_apart(pairs), *_changes(pairs)),
    )


def _view(compared: Sequence[Pair]) -> str:
    """Which of the two ratios is shown."""
    references = {pair.reference.title for pair in compared if pair.reference}
    if references:
        return f" · each row over {', '.join(references)} of its own run"
    return " · step times as they are" if compared else ""


def _line(pair: Pair) -> Line:
    ratio, a, b = pair.ratio, pair.a, pair.b
    assert a is not None
    assert b is not None
    return Line(
        row=pair.row.title,
        a=numbers.duration(a.step_seconds),
        b=numbers.duration(b.step_seconds),
        ratio=f"{UNCLEAR.get(pair.verdict, '')}{times(ratio.ratio)}" if ratio else "n/a",
        interval=span(ratio) if ratio else pair.reason.rstrip("."),
        verdict=pair.verdict,
        memory=_memory(a, b),
        quality=_quality(a, b),
        warmup=_warmup(a, b),
    )


def times(ratio: float) -> str:
    """A ratio as a factor: `1.05x`."""
    return f"{ratio:.2f}x" if 0.1 <= ratio < 10 else f"{numbers.significant(ratio)}x"


def span(ratio: Ratio) -> str:
    """The ends of its interval."""
    return interval(Interval(ratio.low, ratio.high))


def _memory(a: Measured, b: Measured) -> str:
    """What it takes to exist and to train, together: `324 -> 330 MB`."""
    totals = [
        (side.footprint_bytes + side.working_set_bytes) / 1e6
        if side.footprint_bytes is not None and side.working_set_bytes is not None
        else None
        for side in (a, b)
    ]
    known = ["n/a" if total is None else f"{total:,.0f}" for total in totals]
    return "n/a" if totals == [None, None] else f"{known[0]} -> {known[1]} MB"


def _quality(a: Measured, b: Measured) -> str:
    """The difference of the metric, B less A, with its standard error: `-0.3 ±1.4`."""
    if a.value is None or b.value is None or a.metric != b.metric:
        return ""
    error = ((a.standard_error or 0.0) ** 2 + (b.standard_error or 0.0) ** 2) ** 0.5
    if a.metric == "accuracy":
        return f"{(b.value - a.value) * 100:+.1f} ±{error * 100:.1f} points"
    sign = "-" if b.value < a.value else "+"
    difference = numbers.significant(abs(b.value - a.value))
    return f"{sign}{difference} ±{numbers.significant(error, 2)}"


def _warmup(a: Measured, b: Measured) -> str:
    """What the first steps cost; with the state of the caches where it is not the same."""
    sides = [
        "n/a" if side.warmup_debt_seconds is None else numbers.duration(side.warmup_debt_seconds)
        for side in (a, b)
    ]
    if a.caches != b.caches:
        caches = (a.caches, b.caches)
        sides = [" ".join(both).rstrip() for both in zip(sides, caches, strict=True)]
    return " -> ".join(sides)


def _apart(pairs: Iterable[Pair]) -> Iterator[str]:
    """The rows that are not compared, those with the same reason together."""
    rows: dict[str, list[str]] = {}
    for pair in pairs:
        if pair.status != "compared":
            rows.setdefault(_why(pair), []).append(pair.row.title)
    for why, titles in rows.items():
        yield f"{', '.join(titles)}: {why}"


def _why(pair: Pair) -> str:
    detail = "; ".join(map(difference, pair.differences)) or pair.reason.rstrip(".")
    return f"{pair.status}{': ' if detail else ''}{detail}."


def difference(found: Difference) -> str:
    """What differs, and its value on both sides: `CPUs: 2 in A, 1 in B`."""
    return f"{found.what}: {found.a} in A, {found.b} in B"


def _changes(pairs: Iterable[Pair]) -> Iterator[str]:
    """What changed under the rows, those with the same change together."""
    rows: dict[str, list[str]] = {}
    for pair in pairs:
        for change in pair.changed:
            said = f"{change.what} {change.a} -> {change.b}"
            rows.setdefault(said, []).append(pair.row.title)
    for said, titles in rows.items():
        yield f"changed: {said} ({', '.join(titles)})"


def finding_lines(finding: Finding) -> tuple[str, ...]:
    """A condition with its result, and every ratio that it was held against."""
    reason = f" ({finding.reason.rstrip('.')})" if finding.reason else ""
    head = f"{finding.result}: {finding.condition}{reason}"
    return (head, *(f"  {_check(check)}" for check in finding.checks))


def _check(check: Check) -> str:
    """How long one side takes, or why that cannot be told."""
    start = f"{check.result} on {check.workload}"
    if check.ratio is None:
        sides = check.subject or f"{check.left} and {check.right}"
        return f"{start}: {sides}: {check.reason.rstrip('.')}."
    longer, ends = times(check.ratio.ratio), f"(95 % CI {span(check.ratio)})"
    if check.reason:
        ends = f"{ends}; {check.reason.rstrip('.')}"
    if check.subject:
        where = f"in {check.left} as in {check.right}"
        return f"{start}: {check.subject} takes {longer} as long {where} {ends}."
    return f"{start}: {check.left} takes {longer} as long as {check.right} {ends}."
