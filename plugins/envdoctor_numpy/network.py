"""The whole model: its layers in order, forward and backward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple, Type

from envdoctor.child import layers
from envdoctor.child.contract import Unsupported
from envdoctor_numpy.batch_norm import BatchNorm
from envdoctor_numpy.convolution import Conv2d
from envdoctor_numpy.dense import Dense, Unembedding
from envdoctor_numpy.layout import Flatten, ToBatchFirst, ToBatchLast
from envdoctor_numpy.norm import LayerNorm
from envdoctor_numpy.pooling import GlobalAveragePool2d, MaxPool2d, Upsample2d
from envdoctor_numpy.recurrent import Lstm
from envdoctor_numpy.residual import ResidualBlock
from envdoctor_numpy.tokens import (
    ClassToken,
    Embedding,
    MeanOverSteps,
    Patches,
    PickStep,
    PositionEmbedding,
)
from envdoctor_numpy.transformer import TransformerBlock

if TYPE_CHECKING:
    from envdoctor.child.contract import Array
    from envdoctor_numpy.layer import Layer
    from envdoctor_numpy.parameters import Parameters
    from envdoctor_numpy.variations import Deviation

_LAYERS: Dict[Type[Any], Type[Layer]] = {
    layers.Dense: Dense,
    layers.Conv2d: Conv2d,
    layers.MaxPool2d: MaxPool2d,
    layers.GlobalAveragePool2d: GlobalAveragePool2d,
    layers.Upsample2d: Upsample2d,
    layers.BatchNorm: BatchNorm,
    layers.ResidualBlock: ResidualBlock,
    layers.Flatten: Flatten,
    layers.Patches: Patches,
    layers.ClassToken: ClassToken,
    layers.Embedding: Embedding,
    layers.PositionEmbedding: PositionEmbedding,
    layers.TransformerBlock: TransformerBlock,
    layers.LayerNorm: LayerNorm,
    layers.Lstm: Lstm,
    layers.FirstStep: PickStep,
    layers.LastStep: PickStep,
    layers.MeanOverSteps: MeanOverSteps,
    layers.Unembedding: Unembedding,
}
_ON_IMAGES = (
    layers.Conv2d,
    layers.MaxPool2d,
    layers.Upsample2d,
    layers.BatchNorm,
    layers.ResidualBlock,
    layers.GlobalAveragePool2d,
)
_WITHOUT_PARAMETERS = (
    layers.MaxPool2d,
    layers.GlobalAveragePool2d,
    layers.Upsample2d,
    layers.Flatten,
    layers.Patches,
    layers.FirstStep,
    layers.LastStep,
    layers.MeanOverSteps,
)


class Network:
    """A model for batches of one size, on parameters that it shares with other networks.

    Args:
        specs: The layers of the workload.
        batch: The rows of a batch.
        parameters: The parameters of the model.
        deviation: What is done otherwise than specified.
    """

    def __init__(
        self,
        specs: Sequence[layers.Layer],
        batch: int,
        parameters: Parameters,
        deviation: Deviation,
    ) -> None:
        built = _build(specs, batch, parameters, deviation)
        self._layers = [layer for _, layer in built]
        learning = [
            place
            for place, (spec, _) in enumerate(built)
            if spec is not None and not isinstance(spec, _WITHOUT_PARAMETERS)
        ]
        # Nothing learns before the first layer with parameters: the backward pass ends there.
        self._first = learning[0] if learning else len(built)

    def forward(self, inputs: Array) -> Array:
        """The outputs for a batch, which live until the next call."""
        for layer in self._layers:
            inputs = layer.forward(inputs)
        return inputs

    def evaluate(self, inputs: Array) -> Array:
        """The outputs for samples that nothing is learnt from, which live until the next call."""
        for layer in self._layers:
            inputs = layer.evaluate(inputs)
        return inputs

    def remember(self) -> None:
        """Renew what layers keep of the batches beside their parameters."""
        for layer in self._layers:
            layer.remember()

    def backward(self, gradient: Array) -> None:
        """Set all gradients, from that of the outputs of the latest batch."""
        for layer in reversed(self._layers[self._first + 1 :]):
            gradient = layer.backward(gradient)
        for layer in self._layers[self._first : self._first + 1]:
            layer.learn(gradient)


def _build(
    specs: Sequence[layers.Layer], batch: int, parameters: Parameters, deviation: Deviation
) -> List[Tuple[Optional[layers.Layer], Layer]]:
    """Each layer with its description, and between them the changes of layout, without one."""
    built: List[Tuple[Optional[layers.Layer], Layer]] = []
    batch_last = False
    for place, spec in enumerate(specs):
        if type(spec) not in _LAYERS:
            raise Unsupported(f"layer {spec.kind} is not available in the numpy backend")
        wants_batch_last = isinstance(spec, _ON_IMAGES) and len(spec.input_shape) == 3
        if wants_batch_last and not batch_last:
            built.append((None, ToBatchLast()))
        elif batch_last and not wants_batch_last:
            built.append((None, ToBatchFirst(spec.input_shape, batch, parameters)))
        options = _options(spec, specs[place + 1 :], deviation)
        built.append((spec, _LAYERS[type(spec)](spec, batch, parameters, **options)))  # type: ignore[call-arg]
        batch_last = wants_batch_last and len(spec.output_shape) == 3
    if batch_last:
        built.append((None, ToBatchFirst(specs[-1].output_shape, batch, parameters)))
    return built


def _options(
    spec: layers.Layer, later: Sequence[layers.Layer], deviation: Deviation
) -> Dict[str, Any]:
    """What a layer is told beside its description."""
    table = getattr(spec, "of", spec.name)
    options: Dict[Type[Any], Dict[str, Any]] = {
        layers.Conv2d: {"same": deviation.same_padding},
        layers.Flatten: {"channels_first": deviation.channels_first},
        layers.LayerNorm: {"fast_variance": deviation.fast_variance},
        layers.BatchNorm: {"fast_variance": deviation.fast_variance},
        layers.ResidualBlock: {
            "same": deviation.same_padding,
            "fast_variance": deviation.fast_variance,
        },
        layers.TransformerBlock: {
            "strict_mask": deviation.strict_mask,
            "fast_variance": deviation.fast_variance,
        },
        layers.Lstm: {"gates": deviation.gates, "forget_bias": deviation.forget_bias},
        # The backward pass meets the last user of a table first; the others add to its gradient.
        layers.Embedding: {"accumulate": _uses(table, later)},
        layers.Unembedding: {"accumulate": _uses(table, later)},
    }
    return options.get(type(spec), {})


def _uses(table: str, specs: Sequence[layers.Layer]) -> bool:
    return any(isinstance(spec, layers.Unembedding) and spec.of == table for spec in specs)
