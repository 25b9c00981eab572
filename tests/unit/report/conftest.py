"""One run with every kind of row, made by hand, and the comparison with golden files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from envdoctor.model.facts import Cpu, Facts, HostMemory, System
from envdoctor.model.outcome import OK, Outcome
from envdoctor.model.run import (
    Block,
    BrokenPlugin,
    Cell,
    Certificate,
    Memory,
    Phases,
    Plan,
    Quality,
    QualityGate,
    Row,
    Run,
    Unavailable,
    WorkloadRecord,
)

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="session")
def golden() -> Callable[[str, str], None]:
    """Compares a text with a golden file; with UPDATE_GOLDEN=1 it writes the file anew."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN") == "1":
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), "UPDATE_GOLDEN=1 pytest writes it anew"

    return compare


def _record(name: str, **values: object) -> WorkloadRecord:
    plain = {
        "family": "mlp",
        "size": "tiny",
        "summary": "Two hidden layers",
        "data_set": "digits",
        "loss": "cross_entropy",
        "batch": 64,
        "steps": 440,
        "parameters": 26_122,
        "forward_flops": 51_712,
        "training_flops": 138_752,
        "tokens": None,
        "quality": QualityGate(metric="accuracy", at_least=0.94),
        "workload_sha256": "0" * 64,
        "data_sha256": "1" * 64,
        "weights_sha256": "2" * 64,
        "batches_sha256": "3" * 64,
    }
    return WorkloadRecord(name=name, **{**plain, **values})


def _blocks(step_ns: int) -> tuple[Block, ...]:
    """Ten blocks of 100 steps that spread evenly over 9 % around their median."""
    return tuple(
        Block(
            launch=0,
            round=number,
            position=0,
            steps=100,
            wall_ns=step_ns * (955 + 10 * number) // 10,
            cpu_ns=step_ns * 180,
        )
        for number in range(10)
    )


def _measured(row: Row, workload: str, step_ns: int, **values: object) -> Cell:
    plain = {
        "outcome": OK,
        "certificate": Certificate(
            same_work=True,
            tier="G64",
            output_error=2.1e-16,
            gradient_error=4.4e-16,
            gradient_name="dense_1.kernel",
            loss_error=3e-15,
            optimizer="as specified",
            timed_loss_error=1.7e-7,
        ),
        "version": "2.13.0",
        "versions": {"python": "3.11.7", row.backend: "2.13.0", "numpy": "2.4.0"},
        "environment": {"OMP_NUM_THREADS": "2"},
        "phases": Phases(
            start_seconds=0.11,
            import_seconds=1.9,
            device_init_seconds=0.02,
            build_seconds=0.013,
            stage_seconds=0.004,
            first_step_seconds=0.051,
            training_seconds=0.61,
            evaluation_seconds=0.009,
        ),
        "warmup_ns": (step_ns * 400, *[step_ns] * 19),
        "first_losses": (2.31, 2.25, 2.19),
        "blocks": _blocks(step_ns),
        "compilations": 1,
        "memory": Memory(
            footprint_bytes=312_000_000, working_set_bytes=12_300_000, peak_bytes=371_000_000
        ),
        "quality": Quality(
            metric="accuracy",
            value=0.9611,
            standard_error=0.0102,
            samples=360,
            loss=0.131,
            reached=True,
        ),
    }
    return Cell(row=row, workload=workload, **{**plain, **values})


def _mlp_cells() -> tuple[Cell, ...]:
    return (
        _measured(
            Row(backend="numpy", mode="numpy"),
            "mlp-tiny",
            412_345,
            version="2.4.0",
            versions={"python": "3.11.7", "numpy": "2.4.0"},
            compilations=None,
        ),
        _measured(Row(backend="torch", mode="eager"), "mlp-tiny", 155_000),
        _measured(
            Row(backend="torch", mode="compile"),
            "mlp-tiny",
            98_765,
            outcome=Outcome(
                status="different",
                reason="the gradient of dense_2.bias differs by 4.5e-02.",
                hint="Likely cause: the bias of dense_2 is not trained.",
            ),
            certificate=Certificate(
                same_work=False,
                tier="G64",
                output_error=1.2e-3,
                gradient_error=4.5e-2,
                gradient_name="dense_2.bias",
                reason="the gradient of dense_2.bias differs by 4.5e-02.",
                cause="the bias of dense_2 is not trained",
            ),
        ),
        Cell(
            row=Row(backend="tensorflow", mode="graph"),
            workload="mlp-tiny",
            outcome=Outcome(
                status="crashed",
                reason="killed by SIGSEGV after [bold]step[/bold] :x: 3 | <script>alert(1)</script>",
                hint="Try TF_ENABLE_ONEDNN_OPTS=0 in `venv` [link=http://x]here[/link].",
                details="Fatal Python error: Segmentation fault",
            ),
            version="2.21.0",
            versions={"python": "3.11.7", "tensorflow-cpu": "2.21.0", "numpy": "2.4.0"},
        ),
        _measured(
            Row(backend="jax", mode="jit"),
            "mlp-tiny",
            101_000,
            quality=Quality(
                metric="accuracy",
                value=0.4,
                standard_error=0.0258,
                samples=360,
                loss=1.9,
                reached=False,
            ),
            memory=None,
        ),
        _measured(
            Row(backend="[red]x[/red]", mode="a|b<script>", interpreter="/other/bin/python"),
            "mlp-tiny",
            2_500_000_000,
        ),
    )


def _other_cells() -> tuple[Cell, ...]:
    return (
        _measured(Row(backend="torch", mode="eager"), "transformer-tiny", 42_100_000),
        Cell(
            row=Row(backend="jax", mode="jit"),
            workload="transformer-tiny",
            outcome=Outcome(
                status="timed_out",
                reason="no answer to `build` within 300 s.",
                hint="Give it more with --worker-timeout.",
            ),
        ),
        _measured(
            Row(backend="numpy", mode="numpy"),
            "houses",
            37_000,
            version="2.4.0",
            versions={"python": "3.11.7", "numpy": "2.4.0"},
            quality=Quality(
                metric="mean_absolute_error",
                value=44.21,
                standard_error=3.1,
                samples=88,
                loss=3012.5,
                reached=None,
            ),
        ),
        Cell(
            row=Row(backend="torch", mode="eager"),
            workload="houses",
            outcome=Outcome(status="unsupported", reason="no layer `lstm` in float64."),
        ),
    )


@pytest.fixture(scope="session")
def run() -> Run:
    cells = _mlp_cells() + _other_cells()
    return Run(
        id="20260101-120000-abcd",
        envdoctor_version="0.1.0",
        state="finished",
        started_at="2026-01-01T12:00:00+00:00",
        ended_at="2026-01-01T12:04:00+00:00",
        facts=Facts(
            system=System(name="Linux", release="6.1", architecture="x86_64", python="3.11.7"),
            cpu=Cpu(model="A Processor", logical=4, allowed=(0, 1), quota=1.5),
            memory=HostMemory(
                total_bytes=16_000_000_000, available_bytes=12_000_000_000, limit_bytes=None
            ),
            notes=("nvidia: no driver",),
        ),
        plan=Plan(
            rows=tuple(dict.fromkeys(cell.row for cell in cells)),
            workloads=("mlp-tiny", "transformer-tiny", "houses"),
            cpus=(0, 1),
            seed=0,
            rounds=10,
            block_seconds=0.2,
        ),
        workloads=(
            _record("mlp-tiny"),
            _record(
                "transformer-tiny",
                family="transformer",
                data_set="shakespeare",
                batch=16,
                parameters=809_856,
                tokens=64,
                quality=QualityGate(metric="accuracy", at_least=0.25),
            ),
            _record(
                "houses",
                data_set="houses.csv",
                loss="mean_squared_error",
                size="custom",
                quality=None,
            ),
        ),
        cells=cells,
        unavailable=(
            Unavailable(
                backend="mxnet",
                reason="mxnet is not installed in Python 3.11.7 at /usr [dim].",
                remedy='python -m pip install "mxnet>=1.9"',
            ),
        ),
        broken_plugins=(
            BrokenPlugin(
                plugin="odd (odd-plugin 1.0)",
                reason="there is no hook called `envdoctor_backend`; did you mean "
                "`envdoctor_backends`? [red]:boom:[/red]",
            ),
        ),
    )
