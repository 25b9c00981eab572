from __future__ import annotations

import pytest
from msgspec import structs

from envdoctor.model.cell import Noise
from envdoctor.model.run import Run
from envdoctor.statistics.disturbance import disturbance, is_loaded

WALL_NS = 100_000_000


def _noisy(run: Run, noises: list[Noise | None], cpu_ns: int = 0) -> Run:
    cell = run.cells[0]
    blocks = tuple(
        structs.replace(block, noise=noise, cpu_ns=cpu_ns)
        for block, noise in zip(cell.blocks, noises, strict=True)
    )
    return structs.replace(run, cells=(structs.replace(cell, blocks=blocks),))


@pytest.fixture
def run(make_run) -> Run:
    """Twenty blocks of 0.1 s, on two CPUs."""
    return make_run({"w": {"jax": [[0.001] * 20]}})


def test_rounds_are_counted_with_their_causes(run: Run) -> None:
    first, second, third, *others = run.rounds
    found = disturbance(
        structs.replace(
            run,
            rounds=(
                structs.replace(first, kept=False, causes=("steal",)),
                structs.replace(second, kept=False, causes=("GPU throttling", "steal")),
                structs.replace(third, causes=("canary",)),
                structs.replace(third, workload="another", causes=("quota",)),
                *others,
            ),
        ),
        "w",
    )
    assert (found.rounds, found.disturbed_rounds) == (20, 3)
    assert found.causes[0] == "steal"
    assert set(found.causes) == {"steal", "GPU throttling", "canary"}
    assert found.throttled_gpu_rounds == 1


def _watched(run: Run, foreign_ns: int | None, steal_ns: int | None) -> Run:
    """The same rounds with what others had meanwhile, in windows of 0.2 s."""
    rounds = tuple(
        structs.replace(turn, wall_ns=2 * WALL_NS, foreign_ns=foreign_ns, steal_ns=steal_ns)
        for turn in run.rounds
    )
    return structs.replace(run, rounds=rounds)


def test_whole_rounds_tell_more_than_their_blocks(run: Run) -> None:
    idle = _noisy(run, [Noise(busy_ns=0, steal_ns=0)] * 20)
    found = disturbance(_watched(idle, WALL_NS, WALL_NS // 2), "w")
    assert found.foreign_cpus == pytest.approx(0.5)
    assert found.stolen_cpus == pytest.approx(0.25)
    unread = disturbance(_watched(idle, None, None), "w")
    assert unread.foreign_cpus is None
    assert unread.stolen_cpus is None


def test_the_first_round_of_a_launch_need_not_be_known(run: Run) -> None:
    watched = _watched(run, WALL_NS, 0)
    first = structs.replace(watched.rounds[0], foreign_ns=None)
    found = disturbance(structs.replace(watched, rounds=(first, *watched.rounds[1:])), "w")
    assert found.foreign_cpus == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("foreign", "steal", "loaded"),
    [(0.0, 0.0, False), (0.08, 0.0, False), (0.08, 0.04, True), (0.5, None, True)],
)
def test_a_load_is_a_tenth_of_the_budget(
    foreign: float, steal: float | None, loaded: bool, run: Run
) -> None:
    budget_ns = 2 * 2 * WALL_NS
    steal_ns = None if steal is None else round(steal * budget_ns)
    assert is_loaded(_watched(run, round(foreign * budget_ns), steal_ns), "w") is loaded


def test_most_rounds_decide_whether_there_was_a_load(run: Run) -> None:
    loaded = _watched(run, 2 * WALL_NS, 0).rounds
    for count, said in ((10, False), (11, True)):
        rounds = (*loaded[:count], *_watched(run, 0, 0).rounds[count:])
        assert is_loaded(structs.replace(run, rounds=rounds), "w") is said


def test_a_quiet_run_counts_nothing(run: Run) -> None:
    found = disturbance(run, "w")
    assert (found.rounds, found.disturbed_rounds, found.causes) == (20, 0, ())
    assert found.worst_delay_share is None
    assert found.foreign_cpus is None
    assert found.stolen_cpus is None
    assert found.pressure_share is None
    assert disturbance(run, "unknown").rounds == 0


def test_the_worst_twentieth_of_delays_is_relative_to_the_cpus_of_the_budget(run: Run) -> None:
    noises = [Noise(run_delay_ns=number * WALL_NS // 100) for number in range(20)]
    found = disturbance(_noisy(run, noises), "w")
    assert found.worst_delay_share == pytest.approx(0.19 / 2)


def test_cpus_of_others_are_counted_in_cpus(run: Run) -> None:
    half = Noise(busy_ns=150_000_000, steal_ns=10_000_000, pressure_ns=66_000_000)
    found = disturbance(_noisy(run, [half, None] * 10, cpu_ns=60_000_000), "w")
    assert found.foreign_cpus == pytest.approx(0.9)
    assert found.stolen_cpus == pytest.approx(0.1)
    assert found.pressure_share == pytest.approx(0.66)


def test_rounding_of_short_blocks_cancels(run: Run) -> None:
    ticks = [Noise(busy_ns=50_000_000), Noise(busy_ns=70_000_000)] * 10
    found = disturbance(_noisy(run, ticks, cpu_ns=60_000_000), "w")
    assert found.foreign_cpus == 0.0


def test_a_coarse_clock_makes_no_negative_use(run: Run) -> None:
    found = disturbance(_noisy(run, [Noise(busy_ns=10_000_000)] * 20, cpu_ns=19_000_000), "w")
    assert found.foreign_cpus == 0.0
