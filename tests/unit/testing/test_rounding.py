"""Trainers of reduced precision, right and wrong, as the kit sees them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envdoctor.bench.parity.reduced import round_values
from envdoctor.child.contract import Unsupported
from envdoctor.testing import NotApplicable, NotConforming
from envdoctor.testing.rounding import explains_everything


class Rounds:
    """Float32 inside, gradients with the bits of bfloat16."""

    factor = 1.0

    def __init__(self, job, weights):
        if job.setting.precision == "fp16":
            raise Unsupported("no float16 here")
        super().__init__(replace(job, setting=replace(job.setting, precision="fp32")), weights)

    def differentiate(self, batch):
        found = super().differentiate(batch)
        tensors = {
            name: round_values(value * self.factor, "bf16").astype(value.dtype)
            for name, value in found.tensors.items()
        }
        return replace(found, tensors=tensors)


class Loses(Rounds):
    """What is lost where a sum of many small numbers is kept in bfloat16."""

    factor = 0.6


class Falls(Rounds):
    def step(self, batch):
        raise FloatingPointError("overflow")


@pytest.fixture
def subject(make, backend, numpy_trainer):
    """A subject around one of these trainers."""

    def made(mixed_in, *precisions):
        trainer = type("Reduced", (mixed_in, numpy_trainer), {})
        return make(trainer, backend=backend(precisions=("fp32", *precisions)))

    return made


def test_rounding_is_explained(subject):
    assert explains_everything(subject(Rounds, "bf16")) == "bf16 on mlp-tiny"


def test_what_rounding_does_not_explain_is_seen(subject):
    with pytest.raises(NotConforming, match=r"mlp-tiny, bf16: as it is timed, its gradients"):
        explains_everything(subject(Loses, "bf16"))


def test_a_trainer_that_falls_is_told(subject):
    with pytest.raises(NotConforming, match="bf16: FloatingPointError: overflow"):
        explains_everything(subject(Falls, "bf16"))


def test_a_precision_that_builds_nothing_is_a_fault(subject):
    with pytest.raises(NotConforming, match="fp16: it supports none of the families"):
        explains_everything(subject(Rounds, "fp16"))


def test_a_backend_without_reduced_precision_has_nothing_to_show(subject):
    with pytest.raises(NotApplicable, match="offers no reduced precision"):
        explains_everything(subject(Rounds))
