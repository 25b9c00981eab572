"""Registers the TensorFlow backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Check, Collector, Mode, Probe, Setting, hookimpl
from envdoctor_tensorflow import checks, facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def environment(setting: Setting) -> Mapping[str, str]:
    """Both thread pools, which are sized once, at the first operation."""
    threads = str(setting.threads)
    return {
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": threads,
        "OMP_NUM_THREADS": threads,
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """Graph mode, and the same compiled by XLA."""
    yield Backend(
        name="tensorflow",
        summary="TensorFlow without Keras",
        module="tensorflow",
        distributions=(
            "tensorflow",
            "tensorflow-cpu",
            "tensorflow-macos",
            "tensorflow-intel",
            "tensorflow-rocm",
            "tf-nightly",
        ),
        trainer="envdoctor_tensorflow.trainer:Trainer",
        modes=(
            Mode(
                name="graph",
                summary="tf.function over the whole step",
                compiled=True,
                practice=("gather, gradient and update in one graph", "oneDNN kernels"),
            ),
            Mode(
                name="xla",
                summary="tf.function(jit_compile=True) over the whole step",
                compiled=True,
                practice=("gather, gradient and update in one XLA program",),
            ),
        ),
        precisions=("fp32", "fp64", "tf32", "bf16", "fp16"),
        at_least="2.16",
        environment=environment,
    )


@hookimpl
def envdoctor_collectors() -> Iterator[Collector]:
    """What the installed files say."""
    yield Collector(name="tensorflow", summary="TensorFlow, from its files", run=facts.collect)


@hookimpl
def envdoctor_checks() -> Iterator[Check]:
    """What can be wrong with it."""
    yield from checks.CHECKS


@hookimpl
def envdoctor_probes() -> Iterator[Probe]:
    """What `--deep` tries."""
    yield Probe(
        name="tensorflow",
        summary="TensorFlow on the CPU and GPUs",
        module="tensorflow",
        distributions=facts.DISTRIBUTIONS,
        entry="envdoctor_tensorflow.probe:probe",
        environment={"TF_FORCE_GPU_ALLOW_GROWTH": "true"},
        seconds=90,
    )
