from __future__ import annotations

import queue
import threading
import time
from types import SimpleNamespace

import pytest

from envdoctor.bench import checks
from envdoctor.child import timing

STEP_SECONDS = 0.004
STEP_NS, WAIT_NS, LOSS_NS, METER_NS = 100, 10, 1_000, 10_000


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self):
        self.now = 0

    def pass_ns(self, nanoseconds):
        self.now += nanoseconds


class Scripted:
    """A trainer and a meter whose calls take known times and are written down."""

    def __init__(self, clock):
        self.clock = clock
        self.calls = []

    def step(self, batch):
        self.calls.append(batch)
        self.clock.pass_ns(STEP_NS)

    def wait(self):
        self.calls.append("wait")
        self.clock.pass_ns(WAIT_NS)

    def loss(self):
        self.calls.append("loss")
        self.clock.pass_ns(LOSS_NS)
        return 0.5

    def compilations(self):
        return 3

    def begin(self):
        self.calls.append("begin")
        self.clock.pass_ns(METER_NS)

    def end(self):
        self.calls.append("end")
        self.clock.pass_ns(METER_NS)
        return {"busy_ns": 7}


@pytest.fixture
def scripted(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timing, "perf_counter_ns", lambda: clock.now)
    monkeypatch.setattr(timing, "process_time_ns", lambda: 2 * clock.now)
    return Scripted(clock)


def test_steps_one_by_one_have_the_wait_on_the_clock_and_the_loss_off_it(scripted):
    answer = timing.take_steps(scripted, [4, 5])
    assert answer["wall_ns"] == [STEP_NS + WAIT_NS] * 2
    assert answer["losses"] == [0.5, 0.5]
    assert answer["compilations"] == 3


def test_a_block_has_its_steps_and_one_wait_on_the_clock_and_nothing_else(scripted):
    answer = timing.take_block(scripted, scripted, [0, 1, 2], iter([]), None)
    assert answer["wall_ns"] == 3 * STEP_NS + WAIT_NS
    assert answer["cpu_ns"] == 2 * (3 * STEP_NS + WAIT_NS)
    watched_ns = 3 * STEP_NS + 2 * WAIT_NS
    assert answer["noise"] == {
        "busy_ns": 7,
        "watched_ns": watched_ns,
        "watched_cpu_ns": 2 * watched_ns,
    }
    assert (answer["loss"], answer["compilations"]) == (0.5, 3)


def test_what_came_before_a_block_is_waited_for_before_its_clock_starts(scripted):
    timing.take_block(scripted, scripted, [7], iter([]), None)
    assert scripted.calls == ["wait", "begin", "wait", 7, "wait", "end", "loss"]


def test_nothing_stands_between_warming_up_and_the_clock(scripted):
    timing.take_block(scripted, scripted, [7], iter([3]), 0)
    assert scripted.calls == ["wait", "begin", 3, "wait", "wait", 7, "wait", "end", "loss"]


@pytest.mark.parametrize(
    ("warm_ns", "steps"), [(0, 1), (1, 1), (110, 1), (111, 2), (330, 3), (10**9, 5)]
)
def test_warming_up_takes_at_least_a_step_and_goes_on_for_its_time(scripted, warm_ns, steps):
    answer = timing.take_block(scripted, scripted, [9], iter(range(5)), warm_ns)
    warm = scripted.calls[scripted.calls.index("begin") + 1 : scripted.calls.index(9)]
    assert [call for call in warm if call != "wait"] == list(range(steps))
    assert answer["wall_ns"] == STEP_NS + WAIT_NS


class Honest:
    """A trainer whose step is over when it returns."""

    def __init__(self):
        self.value = 0

    def step(self, _):
        time.sleep(STEP_SECONDS)
        self.value += 1

    def wait(self):
        pass

    def loss(self):
        return float(self.value)

    def weights(self):
        return {"w": self.value}

    def close(self):
        pass


class Threaded(Honest):
    """A trainer whose steps are done by a thread: `step` returns at once, `wait` waits."""

    def __init__(self):
        super().__init__()
        self._work = queue.Queue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while (batch := self._work.get()) is not None:
            super().step(batch)
            self._work.task_done()
        self._work.task_done()

    def step(self, batch):
        self._work.put(batch)

    def wait(self):
        self._work.join()

    def loss(self):
        self._work.join()  # a result can only be read when it is there
        return super().loss()

    def close(self):
        self._work.put(None)
        self._thread.join()


class Hasty(Threaded):
    """The same with an empty wait."""

    def wait(self):
        pass


class Almost(Threaded):
    """The same with a wait that leaves the last steps out."""

    def wait(self):
        while self._work.unfinished_tasks > 3:
            time.sleep(1e-4)


class Dispatching(Hasty):
    """An empty wait where handing a step over takes its time too, so that twice takes twice."""

    def step(self, batch):
        time.sleep(STEP_SECONDS / 4)
        super().step(batch)


class Lazy(Honest):
    """A trainer that does the work of every block in one step, however many there are."""

    def __init__(self):
        super().__init__()
        self._wanted = False

    def step(self, _):
        self._wanted = True

    def wait(self):
        if self._wanted:
            time.sleep(4 * STEP_SECONDS)
        self._wanted = False


@pytest.fixture
def judge(monkeypatch):
    """What a row with this trainer would be refused for; its thread is gone when the test is."""
    monkeypatch.setattr(checks, "REPEATS", 3)
    monkeypatch.setattr(checks, "MOST_PROBES", 3)
    made = []

    def probed(kind):
        trainer = kind()
        made.append(trainer)
        steps = list(range(5))

        def probe_clock(seconds, repeats):
            return timing.probe_clock(trainer, steps, repeats)

        seat = SimpleNamespace(probe_clock=probe_clock, cell=SimpleNamespace(first_losses=()))
        found, _ = checks.probe(seat)
        return found, checks.suspicion(found, len(steps) * STEP_SECONDS)

    yield probed
    for trainer in made:
        trainer.close()


@pytest.mark.parametrize("kind", [Honest, Threaded])
def test_an_honest_trainer_is_not_suspected_thread_or_not(judge, kind):
    found, refused = judge(kind)
    assert refused is None
    assert checks.LEAST_DOUBLING <= found.doubling <= checks.MOST_DOUBLING


@pytest.mark.parametrize("kind", [Hasty, Almost, Dispatching])
def test_a_wait_that_does_not_wait_is_seen_by_what_comes_late(judge, kind):
    found, refused = judge(kind)
    assert refused is not None
    assert "`wait` returns before the work is done" in refused.reason
    assert found.read_back_seconds > STEP_SECONDS / 2


def test_work_that_does_not_grow_with_the_steps_is_seen_by_the_doubling(judge):
    found, refused = judge(Lazy)
    assert refused is not None
    assert "twice the steps take" in refused.reason
    assert found.doubling < checks.LEAST_DOUBLING


def test_every_probe_answers_as_often_as_it_was_asked():
    answer = timing.probe_clock(Honest(), [0], 3)
    assert {name: len(times) for name, times in answer.items()} == dict.fromkeys(answer, 3)
    assert {"single_ns", "double_ns", "second_wait_ns", "read_at_once_ns"} <= set(answer)
