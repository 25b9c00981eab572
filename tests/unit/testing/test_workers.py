"""What a worker tells of its clock, its memory and its processes is judged by the kit."""

from __future__ import annotations

import subprocess

import psutil
import pytest

from envdoctor.testing import (
    NotApplicable,
    NotConforming,
    clock,
    resources,
)


def clock_answer(**changes):
    honest = {"single_ns": 30, "double_ns": 60, "single_cpu_ns": 30, "double_cpu_ns": 60}
    quick = {"second_wait_ns": 0, "read_at_once_ns": 1, "read_later_ns": 1}
    return {name: [value * 10**6] * 2 for name, value in {**honest, **quick, **changes}.items()}


@pytest.mark.parametrize(
    ("requirement", "answers", "said"),
    [
        (clock.is_steady, {"blocks": [{"compilations": 2}, {"compilations": 5}]}, "3 programs"),
        (clock.sees_the_work, {"clock": clock_answer(second_wait_ns=20)}, "before the work"),
        (clock.sees_the_work, {"clock": clock_answer(read_at_once_ns=40)}, "before the work"),
        (clock.sees_the_work, {"clock": clock_answer(double_ns=31, double_cpu_ns=31)}, "1.03x"),
        (resources.memory_moves, {"peaks": [10**8, 10**8 + 10**6]}, "rises by 1.0 MB for 4."),
        (resources.threads_are_kept, {"blocks": [{"cpu_ns": 19, "wall_ns": 10}]}, "uses 1.9 CPUs"),
    ],
)
def test_what_a_worker_tells_is_judged(requirement, answers, said, make, numpy_trainer, scripted):
    with pytest.raises(NotConforming) as seen:
        requirement(make(worker=scripted(numpy_trainer, **answers)))
    assert said in str(seen.value)


@pytest.mark.parametrize(
    ("requirement", "answers"),
    [
        (clock.is_steady, {"blocks": [{"compilations": 2}, {"compilations": 2}]}),
        (clock.sees_the_work, {"clock": clock_answer()}),
        (resources.memory_moves, {"peaks": [10**8, 10**8 + 10**7]}),
        (resources.threads_are_kept, {"blocks": [{"cpu_ns": 11, "wall_ns": 10}]}),
        (resources.ends_cleanly, {"family": []}),
    ],
)
def test_and_an_honest_one_passes(requirement, answers, make, numpy_trainer, scripted):
    assert requirement(make(worker=scripted(numpy_trainer, **answers)))


def test_without_compilations_there_is_nothing_to_be_steady(make, numpy_trainer, scripted):
    worker = scripted(numpy_trainer, blocks=[{"compilations": None}] * 2)
    with pytest.raises(NotApplicable):
        clock.is_steady(make(worker=worker))


def test_an_orphan_is_seen_and_named(make, numpy_trainer, monkeypatch, scripted):
    monkeypatch.setattr(resources, "DEATH_SECONDS", 0.05)
    orphan = subprocess.Popen(["sleep", "60"])
    try:
        worker = scripted(numpy_trainer, family=[psutil.Process(orphan.pid)])
        with pytest.raises(NotConforming, match="outlive it: sleep"):
            resources.ends_cleanly(make(worker=worker))
    finally:
        orphan.kill()
        orphan.wait()
