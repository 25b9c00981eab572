"""Measures one cell: the training plan from a cold start, then blocks of steady steps."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import structs

from envdoctor.bench.blocks import block_steps, record_block, record_memory
from envdoctor.bench.events import Doing
from envdoctor.bench.parity.compare import G32, loss_error, within_reference
from envdoctor.bench.parity.evidence import Evidence, full_data
from envdoctor.bench.parity.gate import certify_timed, finite, refuse
from envdoctor.bench.quality import assess
from envdoctor.bench.records import gate_of
from envdoctor.bench.worker import NANOSECOND, Worker
from envdoctor.child.job import Job
from envdoctor.model.outcome import Outcome
from envdoctor.model.run import Cell, Phases
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envdoctor.bench.plan import PlannedRow
    from envdoctor.bench.prove import Expected, Oracle
    from envdoctor.bench.worker import Host, Loaded
    from envdoctor.model.run import Certificate
    from envdoctor.workload.prepare import Prepared

WARMUP_STEPS = 20
"""Steps that are taken one by one: more than any backend here needs to become steady."""
SHORTEST_SHARE = 0.75
"""A block that lasts less than this share of what is wanted is too short."""
CHUNK_SECONDS = 2.0
"""How long the training plan runs without a word: progress is shown in between."""


class Measurement:
    """A cell in the making; whatever happens, what was measured until then is kept."""

    def __init__(
        self, host: Host, row: PlannedRow, prepared: Prepared, certificate: Certificate
    ) -> None:
        self._host = host
        self._row = row
        self._prepared = prepared
        self._position = 0
        """The next batch of the plan."""
        self._training_seconds = 0.0
        self._step_seconds = 0.0
        self._last_loss = 0.0
        self.cell = Cell(
            row=row.row,
            workload=prepared.name,
            outcome=Outcome(status="failed", reason="it was interrupted."),
            certificate=certificate,
        )

    def run(
        self, reference: tuple[Oracle, Expected], rounds: int, block_seconds: float
    ) -> Iterator[Doing]:
        """Measure; yields what it is at. Endings of the worker become the cell's outcome."""
        oracle, expected = reference
        setting = self._row.setting("fp32", len(self._host.cpus))
        try:
            yield Doing("starting", 0.0)
            with Worker(self._host, self._row.backend, self._row.interpreter, setting) as worker:
                self._keep(environment=worker.variables)
                loaded = worker.load()
                self._keep(version=loaded.version, versions=dict(loaded.versions))
                job = Job(self._prepared.workload, self._prepared.optimizer, setting)
                yield Doing("building and compiling", 0.1)
                built = worker.build(job, self._prepared.weights(), full_data(self._prepared))
                if not self._warm_up(worker, expected):
                    return
                if self._row.mode.exact and not self._hold_to(worker, oracle, expected):
                    return
                yield from self._finish_plan(worker)
                self._evaluate(worker, loaded, built)
                yield from self._blocks(worker, loaded, built, rounds, block_seconds)
                worker.stop()
            self._keep(outcome=self._verdict())
        except WorkerEnded as ended:
            self._keep(outcome=ended.outcome)

    def _keep(self, **values: Any) -> None:
        self.cell = structs.replace(self.cell, **values)

    def _warm_up(self, worker: Worker, expected: Expected) -> bool:
        """Take the first steps and compare their losses; whether it is worth going on."""
        count = min(WARMUP_STEPS, self._prepared.steps)
        walls, losses = worker.steps(range(count))
        self._position = count
        self._keep(warmup_ns=tuple(walls), first_losses=tuple(loss for loss in losses))
        if not all(isfinite(loss) for loss in losses):
            self._keep(
                first_losses=(),
                outcome=Outcome(status="failed", reason="the loss is not a number."),
            )
            return False
        return self._same_losses(losses, expected)

    def _same_losses(self, losses: Sequence[float], expected: Expected) -> bool:
        """Hold the timed program itself, at its own precision, to the oracle's losses."""
        error = loss_error(losses[: len(expected.timed_losses)], expected.timed_losses)
        certificate = self.cell.certificate
        assert certificate is not None
        certificate = structs.replace(certificate, timed_loss_error=finite(error))
        same = within_reference(error, expected.timed_reference_error, G32)
        if not same:
            certificate = structs.replace(
                certificate,
                same_work=False,
                reason=f"the timed program's losses depart by {error:.1e} within "
                f"{len(expected.timed_losses)} steps.",
            )
            self._keep(outcome=refuse(certificate))
        self._keep(certificate=certificate)
        return same

    def _hold_to(self, worker: Worker, oracle: Oracle, expected: Expected) -> bool:
        """Compare the timed program's outputs and gradients with the oracle's, where it stands now.

        The weights are the worker's own after its first steps, so nothing is built or compiled
        again: what is compared is what is timed.
        """
        weights = {name: value.astype(np.float64) for name, value in worker.weights().items()}
        task = replace(expected.timed, weights=weights)
        found = Evidence(*worker.differentiate(0))
        certificate = certify_timed(found, oracle.side, task)
        oracle.close()
        kept = self.cell.certificate
        assert kept is not None
        certificate = structs.replace(
            certificate,
            exact_through=self._row.mode.exact,
            optimizer=kept.optimizer,
            timed_loss_error=kept.timed_loss_error,
        )
        self._keep(certificate=certificate)
        if not certificate.same_work:
            self._keep(outcome=refuse(certificate))
        return certificate.same_work

    def _finish_plan(self, worker: Worker) -> Iterator[Doing]:
        """The rest of the training plan, in chunks that leave time for a word."""
        total = self._prepared.steps
        seconds = sum(self.cell.warmup_ns) * NANOSECOND
        step_seconds = self.cell.warmup_ns[-1] * NANOSECOND
        while self._position < total:
            yield Doing(f"training, step {self._position} of {total}", 0.2 + self._share(0.5))
            chunk = max(1, int(CHUNK_SECONDS / max(step_seconds, 1e-6)))
            steps = min(total - self._position, chunk)
            answer = worker.block(self._position, steps, total)
            self._position += steps
            seconds += answer["wall_ns"] * NANOSECOND
            step_seconds = answer["wall_ns"] * NANOSECOND / steps
        self._training_seconds = seconds
        self._step_seconds = step_seconds

    def _share(self, weight: float) -> float:
        return weight * self._position / self._prepared.steps

    def _evaluate(self, worker: Worker, loaded: Loaded, built: dict[str, Any]) -> None:
        outputs, evaluation_seconds = worker.evaluate("test")
        prepared = self._prepared
        self._keep(
            phases=Phases(
                start_seconds=loaded.start_seconds,
                import_seconds=loaded.import_seconds,
                device_init_seconds=loaded.device_init_seconds,
                build_seconds=built["build_ns"] * NANOSECOND,
                stage_seconds=built["stage_ns"] * NANOSECOND,
                first_step_seconds=self.cell.warmup_ns[0] * NANOSECOND,
                training_seconds=self._training_seconds,
                evaluation_seconds=evaluation_seconds,
            )
        )
        targets = prepared.samples.test_targets
        if not isfinite(float(outputs.sum())):
            return
        quality = assess(outputs, targets, prepared.workload.loss, gate_of(prepared))
        self._keep(quality=quality)

    def _calibrate(self, worker: Worker, block_seconds: float) -> tuple[int, int | None]:
        """Steps for a block of the wanted length, from blocks that count for nothing else.

        A guess from the last training steps may be far off on a busy machine, so a block that
        turns out too short is followed by a longer one.
        """
        steps = block_steps(self._step_seconds, block_seconds)
        while True:
            answer = self._block(worker, steps)
            seconds = answer["wall_ns"] * NANOSECOND
            wanted = block_steps(seconds / steps, block_seconds)
            if seconds >= SHORTEST_SHARE * block_seconds or wanted <= steps:
                return wanted, answer["compilations"]
            steps = wanted

    def _block(self, worker: Worker, steps: int) -> dict[str, Any]:
        answer = worker.block(self._position, steps, self._prepared.steps)
        self._position = (self._position + steps) % self._prepared.steps
        self._last_loss = float(answer["loss"])
        return answer

    def _blocks(
        self,
        worker: Worker,
        loaded: Loaded,
        built: dict[str, Any],
        rounds: int,
        block_seconds: float,
    ) -> Iterator[Doing]:
        before = worker.memory()
        worker.reset_peak()
        yield Doing("timing, finding the length of a block", 0.7)
        steps, compiled = self._calibrate(worker, block_seconds)
        for number in range(rounds):
            yield Doing(f"timing, block {number + 1} of {rounds}", 0.72 + 0.28 * number / rounds)
            answer = self._block(worker, steps)
            self._keep(
                blocks=(*self.cell.blocks, record_block(answer, number, steps)),
                compilations=answer["compilations"],
                compiled_while_timed=(answer["compilations"] or 0) - (compiled or 0),
            )
        self._keep(memory=record_memory(loaded, built, before, worker.memory()))

    def _verdict(self) -> Outcome:
        """Ok, unless the numbers contradict that anything was learnt."""
        if self.cell.quality is None or not isfinite(self._last_loss):
            return Outcome(status="failed", reason="the loss is no longer a number after training.")
        return Outcome(status="ok")
