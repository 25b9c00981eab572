"""Runs of a workload whose rows take given times, and what is remarked on them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from envdoctor.model.cell import Block, Cell, Certificate, Launch, Phases, Row
from envdoctor.model.facts import Facts
from envdoctor.model.outcome import OK
from envdoctor.model.run import Plan, Round, Run
from envdoctor.report.remarks import remarks
from envdoctor.statistics.ranking import rank

NUMPY = Row(backend="numpy", mode="numpy")
TWIN = structs.replace(NUMPY, twin=True)
ROUNDS = 12
SWING = (0.996, 1.004, 1.0)
"""A spread of 0.4 %, the same in every third round."""


def cell_of(
    row: Row,
    milliseconds: float,
    *,
    setup_seconds: float = 0.1,
    swing: Sequence[float] = SWING,
    shift: int = 0,
) -> Cell:
    phases = Phases(
        start_seconds=0.0,
        import_seconds=setup_seconds,
        device_init_seconds=0.0,
        build_seconds=0.0,
        stage_seconds=0.0,
        first_step_seconds=0.0,
    )
    return Cell(
        row=row,
        workload="w",
        outcome=OK,
        version="1.0",
        certificate=Certificate(same_work=True, tier="G64"),
        launches=tuple(
            Launch(launch=number, phases=phases, caches="cold", alone=True, warmup_ns=())
            for number in range(3)
        ),
        blocks=tuple(
            Block(
                launch=launch,
                round=number,
                position=0,
                steps=100,
                wall_ns=round(milliseconds * 1e8 * swing[(number + shift) % len(swing)]),
                cpu_ns=100_000_000,
            )
            for launch in range(3)
            for number in range(ROUNDS)
        ),
    )


def run_of(*cells: Cell, **plan: object) -> Run:
    values = {
        "rows": tuple(cell.row for cell in cells),
        "twin": NUMPY,
        "workloads": ("w",),
        "cpus": (0, 1),
        "seed": 0,
        "preset": "default",
        "least_launches": 3,
        "most_launches": 3,
        "least_rounds": 8,
        "most_rounds": 16,
        "half_width": 0.02,
        "margin": 0.02,
        "block_seconds": 0.1,
    }
    return Run(
        id="r",
        envdoctor_version="0",
        state="finished",
        started_at="2026-01-01T00:00:00+00:00",
        facts=Facts(),
        plan=Plan(**{**values, **plan}),
        cells=cells,
        rounds=tuple(
            Round(workload="w", launch=launch, round=number, attempt=0, kept=True)
            for launch in range(3)
            for number in range(ROUNDS)
        ),
    )


def twins(**values: object) -> tuple[Cell, Cell]:
    return cell_of(NUMPY, 3.0), cell_of(TWIN, 3.0, **values)


def row_of(backend: str) -> Row:
    return Row(backend=backend, mode=backend)


def say(run: Run) -> tuple[str, ...]:
    return tuple(plain(line) for line in remarks(run, rank(run, "w")))


def plain(text: str) -> str:
    """With hyphens for the dashes between the ends of an interval."""
    return text.replace("\N{EN DASH}", "-")
