"""The LSTM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.child.layers import Lstm
from envdoctor.workload.pieces import Parameter, Piece, Place, Product

if TYPE_CHECKING:
    from envdoctor.model.description import LstmSpec


def lstm(spec: LstmSpec, place: Place) -> Piece:
    """All hidden states; gates in the order input, forget, cell, output; one bias."""
    steps, width = place.sequence()
    units, gates = spec.units, 4 * spec.units
    layer = Lstm(name=place.name, input_shape=place.shape, output_shape=(steps, units))
    parameters = (
        Parameter(f"{place.name}.input_kernel", (width, gates), "recurrent_uniform", units),
        Parameter(f"{place.name}.recurrent_kernel", (units, gates), "recurrent_uniform", units),
        Parameter(f"{place.name}.bias", (gates,), "forget_ones"),
    )
    once = units * gates
    # The state before the first step is a constant: nobody needs its gradient.
    recurrence = Product(steps * once, (2 * steps - 1) * once)
    return Piece(layer, parameters, (place.product(steps * width * gates), recurrence))
