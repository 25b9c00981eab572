from __future__ import annotations

import pytest

from envdoctor.bench import energy
from envdoctor.bench.energy import Clock, EnergyMeter, Spent, summarise
from envdoctor.errors import IncompleteError


class World:
    """A device with a clock, a power at rest and at work, and the counter that adds them up."""

    source = "a simulation"
    idle_watts = 20.0

    def __init__(self):
        self.seconds = 100.0
        self.counted = 1e6
        self.watts = self.idle_watts
        self.temperature = 40.0
        self.counts = True

    def joules(self):
        return self.counted

    def celsius(self):
        return self.temperature

    def sleep(self, seconds):
        self.seconds += seconds
        self.counted += self.watts * seconds * self.counts
        if self.temperature is not None:
            self.temperature = max(40.0, self.temperature - seconds)

    def train(self, watts, samples_per_second=50, heat=0.0):
        def run_seconds(seconds):
            self.watts = watts
            self.sleep(seconds)
            self.watts = self.idle_watts
            if self.temperature is not None:
                self.temperature += heat
            return int(samples_per_second * seconds)

        return run_seconds


@pytest.fixture
def world():
    return World()


@pytest.fixture
def meter(world):
    return EnergyMeter(world, Clock(lambda: world.seconds, world.sleep))


def test_joules_per_sample_are_power_by_time_by_samples(meter, world):
    figures = meter.measure(world.train(watts=300, samples_per_second=50))
    assert figures.joules_per_sample == pytest.approx(6.0)
    assert figures.low == pytest.approx(figures.high)
    assert figures.watts == pytest.approx(300)
    assert meter.source == "a simulation"


def test_the_net_number_is_without_the_power_at_rest(meter, world):
    figures = meter.measure(world.train(watts=300, samples_per_second=50))
    assert figures.idle_watts == pytest.approx(20)
    assert figures.net_joules_per_sample == pytest.approx(5.6)


def test_it_idles_once_and_then_trains_as_often_and_as_long_as_asked(meter, world):
    asked = []
    trains = world.train(watts=100)

    def run_seconds(seconds):
        asked.append((world.seconds, seconds))
        return trains(seconds)

    meter.measure(run_seconds, repeats=4, seconds=12)
    assert asked == [(112.0, 12), (124.0, 12), (136.0, 12), (148.0, 12)]


def test_a_counter_that_stands_still_is_no_measurement(meter, world):
    world.counts = False
    with pytest.raises(IncompleteError, match=r"\(a simulation\) stood still for 10.0 seconds"):
        meter.spend(world.train(watts=300))


def test_a_pass_that_trained_nothing_is_no_measurement(meter, world):
    with pytest.raises(IncompleteError, match="no sample"):
        meter.spend(world.train(watts=300, samples_per_second=0))


def test_repeats_begin_at_the_temperature_of_the_first(meter, world):
    begun = []
    heats = world.train(watts=300, heat=25.0)

    def run_seconds(seconds):
        begun.append(world.temperature)
        return heats(seconds)

    meter.measure(run_seconds, repeats=4)
    assert len(begun) == 4
    assert max(begun) <= begun[0] + energy.COOL_KELVIN


def test_cooling_is_no_part_of_the_energy(meter, world):
    figures = meter.measure(world.train(watts=300, heat=25.0))
    assert figures.high == pytest.approx(6.0)


def test_what_stays_hot_is_waited_for_only_so_long(meter, world):
    run_seconds = world.train(watts=300, heat=10_000.0)
    meter.spend(run_seconds, seconds=1)
    before = world.seconds
    meter.spend(run_seconds, seconds=1)
    waited = world.seconds - before - 1
    assert waited == pytest.approx(energy.LONGEST_COOLING_SECONDS, abs=1)


def test_where_no_temperature_is_told_nobody_waits(meter, world):
    world.temperature = None
    before = world.seconds
    meter.spend(world.train(watts=300), seconds=1)
    meter.spend(world.train(watts=300), seconds=1)
    assert world.seconds == before + 2


def test_figures_are_the_median_and_the_range_of_the_repeats():
    repeats = [Spent(300.0, 10.0, 100), Spent(200.0, 10.0, 100), Spent(900.0, 10.0, 100)]
    figures = summarise(repeats, idle_watts=5.0)
    assert (figures.low, figures.joules_per_sample, figures.high) == (2.0, 3.0, 9.0)
    assert figures.watts == 30.0
    assert figures.net_joules_per_sample == pytest.approx(2.5)
