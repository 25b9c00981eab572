"""The LSTM, unrolled where it is short, and a tf.while_loop where it is long.

A step is one product of the joined input and state with the joined kernels. BlockLSTM is no
faster on a CPU and exists neither in float64 nor under XLA; BlockLSTMV2 must not be used at all:
in TensorFlow 2.21 its gradient is not that of its forward pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, Tuple

import tensorflow as tf

from envdoctor_tensorflow.widening import narrow, widen

if TYPE_CHECKING:
    from envdoctor.child.layers import Lstm

# A short unrolled loop runs about a tenth faster. A long one takes long to trace and, under XLA,
# to compile: 17 s of CPU for 28 steps, which then run slower than the loop.
LONGEST_UNROLLED = {"graph": 32, "xla": 8}


def lstm(layer: Lstm, x: Any, parameters: Mapping[str, Any], *, longest_unrolled: int) -> Any:
    """All hidden states, (batch, steps, units), of x, (batch, steps, in)."""
    kernels = [parameters[f"{layer.name}.{part}_kernel"] for part in ("input", "recurrent")]
    kernel = tf.concat(kernels, axis=0)  # (in + units, 4 * units)
    run = _unroll if x.shape[1] <= longest_unrolled else _loop
    return run(x, kernel, parameters[f"{layer.name}.bias"])


def _advance(x: Any, hidden: Any, cell: Any, kernel: Any, bias: Any) -> Tuple[Any, Any]:
    products = tf.matmul(tf.concat([x, hidden], axis=1), kernel)
    gates = tf.nn.bias_add(widen(products), widen(bias))
    enter, keep, new, leave = tf.split(gates, 4, axis=1)
    cell = tf.sigmoid(keep) * cell + tf.sigmoid(enter) * tf.tanh(new)
    return narrow(tf.sigmoid(leave) * tf.tanh(cell), x.dtype), cell


def _zero_state(x: Any, bias: Any) -> Any:
    return tf.zeros((x.shape[0], bias.shape[0] // 4), x.dtype)


def _unroll(x: Any, kernel: Any, bias: Any) -> Any:
    hidden = _zero_state(x, bias)
    cell = widen(hidden)
    states = []
    for step in tf.unstack(x, axis=1):
        hidden, cell = _advance(step, hidden, cell, kernel, bias)
        states.append(hidden)
    return tf.stack(states, axis=1)


def _loop(x: Any, kernel: Any, bias: Any) -> Any:
    steps = x.shape[1]
    x = tf.transpose(x, (1, 0, 2))  # (steps, batch, in)
    state = _zero_state(x[0], bias)

    def advance(step: Any, hidden: Any, cell: Any, states: Any) -> Any:
        hidden, cell = _advance(x[step], hidden, cell, kernel, bias)
        return step + 1, hidden, cell, states.write(step, hidden)

    states = tf.TensorArray(x.dtype, size=steps, element_shape=state.shape)
    *_, states = tf.while_loop(
        lambda step, *_: step < steps,
        advance,
        (tf.constant(0), state, widen(state), states),
        # XLA differentiates a loop only if it knows how long it can be.
        maximum_iterations=steps,
    )
    return tf.transpose(states.stack(), (1, 0, 2))
