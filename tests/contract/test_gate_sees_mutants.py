"""The gate must reject every mistake that it is there for, and name it; and accept what is right.

The mutants are other backends than the oracle wherever a framework can make the mistake by itself.
"""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest

from envdoctor.bench.parity.compare import G32, G64
from envdoctor.bench.parity.diagnosis import Side
from envdoctor.bench.parity.evidence import collect, parity_task
from envdoctor.bench.parity.gate import Optimizers, certify
from envdoctor.bench.parity.optimizer_probe import SPECIFIED, Verdict
from envdoctor.child.job import Variation
from envdoctor.child.setting import Setting
from envdoctor.model.outcome import Outcome
from envdoctor.target.channel import WorkerEnded

FINE = Optimizers(Verdict(SPECIFIED, 0.0), Verdict(SPECIFIED, 0.0))
FP64 = Setting("numpy", "fp64")


class Mutant:
    """A subject whose job, data or evidence is changed on the way."""

    def __init__(self, subject, *, job=lambda job: job, data=lambda data: data):
        self.subject, self.job, self.data = subject, job, data

    def build(self, job, weights, data):
        self.subject.build(self.job(job), weights, self.data(data))

    def __getattr__(self, name):
        return getattr(self.subject, name)


def judge(mutant, setting, prepared, oracle_subject):
    task = parity_task(prepared)
    oracle = Side(oracle_subject, FP64)
    expected = collect(oracle_subject, task, FP64)
    return certify(Side(mutant, setting), oracle, task, expected, FINE)


def change_layers(**changes):
    """Give every layer that has such a field another value of it."""

    def mutate(job):
        layers = tuple(
            replace(layer, **{key: value for key, value in changes.items() if hasattr(layer, key)})
            for layer in job.workload.layers
        )
        return replace(job, workload=replace(job.workload, layers=layers))

    return mutate


def scale_attention(factor):
    def mutate(job):
        layers = tuple(
            replace(layer, scale=layer.scale * factor) if hasattr(layer, "scale") else layer
            for layer in job.workload.layers
        )
        return replace(job, workload=replace(job.workload, layers=layers))

    return mutate


def drop_last_bias(job):
    layers = tuple(
        replace(layer, bias=False) if layer.name == "dense_2" else layer
        for layer in job.workload.layers
    )
    return replace(job, workload=replace(job.workload, layers=layers))


def halve_batches(data):
    half = data["batches"].shape[1] // 2
    return {**data, "batches": data["batches"][:, :half]}


FRAMEWORK_MUTANTS = {
    "LayerNorm epsilon 1e-6": ("decoder", change_layers(epsilon=1e-6), "epsilon 1e-06"),
    "LayerNorm epsilon 1e-3": ("decoder", change_layers(epsilon=1e-3), "epsilon 0.001"),
    "LayerNorm epsilon 2e-5": ("perceptron", change_layers(epsilon=2e-5), "epsilon 2e-05"),
    "exact GELU": ("decoder", change_layers(activation="gelu_erf"), "exact (erf) GELU"),
    "no mask": ("decoder", change_layers(causal=False), "no causal mask"),
    "attention scale": ("decoder", scale_attention(1.01), "scaled by 1.01 times"),
    "missing bias": ("perceptron", drop_last_bias, "`dense_2` without its bias"),
}


@pytest.mark.parametrize("name", FRAMEWORK_MUTANTS)
def test_a_mistake_in_torch_is_caught_and_named(name, small, in_process, numpy_trainer):
    workload, mutate, cause = FRAMEWORK_MUTANTS[name]
    torch_trainer = importlib.import_module("envdoctor_torch.trainer").Trainer
    mutant = Mutant(in_process(torch_trainer), job=mutate)
    certificate = judge(
        mutant, Setting("eager", "fp64"), small(workload), in_process(numpy_trainer)
    )
    assert not certificate.same_work
    assert cause in certificate.cause


def test_half_the_batch_in_torch_is_caught_and_named(small, in_process, numpy_trainer):
    torch_trainer = importlib.import_module("envdoctor_torch.trainer").Trainer
    mutant = Mutant(in_process(torch_trainer), data=halve_batches)
    certificate = judge(
        mutant, Setting("eager", "fp64"), small("perceptron"), in_process(numpy_trainer)
    )
    assert not certificate.same_work
    assert "first half of each batch" in certificate.cause


VARIATIONS = {
    "strict mask": ("decoder", Variation("strict-causal-mask"), "hides the step itself"),
    "skipped MLP": ("decoder", Variation("skip-mlp", 1), "MLP branch of transformer block 2"),
    "skipped attention": ("decoder", Variation("skip-attention", 0), "attention branch"),
    "label smoothing": ("decoder", Variation("label-smoothing", 1e-3), "label smoothing of 0.001"),
    "summed loss": ("perceptron", Variation("loss-scale", 8), "loss multiplied by 8"),
    "SAME at stride 2": ("strided", Variation("same-padding"), "'SAME' padding"),
    "channels first": ("strided", Variation("channels-first-flatten"), "(channels, height, width)"),
    "forget bias": ("recurrent", Variation("lstm-forget-bias", 1), "added to the forget gate"),
    "gate order": ("recurrent", Variation("lstm-gate-order"), "input, cell, forget, output"),
    "tanh GELU": ("perceptron", Variation("gelu-tanh"), "tanh GELU"),
    "unscaled": ("decoder", Variation("attention-unscaled"), "without a scale"),
}


def vary(variation):
    def mutate(job):
        # A beginning of the network may lack the block that the variation is about.
        blocks = sum(layer.kind == "transformer_block" for layer in job.workload.layers)
        absent = variation.name.startswith("skip") and variation.value >= blocks
        return job if absent else replace(job, variation=variation)

    return mutate


@pytest.mark.parametrize("name", VARIATIONS)
def test_a_known_mistake_is_caught_and_named(name, small, in_process, numpy_trainer):
    workload, variation, cause = VARIATIONS[name]
    mutant = Mutant(in_process(numpy_trainer), job=vary(variation))
    certificate = judge(mutant, FP64, small(workload), in_process(numpy_trainer))
    assert not certificate.same_work
    assert cause in certificate.cause


@pytest.mark.parametrize("name", ["fast-variance", "summation-order"])
def test_another_order_of_the_same_sums_is_accepted(name, small, in_process, numpy_trainer):
    mutant = Mutant(in_process(numpy_trainer), job=vary(Variation(name)))
    certificate = judge(mutant, FP64, small("decoder"), in_process(numpy_trainer))
    assert certificate.same_work, certificate.reason
    assert 0 < certificate.gradient_error < G64.gradient


def test_the_first_layer_that_differs_is_named(small, in_process, numpy_trainer):
    def mutate(job):
        layers = list(job.workload.layers)
        for index, layer in enumerate(layers):
            if layer.name == "transformer_block_2":
                layers[index] = replace(layer, epsilon=1e-4)
        return replace(job, workload=replace(job.workload, layers=tuple(layers)))

    torch_trainer = importlib.import_module("envdoctor_torch.trainer").Trainer
    mutant = Mutant(in_process(torch_trainer), job=mutate)
    certificate = judge(
        mutant, Setting("eager", "fp64"), small("decoder"), in_process(numpy_trainer)
    )
    assert "from layer `transformer_block_2` on" in certificate.reason
    assert certificate.cause == ""  # an epsilon in one layer only is no known difference


def test_a_gradient_alone_that_is_wrong_is_named(small, in_process, numpy_trainer):
    class Scales(numpy_trainer):
        def differentiate(self, batch):
            found = super().differentiate(batch)
            found.tensors["dense_1.kernel"] = found.tensors["dense_1.kernel"] * (1 + 1e-9)
            return found

    certificate = judge(in_process(Scales), FP64, small("perceptron"), in_process(numpy_trainer))
    assert not certificate.same_work
    assert certificate.gradient_name == "dense_1.kernel"
    assert "1 of 6 gradients" in certificate.reason


def test_outputs_that_are_not_numbers_fail(small, in_process, numpy_trainer):
    class Overflows(numpy_trainer):
        def differentiate(self, batch):
            found = super().differentiate(batch)
            found.outputs[0, 0] = np.nan
            return found

    certificate = judge(in_process(Overflows), FP64, small("perceptron"), in_process(numpy_trainer))
    assert not certificate.same_work
    assert certificate.output_error is None


def test_a_step_that_trains_otherwise_than_it_differentiates_is_caught(
    small, in_process, numpy_trainer
):
    class Forgets(numpy_trainer):
        def step(self, batch):
            super().step(batch if batch < 5 else 0)

    certificate = judge(in_process(Forgets), FP64, small("perceptron"), in_process(numpy_trainer))
    assert not certificate.same_work
    assert "the loss departs" in certificate.reason


def test_float32_passes_its_own_tier_and_not_that_of_float64(small, in_process, numpy_trainer):
    single = Setting("numpy", "fp32")
    certificate = judge(
        in_process(numpy_trainer), single, small("decoder"), in_process(numpy_trainer)
    )
    assert certificate.same_work, certificate.reason
    assert certificate.tier == "G32"
    assert G64.gradient < certificate.gradient_error < G32.gradient


def test_a_model_that_is_only_to_be_had_whole_is_judged_without_its_layers(
    small, in_process, numpy_trainer
):
    whole = len(small("decoder").workload.layers)

    def only_whole(job):
        if len(job.workload.layers) < whole:
            raise WorkerEnded(Outcome(status="unsupported", reason="no such architecture."))
        return change_layers(epsilon=1e-3)(job)

    mutant = Mutant(in_process(numpy_trainer), job=only_whole)
    certificate = judge(mutant, FP64, small("decoder"), in_process(numpy_trainer))
    assert not certificate.same_work
    assert "from layer" not in certificate.reason
    assert "epsilon 0.001" in certificate.cause
