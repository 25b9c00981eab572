"""What the C library's allocator is told in every worker, so that no row is slow by chance.

A step frees what it has allocated. When more than a threshold of it lies at the end of the heap,
glibc gives it back to the system and takes it again in the next step, page by page. What lies at
the end is decided when a process starts and stays so: of six processes with one compiled step of
PyTorch (transformer-tiny) four took 5,000 page faults in each step and 10 to 17 % longer; of six
that were told to keep what they free, none did. No number of rounds averages that away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

KEEP_FREED: Mapping[str, str] = {
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
}
"""Bytes, as in mallopt(3): the heap keeps up to 1 GiB of freed memory, and only what is larger than
32 MiB is mapped by itself. Without variables that second threshold rises to as much as 32 MiB by
itself; naming the first one alone would hold it at 128 KiB."""


def allocator_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables for a worker; none if the user has tuned an allocator, which is then what counts.

    Other C libraries do not read them.
    """
    tuned = (
        any(name.startswith("MALLOC_") for name in environment)
        or "glibc.malloc" in environment.get("GLIBC_TUNABLES", "")
        or "malloc" in environment.get("LD_PRELOAD", "")
    )
    return {} if tuned else dict(KEEP_FREED)
