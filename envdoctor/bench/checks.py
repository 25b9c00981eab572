"""Plausibility of a timed row: signs that the clock saw the work, in the precision that it says."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from msgspec import structs

from envdoctor.bench import precision_canary
from envdoctor.bench.worker import NANOSECOND
from envdoctor.model.cell import Plausibility
from envdoctor.model.outcome import Outcome
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from envdoctor.bench.seat import Seat

PROBE_SECONDS = 0.03
REPEATS = 2
"""Of each probe but the first, which is enough for nearly every row."""
ENOUGH_PROBES = 5
"""The last one takes blocks of half a second: where a host takes the CPUs away for tenths of a
second, honest rows were seen far from 2 in all shorter ones."""
MOST_PROBES = 7
"""Of a row that would be refused else. With one of two CPUs kept busy, an honest row was seen at
1.48 after five; the last two take blocks of one and two seconds. A dishonest row costs them all."""
LEAST_DOUBLING = 1.5
MOST_DOUBLING = 3.0
"""Where steps are skipped the ratio is near 1. On machines that others share, honest rows were seen
at 1.7 after all probes, so that a narrower range would refuse them."""
USUAL_DOUBLING = (1.8, 2.2)
"""With a ratio in here, and no late result, nothing is probed again."""
BUSY_SHARE = 0.5
"""Of the steps' time, from which on their CPU time is an estimate too."""
LATE_SECONDS = 1e-3
"""A wait after a wait, or a result after a wait, that takes longer than this ..."""
LATE_SHARE = 0.05
"""... and than this share of the steps it follows was not waited for."""
READ_TOLERANCE = 0.2
"""How much longer the same reading may take by chance: large weights take long to copy."""


def probe(seat: Seat) -> tuple[Plausibility, float]:
    """Probe the clock of a settled seat, and look at the losses that it began with.

    Returns:
        What was found, and the seconds that the probed steps took.
    """
    found, seconds = probe_clock(seat.probe_clock)
    losses = seat.cell.first_losses
    return structs.replace(found, losses_fell=_fell(losses) if losses else None), seconds


def probe_clock(
    ask: Callable[[float, int], Mapping[str, Sequence[int]]],
) -> tuple[Plausibility, float]:
    """Probe a clock, and again while the machine may be what is to blame.

    Args:
        ask: takes the seconds of a block and a number of repeats; answers as a worker does.

    Returns:
        What was found, and the seconds that the probed steps took.
    """
    answer: dict[str, Sequence[int]] = {}
    ratios: list[float] = []
    seconds = PROBE_SECONDS
    while True:
        latest = ask(seconds, REPEATS if ratios else 1)
        answer = {name: (*answer.get(name, ()), *values) for name, values in latest.items()}
        ratios.append(_doubling(latest))
        found, single_seconds = _signs(answer, ratios)
        usual = USUAL_DOUBLING[0] <= ratios[-1] <= USUAL_DOUBLING[1]
        believed = suspicion(found, single_seconds) is None
        enough = ENOUGH_PROBES if believed else MOST_PROBES
        if (believed and usual) or len(ratios) >= enough:
            return found, single_seconds
        seconds *= 2  # what comes and goes on a shared machine averages out in longer blocks


def _signs(
    answer: Mapping[str, Sequence[int]], ratios: Sequence[float]
) -> tuple[Plausibility, float]:
    """What all probes so far say, and the least time of the probed steps."""
    found = Plausibility(
        doubling=min(ratios, key=lambda ratio: abs(ratio - 2)),
        second_wait_seconds=min(answer["second_wait_ns"]) * NANOSECOND,
        read_back_seconds=_late_seconds(answer),
    )
    return found, min(answer["single_ns"]) * NANOSECOND


def suspicion(found: Plausibility, block_seconds: float) -> Outcome | None:
    """Why the times of a row cannot be believed; None if they can.

    Args:
        found: what the probe found.
        block_seconds: how long the probed steps took, which a late result is compared with.
    """
    late = max(LATE_SECONDS, LATE_SHARE * block_seconds)
    if (found.second_wait_seconds or 0.0) > late or (found.read_back_seconds or 0.0) > late:
        slowest = max(found.second_wait_seconds or 0.0, found.read_back_seconds or 0.0)
        return _refused(
            f"its `wait` returns before the work is done: results came {slowest * 1e3:.3g} ms "
            "after it."
        )
    if found.doubling is not None and not LEAST_DOUBLING <= found.doubling <= MOST_DOUBLING:
        return _refused(
            f"twice the steps take {found.doubling:.2f}x the time, not 2x: the clock does not "
            "see the steps."
        )
    return None


def measure_precision(seat: Seat) -> float | None:
    """Multiply numbers that reduced precisions round; the largest relative error of the products.

    It replaces the trainer, so it comes last. None if the backend has not the layers for it.
    """
    worker = seat.worker
    precision = seat.row.precision
    try:
        worker.build(
            precision_canary.canary_job(seat.setting),
            precision_canary.canary_weights(),
            precision_canary.canary_data(precision),
        )
    except WorkerEnded as ended:
        if ended.outcome.status == "unsupported":
            return None  # a backend without convolutions is not to blame for our choice of layers
        raise
    outputs, _ = worker.evaluate("test")
    return precision_canary.canary_error(outputs, precision)


def judge_precision(seat: Seat, error: float | None) -> Outcome | None:
    """Enter the error of a row's products, and refuse the row if it is that of another precision.

    Args:
        seat: of the row, on any workload.
        error: as `measure_precision` found it; None says nothing.
    """
    if error is None:
        return None
    kept = seat.cell.plausibility or Plausibility()
    seat.keep(plausibility=structs.replace(kept, canary=error))
    sentence = precision_canary.verdict(error, seat.row.precision)
    return _refused(sentence) if sentence else None


def _doubling(answer: Mapping[str, Sequence[int]]) -> float:
    """t(2n) / t(n) in four ways; the one that is nearest to 2.

    By the clock and by CPU time, from the least of each and from the pairs. On a busy machine one
    or the other goes wrong: something always runs beside, or the machine is quick for a moment.
    When steps are skipped or put off, all of them are far from 2.
    """
    # CPU time says something only where it is what takes the time: not beside a GPU or a sleep.
    busy = sum(answer["single_cpu_ns"]) >= BUSY_SHARE * sum(answer["single_ns"])
    ratios = []
    for kind in ("", "_cpu") if busy else ("",):
        single = [max(1, each) for each in answer[f"single{kind}_ns"]]
        double = answer[f"double{kind}_ns"]
        ratios.append(min(double) / min(single))
        ratios.append(median(b / a for a, b in zip(single, double, strict=True)))
    return min(ratios, key=lambda ratio: abs(ratio - 2))


def _refused(reason: str) -> Outcome:
    return Outcome(status="different", reason=reason)


def _fell(losses: Sequence[float]) -> bool:
    """Whether the later half of the losses lies below the earlier half."""
    half = max(1, len(losses) // 2)
    return median(losses[-half:]) < median(losses[:half])


def _late_seconds(answer: Mapping[str, Sequence[int]]) -> float:
    """How much longer reading the results took at once than after a pause; the least of all."""
    usual_ns = min(answer["read_later_ns"]) * (1 + READ_TOLERANCE)
    late = min(answer["read_at_once_ns"]) - usual_ns
    return max(0.0, late * NANOSECOND)
