from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec import structs

from envdoctor.api import Backend
from envdoctor.bench.known import Known
from envdoctor.bench.plan import PlannedRow
from envdoctor.bench.seat import FirstLosses
from envdoctor.bench.store import Kept
from envdoctor.model.cell import Certificate, Quality

MADE = runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))
RECORDS = MADE["made_run"](workloads=("one", "two")).workloads
WORKLOADS = [(SimpleNamespace(name=record.name), record) for record in RECORDS]
ONE, TWO = (prepared for prepared, _ in WORKLOADS)
KEPT = Kept(
    at="2026-01-01T12:00:00+00:00",
    certificate=Certificate(same_work=True, tier="G64"),
    quality=Quality(
        metric="accuracy", value=0.96, standard_error=0.01, samples=360, loss=0.1, reached=True
    ),
    training_seconds=1.5,
    evaluation_seconds=0.1,
    timed_losses=(2.3, 2.2),
    timed_reference_error=1e-7,
)


class InMemory:
    """A store without a folder."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], Kept] = {}

    def find(self, row, record):
        return self.held.get((row.row.title, record.name))

    def keep(self, row, record, kept):
        self.held[row.row.title, record.name] = kept


@pytest.fixture
def rows(backend: Callable[..., Backend]) -> list[PlannedRow]:
    torch = backend("torch", "eager", "compile")
    return [PlannedRow(torch, mode, "", own=True) for mode in torch.modes]


def _known(rows: list[PlannedRow], store: InMemory | None, *, fresh: bool = False) -> Known:
    return Known(rows, WORKLOADS, store, fresh=fresh)


def test_what_earlier_runs_left_is_known_and_the_rest_is_missing(rows: list[PlannedRow]) -> None:
    eager, compiled = rows
    store = InMemory()
    store.keep(eager, RECORDS[0], KEPT)
    store.keep(compiled, RECORDS[0], KEPT)
    store.keep(eager, RECORDS[1], KEPT)
    known = _known(rows, store)
    assert known.of(eager.row, "one") == KEPT
    assert known.of(compiled.row, "two") is None
    assert known.missing() == [(compiled, TWO)]
    assert known.complete(ONE)
    assert not known.complete(TWO)


def test_a_twin_is_not_known_by_its_own_name(rows: list[PlannedRow]) -> None:
    store = InMemory()
    store.keep(rows[0], RECORDS[0], KEPT)
    known = _known(rows, store)
    assert known.of(structs.replace(rows[0].row, twin=True), "one") is None


def test_a_fresh_run_knows_nothing_but_keeps_what_it_finds(rows: list[PlannedRow]) -> None:
    store = InMemory()
    store.keep(rows[0], RECORDS[0], KEPT)
    known = _known(rows, store, fresh=True)
    assert known.of(rows[0].row, "one") is None
    assert len(known.missing()) == 4
    later = structs.replace(KEPT, at="2026-01-02T12:00:00+00:00")
    known.keep(rows[0], RECORDS[0], later)
    assert _known(rows, store).of(rows[0].row, "one") == later


def test_without_a_store_nothing_is_known_or_kept(rows: list[PlannedRow]) -> None:
    known = _known(rows, None)
    known.keep(rows[0], RECORDS[0], KEPT)
    assert known.of(rows[0].row, "one") is None
    assert not known.complete(ONE)


def test_the_losses_are_those_of_this_run_or_of_an_earlier_one(rows: list[PlannedRow]) -> None:
    store = InMemory()
    other = structs.replace(KEPT, timed_losses=(9.0,), timed_reference_error=3e-7)
    for row in rows:
        store.keep(row, RECORDS[0], KEPT)
        store.keep(row, RECORDS[1], other)
    known = _known(rows, store)
    assert known.first_losses(ONE, None) == FirstLosses((2.3, 2.2), 1e-7)
    assert known.first_losses(TWO, None) == FirstLosses((9.0,), 3e-7)
    expected = SimpleNamespace(timed_losses=(1.0,), timed_reference_error=2e-7)
    assert known.first_losses(ONE, expected) == FirstLosses((1.0,), 2e-7)
