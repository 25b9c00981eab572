"""How fast this machine multiplies matrices and copies memory at most, measured in the worker.

The fastest square product is the ceiling that a training step is held against: what the same
framework, device, threads and precision reach when nothing is in the way.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Set, Tuple

if TYPE_CHECKING:
    from envdoctor.child.contract import Array
    from envdoctor.child.setting import Setting

# NumPy is imported where it is needed: it may be the framework whose import is timed.

SIZES = (1024, 2048, 4096, 8192)
"""Rows of the matrices. Smaller ones understate the peak: on two CPUs 512 gave an eighth of it."""
LEAST_GAIN = 1.03
"""A size that is not 3 % faster than the best before it ends the search."""
LEAST_REPEATS = 3
"""Timed calls, however long they take: a median needs as many."""
CACHES = "/sys/devices/system/cpu/cpu{}/cache"
MEMORY = "/proc/meminfo"
ARRAY_PER_CACHE = 4
"""The size of an array by that of all last-level caches in use (McCalpin, the STREAM benchmark)."""
UNKNOWN_CACHE_BYTES = 64 * 2**20
"""Taken where the system does not tell: as much as a large desktop processor has."""
LARGEST_SHARE = 1 / 8
"""Of the available memory, for one of the two arrays."""


def random_matrices(size: int) -> Tuple[Array, Array]:
    """Two float32 matrices (size, size) of normal numbers, the same ones each time.

    Not zeros or ones: a GPU that multiplies them flips fewer bits, draws less power and keeps a
    higher clock than it ever does in training.
    """
    import numpy as np

    generator = np.random.default_rng(0)
    left = generator.standard_normal((size, size), dtype=np.float32)
    right = generator.standard_normal((size, size), dtype=np.float32)
    return left, right


def measure_products(trainer_class: Any, setting: Setting, seconds: float) -> Dict[int, float]:
    """Floating-point operations per second of the trainer's own product, by size.

    Empty for a trainer that offers no `product`. The framework must have been started with this
    setting. The search ends at the first size that brings less than 3 % more, before one whose
    single product would take longer than `seconds`, and where a larger one finds no memory.

    Args:
        trainer_class: implements the trainer contract.
        setting: what the trainer was started with.
        seconds: how long each size is repeated, hot; at least three times.

    Raises:
        Exception: whatever the trainer raises at the smallest size.
    """
    found: Dict[int, float] = {}
    make: Any = getattr(trainer_class, "product", None)
    for size in SIZES if callable(make) else ():
        best = max(found.values(), default=0.0)
        if best and _operations(size) / best > seconds:
            break
        try:
            multiply = make(size, setting)
            if not callable(multiply):
                break  # a class that inherits the contract's empty method
            found[size] = _operations(size) / _median_seconds(multiply, seconds)
        except Exception:
            if not found:
                raise
            break  # mostly memory; the smaller sizes count
        if found[size] < LEAST_GAIN * best:
            break
    return found


def copy_bandwidth(seconds: float) -> Optional[float]:
    """Bytes read and written per second by copying arrays much larger than the caches.

    All CPUs that this process may use copy at once, each a part of its own. As in the STREAM
    benchmark, what the hardware fetches before it overwrites it is not counted. None where memory
    is too short for arrays of that size.

    Args:
        seconds: how long the copy is repeated; at least three times.
    """
    import numpy as np

    cpus = _own_cpus()
    array_bytes = ARRAY_PER_CACHE * _last_level_bytes(cpus)
    available = _available_bytes()
    if available is not None and array_bytes > LARGEST_SHARE * available:
        return None

    def make_pair(values: int) -> Tuple[Array, Array]:
        # Written by the thread that will copy, so that the pages lie near to its CPU.
        return np.ones(values), np.zeros(values)

    with ThreadPoolExecutor(len(cpus)) as pool:
        values = array_bytes // 8 // len(cpus)
        pairs = list(pool.map(make_pair, [values] * len(cpus)))

        def copy() -> None:
            # NumPy lets go of the interpreter's lock while it copies.
            list(pool.map(lambda pair: np.copyto(pair[1], pair[0]), pairs))

        return 2 * 8 * values * len(cpus) / _median_seconds(copy, seconds)


def _operations(size: int) -> int:
    """Two for each multiply-add."""
    return 2 * size**3


def _median_seconds(work: Callable[[], None], seconds: float) -> float:
    """The median time of a call, after a first one that compiles and warms up."""
    work()
    walls: List[int] = []
    while len(walls) < LEAST_REPEATS or sum(walls) < seconds * 1e9:
        begun = perf_counter_ns()
        work()
        walls.append(perf_counter_ns() - begun)
    return median(walls) * 1e-9


def _own_cpus() -> List[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _last_level_bytes(cpus: Iterable[int]) -> int:
    """The size of all caches of the last level that these CPUs use, each counted once."""
    sizes: Dict[str, int] = {}
    for cpu in cpus:
        levels = _caches(CACHES.format(cpu))
        if levels:
            _, sharers, size_bytes = max(levels)
            sizes[sharers] = size_bytes
    return sum(sizes.values()) or UNKNOWN_CACHE_BYTES


def _caches(folder: str) -> Set[Tuple[int, str, int]]:
    """The caches of a CPU: level, the CPUs that share it, bytes."""
    try:
        names = [name for name in os.listdir(folder) if name.startswith("index")]  # noqa: PTH208
        return {_cache(f"{folder}/{name}") for name in names}
    except (OSError, ValueError):
        return set()


def _cache(folder: str) -> Tuple[int, str, int]:
    size = _read(f"{folder}/size")
    # The kernel writes kilobytes, always.
    size_bytes = int(size.rstrip("K")) * 1024
    return int(_read(f"{folder}/level")), _read(f"{folder}/shared_cpu_list"), size_bytes


def _available_bytes() -> Optional[int]:
    """The memory that can be taken without swapping; None where the system does not tell."""
    try:
        lines = _read(MEMORY).splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return found[0] if found else None


def _read(path: str) -> str:
    with open(path, encoding="ascii") as stream:  # noqa: PTH123  light
        return stream.read().strip()
