"""One run with every kind of row, made by hand."""

from __future__ import annotations

from random import Random

from msgspec import structs

from envdoctor.model.cell import (
    Block,
    Cell,
    Certificate,
    Launch,
    Memory,
    Noise,
    Phases,
    Plausibility,
    Progress,
    Quality,
    Row,
)
from envdoctor.model.facts import Cpu, Facts, HostMemory, System
from envdoctor.model.outcome import OK, Outcome
from envdoctor.model.run import (
    BrokenPlugin,
    Ceiling,
    Energy,
    Plan,
    QualityGate,
    Round,
    Run,
    Unavailable,
    WorkloadRecord,
)

TURNS = tuple((launch, number) for launch in range(2) for number in range(8))
DISTURBED = (0, 3)
"""This round was contaminated, and repeated for all rows."""
NUMPY = Row(backend="numpy", mode="numpy")
TWIN = structs.replace(NUMPY, twin=True)


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


def _blocks(row: Row, step_ns: int, per_mille: int) -> tuple[Block, ...]:
    """Blocks of 100 steps that lie evenly around their time, up to so many thousandths away.

    Their order is random, but always the same; the spoilt block counts for nothing.
    """
    offsets = [2 * number - len(TURNS) + 1 for number in range(len(TURNS))]
    Random(f"{row.title} {row.twin}").shuffle(offsets)
    blocks = []
    for turn, offset in zip(TURNS, offsets, strict=True):
        wall_ns = step_ns * 100 + round(step_ns * offset * per_mille / 10 / (len(TURNS) - 1))
        disturbed = turn == DISTURBED
        if disturbed:
            blocks.append(_block(turn, 0, 5 * wall_ns, step_ns))
        blocks.append(_block(turn, int(disturbed), wall_ns, step_ns))
    return tuple(blocks)


def _block(turn: tuple[int, int], attempt: int, wall_ns: int, step_ns: int) -> Block:
    spoilt = turn == DISTURBED and attempt == 0
    return Block(
        launch=turn[0],
        round=turn[1],
        attempt=attempt,
        position=0,
        steps=100,
        wall_ns=wall_ns,
        cpu_ns=step_ns * 180,
        noise=Noise(busy_ns=2 * wall_ns) if spoilt else None,
        causes=("foreign CPU",) if spoilt else (),
    )


def _rounds(workload: str) -> tuple[Round, ...]:
    """All rounds of a workload, with the one that does not count before its repetition."""
    rounds = []
    for turn in TURNS:
        plain = Round(
            workload=workload,
            launch=turn[0],
            round=turn[1],
            attempt=0,
            kept=True,
            canary_ns=20_000_000,
        )
        if turn == DISTURBED:
            rounds.append(structs.replace(plain, kept=False, causes=("foreign CPU",)))
            plain = structs.replace(plain, attempt=1)
        rounds.append(plain)
    return tuple(rounds)


def _launches(step_ns: int, *, compiles: bool) -> tuple[Launch, ...]:
    return tuple(
        Launch(
            launch=number,
            phases=Phases(
                start_seconds=0.11,
                import_seconds=1.9,
                device_init_seconds=0.02,
                build_seconds=0.013,
                stage_seconds=0.004,
                first_step_seconds=0.051,
            ),
            caches="warm" if number else "cold",
            alone=not number,
            warmup_ns=(step_ns * 400, *[step_ns] * (9 if number else 19)),
            settling_ns=(step_ns,) * 2,
            compilations=1 if compiles else None,
            block_steps=100,
        )
        for number in range(2)
    )


def _measured(
    row: Row,
    workload: str,
    step_ns: int,
    *,
    per_mille: int = 12,
    compiles: bool = True,
    **values: object,
) -> Cell:
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
        "first_losses": (2.31, 2.25, 2.19),
        "launches": _launches(step_ns, compiles=compiles),
        "blocks": _blocks(row, step_ns, per_mille),
        "plausibility": Plausibility(
            doubling=2.01,
            second_wait_seconds=2e-6,
            read_back_seconds=1e-5,
            losses_fell=True,
            canary=4e-7,
        ),
        "memory": Memory(
            footprint_bytes=312_000_000, working_set_bytes=12_300_000, peak_bytes=371_000_000
        ),
        "training_seconds": 0.61,
        "evaluation_seconds": 0.009,
        "history": (
            Progress(step=1, training_seconds=0.04, loss=2.31),
            Progress(step=220, training_seconds=0.31, loss=0.4, test_value=0.9, test_loss=0.38),
            Progress(step=440, training_seconds=0.61, loss=0.1, test_value=0.9611, test_loss=0.131),
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


def _numpy(workload: str, step_ns: int, **values: object) -> tuple[Cell, Cell]:
    """The row of NumPy and its twin, which trains nothing and has no quality."""
    versions = {"python": "3.11.7", "numpy": "2.4.0"}
    both = {"version": "2.4.0", "versions": versions, "compiles": False, "per_mille": 8}
    nothing = ("training_seconds", "evaluation_seconds", "quality", "memory")
    alone = {**dict.fromkeys(nothing), "history": ()}
    return (
        _measured(NUMPY, workload, step_ns, **both, **values),
        _measured(TWIN, workload, step_ns, **both, **alone),
    )


def _mlp_cells() -> tuple[Cell, ...]:
    numpy, twin = _numpy("mlp-tiny", 412_345)
    return (
        numpy,
        _measured(Row(backend="torch", mode="eager"), "mlp-tiny", 155_000, compiles=False),
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
        twin,
    )


def _transformer_cells() -> tuple[Cell, ...]:
    """A leader with a row that ties, one that leans, one that is undecided, and one far behind."""
    name = "transformer-tiny"
    return (
        _measured(Row(backend="torch", mode="eager"), name, 42_100_000, compiles=False),
        _measured(Row(backend="torch", mode="compile"), name, 42_150_000, per_mille=6),
        _measured(Row(backend="tensorflow", mode="graph"), name, 43_300_000),
        _measured(Row(backend="tensorflow", mode="xla"), name, 43_500_000, per_mille=150),
        Cell(
            row=Row(backend="jax", mode="jit"),
            workload=name,
            outcome=Outcome(
                status="timed_out",
                reason="no answer to `build` within 300 s.",
                hint="Give it more with --worker-timeout.",
            ),
        ),
        *_numpy(name, 215_000_000),
    )


def _houses_cells() -> tuple[Cell, ...]:
    quality = Quality(
        metric="mean_absolute_error",
        value=44.21,
        standard_error=3.1,
        samples=88,
        loss=3012.5,
        reached=None,
    )
    return (
        *_numpy("houses", 37_000, quality=quality),
        Cell(
            row=Row(backend="torch", mode="eager"),
            workload="houses",
            outcome=Outcome(status="unsupported", reason="no layer `lstm` in float64."),
        ),
    )


def every_row() -> Run:
    """Three workloads; rows that are fast, slow, refused, unsupported, crashed and unfinished."""
    cells = _mlp_cells() + _transformer_cells() + _houses_cells()
    names = ("mlp-tiny", "transformer-tiny", "houses")
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
            rows=tuple(dict.fromkeys(cell.row for cell in cells if not cell.row.twin)),
            twin=TWIN,
            workloads=names,
            cpus=(0, 1),
            seed=0,
            preset="default",
            least_launches=2,
            most_launches=3,
            least_rounds=8,
            most_rounds=16,
            half_width=0.02,
            margin=0.02,
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
                training_flops=100_000_000,
                tokens=64,
                quality=QualityGate(metric="accuracy", at_least=0.25),
            ),
            _record(
                "houses",
                data_set="houses.csv",
                loss="mean_squared_error",
                size="custom",
                parameters=14,
                training_flops=14_000,
                quality=None,
            ),
        ),
        cells=cells,
        rounds=tuple(turn for name in names for turn in _rounds(name)),
        ceiling=Ceiling(
            flops_per_second=1.1e11, backend="torch", size=2048, copy_bytes_per_second=1.2e10
        ),
        energies=(
            Energy(
                row=Row(backend="torch", mode="eager"),
                workload="mlp-tiny",
                source="RAPL package",
                watts=25.2,
                joules_per_sample=6.1e-5,
                low=5.9e-5,
                high=6.4e-5,
                idle_watts=11.2,
                net_joules_per_sample=3.4e-5,
            ),
        ),
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
