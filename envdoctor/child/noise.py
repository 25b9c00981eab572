"""What disturbs a timed block, counted from its begin to its end by the worker itself (Linux).

All of it is read outside the clock: on a virtual machine both readings of a process with a hundred
threads cost well under a millisecond each. What cannot be read is None, never zero.
"""

from __future__ import annotations

import os
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

SECOND_NS = 1_000_000_000
_BUSY_COLUMNS = (1, 2, 3, 6, 7)
"""user, nice, system, irq, softirq of a line of /proc/stat (proc_stat(5)); user has the guests."""
_STEAL_COLUMN = 8


class NoiseMeter:
    """Counts the disturbances of one block after another: `begin`, the block, `end`."""

    def __init__(
        self, cpus: Sequence[int], proc: str = "/proc", groups: str = "/sys/fs/cgroup"
    ) -> None:
        """Find the files of this process.

        Args:
            cpus: the CPUs of the budget, by the kernel's numbers.
            proc: where the proc file system is mounted.
            groups: where the control groups are mounted.
        """
        self._proc = proc
        self._cpus = tuple(cpus)
        self._quota_files = [
            path for path in _quota_files(proc, groups) if _throttled(path) is not None
        ]
        self._delays: Optional[Dict[str, int]] = None
        self._levels: Dict[str, Optional[int]] = {}

    def begin(self) -> None:
        """Note all counters; to be called right before the clock is started."""
        self._delays = _run_delays(self._proc)
        self._levels = self._read_levels()

    def end(self) -> Dict[str, Optional[int]]:
        """Counts since `begin`, by the names that the record gives them; None where unreadable.

        What the GPU did is not among them: the core watches it.
        """
        levels = self._read_levels()
        run_delay_ns = _delay_since(self._delays, _run_delays(self._proc))
        counts = {name: _rise(self._levels.get(name), level) for name, level in levels.items()}
        return {"run_delay_ns": run_delay_ns, **counts}

    def _read_levels(self) -> Dict[str, Optional[int]]:
        busy_ns, steal_ns = read_cpu_times(self._cpus, self._proc)
        return {
            "involuntary_switches": _involuntary_switches(),
            "busy_ns": busy_ns,
            "steal_ns": steal_ns,
            "throttled": self._read_throttled(),
            "pressure_ns": _pressure_ns(self._proc),
        }

    def _read_throttled(self) -> Optional[int]:
        """Throttled periods of the own group and of those above, whose quotas bind it as well."""
        counts = [_throttled(path) for path in self._quota_files]
        known = [count for count in counts if count is not None]
        return sum(known) if known and len(known) == len(counts) else None


def read_cpu_times(cpus: Sequence[int], proc: str = "/proc") -> Tuple[Optional[int], Optional[int]]:
    """Busy and stolen nanoseconds of these CPUs so far, in steps of USER_HZ; None if unreadable."""
    text = _read(f"{proc}/stat")
    if text is None:
        return None, None
    wanted = {b"cpu%d" % cpu for cpu in cpus}
    # The CPUs come first; the line of interrupts after them is long on a large machine.
    lines = [line.split() for line in text.partition(b"intr")[0].splitlines()]
    ours = [line for line in lines if line and line[0] in wanted]
    if not wanted or len(ours) < len(wanted):
        return None, None
    tick_ns = SECOND_NS // os.sysconf("SC_CLK_TCK")
    try:
        busy = sum(int(line[column]) for line in ours for column in _BUSY_COLUMNS)
        steal = sum(int(line[_STEAL_COLUMN]) for line in ours)
    except (IndexError, ValueError):
        return None, None
    return busy * tick_ns, steal * tick_ns


def _rise(before: Optional[int], after: Optional[int]) -> Optional[int]:
    """How far a counter rose; some hypervisors let the stolen time fall, which counts as none."""
    return None if before is None or after is None else max(0, after - before)


def _run_delays(proc: str) -> Optional[Dict[str, int]]:
    """Nanoseconds that each thread has waited for a CPU so far; None where nothing is counted."""
    try:
        folder = os.open(f"{proc}/self/task", os.O_RDONLY)
    except OSError:
        return None
    try:
        threads = os.listdir(folder)  # noqa: PTH208  a folder that is open has no path
        lines = {thread: _schedstat(thread, folder) for thread in threads}
    except OSError:
        return None
    finally:
        os.close(folder)
    # A kernel that does not count writes zeros, even for the thread that is reading this.
    if not any(int(fields[2]) for fields in lines.values() if fields):
        return None
    return {thread: int(fields[1]) for thread, fields in lines.items() if fields}


def _schedstat(thread: str, folder: int) -> List[bytes]:
    """Time on a CPU, time waiting for one, and time slices; nothing if the thread has ended."""
    try:
        # Relative to the folder, and in one read: there may be hundreds of threads.
        descriptor = os.open(f"{thread}/schedstat", os.O_RDONLY, dir_fd=folder)
    except OSError:
        return []
    try:
        fields = os.read(descriptor, 128).split()
    except OSError:
        return []
    finally:
        os.close(descriptor)
    return fields if len(fields) == 3 and all(field.isdigit() for field in fields) else []


def _delay_since(
    before: Optional[Dict[str, int]], after: Optional[Dict[str, int]]
) -> Optional[int]:
    """The delay that was added in between, summed over the threads that are there at the end.

    A thread that is new counts from its birth, also where it got the number of one that is gone.
    What a thread that has ended waited for is lost.
    """
    if before is None or after is None:
        return None
    total = 0
    for thread, delay_ns in after.items():
        earlier_ns = before.get(thread, 0)
        total += delay_ns - earlier_ns if delay_ns >= earlier_ns else delay_ns
    return total


def _involuntary_switches() -> Optional[int]:
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _pressure_ns(proc: str) -> Optional[int]:
    """The time in which some task waited for a CPU, `some ... total=` in microseconds."""
    for line in (_read(f"{proc}/pressure/cpu") or b"").splitlines():
        _, _, total = line.partition(b"total=")
        if line.startswith(b"some ") and total.strip().isdigit():
            return int(total) * 1000
    return None


def _throttled(path: str) -> Optional[int]:
    for line in (_read(path) or b"").splitlines():
        key, _, value = line.partition(b" ")
        if key == b"nr_throttled" and value.strip().isdigit():
            return int(value)
    return None


def _quota_files(proc: str, groups: str) -> Iterator[str]:
    """Where `cpu.stat` may lie: the own group and all above it, of version 2 and of version 1.

    Inside a container the membership may name a path of the host; the mounted root is then the
    own group, and it is among those above.
    """
    for line in (_read(f"{proc}/self/cgroup") or b"").decode("utf-8", "replace").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = f"{groups}/{controllers}" if controllers else groups
        if not os.path.isdir(base):  # noqa: PTH112  light
            base = f"{groups}/cpu"
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for count in range(len(parts), -1, -1):
            yield "/".join([base, *parts[:count], "cpu.stat"])


def _read(path: str) -> Optional[bytes]:
    """A whole file; None if it cannot be read. Less than half as long as with `open`."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        pieces = []
        while True:
            piece = os.read(descriptor, 65536)
            pieces.append(piece)
            if not piece:
                return b"".join(pieces)
    except OSError:
        return None
    finally:
        os.close(descriptor)
