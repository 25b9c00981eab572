"""From what a run works with to what its record keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.bench.parity.evidence import full_data
from envdoctor.model.run import QualityGate, WorkloadRecord
from envdoctor.workload.prepare import hash_arrays, hash_workload

if TYPE_CHECKING:
    from envdoctor.workload.prepare import Prepared


def record_workload(prepared: Prepared) -> WorkloadRecord:
    """A workload with its counts and hashes."""
    described = prepared.description
    data = full_data(prepared)
    batches = {"batches": data.pop("batches")}
    return WorkloadRecord(
        name=prepared.name,
        family=described.family,
        size=described.size,
        summary=described.summary,
        data_set=described.data.set,
        loss=described.train.loss,
        batch=described.train.batch,
        steps=prepared.steps,
        parameters=prepared.network.parameter_count,
        forward_flops=prepared.network.forward_flops,
        training_flops=prepared.network.training_flops,
        tokens=prepared.tokens,
        quality=gate_of(prepared),
        workload_sha256=hash_workload(prepared.workload, prepared.optimizer),
        data_sha256=hash_arrays(data),
        weights_sha256=hash_arrays(prepared.weights()),
        batches_sha256=hash_arrays(batches),
    )


def gate_of(prepared: Prepared) -> QualityGate | None:
    """The quality gate of a workload."""
    quality = prepared.description.quality
    if quality is None:
        return None
    return QualityGate(metric=quality.metric, at_least=quality.at_least, at_most=quality.at_most)
