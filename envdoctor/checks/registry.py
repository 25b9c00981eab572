"""Registers the built-in checks: one module a subject, each with its list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, hookimpl
from envdoctor.checks import (
    abi,
    c_libraries,
    cuda_libraries,
    declared,
    import_path,
    installed,
    interpreter,
    known_bad,
    machine,
    managers,
    notebooks,
    nvidia_container,
    nvidia_driver,
    nvidia_fabric,
    nvidia_gpus,
    nvidia_health,
    nvidia_libcuda,
    nvidia_module,
    pairs,
    probes,
    rocm,
    start_up,
    storage,
    threads,
    toolkit,
    tools,
    tpu,
    visibility,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECTS = (
    abi,
    c_libraries,
    cuda_libraries,
    declared,
    import_path,
    installed,
    interpreter,
    known_bad,
    machine,
    managers,
    notebooks,
    nvidia_container,
    nvidia_driver,
    nvidia_fabric,
    nvidia_gpus,
    nvidia_health,
    nvidia_libcuda,
    nvidia_module,
    pairs,
    probes,
    rocm,
    start_up,
    storage,
    threads,
    toolkit,
    tools,
    tpu,
    visibility,
)


@hookimpl
def envdoctor_checks() -> Iterator[Check]:
    """Every check of the core."""
    for subject in SUBJECTS:
        yield from subject.CHECKS
