"""Runs made by hand for tests of what is derived from them: seeded noise around known times.

Load it with `runpy.run_path`, since tests are no package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp
from random import Random

from msgspec import structs

from envdoctor.model.cell import Block, Cell, Certificate, Launch, Memory, Phases, Quality, Row
from envdoctor.model.facts import Cpu, Facts
from envdoctor.model.outcome import OK
from envdoctor.model.run import Plan, Round, Run, WorkloadRecord

STEP_SECONDS = {"numpy": 4e-4, "torch eager": 1e-3, "torch compile": 9e-4, "jax jit": 2e-4}
BLOCK_STEPS = 100
CANARY_NS = 20_000_000


def row_of(title: str) -> Row:
    """The row that a title such as `torch compile` names."""
    backend, _, mode = title.partition(" ")
    return Row(backend=backend, mode=mode or backend)


def made_run(
    step_seconds: Mapping[str, float] = STEP_SECONDS,
    *,
    seed: int = 0,
    workloads: Sequence[str] = ("mlp-tiny",),
    launches: int = 3,
    rounds: int = 12,
    pace: float = 1.0,
    noise: float = 0.01,
    launch_noise: float = 0.003,
    twin: str | None = "numpy",
    twin_factor: float = 1.0,
    versions: Mapping[str, str] | None = None,
    **fields: object,
) -> Run:
    """A finished run in which each row takes its time, times the pace of the machine.

    `noise` and `launch_noise` are deviations, in logarithms, of each block and of each launch;
    noise of a whole round, three times as large, strikes all rows of it alike.
    """
    random = Random(seed)
    turns = [(launch, number) for launch in range(launches) for number in range(rounds)]
    cells: list[Cell] = []
    for workload in workloads:
        shared = {turn: random.gauss(0, 3 * noise) for turn in turns}
        times = {row_of(title): seconds for title, seconds in step_seconds.items()}
        if twin in step_seconds:
            times[structs.replace(row_of(twin), twin=True)] = step_seconds[twin] * twin_factor
        for row, seconds in times.items():
            own = [random.gauss(0, launch_noise) for _ in range(launches)]
            blocks = tuple(
                _block(turn, seconds * pace * exp(own[turn[0]] + shared[turn] + error))
                for turn in turns
                for error in [random.gauss(0, noise)]
            )
            cells.append(_cell(row, workload, blocks, launches, versions or {}))
    return Run(
        **{
            "id": f"made-{seed}",
            "envdoctor_version": "0.1.0",
            "state": "finished",
            "started_at": "2026-01-01T12:00:00+00:00",
            "facts": Facts(cpu=Cpu(model="A Processor", logical=2, allowed=(0, 1), quota=None)),
            "plan": _plan(tuple(map(row_of, step_seconds)), twin, workloads),
            "workloads": tuple(map(_record, workloads)),
            "cells": tuple(cells),
            "rounds": tuple(
                Round(
                    workload=workload,
                    launch=launch,
                    round=number,
                    attempt=0,
                    kept=True,
                    canary_ns=round(CANARY_NS * pace),
                )
                for workload in workloads
                for launch, number in turns
            ),
            **fields,
        }
    )


def _plan(rows: tuple[Row, ...], twin: str | None, workloads: Sequence[str]) -> Plan:
    return Plan(
        rows=rows,
        twin=structs.replace(row_of(twin), twin=True) if twin else None,
        workloads=tuple(workloads),
        cpus=(0, 1),
        seed=0,
        preset="default",
        least_launches=3,
        most_launches=3,
        least_rounds=8,
        most_rounds=16,
        half_width=0.02,
        margin=0.02,
        block_seconds=0.15,
    )


def _block(turn: tuple[int, int], seconds: float) -> Block:
    wall = round(seconds * BLOCK_STEPS * 1e9)
    return Block(
        launch=turn[0], round=turn[1], position=0, steps=BLOCK_STEPS, wall_ns=wall, cpu_ns=wall
    )


def _cell(
    row: Row, workload: str, blocks: tuple[Block, ...], launches: int, versions: Mapping[str, str]
) -> Cell:
    version = versions.get(row.backend, "1.0")
    return Cell(
        row=row,
        workload=workload,
        outcome=OK,
        certificate=Certificate(same_work=True, tier="G64"),
        version=version,
        versions={"python": "3.11.7", row.backend: version},
        launches=tuple(_launch(number, blocks[0]) for number in range(launches)),
        blocks=blocks,
        memory=Memory(
            footprint_bytes=200_000_000, working_set_bytes=10_000_000, peak_bytes=220_000_000
        ),
        quality=Quality(
            metric="accuracy",
            value=0.96,
            standard_error=0.01,
            samples=360,
            loss=0.1,
            reached=True,
        ),
    )


def _launch(number: int, block: Block) -> Launch:
    return Launch(
        launch=number,
        phases=Phases(
            start_seconds=0.1,
            import_seconds=1.0,
            device_init_seconds=0.0,
            build_seconds=0.1,
            stage_seconds=0.0,
            first_step_seconds=0.5,
        ),
        caches="warm" if number else "cold",
        alone=True,
        warmup_ns=(500_000_000, *[block.wall_ns // BLOCK_STEPS] * 4),
    )


def _record(name: str) -> WorkloadRecord:
    return WorkloadRecord(
        name=name,
        family="mlp",
        size="tiny",
        summary="Two hidden layers",
        data_set="digits",
        loss="cross_entropy",
        batch=64,
        steps=440,
        parameters=26_122,
        forward_flops=51_712,
        training_flops=138_752,
        tokens=None,
        quality=None,
        workload_sha256="0" * 64,
        data_sha256="1" * 64,
        weights_sha256="2" * 64,
        batches_sha256="3" * 64,
    )
