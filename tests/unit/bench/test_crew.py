from __future__ import annotations

import pytest

from envdoctor.bench.crew import Crew, Idle
from envdoctor.model.cell import Row

ROW, OTHER = (Row(backend="numpy", mode="numpy", twin=twin) for twin in (False, True))


class Worker:
    """A worker that only notes how it is treated."""

    def __init__(self, *, ended=False):
        self.said = []
        self._ended = ended

    def has_ended(self):
        return self._ended

    def pause(self):
        self.said.append("pause")

    def resume(self):
        self.said.append("resume")

    def close(self):
        self.said.append("close")


@pytest.fixture
def idle():
    return Idle(Worker(), None, 7)


def test_who_waits_is_stopped_and_goes_on_once(idle):
    with Crew() as crew:
        crew.leave(0, ROW, idle)
        assert idle.worker.said == ["pause"]
        assert len(crew) == 1
        assert crew.waits(0, ROW)
        assert not crew.waits(0, OTHER)
        assert not crew.waits(1, ROW)
        assert crew.take(0, OTHER) is None
        assert crew.take(1, ROW) is None
        assert crew.take(0, ROW) is idle
        assert idle.worker.said == ["pause", "resume"]
        assert crew.take(0, ROW) is None
    assert "close" not in idle.worker.said


def test_whoever_still_waits_in_the_end_is_ended(idle):
    with Crew() as crew:
        crew.leave(0, ROW, idle)
    assert idle.worker.said == ["pause", "close"]


def test_who_was_killed_while_it_waited_is_nobody():
    gone = Idle(Worker(ended=True), None, 0)
    crew = Crew()
    crew.leave(0, ROW, gone)
    assert crew.take(0, ROW) is None
    assert gone.worker.said == ["pause", "close"]
