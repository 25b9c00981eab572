"""The transformer block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.child.layers import TransformerBlock
from envdoctor.workload.kinds.plain import NORM_EPSILON, norm_parameters
from envdoctor.workload.pieces import Parameter, Piece, Place, Product

if TYPE_CHECKING:
    from envdoctor.model.description import TransformerBlockSpec


def transformer_block(spec: TransformerBlockSpec, place: Place) -> Piece:
    """A pre-norm block of the width of its input."""
    steps, width = place.sequence()
    if width % spec.heads:
        raise place.mismatch(
            f"a width that {spec.heads} heads can share evenly", "Change `heads` or the width."
        )
    hidden = spec.mlp_ratio * width
    layer = TransformerBlock(
        name=place.name,
        input_shape=place.shape,
        output_shape=place.shape,
        heads=spec.heads,
        hidden=hidden,
        causal=spec.causal,
        activation=spec.activation,
        epsilon=NORM_EPSILON,
        scale=(width // spec.heads) ** -0.5,
    )
    parameters = (
        *norm_parameters(f"{place.name}.attention_norm", width),
        *_linear(f"{place.name}.qkv", width, 3 * width),
        *_linear(f"{place.name}.projection", width, width),
        *norm_parameters(f"{place.name}.mlp_norm", width),
        *_linear(f"{place.name}.expand", width, hidden),
        *_linear(f"{place.name}.contract", hidden, width),
    )
    return Piece(layer, parameters, _products(steps, width, hidden))


def _linear(name: str, fan_in: int, fan_out: int) -> tuple[Parameter, Parameter]:
    return (
        Parameter(f"{name}.kernel", (fan_in, fan_out), "normal", fan_in, fan_out),
        Parameter(f"{name}.bias", (fan_out,), "zeros"),
    )


def _products(steps: int, width: int, hidden: int) -> tuple[Product, ...]:
    """Query, key, value and output; scores and values, not discounted when causal; the MLP.

    The norms before the products have parameters, so every gradient is needed.
    """
    attention = 2 * steps**2 * width
    projections = 4 * steps * width**2
    mlp = 2 * steps * width * hidden
    return tuple(Product(count, 2 * count) for count in (projections, attention, mlp))
