"""The initial weights: drawn by NumPy, the same for every backend, whatever its own habits are."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from envdoctor.workload.pieces import Parameter

NORMAL_DEVIATION = 0.02
"""The deviation of weights in transformers (Radford et al. 2019, GPT-2)."""
DISTURBANCE = 0.1
"""The deviation by which the gate moves every bias, scale and offset from its first value."""


def draw_weights(parameters: Sequence[Parameter], seed: int) -> dict[str, NDArray[Any]]:
    """First values in float64, drawn in description order from `Generator(Philox(seed))`."""
    generator = np.random.Generator(np.random.Philox(seed))
    return {parameter.name: _draw(parameter, generator) for parameter in parameters}


def _draw(  # noqa: PLR0911  one return a distribution
    parameter: Parameter, generator: np.random.Generator
) -> NDArray[Any]:
    shape = parameter.shape
    match parameter.initial:
        case "zeros":
            return np.zeros(shape)
        case "ones":
            return np.ones(shape)
        case "normal":
            return generator.normal(0.0, NORMAL_DEVIATION, shape)
        case "he_normal":  # He et al. 2015, equation 10
            return generator.normal(0.0, sqrt(2.0 / parameter.fan_in), shape)
        case "glorot_uniform":  # Glorot and Bengio 2010, equation 16
            bound = sqrt(6.0 / (parameter.fan_in + parameter.fan_out))
            return generator.uniform(-bound, bound, shape)
        case "recurrent_uniform":
            bound = sqrt(1.0 / parameter.fan_in)
            return generator.uniform(-bound, bound, shape)
        case "forget_ones":  # Jozefowicz et al. 2015: remember until told otherwise
            bias = np.zeros(shape)
            bias[shape[0] // 4 : shape[0] // 2] = 1.0
            return bias


def disturb_weights(weights: Mapping[str, NDArray[Any]], seed: int) -> dict[str, NDArray[Any]]:
    """Weights for the parity gate, in which no bias is zero and no scale is one.

    A regular start hides mistakes: a bias of zero that is left out changes no output.
    """
    generator = np.random.Generator(np.random.Philox([seed, 1]))
    return {
        name: value + generator.normal(0.0, DISTURBANCE, value.shape) if value.ndim == 1 else value
        for name, value in weights.items()
    }
