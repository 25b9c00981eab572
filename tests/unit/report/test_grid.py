from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from envdoctor.report.grid import GAP_COLUMNS, Column, choose, draw, plain, split

WORD = st.text("abc123[]", min_size=1, max_size=12)
COLUMNS = st.lists(
    st.builds(
        Column,
        heading=WORD,
        values=st.lists(WORD, min_size=2, max_size=2),
        rank=st.integers(0, 3),
    ),
    min_size=1,
    max_size=6,
)


def _room(columns: list[Column]) -> int:
    return sum(column.width + GAP_COLUMNS for column in columns) - GAP_COLUMNS


@settings(deadline=None)  # another process may take the machine away
@given(COLUMNS, st.integers(10, 100))
def test_what_is_left_out_matters_least_and_had_no_room(columns: list[Column], width: int) -> None:
    kept = choose(columns, width)
    left_out = [column for column in columns if not any(column is each for each in kept)]
    assert all(column.rank > 0 for column in left_out)
    assert _room(kept) <= width or all(column.rank == 0 for column in kept)
    if left_out:
        least = min(column.rank for column in left_out)
        assert max((column.rank for column in kept), default=0) <= least
        assert _room([*kept, left_out[0]]) > width or len(left_out) > 1


@settings(deadline=None)
@given(COLUMNS, st.integers(80, 120))
def test_no_value_that_is_shown_is_cut(columns: list[Column], width: int) -> None:
    stream = io.StringIO()
    kept = choose(columns, width)
    if _room(kept) > width:
        return
    Console(file=stream, width=width).print(draw(columns, width))
    text = stream.getvalue()
    assert all(value in text for column in kept for value in column.values)


def test_a_column_without_any_value_is_not_shown() -> None:
    empty = Column("tokens/s", ["", ""])
    full = Column("step", ["1 ms", "2 ms"])
    assert choose([empty, full], 80) == [full]


KEY = Column("backend", ["numpy", "torch"], left=True)
STEP = Column("step", ["1 ms", "2 ms"])
CI = Column("95 % CI", ["1.9 to 2.1", ""], rank=1)
MEMORY = Column("memory", ["19 + 3 MB", "218 + 90 MB"], rank=3, carried=True)
WARMUP = Column("warm-up", ["47.8 ms", "8.59 ms"], rank=2, carried=True)
ALL = [KEY, STEP, CI, MEMORY, WARMUP]


def test_one_table_where_there_is_room_for_what_must_not_be_lost() -> None:
    assert split(ALL, _room(ALL), "backend") == [ALL]
    # Other columns may go.
    assert split([*ALL, Column("cpu", ["1.0", "2.0"], rank=9)], _room(ALL), "backend")[0][:5] == ALL


def test_a_second_table_where_there_is_none_for_all_of_it() -> None:
    parts = split(ALL, _room(ALL) - 1, "backend")
    assert parts == [[KEY, STEP, CI], [KEY, MEMORY, WARMUP]]
    assert all(split(part, 40, "backend") == [part] for part in parts)


def test_what_has_no_values_needs_no_second_table() -> None:
    nothing = Column("J/1k samples", ["", ""], rank=9, carried=True)
    assert split([KEY, STEP, nothing], 12, "backend") == [[KEY, STEP, nothing]]


def test_a_marked_line_is_red() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=40, force_terminal=True, color_system="standard")
    console.print(draw([Column("a", ["good", "bad"], marked=frozenset({1}))], 40))
    lines = stream.getvalue().splitlines()
    assert "\x1b[31m" not in lines[-2]
    assert "\x1b[31m" in lines[-1]


@settings(deadline=None)
@given(COLUMNS, st.integers(20, 120))
def test_plain_text_has_the_same_lines(columns: list[Column], width: int) -> None:
    if _room(choose(columns, width)) > width:
        return
    stream = io.StringIO()
    Console(file=stream, width=width).print(draw(columns, width))
    drawn = [line.split() for line in stream.getvalue().splitlines()]
    assert [line.split() for line in plain(columns, width).splitlines()] == drawn


def test_plain_prose_takes_the_room_that_is_left_and_is_cut_at_its_end() -> None:
    columns = [
        Column("id", ["a1"], left=True),
        Column("said", ["word " * 20], prose=True, left=True),
    ]
    heading, rule, line = plain(columns, 40).splitlines()
    assert (len(rule), len(line)) == (40, 40)
    assert line.endswith("…")
    assert heading == "id  said"
