from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from envdoctor.bench.bystanders import Taken
from envdoctor.bench.contamination import (
    judge_block,
    judge_round,
    oversubscribed,
    repeats_left,
    slow_canary,
    somebody_beside,
)
from envdoctor.model.cell import Block, Noise
from envdoctor.model.run import Round

WALL_NS = 150_000_000
THREADS = 2
BUDGET_NS = WALL_NS * THREADS
TICK_NS = 10_000_000
HEALTHY = {
    "run_delay_ns": 0,
    "involuntary_switches": 3,
    "busy_ns": BUDGET_NS,
    "steal_ns": 0,
    "throttled": 0,
    "pressure_ns": 0,
    "gpu_throttled": False,
}


def block_of(*, wall_ns=WALL_NS, cpu_ns=None, **noise):
    return Block(
        launch=0,
        round=0,
        position=0,
        steps=10,
        wall_ns=wall_ns,
        cpu_ns=wall_ns * THREADS if cpu_ns is None else cpu_ns,
        noise=Noise(**{**HEALTHY, "busy_ns": wall_ns * THREADS, **noise}),
    )


def waiting(*shares):
    return [block_of(run_delay_ns=round(share * BUDGET_NS)) for share in shares]


def crowded(share):
    """A block that waited so long."""
    return waiting(share)[0]


def judge(block, earlier=(), threads=THREADS, *, beside=True):
    return judge_block(block, earlier, threads, beside=beside)


def test_a_quiet_block_is_clean():
    assert judge(block_of(), waiting(0, 0, 0)) == ()


def test_a_block_without_noise_is_not_judged():
    assert judge(structs.replace(block_of(), noise=None), waiting(0)) == ()


def test_a_block_of_which_nothing_could_be_read_is_not_judged():
    unread = structs.replace(block_of(), noise=Noise())
    assert judge(unread, [unread, unread]) == ()
    assert judge(unread, waiting(0, 0)) == ()
    assert judge(waiting(0.5)[0], [unread, unread]) == ()


@pytest.mark.parametrize(("share", "contaminated"), [(0.019, False), (0.021, True), (0.4, True)])
def test_a_run_queue_delay_is_held_to_two_points(share, contaminated):
    expected = ("run-queue delay",) if contaminated else ()
    assert judge(crowded(share), waiting(0, 0, 0)) == expected


def test_what_a_framework_does_to_itself_contaminates_nothing():
    earlier = waiting(0.30, 0.31, 0.32)
    assert judge(crowded(0.315), earlier) == ()
    assert judge(crowded(0.33), earlier) == ("run-queue delay",)
    # XLA's threads were seen to wait for each other in 17 to 37 % of the time of a quiet machine.
    assert judge(crowded(0.37), waiting(0.17, 0.25, 0.31), beside=False) == ()


def test_a_load_that_lasts_most_of_a_launch_is_still_seen():
    # Nine of ten blocks are loaded: a median would call that the worker's own.
    earlier = waiting(*[0.25] * 9, 0.001)
    assert judge(crowded(0.25), earlier) == ("run-queue delay",)


def test_the_first_block_has_nothing_to_be_held_to():
    assert judge(crowded(0.5)) == ()


def test_pressure_stands_in_where_delays_are_not_counted():
    def pressed(share):
        return block_of(run_delay_ns=None, pressure_ns=round(share * WALL_NS))

    earlier = [pressed(share) for share in (0.10, 0.11)]
    assert judge(pressed(0.115), earlier) == ()
    assert judge(pressed(0.125), earlier) == ("run-queue delay",)


def test_pressure_is_not_looked_at_where_delays_are_counted():
    assert judge(block_of(pressure_ns=WALL_NS), waiting(0, 0)) == ()


@pytest.mark.parametrize("wall_ns", [WALL_NS, 2_000_000_000])
def test_the_coarse_ticks_of_the_kernel_are_no_foreign_load(wall_ns):
    # Each of user and system time of each CPU may be one tick too high.
    worst = block_of(wall_ns=wall_ns, busy_ns=wall_ns * THREADS + 2 * THREADS * TICK_NS)
    assert judge(worst) == ()


def test_a_busy_neighbour_is_a_foreign_load():
    # It has half of one of the two CPUs.
    half = block_of(cpu_ns=round(1.5 * WALL_NS))
    assert judge(half) == ("foreign CPU",)


def test_a_long_block_shows_a_small_neighbour():
    wall_ns = 2_000_000_000
    share = 0.08 * THREADS * wall_ns
    assert judge(block_of(wall_ns=wall_ns, cpu_ns=round(2 * wall_ns - share))) == ("foreign CPU",)
    share = 0.04 * THREADS * wall_ns
    assert judge(block_of(wall_ns=wall_ns, cpu_ns=round(2 * wall_ns - share))) == ()


def test_idle_cpus_are_no_foreign_load():
    assert judge(block_of(cpu_ns=WALL_NS, busy_ns=WALL_NS)) == ()


def test_busy_time_below_the_own_is_no_foreign_load():
    assert judge(block_of(busy_ns=BUDGET_NS - 3 * TICK_NS)) == ()


@pytest.mark.parametrize(
    ("ticks", "contaminated"), [(0, False), (1, False), (2, False), (3, True), (9, True)]
)
def test_stolen_time_beyond_the_rounding_contaminates(ticks, contaminated):
    found = judge(block_of(steal_ns=ticks * TICK_NS))
    assert found == (("steal",) if contaminated else ())


ROUND_NS = 200_000_000
ROUND_BUDGET_NS = ROUND_NS * THREADS


def taken(*, foreign=0.0, steal=0.0):
    """A round in which others had these shares of the budget."""
    return Taken(ROUND_NS, round(foreign * ROUND_BUDGET_NS), round(steal * ROUND_BUDGET_NS))


@pytest.mark.parametrize(
    ("found", "causes"),
    [
        (taken(), ()),
        (taken(foreign=0.09), ()),
        (taken(foreign=0.11), ("foreign CPU",)),
        (taken(steal=0.05), ()),
        (taken(steal=0.07), ("steal",)),
        (taken(foreign=0.5, steal=0.5), ("foreign CPU", "steal")),
        (Taken(ROUND_NS, None, None), ()),
        (Taken(ROUND_NS, -3 * TICK_NS, 0), ()),
    ],
)
def test_what_no_short_block_shows_by_itself_the_round_does(found, causes):
    assert judge_round(found, THREADS) == causes


@pytest.mark.parametrize(
    ("found", "beside"),
    [
        (taken(), False),
        # Each CPU's ticks may be one too many by chance.
        (Taken(ROUND_NS, THREADS * TICK_NS, THREADS * TICK_NS), False),
        (Taken(ROUND_NS, THREADS * TICK_NS + 1, 0), True),
        (Taken(ROUND_NS, -TICK_NS, THREADS * TICK_NS + 1), True),
        # Where nobody can say who else is there, waiting counts.
        (Taken(ROUND_NS, None, 0), True),
        (Taken(ROUND_NS, 0, None), True),
    ],
)
def test_somebody_is_beside_beyond_the_rounding(found, beside):
    assert somebody_beside(found, THREADS) is beside


def test_a_used_up_quota_contaminates():
    assert judge(block_of(throttled=1)) == ("quota",)


def test_a_throttled_gpu_contaminates():
    assert judge(block_of(gpu_throttled=True)) == ("GPU throttling",)


def test_all_causes_are_named():
    bad = block_of(
        run_delay_ns=BUDGET_NS,
        cpu_ns=0,
        steal_ns=BUDGET_NS,
        throttled=2,
        gpu_throttled=True,
    )
    assert judge(bad, waiting(0)) == (
        "run-queue delay",
        "foreign CPU",
        "steal",
        "quota",
        "GPU throttling",
    )


@pytest.mark.parametrize(
    ("canary_ns", "earlier", "slow"),
    [
        (200, [], False),
        (105, [100], False),
        (106, [100], True),
        (90, [100], False),
        # The quick ones set the measure, even if most were slow.
        (150, [100, 100, *[150] * 9], True),
        (104, [100, 103, 101, 150], False),
    ],
)
def test_the_canary_is_held_to_its_quickest(canary_ns, earlier, slow):
    assert slow_canary(canary_ns, earlier) is slow


def test_one_canary_that_was_too_quick_does_not_condemn_all_others():
    assert not slow_canary(104, [50, *[100] * 30])


def test_threads_that_wait_for_each_other_are_a_finding():
    assert oversubscribed(waiting(0.3, 0.31, 0.29, 0.4), THREADS)


@pytest.mark.parametrize(
    "blocks",
    [
        [],
        waiting(0.001, 0.3, 0.3),
        waiting(0, 0.01, 0.019),
        # Somebody else is there: that is not the framework's doing.
        [block_of(run_delay_ns=BUDGET_NS // 2, cpu_ns=WALL_NS)] * 4,
        # The hypervisor has the CPUs for a tenth of the time, and threads wait for it.
        [block_of(run_delay_ns=BUDGET_NS // 2, steal_ns=BUDGET_NS // 10)] * 4,
        # Nobody can say whether somebody else is there.
        [block_of(run_delay_ns=BUDGET_NS // 2, busy_ns=None)] * 4,
        [block_of(run_delay_ns=None, pressure_ns=WALL_NS)] * 4,
        [structs.replace(block_of(), noise=None)] * 4,
    ],
)
def test_a_quiet_or_a_loaded_worker_is_no_finding(blocks):
    assert not oversubscribed(blocks, THREADS)


def rounds_of(*attempts):
    return [
        Round(workload="w", launch=0, round=number, attempt=attempt, kept=False)
        for number, attempt in attempts
    ]


@pytest.mark.parametrize(
    ("attempts", "planned", "left"),
    [
        ([], 10, True),
        ([(0, 0)], 10, True),
        ([(0, 0), (0, 1)], 10, True),
        # Three tries each.
        ([(0, 0), (0, 1), (0, 2)], 10, False),
        ([(0, 0), (0, 1), (0, 2), (1, 0)], 10, True),
        # Half as many extra in all.
        ([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0)], 10, True),
        ([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (3, 0)], 10, False),
        ([(0, 0)], 1, False),
        ([(0, 0)], 2, True),
        ([(0, 0), (0, 1), (1, 0)], 3, False),
    ],
)
def test_repeats_have_two_limits(attempts, planned, left):
    assert repeats_left(rounds_of(*attempts), planned) is left


@given(planned=st.integers(1, 40), contaminated=st.lists(st.booleans(), min_size=120, max_size=120))
def test_however_it_goes_a_launch_ends_within_its_limits(planned, contaminated):
    fates = iter(contaminated)
    rounds = []
    for number in range(planned):
        attempt = 0
        rounds += rounds_of((number, attempt))
        while next(fates) and repeats_left(rounds, planned):
            attempt += 1
            rounds += rounds_of((number, attempt))
        assert attempt <= 2
    assert len(rounds) <= 1.5 * planned


def test_what_lasts_is_not_waited_out():
    disturbed = [
        structs.replace(each, causes=("steal",))
        for each in rounds_of((0, 0), (0, 1), (1, 0), (2, 0))
    ]
    assert repeats_left(disturbed[:3], 20)
    assert not repeats_left(disturbed, 20)
    quiet = structs.replace(disturbed[1], causes=())
    assert repeats_left([*disturbed[:2], quiet, disturbed[3]], 20)


shares = st.floats(0, 1)


@given(st.lists(shares, max_size=30), shares, shares)
def test_more_waiting_is_never_cleaner(earlier, one, other):
    low, high = sorted((one, other))
    if judge(waiting(low)[0], waiting(*earlier)):
        assert judge(waiting(high)[0], waiting(*earlier))
