from __future__ import annotations

import runpy
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec import structs

from envdoctor.bench.ledger import UNFINISHED, Ledger
from envdoctor.model.cell import Block, Launch, Phases, Row
from envdoctor.model.outcome import OK
from envdoctor.model.run import Round

MADE = runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))
NUMPY, TORCH = Row(backend="numpy", mode="numpy"), Row(backend="torch", mode="eager")
PHASES = Phases(
    start_seconds=0.1,
    import_seconds=1.0,
    device_init_seconds=0.0,
    build_seconds=0.1,
    stage_seconds=0.0,
    first_step_seconds=0.5,
)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(structs.replace(MADE["made_run"](), cells=(), rounds=()))


def _launch(number: int, **values: object) -> Launch:
    plain = {"launch": number, "phases": PHASES, "caches": "cold", "alone": True, "warmup_ns": (1,)}
    return Launch(**{**plain, **values})


def _block(number: int) -> Block:
    return Block(launch=0, round=number, position=0, steps=1, wall_ns=1, cpu_ns=1)


def _round(number: int) -> Round:
    return Round(workload="w", launch=0, round=number, attempt=0, kept=True)


def test_a_cell_is_entered_when_it_is_first_asked_for_and_unfinished_until_told(
    ledger: Ledger,
) -> None:
    assert ledger.cell(NUMPY, "w").outcome == UNFINISHED
    assert ledger.cell(NUMPY, "w") is ledger.cell(NUMPY, "w")
    assert len(ledger.run.cells) == 1


def test_rows_and_workloads_and_twins_have_cells_of_their_own(ledger: Ledger) -> None:
    twin = structs.replace(NUMPY, twin=True)
    for row, workload in ((NUMPY, "w"), (NUMPY, "v"), (TORCH, "w"), (twin, "w")):
        ledger.keep(row, workload, version=f"{row.title} {row.twin} {workload}")
    assert len(ledger.run.cells) == 4
    assert ledger.cell(twin, "w").version == "numpy True w"
    assert ledger.cell(NUMPY, "w").version == "numpy False w"


def test_what_is_kept_leaves_the_rest_of_the_cell(ledger: Ledger) -> None:
    ledger.keep(NUMPY, "w", version="2.4.0")
    ledger.keep(NUMPY, "w", outcome=OK)
    assert (ledger.cell(NUMPY, "w").version, ledger.cell(NUMPY, "w").outcome) == ("2.4.0", OK)


def test_what_was_handed_out_does_not_change(ledger: Ledger) -> None:
    before = ledger.run
    ledger.keep(NUMPY, "w", version="2.4.0")
    assert before.cells == ()


def test_a_launch_is_written_over_by_its_number_and_is_the_latest(ledger: Ledger) -> None:
    ledger.keep_launch(NUMPY, "w", _launch(0))
    ledger.keep_launch(NUMPY, "w", _launch(1))
    ledger.keep_launch(NUMPY, "w", _launch(1, steady=False))
    found = ledger.cell(NUMPY, "w").launches
    assert [(each.launch, each.steady) for each in found] == [(0, True), (1, False)]


def test_a_round_is_entered_with_the_blocks_of_its_rows(ledger: Ledger) -> None:
    ledger.keep_round(_round(0), {NUMPY: _block(0), TORCH: _block(0)})
    ledger.keep_round(_round(1), {NUMPY: _block(1)})
    assert [turn.round for turn in ledger.run.rounds] == [0, 1]
    assert [block.round for block in ledger.cell(NUMPY, "w").blocks] == [0, 1]
    assert [block.round for block in ledger.cell(TORCH, "w").blocks] == [0]


@pytest.fixture
def _restless():
    """Threads take turns after every few instructions, as they may on any machine."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_restless")
def test_threads_that_write_side_by_side_lose_nothing(ledger: Ledger) -> None:
    rows = [Row(backend=f"b{number}", mode="m") for number in range(8)]

    def write(row: Row) -> None:
        for number in range(25):
            ledger.keep_launch(row, "w", _launch(number))
            ledger.keep(row, "w", version=str(number))
            ledger.keep_round(_round(number), {row: _block(number)})

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(write, row) for row in rows]:
            done.result()
    assert len(ledger.run.cells) == 8
    assert len(ledger.run.rounds) == 8 * 25
    for row in rows:
        cell = ledger.cell(row, "w")
        assert len(cell.launches) == len(cell.blocks) == 25
        assert cell.version == "24"
