"""Registers the Hugging Face Transformers backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Check, Collector, Mode, Probe, Setting, hookimpl
from envdoctor_transformers import checks, facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PRACTICE = (
    "GPT2LMHeadModel and ViTForImageClassification, from a config",
    "scaled_dot_product_attention, which Transformers chooses by default",
    "PyTorch's own kernel for the tanh GELU (`gelu_pytorch_tanh`)",
    "no key-value cache",
    "cross entropy of the logits, for targets that are shifted already (`labels=` shifts)",
    "fused AdamW",
    "gradients set to None",
)


def environment(setting: Setting) -> Mapping[str, str]:
    """Threads for PyTorch, which reads them at import; and no word to the model hub."""
    threads = str(setting.threads)
    return {
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_OFFLINE": "1",
    }


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """The published architectures as they come, and compiled by TorchInductor."""
    yield Backend(
        name="transformers",
        summary="Hugging Face Transformers: GPT-2 and ViT, on PyTorch",
        module="transformers",
        distributions=("transformers",),
        trainer="envdoctor_transformers.trainer:Trainer",
        modes=(
            Mode(
                name="eager",
                summary="the library's models, autograd",
                practice=PRACTICE,
                needs=("torch",),
            ),
            Mode(
                name="compile",
                summary="torch.compile of the model, optimiser outside",
                compiled=True,
                exact="eager",
                keeps=True,
                practice=(*PRACTICE, "torch.compile of the model", "static shapes"),
                needs=("torch",),
            ),
        ),
        builds_on=("envdoctor_torch",),
        precisions=("fp32", "fp64"),
        at_least="4.57",
        environment=environment,
    )


@hookimpl
def envdoctor_collectors() -> Iterator[Collector]:
    """What the installed files say."""
    yield Collector(name="transformers", summary="Transformers, from its files", run=facts.collect)


@hookimpl
def envdoctor_checks() -> Iterator[Check]:
    """What can be wrong with it."""
    yield from checks.CHECKS


@hookimpl
def envdoctor_probes() -> Iterator[Probe]:
    """What `--deep` tries."""
    yield Probe(
        name="transformers",
        summary="GPT-2's product and its gradient, and the attention of models",
        module="transformers",
        distributions=("transformers",),
        entry="envdoctor_transformers.probe:probe",
        builds_on=("envdoctor_torch",),
        environment={
            "HF_HUB_OFFLINE": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "TRANSFORMERS_OFFLINE": "1",
        },
    )
