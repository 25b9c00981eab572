"""What only a real process shows: exit codes, pipes, colours, a whole run."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envdoctor.errors import ExitCode
from envdoctor.model import codec
from envdoctor.statistics.pairing import kept_blocks

Process = Callable[..., Any]


def test_a_mistake_leaves_standard_output_empty(process: Process) -> None:
    answer = process("bench", "nonsense")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: there is no workload called `nonsense`.\n  ")
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    "words", [("workloads",), ("plugins", "--format", "json"), ("bench", "--recompute", "{golden}")]
)
def test_a_reader_that_has_seen_enough_is_no_error(words: tuple[str, ...], golden: Path) -> None:
    arguments = [word.replace("{golden}", str(golden / "run.json")) for word in words]
    running = subprocess.Popen(
        [sys.executable, "-m", "envdoctor", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    said = running.stderr.read()
    running.stderr.close()
    running.wait(timeout=600)
    assert said == ""


def _in_terminal(*arguments: str, **variables: str) -> str:
    """What a command writes when all its streams are a terminal."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "envdoctor", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", **variables},
    )
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux: the other end is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    running.wait(timeout=600)
    return b"".join(pieces).decode("utf-8")


COLOURS = [f"\x1b[{number}m" for number in range(31, 38)]


@pytest.mark.parametrize("words", [("plugins",), ("bench", "nonsense")])
def test_no_color_is_heeded(words: tuple[str, ...]) -> None:
    assert any(colour in _in_terminal(*words) for colour in COLOURS)
    plain = _in_terminal(*words, NO_COLOR="1")
    assert not any(colour in plain for colour in COLOURS)


@pytest.mark.parametrize("words", [("workloads",), ("bench", "--recompute", "{golden}")])
def test_a_stream_that_knows_no_dots_is_no_bug_of_ours(
    words: tuple[str, ...], process: Process, golden: Path
) -> None:
    arguments = [word.replace("{golden}", str(golden / "run.json")) for word in words]
    answer = process(*arguments, PYTHONIOENCODING="ascii")
    assert answer.code in {0, 1}
    assert "mlp-tiny" in answer.out


WORKLOAD = """
schema = 1
name = "mine"
family = "mlp"
summary = "Points on a line"
[data]
set = "points.csv"
view = "vector"
[train]
batch = 16
steps = 30
loss = "mean_squared_error"
optimizer = { kind = "sgd", learning_rate = 0.1 }
[quality]
metric = "mean_absolute_error"
at_most = 0.5
[[layers]]
kind = "dense"
units = 1
activation = "none"
"""


def test_a_workload_of_ones_own_from_file_to_table(process: Process, tmp_path: Path) -> None:
    rows = "".join(f"{n % 7},{n % 5},{(n % 7 - n % 5) / 4}\n" for n in range(100))
    (tmp_path / "points.csv").write_text("a,b,y\n" + rows)
    (tmp_path / "mine.toml").write_text(WORKLOAD)
    saved = tmp_path / "run.json"
    words = ("--backend", "numpy", "--threads", "1", "--save", saved, "--format", "json")
    words += ("--quick", "--time-limit", "20", "--margin", "0.05")
    kept = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    answer = process("bench", tmp_path / "mine.toml", *words, **kept)
    assert f"run file: {saved}" in answer.err
    assert json.loads(answer.out)["state"] == "finished"
    run = codec.decode(answer.out.encode(), "it")
    # However busy the machine is: of one row there is nothing to rank.
    assert answer.code == ExitCode.DONE, answer.err
    assert codec.read(saved) == run
    assert (run.plan.preset, run.plan.margin, run.plan.time_limit_seconds) == ("quick", 0.05, 20)
    (cell,) = [cell for cell in run.cells if not cell.row.twin]
    assert cell.outcome.status == "ok"
    assert cell.quality.reached
    kept_rounds = [turn for turn in run.rounds if turn.kept]
    assert len(kept_blocks(run, cell)) == len(kept_rounds) >= 1
    (twin,) = [cell for cell in run.cells if cell.row.twin]
    assert len(kept_blocks(run, twin)) == len(kept_rounds)

    again = process("bench", "--recompute", saved, "--format", "json")
    assert (again.code, again.out, again.err) == (answer.code, answer.out, "")

    matrix = process("parity", tmp_path / "mine.toml", "--backend", "numpy", "--format", "json")
    assert matrix.code == 0, matrix.err
    (entry,) = json.loads(matrix.out)["entries"]
    assert entry["certificate"]["same_work"] is True
