"""Records of runs made by hand, from seconds per step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from envdoctor.model.cell import Block, Cell, Certificate, Launch, Phases, Row
from envdoctor.model.facts import Facts
from envdoctor.model.outcome import OK
from envdoctor.model.run import Plan, Round, Run

Times = Sequence[Sequence[float]]
"""Seconds per step, by launch and round."""

STEPS = 100


def _row(name: str) -> Row:
    """A row from `backend mode`; an apostrophe marks the twin."""
    backend, _, mode = name.rstrip("'").partition(" ")
    return Row(backend=backend, mode=mode or backend, twin=name.endswith("'"))


def _launch(number: int, setup_seconds: float) -> Launch:
    phases = Phases(
        start_seconds=0.1,
        import_seconds=setup_seconds,
        device_init_seconds=0.0,
        build_seconds=0.0,
        stage_seconds=0.0,
        first_step_seconds=0.0,
    )
    return Launch(launch=number, phases=phases, caches="cold", alone=True, warmup_ns=())


def _cell(name: str, workload: str, times: Times, setup_seconds: float) -> Cell:
    return Cell(
        row=_row(name),
        workload=workload,
        outcome=OK,
        certificate=Certificate(same_work=True, tier="G64"),
        launches=tuple(_launch(number, setup_seconds) for number in range(len(times))),
        blocks=tuple(
            Block(
                launch=launch,
                round=round_,
                position=0,
                steps=STEPS,
                wall_ns=round(seconds * STEPS * 1e9),
                cpu_ns=0,
            )
            for launch, rounds in enumerate(times)
            for round_, seconds in enumerate(rounds)
        ),
    )


def _rounds(workload: str, rows: Mapping[str, Times]) -> tuple[Round, ...]:
    longest = max(rows.values(), key=lambda times: sum(map(len, times)))
    return tuple(
        Round(workload=workload, launch=launch, round=round_, attempt=0, kept=True)
        for launch, rounds in enumerate(longest)
        for round_ in range(len(rounds))
    )


def _make(
    workloads: Mapping[str, Mapping[str, Times]],
    setup_seconds: Mapping[str, float] | None = None,
    **plan: object,
) -> Run:
    setups = setup_seconds or {}
    twins = [name for rows in workloads.values() for name in rows if name.endswith("'")]
    values = {
        "rows": (),
        "twin": _row(twins[0].rstrip("'")) if twins else None,
        "workloads": tuple(workloads),
        "cpus": (0, 1),
        "seed": 0,
        "preset": "default",
        "least_launches": 3,
        "most_launches": 3,
        "least_rounds": 8,
        "most_rounds": 16,
        "half_width": 0.02,
        "margin": 0.02,
        "block_seconds": 0.15,
    }
    return Run(
        id="r",
        envdoctor_version="0",
        state="finished",
        started_at="2026-01-01T00:00:00+00:00",
        facts=Facts(),
        plan=Plan(**{**values, **plan}),
        cells=tuple(
            _cell(name, workload, times, setups.get(name, 0.0))
            for workload, rows in workloads.items()
            for name, times in rows.items()
        ),
        rounds=tuple(
            turn for workload, rows in workloads.items() for turn in _rounds(workload, rows)
        ),
    )


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Run]:
    """Makes a run from the times of rows by workload, `{"w": {"jax": ..., "numpy'": ...}}`."""
    return _make
