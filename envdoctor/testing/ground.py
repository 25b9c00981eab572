"""What all cases share: a private folder, CPUs, the oracle, workloads, one worker at a time."""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.bench.caches import Caches
from envdoctor.bench.folder import RunFolder
from envdoctor.bench.plan import oracle_row
from envdoctor.bench.prove import Oracle
from envdoctor.bench.worker import Host, Worker
from envdoctor.detect.cpu import choose_cpus, read_cpu
from envdoctor.plugins import load_plugins
from envdoctor.target.channel import WorkerEnded
from envdoctor.workload.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Callable

    from envdoctor.bench.plan import PlannedRow
    from envdoctor.bench.prove import Expected
    from envdoctor.workload.prepare import Prepared

WORKER_SECONDS = 280.0
"""The time limit of a request; the slowest compiles a transformer twice."""
OWN_WORKLOADS = Path(__file__).parent / "workloads"


class Ground:
    """Made once for many cases; everything in it starts when it is first needed.

    It is closed when the process ends at the latest.
    """

    def __init__(self, worker_seconds: float = WORKER_SECONDS) -> None:
        self._seconds = worker_seconds
        self._stack = ExitStack()
        self._prepared: dict[str, Prepared] = {}
        self._expected: dict[str, Expected] = {}
        self._supported: dict[tuple[str, str], bool] = {}
        self._worker: tuple[str, Worker] | None = None
        # The shipped workloads and the reference are the same for every stranger.
        self._own = load_plugins(strangers=False)

    @cached_property
    def families(self) -> tuple[str, ...]:
        """The smallest workload of every family; the one that asks the least comes first."""
        names = [file.name for file in self._own.workload_files() if file.name.endswith("-tiny")]
        return tuple(sorted(names, key=lambda name: (name != "mlp-tiny", name)))

    @cached_property
    def host(self) -> Host:
        """The folder that workers share, and all CPUs that this process may use."""
        folder = self._stack.enter_context(RunFolder())
        atexit.register(self.close)
        caches = Caches(folder.path / "compiled")
        return Host(folder, choose_cpus(read_cpu(), None), self._seconds, caches)

    @cached_property
    def oracle(self) -> Oracle:
        """The reference in float64."""
        return self._stack.enter_context(Oracle(self.host, oracle_row(self._own)))

    def prepared(self, name: str) -> Prepared:
        """A workload by name: a shipped one, or one of the kit's own."""
        if name not in self._prepared:
            paths = {file.name: file.path for file in self._own.workload_files()}
            path = paths.get(name, OWN_WORKLOADS / f"{name}.toml")
            self._prepared[name] = prepare(path, self._own.data_sets(), seed=0)
        return self._prepared[name]

    def expected(self, name: str) -> Expected:
        """The oracle's evidence for a workload."""
        if name not in self._expected:
            self._expected[name] = self.oracle.expect(self.prepared(name))
        return self._expected[name]

    def supports(self, about: tuple[str, str], ask: Callable[[], bool]) -> bool:
        """What was found for a row and a workload before, or else what asking finds."""
        if about not in self._supported:
            self._supported[about] = ask()
        return self._supported[about]

    def worker_of(self, row: PlannedRow) -> Worker:
        """The float32 worker of a row, with its framework loaded; it ends that of another row.

        Raises:
            WorkerEnded: it does not start.
        """
        title = row.row.title
        if self._worker is not None and self._worker[0] == title:
            return self._worker[1]
        self.drop_worker()
        setting = row.setting("fp32", len(self.host.cpus))
        worker = Worker(self.host, row.backend, row.interpreter, setting)
        try:
            worker.load()
        except WorkerEnded:
            worker.close()
            raise
        self._worker = (title, worker)
        return worker

    def drop_worker(self) -> None:
        """End the shared worker; the next case that needs it gets a fresh one."""
        if self._worker is not None:
            self._worker[1].close()
            self._worker = None

    def close(self) -> None:
        """End all workers and remove the folder."""
        self.drop_worker()
        self._stack.close()
        atexit.unregister(self.close)
