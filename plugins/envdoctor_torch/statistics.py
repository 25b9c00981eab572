"""The running statistics of batch norms: state of a model beside its parameters."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Iterator

import torch

from envdoctor.child.layers import BatchNorm, ResidualBlock

if TYPE_CHECKING:
    from torch import nn

    from envdoctor.child.contract import Workload


def has_statistics(workload: Workload) -> bool:
    """Whether a forward pass of the workload in training changes more than its outputs."""
    return any(isinstance(layer, (BatchNorm, ResidualBlock)) for layer in workload.layers)


@contextlib.contextmanager
def kept_statistics(model: nn.Module) -> Iterator[None]:
    """Undo, in the end, what forward passes do to the buffers of a model."""
    buffers = list(model.buffers())
    before = [buffer.clone() for buffer in buffers]
    yield
    with torch.no_grad():
        for buffer, value in zip(buffers, before):
            buffer.copy_(value)
