"""The samples of a data set, as a workload sees them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from envdoctor.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from envdoctor.child.layers import Shape

TEST_EVERY = 5
"""Every fifth sample is a test sample, from the first on."""


@dataclass(frozen=True)
class Samples:
    """A data set as a workload sees it.

    Inputs are (samples, *input_shape), float64, or int32 symbols; targets are int32 labels,
    (samples,) or (samples, steps), or float64 values (samples, 1), or the inputs themselves.
    """

    train_inputs: NDArray[Any]
    train_targets: NDArray[Any]
    test_inputs: NDArray[Any]
    test_targets: NDArray[Any]
    classes: int | None
    """The number of different labels; None where the targets are numbers."""
    symbols: int | None = None
    """The size of the alphabet, if the inputs are symbols."""
    synthetic: bool = False
    """Whether they are made up, so that nothing can be learnt from them."""
    standardised: bool = False
    """Whether each column of the inputs has mean 0 and deviation 1 over the training rows."""

    @property
    def input_shape(self) -> Shape:
        """The shape of one sample."""
        return tuple(self.train_inputs.shape[1:])


def reconstruct(samples: Samples, source: str) -> Samples:
    """The same samples with themselves as targets.

    Raises:
        InputError: they are symbols, which are no numbers.
    """
    if samples.symbols is not None:
        raise InputError(
            f"{source}: `reconstruct` in [data] needs numbers, and this set has symbols."
        )
    return replace(
        samples,
        train_targets=samples.train_inputs,
        test_targets=samples.test_inputs,
        classes=None,
    )
