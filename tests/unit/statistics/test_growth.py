from __future__ import annotations

from math import exp
from random import Random

import pytest
from msgspec import structs

from envdoctor.model.run import WorkloadRecord
from envdoctor.statistics.growth import MOST_GROWTH, overheads

RECORD = WorkloadRecord(
    name="w",
    family="mlp",
    size="tiny",
    tokens=None,
    quality=None,
    summary="",
    data_set="digits",
    loss="cross_entropy",
    batch=64,
    steps=10,
    parameters=1,
    forward_flops=1,
    training_flops=1,
    workload_sha256="0",
    data_sha256="0",
    weights_sha256="0",
    batches_sha256="0",
)


def _times(milliseconds: float, seed: int) -> list[list[float]]:
    random = Random(seed)
    return [[milliseconds * 1e-3 * exp(random.gauss(0, 0.01)) for _ in range(20)]]


@pytest.fixture
def sweep(make_run):
    """Makes a run of one workload with several batches, from milliseconds of each row."""

    def make(by_batch):
        names = {batch: "w" if batch == 64 else f"w@{batch}" for batch in by_batch}
        run = make_run(
            {
                names[batch]: {row: _times(ms, seed) for seed, (row, ms) in enumerate(rows.items())}
                for batch, rows in by_batch.items()
            }
        )
        records = tuple(
            structs.replace(RECORD, name=name, batch=batch) for batch, name in names.items()
        )
        return structs.replace(run, workloads=records)

    return make


def test_a_step_that_hardly_grows_is_bound_by_overhead(sweep):
    rows = {1024: {"jax": 1.9, "torch": 1.5, "numpy": 8.0}, 64: dict.fromkeys(
        ("jax", "torch", "numpy"), 1.0)}  # fmt: skip
    (found,) = overheads(sweep(rows))
    assert (found.workload, found.batch, found.larger) == ("w", 64, 1024)
    names = {row.backend: ratio for row, ratio in found.ratios.items()}
    assert list(names) == ["torch"]  # 1.9 is under the bound, and its interval reaches beyond
    assert names["torch"] == pytest.approx(1.5, rel=0.02)


def test_the_bound_is_that_half_a_batch_takes_most_of_the_time(sweep):
    assert pytest.approx(1 / 0.85) == 2**MOST_GROWTH
    for share, bound in ((0.80, False), (0.90, True)):
        run = sweep({64: {"jax": share}, 128: {"jax": 1.0}})
        assert bool(list(overheads(run))) is bound


def test_neighbouring_batches_are_compared(sweep):
    run = sweep({256: {"jax": 1.2}, 64: {"jax": 1.0}, 1024: {"jax": 4.0}})
    assert [(found.batch, found.larger) for found in overheads(run)] == [(64, 256)]


def test_one_batch_or_another_workload_says_nothing(sweep):
    assert list(overheads(sweep({64: {"jax": 1.0}}))) == []
    run = sweep({64: {"jax": 1.0}, 256: {"jax": 1.0}})
    others = tuple(structs.replace(record, name=name) for record, name in zip(
        run.workloads, ("v", "w@256"), strict=True))  # fmt: skip
    assert list(overheads(structs.replace(run, workloads=others))) == []


def test_a_row_without_a_speed_on_one_of_them_is_left_out(sweep):
    run = sweep({64: {"jax": 1.0, "torch": 1.0}, 256: {"jax": 1.0}})
    (found,) = overheads(run)
    assert [row.backend for row in found.ratios] == ["jax"]
