"""Which workloads are cross-validated, and what a worker that misbehaves leaves behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from envdoctor.api import Backend
from envdoctor.bench.folds import check_folds, planned_folds, take_plan
from envdoctor.bench.plan import PlannedRow
from envdoctor.errors import InputError
from envdoctor.workload.prepare import Prepared, prepare
from envdoctor_workloads.plugin import envdoctor_data_sets, envdoctor_workloads

NAMES = ("transformer-tiny", "mlp-tiny", "regressor-tiny", "mlp-large")


@pytest.fixture(scope="module")
def shipped() -> dict[str, Prepared]:
    data_sets = {data_set.name: data_set for data_set in envdoctor_data_sets()}
    files = {file.name: file.path for file in envdoctor_workloads()}
    return {name: prepare(files[name], data_sets, 0) for name in NAMES}


def test_folds_that_no_workload_can_have_are_one_sentence(shipped: dict[str, Prepared]) -> None:
    with pytest.raises(InputError) as caught:
        check_folds([shipped["transformer-tiny"], shipped["mlp-large"]], 5)
    assert caught.value.sentence.startswith("transformer-tiny cannot be cross-validated: ")
    assert "mlp-tiny" in caught.value.hint


def test_one_workload_that_can_is_enough(shipped: dict[str, Prepared]) -> None:
    check_folds([shipped["transformer-tiny"], shipped["mlp-tiny"]], 5)


def test_only_what_can_have_folds_is_planned(
    shipped: dict[str, Prepared], backend: Callable[..., Backend]
) -> None:
    numpy = backend("numpy")
    rows = [PlannedRow(numpy, numpy.modes[0], "python", own=True)]
    workloads = [shipped[name] for name in NAMES[:3]]
    five = list(planned_folds(rows, workloads, 5))
    assert [(piece.kind, piece.workload) for piece in five] == [
        ("folds", "mlp-tiny"),
        ("folds", "regressor-tiny"),
    ]
    ten = list(planned_folds(rows, workloads, 10))
    assert ten[0].seconds > five[0].seconds


class Timed:
    """A worker whose first step takes long, as where it compiles."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def block(
        self, first: int, steps: int, count: int, warm_seconds: float | None
    ) -> dict[str, float]:
        assert warm_seconds is None  # or more steps than the plan has would be taken
        assert first + steps <= count
        self.asked.append((first, steps))
        return {"wall_ns": 10_000_000_000 if first == 0 else steps * 1_000_000}


def test_every_step_of_the_plan_is_taken_once() -> None:
    worker = Timed()
    shares = list(take_plan(worker, 5000))
    assert [first for first, _ in worker.asked] == [
        sum(steps for _, steps in worker.asked[:place]) for place in range(len(worker.asked))
    ]
    assert sum(steps for _, steps in worker.asked) == 5000
    assert shares[0] == 0
    assert shares == sorted(shares)
    # Two seconds of steps at most, however long the first of them took.
    assert max(steps for _, steps in worker.asked) <= 2000
    assert len(worker.asked) < 12
