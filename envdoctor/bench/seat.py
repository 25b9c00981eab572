"""A row's worker on a workload in one launch: started once, then woken for a block at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from statistics import median
from typing import TYPE_CHECKING, Any

from msgspec import convert, structs

from envdoctor.bench.blocks import block_steps, next_steps
from envdoctor.bench.crew import Idle
from envdoctor.bench.parity.compare import G32, loss_error, within_reference
from envdoctor.bench.parity.evidence import full_data
from envdoctor.bench.parity.gate import finite, refuse
from envdoctor.bench.parity.reduced import loss_limit
from envdoctor.bench.settling import settle
from envdoctor.bench.worker import NANOSECOND, Worker
from envdoctor.child.job import Job
from envdoctor.model.cell import Block, Launch, Noise, Phases
from envdoctor.model.outcome import Outcome
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from envdoctor.bench.crew import Crew
    from envdoctor.bench.ledger import Ledger
    from envdoctor.bench.plan import PlannedRow
    from envdoctor.bench.worker import Host, Loaded
    from envdoctor.child.setting import Setting
    from envdoctor.model.cell import Cell, Row
    from envdoctor.workload.prepare import Prepared

WARMUP_STEPS = 20
"""Steps that are taken one by one: more than any backend here needs to become steady."""
REWARM_SECONDS = 0.01
"""After idling the first step is slower; a step at least, and as many as fit in this. No more: the
longer the rows of a round are apart, the less their noise has in common."""
GPU_REWARM_SECONDS = 0.3
"""A GPU lowers its clock when it idles, and takes longer to raise it."""
GPU_BLOCK_SECONDS = 0.25


@dataclass(frozen=True)
class FirstLosses:
    """What the reference says of the first timed steps."""

    losses: tuple[float, ...]
    reference_error: float
    """How far the reference's own float32 lies from them."""


class Seat:
    """One worker of a launch. Whatever it finds goes to the ledger; an ending is raised."""

    def __init__(
        self,
        host: Host,
        row: PlannedRow,
        prepared: Prepared,
        ledger: Ledger,
        launch: int,
        crew: Crew | None = None,
    ) -> None:
        """Nothing starts yet; `crew` are workers that go on from one workload to the next."""
        self.planned = row
        self.prepared = prepared
        self.launch = launch
        self.setting: Setting = row.setting(row.precision, len(host.cpus))
        self.loaded: Loaded
        self.built: dict[str, Any] = {}
        self.once_bytes = 0
        """What the process took for its first model and kept; that of this model is counted."""
        self._host = host
        self._ledger = ledger
        self._crew = crew
        self._worker: Worker | None = None
        self._fresh = True
        """Whether the worker has trained nothing else before."""
        self._is_loaded = False
        self._imported_alone = True
        self._position = 0
        """The next batch of the plan."""
        self._steps = 1
        """Of a block."""
        self._block_seconds = 0.0
        self.awake_cpu_ns: int | None = None
        """CPU time of the process between its latest two blocks; None if it has not had two."""
        self._cpu_ns: int | None = None
        """Its CPU time at the end of the latest block of a round."""
        self._losses: list[float] = []
        self._restarts = False

    @property
    def row(self) -> Row:
        """As it stands in the record."""
        return self.planned.row

    @property
    def cell(self) -> Cell:
        """What the record holds of it."""
        return self._ledger.cell(self.row, self.prepared.name)

    @property
    def worker(self) -> Worker:
        """The living worker."""
        assert self._worker is not None, "the seat was not opened"
        return self._worker

    def keep(self, **values: Any) -> None:
        """Enter values of the cell."""
        self._ledger.keep(self.row, self.prepared.name, **values)

    @property
    def is_open(self) -> bool:
        """Whether it has a process."""
        return self._worker is not None

    def open(self) -> None:
        """Start the process, unless one waits. It dies with the thread that calls this."""
        waiting = None if self._crew is None else self._crew.take(self.launch, self.row)
        self._fresh = waiting is None
        self._is_loaded = waiting is not None
        if waiting is not None:
            self._worker, self.loaded = waiting.worker, waiting.loaded
            self.once_bytes = waiting.once_bytes
            return
        self._worker = Worker(
            self._host, self.planned.backend, self.planned.interpreter, self.setting
        )

    def sleep(self) -> None:
        """Stop the idle process, whose thread pools would spin beside the active one."""
        if self._restarts:
            self.close()
        elif self._host.stopping and self._worker is not None:
            self._worker.pause()

    def wake(self) -> None:
        """Let the process go on, or start it anew where memory allows one at a time only."""
        if self._worker is None:
            self._restart()
        elif self._host.stopping:
            self.worker.resume()

    def live_alone(self) -> None:
        """From now on end the process instead of stopping it, and start it anew to wake it."""
        self._restarts = True
        self.close()

    def resident_bytes(self) -> int:
        """What the process occupies now."""
        return 0 if self._worker is None else self._worker.resident_bytes()

    def close(self) -> None:
        """End the process, in good order if it is alive."""
        if self._worker is not None:
            self._worker.resume()
            self._worker.stop()
            self._worker = None

    def leave(self) -> None:
        """Let the process wait for the next workload if there is a crew, or end it."""
        if self._crew is None or self._restarts or self._worker is None:
            self.close()
            return
        self._crew.leave(self.launch, self.row, Idle(self._worker, self.loaded, self.once_bytes))
        self._worker = None

    def let_go(self) -> None:
        """Let go of the first model of a process that goes on, and note what stays of it."""
        if self._crew is None or self._restarts or not self._fresh:
            return
        self.wake()
        before, stays = self.built["memory"], self.worker.drop()
        self.sleep()
        if before and stays is not None:
            self.once_bytes = max(0, stays - before["resident_bytes"])

    def kill(self) -> None:
        """End the process at once."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def load(self, *, alone: bool) -> None:
        """Import the framework and start the device, unless the process has.

        Args:
            alone: whether nothing else is starting meanwhile.
        """
        if self._is_loaded:
            return
        self.loaded = self.worker.load()
        self._is_loaded, self._imported_alone = True, alone

    def prepare(self, *, caches: str, alone: bool, turn: AbstractContextManager[object]) -> None:
        """Load, build and take the first step, which compiles what is compiled late.

        Args:
            caches: whether compilers find this program, `cold` or `warm`.
            alone: whether nothing else is starting meanwhile.
            turn: held while it builds and takes the step.
        """
        self.keep(environment=self.worker.variables)
        self.load(alone=alone)
        self.keep(version=self.loaded.version, versions=dict(self.loaded.versions))
        job = Job(self.prepared.workload, self.prepared.optimizer, self.setting)
        with turn:
            self.built = self.worker.build(job, self.prepared.weights(), full_data(self.prepared))
            walls, self._losses = self.worker.steps([0])
        self.built["compile_peak"] = self.worker.memory()["host"]
        self.worker.reset_peak()
        launch = Launch(
            launch=self.launch,
            phases=self._phases(walls[0]),
            caches="warm" if caches == "warm" else "cold",
            alone=alone,
            imported_alone=self._imported_alone,
            fresh=self._fresh,
            warmup_ns=tuple(walls),
        )
        self._ledger.keep_launch(self.row, self.prepared.name, launch)

    def warm_up(self, expected: FirstLosses, steps: int) -> None:
        """Take so many first steps in all, and hold their losses to the reference's.

        Raises:
            WorkerEnded: the first losses are not those of the specified work.
        """
        count = min(steps, self.prepared.steps)
        walls, losses = self.worker.steps(range(1, count))
        self.go_to(count)
        self._keep_launch(warmup_ns=(*self._launch.warmup_ns, *walls))
        self._check_losses([*self._losses, *losses], expected)

    def settle(self, seconds: float, block_seconds: float) -> None:
        """Take short blocks until they are steady, and choose the length of a block."""
        warm_up = [wall * NANOSECOND for wall in self._launch.warmup_ns]
        found = settle(lambda steps: self._take(steps, None), warm_up, seconds)
        on_cpu = self.setting.device == "cpu"
        self._block_seconds = block_seconds if on_cpu else max(block_seconds, GPU_BLOCK_SECONDS)
        self._steps = block_steps(found.latest_step_seconds, self._block_seconds)
        self._keep_launch(
            settling_ns=tuple(round(each / NANOSECOND) for each in found.step_seconds),
            steady=found.steady,
            compilations=found.compilations,
            block_steps=self._steps,
        )

    def take_block(self, number: int, attempt: int, position: int) -> Block:
        """Wake the worker, let it take one block, and put it to sleep again."""
        self.wake()
        on_cpu = self.setting.device == "cpu"
        steps = self._steps
        answer = self._take(steps, REWARM_SECONDS if on_cpu else GPU_REWARM_SECONDS)
        self.sleep()
        before, self._cpu_ns = self._cpu_ns, answer["process_cpu_ns"]
        self.awake_cpu_ns = None if before is None else self._cpu_ns - before
        self._steps = next_steps(steps, answer["wall_ns"] * NANOSECOND, self._block_seconds)
        launch = self._launch
        if launch.compilations is not None and answer["compilations"] is not None:
            more = answer["compilations"] - launch.compilations
            if more != launch.compiled_while_timed:
                self._keep_launch(compiled_while_timed=more, steady=False)
        if not isfinite(float(answer["loss"])):
            raise WorkerEnded(
                Outcome(status="failed", reason="the loss is no longer a number after training.")
            )
        return Block(
            launch=self.launch,
            round=number,
            attempt=attempt,
            position=position,
            steps=steps,
            wall_ns=answer["wall_ns"],
            cpu_ns=answer["cpu_ns"],
            noise=convert(answer["noise"], Noise),
        )

    def take_steps(self, seconds: float) -> int:
        """Train for about so long, as far as is known how long a step takes; the steps taken."""
        step_seconds = median(self._launch.settling_ns) * NANOSECOND
        steps = max(1, round(seconds / max(step_seconds, 1e-7)))
        self._take(steps, None)
        return steps

    def go_to(self, position: int) -> None:
        """Say which batch of the plan comes next."""
        self._position = position % self.prepared.steps

    def probe_clock(self, seconds: float, repeats: int) -> dict[str, Any]:
        """Signs that the clock sees the work, from blocks of about this length."""
        step_seconds = median(self._launch.settling_ns) * NANOSECOND
        steps = max(1, round(seconds / max(step_seconds, 1e-7)))
        return self.worker.probe_clock(self._position, steps, self.prepared.steps, repeats)

    @property
    def _launch(self) -> Launch:
        return self.cell.launches[-1]

    def _keep_launch(self, **values: Any) -> None:
        launch = structs.replace(self._launch, **values)
        self._ledger.keep_launch(self.row, self.prepared.name, launch)

    def _restart(self) -> None:
        self._cpu_ns = None
        self.open()
        self.load(alone=True)
        job = Job(self.prepared.workload, self.prepared.optimizer, self.setting)
        self.worker.build(job, self.prepared.weights(), full_data(self.prepared))
        count = min(WARMUP_STEPS, self.prepared.steps)
        self.worker.steps(range(count))
        self.go_to(count)

    def _take(self, steps: int, warm_seconds: float | None) -> dict[str, Any]:
        answer = self.worker.block(self._position, steps, self.prepared.steps, warm_seconds)
        self.go_to(self._position + steps)
        return answer

    def _phases(self, first_step_ns: int) -> Phases:
        return Phases(
            start_seconds=self.loaded.start_seconds,
            import_seconds=self.loaded.import_seconds,
            device_init_seconds=self.loaded.device_init_seconds,
            build_seconds=self.built["build_ns"] * NANOSECOND,
            stage_seconds=self.built["stage_ns"] * NANOSECOND,
            first_step_seconds=first_step_ns * NANOSECOND,
        )

    def _check_losses(self, losses: Sequence[float], expected: FirstLosses) -> None:
        """Hold the timed program itself, at its own precision, to the reference's losses."""
        if not all(isfinite(loss) for loss in losses):
            raise WorkerEnded(Outcome(status="failed", reason="the loss is not a number."))
        error = loss_error(losses[: len(expected.losses)], expected.losses)
        certificate = self.cell.certificate
        assert certificate is not None, "only what is proven is timed"
        certificate = structs.replace(certificate, timed_loss_error=finite(error))
        tier = G32
        if self.row.reduced:
            tier = replace(G32, loss=loss_limit(self.row.precision))
        same = within_reference(error, expected.reference_error, tier)
        if not same:
            certificate = structs.replace(
                certificate,
                same_work=False,
                reason=f"the timed program's losses depart by {error:.1e} within "
                f"{len(expected.losses)} steps.",
            )
        self.keep(certificate=certificate)
        if not self.cell.first_losses:
            self.keep(first_losses=tuple(losses))
        if not same:
            raise WorkerEnded(refuse(certificate))
