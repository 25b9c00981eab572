"""The hooks. Each takes no argument and yields frozen records of `envdoctor.api`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envdoctor.api import (
        Backend,
        Check,
        Collector,
        DataSet,
        Detector,
        Exporter,
        Probe,
        WorkloadFile,
    )

hookspec = pluggy.HookspecMarker("envdoctor")


@hookspec
def envdoctor_backends() -> Iterable[Backend]:
    """Frameworks that can train the workloads."""
    return ()


@hookspec
def envdoctor_workloads() -> Iterable[WorkloadFile]:
    """Workload files that can be asked for by name."""
    return ()


@hookspec
def envdoctor_data_sets() -> Iterable[DataSet]:
    """Data sets that a workload can name."""
    return ()


@hookspec
def envdoctor_detectors() -> Iterable[Detector]:
    """Parts of the machine, found out without loading a framework."""
    return ()


@hookspec
def envdoctor_exporters() -> Iterable[Exporter]:
    """Output formats for a run."""
    return ()


@hookspec
def envdoctor_collectors() -> Iterable[Collector]:
    """Facts of one framework, read from files and metadata of the target."""
    return ()


@hookspec
def envdoctor_checks() -> Iterable[Check]:
    """Judgements of facts."""
    return ()


@hookspec
def envdoctor_probes() -> Iterable[Probe]:
    """Frameworks that can be exercised in a child."""
    return ()
