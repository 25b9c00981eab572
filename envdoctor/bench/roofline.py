"""Merges what several workers measured of the machine's limits into the ceiling of a run."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from envdoctor.model.run import Ceiling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def parse_products(answer: Mapping[Any, Any]) -> dict[int, float]:
    """Floating-point operations per second by size, from a worker's answer.

    JSON turns the sizes into text. What is no positive finite number by a positive size is left
    out: a stranger's trainer had a hand in it.
    """
    found = {_size(size): _positive(rate) for size, rate in answer.items()}
    return {size: rate for size, rate in found.items() if size and rate}


def merge_ceiling(
    products: Iterable[tuple[str, Mapping[int, float]]],
    copies: Iterable[float | None] = (),
) -> Ceiling | None:
    """The highest of all answers; None if nobody measured a product.

    All answers must be of one device at one precision: a ceiling of several means nothing.

    Args:
        products: backends, each as often as it was asked, with floating-point operations per
            second by the rows of the matrices.
        copies: bytes read and written per second; None where a worker could not measure.
    """
    rates = [
        (rate, backend, size) for backend, by_size in products for size, rate in by_size.items()
    ]
    if not rates:
        return None
    # The first that was the fastest: not the name may decide between equals.
    rate, backend, size = max(rates, key=lambda each: each[0])
    return Ceiling(
        flops_per_second=rate,
        backend=backend,
        size=size,
        copy_bytes_per_second=max(filter(None, map(_positive, copies)), default=None),
    )


def _size(value: Any) -> int:
    """A number of rows; 0 for what is none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() else 0


def _positive(value: Any) -> float:
    """A positive finite number; 0 for what is none."""
    usable = isinstance(value, int | float) and isfinite(value) and value > 0
    return float(value) if usable else 0.0
