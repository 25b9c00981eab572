from __future__ import annotations

import pytest
from msgspec import structs

from envdoctor.errors import InputError
from envdoctor.library.index import list_runs
from envdoctor.library.trends import NO_BASELINE, trend
from envdoctor.model.facts import Cpu, Facts

OTHER = Facts(cpu=Cpu(model="Another Processor", logical=2, allowed=(0, 1), quota=None))


@pytest.fixture
def follow(tmp_path):
    def ask(workload="mlp-tiny", **options):
        entries = list_runs(tmp_path, judged=False).runs
        return trend(entries, lambda entry: tmp_path / f"{entry.id}.json", workload, **options)

    return ask


def test_a_slower_row_is_found_against_the_best_earlier_run(store, follow, made):
    store(1, versions={"torch": "2.0"})
    store(2, {"numpy": 4e-4, "torch eager": 1e-3}, versions={"torch": "2.0"})
    slower = {**made["STEP_SECONDS"], "torch eager": 1.2e-3}
    store(3, slower, versions={"torch": "2.1"})
    found = follow()
    assert found.machine == "A Processor, 2 CPUs"
    # February has fewer rows in common with the latest, so January tells more.
    assert found.comparison.a.id.startswith("202601")
    assert "4 rows in common, noise grade A" in found.choice
    verdicts = {pair.row.title: pair.verdict for pair in found.comparison.pairs}
    assert verdicts["torch eager"] == "slower"
    assert verdicts["jax jit"] == "tie"
    history = [point for point in found.points if point.row.title == "torch eager"]
    assert [point.version for point in history] == ["2.0", "2.0", "2.1"]
    assert all(point.low_seconds <= point.step_seconds <= point.high_seconds for point in history)
    assert [point.started_at[:7] for point in history] == ["2026-01", "2026-02", "2026-03"]


def test_of_equals_the_newest_is_the_baseline(store, follow):
    for month in (1, 2, 3):
        store(month)
    assert follow().comparison.a.id.startswith("202602")


def test_other_machines_and_damaged_runs_are_left_out_and_named(store, follow):
    store(1, facts=OTHER)
    path = store(2)
    store(3)
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"wall_ns": ', b'"wall_ns": x', 1))
    found = follow()
    assert found.comparison is None
    assert found.choice == NO_BASELINE
    reasons = {left.run[:6]: left.reason for left in found.left_out}
    assert reasons["202601"] == "CPU model: Another Processor, now A Processor."
    assert "is not a run file" in reasons["202602"] or "not a valid run" in reasons["202602"]


def test_a_noisy_run_is_shown_and_is_no_baseline(store, follow):
    store(1)
    store(2, twin_factor=1.3)
    store(3)
    found = follow()
    assert found.comparison.a.id.startswith("202601")
    assert {point.run[:6]: point.grade for point in found.points}["202602"] == "D"


def test_only_the_wanted_rows_are_followed_and_the_noise_stays_known(store, follow):
    store(1)
    store(2)
    found = follow(wanted=lambda row: row.backend == "torch")
    assert {point.row.backend for point in found.points} == {"torch"}
    assert {point.grade for point in found.points} == {"A"}


def test_a_workload_that_nobody_measured_is_told(store, follow):
    with pytest.raises(InputError, match="no stored run has measured `cnn-tiny`") as told:
        follow("cnn-tiny")
    assert told.value.hint == "`envdoctor bench` makes one."
    store(1)
    with pytest.raises(InputError) as told:
        follow("cnn-tiny")
    assert told.value.hint == "Measured so far: mlp-tiny."


def test_runs_without_a_speed_are_told(store, follow, made, tmp_path):
    run = made["made_run"](id="empty", workloads=("mlp-tiny",))
    from envdoctor.model import codec

    codec.write(structs.replace(run, cells=(), state="interrupted"), tmp_path / "empty.json")
    with pytest.raises(InputError, match="no stored run of mlp-tiny can be used") as told:
        follow()
    assert told.value.hint == "no row has a speed on mlp-tiny (the run is interrupted)."
