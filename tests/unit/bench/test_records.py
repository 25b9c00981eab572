from __future__ import annotations

from msgspec import structs

from envdoctor.bench.records import gate_of, record_workload
from envdoctor.workload.prepare import prepare
from envdoctor_workloads.plugin import envdoctor_data_sets, envdoctor_workloads

DATA_SETS = {data_set.name: data_set for data_set in envdoctor_data_sets()}
FILES = {file.name: file.path for file in envdoctor_workloads()}


def test_a_record_keeps_counts_and_the_gate() -> None:
    record = record_workload(prepare(FILES["mlp-tiny"], DATA_SETS, 0))
    assert (record.name, record.parameters, record.batch, record.tokens) == (
        "mlp-tiny",
        26_122,
        64,
        None,
    )
    assert record.quality is not None
    assert record.quality.metric == "accuracy"


def test_the_seed_changes_weights_and_batches_but_not_the_work() -> None:
    one, same, other = (
        record_workload(prepare(FILES["mlp-tiny"], DATA_SETS, seed)) for seed in (0, 0, 1)
    )
    assert one == same
    assert (one.weights_sha256, one.batches_sha256) != (other.weights_sha256, other.batches_sha256)
    assert (
        structs.replace(other, weights_sha256=one.weights_sha256, batches_sha256=one.batches_sha256)
        == one
    )


def test_a_workload_without_a_gate_has_none() -> None:
    assert gate_of(prepare(FILES["transformer-small"], DATA_SETS, 0)) is None
