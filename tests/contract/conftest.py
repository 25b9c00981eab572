"""Small workloads of every family, written as a user would, on the shipped data."""

from __future__ import annotations

import pytest

from envdoctor.workload.prepare import prepare

HEAD = """
schema = 1
name = "{name}"
family = "{name}"
summary = "for the gate"
[data]
{data}
[train]
batch = 8
steps = 20
loss = "cross_entropy"
optimizer = {{ kind = "adamw", learning_rate = 1e-3 }}
"""
LAYERS = {
    "decoder": (
        'set = "shakespeare"\nview = "tokens"\nsteps = 12',
        """
[[layers]]
kind = "embedding"
width = 16
[[layers]]
kind = "position_embedding"
[[layers]]
kind = "transformer_block"
repeat = 2
heads = 4
causal = true
activation = "gelu_tanh"
[[layers]]
kind = "layer_norm"
[[layers]]
kind = "unembedding"
""",
    ),
    "strided": (
        'set = "digits"\nview = "image"',
        """
[[layers]]
kind = "conv2d"
filters = 4
kernel = 3
stride = 2
padding = 1
activation = "relu"
[[layers]]
kind = "max_pool2d"
window = 2
[[layers]]
kind = "flatten"
[[layers]]
kind = "dense"
units = 10
activation = "none"
""",
    ),
    "recurrent": (
        'set = "digits"\nview = "rows"',
        """
[[layers]]
kind = "lstm"
units = 8
[[layers]]
kind = "last_step"
[[layers]]
kind = "dense"
units = 10
activation = "none"
""",
    ),
    "perceptron": (
        'set = "digits"\nview = "vector"',
        """
[[layers]]
kind = "dense"
units = 12
activation = "gelu_erf"
[[layers]]
kind = "layer_norm"
[[layers]]
kind = "dense"
units = 10
activation = "none"
""",
    ),
}


@pytest.fixture(scope="session")
def small(plugins, tmp_path_factory):
    """A small workload by name, prepared."""
    folder = tmp_path_factory.mktemp("workloads")

    def by_name(name):
        data, layers = LAYERS[name]
        path = folder / f"{name}.toml"
        path.write_text(HEAD.format(name=name, data=data) + layers)
        return prepare(path, plugins.data_sets(), seed=0)

    return by_name
