"""Registers the built-in detectors, and gathers what all detectors find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Detector, hookimpl
from envdoctor.detect import (
    amd,
    apple,
    folders,
    host,
    limits,
    memory,
    nvidia,
    pci,
    processor,
    tools,
    tpu,
)
from envdoctor.detect.gathering import facts_of, gather_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["envdoctor_detectors", "facts_of", "gather_machine"]


@hookimpl
def envdoctor_detectors() -> Iterator[Detector]:
    """One record a subsystem; NVIDIA's first, because it may have to wait for a child."""
    yield Detector(name="nvidia", summary="NVIDIA driver and GPUs", run=nvidia.detect)
    yield Detector(name="amd", summary="AMD GPUs", run=amd.detect)
    yield Detector(name="apple", summary="Apple silicon", run=apple.detect)
    yield Detector(name="cpu", summary="processor, affinity and CPU quota", run=processor.detect)
    yield Detector(name="folders", summary="folders that frameworks write to", run=folders.detect)
    yield Detector(name="limits", summary="resource limits", run=limits.detect)
    yield Detector(name="memory", summary="host memory and its limit", run=memory.detect)
    yield Detector(name="pci", summary="GPUs and accelerators on the PCI bus", run=pci.detect)
    yield Detector(name="system", summary="operating system and container", run=host.detect)
    yield Detector(name="tools", summary="compilers and CUDA toolkits", run=tools.detect)
    yield Detector(name="tpu", summary="Google TPU chips", run=tpu.detect)
