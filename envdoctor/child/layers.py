"""The resolved layers: every size known, every choice explicit, nothing left to a default.

A backend maps each of these to its framework's own fast layer. Shapes are without the batch;
images are channels-last, sequences are (steps, width). The names of the parameters are part of
the contract: `<layer name>.<parameter>`, with the shapes given below.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, Dict, Mapping, Optional, Tuple, Type, Union

Shape = Tuple[int, ...]


@dataclass(frozen=True)
class Dense:
    """`activation(x @ kernel + bias)` over the last axis. kernel (in, out), bias (out,)."""

    kind: ClassVar[str] = "dense"
    name: str
    input_shape: Shape
    output_shape: Shape
    activation: str
    bias: bool


@dataclass(frozen=True)
class Conv2d:
    """Cross-correlation, symmetric zero padding. kernel (height, width, in, out), bias (out,)."""

    kind: ClassVar[str] = "conv2d"
    name: str
    input_shape: Shape
    output_shape: Shape
    kernel: int
    stride: int
    padding: int
    activation: str
    bias: bool


@dataclass(frozen=True)
class MaxPool2d:
    """The largest value of each window; what does not fill a window is dropped.

    `padding` pixels on each side belong to no image: they are never the largest. At most half a
    window, so that each window holds a pixel of the image.
    """

    kind: ClassVar[str] = "max_pool2d"
    name: str
    input_shape: Shape
    output_shape: Shape
    window: int
    stride: int
    padding: int = 0


@dataclass(frozen=True)
class GlobalAveragePool2d:
    """The mean over height and width: (height, width, channels) to (channels,)."""

    kind: ClassVar[str] = "global_average_pool2d"
    name: str
    input_shape: Shape
    output_shape: Shape


@dataclass(frozen=True)
class Upsample2d:
    """Each pixel as a square of `factor` by `factor` equal ones (nearest neighbour)."""

    kind: ClassVar[str] = "upsample2d"
    name: str
    input_shape: Shape
    output_shape: Shape
    factor: int


@dataclass(frozen=True)
class BatchNorm:
    """`activation(normal * scale + offset)`, each channel normalised over the batch.

    The input is a vector or an image; its last axis holds the channels, and mean and variance of
    each are taken over all other axes and the batch. scale (channels,), offset (channels,).

    A training step normalises with the batch's own mean and its biased variance. Beside it each
    channel keeps running statistics, a mean from 0 and a variance from 1 on, of which a step keeps
    the share `momentum` and takes the rest from its batch. They are state and no parameters:
    `outputs` normalises with them, `step` renews them, `differentiate` leaves them alone. Whether
    the variance that enters them is biased or unbiased is the framework's own habit.
    """

    kind: ClassVar[str] = "batch_norm"
    name: str
    input_shape: Shape
    output_shape: Shape
    activation: str
    epsilon: float
    momentum: float


@dataclass(frozen=True)
class ResidualBlock:
    """`activation(branch(x) + shortcut(x))`: convolutions without bias, each with a batch norm.

    The parts of the branch are called `conv_1`, `norm_1`, `conv_2` and so on, and have the
    parameters of such layers: `<name>.conv_1.kernel`, `<name>.norm_1.scale`. The form `basic` has
    two convolutions of 3x3 and strides in the first, `bottleneck` has 1x1, 3x3 and 1x1, and
    strides in the second. All but the last are activated after their norm.

    Where the shortcut is `identity` it is the input itself; where it is `padding`, every
    stride-th pixel of it, with channels of zeros after its own; where it is `projection`, a
    convolution of 1x1 and a batch norm, called `shortcut_conv` and `shortcut_norm`.
    """

    kind: ClassVar[str] = "residual_block"
    name: str
    input_shape: Shape
    output_shape: Shape
    form: str
    filters: int
    stride: int
    shortcut: str
    activation: str
    epsilon: float
    momentum: float

    def branch(self) -> Tuple[ConvNorm, ...]:
        """The convolutions of the branch in order, each with its norm."""
        wide = self.output_shape[-1]
        plans = {
            "basic": ((3, self.stride, wide), (3, 1, wide)),
            "bottleneck": ((1, 1, self.filters), (3, self.stride, self.filters), (1, 1, wide)),
        }[self.form]
        parts, shape = [], self.input_shape
        for number, (kernel, stride, filters) in enumerate(plans, start=1):
            activation = "none" if number == len(plans) else self.activation
            part = self._part(f"_{number}", shape, (kernel, stride, filters), activation)
            shape = part[0].output_shape
            parts.append(part)
        return tuple(parts)

    def projection(self) -> Optional[ConvNorm]:
        """The convolution of the shortcut with its norm, where it has one."""
        if self.shortcut != "projection":
            return None
        conv, norm = self._part(
            "", self.input_shape, (1, self.stride, self.output_shape[-1]), "none"
        )
        return (
            replace(conv, name=f"{self.name}.shortcut_conv"),
            replace(norm, name=f"{self.name}.shortcut_norm"),
        )

    def _part(
        self, suffix: str, shape: Shape, plan: Tuple[int, int, int], activation: str
    ) -> ConvNorm:
        kernel, stride, filters = plan
        after = (-(-shape[0] // stride), -(-shape[1] // stride), filters)
        conv = Conv2d(
            name=f"{self.name}.conv{suffix}",
            input_shape=shape,
            output_shape=after,
            kernel=kernel,
            stride=stride,
            padding=kernel // 2,
            activation="none",
            bias=False,
        )
        norm = BatchNorm(
            name=f"{self.name}.norm{suffix}",
            input_shape=after,
            output_shape=after,
            activation=activation,
            epsilon=self.epsilon,
            momentum=self.momentum,
        )
        return conv, norm


ConvNorm = Tuple[Conv2d, BatchNorm]
"""A convolution and the norm after it."""


@dataclass(frozen=True)
class Flatten:
    """Everything but the batch into one axis, row-major over (height, width, channels)."""

    kind: ClassVar[str] = "flatten"
    name: str
    input_shape: Shape
    output_shape: Shape


@dataclass(frozen=True)
class Patches:
    """Cuts an image into squares: (height, width, channels) to (patches, size * size * channels).

    Patches are in row-major order, and so are the values of each over (height, width, channels).
    """

    kind: ClassVar[str] = "patches"
    name: str
    input_shape: Shape
    output_shape: Shape
    size: int


@dataclass(frozen=True)
class ClassToken:
    """Puts one learned vector before the sequence. token (width,)."""

    kind: ClassVar[str] = "class_token"
    name: str
    input_shape: Shape
    output_shape: Shape


@dataclass(frozen=True)
class Embedding:
    """A row of the table for each symbol: (steps,) to (steps, width). table (symbols, width)."""

    kind: ClassVar[str] = "embedding"
    name: str
    input_shape: Shape
    output_shape: Shape
    symbols: int


@dataclass(frozen=True)
class PositionEmbedding:
    """Adds a learned vector to each step. table (steps, width)."""

    kind: ClassVar[str] = "position_embedding"
    name: str
    input_shape: Shape
    output_shape: Shape


@dataclass(frozen=True)
class TransformerBlock:
    """Pre-norm: `x += projection(attention(norm(x)))`, then `x += contract(act(expand(norm(x))))`.

    attention_norm.scale, attention_norm.offset (width,); qkv.kernel (width, 3 * width),
    qkv.bias (3 * width,): columns are query, key, value, and within each (heads, head width);
    projection.kernel (width, width), projection.bias (width,); mlp_norm.scale, mlp_norm.offset;
    expand.kernel (width, hidden), expand.bias (hidden,); contract.kernel (hidden, width),
    contract.bias (width,). Scores are `query @ key.T * scale`; with `causal`, a step sees itself
    and those before it.
    """

    kind: ClassVar[str] = "transformer_block"
    name: str
    input_shape: Shape
    output_shape: Shape
    heads: int
    hidden: int
    causal: bool
    activation: str
    epsilon: float
    scale: float


@dataclass(frozen=True)
class LayerNorm:
    """Normalises the last axis with the biased variance. scale (width,), offset (width,)."""

    kind: ClassVar[str] = "layer_norm"
    name: str
    input_shape: Shape
    output_shape: Shape
    epsilon: float


@dataclass(frozen=True)
class Lstm:
    """All hidden states of an LSTM that starts from zeros: (steps, in) to (steps, units).

    input_kernel (in, 4 * units), recurrent_kernel (units, 4 * units), bias (4 * units,): one bias,
    the gates in the order input, forget, cell, output; sigmoid gates, tanh cell.
    """

    kind: ClassVar[str] = "lstm"
    name: str
    input_shape: Shape
    output_shape: Shape


@dataclass(frozen=True)
class FirstStep:
    """The first step of a sequence: (steps, width) to (width,)."""

    kind: ClassVar[str] = "first_step"
    name: str
    input_shape: Shape
    output_shape: Shape


@dataclass(frozen=True)
class LastStep:
    """The last step of a sequence: (steps, width) to (width,)."""

    kind: ClassVar[str] = "last_step"
    name: str
    input_shape: Shape
    output_shape: Shape


@dataclass(frozen=True)
class MeanOverSteps:
    """The mean over the steps of a sequence: (steps, width) to (width,)."""

    kind: ClassVar[str] = "mean_over_steps"
    name: str
    input_shape: Shape
    output_shape: Shape


@dataclass(frozen=True)
class Unembedding:
    """`x @ table.T` with the table of the embedding named `of`; no parameters of its own."""

    kind: ClassVar[str] = "unembedding"
    name: str
    input_shape: Shape
    output_shape: Shape
    of: str


Layer = Union[
    Dense,
    Conv2d,
    MaxPool2d,
    GlobalAveragePool2d,
    Upsample2d,
    BatchNorm,
    ResidualBlock,
    Flatten,
    Patches,
    ClassToken,
    Embedding,
    PositionEmbedding,
    TransformerBlock,
    LayerNorm,
    Lstm,
    FirstStep,
    LastStep,
    MeanOverSteps,
    Unembedding,
]

KINDS: Dict[str, Type[Any]] = {kind.kind: kind for kind in Layer.__args__}  # type: ignore[attr-defined]


def to_json(layer: Layer) -> Dict[str, Any]:
    """One layer as plain JSON values."""
    return {"kind": layer.kind, **asdict(layer)}


def from_json(value: Mapping[str, Any]) -> Layer:
    """One layer from what `to_json` made. Raises KeyError or TypeError on anything else."""
    kind = KINDS[value["kind"]]
    known = {field.name for field in fields(kind)}
    values = {key: value[key] for key in value if key in known}
    for key in ("input_shape", "output_shape"):
        values[key] = tuple(values[key])
    layer: Layer = kind(**values)
    return layer
