"""Launches, rounds and what is kept from run to run, with real workers."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from envdoctor.bench import launching
from envdoctor.bench.energy import EnergyMeter
from envdoctor.bench.presets import Preset
from envdoctor.errors import IncompleteError
from envdoctor.statistics.ranking import NOT_PAIRED, rank

SPEND = EnergyMeter.spend
TWO_LAUNCHES = Preset("two", 2, 2, 3, 3, 1e-9, 60.0, 0.2, fresh=False, block_seconds=0.01)


class Counter:
    """An energy counter that counts ten watts."""

    source = "a meter of the test"

    def joules(self):
        return 10.0 * time.monotonic()

    def celsius(self):
        return None


class LostCounter(Counter):
    """One that cannot be read for long."""

    def __init__(self):
        self._left = 3

    def joules(self):
        self._left -= 1
        if self._left < 0:
            raise IncompleteError("the energy counter was lost: it was a test.")
        return super().joules()


@pytest.fixture(scope="module")
def run(engine, module_mark):
    return engine(
        "slowed",
        mark=module_mark,
        preset=TWO_LAUNCHES,
        ceiling=True,
        order={"twin": True},
        backends=("numpy", "slowed"),
        modes=("numpy", "plain"),
    )


def test_each_launch_is_a_fresh_process_of_every_row(run):
    for cell in run.cells:
        assert [launch.launch for launch in cell.launches] == [0, 1]
        # NumPy keeps no program that a later launch could find.
        assert [launch.caches for launch in cell.launches] == ["cold", "cold"]
        assert [launch.alone for launch in cell.launches] == [True, False]
        assert {block.launch for block in cell.blocks} == {0, 1}
        for launch in cell.launches:
            assert launch.phases.import_seconds > 0
            assert launch.block_steps >= 5


def test_every_row_has_one_block_in_every_round_and_each_place_is_taken(run):
    for turn in run.rounds:
        blocks = [
            block
            for cell in run.cells
            for block in cell.blocks
            if (block.launch, block.round, block.attempt) == (turn.launch, turn.round, turn.attempt)
        ]
        assert sorted(block.position for block in blocks) == list(range(len(run.cells)))


def test_the_order_of_the_rows_changes_from_round_to_round(run):
    places = {tuple(block.position for block in cell.blocks) for cell in run.cells}
    assert all(len(set(positions)) > 1 for positions in places)


def test_the_twin_is_measured_but_neither_trained_nor_checked(run):
    (twin,) = [cell for cell in run.cells if cell.row.twin]
    assert twin.row.backend == "numpy"
    assert twin.blocks
    assert twin.quality is None
    assert twin.plausibility is None
    assert twin.certificate.same_work


def test_the_weights_that_were_timed_are_looked_at(run):
    shares = {cell.row.twin: cell.subnormal_share for cell in run.cells}
    assert shares == {False: 0.0, True: None}


def test_blocks_say_what_disturbed_them(run):
    for cell in run.cells:
        for block in cell.blocks:
            assert block.noise is not None
            assert block.noise.involuntary_switches is not None
    assert all(turn.canary_ns for turn in run.rounds)
    assert any(turn.kept for turn in run.rounds)


def test_the_machines_ceiling_is_measured_once(run):
    assert run.ceiling.flops_per_second > 1e8
    assert run.ceiling.copy_bytes_per_second > 1e8


def test_no_process_is_left(run, module_mark):
    assert module_mark.survivors() == []


def test_what_is_proven_and_trained_is_kept_and_speed_is_not(engine, mark, tmp_path):
    kept = {"keep_in": tmp_path / "cache"}
    (first,) = engine(mark=mark, order=kept, backends=("numpy",)).cells
    (second,) = engine(mark=mark, order=kept, backends=("numpy",)).cells
    assert (first.certificate.proven_at, first.quality.trained_at) == ("", "")
    assert second.certificate.proven_at
    assert second.quality.trained_at == second.certificate.proven_at
    assert second.quality.value == first.quality.value
    assert second.certificate.gradient_error == first.certificate.gradient_error
    assert [block.wall_ns for block in second.blocks] != [block.wall_ns for block in first.blocks]
    assert second.memory is not None
    assert second.first_losses == first.first_losses

    (third,) = engine(mark=mark, order={**kept, "fresh": True}, backends=("numpy",)).cells
    assert third.certificate.proven_at == ""


def test_where_memory_is_short_one_worker_lives_at_a_time(engine, mark, monkeypatch):
    living = []

    def short(seats):
        living.append(sum(seat.resident_bytes() > 0 for seat in seats))
        return True

    monkeypatch.setattr(launching, "memory_is_short", short)
    run = engine(
        "slowed", mark=mark, backends=("numpy", "slowed"), modes=("numpy", "plain", "copy")
    )
    assert living == [1]  # asked once: from then on nobody lives beside another
    assert not run.plan.interleaved
    assert all(len(cell.blocks) >= 2 for cell in run.cells)
    assert rank(run, run.plan.workloads[0]).reason == NOT_PAIRED
    assert mark.survivors() == []


def test_memory_that_runs_short_among_rows_that_start_together(engine, mark, monkeypatch):
    monkeypatch.setattr(launching, "memory_is_short", lambda seats: True)
    preset = replace(TWO_LAUNCHES, least_launches=1, most_launches=1, timed_starts=False)
    run = engine(
        "slowed",
        mark=mark,
        preset=preset,
        backends=("numpy", "slowed"),
        modes=("numpy", "plain", "copy"),
    )
    assert not run.plan.interleaved
    assert {cell.outcome.status for cell in run.cells} == {"ok"}
    assert all(cell.launches[0].alone for cell in run.cells)
    assert mark.survivors() == []


def test_a_time_limit_stops_the_rounds_but_leaves_a_table(engine, mark):
    many = Preset("many", 3, 3, 50, 50, 1e-9, 600.0, 0.1, fresh=False, block_seconds=0.01)
    run = engine(mark=mark, preset=many, order={"time_limit_seconds": 0.5}, backends=("numpy",))
    assert run.state == "finished"
    assert len(run.cells[0].launches) == 1
    assert 1 <= len({turn.round for turn in run.rounds}) < 50


def test_energy_is_measured_where_a_counter_can_be_read(engine, mark, monkeypatch):
    monkeypatch.setattr("envdoctor.bench.energy.EnergyMeter.idle_watts", lambda _: 4.0)
    monkeypatch.setattr(
        "envdoctor.bench.energy.EnergyMeter.spend",
        lambda self, work: SPEND(self, work, 0.2),
    )
    run = engine(mark=mark, order={"counter": Counter()}, backends=("numpy",))
    (energy,) = run.energies
    assert energy.source == "a meter of the test"
    assert energy.watts == pytest.approx(10, rel=0.05)
    assert 0 < energy.low <= energy.joules_per_sample <= energy.high
    assert energy.net_joules_per_sample < energy.joules_per_sample


def test_a_lost_counter_is_a_note_and_no_end(engine, mark, monkeypatch):
    monkeypatch.setattr("envdoctor.bench.energy.LEAST_SECONDS", 0.1)
    monkeypatch.setattr("envdoctor.bench.energy.EnergyMeter.idle_watts", lambda _: 4.0)
    monkeypatch.setattr(
        "envdoctor.bench.energy.EnergyMeter.spend",
        lambda self, work: SPEND(self, work, 0.1),
    )
    run = engine(mark=mark, order={"counter": LostCounter()}, backends=("numpy",))
    assert run.energies == ()
    assert "lost" in run.energy_note
    assert run.cells[0].outcome.status == "ok"
