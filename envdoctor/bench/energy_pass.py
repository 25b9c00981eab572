"""The energy pass: the rows of a launch train in turn, without a break, under an energy counter."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from envdoctor.bench.energy import LEAST_REPEATS, EnergyMeter, Spent, summarise
from envdoctor.bench.events import Doing
from envdoctor.errors import IncompleteError
from envdoctor.model.run import Energy
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.bench.energy import Counter
    from envdoctor.bench.launching import Launch
    from envdoctor.bench.ledger import Ledger
    from envdoctor.bench.seat import Seat

PIECE_SECONDS = 1.0
"""How long the worker trains between two looks at the clock."""


def measure_energies(launch: Launch, counter: Counter, ledger: Ledger) -> Iterator[Doing]:
    """Measure all rows but the twin, in turn, and enter what came of it.

    A counter that fails ends the pass with its reason; it is no reason to end the run.
    """
    meter = EnergyMeter(counter)
    spent: dict[Seat, list[Spent]] = {seat: [] for seat in launch.seats if not seat.row.twin}
    try:
        yield Doing("measuring what idling takes", 1.0)
        idle_watts = meter.idle_watts()
        for number in range(LEAST_REPEATS):
            for seat in [seat for seat in spent if seat in launch.seats]:
                yield Doing(f"energy of {seat.row.title}, {number + 1} of {LEAST_REPEATS}", 1.0)
                _spend(launch, seat, meter, spent[seat])
    except IncompleteError as error:
        ledger.change(energy_note=error.sentence)
        return
    for seat, repeats in spent.items():
        if len(repeats) == LEAST_REPEATS:
            _enter(ledger, seat, meter.source, repeats, idle_watts)


def _spend(launch: Launch, seat: Seat, meter: EnergyMeter, repeats: list[Spent]) -> None:
    try:
        seat.wake()
        repeats.append(meter.spend(lambda seconds: _train(seat, seconds)))
        seat.sleep()
    except WorkerEnded as ended:
        launch.drop(seat, ended)


def _train(seat: Seat, seconds: float) -> int:
    """Train for about so long; the number of samples."""
    begun = monotonic()
    steps = 0
    while monotonic() - begun < seconds:
        steps += seat.take_steps(PIECE_SECONDS)
    return steps * seat.prepared.workload.batch


def _enter(
    ledger: Ledger, seat: Seat, source: str, repeats: list[Spent], idle_watts: float
) -> None:
    found = summarise(repeats, idle_watts)
    energy = Energy(
        row=seat.row,
        workload=seat.prepared.name,
        source=source,
        joules_per_sample=found.joules_per_sample,
        low=found.low,
        high=found.high,
        watts=found.watts,
        idle_watts=found.idle_watts,
        net_joules_per_sample=found.net_joules_per_sample,
    )
    ledger.change(energies=(*ledger.run.energies, energy))
