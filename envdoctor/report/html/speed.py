"""Charts of time: throughput, the machine's peak, what a start costs, and when that is repaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report import numbers
from envdoctor.report.html.charts import Chart
from envdoctor.report.html.marks import by_row, by_step, categories, dashes, layer, number, series
from envdoctor.report.html.theme import INK, PARTS
from envdoctor.statistics.costs import Costs, break_even_steps, costs, setup_phases

if TYPE_CHECKING:
    from envdoctor.report.html.charts import Subject
    from envdoctor.report.html.marks import Piece

NO_SPEED = "No row has earned a speed on this workload."
BAR = {"type": "bar", "height": {"band": 0.62}}
RULE = {"type": "rule", "strokeWidth": 2, "color": INK}
FAR_BEHIND = 4
"""A line that takes so many times as long as the lowest leaves the frame."""
ROOM = 1.3
"""How far the steps go on behind the last line that meets another."""


def throughput(subject: Subject) -> Chart:
    """Samples in a second with their intervals; a longer bar is faster."""
    batch = subject.table.workload.batch
    values = [
        {
            "row": subject.names[line.cell.row],
            "rate": line.samples_per_second,
            "low": batch / line.step.high_seconds,
            "high": batch / line.step.low_seconds,
            "tip": f"{line.title}: {numbers.significant(line.samples_per_second)} samples/s "
            f"({numbers.significant(batch / line.step.high_seconds)} to "
            f"{numbers.significant(batch / line.step.low_seconds)})",
        }
        for line in subject.table.lines
    ]
    spec = by_row(
        values,
        layer("bars", BAR, x=number("rate", "samples/s"), color=series(subject.fast_names)),
        layer("intervals", RULE, x=number("low", "samples/s"), x2={"field": "high"}),
    )
    return Chart(
        "throughput",
        "Training speed",
        "Samples per second in steady state; longer is faster. The line at the end of a bar is "
        "the 95 % interval of its median.",
        spec if values else None,
        NO_SPEED,
    )


def peak_share(subject: Subject) -> Chart:
    """The share of the measured peak that each row reaches."""
    values = [
        {
            "row": subject.names[line.cell.row],
            "share": 100 * line.utilisation,
            "tip": f"{line.title}: {numbers.percent(line.utilisation)} of the peak",
        }
        for line in subject.table.lines
        if line.utilisation is not None
    ]
    shares = [100 * line.utilisation for line in subject.table.lines if line.utilisation]
    scale = {"domain": [0, max([100.0, *shares])]}
    spec = by_row(
        values,
        layer(
            "shares",
            BAR,
            x=number("share", "% of peak", scale=scale),
            color=series(subject.fast_names),
        ),
    )
    ceiling = subject.run.ceiling
    peak = f"{numbers.flops(round(ceiling.flops_per_second))}FLOP/s" if ceiling else ""
    return Chart(
        "peak",
        "Use of the machine",
        f"The model's operations as a share of the fastest matrix product that any backend reached "
        f"here{f', {peak}' if peak else ''}. Small models cannot come near it.",
        spec if values else None,
        "The run holds no measured peak of this machine." if ceiling is None else NO_SPEED,
    )


STARTS = ("import", "device", "build", "warm-up")


def start_up(subject: Subject) -> Chart:
    """What a row pays before its first steady step, in parts."""
    values: list[Piece] = []
    for line in subject.table.lines:
        found = costs(subject.run, line.cell)
        phases = setup_phases(subject.run, line.cell)
        if found is None or phases is None:
            continue
        known = (phases.import_seconds, phases.device_init_seconds, phases.build_seconds)
        parts = (*known, found.setup_seconds - sum(known))
        values += [
            {
                "row": subject.names[line.cell.row],
                "part": part,
                "order": order,
                "seconds": max(seconds, 0.0),
                "tip": f"{line.title}: {part} {_time(seconds)} of {_time(found.setup_seconds)}",
            }
            for order, (part, seconds) in enumerate(zip(STARTS, parts, strict=True))
        ]
    spec = by_row(
        values,
        layer(
            "parts",
            BAR,
            x=number("seconds", "seconds", stack="zero"),
            color=categories("part", STARTS, PARTS),
            order={"field": "order", "type": "quantitative"},
        ),
    )
    return Chart(
        "start",
        "Before the first steady step",
        "Importing, opening the device, building the model, and what the first steps take beyond "
        "steady ones (compilation, mostly), in the first launch.",
        spec if values else None,
        "The run holds no finished launch.",
    )


def break_even(subject: Subject) -> Chart:
    """Time from the start of the import to the end of so many steps, and where lines cross."""
    paid = [(line, costs(subject.run, line.cell)) for line in subject.table.lines]
    known = [(subject.names[line.cell.row], found) for line, found in paid if found is not None]
    heading = "When a slow start is repaid"
    if not known:
        absent = "The run holds no finished launch."
        return Chart("break-even", heading, "", absent=absent)
    crossings = _crossings(known)
    steps = max([ROOM * step for step, _ in crossings] + [subject.table.workload.steps])
    lowest = min(found.time_to_train_seconds(round(steps)) for _, found in known)
    highest = max(FAR_BEHIND * lowest, *(1.1 * found.setup_seconds for _, found in known))
    frame = {"scale": {"domain": [0, min(highest, _last(known, steps))]}}
    lines = [
        {
            "row": name,
            "step": step,
            "seconds": found.setup_seconds + step * found.step_seconds,
            "tip": f"{name}: {_time(found.setup_seconds)} before the first steady step, "
            f"then {numbers.duration(found.step_seconds)} a step",
        }
        for name, found in known
        for step in (0, steps)
    ]
    points = [{"step": step, **point} for step, point in crossings]
    names = subject.fast_names
    spec = by_step(
        lines,
        layer(
            "lines",
            {"type": "line", "clip": True, "strokeWidth": 2},
            x=number("step", "training steps", scale={"domain": [0, steps], "nice": False}),
            y=number("seconds", "seconds", **frame),
            color=series(names, legend=True),
            strokeDash=dashes(names),
        ),
        {
            "data": {"values": points},
            **layer(
                "crossings",
                {"type": "point", "size": 70, "filled": True, "color": INK, "opacity": 1},
                x=number("step", "training steps"),
                y=number("seconds", "seconds", **frame),
            ),
        },
    )
    caption = (
        "Time from the start of the import to the end of so many steps; lower is better. At a dot, "
        "the fastest row has made up for its slower start."
        if points
        else "Time from the start of the import to the end of so many steps; lower is better. "
        "No row makes up here for a slower start than the fastest row's."
    )
    return Chart("break-even", heading, caption, spec)


def _crossings(known: list[tuple[str, Costs]]) -> list[tuple[int, Piece]]:
    """Where the row with the cheapest step catches up with another, after so many steps."""
    leader, first = known[0]
    found = []
    for name, other in known[1:]:
        step = break_even_steps(first, other)
        if step is not None and first.step_seconds < other.step_seconds:
            tip = f"{leader} is ahead of {name} from step {step:,} on"
            seconds = first.time_to_train_seconds(step)
            found.append((step, {"seconds": seconds, "tip": tip}))
    return found


def _last(known: list[tuple[str, Costs]], steps: float) -> float:
    return max(found.setup_seconds + steps * found.step_seconds for _, found in known)


def _time(seconds: float) -> str:
    return numbers.duration(seconds) if seconds > 0 else "0 s"
