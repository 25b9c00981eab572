from __future__ import annotations

from msgspec import structs

from envdoctor.model.cell import Row
from envdoctor.model.outcome import Outcome
from envdoctor.statistics.pairing import (
    cells_of,
    kept_blocks,
    paired_seconds,
    round_seconds,
    twins,
)

TIMES = [[0.001, 0.002], [0.003, 0.004]]


def _without(run, keep):
    """The run with the rounds that `keep` refuses marked as contaminated."""
    turns = [structs.replace(turn, kept=keep(turn)) for turn in run.rounds]
    return structs.replace(run, rounds=tuple(turns))


def test_only_the_kept_attempt_at_a_round_counts(make_run) -> None:
    run = make_run({"w": {"jax": TIMES}})
    cell = run.cells[0]
    again = structs.replace(cell.blocks[1], attempt=1, wall_ns=700_000_000)
    cell = structs.replace(cell, blocks=(again, *cell.blocks))
    turns = [structs.replace(turn, kept=(turn.launch, turn.round) != (0, 1)) for turn in run.rounds]
    turns.append(structs.replace(turns[1], attempt=1, kept=True))
    run = structs.replace(run, cells=(cell,), rounds=tuple(turns))
    assert [block.wall_ns for block in kept_blocks(run, cell)] == [
        100_000_000,
        700_000_000,
        300_000_000,
        400_000_000,
    ]


def test_rounds_of_another_workload_do_not_count(make_run) -> None:
    run = make_run({"w": {"jax": TIMES}, "v": {"jax": TIMES}})
    run = _without(run, lambda turn: turn.workload == "v")
    assert kept_blocks(run, run.cells[0]) == []
    assert len(kept_blocks(run, run.cells[1])) == 4


def test_rows_are_paired_in_the_rounds_that_both_have(make_run) -> None:
    run = make_run({"w": {"jax": TIMES, "torch": [[0.005, 0.008]]}})
    jax, torch = run.cells
    assert paired_seconds(run, jax, torch) == ([[0.001, 0.002]], [[0.005, 0.008]])
    run = _without(run, lambda turn: (turn.launch, turn.round) != (0, 0))
    assert paired_seconds(run, torch, jax) == ([[0.008]], [[0.002]])
    run = _without(run, lambda turn: turn.launch == 1)
    assert paired_seconds(run, torch, jax) == ([], [])


def test_the_twin_is_found_and_is_no_row_of_the_table(make_run) -> None:
    run = make_run({"w": {"jax": TIMES, "numpy": TIMES, "numpy'": TIMES}})
    found = twins(run, "w")
    assert found is not None
    assert found[0].row == structs.replace(found[1].row, twin=True)
    assert [cell.row.backend for cell in cells_of(run, "w")] == ["jax", "numpy"]
    assert twins(run, "v") is None
    assert twins(structs.replace(run, cells=run.cells[::2]), "w") is None


def test_only_proven_and_finished_rows_have_a_speed(make_run) -> None:
    run = make_run({"w": {"jax": TIMES, "numpy": TIMES, "torch": TIMES}})
    crashed = structs.replace(run.cells[0], outcome=Outcome(status="crashed"))
    unproven = structs.replace(run.cells[1], certificate=None)
    run = structs.replace(run, cells=(crashed, unproven, run.cells[2]))
    assert [cell.row for cell in cells_of(run, "w")] == [Row(backend="torch", mode="torch")]


def test_a_round_takes_what_its_blocks_take(make_run) -> None:
    run = make_run({"w": {"jax": [[0.001, 0.001]], "torch": [[0.002, 0.004]]}})
    assert round_seconds(run, "w") == 0.4
    assert round_seconds(run, "v") is None
