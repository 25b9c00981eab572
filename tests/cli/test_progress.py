from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.bench.events import Began, Doing, Ended
from envdoctor.cli.progress import PLAIN_INTERVAL_SECONDS, Progress, TimeLeft


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


def test_nothing_is_told_before_anything_is_known(clock: Clock) -> None:
    left = TimeLeft(100.0)
    assert left.seconds() is None
    left.begin(10.0)
    clock.now += 5
    assert left.seconds() is None


def test_the_guess_is_scaled_by_how_it_really_went(clock: Clock) -> None:
    left = TimeLeft(100.0)
    left.begin(20.0)
    clock.now += 40  # twice as slow as guessed
    left.end()
    assert left.seconds() == pytest.approx(160)
    left.begin(20.0)
    left.advance(0.5)
    clock.now += 20
    assert left.seconds() == pytest.approx(140)


def test_more_work_than_was_guessed_leaves_no_negative_time(clock: Clock) -> None:
    left = TimeLeft(10.0)
    left.begin(30.0)
    clock.now += 5
    left.end()
    assert left.seconds() == 0.0


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1), st.floats(0, 1e6)), max_size=8),
    st.floats(0, 1e6),
)
def test_the_time_left_is_never_negative(
    pieces: list[tuple[float, float, float]], expected: float
) -> None:
    left = TimeLeft(expected)
    for seconds, share, _ in pieces:
        left.begin(seconds)
        left.advance(share)
        assert left.seconds() is None or left.seconds() >= 0
        left.end()


def test_plain_progress_goes_to_standard_error(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(100.0) as progress:
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
    assert lines[0] == "mlp-tiny: proving [b]torch[/b] :x:"
    assert "timing · about 0:" in lines[1]


def test_quiet_is_quiet(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(100.0, quiet=True) as progress:
        progress.show(Began("anything", 50.0))
        progress.show(Doing("something", 0.5))
        progress.show(Ended())
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""
