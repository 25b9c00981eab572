"""What a row goes through between its first step and its rounds, and once more after them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.bench import checks, training
from envdoctor.bench.events import Doing
from envdoctor.bench.seat import WARMUP_STEPS
from envdoctor.model.outcome import OK
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.bench.scene import Scene
    from envdoctor.bench.seat import Seat

LATER_WARMUP_STEPS = 10
"""Where set-up is not what is timed: as many as are held to the reference's losses."""


def make_ready(scene: Scene, seat: Seat, share: float, *, timed: bool) -> Iterator[Doing]:
    """Warm up, train in the first launch, settle, and probe the clock; nothing else is awake.

    Args:
        scene: of the launch.
        seat: of a row that has taken its first step.
        share: of the starts that are done, for the progress.
        timed: whether set-up is timed.

    Raises:
        WorkerEnded: the row ends here, for the reason that the outcome gives.
    """
    title = seat.planned.title
    first = seat.launch == 0 and not seat.row.twin
    yield Doing(f"warming up {title}", share)
    seat.warm_up(scene.first_losses, WARMUP_STEPS if timed else LATER_WARMUP_STEPS)
    if first and scene.known.of(seat.row, scene.prepared.name) is None:
        if seat.row.reduced and scene.expected is not None:
            training.hold_to_precision(seat, scene.oracle, scene.expected)
        for part in training.train(seat):
            yield Doing(f"training {title}, {part:.0%} of the plan", share)
        _judge_training(scene, seat)
    elif first:
        training.measure_memory(seat)
    seat.settle(scene.preset.settle_seconds, scene.preset.block_seconds)
    if seat.cell.outcome.status != "ok":
        seat.keep(outcome=OK)
    if first:
        _probe(seat)


def check_last(scene: Scene, seat: Seat) -> None:
    """What became of the weights; once a run, the machine's ceiling and the products' precision.

    Raises:
        WorkerEnded: it multiplies in another precision than it says.
    """
    seat.wake()
    seat.keep(subnormal_share=seat.worker.subnormal_share())
    seat.sleep()
    seat.let_go()
    known = scene.precisions
    if seat.row not in known:
        seat.wake()
        scene.ceilings.measure(seat)
        known[seat.row] = checks.measure_precision(seat)
        seat.sleep()  # its threads would spin beside what the next row is measured by
    if refused := checks.judge_precision(seat, known[seat.row]):
        raise WorkerEnded(refused)


def _judge_training(scene: Scene, seat: Seat) -> None:
    """Accuracy, and the timed program held to float32; kept for the next run."""
    # Float64 was asked of another mode, or of the CPU: neither is what is timed.
    elsewhere = seat.planned.mode.exact or seat.row.device != "cpu"
    if elsewhere and not seat.row.reduced and scene.expected is not None:
        training.hold_to_float32(seat, scene.oracle, scene.expected)
    training.evaluate(seat)
    if kept := training.what_to_keep(seat, scene.first_losses):
        scene.known.keep(seat.planned, scene.record, kept)


def _probe(seat: Seat) -> None:
    found, steps_seconds = checks.probe(seat)
    seat.keep(plausibility=found)
    if refused := checks.suspicion(found, steps_seconds):
        raise WorkerEnded(refused)
