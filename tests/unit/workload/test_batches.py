from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.workload.batches import plan_batches


@st.composite
def plans(draw: st.DrawFn) -> tuple[int, int, int, int]:
    samples = draw(st.integers(1, 60))
    batch = draw(st.integers(1, samples))
    return samples, batch, draw(st.integers(1, 40)), draw(st.integers(0, 2**32 - 1))


@given(plans())
def test_an_epoch_never_shows_a_sample_twice(plan: tuple[int, int, int, int]) -> None:
    samples, batch, steps, seed = plan
    batches = plan_batches(samples, batch, steps, seed)
    assert batches.shape == (steps, batch)
    assert batches.dtype == np.int32
    per_epoch = samples // batch
    for start in range(0, steps, per_epoch):
        epoch = batches[start : start + per_epoch].ravel()
        assert len(set(epoch.tolist())) == epoch.size
        assert epoch.min() >= 0
        assert epoch.max() < samples


@given(plans())
def test_a_longer_plan_begins_like_a_shorter_one(plan: tuple[int, int, int, int]) -> None:
    samples, batch, steps, seed = plan
    longer = plan_batches(samples, batch, steps + 7, seed)
    np.testing.assert_array_equal(plan_batches(samples, batch, steps, seed), longer[:steps])


def test_a_full_epoch_is_a_permutation_and_each_is_another() -> None:
    batches = plan_batches(100, 10, 20, seed=0)
    first, second = batches[:10].ravel(), batches[10:].ravel()
    assert sorted(first) == sorted(second) == list(range(100))
    assert not np.array_equal(first, second)


def test_another_seed_gives_another_order() -> None:
    assert not np.array_equal(plan_batches(100, 10, 10, 0), plan_batches(100, 10, 10, 1))
