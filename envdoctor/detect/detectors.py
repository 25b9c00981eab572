"""Registers the built-in detectors, and gathers what all detectors find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from envdoctor.api import Detector, hookimpl
from envdoctor.detect import cpu, memory, system
from envdoctor.model.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@hookimpl
def envdoctor_detectors() -> Iterator[Detector]:
    """One record a subsystem."""
    yield Detector(name="cpu", summary="processor, affinity and CPU quota", run=cpu.detect)
    yield Detector(name="memory", summary="host memory and its limit", run=memory.detect)
    yield Detector(name="system", summary="operating system and Python", run=system.detect)


def gather(detectors: Iterable[Detector]) -> Facts:
    """All facts together; what a detector cannot find out becomes a note."""
    facts = Facts()
    for detector in detectors:
        try:
            facts = _merge(facts, detector.run())
        except Exception as error:  # noqa: BLE001  a stranger's detector may raise anything
            note = f"{detector.name}: {type(error).__name__}: {error}"
            facts = structs.replace(facts, notes=(*facts.notes, note))
    return facts


def _merge(facts: Facts, found: Facts) -> Facts:
    known = {
        name: value
        for name in ("system", "cpu", "memory")
        if (value := getattr(found, name)) is not None
    }
    return structs.replace(facts, **known, notes=(*facts.notes, *found.notes))
