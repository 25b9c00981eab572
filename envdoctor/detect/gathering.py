"""Gathers what all detectors find, and puts it into the facts of a run."""

from __future__ import annotations

import platform
import threading
import time
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, structs

from envdoctor.model.facts import Cpu, Facts, HostMemory, System
from envdoctor.model.machine import Machine, Unseen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envdoctor.api import Detector

TIME_LIMIT_SECONDS = 6.0
"""For all detectors together: a second more than the longest of ours takes to give up."""
GIB = 1 << 30
S = TypeVar("S", bound=Struct)


def gather_machine(detectors: Iterable[Detector], seconds: float = TIME_LIMIT_SECONDS) -> Machine:
    """All parts together; what a detector cannot find out is unseen, and stops no other."""
    rounds = [_Round(detector) for detector in detectors]
    end = time.monotonic() + seconds
    machine = Machine()
    for each in rounds:
        machine = merge(machine, each.result(end, seconds))
    return machine


class _Round:
    """One detector at work in a thread, so that one that hangs is left behind."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._found: Machine | BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=detector.name, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._found = _require_machine(self._detector.run())
        except BaseException as error:  # noqa: BLE001  a stranger's; even `sys.exit` is no answer
            self._found = error

    def result(self, end: float, seconds: float) -> Machine:
        """The part of the machine, or what could not be seen of it."""
        self._thread.join(max(0.0, end - time.monotonic()))
        found = self._found
        if found is None:
            return self._unseen(f"it did not answer within {seconds:g} s")
        if isinstance(found, KeyboardInterrupt):
            raise found
        if isinstance(found, BaseException):
            return self._unseen(f"{type(found).__name__}: {found}")
        return found

    def _unseen(self, reason: str) -> Machine:
        return Machine(unseen=(Unseen(what=self._detector.name, reason=reason),))


def _require_machine(found: object) -> Machine:
    if not isinstance(found, Machine):
        raise TypeError(f"it answered {type(found).__name__} instead of a Machine")
    return found


def merge(machine: Machine, found: Machine) -> Machine:
    """A machine with whatever another one says beyond the defaults."""
    merged = _merge(machine, found)
    return structs.replace(
        merged,
        unseen=(*machine.unseen, *found.unseen),
        commands={**machine.commands, **found.commands},
    )


def _merge(old: S, new: S) -> S:
    """Field by field, so that two detectors may each know something of one part."""
    known = {}
    for field in structs.fields(new):
        theirs, ours = getattr(new, field.name), getattr(old, field.name)
        if not field.required and theirs == field.default:
            continue
        both = isinstance(theirs, Struct) and type(theirs) is type(ours)
        known[field.name] = _merge(ours, theirs) if both else theirs
    return structs.replace(old, **known)


def facts_of(machine: Machine) -> Facts:
    """What of a machine a measurement depends on, for the file of a run."""
    system, processor, memory = machine.platform, machine.processor, machine.memory
    return Facts(
        system=System(
            name=system.system,
            release=system.kernel,
            architecture=system.architecture,
            python=platform.python_version(),
        )
        if system.system
        else None,
        cpu=Cpu(
            model=processor.model,
            logical=processor.logical,
            allowed=processor.allowed,
            quota=processor.quota,
        )
        if processor.logical
        else None,
        memory=HostMemory(
            total_bytes=memory.total_bytes,
            available_bytes=memory.available_bytes,
            limit_bytes=memory.limit_bytes,
        )
        if memory.total_bytes
        else None,
        gpus=gpu_names(machine),
        notes=tuple(f"{each.what}: {each.reason}" for each in machine.unseen),
    )


def gpu_names(machine: Machine) -> tuple[str, ...]:
    """The GPUs by name and memory, in the order of their vendors' numbers."""
    named = [(gpu.name, gpu.total_bytes) for gpu in machine.nvidia.gpus] if machine.nvidia else []
    if machine.amd:
        named += [(gpu.name or gpu.gfx, gpu.total_bytes) for gpu in machine.amd.gpus]
    if machine.apple:
        named.append((machine.apple.chip, None))
    return tuple(
        f"{name} ({total / GIB:.0f} GiB)" if total else name for name, total in named if name
    )
