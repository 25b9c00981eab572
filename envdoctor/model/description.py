"""The language of workload files, as typed data: what a user may write, and nothing else."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

LARGEST = 1_000_000
"""Beyond this a size is a slip of the pen."""
Positive = Annotated[int, Meta(ge=1, le=LARGEST)]
Natural = Annotated[int, Meta(ge=0, le=LARGEST)]
Rate = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, lt=1)]
BATCH_SIGN = "@"
"""Between the name of a workload and a batch that is not its own; no name in a file has it."""

Name = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=64)]

Activation = Literal["relu", "gelu_tanh", "gelu_erf", "sigmoid", "tanh", "none"]
Initial = Literal["glorot_uniform", "he_normal", "normal"]
View = Literal["vector", "image", "rows", "tokens"]


class DataSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which data, and how a sample is seen."""

    set: str
    """The name of a data set, or the path of a CSV file, relative to the workload file."""
    view: View
    steps: Positive | None = None
    """The length of a window of text; for the view `tokens` only."""
    target: str | None = None
    """The column to predict; for CSV files only."""
    reconstruct: bool = False
    """Whether the targets are the inputs themselves."""
    samples: Positive | None = None
    """How many samples to make up; for the set `synthetic` only, as all that follows."""
    shape: Annotated[list[Positive], Meta(min_length=1, max_length=3)] | None = None
    """The shape of a sample; not for the view `tokens`."""
    classes: Positive | None = None
    """How many classes there are; without it, the targets are numbers."""
    symbols: Positive | None = None
    """The size of the alphabet; for the view `tokens`."""


class SgdSpec(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="sgd"
):
    """Stochastic gradient descent with momentum."""

    learning_rate: Rate
    momentum: Share = 0.0


class AdamwSpec(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="adamw"
):
    """Adam with decoupled weight decay."""

    learning_rate: Rate
    weight_decay: Annotated[float, Meta(ge=0)] = 0.01
    beta1: Share = 0.9
    beta2: Share = 0.999
    epsilon: Rate = 1e-8


class TrainSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The training plan; the length is given in epochs or in steps."""

    batch: Positive
    epochs: Positive | None = None
    steps: Positive | None = None
    loss: Literal["cross_entropy", "mean_squared_error"]
    optimizer: SgdSpec | AdamwSpec


class QualitySpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the plan must reach on the test data for its time to mean anything."""

    metric: Literal["accuracy", "mean_absolute_error"]
    at_least: float | None = None
    at_most: float | None = None


class LayerSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every layer may say of itself."""

    name: Name | None = None
    repeat: Annotated[int, Meta(ge=1, le=1000)] = 1
    """How many equal layers this one stands for."""


class DenseSpec(LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="dense"):
    """A fully connected layer over the last axis."""

    units: Positive
    activation: Activation
    bias: bool = True
    init: Initial = "glorot_uniform"


class Conv2dSpec(LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="conv2d"):
    """A two-dimensional convolution with a square kernel and symmetric zero padding."""

    filters: Positive
    kernel: Positive
    stride: Positive = 1
    padding: Natural = 0
    activation: Activation
    bias: bool = True
    init: Initial | None = None
    """Default: he_normal before relu, else glorot_uniform."""


class MaxPool2dSpec(
    LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="max_pool2d"
):
    """The largest value of each square window."""

    window: Positive
    stride: Positive | None = None
    """Default: the window."""
    padding: Natural = 0


class GlobalAveragePool2dSpec(
    LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="global_average_pool2d"
):
    """The mean over height and width."""


class Upsample2dSpec(
    LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="upsample2d"
):
    """Each pixel as a square of equal ones."""

    factor: Positive


class BatchNormSpec(
    LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="batch_norm"
):
    """Batch normalisation of each channel, epsilon 1e-5, and an activation."""

    activation: Activation


class ResidualBlockSpec(
    LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="residual_block"
):
    """Convolutions with batch norms beside a shortcut, as in ResNets."""

    form: Literal["basic", "bottleneck"]
    filters: Positive
    stride: Positive = 1
    shortcut: Literal["padding", "projection"]
    """What stands for the input where its shape changes."""
    activation: Activation


class FlattenSpec(LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="flatten"):
    """Everything into one axis, row-major over height, width and channels."""


class PatchesSpec(LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="patches"):
    """An image cut into squares, a sequence of flattened patches."""

    size: Positive


class ClassTokenSpec(
    LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="class_token"
):
    """One learned vector before the sequence."""


class EmbeddingSpec(
    LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="embedding"
):
    """A learned vector for each symbol."""

    width: Positive


class PositionEmbeddingSpec(
    LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="position_embedding"
):
    """A learned vector added to each step."""


class TransformerBlockSpec(
    LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="transformer_block"
):
    """A pre-norm transformer block of the width of its input."""

    heads: Positive
    mlp_ratio: Positive = 4
    causal: bool
    activation: Activation


class LayerNormSpec(
    LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="layer_norm"
):
    """Layer normalisation over the last axis, epsilon 1e-5."""


class LstmSpec(LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="lstm"):
    """A long short-term memory layer; yields every step."""

    units: Positive


class FirstStepSpec(
    LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="first_step"
):
    """The first step of a sequence."""


class LastStepSpec(
    LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="last_step"
):
    """The last step of a sequence."""


class MeanOverStepsSpec(
    LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="mean_over_steps"
):
    """The mean over the steps of a sequence."""


class UnembeddingSpec(
    LayerSpec, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="unembedding"
):
    """Scores for each symbol, with the table of the embedding."""


AnyLayerSpec = (
    DenseSpec
    | Conv2dSpec
    | MaxPool2dSpec
    | GlobalAveragePool2dSpec
    | Upsample2dSpec
    | BatchNormSpec
    | ResidualBlockSpec
    | FlattenSpec
    | PatchesSpec
    | ClassTokenSpec
    | EmbeddingSpec
    | PositionEmbeddingSpec
    | TransformerBlockSpec
    | LayerNormSpec
    | LstmSpec
    | FirstStepSpec
    | LastStepSpec
    | MeanOverStepsSpec
    | UnembeddingSpec
)


class Description(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One workload file."""

    schema: Literal[1]
    name: Name
    family: Name
    size: Literal["tiny", "small", "base", "large", "custom"] = "custom"
    summary: str
    data: DataSpec
    train: TrainSpec
    quality: QualitySpec | None = None
    layers: Annotated[list[AnyLayerSpec], Meta(min_length=1, max_length=200)]
