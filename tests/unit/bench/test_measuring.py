"""How the launches of a workload share its time, with launches that only note it."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec import structs

from envdoctor.bench import measuring
from envdoctor.bench.crew import Crew
from envdoctor.bench.ledger import Ledger
from envdoctor.bench.measuring import LATER_START_SHARE, Measurement
from envdoctor.bench.presets import DEFAULT

MADE = runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))


class Clock:
    """A clock that only what is measured moves on."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def measure(monkeypatch):
    """Measure with launches that take so long to start, and rounds that take all they may."""

    def run(start_seconds, *, later=None, preset=DEFAULT, limited=False, seconds=100.0, crew=None):
        clock, budgets = Clock(), []
        later = start_seconds if later is None else later

        class Launch:
            def __init__(self, *_):
                pass

            def __enter__(self):
                return self

            def __exit__(self, *_):
                pass

            def start(self, *_):
                clock.now += later if budgets else start_seconds
                return iter(())

            finish = staticmethod(lambda: iter(()))

        class Rounds:
            def __init__(self, *_):
                pass

            def run(self, budget):
                budgets.append(budget.deadline - clock.now)
                clock.now = max(clock.now, budget.deadline)
                return iter(())

        monkeypatch.setattr(measuring, "monotonic", clock)
        monkeypatch.setattr(measuring, "Launch", Launch)
        monkeypatch.setattr(measuring, "Rounds", Rounds)
        monkeypatch.setattr(measuring, "least_seconds", lambda *_: 1.0)
        monkeypatch.setattr(measuring, "start_seconds", lambda *_, **__: 1.0)
        monkeypatch.setattr(measuring, "widest_half_width", lambda *_: 1.0)
        made = MADE["made_run"]()
        ledger = Ledger(structs.replace(made, rounds=()))
        rows = [SimpleNamespace(row=cell.row, twin=cell.row.twin) for cell in made.cells]
        scene = SimpleNamespace(
            ledger=ledger,
            preset=preset,
            prepared=SimpleNamespace(name=made.workloads[0].name),
            expected=None,
            host=SimpleNamespace(cpus=(0, 1)),
            crew=Crew() if crew is None else crew,
        )
        begun = clock.now
        list(Measurement(scene, rows, None).run(begun + seconds, limited=limited))
        return budgets, clock.now - begun

    return run


def test_launches_share_what_their_starts_leave_of_the_time(measure):
    budgets, spent = measure(10.0, later=10.0 * LATER_START_SHARE)
    assert budgets == pytest.approx([80 / 3] * 3)
    assert spent == pytest.approx(100.0)


def test_a_start_that_takes_longer_than_guessed_is_paid_by_the_launches_to_come(measure):
    budgets, spent = measure(10.0)
    assert budgets == pytest.approx([80 / 3, 65 / 3, 65 / 3])
    assert spent == pytest.approx(100.0)


def test_a_first_launch_leaves_time_for_the_others_however_many_rounds_it_may_take(measure):
    budgets, _ = measure(0.0, preset=replace(DEFAULT, most_rounds=10_000))
    assert budgets == pytest.approx([100 / 3] * 3)


def test_one_launch_has_all_of_it(measure):
    budgets, _ = measure(10.0, preset=replace(DEFAULT, least_launches=1, most_launches=1))
    assert budgets == [90.0]


def test_time_is_not_kept_for_launches_that_the_limit_of_the_user_leaves_no_time_for(measure):
    budgets, spent = measure(60.0, limited=True)
    assert budgets == [40.0]
    assert spent == 100.0


def test_it_is_for_those_that_the_preset_wants_at_least(measure):
    budgets, _ = measure(60.0)
    assert budgets == [5.0, 0.0]


def test_what_is_used_up_is_no_debt_of_later_rounds(measure):
    budgets, _ = measure(200.0)
    assert budgets == [0.0] * DEFAULT.least_launches


def test_a_launch_that_would_mostly_start_is_not_made(measure):
    # The second one finds its workers waiting; the third has to start them again.
    budgets, spent = measure(40.0, later=2.0)
    assert budgets == pytest.approx([20.0, 38.0])
    assert spent == pytest.approx(100.0)


def test_where_workers_wait_for_a_third_launch_it_is_made(measure):
    class Waiting(Crew):
        def waits(self, launch, row):
            return True

    budgets, spent = measure(40.0, later=2.0, crew=Waiting())
    assert budgets == pytest.approx([20.0, 18.0, 18.0])
    assert spent == pytest.approx(100.0)
