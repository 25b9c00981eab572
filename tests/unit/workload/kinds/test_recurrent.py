from __future__ import annotations

from collections.abc import Callable

from envdoctor.model import description as d
from envdoctor.workload.network import Network


def test_an_lstm_has_one_bias_and_yields_every_step(resolve: Callable[..., Network]) -> None:
    network = resolve(d.LstmSpec(units=3), shape=(5, 2))
    assert network.output_shape == (5, 3)
    assert {p.name: p.shape for p in network.parameters} == {
        "lstm_1.input_kernel": (2, 12),
        "lstm_1.recurrent_kernel": (3, 12),
        "lstm_1.bias": (12,),
    }


def test_nobody_needs_the_gradient_of_the_first_state(resolve: Callable[..., Network]) -> None:
    steps, wide, units = 5, 2, 3
    network = resolve(d.LstmSpec(units=units), shape=(steps, wide))
    inputs, states = steps * wide * 4 * units, steps * units * 4 * units
    assert network.forward_flops == 2 * (inputs + states)
    backward = inputs + 2 * states - units * 4 * units
    assert network.training_flops == 2 * (inputs + states + backward)
