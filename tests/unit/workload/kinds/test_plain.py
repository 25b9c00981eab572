from __future__ import annotations

from collections.abc import Callable

import pytest

from envdoctor.errors import InputError
from envdoctor.model import description as d
from envdoctor.workload.network import Network

Resolve = Callable[..., Network]


def test_dense_shares_its_kernel_over_the_steps(resolve: Resolve) -> None:
    network = resolve(d.DenseSpec(units=3, activation="none"), shape=(5, 4))
    assert network.output_shape == (5, 3)
    assert [(p.name, p.shape) for p in network.parameters] == [
        ("dense_1.kernel", (4, 3)),
        ("dense_1.bias", (3,)),
    ]
    assert network.forward_flops == 2 * 5 * 4 * 3


def test_a_bias_can_be_left_out(resolve: Resolve) -> None:
    network = resolve(d.DenseSpec(units=3, activation="none", bias=False), shape=(4,))
    assert [p.name for p in network.parameters] == ["dense_1.kernel"]


def test_dense_does_not_guess_how_an_image_becomes_a_vector(resolve: Resolve) -> None:
    with pytest.raises(InputError, match="needs a vector or a sequence, but gets an image") as e:
        resolve(d.DenseSpec(units=3, activation="none"), shape=(4, 4, 1))
    assert e.value.hint == "Put a `flatten` before it."


def test_layer_norm_starts_as_identity_over_the_last_axis(resolve: Resolve) -> None:
    network = resolve(d.LayerNormSpec(), shape=(5, 4))
    assert [(p.name, p.shape, p.initial) for p in network.parameters] == [
        ("layer_norm_1.scale", (4,), "ones"),
        ("layer_norm_1.offset", (4,), "zeros"),
    ]
    assert network.output_shape == (5, 4)
