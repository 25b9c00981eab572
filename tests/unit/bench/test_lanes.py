from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from envdoctor.bench.lanes import Lanes
from envdoctor.target.process import Child

SECONDS = 20.0
"""Far longer than anything here takes: reaching it is a failure."""


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Callable[[], Child]]:
    """Starts a child that would sleep for minutes; it is gone when the test is over."""
    started: list[Child] = []

    def start() -> Child:
        child = Child(["sleep", "600"], dict(os.environ), tmp_path / f"log{len(started)}")
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert [thread for thread in threading.enumerate() if thread not in before] == []


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_one_lane_takes_the_tasks_in_their_order() -> None:
    done: list[int] = []
    tasks = [lambda number=number: done.append(number) for number in range(20)]
    list(Lanes(1).run(tasks, len(tasks)))
    assert done == list(range(20))


def test_every_task_is_done_once_by_no_more_threads_than_lanes() -> None:
    done: list[tuple[int, int]] = []
    tasks = [
        lambda number=number: done.append((number, threading.get_ident())) for number in range(50)
    ]
    list(Lanes(3).run(tasks, len(tasks)))
    assert sorted(number for number, _ in done) == list(range(50))
    assert len({thread for _, thread in done}) <= 3


def test_lanes_work_side_by_side() -> None:
    meeting = threading.Barrier(2, timeout=SECONDS)
    list(Lanes(2).run([meeting.wait, meeting.wait], 2))
    assert not meeting.broken


def test_no_tasks_are_done_at_once() -> None:
    assert list(Lanes(2).run([], 0)) == []


def test_what_a_task_says_comes_out_as_progress_that_never_falls_or_exceeds_all() -> None:
    lanes = Lanes(1)

    def task(name: str) -> None:
        lanes.say(name)
        # Listened to before the lane goes on, so that every word is heard while it lives.
        _until(lanes._words.empty)

    heard = list(lanes.run([lambda: task("a"), lambda: task("b"), lambda: task("c")], 3))
    assert [doing.what for doing in heard] == ["a", "b", "c"]
    assert [doing.done for doing in heard] == [0.0, pytest.approx(1 / 3), pytest.approx(2 / 3)]


def test_more_words_than_were_expected_are_no_more_than_all() -> None:
    lanes = Lanes(1)

    def task() -> None:
        for word in "abcd":
            lanes.say(word)
        _until(lanes._words.empty)

    assert max(doing.done for doing in lanes.run([task], 2)) == 1.0


class BoomError(Exception):
    pass


def test_an_error_is_raised_once_when_all_lanes_have_ended() -> None:
    over = threading.Event()
    lanes = Lanes(2)

    def fail() -> None:
        raise BoomError

    def go_on() -> None:
        _until(lambda: lanes.cancelled)
        over.set()

    with pytest.raises(BoomError):
        list(lanes.run([go_on, fail], 2))
    assert over.is_set()


def test_after_an_error_no_new_task_begins() -> None:
    begun: list[int] = []

    def fail() -> None:
        raise BoomError

    with pytest.raises(BoomError):
        list(Lanes(1).run([fail, lambda: begun.append(1)], 2))
    assert begun == []


def test_an_error_is_of_its_own_run_and_a_healthy_one_raises_nothing() -> None:
    def fail() -> None:
        raise BoomError

    with pytest.raises(BoomError):
        list(Lanes(1).run([fail], 1))
    assert list(Lanes(1).run([lambda: None], 1)) == []


def test_closing_ends_the_children_that_tasks_wait_for(sleeper: Callable[[], Child]) -> None:
    lanes = Lanes(2)
    children: list[Child] = []
    begun: list[int] = []

    def wait_for_a_child() -> None:
        child = sleeper()
        children.append(child)
        lanes.say("waiting")
        child.wait(SECONDS)

    tasks = [wait_for_a_child, wait_for_a_child, lambda: begun.append(1)]
    running = lanes.run(tasks, len(tasks))
    next(running)
    _until(lambda: len(children) == 2)
    clock = time.monotonic()
    running.close()
    assert time.monotonic() - clock < SECONDS / 2
    assert all(child.ended() for child in children)
    assert not any(psutil.pid_exists(child.pid) for child in children)
    assert lanes.cancelled
    assert begun == []


def test_closing_reaches_children_that_start_while_it_waits(sleeper: Callable[[], Child]) -> None:
    lanes = Lanes(1)
    children: list[Child] = []

    def stubborn() -> None:
        lanes.say("first")
        for _ in range(2):  # the second starts only when the first has been killed
            children.append(sleeper())
            children[-1].wait(SECONDS)

    running = lanes.run([stubborn], 1)
    next(running)
    clock = time.monotonic()
    running.close()
    assert time.monotonic() - clock < SECONDS / 2
    assert len(children) == 2
    assert all(child.ended() for child in children)


def test_an_interruption_where_the_words_are_heard_ends_the_children_too(
    sleeper: Callable[[], Child],
) -> None:
    lanes = Lanes(1)
    children: list[Child] = []

    def wait_for_a_child() -> None:
        children.append(sleeper())
        lanes.say("waiting")
        children[-1].wait(SECONDS)

    def listen() -> None:
        running = lanes.run([wait_for_a_child], 1)
        next(running)
        running.throw(KeyboardInterrupt)

    with pytest.raises(KeyboardInterrupt):
        listen()
    assert all(child.ended() for child in children)


def test_lanes_that_end_in_good_order_kill_nothing(
    sleeper: Callable[[], Child],
) -> None:
    child = sleeper()
    list(Lanes(2).run([lambda: None, lambda: None], 2))
    assert not child.ended()
