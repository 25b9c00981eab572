"""One line a cell, for spreadsheets and scripts: base units, empty where there is no number."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from envdoctor.report.table import energy_of
from envdoctor.statistics.blocks import cpu_share, summarise, warmup_debt_seconds
from envdoctor.statistics.costs import setup_phases
from envdoctor.statistics.folds import is_complete, spread
from envdoctor.statistics.pairing import kept_blocks
from envdoctor.statistics.ranking import rankings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

    from envdoctor.model.cell import Cell, Row
    from envdoctor.model.run import Energy, Run, WorkloadRecord
    from envdoctor.statistics.ranking import Place, Ranking

METRICS = (
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "roc_auc_macro",
    "r2",
    "perplexity",
    "train_value",
    "gap",
)
"""Empty where a task has no such measure, or where it is not defined."""
COLUMNS = (
    "workload",
    "backend",
    "mode",
    "version",
    "precision",
    "device",
    "threads",
    "batch",
    "status",
    "reason",
    "same_work",
    "output_error",
    "gradient_error",
    "loss_error",
    "optimizer",
    "step_seconds",
    "step_low_seconds",
    "step_high_seconds",
    "samples_per_second",
    "tokens_per_second",
    "rank",
    "verdict",
    "ratio_to_fastest",
    "ratio_low",
    "ratio_high",
    "blocks",
    "cpu_share",
    "import_seconds",
    "build_seconds",
    "first_step_seconds",
    "warmup_debt_seconds",
    "training_seconds",
    "joules_per_sample",
    "joules_low",
    "joules_high",
    "net_joules_per_sample",
    "footprint_bytes",
    "working_set_bytes",
    "peak_bytes",
    "metric",
    "metric_value",
    "metric_standard_error",
    "quality_reached",
    "folds",
    "fold_mean",
    "fold_spread",
    *METRICS,
)


def write(run: Run, stream: TextIO) -> None:
    """Write a header and a line for each cell; a row whose work is not proven has no speed."""
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(run))


def rows(run: Run) -> Iterator[dict[str, Any]]:
    """The values of each cell but the twin's by column; a column without a number is left out."""
    records = {record.name: record for record in run.workloads}
    places = {name: _places(rankings(run, name)) for name in records}
    for cell in run.cells:
        if cell.workload in records and not cell.row.twin:
            values = _values(run, cell, records[cell.workload])
            yield {**values, **places[cell.workload].get(cell.row, {})}


def _values(run: Run, cell: Cell, record: WorkloadRecord) -> dict[str, Any]:
    return {
        "workload": cell.workload,
        "backend": cell.row.backend,
        "mode": cell.row.mode,
        "version": cell.version,
        "precision": cell.row.precision,
        "device": cell.row.device,
        "threads": run.plan.threads,
        "batch": record.batch,
        "status": cell.outcome.status,
        "reason": cell.outcome.reason,
        **_proof(cell),
        **_speed(run, cell, record),
        **_costs(run, cell),
        **_folds(cell),
        **_energy(energy_of(run, cell)),
    }


def _proof(cell: Cell) -> dict[str, Any]:
    found = cell.certificate
    if found is None:
        return {}
    return {
        "same_work": found.same_work,
        "output_error": found.output_error,
        "gradient_error": found.gradient_error,
        "loss_error": found.loss_error,
        "optimizer": found.optimizer,
    }


def _speed(run: Run, cell: Cell, record: WorkloadRecord) -> dict[str, Any]:
    blocks = kept_blocks(run, cell)
    step = summarise(blocks)
    if step is None or not cell.comparable:
        return {}
    samples = record.batch / step.seconds
    return {
        "step_seconds": step.seconds,
        "step_low_seconds": step.low_seconds,
        "step_high_seconds": step.high_seconds,
        "samples_per_second": samples,
        "tokens_per_second": samples * record.tokens if record.tokens else None,
        "blocks": len(blocks),
        "cpu_share": cpu_share(blocks),
        "warmup_debt_seconds": (
            warmup_debt_seconds(cell.launches[0], step.seconds) if cell.launches else None
        ),
    }


def _energy(found: Energy | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "joules_per_sample": found.joules_per_sample,
        "joules_low": found.low,
        "joules_high": found.high,
        "net_joules_per_sample": found.net_joules_per_sample,
    }


def _places(found: Iterable[Ranking]) -> dict[Row, dict[str, Any]]:
    """The columns that say where a row stands, against the fastest of its precision."""
    return {place.cell.row: _place(place, ranking) for ranking in found for place in ranking.places}


def _place(place: Place, ranking: Ranking) -> dict[str, Any]:
    found = place.comparison
    ends = found.interval if found else None
    leads = ranking.leader is place.cell
    return {
        "rank": place.rank,
        "verdict": found.verdict if found else ("fastest" if leads else None),
        "ratio_to_fastest": found.ratio if found else None,
        "ratio_low": ends.low if ends else None,
        "ratio_high": ends.high if ends else None,
    }


def _costs(run: Run, cell: Cell) -> dict[str, Any]:
    values: dict[str, Any] = {"training_seconds": cell.training_seconds}
    phases = setup_phases(run, cell)
    for part in (phases, cell.memory):
        for name in part.__struct_fields__ if part else ():
            if name in COLUMNS:
                values[name] = getattr(part, name)
    if cell.quality:
        values["metric"] = cell.quality.metric
        values["metric_value"] = cell.quality.value
        values["metric_standard_error"] = cell.quality.standard_error
        values["quality_reached"] = cell.quality.reached
        values.update((_column(metric.name), metric.value) for metric in cell.quality.metrics)
    return values


def _folds(cell: Cell) -> dict[str, Any]:
    """Cross-validation, of a row that got through all folds."""
    if cell.folds is None or not is_complete(cell):
        return {}
    found = spread(cell.folds.values)
    return {
        "folds": cell.folds.wanted,
        "fold_mean": found.mean,
        "fold_spread": found.deviation,
    }


def _column(name: str) -> str:
    """The column of a measure: that of the training data is named as the one of the gate is."""
    if name.startswith("train_"):
        return "train_value"
    return f"{name}_macro" if f"{name}_macro" in METRICS else name
