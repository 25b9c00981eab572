from __future__ import annotations

import runpy
from collections.abc import Callable
from dataclasses import replace
from math import inf
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec import structs

from envdoctor.bench import bystanders
from envdoctor.bench.contamination import MOST_ATTEMPTS
from envdoctor.bench.events import Doing, Saved
from envdoctor.bench.ledger import Ledger
from envdoctor.bench.presets import QUICK, Preset
from envdoctor.bench.rounds import Budget, Rounds
from envdoctor.model.cell import Block, Certificate, Noise, Row
from envdoctor.model.outcome import OK, Outcome
from envdoctor.model.run import Run
from envdoctor.statistics.pairing import kept_blocks
from envdoctor.target.channel import WorkerEnded

MADE = runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))
NUMPY, TORCH, JAX = (MADE["row_of"](title) for title in ("numpy", "torch eager", "jax jit"))
TWIN = structs.replace(NUMPY, twin=True)
STEP_NS = {NUMPY: 400_000, TWIN: 400_000, TORCH: 1_000_000, JAX: 200_000}
SWING = (0.998, 1.002, 1.0, 1.001, 0.999)
"""A spread of a fraction of a percent, in an order of its own for each row."""
NO_LIMIT = Budget(inf)


class Seat:
    """A row whose blocks take known times; `trouble` says what disturbs one, or ends it."""

    def __init__(self, row: Row, ledger: Ledger, diary: list[tuple]) -> None:
        self.row = row
        self.trouble: Callable[[int, int], Noise | None] = lambda number, attempt: None
        self.swing = SWING
        self.awake_cpu_ns: int | None = None
        self._ledger = ledger
        self._diary = diary
        ledger.keep(
            row, "mlp-tiny", outcome=OK, certificate=Certificate(same_work=True, tier="G64")
        )

    @property
    def cell(self):
        return self._ledger.cell(self.row, "mlp-tiny")

    def take_block(self, number: int, attempt: int, position: int) -> Block:
        self._diary.append((number, attempt, position, self.row))
        noise = self.trouble(number, attempt)
        swing = self.swing[(number + len(self.row.title)) % len(self.swing)]
        wall_ns = round(STEP_NS.get(self.row, 300_000) * 100 * swing)
        return Block(
            launch=0,
            round=number,
            attempt=attempt,
            position=position,
            steps=100,
            wall_ns=wall_ns,
            cpu_ns=2 * wall_ns,
            noise=noise,
        )


class Launch:
    def __init__(self, seats: list[Seat]) -> None:
        self.seats = seats

    def drop(self, seat: Seat, ended: WorkerEnded) -> None:
        self.seats.remove(seat)
        seat._ledger.keep(seat.row, "mlp-tiny", outcome=ended.outcome)


class Stage:
    """A launch of stand-in seats, and everything that the rounds ask of their scene."""

    def __init__(
        self, rows: tuple[Row, ...] = (NUMPY, TORCH, JAX, TWIN), *, seed: int = 0, **preset: object
    ) -> None:
        run = MADE["made_run"]()
        plan = structs.replace(run.plan, seed=seed)
        self.ledger = Ledger(structs.replace(run, cells=(), rounds=(), plan=plan))
        self.diary: list[tuple] = []
        self.launch = Launch([Seat(row, self.ledger, self.diary) for row in rows])
        self.beats = iter(())
        self.preset: Preset = replace(QUICK, **preset)

    def seat(self, row: Row) -> Seat:
        return next(seat for seat in self.launch.seats if seat.row == row)

    def run(self, budget: Budget = NO_LIMIT, *, gpu: object = None, number: int = 0) -> Run:
        scene = SimpleNamespace(
            ledger=self.ledger,
            prepared=SimpleNamespace(name="mlp-tiny"),
            preset=self.preset,
            host=SimpleNamespace(cpus=(0, 1)),
            gpu=gpu,
        )
        pace = SimpleNamespace(beat=lambda: next(self.beats, 20_000_000))
        self.events = list(Rounds(scene, self.launch, number, pace).run(budget))
        return self.ledger.run

    def orders(self) -> list[list[Row]]:
        """The rows of each round in the order in which they ran."""
        rounds = dict.fromkeys((number, attempt) for number, attempt, _, _ in self.diary)
        return [[row for *turn, _, row in self.diary if tuple(turn) == each] for each in rounds]


def _disturbed(*turns: tuple[int, int]) -> Callable[[int, int], Noise | None]:
    """The quota is used up in these rounds and attempts."""
    return lambda number, attempt: Noise(throttled=1 if (number, attempt) in turns else 0)


def test_every_row_takes_one_block_in_every_round() -> None:
    stage = Stage()
    run = stage.run()
    assert {frozenset(order) for order in stage.orders()} == {frozenset(STEP_NS)}
    assert all(len(order) == 4 for order in stage.orders())
    for cell in run.cells:
        assert [block.round for block in cell.blocks] == [turn.round for turn in run.rounds]


def test_the_place_of_a_block_in_its_round_is_written_down() -> None:
    stage = Stage()
    stage.run()
    for number, _, position, row in stage.diary:
        (block,) = [b for b in stage.ledger.cell(row, "mlp-tiny").blocks if b.round == number]
        assert block.position == position
    for order in range(len(stage.orders())):
        places = sorted(p for number, _, p, _ in stage.diary if number == order)
        assert places == [0, 1, 2, 3]


def _orders(seed: int, number: int = 0) -> list[list[Row]]:
    stage = Stage(seed=seed)
    stage.run(number=number)
    return stage.orders()


def test_the_order_is_random_but_the_same_for_the_same_seed() -> None:
    assert _orders(0) == _orders(0)
    assert len({tuple(order) for order in _orders(0)}) > 3
    assert {order[0] for order in _orders(0)} != {NUMPY}


def test_another_seed_or_launch_has_another_order() -> None:
    assert _orders(0) != _orders(1)
    assert _orders(0) != _orders(0, number=1)


def test_the_record_is_told_after_each_round() -> None:
    stage = Stage()
    run = stage.run()
    doings = [event for event in stage.events if isinstance(event, Doing)]
    saves = [event for event in stage.events if isinstance(event, Saved)]
    assert [len(saved.run.rounds) for saved in saves] == list(range(1, len(run.rounds) + 1))
    assert [doing.what for doing in doings][:2] == [
        f"round {number} of 10 to {QUICK.most_rounds}" for number in (1, 2)
    ]
    shares = [doing.done for doing in doings]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] <= 1.0


def test_a_contaminated_round_is_repeated_for_all_rows() -> None:
    stage = Stage()
    stage.seat(TORCH).trouble = _disturbed((2, 0))
    run = stage.run()
    turns = [(turn.round, turn.attempt, turn.kept, turn.causes) for turn in run.rounds]
    assert turns[2:4] == [(2, 0, False, ("quota",)), (2, 1, True, ())]
    assert [turn[:2] for turn in turns if not turn[2]] == [(2, 0)]
    for cell in run.cells:
        taken = [(block.round, block.attempt) for block in cell.blocks]
        assert taken.count((2, 0)) == taken.count((2, 1)) == 1
        assert [block.attempt for block in kept_blocks(run, cell) if block.round == 2] == [1]
    assert f"round 3 of 10 to {QUICK.most_rounds}, again" in [
        event.what for event in stage.events if isinstance(event, Doing)
    ]


def test_what_others_had_meanwhile_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    read = iter([(0, 0), (300_000_000, 50_000_000)] * 100)
    monkeypatch.setattr(bystanders, "read_cpu_times", lambda cpus: next(read))
    stage = Stage((NUMPY, TORCH), most_rounds=10)
    for seat in stage.launch.seats:
        seat.awake_cpu_ns = 100_000_000
    stage.seat(TORCH).trouble = lambda number, attempt: Noise(run_delay_ns=number * 10**9)
    turn = stage.run().rounds[-1]
    assert turn.wall_ns > 0
    assert turn.foreign_ns == pytest.approx(100_000_000, abs=20_000_000)
    assert turn.steal_ns == 50_000_000
    assert turn.causes == ("run-queue delay", "foreign CPU", "steal")


def test_threads_that_wait_while_nobody_is_beside_disturb_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bystanders, "read_cpu_times", lambda cpus: (0, 0))
    stage = Stage((NUMPY, TORCH), most_rounds=10)
    for seat in stage.launch.seats:
        seat.awake_cpu_ns = 0
    stage.seat(TORCH).trouble = lambda number, attempt: Noise(run_delay_ns=number * 10**9)
    assert not any(turn.causes for turn in stage.run().rounds)


def test_only_the_block_that_was_disturbed_carries_the_cause() -> None:
    stage = Stage()
    stage.seat(TORCH).trouble = _disturbed((2, 0))
    run = stage.run()
    marked = {
        (cell.row, block.round, block.attempt)
        for cell in run.cells
        for block in cell.blocks
        if block.causes
    }
    assert marked == {(TORCH, 2, 0)}


def test_a_round_is_tried_so_many_times_and_then_counts_with_its_cause() -> None:
    stage = Stage()
    stage.seat(JAX).trouble = lambda number, attempt: Noise(throttled=int(number == 1))
    run = stage.run()
    tries = [turn for turn in run.rounds if turn.round == 1]
    assert [turn.attempt for turn in tries] == list(range(MOST_ATTEMPTS))
    assert [turn.kept for turn in tries] == [False] * (MOST_ATTEMPTS - 1) + [True]
    assert tries[-1].causes == ("quota",)
    assert {turn.round for turn in run.rounds} > {0, 1, 2}


def test_all_repeats_together_are_half_as_many_rounds_more_at_most() -> None:
    stage = Stage(half_width=0.0)
    stage.seat(JAX).trouble = lambda number, attempt: Noise(throttled=int(attempt < 2))
    run = stage.run()
    extra = [turn for turn in run.rounds if turn.attempt]
    assert len(extra) == stage.preset.most_rounds // 2
    kept = [turn.round for turn in run.rounds if turn.kept]
    assert kept == list(range(stage.preset.most_rounds))


def test_a_machine_that_is_never_quiet_is_not_waited_for() -> None:
    stage = Stage(half_width=0.0)
    stage.seat(JAX).trouble = lambda number, attempt: Noise(throttled=1)
    run = stage.run()
    assert [(turn.round, turn.attempt) for turn in run.rounds][:5] == [
        (0, 0),
        (0, 1),
        (0, 2),
        (1, 0),
        (2, 0),
    ]
    assert sum(turn.attempt > 0 for turn in run.rounds) == MOST_ATTEMPTS - 1
    assert all(turn.causes for turn in run.rounds)


def test_each_round_is_kept_once() -> None:
    stage = Stage(half_width=0.0)
    stage.seat(TORCH).trouble = _disturbed((0, 0), (3, 0), (3, 1), (5, 0))
    run = stage.run()
    kept = [turn.round for turn in run.rounds if turn.kept]
    assert kept == list(range(stage.preset.most_rounds))


def test_a_slow_canary_is_written_down_where_no_block_shows_it_and_nothing_is_repeated() -> None:
    stage = Stage()
    stage.beats = iter([20_000_000, 20_000_000, 23_000_000])
    run = stage.run()
    assert [(turn.kept, turn.causes) for turn in run.rounds[:4]] == [
        (True, ()),
        (True, ()),
        (True, ("canary",)),
        (True, ()),
    ]
    assert run.rounds[2].canary_ns == 23_000_000
    assert not any(turn.attempt for turn in run.rounds)


def test_a_gpu_that_slows_itself_down_contaminates_the_round() -> None:
    stage = Stage()
    answers = iter([False] * 5 + [True])
    run = stage.run(gpu=SimpleNamespace(throttled=lambda: next(answers, False)))
    assert [turn.causes for turn in run.rounds[:3]] == [(), ("GPU throttling",), ()]
    assert not run.rounds[1].kept


def _ending(row: str, reason: str) -> Callable[[int, int], Noise | None]:
    def end(number: int, attempt: int) -> Noise | None:
        if number == 3:
            raise WorkerEnded(Outcome(status="crashed", reason=reason))
        return None

    return end


def test_a_row_that_ends_is_dropped_and_the_others_go_on() -> None:
    stage = Stage()
    stage.seat(TORCH).trouble = _ending("torch", "killed by SIGSEGV.")
    run = stage.run()
    cells = {cell.row: cell for cell in run.cells}
    assert cells[TORCH].outcome == Outcome(status="crashed", reason="killed by SIGSEGV.")
    assert [block.round for block in cells[TORCH].blocks] == [0, 1, 2]
    assert TORCH not in {seat.row for seat in stage.launch.seats}
    for row in (NUMPY, JAX, TWIN):
        assert cells[row].outcome == OK
        assert [block.round for block in cells[row].blocks] == [t.round for t in run.rounds]
    assert len(run.rounds) >= 8
    # The round in which it ended counts for the others.
    assert run.rounds[3].kept


def test_when_all_rows_have_ended_so_have_the_rounds() -> None:
    stage = Stage()
    for seat in stage.launch.seats:
        seat.trouble = _ending(seat.row.title, "gone.")
    run = stage.run()
    assert max(turn.round for turn in run.rounds) == 3
    assert stage.launch.seats == []


def test_precision_stops_the_rounds_but_not_before_the_least() -> None:
    stage = Stage(half_width=1.0)
    assert len(stage.run().rounds) == stage.preset.least_rounds


def test_without_precision_the_rounds_go_on_to_the_most() -> None:
    stage = Stage(half_width=0.0)
    assert len(stage.run().rounds) == stage.preset.most_rounds


def test_rounds_stop_in_between_as_soon_as_the_intervals_are_narrow() -> None:
    stage = Stage(half_width=0.018, least_rounds=6, most_rounds=400)
    stage.seat(TORCH).swing = (0.96, 1.04, 0.97, 1.03, 1.0)
    count = len(stage.run().rounds)
    assert stage.preset.least_rounds < count < stage.preset.most_rounds


def test_many_rows_need_more_rounds_than_the_preset_before_any_interval() -> None:
    rows = tuple(Row(backend=f"b{number}", mode="m") for number in range(9))
    stage = Stage((*rows, TWIN, NUMPY), half_width=1.0, least_rounds=2, most_rounds=20)
    # Nine ratios share the error: an interval takes nine rounds.
    assert len(stage.run().rounds) == 9


def test_later_launches_bring_some_of_the_rounds_that_an_interval_takes() -> None:
    stage = Stage(half_width=1.0, least_rounds=2, least_launches=2, most_launches=2)
    # Two ratios take seven rounds: four of them in each launch; but nothing is precise before.
    assert len(stage.run().rounds) == 7


def test_the_deadline_of_the_user_stops_the_rounds_after_the_first() -> None:
    stage = Stage()
    run = stage.run(Budget(-inf, hard=True))
    assert [(turn.round, turn.kept) for turn in run.rounds] == [(0, True)]
    assert all(len(cell.blocks) == 1 for cell in run.cells)


def test_the_deadline_of_a_preset_leaves_the_least_rounds() -> None:
    stage = Stage(half_width=0.0)
    assert len(stage.run(Budget(-inf)).rounds) == stage.preset.least_rounds


@pytest.mark.parametrize("hard", [False, True])
def test_at_the_deadline_nothing_is_repeated(hard: bool) -> None:
    stage = Stage()
    stage.seat(TORCH).trouble = _disturbed((0, 0))
    run = stage.run(Budget(-inf, hard=hard))
    assert (run.rounds[0].kept, run.rounds[0].causes) == (True, ("quota",))
    assert all(turn.kept for turn in run.rounds)


def test_a_deadline_in_the_middle_ends_after_the_round_at_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter(range(100))
    monkeypatch.setattr("envdoctor.bench.rounds.monotonic", lambda: next(clock))
    stage = Stage(half_width=0.0)
    run = stage.run(Budget(4.0, hard=True))
    assert 1 < len(run.rounds) < stage.preset.most_rounds
    assert all(turn.kept for turn in run.rounds)


def test_a_row_alone_is_measured_too() -> None:
    stage = Stage((NUMPY,))
    run = stage.run()
    assert stage.preset.least_rounds <= len(run.rounds) <= stage.preset.most_rounds


def _shares(stage: Stage, budget: Budget) -> list[float]:
    stage.run(budget)
    return [event.done for event in stage.events if isinstance(event, Doing)]


def test_progress_is_that_of_the_most_rounds_where_no_time_limits_them() -> None:
    assert _shares(Stage(most_rounds=20, half_width=0.0), NO_LIMIT) == pytest.approx(
        [number / 20 for number in range(20)]
    )


def test_progress_is_that_of_the_time_where_that_comes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("envdoctor.bench.rounds.monotonic", lambda: next(clock))
    stage = Stage(least_rounds=1, most_rounds=1000, half_width=0.0)
    shares = _shares(stage, Budget(100.0, hard=True, seconds=100.0))
    assert shares == sorted(shares)
    assert shares[len(shares) // 2] == pytest.approx(0.5, abs=0.1)
    assert shares[-1] > 0.9


def test_least_rounds_beyond_the_time_are_what_is_waited_for() -> None:
    shares = _shares(Stage(least_rounds=10, most_rounds=100), Budget(0.0, seconds=5.0))
    assert shares == pytest.approx([number / 10 for number in range(10)])
