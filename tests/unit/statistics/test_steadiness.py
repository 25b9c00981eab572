from __future__ import annotations

from math import exp
from random import Random

import pytest
from msgspec import structs

from envdoctor.statistics.steadiness import was_steady

ROUNDS = 24


def _times(milliseconds: float, seed: int, factors: list[float], noise: float = 0.01):
    """Two launches of these rounds; each time is multiplied by the factor of its round."""
    random = Random(seed)
    return [
        [milliseconds * 1e-3 * factor * exp(random.gauss(0, noise)) for factor in factors]
        for _ in range(2)
    ]


STAYS = [1.0] * ROUNDS
FALLS = [1.5 * 0.97**number for number in range(ROUNDS)]


@pytest.fixture
def drifting(make_run):
    """Makes a run in which one row still drifted when its first launch began its rounds."""

    def make(rows, name="jax", launch=0):
        run = make_run({"w": rows})
        cell = next(cell for cell in run.cells if cell.row.title == name and not cell.row.twin)
        launches = list(cell.launches)
        launches[launch] = structs.replace(launches[launch], steady=False)
        changed = structs.replace(cell, launches=tuple(launches))
        return structs.replace(
            run, cells=tuple(changed if each is cell else each for each in run.cells)
        ), changed

    return make


def _others(factors=STAYS):
    return {name: _times(2, seed, factors) for seed, name in enumerate(("numpy", "numpy'"))}


def test_a_row_that_stayed_beside_the_others_was_steady(drifting):
    assert was_steady(*drifting({**_others(), "jax": _times(1, 5, STAYS)}))


def test_a_row_that_went_on_to_gain_was_not(drifting):
    assert not was_steady(*drifting({**_others(), "jax": _times(1, 5, FALLS)}))


def test_a_row_that_nobody_saw_drift_is_not_accused_by_its_rounds(make_run):
    run = make_run({"w": {**_others(), "jax": _times(1, 5, FALLS)}})
    assert was_steady(run, run.cells[-1])


def test_what_all_rows_have_in_common_is_the_machine(drifting):
    assert was_steady(*drifting({**_others(FALLS), "jax": _times(1, 5, FALLS)}))


def test_a_copy_that_warms_up_alike_hides_nothing(drifting):
    rows = {"jax": _times(1, 5, FALLS), "jax'": _times(1, 6, FALLS), "torch": _times(2, 7, STAYS)}
    assert not was_steady(*drifting(rows))
    # Beside nothing but its copy a row is judged by its own times.
    del rows["torch"]
    assert not was_steady(*drifting(rows))
    assert was_steady(*drifting({"jax": _times(1, 5, STAYS), "jax'": _times(1, 6, STAYS)}))


def test_only_the_launch_that_drifted_is_looked_at(drifting):
    times = [_times(1, 5, FALLS)[0], _times(1, 5, STAYS)[1]]
    assert not was_steady(*drifting({**_others(), "jax": times}, launch=0))
    assert was_steady(*drifting({**_others(), "jax": times}, launch=1))


def test_rounds_that_do_not_count_tell_nothing(drifting):
    run, cell = drifting({**_others(), "jax": _times(1, 5, STAYS)})
    kept = [turn.round < 5 for turn in run.rounds]
    rounds = tuple(
        structs.replace(turn, kept=each) for turn, each in zip(run.rounds, kept, strict=True)
    )
    assert not was_steady(structs.replace(run, rounds=rounds), cell)


def test_compiling_while_it_is_timed_is_never_steady(make_run):
    run = make_run({"w": {**_others(), "jax": _times(1, 5, STAYS)}})
    cell = run.cells[-1]
    last = structs.replace(cell.launches[-1], compiled_while_timed=1)
    assert not was_steady(run, structs.replace(cell, launches=(cell.launches[0], last)))
