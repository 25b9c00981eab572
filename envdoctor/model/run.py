"""The record of a run: everything that was measured, raw, with what it came from.

Statistics are derived from this, never stored in it. Units stand in the names and are SI base
units (or nanoseconds, as the clock gives them); what has no number has a status with a reason.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from envdoctor.model.cell import Cause, Cell, Row
from envdoctor.model.facts import Facts

SCHEMA = 1
"""The version of the run file.

1: the first.
"""


class QualityGate(Struct, frozen=True, kw_only=True):
    """What the training plan must reach on the test data."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None


class WorkloadRecord(Struct, frozen=True, kw_only=True):
    """A workload as it was resolved, with the hashes that make it comparable."""

    name: str
    family: str
    size: str
    summary: str
    data_set: str
    loss: str
    batch: int
    steps: int
    """Steps of the training plan."""
    parameters: int
    forward_flops: int
    """Per sample: matrix products and convolutions, 2 per multiply-add."""
    training_flops: int
    tokens: int | None
    """Symbols per sample, where a sample is text."""
    quality: QualityGate | None
    no_folds: str = ""
    """Why there is no cross-validation, where it was asked for."""
    workload_sha256: str
    data_sha256: str
    weights_sha256: str
    batches_sha256: str


class Unavailable(Struct, frozen=True, kw_only=True):
    """A backend that could not take part, why, and the command that would let it."""

    backend: str
    reason: str
    remedy: str = ""


class BrokenPlugin(Struct, frozen=True, kw_only=True):
    """A plugin that was left out, and why."""

    plugin: str
    reason: str


class Plan(Struct, frozen=True, kw_only=True):
    """What was asked for."""

    rows: tuple[Row, ...]
    """Without the twin."""
    twin: Row | None = None
    """The row that is run twice."""
    workloads: tuple[str, ...]
    cpus: tuple[int, ...]
    seed: int
    preset: str
    least_launches: int
    most_launches: int
    least_rounds: int
    """Of each launch."""
    most_rounds: int
    half_width: float
    """Measuring stops when the interval of every ratio is at most this wide to each side."""
    margin: float
    """Differences up to this are of no practical meaning: rows this near are a tie."""
    block_seconds: float
    time_limit_seconds: float | None = None
    interleaved: bool = True
    """Whether all workers lived at once; if not, memory allowed one at a time, and each block was
    taken by a fresh process: too far apart in time to be paired."""
    stopping: bool = True
    """Whether idle workers were stopped."""
    folds: int | None = None
    """Of cross-validation, if it was asked for."""

    @property
    def threads(self) -> int:
        """The CPU budget."""
        return len(self.cpus)


class Round(Struct, frozen=True, kw_only=True):
    """One turn in which every row runs one block, in random order."""

    workload: str
    launch: int
    round: int
    attempt: int
    kept: bool
    """Whether its blocks count: a contaminated round is repeated, for all rows."""
    causes: tuple[Cause, ...] = ()
    canary_ns: int | None = None
    """A fixed piece of work of the core after the round, which tells the machine's own speed."""
    wall_ns: int | None = None
    """From before its first worker woke until after its last one slept."""
    foreign_ns: int | None = None
    """CPU time of other processes meanwhile, on the CPUs of the budget; None where it cannot be
    told, and in the first round of a launch. Ticks of the kernel may be rounded to below zero."""
    steal_ns: int | None = None
    """CPU time that the hypervisor gave to other machines meanwhile."""


class Ceiling(Struct, frozen=True, kw_only=True):
    """What this machine can do at most, measured in this run."""

    flops_per_second: Annotated[float, Meta(gt=0)]
    """The fastest square matrix product of any backend, in float32 on the CPUs of the budget."""
    backend: str
    size: int
    """Rows of the matrices."""
    copy_bytes_per_second: float | None = None
    """Read and written, by copying an array much larger than the caches."""


class Energy(Struct, frozen=True, kw_only=True):
    """Energy of one row in continuous training, in a pass of its own."""

    row: Row
    workload: str
    source: str
    """The counter: `NVML board sensor` or `RAPL package`."""
    joules_per_sample: float
    low: float
    high: float
    """The least and the most of the repeats."""
    watts: float
    """The median power while training."""
    idle_watts: float
    """The power with all workers alive and waiting."""
    net_joules_per_sample: float
    """Less what idling for as long takes."""


class Run(Struct, frozen=True, kw_only=True):
    """One run of the benchmark."""

    schema: Literal[1] = field(default=1)
    id: str
    envdoctor_version: str
    state: Literal["running", "finished", "interrupted"]
    started_at: str
    """ISO 8601, UTC."""
    ended_at: str | None = None
    facts: Facts
    plan: Plan
    workloads: tuple[WorkloadRecord, ...] = ()
    cells: tuple[Cell, ...] = ()
    """Of all rows, and of the twin."""
    rounds: tuple[Round, ...] = ()
    ceiling: Ceiling | None = None
    energies: tuple[Energy, ...] = ()
    energy_note: str = ""
    """Why there are no energies, or not of all."""
    unavailable: tuple[Unavailable, ...] = ()
    broken_plugins: tuple[BrokenPlugin, ...] = ()
