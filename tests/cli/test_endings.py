"""How a command ends: its exit code, and the sentence it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest

from envdoctor import cli
from envdoctor.cli import dispatch
from envdoctor.cli.main import main
from envdoctor.errors import ExitCode, IncompleteError, InputError
from envdoctor.model import codec
from envdoctor.model.cell import Row
from envdoctor.model.facts import Facts
from envdoctor.model.run import Plan, Run, Unavailable


@pytest.fixture
def ending(monkeypatch):
    """Adds a command that ends in the given way, and runs it."""

    def run(act):
        @click.command()
        def end():
            return act()

        monkeypatch.setitem(main.commands, "end", end)
        return dispatch(["end"])

    return run


def throw(error):
    def act():
        raise error

    return act


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda: None, ExitCode.DONE),
        (lambda: ExitCode.PROBLEMS, ExitCode.PROBLEMS),
        (throw(InputError("bad.")), ExitCode.USAGE),
        (throw(click.UsageError("bad")), ExitCode.USAGE),
        (throw(click.FileError("bad")), ExitCode.USAGE),
        (throw(IncompleteError("bad.")), ExitCode.INCOMPLETE),
        (throw(KeyboardInterrupt()), ExitCode.INTERRUPTED),
        (throw(click.Abort()), ExitCode.INTERRUPTED),
        (throw(ZeroDivisionError()), ExitCode.INCOMPLETE),
        (throw(RecursionError()), ExitCode.INCOMPLETE),
    ],
)
def test_each_way_to_end_has_its_code(ending, tmp_path, monkeypatch, act, code):
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    assert ending(act) == code


def test_an_error_is_a_sentence_and_a_hint_on_standard_error(ending, capsys):
    ending(throw(InputError("that is wrong.", "Try this.")))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "error: that is wrong.\n  Try this.\n"


def test_a_bug_is_told_in_full_where_no_file_can_be_written(ending, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "gone"))
    ending(throw(ZeroDivisionError("by zero")))
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["bench", "--fly"],
        ["bench", "--threads", "0"],
        ["bench", "--margin", "-0.1"],
        ["bench", "--margin", "1"],
        ["bench", "--margin", "nan"],
        ["bench", "--time-limit", "0"],
        ["bench", "--time-limit", "inf"],
        ["bench", "--time-limit", "soon"],
        ["bench", "--backend", "nunpy"],
        ["bench", "--mode", "eager-ish"],
        ["bench", "--format", "pdf"],
        ["bench", "--python", "torch"],
        ["bench", "--python", "torch=/no/such/python"],
        ["bench", "--python", "nunpy=/usr/bin/env"],
        ["bench", "--recompute", "/no/such/run.json"],
        ["bench", "mlp-tinny"],
        ["bench", "./no-such-model.toml"],
        ["parity", "mlp-tinny"],
        ["plugins", "--python", "/no/such/python"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_two_and_shows_nothing_on_standard_output(arguments, capsys):
    assert dispatch(arguments) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["bench", "mlp-tinny"], "mlp-tiny"),
        (["bench", "--backend", "nunpy"], "numpy"),
        (["bench", "--backend", "torch", "--mode", "eagar"], "eager"),
    ],
)
def test_a_misspelling_is_answered_with_a_suggestion(arguments, suggestion, capsys):
    dispatch(arguments)
    assert f"Did you mean `{suggestion}`?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["bench", "-h"], ["workloads"]])
def test_what_only_shows_something_is_done(arguments, capsys):
    assert dispatch(arguments) == ExitCode.DONE
    assert capsys.readouterr().out


def test_a_place_that_cannot_be_written_is_known_before_the_work(capsys, tmp_path):
    (tmp_path / "file").touch()
    arguments = ["bench", "mlp-tiny", "--backend", "numpy"]
    code = dispatch([*arguments, "--save", str(tmp_path / "file" / "run.json")])
    assert code == ExitCode.INCOMPLETE
    shown = capsys.readouterr().err
    assert "cannot be written" in shown
    assert "proving" not in shown


@pytest.fixture
def saved(tmp_path):
    """The file of a run with nothing in it, but long enough for a pipe."""

    def write(**values):
        run = Run(
            id="test",
            envdoctor_version="0",
            state="finished",
            started_at="2026-01-01T00:00:00+00:00",
            facts=Facts(),
            plan=Plan(
                rows=(Row(backend="numpy", mode="numpy"),),
                workloads=(),
                cpus=(0,),
                seed=0,
                preset="quick",
                least_launches=1,
                most_launches=1,
                least_rounds=8,
                most_rounds=10,
                half_width=0.05,
                margin=0.02,
                block_seconds=0.1,
            ),
            **values,
        )
        path = tmp_path / "run.json"
        codec.write(run, path)
        return path

    return write


def test_a_wanted_backend_that_is_absent_is_a_problem(saved, capsys):
    path = str(saved(unavailable=(Unavailable(backend="jax", reason="it is not there."),)))
    assert dispatch(["bench", "--recompute", path]) == ExitCode.DONE
    assert dispatch(["bench", "--recompute", path, "--backend", "jax"]) == ExitCode.PROBLEMS
    assert "it is not there." in capsys.readouterr().out


def shell(*arguments, stdout, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "envdoctor", *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize("form", ["console", "json", "csv", "markdown"])
def test_a_reader_who_has_seen_enough_is_no_error(saved, form):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as stream:  # noqa: PTH123  a descriptor, not a path
        process = shell("bench", "--recompute", str(saved()), "--format", form, stdout=stream)
        _, errors = process.communicate(timeout=600)
    assert errors == ""
    assert process.returncode == ExitCode.DONE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_full_disk_is_not_called_done(saved, form):
    with open("/dev/full", "wb") as stream:  # noqa: PTH123
        process = shell("bench", "--recompute", str(saved()), "--format", form, stdout=stream)
        _, errors = process.communicate(timeout=600)
    assert process.returncode == ExitCode.INCOMPLETE
    assert "Traceback" not in errors


def test_sigterm_leaves_by_the_door_of_ctrl_c(monkeypatch):
    before = signal.getsignal(signal.SIGTERM)

    def interrupted(_):
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("the signal was not heard")

    monkeypatch.setattr(cli, "dispatch", interrupted)
    try:
        with pytest.raises(KeyboardInterrupt):
            cli.run()
    finally:
        signal.signal(signal.SIGTERM, before)
