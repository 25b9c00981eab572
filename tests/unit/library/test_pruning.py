from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec import structs

from envdoctor.library.pruning import choose_pruned
from envdoctor.library.records import Entry

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def _entry(month, **fields):
    moment = datetime(2026, month, 1, tzinfo=UTC)
    plain = Entry(
        id=f"month-{month}",
        size_bytes=1,
        modified_ns=round(moment.timestamp() * 1e9),
        started_at=moment.isoformat(),
        state="finished",
    )
    return structs.replace(plain, **fields)


RUNS = [_entry(month) for month in (5, 4, 3, 2, 1)]


@pytest.mark.parametrize(
    ("keep", "days", "gone"),
    [(2, None, [3, 2, 1]), (None, 70, [3, 2, 1]), (4, 70, [1]), (0, None, [5, 4, 3, 2, 1])],
)
def test_what_is_too_many_and_too_old_goes(keep, days, gone):
    pruning = choose_pruned(RUNS, keep=keep, older_than_days=days, now=NOW)
    assert [entry.id for entry in pruning.deleted] == [f"month-{month}" for month in gone]
    assert pruning.spared == ()


def test_a_name_and_a_run_at_work_are_spared():
    fresh = round(NOW.timestamp() * 1e9) - 3_600 * 10**9
    at_work = _entry(2, state="running", modified_ns=fresh)
    died = _entry(1, state="running")
    named = _entry(3, names=("base",))
    pruning = choose_pruned([named, at_work, died], keep=0, older_than_days=None, now=NOW)
    assert pruning.deleted == (died,)
    assert [reason for _, reason in pruning.spared] == ["it has a name", "it may still be running"]


def test_a_run_without_a_date_has_the_age_of_its_file():
    odd = _entry(1, started_at="yesterday")
    assert choose_pruned([odd], keep=None, older_than_days=100, now=NOW).deleted == (odd,)
    assert choose_pruned([odd], keep=None, older_than_days=200, now=NOW).deleted == ()
