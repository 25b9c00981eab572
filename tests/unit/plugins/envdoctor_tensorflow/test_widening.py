"""In bfloat16, sums over a batch keep the digits that rounding single numbers leaves."""

from __future__ import annotations

import numpy as np
import pytest

from envdoctor.child.layers import TransformerBlock

tf = pytest.importorskip("tensorflow")
ROUNDING = 2.0**-8


def bias_gradient(add, dtype):
    # So many rows that a sum in bfloat16 stands still: what is added is below half a unit of it.
    x = tf.ones((4096, 3), dtype)
    bias = tf.Variable(tf.zeros(3, dtype))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(tf.cast(add(x, bias), tf.float32))
    return tape.gradient(total, bias)


def test_the_gradient_of_a_bias_is_summed_in_float32():
    from envdoctor_tensorflow.widening import add_bias

    found = bias_gradient(add_bias, tf.bfloat16)
    assert found.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(found, tf.float32), 4096, rtol=ROUNDING)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_wider_types_are_left_as_they_are(dtype):
    from envdoctor_tensorflow.widening import narrow, softmax, widen

    x = tf.constant([[1.0, 2.0]], dtype)
    assert widen(x) is x
    assert narrow(x, x.dtype) is x
    assert softmax(x).dtype == x.dtype


def test_softmax_and_norm_round_once():
    from envdoctor_tensorflow.transformer import layer_norm
    from envdoctor_tensorflow.widening import softmax

    values = tf.cast(np.random.default_rng(0).normal(size=(16, 64)), tf.bfloat16)
    parameters = {"norm.scale": tf.ones(64, tf.bfloat16), "norm.offset": tf.zeros(64, tf.bfloat16)}
    wide = {name: tf.cast(value, tf.float64) for name, value in parameters.items()}
    exact = tf.cast(values, tf.float64)
    for found, right in [
        (softmax(values), tf.nn.softmax(exact)),
        (layer_norm("norm", values, parameters, 1e-5), layer_norm("norm", exact, wide, 1e-5)),
    ]:
        assert found.dtype == tf.bfloat16
        np.testing.assert_allclose(tf.cast(found, tf.float64), right, rtol=ROUNDING, atol=1e-12)


def test_gradients_of_a_block_in_bfloat16_are_near(in_process, prepared):
    from envdoctor.bench.parity.evidence import full_data
    from envdoctor.child.job import Job
    from envdoctor.child.setting import Setting
    from envdoctor_tensorflow.trainer import Trainer

    workload = prepared("vit-tiny")
    assert any(isinstance(layer, TransformerBlock) for layer in workload.workload.layers)
    found = {}
    for precision in ("fp32", "bf16"):
        subject = in_process(Trainer)
        job = Job(workload.workload, workload.optimizer, Setting("graph", precision))
        subject.build(job, workload.weights(), full_data(workload))
        found[precision] = subject.differentiate(0)[2]
    flat = {key: np.concatenate([v.ravel() for v in each.values()]) for key, each in found.items()}
    off = np.linalg.norm(flat["bf16"] - flat["fp32"]) / np.linalg.norm(flat["fp32"])
    assert ROUNDING / 4 < off < 0.022  # it was 0.044 with sums in bfloat16
