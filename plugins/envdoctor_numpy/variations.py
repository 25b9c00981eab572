"""Deliberate differences, so that the parity gate can test a hypothesis, and itself.

What the fields of a layer can say becomes a rewritten layer; what is left out becomes a muted
parameter, which a layer sees as zeros; the rest is handed to the layers when they are built.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable, Dict, FrozenSet, List, Mapping, Optional, Tuple

from envdoctor.child import layers
from envdoctor.child.contract import Unsupported
from envdoctor_numpy.recurrent import GATES

if TYPE_CHECKING:
    from envdoctor.child.contract import Variation, Workload

VARIATIONS: Mapping[str, str] = {
    "layer-norm-epsilon": "Every norm, also inside blocks, uses the value as its epsilon.",
    "gelu-exact": "The tanh form of GELU is replaced by the exact one.",
    "gelu-tanh": "The exact GELU is replaced by its tanh form.",
    "no-causal-mask": "Causal attention looks at all steps.",
    "strict-causal-mask": "A step of causal attention sees only those before it, not itself.",
    "attention-scale": "The scale of the attention scores is multiplied by the value.",
    "attention-unscaled": "The attention scores are not scaled.",
    "skip-mlp": "The transformer block with the value as its number, from 0, has no MLP branch.",
    "skip-attention": "The transformer block with the value as its number has no attention branch.",
    "missing-bias": "Layer number value of the workload, from 0, adds none of its biases.",
    "half-batch": "Only the first half of the rows of each batch enters.",
    "label-smoothing": "The share value of each target is spread evenly over all classes.",
    "loss-scale": "Loss and gradients are multiplied by the value.",
    "same-padding": "Convolutions with stride 2 or more pad as TensorFlow's SAME does.",
    "channels-first-flatten": "Images are flattened over (channels, height, width).",
    "lstm-forget-bias": "The value is added to the pre-activation of each forget gate.",
    "lstm-gate-order": "The gates of an LSTM are read as input, cell, forget, output.",
    "fast-variance": "Norms compute the variance as E[x^2] - E[x]^2; legitimate.",
    "summation-order": "Gradients are summed over the batch from its end; legitimate.",
}


@dataclass(frozen=True)
class Deviation:
    """What layers, loss and batches are built with; the defaults are the specified work."""

    muted: FrozenSet[str] = frozenset()
    strict_mask: bool = False
    fast_variance: bool = False
    same_padding: bool = False
    channels_first: bool = False
    gates: Tuple[str, ...] = GATES
    forget_bias: float = 0.0
    smoothing: float = 0.0
    loss_factor: float = 1.0
    half_batch: bool = False
    reverse_batch: bool = False


def apply_variation(
    workload: Workload, variation: Optional[Variation]
) -> Tuple[Workload, Deviation]:
    """The workload and the deviation that a variation asks for.

    Raises Unsupported for an unknown name, and for a number that no layer has.
    """
    if variation is None:
        return workload, Deviation()
    name, value = variation.name, variation.value
    if name in _REWRITES:
        rewritten = tuple(_REWRITES[name](layer, value) for layer in workload.layers)
        return replace(workload, layers=rewritten), Deviation()
    if name in _MUTES:
        return workload, Deviation(muted=_MUTES[name](workload, int(value)))
    if name in _DEVIATIONS:
        return workload, _DEVIATIONS[name](value)
    raise Unsupported(f"variation {name} is not known to the numpy backend")


def _rewrite(condition: Callable[[Any], bool], **changes: Callable[[Any, float], Any]) -> Any:
    """A function of a layer and a value that changes fields of the layers that are meant."""

    def rewritten(layer: layers.Layer, value: float) -> layers.Layer:
        if not condition(layer):
            return layer
        return replace(layer, **{field: new(layer, value) for field, new in changes.items()})

    return rewritten


def _is_block(layer: layers.Layer) -> bool:
    return isinstance(layer, layers.TransformerBlock)


_REWRITES: Dict[str, Callable[[layers.Layer, float], layers.Layer]] = {
    "layer-norm-epsilon": _rewrite(
        lambda layer: hasattr(layer, "epsilon"), epsilon=lambda _, value: value
    ),
    "gelu-exact": _rewrite(
        lambda layer: getattr(layer, "activation", "") == "gelu_tanh",
        activation=lambda *_: "gelu_erf",
    ),
    "gelu-tanh": _rewrite(
        lambda layer: getattr(layer, "activation", "") == "gelu_erf",
        activation=lambda *_: "gelu_tanh",
    ),
    "no-causal-mask": _rewrite(_is_block, causal=lambda *_: False),
    "attention-scale": _rewrite(_is_block, scale=lambda layer, value: layer.scale * value),
    "attention-unscaled": _rewrite(_is_block, scale=lambda *_: 1.0),
}


def _mute_branch(*parts: str) -> Callable[[Workload, int], FrozenSet[str]]:
    """A function that names the parameters which close a branch of a transformer block."""

    def muted(workload: Workload, number: int) -> FrozenSet[str]:
        blocks: List[layers.Layer] = [layer for layer in workload.layers if _is_block(layer)]
        if not 0 <= number < len(blocks):
            raise Unsupported(f"there is no transformer block number {number}")
        return frozenset(f"{blocks[number].name}.{part}" for part in parts)

    return muted


def _mute_biases(workload: Workload, number: int) -> FrozenSet[str]:
    """The names of all biases of a layer."""
    if not 0 <= number < len(workload.layers):
        raise Unsupported(f"there is no layer number {number}")
    layer = workload.layers[number]
    if isinstance(layer, layers.TransformerBlock):
        parts = ("qkv", "projection", "expand", "contract")
        return frozenset(f"{layer.name}.{part}.bias" for part in parts)
    if isinstance(layer, layers.Lstm) or getattr(layer, "bias", False):
        return frozenset([f"{layer.name}.bias"])
    raise Unsupported(f"layer {layer.name} has no bias")


_MUTES: Dict[str, Callable[[Workload, int], FrozenSet[str]]] = {
    "skip-mlp": _mute_branch("contract.kernel", "contract.bias"),
    "skip-attention": _mute_branch("projection.kernel", "projection.bias"),
    "missing-bias": _mute_biases,
}

_DEVIATIONS: Dict[str, Callable[[float], Deviation]] = {
    "strict-causal-mask": lambda _: Deviation(strict_mask=True),
    "half-batch": lambda _: Deviation(half_batch=True),
    "label-smoothing": lambda value: Deviation(smoothing=value),
    "loss-scale": lambda value: Deviation(loss_factor=value),
    "same-padding": lambda _: Deviation(same_padding=True),
    "channels-first-flatten": lambda _: Deviation(channels_first=True),
    "lstm-forget-bias": lambda value: Deviation(forget_bias=value),
    "lstm-gate-order": lambda _: Deviation(gates=("input", "cell", "forget", "output")),
    "fast-variance": lambda _: Deviation(fast_variance=True),
    "summation-order": lambda _: Deviation(reverse_batch=True),
}
