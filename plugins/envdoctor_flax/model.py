"""The network of a workload, and its parameters by canonical name."""

from __future__ import annotations

from functools import reduce
from operator import getitem
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Tuple

import jax
import numpy as np
from flax import nnx

from envdoctor.child.contract import Unsupported
from envdoctor.child.layers import Unembedding
from envdoctor_flax.layers import MAKE

if TYPE_CHECKING:
    from envdoctor.child.contract import Array, Workload

Paths = Dict[str, Tuple[str, ...]]


class Network(nnx.Module):
    """The layers of a workload, each an attribute of its own name."""

    def __init__(self, workload: Workload, dtype: Any) -> None:
        """Make the layers; their first values are replaced when weights are loaded.

        Raises:
            Unsupported: Flax has no such layer or activation.
        """
        options = {"param_dtype": dtype, "rngs": nnx.Rngs(0)}
        paths: Paths = {}
        steps = []
        for layer in workload.layers:
            if isinstance(layer, Unembedding):
                steps.append((layer.of, "attend"))
                continue
            if layer.kind not in MAKE:
                raise Unsupported(f"layer kind {layer.kind} is not available")
            made = MAKE[layer.kind](layer, options)
            setattr(self, layer.name, made.module)
            steps.append((layer.name, "__call__"))
            for name, homes in made.paths.items():
                paths[f"{layer.name}.{name}"] = tuple(f"{layer.name}.{home}" for home in homes)
        self.steps = tuple(steps)
        self.paths = tuple(paths.items())

    def __call__(self, x: jax.Array) -> jax.Array:
        """The outputs of a batch of inputs."""
        for name, method in self.steps:
            x = getattr(getattr(self, name), method)(x)
        return x


def load(network: Network, weights: Mapping[str, Array], dtype: Any, device: jax.Device) -> None:
    """Give the network the canonical weights, on the device; copies."""
    for name, homes in network.paths:
        for home, piece in zip(homes, np.split(weights[name], len(homes), axis=-1)):
            parameter: Any = reduce(getattr, home.split("."), network)
            value = np.array(piece, dtype).reshape(parameter[...].shape)
            parameter.set_value(jax.device_put(value, device))


def read(
    state: nnx.State, paths: Mapping[str, Tuple[str, ...]], shapes: Mapping[str, Tuple[int, ...]]
) -> Dict[str, Array]:
    """Copies of the parameters, or of gradients shaped like them, by canonical name."""
    found = {}
    for name, homes in paths.items():
        *lead, last = shapes[name]
        leaves: List[Any] = [reduce(getitem, home.split("."), state) for home in homes]
        parts = [np.array(leaf[...]).reshape(*lead, last // len(homes)) for leaf in leaves]
        found[name] = np.concatenate(parts, axis=-1)
    return found
