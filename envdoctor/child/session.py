"""What a worker can do: import a framework, build a trainer, step it under the clock."""

from __future__ import annotations

import gc
import importlib
import itertools
import os
import sys
from importlib import metadata
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple

from envdoctor.child.job import Job
from envdoctor.child.memory import give_back, read_memory, reset_peak
from envdoctor.child.noise import NoiseMeter
from envdoctor.child.products import copy_bandwidth, measure_products
from envdoctor.child.protocol import number
from envdoctor.child.setting import Setting
from envdoctor.child.timing import probe_clock, take_block, take_steps

if TYPE_CHECKING:
    from envdoctor.child.contract import Trainer

# NumPy is imported where it is needed: it may be the framework whose import is timed.


class Session:
    """One framework, one trainer at a time. Each public method answers one request."""

    def __init__(self) -> None:
        self._class: Any = None
        self._trainer: Optional[Trainer] = None
        self._setting: Optional[Setting] = None
        self._meter: Optional[NoiseMeter] = None

    def handlers(self) -> Dict[str, Callable[..., Dict[str, Any]]]:
        """The requests by name."""
        return {
            "load": self.load,
            "build": self.build,
            "drop": self.drop,
            "steps": self.steps,
            "block": self.block,
            "probe_clock": self.probe_clock,
            "ceiling": self.ceiling,
            "differentiate": self.differentiate,
            "evaluate": self.evaluate,
            "read_weights": self.read_weights,
            "subnormals": self.subnormals,
            "reset_peak": self.reset_peak,
            "memory": self.memory,
        }

    def load(
        self, module: str, trainer: str, setting: Dict[str, Any], distributions: List[str]
    ) -> Dict[str, Any]:
        """Import the framework and let the trainer start the device."""
        begun = perf_counter_ns()
        importlib.import_module(module)
        imported = perf_counter_ns()
        package, _, name = trainer.partition(":")
        self._class = getattr(importlib.import_module(package), name)
        found = perf_counter_ns()
        self._setting = Setting(**setting)
        self._class.start(self._setting)
        started = perf_counter_ns()
        return {
            "import_ns": imported - begun,
            "device_init_ns": started - found,
            "versions": _versions(distributions),
            "memory": read_memory(),
        }

    def build(self, job: Dict[str, Any], weights: str, data: str) -> Dict[str, Any]:
        """Build a trainer from the job, with weights and data from files; drop the one before."""
        from envdoctor.child.contract import Data

        before = self.drop()["memory"]
        reset_peak()
        parsed = Job.from_json(job)
        arrays = _read(weights)
        staged = Data(**_read(data))
        begun = perf_counter_ns()
        trainer: Trainer = self._class(parsed, arrays)
        built = perf_counter_ns()
        trainer.stage(staged)
        ended = perf_counter_ns()
        self._trainer = trainer
        return {"build_ns": built - begun, "stage_ns": ended - built, "memory": before}

    def drop(self) -> Dict[str, Any]:
        """Let go of the trainer; the memory that is occupied without it."""
        self._trainer = None
        gc.unfreeze()  # or what the trainer leaves in cycles would live on
        gc.collect()
        # What exists now lives on; no later collection need look at it again.
        gc.freeze()
        give_back()
        return {"memory": read_memory()}

    def steps(self, batches: List[int]) -> Dict[str, Any]:
        """Take steps one by one, each with a wait."""
        return take_steps(self._built(), batches)

    def block(self, first: int, steps: int, count: int, warm_ns: Optional[int]) -> Dict[str, Any]:
        """Take `steps` steps between two waits, round and round a plan of `count` batches.

        Steps that warm up, at least one and for `warm_ns`, come before, unless it is None.
        """
        trainer = self._built()
        if self._meter is None:
            self._meter = NoiseMeter(_own_cpus())
        batches = [(first + index) % count for index in range(steps)]
        # The warm-up takes the batches before these, so that the block is known beforehand.
        warm = ((first - 1 - index) % count for index in itertools.count())
        return take_block(trainer, self._meter, batches, warm, warm_ns)

    def probe_clock(self, first: int, steps: int, count: int, repeats: int) -> Dict[str, Any]:
        """Time n and twice n steps, a second wait, and reading back."""
        batches = [(first + index) % count for index in range(steps)]
        return probe_clock(self._built(), batches, repeats)

    def ceiling(self, seconds: float, copying: bool) -> Dict[str, Any]:
        """How fast this backend multiplies matrices, and how fast memory is copied."""
        if self._setting is None:
            raise RuntimeError("nothing was loaded yet")
        return {
            "products": measure_products(self._class, self._setting, seconds),
            "copy_bytes_per_second": copy_bandwidth(seconds) if copying else None,
        }

    def differentiate(self, batch: int, path: str) -> Dict[str, Any]:
        """Write outputs and gradients of the present model on a batch to a file."""
        result = self._built().differentiate(batch)
        arrays = {f"gradient:{name}": value for name, value in result.tensors.items()}
        _write(path, outputs=result.outputs, **arrays)
        return {"loss": number(result.loss)}

    def evaluate(self, split: str, path: str) -> Dict[str, Any]:
        """Write the outputs for a whole split to a file."""
        trainer = self._built()
        begun = perf_counter_ns()
        outputs = trainer.outputs(split)
        wall_ns = perf_counter_ns() - begun
        _write(path, outputs=outputs)
        return {"wall_ns": wall_ns}

    def read_weights(self, path: str) -> Dict[str, Any]:
        """Write the present weights to a file."""
        _write(path, **dict(self._built().weights()))
        return {}

    def subnormals(self) -> Dict[str, Any]:
        """The share of the present parameters that are not zero, but too small to be normal."""
        import numpy as np

        found = count = 0
        for value in self._built().weights().values():
            size = np.abs(np.asarray(value))
            found += int(np.count_nonzero((size > 0) & (size < np.finfo(np.float32).tiny)))
            count += size.size
        return {"share": found / count if count else 0.0}

    def reset_peak(self) -> Dict[str, Any]:
        """Start a new peak of host memory, after what warm-up left over is collected."""
        gc.collect()
        gc.freeze()  # as in `drop`: the model too now lives on
        return {"reset": reset_peak()}

    def memory(self) -> Dict[str, Any]:
        """Host memory, and the device's where it is another."""
        device = self._built().device_memory()
        return {
            "host": read_memory(),
            "device_peak_bytes": None if device is None else device.allocated_bytes,
            "device_reserved_bytes": None if device is None else device.reserved_bytes,
        }

    def _built(self) -> Trainer:
        if self._trainer is None:
            raise RuntimeError("nothing was built yet")
        return self._trainer


def _own_cpus() -> Tuple[int, ...]:
    """The CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def _versions(distributions: List[str]) -> Dict[str, str]:
    """The versions of what is installed among these, and of Python and NumPy."""
    versions = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    for name in [*distributions, "numpy"]:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _read(path: str) -> Dict[str, Any]:
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _write(path: str, **arrays: Any) -> None:
    import numpy as np

    with open(path, "wb") as stream:  # noqa: PTH123  np.savez would append a suffix to a name
        plain: Any = {name: np.asarray(value) for name, value in arrays.items()}
        np.savez(stream, **plain)
