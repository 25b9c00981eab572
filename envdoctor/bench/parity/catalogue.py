"""The known differences between frameworks, as hypotheses that the oracle can try.

When a row fails the gate, each difference that applies to its workload is made in the oracle; the
one that reproduces the row's numbers is its cause. Nothing is guessed from the size of an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from envdoctor.child.job import Workload


@dataclass(frozen=True)
class Difference:
    """One way to do other work."""

    name: str
    """The variation of the reference backend that makes it."""
    sentence: str
    """For the reader; `{value}` is what was tried, `{layer}` the layer of that index."""
    values: Callable[[Workload], tuple[float, ...]]
    """What to try on a workload; empty where the difference does not apply."""
    fit_from: float | None = None
    """Where to start to look for a value, if any value is possible."""
    logarithmic: bool = False
    """Whether the value is positive and may differ by orders of magnitude."""


def _if_kind(
    *kinds: str, values: tuple[float, ...] = (0.0,)
) -> Callable[[Workload], tuple[float, ...]]:
    def applicable(workload: Workload) -> tuple[float, ...]:
        return values if any(layer.kind in kinds for layer in workload.layers) else ()

    return applicable


def _if_activation(name: str) -> Callable[[Workload], tuple[float, ...]]:
    def applicable(workload: Workload) -> tuple[float, ...]:
        used = {getattr(layer, "activation", "") for layer in workload.layers}
        return (0.0,) if name in used else ()

    return applicable


def _if_causal(workload: Workload) -> tuple[float, ...]:
    return (0.0,) if any(getattr(layer, "causal", False) for layer in workload.layers) else ()


def _each_block(workload: Workload) -> tuple[float, ...]:
    blocks = [layer for layer in workload.layers if layer.kind == "transformer_block"]
    return tuple(float(index) for index in range(len(blocks)))


def _each_bias(workload: Workload) -> tuple[float, ...]:
    def has_bias(index: int) -> bool:
        layer = workload.layers[index]
        return layer.kind in {"lstm", "transformer_block"} or getattr(layer, "bias", False)

    return tuple(float(index) for index in range(len(workload.layers)) if has_bias(index))


def _if_strided(workload: Workload) -> tuple[float, ...]:
    strided = [
        getattr(layer, "stride", 1) > 1 for layer in workload.layers if layer.kind == "conv2d"
    ]
    return (0.0,) if any(strided) else ()


def _if_classes(workload: Workload) -> tuple[float, ...]:
    return (0.1,) if workload.loss == "cross_entropy" else ()


def _sums(workload: Workload) -> tuple[float, ...]:
    """A sum in the place of a mean: over the batch, the steps, both."""
    shape = workload.layers[-1].output_shape
    steps = shape[0] if len(shape) == 2 else 1
    return tuple({float(workload.batch), float(steps), float(workload.batch * steps)} - {1.0})


CATALOGUE: tuple[Difference, ...] = (
    Difference(
        "layer-norm-epsilon",
        "LayerNorm with epsilon {value:.3g} instead of 1e-05",
        _if_kind("layer_norm", "transformer_block", values=(1e-3, 1e-6, 1e-12)),
        fit_from=2e-5,
        logarithmic=True,
    ),
    Difference(
        "gelu-exact", "exact (erf) GELU instead of the tanh form", _if_activation("gelu_tanh")
    ),
    Difference(
        "gelu-tanh", "tanh GELU instead of the exact (erf) form", _if_activation("gelu_erf")
    ),
    Difference("no-causal-mask", "no causal mask", _if_causal),
    Difference("strict-causal-mask", "a causal mask that hides the step itself", _if_causal),
    Difference(
        "attention-unscaled", "attention scores without a scale", _if_kind("transformer_block")
    ),
    Difference(
        "attention-scale",
        "attention scores scaled by {value:.6g} times the specified factor",
        _if_kind("transformer_block", values=(2.0,)),
        fit_from=1.0,
    ),
    Difference("skip-mlp", "the MLP branch of transformer block {number} is skipped", _each_block),
    Difference(
        "skip-attention",
        "the attention branch of transformer block {number} is skipped",
        _each_block,
    ),
    Difference("missing-bias", "`{layer}` without its bias", _each_bias),
    Difference("half-batch", "only the first half of each batch is used", lambda _: (0.0,)),
    Difference("label-smoothing", "label smoothing of {value:.3g}", _if_classes, fit_from=0.001),
    Difference("loss-scale", "loss multiplied by {value:.6g}", _sums, fit_from=1.0),
    Difference("same-padding", "'SAME' padding at stride 2, shifted by one pixel", _if_strided),
    Difference(
        "channels-first-flatten",
        "flatten over (channels, height, width)",
        _if_kind("flatten"),
    ),
    Difference(
        "lstm-forget-bias", "{value:.3g} added to the forget gate", _if_kind("lstm", values=(1.0,))
    ),
    Difference(
        "lstm-gate-order", "LSTM gates read as input, cell, forget, output", _if_kind("lstm")
    ),
)
