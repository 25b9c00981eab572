"""Tells what was shown and what was not: lines for people and a file for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from smoke.watching import QUANTITIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from smoke.plan import Step
    from smoke.reading import Item
    from smoke.running import Ending
    from smoke.watching import Seen

DONE, PROBLEMS, INCOMPLETE = 0, 1, 3
"""The exit codes, as envdoctor's own commands have them."""
MARKS: Mapping[str, str] = {"shown": "+", "not shown": "-", "failed": "!"}
NO_TIME = "no time left"


@dataclass(frozen=True)
class Report:
    """One step, begun or not."""

    step: Step
    items: tuple[Item, ...]
    ending: Ending | None = None
    """None if it was not begun."""
    seen: Seen | None = None

    @property
    def cut(self) -> bool:
        """Whether it was begun and not finished."""
        return self.ending is not None and self.ending.cut


def step_lines(report: Report) -> Iterator[str]:
    """A step with its items and what the GPU said."""
    seconds = f" ({report.ending.seconds:.0f} s)" if report.ending else ""
    yield f"{report.step.name}: {report.step.title}{seconds}"
    for item in report.items:
        detail = f": {item.detail}" if item.detail else ""
        yield f"  {MARKS[item.state]} {item.what}, {item.state}{detail}"
    if report.seen is not None and report.seen.samples:
        yield f"  GPU: {'; '.join(_gpu(report.seen))}"


def closing_lines(reports: Sequence[Report], gpu_reason: str) -> Iterator[str]:
    """What was shown in all, and one by one what was not."""
    items = [(report.step.name, item) for report in reports for item in report.items]
    for name, quantity in instruments(reports, gpu_reason).items():
        yield f"{name}: {quantity}"
    for state in ("failed", "not shown"):
        for step, item in items:
            if item.state == state:
                yield f"{state}: {step}, {item.what}: {item.detail}"
    counts = {state: sum(item.state == state for _, item in items) for state in MARKS}
    yield ", ".join(f"{count} {state}" for state, count in counts.items()) + "."


def instruments(reports: Sequence[Report], gpu_reason: str) -> dict[str, str]:
    """What the GPU's own instruments showed over all steps, or why they did not."""
    seen = [report.seen for report in reports if report.seen is not None and report.seen.samples]
    found: dict[str, str] = {}
    for name, (words, unit) in QUANTITIES.items():
        ranges = [each.ranges[name] for each in seen if name in each.ranges]
        if ranges:
            low, high = min(low for low, _, _ in ranges), max(high for _, _, high in ranges)
            found[words] = f"shown, {low / unit:.0f} to {high / unit:.0f}"
        else:
            found[words] = _not_shown(seen, name, gpu_reason)
    events = sorted({event for each in seen for event in each.events})
    told = seen and not all("event_bits" in each.reasons for each in seen)
    found["throttle reasons"] = (
        f"shown, {', '.join(events) or 'none but idling'}"
        if told
        else _not_shown(seen, "event_bits", gpu_reason)
    )
    joules = [each.joules for each in seen if each.joules is not None]
    found["energy of the board"] = (
        f"shown, {sum(joules):.0f} J" if joules else _not_shown(seen, "energy_joules", gpu_reason)
    )
    return found


def exit_code(reports: Sequence[Report]) -> int:
    """1 if anything failed, 3 if nothing was shown or a step was cut, else 0."""
    states = {item.state for report in reports for item in report.items}
    if "failed" in states:
        return PROBLEMS
    if "shown" not in states or any(report.cut for report in reports):
        return INCOMPLETE
    return DONE


def write(path: Path, reports: Sequence[Report], gpu_reason: str, about: Mapping[str, Any]) -> None:
    """Write all to a JSON file."""
    value = {
        **about,
        "exit_code": exit_code(reports),
        "instruments": instruments(reports, gpu_reason),
        "steps": [
            {
                "name": report.step.name,
                "title": report.step.title,
                "ending": report.ending and asdict(report.ending),
                "items": [asdict(item) for item in report.items],
                "gpu": report.seen and asdict(report.seen),
            }
            for report in reports
        ],
    }
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _gpu(seen: Seen) -> Iterator[str]:
    for name, (low, middle, high) in seen.ranges.items():
        words, unit = QUANTITIES[name]
        yield f"{words} {low / unit:.0f} to {high / unit:.0f}, median {middle / unit:.0f}"
    if "event_bits" not in seen.reasons:
        yield f"slowed down by {', '.join(seen.events) or 'nothing'}"
    if seen.joules is not None:
        yield f"{seen.joules:.0f} J in all"


def _not_shown(seen: Sequence[Seen], name: str, gpu_reason: str) -> str:
    reasons = [each.reasons[name] for each in seen if name in each.reasons]
    return f"not shown, {next(iter(reasons), gpu_reason or 'no sample was taken')}"
