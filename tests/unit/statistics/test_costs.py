from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from envdoctor.statistics.costs import Costs, break_even_steps, costs

COSTS = st.builds(Costs, setup_seconds=st.floats(0, 100), step_seconds=st.floats(1e-5, 1))


def test_a_row_pays_for_its_first_launch(make_run) -> None:
    run = make_run({"w": {"jax": [[0.002] * 6, [0.002] * 6]}}, setup_seconds={"jax": 1.5})
    cell = run.cells[0]
    phases = structs.replace(
        cell.launches[0].phases, device_init_seconds=0.2, build_seconds=0.1, stage_seconds=9.0
    )
    first = structs.replace(cell.launches[0], phases=phases, warmup_ns=(500_000_000, 2_000_000))
    cell = structs.replace(cell, launches=(cell.launches[1], first))
    run = structs.replace(run, cells=(cell,))
    found = costs(run, cell)
    assert found is not None
    # 1.5 + 0.2 + 0.1, and 0.502 s for two steps of 0.002 s.
    assert found.setup_seconds == pytest.approx(2.298)
    assert found.step_seconds == pytest.approx(0.002)
    assert found.time_to_train_seconds(1000) == pytest.approx(4.298)


def test_an_import_counts_where_it_was_alone_on_whatever_workload(make_run) -> None:
    times = {"jax": [[0.002] * 6, [0.002] * 6]}
    run = make_run({"v": times, "w": times}, setup_seconds={"jax": 1.5})
    cells = {cell.workload: cell for cell in run.cells}

    def change(workload, seconds, **values):
        cell = cells[workload]
        phases = structs.replace(cell.launches[0].phases, import_seconds=seconds, build_seconds=0.1)
        first = structs.replace(cell.launches[0], phases=phases, **values)
        cells[workload] = structs.replace(cell, launches=(first, *cell.launches[1:]))

    def setup():
        changed = structs.replace(run, cells=tuple(cells.values()))
        return costs(changed, cells["w"]).setup_seconds

    change("v", 2.0)
    change("w", 1.2, imported_alone=False)
    assert setup() == pytest.approx(2.1)
    # Of two that were alone the quicker one was disturbed less; if none was, so with all.
    change("w", 1.2, imported_alone=True)
    assert setup() == pytest.approx(1.3)
    change("v", 2.0, imported_alone=False)
    change("w", 3.0, imported_alone=False)
    assert setup() == pytest.approx(2.1)


def test_steps_of_contaminated_rounds_cost_nothing(make_run) -> None:
    run = make_run({"w": {"jax": [[0.002, 0.002, 0.9, 0.9]]}})
    turns = tuple(structs.replace(turn, kept=turn.round < 2) for turn in run.rounds)
    found = costs(structs.replace(run, rounds=turns), run.cells[0])
    assert found is not None
    assert found.step_seconds == pytest.approx(0.002)


def test_a_row_without_launches_or_blocks_has_no_costs(make_run) -> None:
    run = make_run({"w": {"jax": [[0.002] * 6]}})
    cell = run.cells[0]
    assert costs(run, structs.replace(cell, launches=())) is None
    assert costs(run, structs.replace(cell, blocks=())) is None


def test_a_slow_start_pays_off_after_some_steps() -> None:
    compiled, eager = Costs(12.0, 0.001), Costs(2.0, 0.0025)
    assert break_even_steps(compiled, eager) == 6667
    assert break_even_steps(eager, compiled) == 6667


def test_a_row_that_is_ahead_from_the_start_has_nothing_to_make_up() -> None:
    assert break_even_steps(Costs(1.0, 0.001), Costs(2.0, 0.002)) is None
    assert break_even_steps(Costs(1.0, 0.001), Costs(2.0, 0.001)) is None
    assert break_even_steps(Costs(1.0, 0.001), Costs(1.0, 0.002)) is None


@given(COSTS, COSTS)
def test_from_the_break_even_on_the_cheaper_step_wins(a: Costs, b: Costs) -> None:
    steps = break_even_steps(a, b)
    if steps is None:
        return
    cheap, dear = sorted((a, b), key=lambda each: each.step_seconds)
    slack = 1e-9 * dear.time_to_train_seconds(steps)
    assert cheap.time_to_train_seconds(steps) <= dear.time_to_train_seconds(steps) + slack
    assert cheap.time_to_train_seconds(steps - 1) >= dear.time_to_train_seconds(steps - 1) - slack
