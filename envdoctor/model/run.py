"""The record of a run: everything that was measured, raw, with what it came from.

Statistics are derived from this, never stored in it. Units stand in the names and are SI base
units (or nanoseconds, as the clock gives them); what has no number has a status with a reason.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from envdoctor.model.facts import Facts
from envdoctor.model.outcome import Outcome

SCHEMA = 1
"""The version of the run file.

1: the first.
"""


class Row(Struct, frozen=True, kw_only=True):
    """One line of the table: a backend in one of its modes, in one environment."""

    backend: str
    mode: str
    precision: str = "fp32"
    device: str = "cpu"
    interpreter: str = ""
    """The program that ran it; empty for envdoctor's own."""

    @property
    def title(self) -> str:
        """Backend and mode, as in a sentence: `torch compile`."""
        return self.backend if self.mode == self.backend else f"{self.backend} {self.mode}"


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
    workload_sha256: str
    data_sha256: str
    weights_sha256: str
    batches_sha256: str


class Certificate(Struct, frozen=True, kw_only=True):
    """The evidence that a row does the specified work; errors are relative."""

    same_work: bool
    tier: Literal["G64", "G32"]
    """G64: exact maths in float64; G32: strict float32."""
    exact_through: str = ""
    """The mode that passed G64 for this row; the errors here are then the timed program's own."""
    output_error: float | None = None
    gradient_error: float | None = None
    gradient_name: str = ""
    """The parameter whose gradient differs most."""
    loss_error: float | None = None
    """The largest over the steps of the parity optimiser."""
    optimizer: str = ""
    """The verdict of the optimiser probe."""
    timed_loss_error: float | None = None
    """The largest over the first steps of the timed program itself, at its own precision."""
    reason: str = ""
    """If not the same work: what differs, where, by how much."""
    cause: str = ""
    """The known difference that reproduces it, if one does."""


class Phases(Struct, frozen=True, kw_only=True):
    """What it takes before the first steady step, and around it."""

    start_seconds: float
    import_seconds: float
    device_init_seconds: float
    build_seconds: float
    stage_seconds: float
    first_step_seconds: float
    training_seconds: float
    """The whole training plan, the steps only."""
    evaluation_seconds: float


class Block(Struct, frozen=True, kw_only=True):
    """Steps between two synchronisations."""

    launch: int
    round: int
    position: int
    """The place of this row in its round."""
    steps: Annotated[int, Meta(ge=1)]
    wall_ns: Annotated[int, Meta(ge=1)]
    cpu_ns: int


class Memory(Struct, frozen=True, kw_only=True):
    """Host memory of the worker, and the device's where it is another."""

    footprint_bytes: int
    """Resident after import and one operation, less a bare interpreter: what it costs to exist."""
    working_set_bytes: int
    """The peak of the steady phase less the level after building: what the model costs."""
    peak_bytes: int
    """The highest of any phase."""
    device_peak_bytes: int | None = None
    device_reserved_bytes: int | None = None


class Quality(Struct, frozen=True, kw_only=True):
    """The result on the test data after the training plan."""

    metric: str
    value: float
    standard_error: float
    samples: int
    loss: float
    reached: bool | None
    """Whether the gate was reached; None if the workload has none."""


class Cell(Struct, frozen=True, kw_only=True):
    """One row on one workload: how it ended, and what was measured until then."""

    row: Row
    workload: str
    outcome: Outcome
    certificate: Certificate | None = None
    version: str = ""
    """Of the framework's own distribution."""
    versions: dict[str, str] = {}
    """Of everything that matters: the framework, NumPy, Python."""
    environment: dict[str, str] = {}
    """The variables that the backend asked for."""
    phases: Phases | None = None
    warmup_ns: tuple[int, ...] = ()
    """The first steps one by one, each synchronised."""
    first_losses: tuple[float, ...] = ()
    blocks: tuple[Block, ...] = ()
    compilations: int | None = None
    """Programs compiled for the step by the end."""
    compiled_while_timed: int = 0
    """How many of them during the blocks: any makes the row unsteady."""
    memory: Memory | None = None
    quality: Quality | None = None

    @property
    def comparable(self) -> bool:
        """Whether it earned a speed: measured to the end, and proven to do the same work."""
        proven = self.certificate is not None and self.certificate.same_work
        return proven and self.outcome.status == "ok" and bool(self.blocks)


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
    workloads: tuple[str, ...]
    cpus: tuple[int, ...]
    seed: int
    rounds: int
    block_seconds: float

    @property
    def threads(self) -> int:
        """The CPU budget."""
        return len(self.cpus)


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
    unavailable: tuple[Unavailable, ...] = ()
    broken_plugins: tuple[BrokenPlugin, ...] = ()
