"""Where on the training plan a row is looked at."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.bench import milestones
from envdoctor.bench.milestones import evaluation_steps, loss_steps
from envdoctor.plugins import Plugins, load_plugins
from envdoctor.workload.prepare import Prepared

STEPS = st.integers(1, 5000)


@pytest.fixture(scope="session")
def plugins() -> Plugins:
    """The shipped ones, for their workloads, in the place of those on paper."""
    return load_plugins(strangers=False)


def plan(steps: int, batch: int, test: int, *, synthetic: bool = False) -> Prepared:
    samples = SimpleNamespace(test_targets=np.zeros(test, int), synthetic=synthetic)
    return SimpleNamespace(steps=steps, workload=SimpleNamespace(batch=batch), samples=samples)


@given(steps=STEPS, seconds=st.floats(0, 10))
def test_a_curve_goes_from_the_first_step_to_the_last(steps: int, seconds: float) -> None:
    found = loss_steps(steps, seconds)
    assert (found[0], found[-1]) == (1, steps)
    assert len(found) <= milestones.LOSSES[0] + 1
    assert len(found) >= min(steps, milestones.LOSSES[-1])
    assert list(found) == sorted(set(found))


@given(steps=STEPS, batch=st.integers(1, 512), test=st.integers(1, 10_000))
def test_an_evaluation_falls_on_a_point_of_every_row(steps: int, batch: int, test: int) -> None:
    found = evaluation_steps(plan(steps, batch, test))
    for seconds in (0.0, milestones.SHORTEST_CHUNK_SECONDS * 20 / steps, 10.0):
        assert found <= set(loss_steps(steps, seconds)) - {steps}


@given(steps=STEPS, batch=st.integers(1, 512), test=st.integers(1, 10_000))
def test_all_evaluations_cost_a_tenth_of_the_training_at_most(
    steps: int, batch: int, test: int
) -> None:
    found = evaluation_steps(plan(steps, batch, test))
    assert len(found) * test / 3 <= 0.1 * steps * batch * (1 + 1e-9)


def test_rows_of_shorter_steps_have_points_further_apart_on_those_of_the_others() -> None:
    long, short, shortest = (set(loss_steps(440, seconds)) for seconds in (1e-3, 1.5e-4, 1e-6))
    assert len(long) > len(short) > len(shortest)
    assert shortest < short < long


@pytest.mark.parametrize(
    ("name", "count"), [("mlp-tiny", 9), ("transformer-tiny", 0), ("regressor-tiny", 9)]
)
def test_shipped_workloads(prepared, name: str, count: int) -> None:
    """The Transformer is evaluated on as much as it learns from."""
    assert len(evaluation_steps(prepared(name))) == count


def test_made_up_data_are_not_evaluated() -> None:
    assert len(evaluation_steps(plan(400, 64, 10))) == 9
    assert evaluation_steps(plan(400, 64, 10, synthetic=True)) == frozenset()
