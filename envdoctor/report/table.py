"""The comparable table of a workload: what every format shows, before it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envdoctor.report import numbers, sentences
from envdoctor.report.remarks import remarks
from envdoctor.statistics.blocks import cpu_share, warmup_debt_seconds
from envdoctor.statistics.pairing import kept_blocks
from envdoctor.statistics.ranking import precisions, rankings
from envdoctor.statistics.utilisation import utilisation

if TYPE_CHECKING:
    from envdoctor.model.cell import Cell
    from envdoctor.model.run import Energy, Run, WorkloadRecord
    from envdoctor.statistics.blocks import StepTime
    from envdoctor.statistics.ranking import Place, Ranking

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

    place: Place
    samples_per_second: float
    tokens_per_second: float | None
    warmup_debt_seconds: float | None
    cpu_share: float | None
    utilisation: float | None
    """Of the practical peak of this machine's matrix products."""
    energy: Energy | None
    """If it was asked for and could be read."""

    @property
    def cell(self) -> Cell:
        """What was measured."""
        return self.place.cell

    @property
    def step(self) -> StepTime:
        """Seconds per step, with an interval."""
        return self.place.step

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
    precision: str
    """Of all its rows."""
    heading: str
    effort: str
    """How often it was measured, and how far two copies of one row differed."""
    ranking: Ranking
    lines: tuple[Line, ...]
    remarks: tuple[str, ...]
    """What the numbers allow to say, in sentences."""
    notes: tuple[Note, ...]


def tables(run: Run) -> tuple[Table, ...]:
    """A table for each workload and precision that has a cell."""
    return tuple(
        _table(run, record, ranking, precision)
        for record in run.workloads
        for precision, ranking in zip(precisions(run), rankings(run, record.name), strict=True)
        if any(_belongs(cell, record, precision) for cell in run.cells)
    )


def members(run: Run, table: Table) -> list[Cell]:
    """Every row of a table, with a speed or without, in the order of the record."""
    cells = (cell for cell in run.cells if not cell.row.twin)
    return [cell for cell in cells if _belongs(cell, table.workload, table.precision)]


def title(cell: Cell) -> str:
    """Backend, version, mode and a reduced precision of a cell."""
    row = cell.row
    mode = "" if row.mode == row.backend else row.mode
    words = [row.backend, cell.version, mode, row.precision if row.reduced else ""]
    return " ".join(word for word in words if word)


def _belongs(cell: Cell, record: WorkloadRecord, precision: str) -> bool:
    return (cell.workload, cell.row.precision) == (record.name, precision)


def _table(run: Run, record: WorkloadRecord, ranking: Ranking, precision: str) -> Table:
    lines = tuple(_line(run, place, record) for place in ranking.places)
    shown = {id(line.cell) for line in lines}
    notes = [
        _note(cell)
        for cell in run.cells
        if _belongs(cell, record, precision) and id(cell) not in shown and not cell.row.twin
    ]
    return Table(
        workload=record,
        precision=precision,
        heading=_heading(run, record, precision),
        effort=_effort(run, ranking),
        ranking=ranking,
        lines=lines,
        remarks=remarks(run, ranking) if lines else (),
        notes=tuple(notes),
    )


def _heading(run: Run, record: WorkloadRecord, precision: str) -> str:
    device = min((cell.row.device for cell in run.cells), default="cpu")
    threads = f"{run.plan.threads} thread{'s' * (run.plan.threads != 1)}"
    parts = (
        record.name,
        f"{record.parameters:,} parameters",
        f"batch {record.batch}",
        f"{device}, {threads}",
        precision,
    )
    return " · ".join(parts)


def _effort(run: Run, ranking: Ranking) -> str:
    """Launches and rounds that count, and the noise: `2 launches, 16 rounds, noise grade A`."""
    kept = [turn for turn in run.rounds if turn.workload == ranking.workload and turn.kept]
    if not kept:
        return ""
    launches = len({turn.launch for turn in kept})
    parts = [
        f"{launches} launch{'es' * (launches != 1)}, {len(kept)} round{'s' * (len(kept) != 1)}"
    ]
    if ranking.resolution is not None:
        width = numbers.percent(ranking.resolution.half_width)
        parts.append(f"noise grade {ranking.resolution.grade} (A/A ±{width})")
    return " · ".join(parts)


def _line(run: Run, place: Place, record: WorkloadRecord) -> Line:
    """The line of a cell that earned a speed: measured, and proven."""
    samples = record.batch / place.step.seconds
    cell = place.cell
    return Line(
        place=place,
        samples_per_second=samples,
        tokens_per_second=samples * record.tokens if record.tokens else None,
        warmup_debt_seconds=(
            warmup_debt_seconds(cell.launches[0], place.step.seconds) if cell.launches else None
        ),
        cpu_share=cpu_share(kept_blocks(run, cell)),
        utilisation=_utilisation(run, record, place),
        energy=energy_of(run, cell),
    )


def _utilisation(run: Run, record: WorkloadRecord, place: Place) -> float | None:
    """Of the peak in float32, which says nothing of a row in another precision."""
    if run.ceiling is None or place.cell.row.reduced:
        return None
    return utilisation(record, place.step.seconds, run.ceiling)


def _note(cell: Cell) -> Note:
    if cell.outcome.status == "ok":
        return Note(title(cell), "not measured: no round was finished")
    word = STATUS_WORDS.get(cell.outcome.status, cell.outcome.status)
    return Note(title(cell), f"{word}: {cell.outcome.reason}", cell.outcome.hint)


def energy_of(run: Run, cell: Cell) -> Energy | None:
    """The energy of a cell."""
    of_cell = (e for e in run.energies if (e.row, e.workload) == (cell.row, cell.workload))
    return next(of_cell, None)


def step_columns(line: Line) -> tuple[str, str]:
    """Step time and its spread: `42.1 ms`, `±0.7 %`."""
    return numbers.duration(line.step.seconds), f"±{numbers.percent(line.step.spread)}"


def speed_columns(line: Line) -> tuple[str, str]:
    """Samples and tokens per second."""
    tokens = line.tokens_per_second
    samples = numbers.significant(line.samples_per_second)
    return samples, numbers.significant(tokens) if tokens else ""


def rank_column(line: Line) -> str:
    """The rank, which ties share: `1`, and the sign of a verdict that is not clear: `?1`."""
    place = line.place
    return "" if place.rank is None else f"{place.mark}{place.rank}"


def ratio_columns(line: Line, ranking: Ranking) -> tuple[str, str]:
    """The time as a multiple of the fastest row's, and its interval: `1.05x`, `1.03-1.06`."""
    if ranking.leader is line.cell:
        return "fastest", ""
    found = line.place.comparison
    if found is None:
        return "", ""
    ends = sentences.interval(found.interval) if found.interval else ""
    return sentences.ratio(found), ends


def verdict_column(line: Line) -> str:
    """The verdict in a word."""
    found = line.place.comparison
    if found is None:
        return ""
    return "not clear" if found.verdict == "inconclusive" else found.verdict


def warmup_column(line: Line) -> str:
    """What the first steps cost beyond steady ones, in the first launch."""
    debt = line.warmup_debt_seconds
    if debt is None:
        return ""
    warm = line.cell.launches[0].caches == "warm" and line.cell.launches[0].compilations is not None
    return f"{numbers.duration(debt)}{' warm' * warm}"


def cpu_column(line: Line) -> str:
    """CPU seconds per second: how much of the budget it used."""
    return "" if line.cpu_share is None else f"{line.cpu_share:.1f}"


def utilisation_column(line: Line) -> str:
    """The share of the machine's practical peak that the model's operations reach."""
    return "" if line.utilisation is None else numbers.percent(line.utilisation)


def energy_column(line: Line) -> str:
    """Joules for a thousand samples: `12.3 ±0.4`."""
    found = line.energy
    if found is None:
        return ""
    spread = 1000 * (found.high - found.low) / 2
    return (
        f"{numbers.significant(1000 * found.joules_per_sample)} ±{numbers.significant(spread, 2)}"
    )


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
        f"± is half the 95 % interval of the median. {_signs(run)}"
        "For a metric, ± is one standard error."
    )
    costs = (
        f"warm-up: what the first steps cost beyond steady ones{_others(run)}. memory: to exist + "
        "to train. cpu: CPU seconds per second."
    )
    proof = (
        "same work: the largest relative difference of any gradient from the float64 reference; "
        "about 1e-16 where float64 was compared, about 1e-7 for float32."
    )
    if any(cell.row.reduced for cell in run.cells):
        proof += (
            " A row in a reduced precision is proven in its strict form; its number is the "
            "distance of all gradients as they are timed, which its rounding explains."
        )
    lines = (spread, costs, proof, _ceiling(run), _energy(run), _kept(run))
    return tuple(line for line in lines if line)


def _others(run: Run) -> str:
    """That the processes of later workloads had trained others before."""
    known = any(launch.launch == 0 and not launch.fresh for c in run.cells for launch in c.launches)
    return ", after the first workload in a process that has run others" if known else ""


def _signs(run: Run) -> str:
    """What stands beside a rank; empty where no workload has one."""
    if not any(each.rankable for name in run.plan.workloads for each in rankings(run, name)):
        return ""
    return (
        "vs fastest: the ratio of times in the same rounds; all intervals of a table hold together "
        f"with 95 %; rows within {numbers.percent(run.plan.margin)} are a tie. = tie, "
        "~ leans slower, ? not clear. "
    )


def _ceiling(run: Run) -> str:
    """What the machine can do at most, which the column `util` is a share of."""
    found = run.ceiling
    if found is None:
        return ""
    text = (
        f"util: share of this machine's practical peak of matrix products, "
        f"{numbers.flops(round(found.flops_per_second))}FLOP/s ({found.backend}, "
        f"{found.size} x {found.size})"
    )
    if found.copy_bytes_per_second is not None:
        text += f"; copying memory: {numbers.size(round(found.copy_bytes_per_second))}/s"
    return text + "."


def _energy(run: Run) -> str:
    """What the column `J/1k samples` counts, and what was not measured."""
    missing = f"energy was not measured: {run.energy_note}" if run.energy_note else ""
    if not run.energies:
        return missing
    sources = sorted({energy.source for energy in run.energies})
    text = (
        f"J/1k samples: energy for 1,000 samples of continuous training, by {', '.join(sources)}, "
        "what idling takes included; ± is half the range of the repeats."
    )
    return f"{text} {missing[:1].upper()}{missing[1:]}".rstrip()


def _kept(run: Run) -> str:
    """That proofs and accuracies are those of an earlier run."""
    dates = [cell.certificate.proven_at for cell in run.cells if cell.certificate]
    known = [date for date in dates if date]
    if not known:
        return ""
    whose = "all rows" if len(known) == len(dates) else "some rows"
    return (
        f"proof and accuracy of {whose} are kept from {min(known)[:10]}, of the same code, "
        "versions and seed; --fresh takes them anew."
    )
