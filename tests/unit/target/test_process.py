from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from envdoctor.target import process as process_module
from envdoctor.target.process import Child, kill_all

FOR_EVER = "import time; time.sleep(600)"


@pytest.fixture
def start(tmp_path):
    """Starts a program of Python; it is gone when the test is over."""
    started = []

    def begin(program, **environment):
        child = Child(
            [sys.executable, "-S", "-c", program], environment, tmp_path / f"log{len(started)}"
        )
        started.append(child)
        return child

    yield begin
    for child in started:
        child.kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # should `kill` itself be what is broken


def wait_for(condition):
    deadline = time.monotonic() + 200.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid):
    """Whether a process is there and not merely waiting to be buried."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def test_a_child_leads_a_group_of_its_own(start):
    child = start(FOR_EVER)
    assert os.getpgid(child.pid) == child.pid
    assert os.getsid(child.pid) != os.getsid(0)


def test_it_gets_its_environment_and_nothing_else(start):
    child = start("import os; print(sorted(os.environ))", ONLY="1", LC_ALL="C")
    assert child.wait(30.0)
    assert child.log_tail() == "['ENVDOCTOR_WATCH', 'LC_ALL', 'ONLY']"


def test_it_has_nothing_to_read(start):
    child = start("import sys; print(repr(sys.stdin.read()))")
    assert child.wait(30.0)
    assert child.log_tail() == "''"


def test_kill_ends_the_whole_group(start):
    child = start(f"import os; print(os.fork(), flush=True); {FOR_EVER}")
    wait_for(lambda: child.log_tail().count("\n") == 1)
    (other,) = (int(line) for line in child.log_tail().split() if line != "0")
    assert is_running(other)
    child.kill()
    wait_for(lambda: not is_running(other))
    assert child.ended()


def test_kill_ends_the_group_of_one_who_is_dead_already(start):
    child = start(
        "import os\nif os.fork() == 0:\n import time; print(os.getpid(), flush=True); time.sleep(600)"
    )
    assert child.wait(30.0)
    wait_for(child.log_tail)
    other = int(child.log_tail())
    assert is_running(other)
    child.kill()
    wait_for(lambda: not is_running(other))


def test_kill_reaches_one_who_is_stopped(start):
    child = start(FOR_EVER)
    os.kill(child.pid, signal.SIGSTOP)
    child.kill()
    assert child.ended()


def test_kill_may_be_called_again(start):
    child = start(FOR_EVER)
    child.kill()
    child.kill()
    assert child.ended()


def test_a_living_child_is_still_running(start):
    child = start(FOR_EVER)
    assert not child.ended()
    assert not child.wait(0.0)
    assert child.ending() == "is still running"


@pytest.mark.parametrize("code", [0, 1, 77])
def test_an_exit_code_is_named(start, code):
    child = start(f"import os; os._exit({code})")
    assert child.wait(30.0)
    assert child.ending() == f"ended by itself with exit code {code}"
    assert not child.killed_from_outside


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGSEGV, "was killed by SIGSEGV (segmentation fault)"),
        (signal.SIGABRT, "was killed by SIGABRT (aborted)"),
        (signal.SIGILL, "was killed by SIGILL (illegal instruction)"),
        (signal.SIGRTMIN + 3, "was killed by signal 37"),
    ],
)
def test_a_signal_is_named_in_words(start, number, words):
    child = start(f"import os; os.kill(os.getpid(), {int(number)})")
    assert child.wait(30.0)
    assert child.ending().startswith(words)


def test_sigkill_from_outside_is_told_from_ours(start):
    other, ours = start(FOR_EVER), start(FOR_EVER)
    os.kill(other.pid, signal.SIGKILL)
    assert other.wait(30.0)
    ours.kill()
    assert other.killed_from_outside
    assert not ours.killed_from_outside


def test_the_log_has_both_streams(start):
    child = start("import sys; print('out', flush=True); print('err', file=sys.stderr)")
    assert child.wait(30.0)
    assert child.log_tail() == "out\nerr"


def test_the_tail_of_the_log_is_short_and_readable(start):
    child = start("import sys; sys.stdout.buffer.write('é'.encode() * 100_000 + b'\\xffend')")
    assert child.wait(30.0)
    tail = child.log_tail()
    assert tail.endswith("é\ufffdend")
    assert len(tail.encode()) <= process_module.LOG_TAIL_BYTES + 10


def test_a_log_that_was_taken_away_is_empty(start):
    child = start(FOR_EVER)
    child.log.unlink()
    assert child.log_tail() == ""


def test_the_last_door_ends_every_child(start):
    children = [start(FOR_EVER), start(FOR_EVER)]
    kill_all()
    assert all(child.ended() for child in children)
    assert not process_module._alive & set(children)


SPIN = "while True: pass"
SPIN_IN_PAIRS = f"import os; print(os.fork(), flush=True); exec({SPIN!r})"
PAUSE_SECONDS = 0.15
"""Fifteen ticks of the clock in which a spinning process is accounted for."""


def cpu_seconds(pid):
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def is_stopped(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.fixture
def spinning(start):
    """A child that spins, and a child of its own that spins too; both have begun."""
    child = start(SPIN_IN_PAIRS)
    wait_for(lambda: child.log_tail().count("\n") == 1)
    (other,) = (int(line) for line in child.log_tail().split() if line != "0")
    wait_for(lambda: min(cpu_seconds(child.pid), cpu_seconds(other)) > 0)
    return child, other


def test_pause_stops_the_whole_group(spinning):
    child, other = spinning
    child.pause()
    wait_for(lambda: is_stopped(child.pid) and is_stopped(other))
    before = cpu_seconds(child.pid), cpu_seconds(other)
    time.sleep(PAUSE_SECONDS)
    assert (cpu_seconds(child.pid), cpu_seconds(other)) == before
    assert not child.ended()


def test_resume_lets_the_whole_group_go_on(spinning):
    child, other = spinning
    child.pause()
    wait_for(lambda: is_stopped(child.pid) and is_stopped(other))
    before = cpu_seconds(child.pid), cpu_seconds(other)
    child.resume()
    wait_for(lambda: cpu_seconds(child.pid) > before[0] and cpu_seconds(other) > before[1])


def test_pausing_and_resuming_twice_is_once(spinning):
    child, _ = spinning
    child.pause()
    child.pause()
    wait_for(lambda: is_stopped(child.pid))
    child.resume()
    child.resume()
    assert not is_stopped(child.pid)


def test_kill_ends_the_group_of_one_who_is_paused(spinning):
    child, other = spinning
    child.pause()
    child.kill()
    wait_for(lambda: not is_running(other))
    assert child.ended()
    assert not child.killed_from_outside


def test_pausing_one_who_has_ended_does_nothing(start):
    child = start("")
    assert child.wait(30.0)
    child.pause()
    child.resume()
    assert child.ended()


def test_a_paused_child_keeps_its_memory_and_an_ended_one_has_none(start):
    child = start(FOR_EVER)
    wait_for(lambda: child.resident_bytes() > 1_000_000)
    child.pause()
    assert child.resident_bytes() > 1_000_000
    child.kill()
    assert child.resident_bytes() == 0


def test_an_ended_child_that_nobody_has_asked_after_has_no_memory(start):
    child = start("")
    wait_for(lambda: not is_running(child.pid))
    assert child.resident_bytes() == 0
