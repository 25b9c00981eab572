from __future__ import annotations

from time import perf_counter_ns

import numpy as np
import pytest

from envdoctor.child import products
from envdoctor.child.contract import Trainer
from envdoctor.child.products import copy_bandwidth, measure_products, random_matrices
from envdoctor.child.setting import Setting

SETTING = Setting("numpy")


class Time:
    """A clock that only moves when a product is computed."""

    def __init__(self):
        self.ns = 0

    def __call__(self):
        return self.ns


@pytest.fixture
def time(monkeypatch):
    clock = Time()
    monkeypatch.setattr(products, "perf_counter_ns", clock)
    return clock


@pytest.fixture
def rated(time):
    """A trainer class whose products run at given rates, in GFLOP/s; the first call is slow."""

    def build(rates):
        calls = dict.fromkeys(rates, 0)

        class Rated:
            asked = calls

            @staticmethod
            def product(size, setting):
                assert setting == SETTING

                def multiply():
                    compiling = 50 if calls[size] == 0 else 1
                    calls[size] += 1
                    time.ns += round(compiling * 2 * size**3 / rates[size])

                return multiply

        return Rated

    return build


def test_a_rising_rate_is_followed_to_the_largest_size(rated):
    rates = {1024: 10_000, 2048: 20_000, 4096: 30_000, 8192: 40_000}
    found = measure_products(rated(rates), SETTING, seconds=0.1)
    assert found == pytest.approx({size: rate * 1e9 for size, rate in rates.items()}, rel=1e-3)


def test_the_search_ends_where_a_size_brings_less_than_three_percent(rated):
    rates = {1024: 60_000, 2048: 100_000, 4096: 102_000, 8192: 200_000}
    found = measure_products(rated(rates), SETTING, seconds=0.1)
    assert list(found) == [1024, 2048, 4096]


def test_a_gain_of_four_percent_is_followed(rated):
    rates = {1024: 60_000, 2048: 100_000, 4096: 104_000, 8192: 104_000}
    assert list(measure_products(rated(rates), SETTING, seconds=0.1)) == [1024, 2048, 4096, 8192]


def test_a_size_whose_product_would_last_too_long_is_not_begun(rated):
    # 4096 at 108 GFLOP/s takes 1.27 seconds.
    rates = {1024: 60, 2048: 108, 4096: 120, 8192: 130}
    trainer = rated(rates)
    assert list(measure_products(trainer, SETTING, seconds=1.0)) == [1024, 2048]
    assert trainer.asked[4096] == 0
    assert list(measure_products(rated(rates), SETTING, seconds=1.5)) == [1024, 2048, 4096]


def test_a_product_is_repeated_for_as_long_as_was_asked(rated, time):
    trainer = rated({1024: 100, 2048: 1})
    measure_products(trainer, SETTING, seconds=0.5)
    timed = (trainer.asked[1024] - 1) * 2 * 1024**3 / 100
    assert 0.5e9 <= timed < 0.6e9


def test_a_slow_product_is_repeated_three_times(rated):
    trainer = rated({1024: 0.001, 2048: 1})
    measure_products(trainer, SETTING, seconds=0.5)
    assert trainer.asked[1024] == 4


def test_a_disturbed_repeat_does_not_count(time):
    durations = iter([9, 5, 5, 500, 5, 5])

    class Disturbed:
        @staticmethod
        def product(size, setting):
            if size > 1024:
                raise MemoryError
            return lambda: setattr(time, "ns", time.ns + next(durations) * 1_000_000)

    found = measure_products(Disturbed, SETTING, seconds=0.5)
    assert found == pytest.approx({1024: 2 * 1024**3 / 0.005})


def test_a_trainer_without_a_product_contributes_nothing():
    class Stranger:
        pass

    assert measure_products(Stranger, SETTING, seconds=0.1) == {}


def test_a_trainer_that_inherits_the_empty_contract_contributes_nothing():
    class Stranger(Trainer):
        pass

    assert measure_products(Stranger, SETTING, seconds=0.1) == {}


def test_memory_that_ends_keeps_the_smaller_sizes(rated):
    trainer = rated({1024: 60_000, 2048: 100_000})
    whole = trainer.product

    def product(size, setting):
        if size > 2048:
            raise MemoryError
        return whole(size, setting)

    trainer.product = staticmethod(product)
    assert list(measure_products(trainer, SETTING, seconds=0.1)) == [1024, 2048]


def test_a_product_that_never_works_is_told():
    class Broken:
        @staticmethod
        def product(size, setting):
            raise RuntimeError("no kernel image")

    with pytest.raises(RuntimeError, match="no kernel image"):
        measure_products(Broken, SETTING, seconds=0.1)


def test_the_matrices_are_float32_and_the_same_each_time():
    left, right = random_matrices(64)
    again, _ = random_matrices(64)
    assert {left.dtype, right.dtype} == {np.dtype("float32")}
    assert left.shape == right.shape == (64, 64)
    np.testing.assert_array_equal(left, again)
    assert not np.array_equal(left, right)
    assert 0.9 < left.std() < 1.1


def least_ns(work, times):
    """The least of several walls, which other load disturbs least."""
    walls = []
    for _ in range(times):
        begun = perf_counter_ns()
        work()
        walls.append(perf_counter_ns() - begun)
    return min(walls)


BACKENDS = {"numpy": "numpy", "torch": "eager", "tensorflow": "graph", "jax": "jit"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_shipped_backend_multiplies_and_its_time_grows_with_the_work(backend):
    module = pytest.importorskip(f"envdoctor_{backend}.trainer")
    setting = Setting(BACKENDS[backend], threads=1)
    small = module.Trainer.product(64, setting)
    large = module.Trainer.product(2048, setting)
    # 32768 times the work; a product that is not waited for would take as long as the other.
    # Where other load keeps the threads from meeting, the small one takes milliseconds, too.
    assert least_ns(large, 3) > 4 * least_ns(small, 50)


@pytest.fixture
def caches(tmp_path, monkeypatch):
    """The caches of processors, as sysfs shows them, from (cpu, index) to (level, kB, sharers)."""

    def build(found, available_kb=16_000_000):
        for (cpu, index), (level, size, sharers) in found.items():
            folder = tmp_path / f"cpu{cpu}" / "cache" / f"index{index}"
            folder.mkdir(parents=True)
            (folder / "level").write_text(f"{level}\n")
            (folder / "size").write_text(f"{size}K\n")
            (folder / "shared_cpu_list").write_text(f"{sharers}\n")
        memory = tmp_path / "meminfo"
        memory.write_text(f"MemTotal: 99999999 kB\nMemAvailable: {available_kb} kB\n")
        monkeypatch.setattr(products, "CACHES", str(tmp_path / "cpu{}" / "cache"))
        monkeypatch.setattr(products, "MEMORY", str(memory))

    return build


# Two clusters of two CPUs: each cluster has a third level of its own.
CLUSTERS = {
    **{(cpu, 0): (1, 32, str(cpu)) for cpu in range(4)},
    **{(cpu, 2): (2, 512, str(cpu)) for cpu in range(4)},
    **{(cpu, 3): (3, 16_384, "0-1" if cpu < 2 else "2-3") for cpu in range(4)},
}


@pytest.mark.parametrize(("cpus", "count"), [([0], 1), ([0, 1], 1), ([1, 2], 2), ([0, 1, 2, 3], 2)])
def test_each_last_level_cache_in_use_counts_once(cpus, count, caches):
    caches(CLUSTERS)
    assert products._last_level_bytes(cpus) == count * 16_384 * 1024


@pytest.mark.parametrize("found", [{}, {(0, 0): (1, "many", "0")}])
def test_caches_that_are_not_told_are_taken_to_be_large(found, caches):
    caches(found)
    assert products._last_level_bytes([0]) == products.UNKNOWN_CACHE_BYTES


def test_the_bandwidth_is_that_of_reading_and_writing(caches, monkeypatch, time):
    caches({(0, 0): (1, 1024, "0")})
    monkeypatch.setattr(products, "_own_cpus", lambda: [0])
    copied = []
    copy = np.copyto

    def copyto(to, source):
        copy(to, source)
        copied.append(to)
        time.ns += 1_000_000

    monkeypatch.setattr(np, "copyto", copyto)
    assert copy_bandwidth(0.01) == pytest.approx(2 * 4 * 2**20 / 1e-3)
    assert copied[0].nbytes == 4 * 2**20
    assert copied[0].all()


def test_all_cpus_copy_a_part_each(caches, monkeypatch):
    caches(CLUSTERS)
    monkeypatch.setattr(products, "_own_cpus", lambda: [0, 1])
    copied = []
    monkeypatch.setattr(np, "copyto", lambda to, source: copied.append(to.nbytes))
    assert copy_bandwidth(0.0) > 0
    assert copied == [2 * 16_384 * 1024] * len(copied)
    assert len(copied) == 2 * (1 + products.LEAST_REPEATS)


def test_where_memory_is_short_there_is_no_bandwidth(caches, monkeypatch):
    monkeypatch.setattr(products, "_own_cpus", lambda: [0])
    caches({(0, 0): (3, 1024, "0")}, available_kb=8 * 4 * 1024 - 1)
    assert copy_bandwidth(0.01) is None


def test_a_system_that_tells_no_memory_is_measured_all_the_same(caches, monkeypatch, tmp_path):
    monkeypatch.setattr(products, "_own_cpus", lambda: [0])
    caches({(0, 0): (3, 1024, "0")})
    monkeypatch.setattr(products, "MEMORY", str(tmp_path / "none"))
    assert copy_bandwidth(0.01) > 1e6
