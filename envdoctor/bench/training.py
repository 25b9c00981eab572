"""The training plan of a row's first launch: accuracy, memory, and proof of the timed program."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import structs

from envdoctor.bench.blocks import record_memory
from envdoctor.bench.milestones import evaluation_steps, loss_steps
from envdoctor.bench.parity.evidence import Evidence
from envdoctor.bench.parity.gate import certify_timed, refuse
from envdoctor.bench.parity.reduced import certify_reduced
from envdoctor.bench.quality import assess, compare_with_training
from envdoctor.bench.records import gate_of
from envdoctor.bench.store import Kept
from envdoctor.bench.worker import NANOSECOND
from envdoctor.model.cell import Progress
from envdoctor.model.outcome import Outcome
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from envdoctor.bench.ledger import Ledger
    from envdoctor.bench.prove import Expected, Oracle
    from envdoctor.bench.seat import FirstLosses, Seat
    from envdoctor.model.cell import Quality, Row

CHUNK_SECONDS = 2.0
"""How long the training plan runs without a word: progress is shown in between."""
EPOCHS_FOR_A_GAP = 4.0
"""How often a plan must see each training sample for the gap to the test data to be asked for.

Fewer teach little by heart, and outputs for all training samples, a third of the work of an epoch,
would take more than a twelfth of the time of the training.
"""


def train(seat: Seat) -> Iterator[float]:
    """Take what is left of the plan after warm-up, under no block's clock; yields the share done.

    On the way it enters how the training goes and, before an evaluation can add to it, the
    memory.

    Raises:
        WorkerEnded: the worker died or failed, or what it computes is no number.
    """
    steps = seat.prepared.steps
    walls = seat.cell.launches[-1].warmup_ns
    taken, seconds, told = len(walls), sum(walls) * NANOSECOND, -CHUNK_SECONDS
    step_seconds = walls[-1] * NANOSECOND
    points = loss_steps(steps, step_seconds)
    evaluations = sorted(step for step in evaluation_steps(seat.prepared) if step > taken)
    seat.keep(history=tuple(_warmed_up(seat, points)))
    for point in points:
        while taken < point:
            if seconds - told >= CHUNK_SECONDS:
                yield taken / steps
                told = seconds
            chunk = max(1, min(point - taken, int(CHUNK_SECONDS / max(step_seconds, 1e-7))))
            answer = seat.worker.block(taken, chunk, steps, None)
            seconds += answer["wall_ns"] * NANOSECOND
            step_seconds = answer["wall_ns"] * NANOSECOND / chunk
            taken += chunk
            if taken == point:
                loss = float(answer["loss"])
                _reach(seat, Progress(step=point, training_seconds=seconds, loss=loss), evaluations)
    if not evaluations:
        measure_memory(seat)
    seat.go_to(0)
    seat.keep(training_seconds=seconds)


def measure_memory(seat: Seat) -> None:
    """Enter the peaks of compiling and of the steps since; nothing is being timed meanwhile."""
    after = seat.worker.memory()
    seat.keep(memory=record_memory(seat.loaded, seat.built, after, seat.once_bytes))


def evaluate(seat: Seat) -> None:
    """Run the model over the test data and enter its quality.

    Raises:
        WorkerEnded: the outputs are no numbers.
    """
    outputs, seconds = _outputs(seat, "after training")
    seat.keep(evaluation_seconds=seconds)
    prepared = seat.prepared
    if prepared.samples.synthetic:
        return  # from made-up data nothing can be learnt: an accuracy would mean nothing
    quality = _assess(seat, outputs)
    if prepared.epochs >= EPOCHS_FOR_A_GAP:
        learnt, _ = seat.worker.evaluate("train")
        quality = compare_with_training(quality, learnt, prepared.samples.train_targets)
    *before, last = seat.cell.history
    seat.keep(quality=quality, history=(*before, _evaluated(last, quality)))


def _warmed_up(seat: Seat, points: Sequence[int]) -> Iterator[Progress]:
    """The points that lie within the warm-up, whose steps were taken one by one."""
    walls = accumulate(seat.cell.launches[-1].warmup_ns)
    taken = zip(walls, seat.cell.first_losses, strict=True)
    for step, (wall_ns, loss) in enumerate(taken, start=1):
        if step in points:
            yield Progress(step=step, training_seconds=wall_ns * NANOSECOND, loss=loss)


def _reach(seat: Seat, progress: Progress, evaluations: Sequence[int]) -> None:
    """Enter a point at once, so that a row that ends later shows how far it came."""
    if not isfinite(progress.loss):
        raise _no_number(f"after {progress.step} steps of training")
    if progress.step in evaluations:
        if progress.step == evaluations[0]:
            measure_memory(seat)
        outputs, _ = _outputs(seat, f"after {progress.step} steps of training")
        progress = _evaluated(progress, _assess(seat, outputs))
    seat.keep(history=(*seat.cell.history, progress))


def _outputs(seat: Seat, when: str) -> tuple[NDArray[Any], float]:
    """The outputs for the test data, and the seconds they took."""
    outputs, seconds = seat.worker.evaluate("test")
    if not isfinite(float(outputs.sum())):
        raise _no_number(when)
    return outputs, seconds


def _assess(seat: Seat, outputs: NDArray[Any]) -> Quality:
    prepared = seat.prepared
    targets = prepared.samples.test_targets
    return assess(outputs, targets, prepared.workload.loss, gate_of(prepared))


def _evaluated(progress: Progress, quality: Quality) -> Progress:
    return structs.replace(progress, test_value=quality.value, test_loss=quality.loss)


def _no_number(when: str) -> WorkerEnded:
    return WorkerEnded(Outcome(status="failed", reason=f"the loss is no longer a number {when}."))


def hold_to_float32(seat: Seat, oracle: Oracle, expected: Expected) -> None:
    """Compare the timed program's outputs and gradients with the oracle's, where it stands now.

    The weights are the worker's own after its training, so nothing is built or compiled again:
    what is compared is what is timed.

    Raises:
        WorkerEnded: it does other work.
    """
    worker = seat.worker
    weights = {name: value.astype(np.float64) for name, value in worker.weights().items()}
    task = replace(expected.timed, weights=weights)
    found = Evidence(*worker.differentiate(0))
    certificate = certify_timed(found, oracle.side, task)
    oracle.close()
    kept = seat.cell.certificate
    assert kept is not None
    certificate = structs.replace(
        certificate,
        exact_through=seat.planned.proof.mode.name,
        optimizer=kept.optimizer,
        timed_loss_error=kept.timed_loss_error,
    )
    seat.keep(certificate=certificate)
    if not certificate.same_work:
        raise WorkerEnded(refuse(certificate))


def hold_to_precision(seat: Seat, oracle: Oracle, expected: Expected) -> None:
    """Compare a timed program of reduced precision with the oracle's, early in its training.

    Early, because the gradients of a trained model are differences of nearly equal numbers, of
    which few bits leave nothing.

    Raises:
        WorkerEnded: it does other work than its rounding explains.
    """
    worker = seat.worker
    weights = {name: value.astype(np.float64) for name, value in worker.weights().items()}
    found = Evidence(*worker.differentiate(0))
    task = replace(expected.timed, weights=weights)
    certificate = certify_reduced(found, oracle.side, task, seat.row.precision)
    oracle.close()
    kept = seat.cell.certificate
    assert kept is not None
    certificate = structs.replace(
        certificate,
        exact_through=seat.planned.proof.mode.name,
        optimizer=kept.optimizer,
        timed_loss_error=kept.timed_loss_error,
    )
    seat.keep(certificate=certificate)
    if not certificate.same_work:
        raise WorkerEnded(refuse(certificate))


def what_to_keep(seat: Seat, losses: FirstLosses) -> Kept | None:
    """What the next run need not do again; None if something is missing."""
    cell = seat.cell
    if cell.certificate is None or cell.quality is None or cell.training_seconds is None:
        return None
    return Kept(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        certificate=cell.certificate,
        quality=cell.quality,
        training_seconds=cell.training_seconds,
        evaluation_seconds=cell.evaluation_seconds or 0.0,
        timed_losses=losses.losses,
        timed_reference_error=losses.reference_error,
        history=cell.history,
    )


def enter_kept(ledger: Ledger, row: Row, workload: str, kept: Kept) -> None:
    """Enter what an earlier run has found of a row, with its date; a twin has only the proof."""
    ledger.keep(row, workload, certificate=structs.replace(kept.certificate, proven_at=kept.at))
    if not row.twin:
        ledger.keep(
            row,
            workload,
            quality=structs.replace(kept.quality, trained_at=kept.at),
            training_seconds=kept.training_seconds,
            evaluation_seconds=kept.evaluation_seconds,
            history=kept.history,
        )
