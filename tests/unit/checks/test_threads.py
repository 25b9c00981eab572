from __future__ import annotations

from typing import Any

import pytest

from envdoctor.model.machine import Processor


@pytest.fixture
def judge(run, snapshot, machine, environment):
    def judged(
        check: str, cpus: int = 8, quota: float | None = None, **variables: str
    ) -> list[Any]:
        processor = Processor(
            model="A", logical=64, allowed=tuple(range(cpus)), quota=quota, throttled_periods=7
        )
        there = environment({"torch": "2.13.0"}, variables=variables)
        return run(check, snapshot(machine=machine(processor=processor), environment=there))

    return judged


def test_a_quota_that_libraries_do_not_see(judge):
    (found,) = judge("cgroup-cpu-quota-oversubscription", quota=2.5)
    assert found.status == "warn"
    assert found.remedies[0].command == (
        "export OMP_NUM_THREADS=2 MKL_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2"
    )
    assert [each.fact for each in found.evidence] == [
        "the quota is 2.5 CPUs",
        "8 CPUs are visible",
        "stopped in 7 periods so far",
    ]


def test_a_quota_a_little_below_the_cpus_is_information(judge):
    (found,) = judge("cgroup-cpu-quota-oversubscription", quota=7.65)
    assert found.status == "info"
    assert "=7 " in found.remedies[0].command


def test_a_part_of_one_cpu_still_pays_for_one_thread(judge):
    (found,) = judge("cgroup-cpu-quota-oversubscription", cpus=2, quota=0.5)
    assert "OMP_NUM_THREADS=1" in found.remedies[0].command


@pytest.mark.parametrize(
    ("cpus", "quota", "variables"),
    [(8, None, {}), (8, 8.0, {}), (2, 4.0, {}), (8, 2.0, {"OMP_NUM_THREADS": "2"})],
)
def test_a_quota_that_hinders_nobody(cpus, quota, variables, judge):
    assert judge("cgroup-cpu-quota-oversubscription", cpus, quota, **variables) == []


def test_a_quota_without_libraries_is_no_problem(run, snapshot, machine):
    processor = Processor(logical=8, allowed=tuple(range(8)), quota=1.0)
    given = snapshot(machine=machine(processor=processor))
    assert run("cgroup-cpu-quota-oversubscription", given) == []


def test_more_threads_than_cpus(judge):
    (found,) = judge("omp-threads-exceed-budget", quota=4.0, OMP_NUM_THREADS="8,2")
    assert found.status == "warn"
    assert found.remedies[0].command == "export OMP_NUM_THREADS=4"
    assert found.evidence[0].fact == "OMP_NUM_THREADS=8"


@pytest.mark.parametrize("value", ["8", "4", "", "many", "0"])
def test_as_many_threads_as_cpus_or_no_number(value, judge):
    assert judge("omp-threads-exceed-budget", OMP_NUM_THREADS=value) == []


def test_one_thread_on_many_cpus_is_information(judge):
    (found,) = judge("omp-threads-one", OMP_NUM_THREADS="1")
    assert found.status == "info"
    assert judge("omp-threads-one", cpus=1, OMP_NUM_THREADS="1") == []
    assert judge("omp-threads-one", OMP_NUM_THREADS="2") == []
    assert judge("omp-threads-one") == []
