"""Runs the gate alone: every row on every workload, in float64 and in strict float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from envdoctor.bench.caches import Caches
from envdoctor.bench.events import Began, Ended, Event, Piece
from envdoctor.bench.folder import RunFolder
from envdoctor.bench.parity.gate import refuse
from envdoctor.bench.plan import ORACLE
from envdoctor.bench.prove import Expected, Oracle, Suspect
from envdoctor.bench.proving import expect_seconds, prove_seconds
from envdoctor.bench.worker import Host
from envdoctor.model.outcome import OK
from envdoctor.model.parity import Entry, Matrix, Reference
from envdoctor.model.run import BrokenPlugin
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from envdoctor.bench.engine import Order
    from envdoctor.bench.plan import PlannedRow
    from envdoctor.model.cell import Row
    from envdoctor.workload.prepare import Prepared


def planned_pieces(order: Order) -> list[Piece]:
    """All pieces of work, in their order."""
    return [
        *(Piece("reference", expect_seconds(each), each.name) for each in order.workloads),
        *(
            Piece("proving", prove_seconds(row, each), each.name)
            for row, _ in tested(order)
            for each in order.workloads
        ),
    ]


def tested(order: Order) -> list[tuple[PlannedRow, str]]:
    """The rows with the precisions that they are tested in.

    The reference in float64 is what the others are compared with; it is checked by differences.
    """
    return [
        (row, precision)
        for row in order.rows
        for precision in ("fp64", "fp32")
        if precision in row.backend.precisions and (row.backend.name, precision) != (ORACLE, "fp64")
    ]


def parity(order: Order) -> Generator[Event, None, Matrix]:
    """Test all; returns the matrix.

    Raises:
        IncompleteError: the reference itself fails.
    """
    matrix = Matrix(
        unavailable=order.choice.unavailable,
        broken_plugins=tuple(BrokenPlugin(plugin=b.plugin, reason=b.reason) for b in order.broken),
    )
    if not order.rows:
        return matrix
    with RunFolder() as folder:
        host = Host(folder, order.cpus, order.worker_seconds, Caches(folder.path / "compiled"))
        with Oracle(host, order.oracle) as oracle:
            expected: dict[str, Expected] = {}
            for prepared in order.workloads:
                title = f"{prepared.name}: computing the reference"
                yield Began(title, expect_seconds(prepared), "reference", prepared.name)
                found = expected[prepared.name] = oracle.expect(prepared)
                yield Ended()
                reference = Reference(
                    workload=prepared.name, finite_difference_error=found.oracle_error
                )
                matrix = structs.replace(matrix, references=(*matrix.references, reference))
            for row, precision in tested(order):
                entries: list[Entry] = []
                yield from _test(order, host, oracle, expected, (row, precision), entries)
                matrix = structs.replace(matrix, entries=(*matrix.entries, *entries))
    return matrix


def _test(
    order: Order,
    host: Host,
    oracle: Oracle,
    expected: dict[str, Expected],
    planned: tuple[PlannedRow, str],
    entries: list[Entry],
) -> Iterator[Event]:
    row, precision = planned
    # Float64 is asked of the CPU, whatever the device of the row.
    device = row.setting(precision, len(host.cpus)).device
    record = structs.replace(row.row, precision=precision, device=device)
    with Suspect(host, row, precision) as suspect:
        for prepared in order.workloads:
            yield Began(
                f"{prepared.name}: proving {record.title} in {precision}",
                prove_seconds(row, prepared),
                "proving",
                prepared.name,
            )
            entries.append(_entry(suspect, oracle, expected[prepared.name], record, prepared))
            yield Ended()


def _entry(
    suspect: Suspect, oracle: Oracle, expected: Expected, record: Row, prepared: Prepared
) -> Entry:
    try:
        certificate = suspect.certify(oracle, expected)
    except WorkerEnded as ended:
        return Entry(row=record, workload=prepared.name, outcome=ended.outcome)
    outcome = OK if certificate.same_work else refuse(certificate)
    return Entry(row=record, workload=prepared.name, outcome=outcome, certificate=certificate)
