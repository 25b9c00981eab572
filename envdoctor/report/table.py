"""The comparable table of a workload: what every format shows, before it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envdoctor.report import numbers
from envdoctor.statistics.blocks import StepTime, summarise, warmup_debt_seconds

if TYPE_CHECKING:
    from envdoctor.model.run import Cell, Run, WorkloadRecord

STATUS_WORDS = {
    "failed": "failed",
    "crashed": "crashed",
    "out_of_memory": "out of memory",
    "timed_out": "timed out",
    "unsupported": "unsupported",
    "different": "not the same work, speed withheld",
}


@dataclass(frozen=True)
class Line:
    """A row that was measured, with its derived numbers."""

    cell: Cell
    step: StepTime
    samples_per_second: float
    tokens_per_second: float | None
    warmup_debt_seconds: float | None

    @property
    def title(self) -> str:
        """Backend, version and mode: `torch 2.13.0 eager`."""
        return title(self.cell)


@dataclass(frozen=True)
class Note:
    """A row without a speed, and why."""

    title: str
    reason: str
    hint: str = ""


@dataclass(frozen=True)
class Table:
    """One workload: the rows with a speed, fastest first, and those without."""

    workload: WorkloadRecord
    heading: str
    lines: tuple[Line, ...]
    notes: tuple[Note, ...]


def tables(run: Run) -> tuple[Table, ...]:
    """A table for each workload that has a cell."""
    return tuple(
        _table(run, record)
        for record in run.workloads
        if any(cell.workload == record.name for cell in run.cells)
    )


def title(cell: Cell) -> str:
    """Backend, version and mode of a cell."""
    row = cell.row
    words = [row.backend, cell.version, "" if row.mode == row.backend else row.mode]
    return " ".join(word for word in words if word)


def _table(run: Run, record: WorkloadRecord) -> Table:
    cells = [cell for cell in run.cells if cell.workload == record.name]
    lines = [line for cell in cells if (line := _line(cell, record))]
    shown = {id(line.cell) for line in lines}
    notes = [_note(cell) for cell in cells if id(cell) not in shown]
    return Table(
        workload=record,
        heading=_heading(run, record),
        lines=tuple(sorted(lines, key=lambda line: line.step.seconds)),
        notes=tuple(notes),
    )


def _heading(run: Run, record: WorkloadRecord) -> str:
    rows = {(cell.row.device, cell.row.precision) for cell in run.cells}
    device, precision = next(iter(rows), ("cpu", "fp32"))
    threads = f"{run.plan.threads} thread{'s' * (run.plan.threads != 1)}"
    return (
        f"{record.name} · {record.parameters:,} parameters · batch {record.batch} · "
        f"{device}, {threads} · {precision}"
    )


def _line(cell: Cell, record: WorkloadRecord) -> Line | None:
    """The line of a cell that earned a speed: measured to the end, and proven."""
    step = summarise(cell.blocks)
    if step is None or not cell.comparable:
        return None
    samples = record.batch / step.seconds
    return Line(
        cell=cell,
        step=step,
        samples_per_second=samples,
        tokens_per_second=samples * record.tokens if record.tokens else None,
        warmup_debt_seconds=warmup_debt_seconds(cell),
    )


def _note(cell: Cell) -> Note:
    word = STATUS_WORDS.get(cell.outcome.status, cell.outcome.status)
    return Note(title(cell), f"{word}: {cell.outcome.reason}", cell.outcome.hint)


def speed_columns(line: Line) -> tuple[str, str, str]:
    """Step time with its spread, samples and tokens per second."""
    tokens = line.tokens_per_second
    return (
        f"{numbers.duration(line.step.seconds)} ±{numbers.percent(line.step.spread)}",
        numbers.significant(line.samples_per_second),
        numbers.significant(tokens) if tokens else "",
    )


def warmup_column(line: Line) -> str:
    """What the first steps cost beyond steady ones."""
    debt = line.warmup_debt_seconds
    return "" if debt is None else numbers.duration(debt)


def memory_column(cell: Cell) -> str:
    """Footprint and working set: `310 + 12 MB`."""
    memory = cell.memory
    if memory is None:
        return "n/a"
    parts = (memory.footprint_bytes / 1e6, memory.working_set_bytes / 1e6)
    return f"{parts[0]:,.0f} + {parts[1]:,.0f} MB"


def quality_column(cell: Cell) -> str:
    """The metric with its standard error, and a word if the gate was missed."""
    quality = cell.quality
    if quality is None:
        return ""
    if quality.metric == "accuracy":
        text = f"{quality.value * 100:.1f} ±{quality.standard_error * 100:.1f}"
    else:
        error = numbers.significant(quality.standard_error, 2)
        text = f"{numbers.significant(quality.value)} ±{error}"
    return f"{text} missed" if missed(cell) else text


def missed(cell: Cell) -> bool:
    """Whether the quality gate was not reached."""
    return cell.quality is not None and cell.quality.reached is False


def quality_heading(record: WorkloadRecord) -> str:
    """The heading of the metric's column, with its unit."""
    regression = record.loss == "mean_squared_error"
    return "mean abs. error" if regression else "accuracy %"


def proof_column(cell: Cell) -> str:
    """The verdict of the gate: `yes 4e-16`, the worst gradient's relative difference."""
    certificate = cell.certificate
    if certificate is None or not certificate.same_work:
        return "no"
    worst = certificate.gradient_error
    return "yes" if worst is None else f"yes {numbers.error(worst)}"


def footnotes(run: Run) -> tuple[str, ...]:
    """How to read the numbers, and what they do not show."""
    spread = (
        f"± is half the 95 % interval of the median of {run.plan.rounds} blocks; for a metric, one "
        "standard error. Rows were timed one after another: differences under about 10 % may be "
        "the machine's."
    )
    costs = "warm-up: what the first steps cost beyond steady ones. memory: to exist + to train."
    proof = (
        "same work: the largest relative difference of any gradient from the float64 reference; "
        "about 1e-16 where float64 was compared, about 1e-7 for float32."
    )
    return spread, costs, proof
