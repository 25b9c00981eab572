"""Registers the Keras backend, and what the doctor knows of Keras."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from envdoctor.api import Backend, Check, Collector, Mode, Probe, Setting, hookimpl
from envdoctor_keras import checks, facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GATHER = "gather inside the train step, indices on the device"
ADAMW = "AdamW of Keras, with epsilon beside the root of the corrected moment"


def environment(setting: Setting) -> Mapping[str, str]:
    """Which engine Keras loads, and the threads of that engine."""
    return {
        "KERAS_BACKEND": setting.mode,
        "KERAS_NNX_ENABLED": "false",
        # Importing Keras writes a keras.json where there is none. Below the null device there is
        # no place for it, which Keras passes over; the trainer sets what the file would hold.
        "KERAS_HOME": os.devnull,
        **_ENGINES.get(setting.mode, _no_variables)(setting),
    }


def _no_variables(_: Setting) -> Mapping[str, str]:
    return {}


def _tensorflow(setting: Setting) -> Mapping[str, str]:
    threads = str(setting.threads)
    return {
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": threads,
        "OMP_NUM_THREADS": threads,
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }


def _jax(setting: Setting) -> Mapping[str, str]:
    threads = str(setting.threads)
    variables = {
        "PJRT_NPROC": threads,
        "NPROC": threads,
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    return {**variables, "JAX_PLATFORMS": "cpu"} if setting.device == "cpu" else variables


def _torch(setting: Setting) -> Mapping[str, str]:
    threads = str(setting.threads)
    return {
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "KERAS_TORCH_DEVICE": setting.device,
    }


_ENGINES = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """One mode for each engine, each as `compile` sets it up by default."""
    yield Backend(
        name="keras",
        summary="Keras 3 on each of its engines",
        module="keras",
        distributions=("keras", "keras-nightly"),
        trainer="envdoctor_keras.trainer:Trainer",
        modes=(
            Mode(
                name="tensorflow",
                summary="the train function of `fit`, one tf.function compiled by XLA",
                compiled=True,
                practice=(GATHER, "jit_compile as Keras chooses: XLA", ADAMW),
                needs=("tensorflow",),
            ),
            Mode(
                name="jax",
                summary="the train function of `fit`, one jax.jit that donates the state",
                compiled=True,
                practice=(GATHER, "the state stays outside the variables, as in `fit`", ADAMW),
                needs=("jax",),
            ),
            Mode(
                name="torch",
                summary="the train function of `fit`, eager",
                practice=(GATHER, "jit_compile as Keras chooses: eager", ADAMW),
                needs=("torch",),
            ),
        ),
        # Not fp64: except on TensorFlow, Keras's promotion of types turns float64 into float32.
        precisions=("fp32",),
        at_least="3.5",
        environment=environment,
    )


@hookimpl
def envdoctor_collectors() -> Iterator[Collector]:
    """What is installed of it, and the backend it is told to use."""
    yield Collector(
        name="keras", summary="Keras, tf-keras and the chosen backend", run=facts.collect
    )


@hookimpl
def envdoctor_checks() -> Iterator[Check]:
    """What can be wrong with it."""
    yield from checks.CHECKS


@hookimpl
def envdoctor_probes() -> Iterator[Probe]:
    """What `--deep` tries."""
    yield Probe(
        name="keras",
        summary="Keras on the engine that it is told to use",
        module="keras",
        distributions=("keras", "keras-nightly"),
        entry="envdoctor_keras.probe:probe",
        environment={"XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
        seconds=90,
    )
