"""What the end of a launch leaves awake, with seats that only note how they are treated."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from envdoctor.bench import checks
from envdoctor.bench.launching import Launch
from envdoctor.model.cell import Row


class Sitter:
    """A seat without a worker."""

    def __init__(self, name):
        self.row = Row(backend=name, mode=name)
        self.planned = SimpleNamespace(row=self.row, title=name)
        self.awake = self.left = False
        self.kept = {}
        self.worker = SimpleNamespace(subnormal_share=self.look)

    def look(self):
        assert self.awake
        return 0.25

    def keep(self, **values):
        self.kept.update(values)

    def wake(self):
        self.awake = True

    def sleep(self):
        self.awake = False

    def let_go(self):
        assert not self.awake

    def leave(self):
        self.left = True


def test_one_row_at_a_time_is_awake_while_the_ceilings_are_measured(monkeypatch):
    seats = [Sitter("one"), Sitter("two"), Sitter("three")]
    found = []

    def measure(seat):
        found.append([each.row.backend for each in seats if each.awake])

    monkeypatch.setattr(checks, "measure_precision", measure)
    monkeypatch.setattr(checks, "judge_precision", lambda *_: None)
    ceilings = SimpleNamespace(measure=measure)
    scene = SimpleNamespace(precisions={}, ceilings=ceilings, counter=None)
    launch = Launch(scene, 0)
    launch.seats = list(seats)
    list(launch.finish())
    assert found == [[name] for name in ("one", "two", "three") for _ in range(2)]
    assert all(seat.left and not seat.awake for seat in seats)
    assert all(seat.kept == {"subnormal_share": 0.25} for seat in seats)


@pytest.mark.parametrize("number", [1, 2])
def test_later_launches_measure_no_ceiling(number):
    seat = Sitter("one")
    launch = Launch(SimpleNamespace(counter=None), number)
    launch.seats = [seat]
    list(launch.finish())
    assert seat.left
