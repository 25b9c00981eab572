from __future__ import annotations

import pytest

from envdoctor.api import Mode
from envdoctor.bench import estimate
from envdoctor.workload.prepare import Prepared, prepare
from envdoctor_workloads.plugin import envdoctor_data_sets, envdoctor_workloads


@pytest.fixture(scope="module")
def prepared() -> dict[str, Prepared]:
    data_sets = {data_set.name: data_set for data_set in envdoctor_data_sets()}
    files = {file.name: file.path for file in envdoctor_workloads()}
    return {name: prepare(files[name], data_sets, 0) for name in ("mlp-tiny", "cnn-small")}


def test_twice_the_steps_take_twice_the_time(prepared: dict[str, Prepared]) -> None:
    once = estimate.steps_seconds(prepared["cnn-small"], 10)
    assert estimate.steps_seconds(prepared["cnn-small"], 20) == pytest.approx(2 * once)
    assert estimate.steps_seconds(prepared["cnn-small"], 10, doubles=True) == pytest.approx(
        2 * once
    )


def test_a_heavier_workload_takes_longer(prepared: dict[str, Prepared]) -> None:
    tiny, small = (estimate.steps_seconds(prepared[name], 10) for name in prepared)
    assert 0 < tiny < small


def test_only_a_compiled_mode_compiles(prepared: dict[str, Prepared]) -> None:
    eager, compiled = Mode(name="e", summary=""), Mode(name="c", summary="", compiled=True)
    assert estimate.compile_seconds(eager, prepared["mlp-tiny"]) == 0
    tiny, small = (estimate.compile_seconds(compiled, prepared[name]) for name in prepared)
    assert 0 < tiny < small
