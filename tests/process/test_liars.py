"""Right work that would earn a wrong number: each deceit is found, and named."""

from __future__ import annotations

from pathlib import Path

import pytest

from envdoctor.report.table import tables

SPECK = Path(__file__).with_name("speck.toml")
MODES = ("honest", "early", "recompiles", "half", "tf32")


@pytest.fixture(scope="module")
def run(engine, module_mark):
    return engine("liars", mark=module_mark, backends=("liars",), modes=MODES)


@pytest.fixture(scope="module")
def by_title(run, cells):
    return cells(run)


def test_the_honest_row_is_believed(by_title):
    cell = by_title["liars honest"]
    assert cell.outcome.status == "ok", cell.outcome
    assert 1.5 <= cell.plausibility.doubling <= 3.0
    assert cell.plausibility.canary < 2e-6
    assert cell.plausibility.losses_fell
    assert all(launch.steady for launch in cell.launches)


def test_a_wait_that_does_not_wait_is_refused(by_title):
    outcome = by_title["liars early"].outcome
    assert outcome.status == "different"
    assert "`wait` returns before the work is done" in outcome.reason
    assert "ms after it" in outcome.reason


def test_a_row_that_compiles_with_every_step_is_not_steady(run, by_title):
    cell = by_title["liars recompiles"]
    assert not all(launch.steady for launch in cell.launches)
    (table,) = tables(run)
    (remark,) = [each for each in table.remarks if "steady state" in each]
    assert remark.startswith("liars recompiles did not reach a steady state (compiled ")
    assert remark.endswith("its time is an upper bound.")


def test_half_a_batch_is_other_work(by_title):
    cell = by_title["liars half"]
    assert cell.outcome.status == "different"
    assert not cell.certificate.same_work
    assert cell.certificate.cause == "only the first half of each batch is used"
    assert not cell.blocks


def test_tf32_is_seen_by_what_it_rounds(by_title):
    cell = by_title["liars tf32"]
    assert cell.outcome.status == "different"
    assert "TF32" in cell.outcome.reason
    assert 3e-5 < cell.plausibility.canary < 8e-4


def test_only_the_believed_have_a_line(run):
    (table,) = tables(run)
    shown = {line.cell.row.mode for line in table.lines}
    assert shown == {"honest", "recompiles"}
    assert {note.title.split()[-1] for note in table.notes} == set(MODES) - shown


def test_tf32_is_refused_on_every_workload_of_a_run(engine, mark, tmp_path):
    again = tmp_path / "again.toml"
    again.write_text(SPECK.read_text().replace('name = "speck"', 'name = "again"'))
    run = engine(
        "liars", mark=mark, workloads=(SPECK, again), backends=("liars",), modes=("honest", "tf32")
    )
    ends = {(cell.workload, cell.row.mode): cell.outcome for cell in run.cells}
    assert {end.status for (_, mode), end in ends.items() if mode == "honest"} == {"ok"}
    for workload in ("speck", "again"):
        assert ends[workload, "tf32"].status == "different"
        assert "TF32" in ends[workload, "tf32"].reason
