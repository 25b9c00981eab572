"""Registers the TensorFlow backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Mode, Setting, hookimpl

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
        precisions=("fp32", "fp64"),
        at_least="2.16",
        environment=environment,
    )
