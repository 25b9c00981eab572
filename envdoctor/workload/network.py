"""Resolves the layers of a description: names, shapes, parameters, counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

from envdoctor.errors import InputError
from envdoctor.workload.kinds import resolve_layer
from envdoctor.workload.pieces import Parameter, Piece, Place, describe_shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envdoctor.child.layers import Layer, Shape
    from envdoctor.model.description import AnyLayerSpec

LARGEST_PARAMETERS = 2_000_000_000
"""Beyond this a description is a slip of the pen: 8 GB of float32 weights."""
LARGEST_OUTPUT = 1_000_000_000
"""Values that one layer may yield for one sample."""
MOST_LAYERS = 2000


@dataclass(frozen=True)
class Network:
    """The layers of a workload with their parameters and counts."""

    pieces: tuple[Piece, ...]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The resolved layers, in order."""
        return tuple(piece.layer for piece in self.pieces)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters, in description order."""
        return tuple(p for piece in self.pieces for p in piece.parameters)

    @property
    def parameter_count(self) -> int:
        """The number of trainable values."""
        return sum(parameter.size for parameter in self.parameters)

    @property
    def output_shape(self) -> Shape:
        """The shape of the outputs, without the batch."""
        return self.layers[-1].output_shape

    @property
    def forward_flops(self) -> int:
        """Floating-point operations of a forward pass per sample, matrix products only."""
        return 2 * sum(product.forward for piece in self.pieces for product in piece.products)

    @property
    def training_flops(self) -> int:
        """The same of a forward and a backward pass."""
        backward = 2 * sum(product.backward for piece in self.pieces for product in piece.products)
        return self.forward_flops + backward


def resolve_network(
    specs: Sequence[AnyLayerSpec], input_shape: Shape, symbols: int | None, source: str
) -> Network:
    """Give every layer its name, its shapes and its parameters.

    Args:
        specs: the layers as described; one with `repeat` stands for several.
        input_shape: of one sample.
        symbols: the size of the alphabet, if the samples are symbols.
        source: what messages call the file.

    Raises:
        InputError: a layer cannot stand where it stands, or two have one name.
    """
    pieces: list[Piece] = []
    place = Place("", "", input_shape, symbols, trained_before=False)
    for number, name, spec in _named(specs, source):
        title = f"{source}: layer {number} ({_kind(spec)})"
        place = replace(place, name=name, title=title)
        piece = resolve_layer(spec, place)
        _check_bias(pieces, piece, title)
        values = prod(piece.layer.output_shape)
        if values > LARGEST_OUTPUT:
            raise InputError(
                f"{title} yields {values:,} values a sample, more than any machine trains.",
                "Check its sizes, and those of the layers before it.",
            )
        pieces.append(piece)
        if len(pieces) > MOST_LAYERS:
            raise InputError(f"{source}: more than {MOST_LAYERS} layers.", "Check `repeat`.")
        place = _after(place, piece)
    network = Network(tuple(pieces))
    if not network.parameters:
        raise InputError(f"{source}: nothing to train: no layer has parameters.", "Add a `dense`.")
    if network.parameter_count > LARGEST_PARAMETERS:
        raise InputError(
            f"{source}: {network.parameter_count:,} parameters are more than any machine trains.",
            "Check `units`, `filters` and `width`.",
        )
    return network


def _check_bias(before: Sequence[Piece], piece: Piece, title: str) -> None:
    """Raise InputError for a bias that the batch norm after it takes away again.

    Its gradient is zero but for rounding, which no two frameworks share.
    """
    layer = before[-1].layer if before else None
    useless = getattr(layer, "bias", False) and getattr(layer, "activation", "") == "none"
    if layer is not None and useless and piece.layer.kind == "batch_norm":
        raise InputError(
            f"{title} subtracts the mean, and with it the bias of `{layer.name}`.",
            f"Give `{layer.name}` the key `bias = false`.",
        )


def check_outputs(network: Network, wanted: Shape, meaning: str, source: str) -> None:
    """Raise InputError unless the network yields what the loss needs."""
    if network.output_shape != wanted:
        raise InputError(
            f"{source}: the last layer yields {describe_shape(network.output_shape)}, "
            f"but {meaning} needs {describe_shape(wanted)}.",
            f"Give the last layer {wanted[-1]} outputs.",
        )


def _after(place: Place, piece: Piece) -> Place:
    embeddings = dict(place.embeddings)
    if piece.layer.kind == "embedding" and place.symbols is not None:
        embeddings[piece.layer.name] = (place.symbols, piece.layer.output_shape[-1])
    return replace(
        place,
        shape=piece.layer.output_shape,
        symbols=None,
        trained_before=place.trained_before or bool(piece.parameters),
        embeddings=embeddings,
    )


def _kind(spec: AnyLayerSpec) -> str:
    return str(spec.__struct_config__.tag)


def _named(specs: Sequence[AnyLayerSpec], source: str) -> Iterator[tuple[int, str, AnyLayerSpec]]:
    """Each layer with its number in the file and its name: its own, or kind and ordinal."""
    ordinals: dict[str, int] = {}
    taken: set[str] = set()
    for number, spec in enumerate(specs, start=1):
        for copy in range(1, spec.repeat + 1):
            ordinals[_kind(spec)] = ordinals.get(_kind(spec), 0) + 1
            name = spec.name or f"{_kind(spec)}_{ordinals[_kind(spec)]}"
            if spec.name and spec.repeat > 1:
                name = f"{spec.name}_{copy}"
            if name in taken:
                raise InputError(
                    f"{source}: two layers are called `{name}`.", "Give one of them another name."
                )
            taken.add(name)
            yield number, name, spec
