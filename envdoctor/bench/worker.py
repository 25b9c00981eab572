"""A worker of one row: the requests of the child, with types."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from envdoctor.bench.allocator import allocator_variables
from envdoctor.errors import EnvdoctorError
from envdoctor.model.outcome import Outcome
from envdoctor.target.channel import Channel, WorkerEnded
from envdoctor.target.code import START

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from envdoctor.api import Backend
    from envdoctor.bench.caches import Caches
    from envdoctor.bench.folder import RunFolder
    from envdoctor.child.job import Job
    from envdoctor.child.setting import Setting

NANOSECOND = 1e-9


@dataclass(frozen=True)
class Host:
    """What all workers of a run share."""

    folder: RunFolder
    cpus: tuple[int, ...]
    worker_seconds: float
    """The time limit of each request."""
    caches: Caches
    stopping: bool = True
    """Whether idle workers are stopped."""


@dataclass(frozen=True)
class Loaded:
    """A framework that was imported and a device that was started."""

    start_seconds: float
    import_seconds: float
    device_init_seconds: float
    version: str
    """Of the framework's own distribution; empty if it has none."""
    versions: Mapping[str, str]
    bare_bytes: int | None
    """Resident memory of the bare interpreter."""
    footprint_bytes: int | None
    peak_bytes: int | None


class Worker:
    """One process that trains with one backend. A context manager; leaving it kills the group."""

    def __init__(self, host: Host, backend: Backend, interpreter: str, setting: Setting) -> None:
        """Start the process; raises WorkerEnded if it does not live to say hello."""
        self._host = host
        self._backend = backend
        self._setting = setting
        self.variables = allocator_variables(os.environ) | _prepare(host, backend, setting)
        begun = time.perf_counter()
        self._channel = Channel(
            [interpreter, "-X", "faulthandler", str(host.folder.code.folder / START)],
            self._environment(),
            host.folder.log(f"{backend.name}-{setting.mode}"),
            host.worker_seconds,
        )
        self._start_seconds = time.perf_counter() - begun

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill the process and its group."""
        self._channel.close()

    def _environment(self) -> dict[str, str]:
        """The user's variables, which are part of what is examined, and those of this row."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ENVDOCTOR_")}
        return {
            **kept,
            # Some compilers keep their results under TMPDIR, where nothing of earlier runs is.
            "TMPDIR": str(self._host.folder.temporary()),
            "PYTHONUNBUFFERED": "1",
            **self._host.caches.variables(),
            **self.variables,
            "ENVDOCTOR_CPUS": ",".join(str(cpu) for cpu in self._host.cpus),
        }

    def ask(self, request: str, **arguments: Any) -> dict[str, Any]:
        """Send any request; raises WorkerEnded if the worker fails, dies or takes too long."""
        return self._channel.ask(request, **arguments)

    def load(self) -> Loaded:
        """Import the framework and start the device."""
        names = self._backend.distributions
        answer = self.ask(
            "load",
            module=self._backend.module,
            trainer=self._backend.trainer,
            setting=asdict(self._setting),
            distributions=list(names),
        )
        found = answer["versions"]
        bare, loaded = self._channel.hello["memory"], answer["memory"]
        return Loaded(
            start_seconds=self._start_seconds,
            import_seconds=answer["import_ns"] * NANOSECOND,
            device_init_seconds=answer["device_init_ns"] * NANOSECOND,
            version=next((found[name] for name in names if name in found), ""),
            versions=found,
            bare_bytes=bare and bare["resident_bytes"],
            footprint_bytes=loaded and bare and loaded["resident_bytes"] - bare["resident_bytes"],
            peak_bytes=loaded and loaded["peak_bytes"],
        )

    def build(
        self, job: Job, weights: Mapping[str, NDArray[Any]], data: Mapping[str, NDArray[Any]]
    ) -> dict[str, Any]:
        """Build a trainer and stage its data; the answer has the times and the memory."""
        folder = self._host.folder
        return self.ask(
            "build", job=job.to_json(), weights=folder.store(weights), data=folder.store(data)
        )

    def drop(self) -> int | None:
        """Let go of the trainer; the bytes that are resident without it."""
        memory = self.ask("drop")["memory"]
        return memory and int(memory["resident_bytes"])

    def steps(self, batches: Sequence[int]) -> tuple[list[int], list[float]]:
        """Take steps one by one: nanoseconds and loss of each."""
        answer = self.ask("steps", batches=list(batches))
        return answer["wall_ns"], [float(loss) for loss in answer["losses"]]

    def block(
        self, first: int, steps: int, count: int, warm_seconds: float | None
    ) -> dict[str, Any]:
        """Take steps between two synchronisations, after warming up again for so long.

        Without a time no step is taken before them: at least one is with any other.
        """
        warm_ns = None if warm_seconds is None else round(warm_seconds / NANOSECOND)
        return self.ask("block", first=first, steps=steps, count=count, warm_ns=warm_ns)

    def probe_clock(self, first: int, steps: int, count: int, repeats: int) -> dict[str, Any]:
        """Signs that the clock sees the work."""
        return self.ask("probe_clock", first=first, steps=steps, count=count, repeats=repeats)

    def pause(self) -> None:
        """Stop it, and whatever it started, until it is resumed. It must be idle."""
        self._channel.child.pause()

    def resume(self) -> None:
        """Let it go on."""
        self._channel.child.resume()

    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._channel.child.ended()

    def resident_bytes(self) -> int:
        """What it occupies now."""
        return self._channel.child.resident_bytes()

    def family(self) -> list[psutil.Process]:
        """Its process, and all that it has started."""
        process = psutil.Process(self._channel.child.pid)
        return [process, *process.children(recursive=True)]

    def differentiate(self, batch: int) -> tuple[float, NDArray[Any], dict[str, NDArray[Any]]]:
        """Loss, outputs and gradients of the present model on a batch."""
        path = self._host.folder.answer("gradients")
        answer = self.ask("differentiate", batch=batch, path=str(path))
        arrays = _take(path)
        outputs = arrays.pop("outputs")
        gradients = {name.partition(":")[2]: value for name, value in arrays.items()}
        return float(answer["loss"]), outputs, gradients

    def subnormal_share(self) -> float:
        """Of the present parameters, those that float32 holds with fewer bits than all others."""
        return float(self.ask("subnormals")["share"])

    def evaluate(self, split: str) -> tuple[NDArray[Any], float]:
        """The outputs for a split, and the seconds it took."""
        path = self._host.folder.answer("outputs")
        answer = self.ask("evaluate", split=split, path=str(path))
        return _take(path)["outputs"], answer["wall_ns"] * NANOSECOND

    def weights(self) -> dict[str, NDArray[Any]]:
        """The present parameters."""
        path = self._host.folder.answer("weights")
        self.ask("read_weights", path=str(path))
        return _take(path)

    def reset_peak(self) -> None:
        """Start a new peak of host memory."""
        self.ask("reset_peak")

    def memory(self) -> dict[str, Any]:
        """Memory of host and device."""
        return self.ask("memory")

    def stop(self) -> None:
        """End it in good order."""
        self._channel.stop()


def _prepare(host: Host, backend: Backend, setting: Setting) -> dict[str, str]:
    """Copy the trainer and ask for its variables: a stranger's code, so its faults are endings."""
    try:
        for package in (backend.trainer, *backend.builds_on):
            host.folder.code.add(package)
        variables = backend.environment(setting)
        return {str(name): str(value) for name, value in variables.items()}
    except EnvdoctorError as error:
        reason = error.sentence
    except Exception as error:  # noqa: BLE001  a stranger's function may raise anything
        reason = f"its variables cannot be told: {type(error).__name__}: {error}"
    raise WorkerEnded(Outcome(status="failed", reason=reason))


def _take(path: Any) -> dict[str, NDArray[Any]]:
    """Read the arrays of an answer and remove the file."""
    with np.load(path, allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    path.unlink()
    return found
