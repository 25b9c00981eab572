"""What each layer kind states of itself: the resolved layer, its parameters, its products."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Literal

from envdoctor.errors import InputError

if TYPE_CHECKING:
    from envdoctor.child.layers import Layer, Shape

Initial = Literal[
    "glorot_uniform",
    "he_normal",
    "normal",
    "zeros",
    "ones",
    "recurrent_uniform",
    "forget_ones",
]


@dataclass(frozen=True)
class Parameter:
    """One trainable array, by canonical name and shape, and how its first values are drawn.

    `fan_in` and `fan_out` are the numbers of inputs and outputs that one product connects.
    """

    name: str
    shape: Shape
    initial: Initial
    fan_in: int = 0
    fan_out: int = 0

    @property
    def size(self) -> int:
        """The number of values."""
        return prod(self.shape)


@dataclass(frozen=True)
class Product:
    """One matrix product or convolution, in multiply-adds per sample.

    `forward` is its own; `backward` counts the gradients with respect to both operands, less those
    that nobody needs: the input of the first layer, the first hidden state of a recurrence.
    """

    forward: int
    backward: int


@dataclass(frozen=True)
class Piece:
    """A resolved layer with what is known of it."""

    layer: Layer
    parameters: tuple[Parameter, ...] = ()
    products: tuple[Product, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a layer stands: what comes in, and what to call it in a message."""

    name: str
    title: str
    """For messages: `cnn.toml: layer 3 (conv2d)`."""
    shape: Shape
    symbols: int | None
    """How many symbols there are, if the input is symbols and not numbers."""
    trained_before: bool
    """Whether a layer before this one has parameters, so that its input needs a gradient."""
    embeddings: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The embeddings so far: name to (symbols, width)."""

    def product(self, multiply_adds: int) -> Product:
        """A product of weights with this layer's input."""
        return Product(multiply_adds, multiply_adds * (2 if self.trained_before else 1))

    def image(self) -> tuple[int, int, int]:
        """The input as (height, width, channels), or a sentence."""
        if len(self.shape) != 3:
            raise self.mismatch("an image", 'Set `view = "image"`, or move the layer up.')
        height, width, channels = self.shape
        return height, width, channels

    def sequence(self) -> tuple[int, int]:
        """The input as (steps, width), or a sentence."""
        if self.symbols is not None or len(self.shape) != 2:
            raise self.mismatch(
                "a sequence of vectors", "`embedding`, `patches` or the view `rows` make one."
            )
        steps, width = self.shape
        return steps, width

    def numbers(self) -> Shape:
        """The shape of an input that must not be symbols, or a sentence."""
        if self.symbols is not None:
            raise self.mismatch("numbers", "Put an `embedding` before it.")
        return self.shape

    def mismatch(self, wanted: str, hint: str) -> InputError:
        """The sentence for an input of the wrong shape."""
        return InputError(f"{self.title} needs {wanted}, but gets {self.seen()}.", hint)

    def seen(self) -> str:
        """What comes in, in words."""
        return describe_shape(self.shape, self.symbols)


def describe_shape(shape: Shape, symbols: int | None = None) -> str:
    """A shape in words: `a vector of 64`, `an image of 8x8 with 1 channels`."""
    if symbols is not None:
        return f"{shape[0]} symbols of an alphabet of {symbols}"
    if len(shape) == 3:
        return f"an image of {shape[0]}x{shape[1]} with {shape[2]} channel{'s' * (shape[2] != 1)}"
    if len(shape) == 2:
        return f"a sequence of {shape[0]} steps of {shape[1]}"
    return f"a vector of {shape[0]}"
