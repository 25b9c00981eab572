from __future__ import annotations

import io
import json

from rich.console import Console

from envdoctor.library.records import Entry, Listing
from envdoctor.report import runs

ENTRIES = [
    Entry(
        id=f"20260101-120000-{number:04}",
        size_bytes=1,
        modified_ns=1,
        started_at="2026-01-01T12:00:00+00:00",
        state="finished",
        workloads=("mlp-tiny", "a", "b", "c"),
        rows=("numpy", "jax jit"),
        verdict="" if number % 2 else "jax jit",
    )
    for number in range(runs.MOST_DRAWN + 1)
]


def _shown(count: int, total: int = 0) -> list[str]:
    stream = io.StringIO()
    listing = Listing(folder="runs", total=total or count, runs=tuple(ENTRIES[:count]))
    runs.show_listing(listing, Console(file=stream, width=120))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_a_long_list_has_the_lines_of_a_short_one() -> None:
    short, long = _shown(runs.MOST_DRAWN), _shown(runs.MOST_DRAWN + 1)
    assert long[: len(short) - 1] == short[:-1]
    assert len(long) == len(short) + 1
    assert "mlp-tiny, a, b + 1" in long[2]


def test_what_was_not_judged_or_not_shown_is_counted() -> None:
    *_, unjudged, older = _shown(3, total=5)
    assert unjudged == "1 have no verdict yet: the next list looks into more of them."
    assert older == "2 older: --all shows them too."


def test_json_holds_all_of_it() -> None:
    stream = io.StringIO()
    runs.write_json(Listing(folder="runs", total=2, runs=tuple(ENTRIES[:2])), stream)
    found = json.loads(stream.getvalue())
    assert [entry["rows"] for entry in found["runs"]] == [["numpy", "jax jit"]] * 2
    assert stream.getvalue().startswith('{\n "schema": 1,\n')
