from __future__ import annotations

import pytest

from envdoctor.bench.cpu_use import CpuVerdict, verdict_on_cpu_use
from envdoctor.model.cell import Block

WALL_NS = 150_000_000


def blocks_of(*cpus, wall_ns=WALL_NS, causes=()):
    """Blocks that used so many CPUs each."""
    return [
        Block(
            launch=0,
            round=number,
            position=0,
            steps=10,
            wall_ns=wall_ns,
            cpu_ns=round(used * wall_ns),
            causes=causes,
        )
        for number, used in enumerate(cpus)
    ]


@pytest.mark.parametrize("threads", [1, 2, 16])
def test_a_row_that_uses_its_budget_has_no_remark(threads):
    assert verdict_on_cpu_use(blocks_of(*[threads] * 12), threads) == CpuVerdict()
    assert verdict_on_cpu_use(blocks_of(*[0.7 * threads] * 12), threads) == CpuVerdict()


def test_more_than_the_budget_is_refused_in_a_sentence():
    found = verdict_on_cpu_use(blocks_of(3.8, 4.0, 3.9), threads=2)
    assert found.refused
    assert found.text == (
        "it used 3.9 CPUs of a budget of 2 CPUs: its threads did not keep to the CPU mask."
    )
    assert "a budget of 1 CPU:" in verdict_on_cpu_use(blocks_of(2.0), threads=1).text


def test_much_less_than_the_budget_is_a_note():
    found = verdict_on_cpu_use(blocks_of(1.1, 1.1, 1.1), threads=2)
    assert found == CpuVerdict(refused=False, text="uses 1.1 of 2 CPUs")
    assert verdict_on_cpu_use(blocks_of(0.5), threads=1).text == "uses 0.5 of 1 CPU"


@pytest.mark.parametrize(("used", "refused"), [(2.05, False), (2.16, False), (2.18, True)])
def test_a_tick_of_the_clock_in_each_block_is_forgiven(used, refused):
    # 2.1 CPUs are allowed, and 10 ms of 150 ms are 0.067 CPUs.
    assert verdict_on_cpu_use(blocks_of(*[used] * 12), threads=2).refused is refused


def test_long_blocks_are_judged_more_sharply():
    assert verdict_on_cpu_use(blocks_of(2.16, wall_ns=2_000_000_000), threads=2).refused


def test_a_disturbed_block_says_nothing_of_the_row():
    disturbed = blocks_of(0.2, 0.2, 0.2, causes=("foreign CPU",))
    assert verdict_on_cpu_use([*disturbed, *blocks_of(1.9)], threads=2) == CpuVerdict()


def test_where_all_blocks_are_disturbed_they_are_what_there_is():
    disturbed = blocks_of(4.0, 4.0, causes=("steal",))
    assert verdict_on_cpu_use(disturbed, threads=2).refused


def test_a_row_without_blocks_has_no_verdict():
    assert verdict_on_cpu_use([], threads=2) == CpuVerdict()
