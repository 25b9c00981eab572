"""The count of operations that all utilisation rests on, against the counts of two frameworks.

Ours has matrix products and convolutions, forward and backward, 2 for each multiply-add: none of
the embedding's gather, softmax, norms, activations or the optimiser, and no discount for padding
or a causal mask.
"""

from __future__ import annotations

from math import prod

import pytest

from envdoctor.child.contract import Data, Job, Setting
from envdoctor.child.layers import Conv2d, MaxPool2d

WORKLOADS = {"mlp-tiny": 0.05, "cnn-tiny": 0.05, "transformer-tiny": 0.10}
"""By how much the counts may differ, relative to ours."""

EXACT = {"cnn-base": 0.0, "autoencoder-small": 0.0}
"""Workloads of residual blocks, and of another loss, where torch's counts equal ours."""

COMPARISONS = 6
"""Elementwise operations for each value that enters a max-pool of windows of four."""


def build(trainer_class, mode, prepared):
    """A trainer that is ready for its first step."""
    samples = prepared.samples
    trainer = trainer_class(
        Job(prepared.workload, prepared.optimizer, Setting(mode)), prepared.weights()
    )
    trainer.stage(
        Data(
            samples.train_inputs,
            samples.train_targets,
            samples.test_inputs,
            samples.test_targets,
            prepared.batches()[:1],
        )
    )
    return trainer


def step_flops(prepared):
    """Our count of one step."""
    return prepared.network.training_flops * prepared.workload.batch


def padding_flops(prepared):
    """The part of our count that multiplies with the zeros around an image."""
    wasted = 0.0
    for piece in prepared.network.pieces:
        if isinstance(piece.layer, Conv2d):
            flops = sum(2 * (product.forward + product.backward) for product in piece.products)
            wasted += flops * (1 - inside(piece.layer))
    return wasted * prepared.workload.batch


def comparison_flops(prepared):
    """What choosing the largest of each window takes, forward and backward; none of it is ours."""
    pooled = sum(
        prod(piece.layer.input_shape)
        for piece in prepared.network.pieces
        if isinstance(piece.layer, MaxPool2d)
    )
    return COMPARISONS * pooled * prepared.workload.batch


def inside(layer):
    """The share of a convolution's multiplications that fall inside the image."""
    share = 1.0
    for length, outputs in zip(layer.input_shape[:2], layer.output_shape[:2], strict=True):
        hits = sum(
            0 <= output * layer.stride + tap - layer.padding < length
            for output in range(outputs)
            for tap in range(layer.kernel)
        )
        share *= hits / (outputs * layer.kernel)
    return share


@pytest.mark.parametrize("name", [*WORKLOADS, *EXACT])
def test_torch_counts_the_same(name, prepared):
    flop_counter = pytest.importorskip("torch.utils.flop_counter")
    trainer_class = pytest.importorskip("envdoctor_torch.trainer").Trainer
    workload = prepared(name)
    trainer = build(trainer_class, "eager", workload)
    # It sees the operators mm, addmm, bmm, baddbmm and convolution with their backward forms,
    # padding not discounted, and nothing else: the rules of ours, so the numbers agree exactly
    # where attention is made of products. A fused attention that computes its scores anew in the
    # backward pass would count 2.5 instead of 2 times its forward pass there.
    with flop_counter.FlopCounterMode(display=False) as counted:
        trainer.step(0)
    trainer.wait()
    tolerance = (WORKLOADS | EXACT)[name]
    assert counted.get_total_flops() == pytest.approx(step_flops(workload), rel=tolerance)


@pytest.mark.parametrize("name", WORKLOADS)
def test_jax_counts_the_same(name, prepared):
    trainer_class = pytest.importorskip("envdoctor_jax.trainer").Trainer
    workload = prepared(name)
    trainer = build(trainer_class, "jit", workload)
    arguments = (trainer._inputs["train"], trainer._targets, trainer._batches[0])
    # The program as it was written, before XLA optimises it, and so without a compilation.
    whole = trainer._step.lower(trainer._weights, trainer._state, *arguments)
    pass_only = trainer._differentiate.lower(trainer._weights, *arguments)
    # It counts every elementwise operation too. The optimiser's, some fifteen for each parameter,
    # are 4 % of the smallest model's step, and no part of ours: what is compared is the forward
    # and backward pass of that step. Activations, norms, softmax and the loss stay in it, 1 to 3 %.
    # It leaves out what a convolution multiplies with padding, a third of the 4x4 images' work.
    # A max-pool is written as comparisons of slices, of which it sees every one.
    expected = step_flops(workload) - padding_flops(workload) + comparison_flops(workload)
    assert flops_of(pass_only) == pytest.approx(expected, rel=WORKLOADS[name])
    optimizer_flops = flops_of(whole) - flops_of(pass_only)
    assert 0 < optimizer_flops < 20 * workload.network.parameter_count


def flops_of(lowered):
    analysis = lowered.cost_analysis()
    if not analysis or "flops" not in analysis:
        pytest.skip("this JAX analyses no costs on this platform")
    return analysis["flops"]


def test_padding_is_counted_by_the_tap():
    layer = Conv2d(
        name="c", input_shape=(4, 4, 1), output_shape=(4, 4, 1), kernel=3, stride=1, padding=1,
        activation="none", bias=False,
    )  # fmt: skip
    # Ten of twelve taps of each side: the first and the last position lack one.
    assert inside(layer) == pytest.approx((10 / 12) ** 2)
