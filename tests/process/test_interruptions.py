"""Ctrl-C and worse in mid-run: what was finished is kept, and nobody is left behind."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from envdoctor.model import codec

PATIENCE_SECONDS = 280.0


@pytest.fixture
def scene(tmp_path):
    """Where the run file, the sign of a hanging step and temporary files go."""
    (tmp_path / "temporary").mkdir()
    return tmp_path


@pytest.fixture
def hanging(start, speck, scene, mark):
    """A command whose row of this mode is in a step that never ends."""

    def begin(command, *modes, options=()):
        sign = scene / "sign"
        chosen = [word for mode in modes for word in ("--mode", mode)]
        process = start(
            *(command, speck, "--backend", "faulty", *chosen, "--threads", "1", *options),
            strangers=("faulty",),
            FAULTY_SIGN=str(sign),
            TMPDIR=str(scene / "temporary"),
            **mark.variables,
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not sign.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return process

    return begin


@pytest.fixture
def bench(hanging, scene):
    def begin(*modes):
        return hanging("bench", *modes, options=("--save", str(scene / "run.json")))

    return begin


@pytest.fixture
def timing(start, speck, scene, mark):
    """A command whose run file says that it is time: from then on a step never ends."""

    def begin(*options, workload=speck, ripe=lambda run: len(run.rounds) >= 2):
        order, sign, path = scene / "order", scene / "sign", scene / "run.json"
        process = start(
            *("bench", workload, "--backend", "faulty", "--mode", "healthy"),
            *("--mode", "stalls-when-told", "--threads", "1", "--save", str(path), *options),
            strangers=("faulty",),
            FAULTY_SIGN=str(sign),
            FAULTY_ORDER=str(order),
            TMPDIR=str(scene / "temporary"),
            **mark.variables,
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not sign.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            if path.exists() and ripe(codec.read(path)):
                order.touch()
            time.sleep(0.02)
        return process

    return begin


def check_the_file(path, shell):
    """Every finished round is in it, with the blocks of all rows, and a table comes of it."""
    run = codec.read(path)
    turns = {(turn.round, turn.attempt) for turn in run.rounds}
    assert len(turns) >= 2
    for cell in run.cells:
        assert {(block.round, block.attempt) for block in cell.blocks} == turns
        assert cell.outcome.status == "ok"
    shown = shell("bench", "--recompute", str(path), strangers=("faulty",))
    assert "faulty healthy" in shown.stdout
    assert "Traceback" not in shown.stderr
    return run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_keeps_the_finished_rounds_and_leaves_no_child(
    timing, scene, mark, shell, number
):
    process = timing()
    os.killpg(process.pid, number)  # a terminal signals the whole group
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 130
    run = check_the_file(scene / "run.json", shell)
    assert run.state == "interrupted"
    assert run.ended_at is not None
    assert "faulty healthy" in output
    assert str(scene / "run.json") in errors
    assert "Traceback" not in errors
    assert mark.survivors() == []
    assert list((scene / "temporary").iterdir()) == []


def test_an_interruption_keeps_the_finished_folds(timing, speck, scene, mark, shell):
    # Long enough that the sign to stall comes before the last of the folds is over.
    longer = scene / "longer.toml"
    longer.write_text(Path(speck).read_text().replace("steps = 60", "steps = 600"))

    def folds_of(run, mode):
        return next(
            (cell.folds for cell in run.cells if cell.row.mode == mode and not cell.row.twin), None
        )

    def ripe(run):
        found = folds_of(run, "stalls-when-told")
        return found is not None and len(found.values) > 0

    process = timing("--quick", "--folds", "10", workload=str(longer), ripe=ripe)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 130
    run = check_the_file(scene / "run.json", shell)
    stalled = folds_of(run, "stalls-when-told")
    assert len(folds_of(run, "healthy").values) == 10
    assert 1 <= len(stalled.values) < 10
    assert stalled.outcome is None
    assert "of 10 folds: the run ended before the others." in output
    assert "Traceback" not in errors
    assert mark.survivors() == []


def test_a_killed_core_keeps_the_finished_rounds_and_leaves_no_stopped_child(
    timing, scene, mark, shell
):
    process = timing("--quick")
    stopped = [psutil.Process(pid).status() for pid in mark.living()]
    assert psutil.STATUS_STOPPED in stopped  # or this test would not test what it says
    process.kill()
    process.wait()

    run = check_the_file(scene / "run.json", shell)
    assert run.state == "running"
    assert mark.survivors() == []


def test_an_interruption_of_the_proof_leaves_a_readable_file(bench, scene, mark):
    process = bench("hangs")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_SECONDS)
    run = codec.read(scene / "run.json")

    assert process.returncode == 130
    assert run.state == "interrupted"
    assert run.cells == ()
    assert mark.survivors() == []


def test_an_interruption_of_parity_leaves_no_child(hanging, scene, mark):
    process = hanging("parity", "hangs-deaf")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert mark.survivors() == []
    assert list((scene / "temporary").iterdir()) == []


@pytest.mark.parametrize("mode", ["stalls", "stalls-with-child"])
def test_a_core_that_is_killed_before_the_rounds_leaves_a_readable_file(bench, scene, mark, mode):
    process = bench("healthy", mode)
    process.kill()
    process.wait()
    run = codec.read(scene / "run.json")

    assert run.state == "running"
    assert mark.survivors() == []
