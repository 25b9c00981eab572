"""What this process occupies in host memory, read from /proc (Linux).

Never from `ru_maxrss`, which survives exec: a small child of a large parent reports the parent's
peak. `VmHWM` is right, and writing 5 to `clear_refs` resets it (proc(5), Linux 4.0 and newer).
"""

from __future__ import annotations

from typing import Dict, Optional

_FIELDS = {"VmRSS": "resident_bytes", "VmHWM": "peak_bytes"}


def read_memory() -> Optional[Dict[str, int]]:
    """`resident_bytes` now and `peak_bytes` since the last reset; None where /proc is missing."""
    found = {}
    try:
        with open("/proc/self/status", encoding="ascii") as stream:  # noqa: PTH123  light
            for line in stream:
                key, _, value = line.partition(":")
                if key in _FIELDS:
                    found[_FIELDS[key]] = int(value.split()[0]) * 1024
    except OSError:
        return None
    return found if len(found) == len(_FIELDS) else None


def reset_peak() -> bool:
    """Start a new peak from what is resident now; False where the kernel cannot."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as stream:  # noqa: PTH123
            stream.write("5")
    except OSError:
        return False
    return True


def give_back() -> bool:
    """Return to the system what was freed; False where the C library is not glibc.

    What a new model takes from memory that an older one has freed would not show in what is
    resident, and so not as its cost (malloc_trim(3)).
    """
    import ctypes

    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError, TypeError):  # another C library, no symbols, Windows
        return False
