from __future__ import annotations

from contextlib import contextmanager

import pytest


class Runners:
    """Contestants on a clock of their own, of which one at a time may run."""

    def __init__(self):
        self.running = None
        self.blocks = []

    def make(self, name, step_seconds, loss=1.0):
        runners = self

        class Runner:
            def pause(self):
                assert runners.running in (None, name)
                runners.running = None

            def resume(self):
                assert runners.running is None
                runners.running = name

            def first_loss(self):
                assert runners.running == name
                return loss

            def block_seconds(self, steps):
                assert runners.running == name
                runners.blocks.append(name)
                return steps * step_seconds

        @contextmanager
        def start():
            yield Runner()

        return start


@pytest.fixture
def runners(harness_path):
    return Runners()


def contest(first, second, launches=2, rounds=8):
    import contest as module

    return module.contest(first, second, module.Plan(launches, rounds, comparisons=1))


def test_the_ratio_is_the_firsts_time_over_the_seconds(runners):
    found = contest(runners.make("a", 0.002), runners.make("b", 0.004))
    assert found.ratio == pytest.approx(0.5)
    assert found.launches == 2
    assert found.rounds == 16


def test_the_order_within_rounds_varies(runners):
    contest(runners.make("a", 0.1), runners.make("b", 0.1), launches=1, rounds=20)
    rounds = runners.blocks[2:]  # the first two calibrate
    pairs = set(zip(rounds[::2], rounds[1::2], strict=True))
    assert pairs == {("a", "b"), ("b", "a")}


@pytest.mark.parametrize(
    ("step_seconds", "rounds"), [(0.1, 40), (2.0, 2 * 4), (60.0, 2 * 3)], ids=str
)
def test_long_blocks_end_a_launch_as_soon_as_there_can_be_an_interval(
    runners, step_seconds, rounds
):
    pair = runners.make("a", step_seconds), runners.make("b", step_seconds)
    found = contest(*pair, rounds=20)
    assert found.rounds == rounds
    assert found.interval is not None


@pytest.mark.parametrize(
    ("loss", "equal"), [(1.00005, True), (1.001, False), (float("nan"), False)]
)
def test_only_equal_work_is_timed(runners, loss, equal):
    import contest as module

    pair = runners.make("a", 1.0), runners.make("b", 1.0, loss)
    if equal:
        assert contest(*pair).ratio == 1
    else:
        with pytest.raises(module.UnequalError):
            contest(*pair)
        assert runners.blocks == []


def test_a_block_is_long_enough_and_a_slow_step_is_taken_alone(runners):
    import contest as module

    for step_seconds in (1e-5, 1e-3, 0.1, 3.0):
        with runners.make("a", step_seconds)() as runner:
            steps = module._calibrate(runner)
        assert steps * step_seconds >= module.BLOCK_SECONDS
        assert steps == 1 or steps * step_seconds < 2 * module.BLOCK_SECONDS


@pytest.mark.parametrize(
    ("ours_seconds", "slow"), [(1.0, False), (1.02, False), (1.1, True), (0.9, False)]
)
def test_a_backend_fails_if_it_is_certainly_slower_than_it_may_be(runners, ours_seconds, slow):
    import backends

    found = contest(runners.make("bare", 1.0), runners.make("ours", ours_seconds))
    assert backends.is_slow(found) == slow
    assert ("too slow" in backends.describe(found)) == slow


def test_a_worker_fails_if_it_is_certainly_heavier_than_it_may_be(runners):
    import overhead

    for worker_seconds, heavy in [(1.0, False), (1.005, False), (1.05, True), (0.9, False)]:
        found = contest(runners.make("worker", worker_seconds), runners.make("bare", 1.0))
        assert overhead.is_heavy(found) == heavy
        assert ("too heavy" in overhead.describe(found)) == heavy


def test_too_few_rounds_condemn_nobody(runners):
    import backends

    found = contest(runners.make("bare", 1.0), runners.make("ours", 9.0), launches=1, rounds=2)
    assert not backends.is_slow(found)
    assert "no interval" in backends.describe(found)
