"""Apple silicon, by the values that the kernel names; nothing is started."""

from __future__ import annotations

import ctypes
import platform
from typing import TYPE_CHECKING, Any

from envdoctor.model.machine import Apple, Machine

if TYPE_CHECKING:
    from collections.abc import Callable

    Query = Callable[[str], bytes]

DARWIN = "Darwin"


def detect() -> Machine:
    """The chip; nothing elsewhere than on macOS."""
    if platform.system() != DARWIN:
        return Machine()
    return Machine(apple=read_apple(sysctl, platform.mac_ver()[0]))


def read_apple(query: Query, macos: str) -> Apple | None:
    """The chip by its name; None on a Mac with an Intel processor."""
    chip = query("machdep.cpu.brand_string").rstrip(b"\0").decode("utf-8", errors="replace")
    return Apple(chip=chip, macos=macos) if chip.startswith("Apple") else None


def is_translated(system: str, query: Query | None = None) -> bool:
    """Whether Rosetta translates this process, so that it believes to be on an Intel Mac."""
    if system != DARWIN:
        return False
    value = (query or sysctl)("sysctl.proc_translated")
    return int.from_bytes(value, "little") == 1


def sysctl(name: str, library: Any = None) -> bytes:
    """A value of the kernel as bytes; empty if it has none of that name."""
    library = library or ctypes.CDLL(None)
    size = ctypes.c_size_t(0)
    if library.sysctlbyname(name.encode(), None, ctypes.byref(size), None, 0):
        return b""
    value = ctypes.create_string_buffer(size.value)
    if library.sysctlbyname(name.encode(), value, ctypes.byref(size), None, 0):
        return b""
    return value.raw[: size.value]
