"""Made-up samples: as many as asked for, of any shape, from a few numbers.

Every sample is a window of one vector of random numbers, and neighbours overlap. So a data set
takes the memory of little more than one sample, and time only where a batch is taken from it;
and all samples differ, so a batch that is gathered wrongly is seen.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from envdoctor.errors import InputError
from envdoctor.workload.samples import TEST_EVERY, Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from envdoctor.child.layers import Shape
    from envdoctor.model.description import DataSpec

NAME = "synthetic"
KEYS = ("samples", "shape", "classes", "symbols")
"""The keys of [data] that go with this set only."""
SEED = 2016
SHIFT = 61
"""Values between the starts of two samples; a prime, so that no sample is another one shifted by
whole pixels or rows."""

_DIMENSIONS = {"vector": 1, "rows": 2, "image": 3}


def make_samples(spec: DataSpec, source: str, *, classes: bool) -> Samples:
    """The samples that [data] describes; the last fifth of them are for the test.

    Args:
        spec: of the set `synthetic`.
        source: what messages call the file.
        classes: whether the loss wants classes.

    Raises:
        InputError: a key is missing, or there is one too many.
    """
    _check(spec, source, classes=classes)
    assert spec.samples is not None
    if spec.view == "tokens":
        assert spec.symbols is not None
        assert spec.steps is not None
        return _texts(spec.samples, spec.steps, spec.symbols)
    assert spec.shape is not None
    generator = _generator()
    count, shape = spec.samples, tuple(spec.shape)
    numbers = generator.normal(size=prod(shape) + (count - 1) * SHIFT)
    targets: NDArray[Any] = generator.normal(size=(count, 1))
    if spec.classes:
        targets = generator.integers(spec.classes, size=count, dtype=np.int32)
    return _split(_windows(numbers, count, shape), targets, spec.classes, None)


def _texts(count: int, steps: int, symbols: int) -> Samples:
    """Windows of random symbols; the target of each symbol is the next one."""
    size = steps + (count - 1) * SHIFT
    text = _generator().integers(symbols, size=size + 1, dtype=np.int32)
    inputs, targets = (_windows(part, count, (steps,)) for part in (text[:-1], text[1:]))
    return _split(inputs, targets, symbols, symbols)


def _generator() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(SEED))


def _windows(numbers: NDArray[Any], count: int, shape: Shape) -> NDArray[Any]:
    """A view, (count, *shape), that cannot be written to."""
    return sliding_window_view(numbers, prod(shape))[::SHIFT].reshape(count, *shape)


def _split(
    inputs: NDArray[Any], targets: NDArray[Any], classes: int | None, symbols: int | None
) -> Samples:
    """The last samples are for the test: a slice stays a view."""
    border = len(inputs) - len(inputs) // TEST_EVERY
    return Samples(
        inputs[:border],
        targets[:border],
        inputs[border:],
        targets[border:],
        classes,
        symbols,
        synthetic=True,
    )


def _check(spec: DataSpec, source: str, *, classes: bool) -> None:
    tokens = spec.view == "tokens"
    needed = {"samples": True, "shape": not tokens, "symbols": tokens}
    needed["classes"] = classes and not tokens
    for key, wanted in needed.items():
        given = getattr(spec, key) is not None
        if wanted and not given:
            raise InputError(
                f"{source}: synthetic data with the view `{spec.view}` need `{key}` in [data].",
                "The guide docs/guides/write-a-workload.md says what it may hold.",
            )
        if given and not wanted:
            raise InputError(f"{source}: `{key}` in [data] has no place here: see view and loss.")
    if tokens and spec.steps is None:
        raise InputError(
            f"{source}: [data] needs `steps` for the view `tokens`.", "The length of a window."
        )
    if spec.shape is not None and len(spec.shape) != _DIMENSIONS[spec.view]:
        raise InputError(
            f"{source}: `shape` in [data] needs {_DIMENSIONS[spec.view]} numbers for the view "
            f"`{spec.view}`."
        )
    if spec.samples is not None and spec.samples < TEST_EVERY:
        raise InputError(f"{source}: `samples` in [data] must be {TEST_EVERY} or more.")
