"""What every layer of this backend is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envdoctor.child.contract import Array


class Layer:
    """One layer, built for a fixed batch, with all its memory allocated beforehand.

    `forward` keeps what the backward pass needs, so that each backward pass follows the forward
    pass of the same batch. A layer never writes to its input; its output is its own memory and
    holds until the next forward pass. In the backward pass a layer may overwrite the gradient that
    it is given, and may return it.
    """

    def forward(self, x: Array) -> Array:
        """The output of the layer."""
        raise NotImplementedError

    def backward(self, gradient: Array) -> Array:
        """Set the gradients of the parameters and return that of the input.

        Args:
            gradient: The gradient of the loss with respect to the output.
        """
        raise NotImplementedError

    def learn(self, gradient: Array) -> None:
        """Set the gradients of the parameters only: before this layer nothing learns."""
        self.backward(gradient)

    def evaluate(self, x: Array) -> Array:
        """The output for samples that nothing is learnt from; `backward` may not follow."""
        return self.forward(x)

    def remember(self) -> None:
        """Renew what is kept of the batches beside the parameters: most layers keep nothing."""
