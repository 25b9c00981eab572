from __future__ import annotations

import io
import re
import runpy
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from envdoctor.bench.events import Began, Doing, Ended, Piece, Saved
from envdoctor.cli.progress import PLAIN_INTERVAL_SECONDS, Progress
from envdoctor.cli.time_left import FILE, PRIOR_SECONDS, TimeLeft, keep_factors, read_factors

made = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))
EXACT = {"reference": 1.0, "proving": 1.0, "starting": 1.0, "timing": 1.0}
PLANNED = [
    Piece("reference", 10.0, "a"),
    Piece("proving", 100.0),
    Piece("starting", 50.0, "a"),
    Piece("timing", 40.0, "a"),
]


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def test_before_anything_is_known_earlier_runs_speak(clock: Clock) -> None:
    assert TimeLeft(PLANNED, EXACT).seconds() == pytest.approx(200)
    assert TimeLeft(PLANNED, {**EXACT, "proving": 0.5}).seconds() == pytest.approx(150)


def test_a_kind_of_work_corrects_only_its_own_guesses(clock: Clock) -> None:
    left = TimeLeft([*PLANNED, Piece("starting", 50.0, "b"), Piece("timing", 40.0, "b")], EXACT)
    left.begin(Began("", 50.0, "starting", "a"))
    clock.now += 100  # twice as slow as guessed
    left.end()
    factor = (100 + PRIOR_SECONDS) / (50 + PRIOR_SECONDS)
    assert left.seconds() == pytest.approx(40 + 50 * factor + 40)


def test_what_a_run_leaves_out_is_taken_off(clock: Clock) -> None:
    left = TimeLeft(PLANNED, EXACT)
    left.begin(Began("", 50.0, "starting", "a"))  # everything was proven by an earlier run
    assert left.seconds() == pytest.approx(90)


def test_no_workload_is_guessed_to_take_longer_than_its_limit(clock: Clock) -> None:
    planned = [
        Piece("starting", 50.0, "a", 90.0),
        Piece("timing", 60.0, "a", 90.0),
        Piece("timing", 40.0, "b", 90.0),
        Piece("proving", 200.0, "a"),
    ]
    left = TimeLeft(planned, EXACT)
    assert left.seconds() == pytest.approx(90 + 40 + 200)
    left.begin(Began("", 50.0, "starting", "a"))
    assert left.seconds() == pytest.approx(50 + 60 + 40 + 200)


def test_a_launch_more_than_planned_takes_nothing_off(clock: Clock) -> None:
    left = TimeLeft([Piece("timing", 40.0, "a"), Piece("starting", 50.0, "b")], EXACT)
    left.begin(Began("", 40.0, "timing", "a"))
    left.end()
    left.begin(Began("", 30.0, "starting", "a"))
    assert left.seconds() == pytest.approx(80)


def test_within_a_piece_the_share_that_is_done_counts(clock: Clock) -> None:
    left = TimeLeft([Piece("timing", 40.0, "a")], EXACT)
    left.begin(Began("", 40.0, "timing", "a"))
    clock.now += 20
    left.advance(0.5)
    assert left.seconds() == pytest.approx(20)
    left.advance(0.25)  # work that counts back is not believed
    assert left.seconds() == pytest.approx(20)


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1), st.floats(0, 1e6)), max_size=8),
    st.lists(st.floats(0, 1e6), max_size=4),
)
def test_the_time_left_is_never_negative(
    pieces: list[tuple[float, float, float]], planned: list[float]
) -> None:
    left = TimeLeft([Piece("timing", seconds, "a") for seconds in planned])
    for seconds, share, _ in pieces:
        left.begin(Began("", seconds, "timing", "a"))
        left.advance(share)
        assert left.seconds() >= 0
        left.end()
    assert left.seconds() >= 0


def test_the_next_run_on_this_machine_knows_better(clock: Clock, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with Progress(PLANNED, folder, quiet=True) as progress:
        progress.show(Began("", 100.0, "proving"))
        clock.now += 20
        progress.show(Ended())
        progress.show(Began("", 0.1, "timing", "a"))
        progress.show(Ended())
    (factor,) = read_factors(folder).values()
    assert factor == pytest.approx((0.5 + 0.2) / 2)
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_of_an_interrupted_run_only_what_was_over_teaches(clock: Clock, tmp_path: Path) -> None:
    def run() -> None:
        with Progress(PLANNED, tmp_path, quiet=True) as progress:
            progress.show(Began("", 100.0, "proving"))
            clock.now += 50
            progress.show(Ended())
            progress.show(Began("", 100.0, "starting", "a"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert list(read_factors(tmp_path)) == ["proving"]


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "{", '{"timing": "x"}', '{"timing": NaN}', '{"timing": -1}', "\x00"]
)
def test_a_damaged_file_teaches_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    assert read_factors(tmp_path) == {}


def test_a_place_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    keep_factors(tmp_path / "file", {"timing": 1.0})
    keep_factors(None, {"timing": 1.0})
    assert read_factors(tmp_path / "file") == {}


def test_plain_progress_goes_to_standard_error(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress([Piece("proving", 50.0), Piece("timing", 60.0)]) as progress:
        progress.show(Began("mlp-tiny: proving [b]torch[/b] :x:", 50.0))
        clock.now += 1
        progress.show(Doing("training", 0.5))
        clock.now += PLAIN_INTERVAL_SECONDS
        progress.show(Doing("timing", 0.8))
        progress.show(Ended())
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    # A line for the piece, and one for what took long; not one for each event.
    assert len(lines) == 2
    assert lines[0].startswith("mlp-tiny: proving [b]torch[/b] :x: · about ")
    assert re.search(r"timing · about \d:\d\d left$", lines[1])


def test_quiet_is_quiet(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    for console in (None, _terminal()):
        with Progress(PLANNED, quiet=True, console=console) as progress:
            progress.show(Began("anything", 50.0))
            progress.show(Doing("something", 0.5))
            progress.show(Ended())
        assert console is None or _text(console) == ""
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


def _terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=100, height=40)


def _text(console: Console) -> str:
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_a_terminal_shows_the_rows_as_they_stand() -> None:
    console = _terminal()
    with Progress(PLANNED, console=console) as progress:
        progress.show(Saved(made["made_run"](seed=1)))
        progress.show(Began("mlp-tiny: launch 1", 50.0, "starting", "mlp-tiny"))
        assert "vs fastest" not in _text(console)
        progress.show(Began("mlp-tiny: launch 1, timing in turn", 40.0, "timing", "mlp-tiny"))
        progress.show(Doing("round 3 of 8 to 10", 0.25))
        shown = _text(console)
    assert "round 3 of 8 to 10 · about " in shown
    assert "vs fastest" in shown
    for row in made["STEP_SECONDS"]:
        assert row.partition(" ")[0] in shown


def test_a_workload_without_a_round_has_no_table() -> None:
    console = _terminal()
    with Progress(PLANNED, console=console) as progress:
        progress.show(Saved(made["made_run"](seed=1)))
        progress.show(Began("other: timing in turn", 40.0, "timing", "other"))
    assert "vs fastest" not in _text(console)


def test_nothing_runs_or_is_written_between_two_events() -> None:
    console = _terminal()
    threads = threading.active_count()
    with Progress(PLANNED, console=console) as progress:
        progress.show(Began("mlp-tiny", 50.0, "timing", "mlp-tiny"))
        before = _text(console)
        assert threading.active_count() == threads
        time.sleep(0.3)  # a block would be timed now
        assert _text(console) == before
