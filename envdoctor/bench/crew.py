"""Workers that go on from workload to workload, where starting them anew would tell nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envdoctor.bench.worker import Loaded, Worker
    from envdoctor.model.cell import Row


@dataclass(frozen=True)
class Idle:
    """A worker that has loaded its framework and trains nothing."""

    worker: Worker
    loaded: Loaded
    once_bytes: int
    """Of what stays in the process when its first model has gone."""


class Crew:
    """The loaded workers that wait, stopped, for the next workload; one for each row of a launch.

    A context manager; leaving it ends them.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, Row], Idle] = {}

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.dismiss()

    def __len__(self) -> int:
        return len(self._waiting)

    def waits(self, launch: int, row: Row) -> bool:
        """Whether a worker waits for this row of a launch."""
        return (launch, row) in self._waiting

    def take(self, launch: int, row: Row) -> Idle | None:
        """The worker that waits for this row of a launch, running again; None if there is none.

        One that was killed meanwhile, as by a system that ran out of memory, is none.
        """
        found = self._waiting.pop((launch, row), None)
        if found is None:
            return None
        if found.worker.has_ended():
            found.worker.close()
            return None
        found.worker.resume()
        return found

    def leave(self, launch: int, row: Row, idle: Idle) -> None:
        """Let a worker wait. It is stopped: its thread pools would spin beside others."""
        idle.worker.pause()
        self._waiting[launch, row] = idle

    def dismiss(self) -> None:
        """End all that wait. They are idle, so killing them loses nothing."""
        for idle in self._waiting.values():
            idle.worker.close()
        self._waiting.clear()
