"""What is known of the rows of a run before it begins, from earlier runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.bench.seat import FirstLosses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.bench.plan import PlannedRow
    from envdoctor.bench.prove import Expected
    from envdoctor.bench.store import Kept, Store
    from envdoctor.model.cell import Row
    from envdoctor.model.run import WorkloadRecord
    from envdoctor.workload.prepare import Prepared


class Known:
    """Proofs and accuracies of earlier runs, and the place for those of this one."""

    def __init__(
        self,
        rows: Sequence[PlannedRow],
        workloads: Sequence[tuple[Prepared, WorkloadRecord]],
        store: Store | None,
        *,
        fresh: bool,
    ) -> None:
        """Look them up.

        Args:
            rows: of the run, without the twin.
            workloads: each with its record.
            store: where they are kept; None keeps and finds nothing.
            fresh: whether to prove and train everything anew; what comes of it is kept.
        """
        self._store = store
        self._rows = rows
        self._workloads = workloads
        self._kept: dict[tuple[Row, str], Kept] = {}
        if store is None or fresh:
            return
        for row in rows:
            for prepared, record in workloads:
                if (kept := store.find(row, record)) is not None:
                    self._kept[row.row, prepared.name] = kept

    def of(self, row: Row, workload: str) -> Kept | None:
        """What is known of a row on a workload."""
        return self._kept.get((row, workload))

    def missing(self) -> list[tuple[PlannedRow, Prepared]]:
        """The rows that must be proven, with the workload."""
        return [
            (row, prepared)
            for row in self._rows
            for prepared, _ in self._workloads
            if (row.row, prepared.name) not in self._kept
        ]

    def complete(self, prepared: Prepared) -> bool:
        """Whether all rows are known on a workload, so that the reference is not needed."""
        return all((row.row, prepared.name) in self._kept for row in self._rows)

    def first_losses(self, prepared: Prepared, expected: Expected | None) -> FirstLosses:
        """The reference's losses of the first timed steps: of this run, or of an earlier one."""
        if expected is not None:
            return FirstLosses(expected.timed_losses, expected.timed_reference_error)
        kept = next(k for (_, name), k in self._kept.items() if name == prepared.name)
        return FirstLosses(kept.timed_losses, kept.timed_reference_error)

    def keep(self, row: PlannedRow, record: WorkloadRecord, kept: Kept) -> None:
        """Remember something for the next run."""
        if self._store is not None:
            self._store.keep(row, record, kept)
