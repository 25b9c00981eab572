"""What was measured of one row on one workload: launches, blocks, memory, quality, evidence.

Units stand in the names and are SI base units (or nanoseconds, as the clock gives them); what has
no number is None, and a status or a note says why.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from envdoctor.model.folds import Folds
from envdoctor.model.outcome import Outcome

REDUCED = ("tf32", "bf16", "fp16")
"""The precisions that are timed beside strict float32; each is a row of its own."""


class Row(Struct, frozen=True, kw_only=True):
    """One line of the table: a backend in one of its modes, in one environment."""

    backend: str
    mode: str
    precision: str = "fp32"
    device: str = "cpu"
    interpreter: str = ""
    """The program that ran it; empty for envdoctor's own."""
    twin: bool = False
    """A second copy of a row, run to see how far two equal things seem to differ."""

    @property
    def title(self) -> str:
        """Backend, mode and a reduced precision, as in a sentence: `torch compile bf16`."""
        mode = "" if self.mode == self.backend else self.mode
        precision = self.precision if self.reduced else ""
        return " ".join(word for word in (self.backend, mode, precision) if word)

    @property
    def reduced(self) -> bool:
        """Whether its products have fewer bits than float32 has."""
        return self.precision in REDUCED


class Certificate(Struct, frozen=True, kw_only=True):
    """The evidence that a row does the specified work; errors are relative."""

    same_work: bool
    tier: Literal["G64", "G32", "Glow"]
    """G64: exact maths in float64; G32: strict float32; Glow: what rounding to fewer bits explains,
    of a row whose strict form has passed one of the others."""
    exact_through: str = ""
    """The mode that passed G64 for this row; the errors here are then the timed program's own."""
    output_error: float | None = None
    gradient_error: float | None = None
    gradient_name: str = ""
    """The parameter whose gradient differs most; in Glow the error is that of all together."""
    loss_error: float | None = None
    """The largest over the steps of the parity optimiser."""
    optimizer: str = ""
    """The verdict of the optimiser probe."""
    timed_loss_error: float | None = None
    """The largest over the first steps of the timed program itself, at its own precision."""
    proven_at: str = ""
    """When, if it was proven in an earlier run, of the same code and versions on this machine."""
    reason: str = ""
    """If not the same work: what differs, where, by how much."""
    cause: str = ""
    """The known difference that reproduces it, if one does."""


class Phases(Struct, frozen=True, kw_only=True):
    """What it takes before the first steady step."""

    start_seconds: float
    import_seconds: float
    device_init_seconds: float
    build_seconds: float
    stage_seconds: float
    first_step_seconds: float


class Launch(Struct, frozen=True, kw_only=True):
    """One process of a row on a workload, up to its first block."""

    launch: int
    phases: Phases
    caches: Literal["cold", "warm"]
    """Whether compilers found what an earlier launch or run had left for them."""
    alone: bool
    """Whether nothing else was starting meanwhile: if not, the phases are upper bounds."""
    imported_alone: bool = True
    """The same of start, import and device init, where two processes may have shared the CPUs."""
    fresh: bool = True
    """Whether the process had trained nothing else: if it had, `start_seconds`, `import_seconds`
    and `device_init_seconds` lie before that, and what a framework prepares once was there."""
    warmup_ns: tuple[int, ...]
    """The first steps one by one, each synchronised."""
    settling_ns: tuple[int, ...] = ()
    """Nanoseconds per step of the short blocks that were watched until they were steady."""
    steady: bool = True
    compilations: int | None = None
    """Programs compiled for the step by the end of warm-up; None where nothing is compiled."""
    compiled_while_timed: int = 0
    """Programs compiled during the blocks: any makes the row unsteady."""
    block_steps: int = 0
    """Steps of the first block, from calibration; longer blocks may follow."""


class Noise(Struct, frozen=True, kw_only=True):
    """What disturbed a block and the steps that warmed it up; None where it cannot be read."""

    watched_ns: int | None = None
    """How long was watched. None, as in files of earlier versions, if it was the block alone."""
    watched_cpu_ns: int | None = None
    """CPU time of the worker meanwhile."""
    run_delay_ns: int | None = None
    """Time that the worker's threads were ready to run and did not, summed over threads."""
    involuntary_switches: int | None = None
    busy_ns: int | None = None
    """CPU time of everything on the CPUs of the budget, the worker included."""
    steal_ns: int | None = None
    """CPU time that the hypervisor gave to others, on the CPUs of the budget."""
    throttled: int | None = None
    """Periods in which the control group's quota was used up."""
    pressure_ns: int | None = None
    """Time in which some task waited for a CPU, by the kernel's pressure stall information."""
    gpu_throttled: bool | None = None
    """Whether the GPU slowed itself down for heat or power brakes."""


Cause = Literal["run-queue delay", "foreign CPU", "steal", "quota", "GPU throttling", "canary"]


class Block(Struct, frozen=True, kw_only=True):
    """Steps between two synchronisations."""

    launch: int
    round: int
    attempt: int = 0
    """0 for the first try of a round, 1 and more where the round was repeated."""
    position: int
    """The place of this row in its round."""
    steps: Annotated[int, Meta(ge=1)]
    wall_ns: Annotated[int, Meta(ge=1)]
    cpu_ns: int
    noise: Noise | None = None
    causes: tuple[Cause, ...] = ()
    """Why this block contaminates its round, if it does."""

    @property
    def watched_ns(self) -> int:
        """For how long the noise was counted."""
        seen = None if self.noise is None else self.noise.watched_ns
        return self.wall_ns if seen is None else seen

    @property
    def watched_cpu_ns(self) -> int:
        """CPU time of the worker while the noise was counted."""
        seen = None if self.noise is None else self.noise.watched_cpu_ns
        return self.cpu_ns if seen is None else seen


class Memory(Struct, frozen=True, kw_only=True):
    """Host memory of the worker, and the device's where it is another."""

    footprint_bytes: int
    """Resident after import and one operation, less a bare interpreter: what it costs to exist."""
    working_set_bytes: int
    """The peak of the steady steps less the level before building: what the model costs."""
    peak_bytes: int
    """The highest of any phase."""
    compile_peak_bytes: int | None = None
    """The peak from building to the end of the first step, less the level before."""
    steady_peak_bytes: int | None = None
    """The peak of the steps after the first."""
    device_peak_bytes: int | None = None
    device_reserved_bytes: int | None = None


class Plausibility(Struct, frozen=True, kw_only=True):
    """Signs that the clock saw the work; None where they were not taken."""

    doubling: float | None = None
    """t(2n) / t(n): 2 when the steps are what takes the time."""
    second_wait_seconds: float | None = None
    """A wait right after a wait: next to nothing when the first one waited."""
    read_back_seconds: float | None = None
    """Reading loss and weights right after a wait, less reading them after a pause."""
    losses_fell: bool | None = None
    canary: float | None = None
    """A product that strict float32 and the reduced precisions round apart, less its true value,
    relative: at most 2e-6 in float32, 1e-4 and more in TF32 or bfloat16."""


class Metric(Struct, frozen=True, kw_only=True):
    """A measure of quality that no gate asks for; macro averages where there are classes."""

    name: str
    """`precision`, `recall`, `f1`, `roc_auc`; `r2`; `perplexity`; or of the training data
    `train_accuracy`, `train_mean_absolute_error`, and `gap`."""
    value: float | None = None
    reason: str = ""
    """Why there is no value, in a sentence."""


class Quality(Struct, frozen=True, kw_only=True):
    """The result on the test data after the training plan."""

    metric: str
    value: float
    standard_error: float
    samples: int
    loss: float
    reached: bool | None
    """Whether the gate was reached; None if the workload has none."""
    trained_at: str = ""
    """When, if the plan was trained in an earlier run, of the same code, versions and seed."""
    metrics: tuple[Metric, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    """How often a class (row) was taken for which (column); empty where there are no classes, or
    too many."""


class Progress(Struct, frozen=True, kw_only=True):
    """How far a row had come at a step of its training plan."""

    step: Annotated[int, Meta(ge=1)]
    """The steps taken until then."""
    training_seconds: float
    """What they took; the first of them includes what it compiles."""
    loss: float
    """Of the batch of this step, before its update."""
    test_value: float | None = None
    """The metric of the quality, on the test data; None where it was not evaluated."""
    test_loss: float | None = None


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
    """The variables that were set for this row: what its backend asked for, and the allocator's."""
    first_losses: tuple[float, ...] = ()
    launches: tuple[Launch, ...] = ()
    blocks: tuple[Block, ...] = ()
    """All of them, those of contaminated rounds too."""
    plausibility: Plausibility | None = None
    memory: Memory | None = None
    oversubscribed: bool = False
    """Whether its own threads waited for each other on CPUs that nobody else used."""
    subnormal_share: float | None = None
    """Of the parameters after the rounds of the first launch: those that are not zero, but smaller
    than the normal numbers of float32, which many CPUs handle slowly. A framework that takes them
    for zero has none."""
    training_seconds: float | None = None
    """The whole training plan, the steps only."""
    evaluation_seconds: float | None = None
    quality: Quality | None = None
    folds: Folds | None = None
    """If cross-validation was asked for, and the row earned a speed."""
    history: tuple[Progress, ...] = ()
    """The training plan from its first step to its last; the last is what the quality is of."""

    @property
    def comparable(self) -> bool:
        """Whether it earned a speed: measured to the end, and proven to do the same work."""
        proven = self.certificate is not None and self.certificate.same_work
        return proven and self.outcome.status == "ok" and bool(self.blocks)
