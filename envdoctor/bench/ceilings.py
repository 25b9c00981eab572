"""What this machine can do at most, asked of one worker of each backend, and what it forbids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envdoctor.bench.roofline import merge_ceiling, parse_products
from envdoctor.model.outcome import Outcome
from envdoctor.statistics.blocks import summarise
from envdoctor.statistics.pairing import kept_blocks
from envdoctor.statistics.utilisation import refusal
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from envdoctor.bench.ledger import Ledger
    from envdoctor.bench.seat import Seat
    from envdoctor.model.run import Ceiling

PRODUCT_SECONDS = 0.25
"""The longest single product: larger ones would take longer than they are worth."""

ANSWERED = {"failed", "out_of_memory", "unsupported"}
"""Endings that a living worker tells of itself."""


class Ceilings:
    """Answers as they come in; each backend is asked once in a run."""

    def __init__(self) -> None:
        self._products: dict[str, dict[int, float]] = {}
        self._copies: list[Any] = []

    def measure(self, seat: Seat) -> None:
        """Ask a seat, unless its backend was asked before or it computes in another precision."""
        backend = seat.row.backend
        if seat.row.reduced:
            return  # the peak is that of strict float32
        if backend in self._products:
            return
        self._products[backend] = {}
        # What is copied is the host's memory, which is no limit of a GPU's.
        copying = seat.row.device == "cpu" and not any(self._copies)
        try:
            answer = seat.worker.ask("ceiling", seconds=PRODUCT_SECONDS, copying=copying)
        except WorkerEnded as ended:
            if ended.outcome.status in ANSWERED:
                return  # the worker lives, and its row is not judged by its product
            raise
        self._products[backend] = parse_products(answer["products"])
        self._copies.append(answer["copy_bytes_per_second"])

    def merged(self) -> Ceiling | None:
        """The highest of all answers."""
        return merge_ceiling(self._products.items(), self._copies)


def refuse_the_impossible(ledger: Ledger) -> None:
    """Refuse rows that seem to do more than the machine can: the clock did not see their work."""
    run = ledger.run
    if run.ceiling is None:
        return
    records = {record.name: record for record in run.workloads}
    for cell in run.cells:
        step = summarise(kept_blocks(run, cell))
        if step is None or not cell.comparable or cell.row.reduced:
            continue
        if sentence := refusal(records[cell.workload], step.seconds, run.ceiling):
            outcome = Outcome(status="different", reason=sentence)
            ledger.keep(cell.row, cell.workload, outcome=outcome)
