"""What the protocol promises, on a synthetic machine: coverage, false alarms and power.

All seeds are fixed; the bounds leave three standard errors of the number of runs, or more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import exp, log, sqrt
from random import Random

import pytest

from envdoctor.model.cell import Row
from envdoctor.statistics.paired import Comparison, compare
from envdoctor.statistics.resolution import resolution

Times = list[list[float]]
ROW = Row(backend="numpy", mode="numpy")


def _normal(random: Random) -> float:
    return random.gauss(0, 1)


def _heavy(random: Random) -> float:
    """Student's t with 3 degrees of freedom, scaled to a variance of 1: wild values now and then."""
    chi = sum(random.gauss(0, 1) ** 2 for _ in range(3))
    return random.gauss(0, 1) / sqrt(chi)


def _simulate(
    runs: int,
    launches: int,
    rounds: int,
    *,
    sigma: float,
    tau: float,
    noise=_normal,
    ratio: float = 1.0,
    comparisons: int = 1,
) -> Iterator[Comparison]:
    """Comparisons of a row with a reference, `sigma` from round to round, `tau` between launches."""
    random = Random(20240229)
    for _ in range(runs):
        shifts = [random.gauss(0, tau) for _ in range(launches)]
        times = [
            [ratio * exp(shift + sigma * noise(random)) for _ in range(rounds)] for shift in shifts
        ]
        yield compare(times, [[1.0] * rounds] * launches, comparisons=comparisons)


def _coverage(found: list[Comparison], ratio: float = 1.0) -> float:
    inside = [c.interval is not None and c.interval.low <= ratio <= c.interval.high for c in found]
    return sum(inside) / len(inside)


@pytest.mark.parametrize(
    ("launches", "rounds", "least"), [(1, 30, 0.93), (3, 10, 0.95), (5, 10, 0.94)]
)
def test_the_interval_covers_heavy_tails_and_launches(
    launches: int, rounds: int, least: float
) -> None:
    found = list(_simulate(800, launches, rounds, sigma=0.04, tau=0.006, noise=_heavy))
    assert least - 0.023 <= _coverage(found) <= 0.995


@pytest.mark.parametrize(("launches", "rounds"), [(1, 8), (3, 8), (3, 16)])
@pytest.mark.parametrize("sigma", [0.005, 0.04])
def test_the_interval_covers_launches_that_differ_by_the_floor(
    launches: int, rounds: int, sigma: float
) -> None:
    found = list(_simulate(400, launches, rounds, sigma=sigma, tau=0.005))
    assert _coverage(found) >= 0.95 - 0.033


def test_the_interval_is_no_wider_than_it_must_be() -> None:
    found = list(_simulate(400, 3, 16, sigma=0.04, tau=0.0))
    widths = sorted(c.half_width or 0 for c in found)
    # 1.96 sqrt(0.04^2 / 48 + 0.005^2 / 3), were all known.
    assert widths[len(widths) // 2] == pytest.approx(0.0127, rel=0.15)


def test_rounds_that_resemble_each_other_are_covered() -> None:
    random = Random(5)
    found = []
    for _ in range(500):
        times = []
        for _ in range(3):
            level, launch = random.gauss(0, 1), []
            for _ in range(16):
                level = 0.5 * level + sqrt(0.75) * random.gauss(0, 1)
                launch.append(exp(0.015 * level))
            times.append(launch)
        found.append(compare(times, [[1.0] * 16] * 3, comparisons=1))
    assert _coverage(found) >= 0.93
    # Without the factor for the correlation it would be 0.87.
    assert sum(c.autocorrelated for c in found) > 250


def test_stopping_on_precision_keeps_the_coverage() -> None:
    random = Random(6)
    found = []
    for _ in range(300):
        times: Times = [[] for _ in range(3)]
        while True:
            for launch in times:
                launch.append(exp(random.gauss(0, 0.03)))
            now = compare(times, [[1.0] * len(times[0])] * 3, comparisons=1)
            enough = now.half_width is not None and now.half_width <= 0.015
            if len(times[0]) == 16 or (len(times[0]) >= 4 and enough):
                break
        found.append(now)
    assert _coverage(found) >= 0.93


@pytest.mark.parametrize("tau", [0.0, 0.006, 0.015])
def test_six_equal_rows_are_hardly_ever_called_slower(tau: float) -> None:
    """The leader is chosen from the same data, which is what makes false alarms likely."""
    random = Random(7)
    false = 0
    for _ in range(200):
        rows: list[Times] = []
        for _ in range(6):
            # Two rows that are compared differ by both of their shifts.
            shifts = [random.gauss(0, tau / sqrt(2)) for _ in range(3)]
            rows.append([[exp(s + random.gauss(0, 0.015)) for _ in range(10)] for s in shifts])
        leader = min(rows, key=lambda times: sorted(t for x in times for t in x)[15])
        others = [compare(times, leader, comparisons=5) for times in rows if times is not leader]
        false += any(c.verdict == "slower" for c in others)
    assert false <= 2


def test_five_percent_are_found() -> None:
    found = Counter(
        c.verdict for c in _simulate(400, 3, 10, sigma=0.015, tau=0.006, ratio=1.05, comparisons=5)
    )
    assert found["slower"] >= 0.95 * 400
    assert found["tie"] + found["faster"] + found["leans faster"] == 0


def test_one_percent_is_a_tie_or_a_lean_and_never_clear() -> None:
    found = Counter(c.verdict for c in _simulate(300, 3, 10, sigma=0.015, tau=0.003, ratio=1.01))
    assert found["slower"] + found["faster"] + found["leans faster"] == 0
    assert found["tie"] > 150


class _Machine:
    """A synthetic clock: time advances with every block, slows down for good, and has spikes.

    Two programs cost the same on it. Each launch has a layout, worth 0.5 %; each block jitters by
    1 %; one block in ten is hit by something else and takes up to three times as long.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.seconds = 0.0

    def block(self, layout: float) -> float:
        """Seconds per step of one block; the machine gets 1 % slower every second."""
        step = 0.002 * (1 + 0.01 * self.seconds) * exp(layout + self.random.gauss(0, 0.01))
        if self.random.random() < 0.1:
            step *= 1 + 2 * self.random.random()
        self.seconds += 0.15 * step / 0.002
        return step

    def interleaved(self, launches: int, rounds: int) -> tuple[Times, Times]:
        """Both programs in every round, in random order."""
        sides: tuple[Times, Times] = ([], [])
        for _ in range(launches):
            layouts = [self.random.gauss(0, 0.005) for _ in sides]
            for side in sides:
                side.append([])
            for _ in range(rounds):
                for which in self.random.sample((0, 1), 2):
                    sides[which][-1].append(self.block(layouts[which]))
        return sides

    def one_after_the_other(self, launches: int, rounds: int) -> tuple[Times, Times]:
        """All blocks of one program, then all of the other."""
        first, second = (
            [[self.block(0.0) for _ in range(rounds)] for _ in range(launches)] for _ in range(2)
        )
        return second, first


@pytest.mark.parametrize("seed", range(20))
def test_a_row_never_differs_from_its_twin_on_a_machine_with_spikes_and_drift(seed: int) -> None:
    found = compare(*_Machine(seed).interleaved(3, 12), comparisons=1)
    assert found.verdict in {"tie", "inconclusive"}
    assert found.drift is None


def test_spikes_that_were_not_gated_seldom_make_a_machine_too_noisy() -> None:
    found = (compare(*_Machine(s).interleaved(3, 12), comparisons=1) for s in range(40))
    graded = [resolution(ROW, each) for each in found]
    assert sum(each is None or each.grade == "D" for each in graded) <= 6


def _rough(random: Random, rounds: int, spread: float, slow_share: float) -> Times:
    """Seconds of one launch: heavy tails, and now and then a second speed of the machine."""
    slow = (1.7 if random.random() < slow_share else 1.0 for _ in range(rounds))
    return [[factor * exp(spread * _heavy(random)) for factor in slow]]


@pytest.mark.parametrize(
    ("rounds", "spread", "slow_share"), [(8, 0.15, 0.0), (16, 0.2, 0.0), (16, 0.08, 0.25)]
)
def test_the_margin_of_a_noisy_machine_calls_no_equal_row_slower_and_finds_what_is_far(
    rounds: int, spread: float, slow_share: float
) -> None:
    random = Random(1)

    def drawn() -> Times:
        return _rough(random, rounds, spread, slow_share)

    noisy = false = found = 0
    for _ in range(400):
        machine = resolution(ROW, compare(drawn(), drawn(), comparisons=1))
        if machine is None or machine.grade != "D" or machine.biased:
            continue
        noisy += 1
        reference, margin = drawn(), machine.margin(0.02)
        equal = [compare(drawn(), reference, comparisons=5, margin=margin) for _ in range(5)]
        false += any(each.verdict in {"slower", "faster"} for each in equal)
        twice = [[2 * seconds for seconds in launch] for launch in drawn()]
        found += compare(twice, reference, comparisons=5, margin=margin).verdict == "slower"
    assert noisy >= 360
    assert false == 0
    assert found > 0.5 * noisy


def test_the_same_machine_would_fool_a_measurement_without_rounds() -> None:
    found = [compare(*_Machine(s).one_after_the_other(3, 12), comparisons=1) for s in range(5)]
    assert all(log(c.ratio) > 0 for c in found)
    assert sum(c.verdict in {"slower", "leans slower"} for c in found) >= 4
