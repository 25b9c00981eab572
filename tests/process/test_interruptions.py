"""Ctrl-C and worse in mid-run: what was finished is kept, and nobody is left behind."""

from __future__ import annotations

import os
import signal
import time

import pytest

from envdoctor.model import codec

PATIENCE_SECONDS = 90.0


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_keeps_the_finished_cells_and_leaves_no_child(bench, scene, mark, number):
    process = bench("healthy", "stalls-with-child")
    os.killpg(process.pid, number)  # a terminal signals the whole group
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    run = codec.read(scene / "run.json")

    assert process.returncode == 130
    assert run.state == "interrupted"
    assert run.ended_at is not None
    assert [cell.row.mode for cell in run.cells] == ["healthy"]
    assert len(run.cells[0].blocks) == run.plan.rounds
    assert "faulty healthy" in output
    assert str(scene / "run.json") in errors
    assert "Traceback" not in errors
    assert mark.survivors() == []
    assert list((scene / "temporary").iterdir()) == []


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
def test_a_killed_core_leaves_a_readable_file_and_no_child(bench, scene, mark, mode):
    process = bench("healthy", mode)
    process.kill()
    process.wait()
    run = codec.read(scene / "run.json")

    assert run.state == "running"
    assert [cell.row.mode for cell in run.cells] == ["healthy"]
    assert mark.survivors() == []
