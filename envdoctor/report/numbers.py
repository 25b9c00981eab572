"""Numbers for people: three significant digits, and the unit that fits."""

from __future__ import annotations

from math import floor, log10

_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def significant(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, thousands separated, never in powers of ten."""
    if value == 0:
        return "0"
    decimals = digits - 1 - floor(log10(abs(value)))
    rounded = round(value, decimals)
    if decimals <= 0:
        return f"{rounded:,.0f}"
    # Rounding may add a digit: 9.996 becomes 10.0, not 10.00.
    decimals = max(0, digits - 1 - floor(log10(abs(rounded))))
    return f"{rounded:,.{decimals}f}"


def duration(seconds: float) -> str:
    """A time in the unit that fits: `0.155 ms`, `42.1 ms`, `1.9 s`."""
    if seconds < 1e-4:
        return f"{significant(seconds * 1e6)} us"
    if seconds < 1:
        return f"{significant(seconds * 1e3)} ms"
    return f"{significant(seconds)} s"


def size(count: int) -> str:
    """Bytes in the decimal unit that fits: `312 MB`."""
    for unit, name in _BYTES:
        if count >= unit:
            return f"{significant(count / unit)} {name}"
    return f"{count} B"


def percent(share: float) -> str:
    """A share in percent, one decimal below one: `0.8 %`, `12 %`."""
    value = share * 100
    return f"{value:.1f} %" if value < 0.95 else f"{value:.0f} %"


def error(value: float) -> str:
    """A relative difference by its size: `4e-16`."""
    return "0" if value == 0 else f"{value:.0e}".replace("e-0", "e-")


def clock(seconds: float) -> str:
    """A time left: `0:07`, `12:30`."""
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def flops(count: int) -> str:
    """A count of operations in the unit that fits: `139 k`, `18.2 G`."""
    for unit, name in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{significant(count / unit)} {name}"
    return str(count)
