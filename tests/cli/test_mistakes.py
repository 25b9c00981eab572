from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envdoctor.cli import bench as bench_module
from envdoctor.cli import plugins as plugins_module
from envdoctor.errors import ExitCode

Command = Callable[..., Any]

MISTAKES = {
    "workload": (("bench", "mlp-tony"), "no workload called `mlp-tony`", "`mlp-tiny`"),
    "workload of parity": (("parity", "zzz"), "no workload called `zzz`", "Known: "),
    "workload of the list": (("workloads", "zzz"), "no workload called `zzz`", "Known: "),
    "backend": (("bench", "mlp-tiny", "--backend", "nunpy"), "called `nunpy`", "`numpy`"),
    "mode": (("bench", "mlp-tiny", "--mode", "zzz"), "a mode called `zzz`", "Known: "),
    "format": (("bench", "--format", "xml"), "no format called `xml`", "Known: console, csv, "),
    "file": (("bench", "./none.toml"), "none.toml: cannot be read", "envdoctor workloads"),
    "run file": (("bench", "--recompute", "none.json"), "none.json cannot be read", ""),
    "interpreter": (
        ("bench", "--python", "numpy=/no/python"),
        "/no/python is not a Python interpreter",
        "/path/to/venv",
    ),
    "form of an interpreter": (("bench", "--python", "torch"), "BACKEND=PATH is wanted", "torch="),
    "console in a file": (
        ("bench", "--recompute", "{golden}/run.json", "--output", "x"),
        "--output needs a --format for files",
        "markdown",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_a_hint(mistake: str, command: Command, golden: Path) -> None:
    words, said, hinted = MISTAKES[mistake]
    answer = command(*(word.replace("{golden}", str(golden)) for word in words))
    assert (answer.code, answer.out) == (ExitCode.USAGE, "")
    first, *rest = answer.err.splitlines()
    assert first.startswith("error: ")
    assert said in first
    assert hinted in "".join(rest)
    assert len(rest) <= 1


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("bench", "--nonsense"),
        ("bench", "--threads", "0"),
        ("bench", "--threads", "many"),
        ("bench", "--seed", "-1"),
        ("bench", "--worker-timeout", "0"),
        ("bench", "--worker-timeout", "nan"),
        ("plugins", "--format", "xml"),
    ],
)
def test_wrong_usage_ends_with_2_and_prints_no_result(
    words: tuple[str, ...], command: Command
) -> None:
    answer = command(*words)
    assert (answer.code, answer.out) == (ExitCode.USAGE, "")
    assert "Error: " in answer.err or "error: " in answer.err
    assert "Traceback" not in answer.err


def test_a_mistake_in_ones_own_file_is_told_with_its_place(
    command: Command, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('schema = 1\nname = "mine"\nfamly = "mlp"\n')
    answer = command("workloads", path)
    assert answer.code == ExitCode.USAGE
    assert "mine.toml: unknown key `famly` in the file." in answer.err
    assert "Did you mean `family`?" in answer.err


def test_a_switched_off_reference_is_told(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVDOCTOR_DISABLE_PLUGINS", "numpy")
    answer = command("bench", "mlp-tiny")
    assert answer.code == ExitCode.USAGE
    assert "the reference of the parity gate, is not loaded" in answer.err


def test_our_own_bug_is_one_line_and_a_file_for_the_report(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("something\nwith lines")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(plugins_module, "_look", fail)
    answer = command("plugins")
    assert (answer.code, answer.out) == (ExitCode.INCOMPLETE, "")
    assert answer.err.startswith("error: a bug in envdoctor: ZeroDivisionError: something")
    assert "Traceback" not in answer.err
    (log,) = tmp_path.iterdir()
    assert str(log) in answer.err
    text = log.read_text(encoding="utf-8")
    assert "Traceback" in text
    assert "Python" in text


def test_our_own_bug_never_follows_a_link_that_somebody_else_put_there(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    precious = tmp_path / "precious"
    precious.write_text("mine")
    shared = tmp_path / "tmp"
    shared.mkdir()
    (shared / "envdoctor-error.log").symlink_to(precious)
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    monkeypatch.setattr(plugins_module, "_look", fail)
    assert command("plugins").code == ExitCode.INCOMPLETE
    assert precious.read_text() == "mine"


def test_ctrl_c_has_a_code_of_its_own(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(plugins_module, "_look", interrupt)
    answer = command("plugins")
    assert (answer.code, answer.out) == (ExitCode.INTERRUPTED, "")
    assert "interrupted" in answer.err


def test_an_output_that_cannot_be_written_is_told(
    command: Command, golden: Path, tmp_path: Path
) -> None:
    target = tmp_path / "none" / "table.md"
    answer = command(
        "bench", "--recompute", golden / "run.json", "--format", "markdown", "--output", target
    )
    assert (answer.code, answer.out) == (ExitCode.USAGE, "")
    assert f"{target} cannot be written (No such file or directory)." in answer.err


@pytest.mark.parametrize("form", [("--format", "markdown"), ()])
def test_a_bad_output_is_known_before_the_work_and_not_after(
    form: tuple[str, ...], command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def work(*_: object) -> None:
        pytest.fail("minutes of work were done for nothing")

    monkeypatch.setattr(bench_module, "_run", work)
    answer = command("bench", "mlp-tiny", *form, "--output", tmp_path / "none" / "table.md")
    assert answer.code == ExitCode.USAGE


def test_a_place_for_the_run_file_that_cannot_be_written_is_known_before_the_work(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    answer = command(
        "bench", "mlp-tiny", "--backend", "numpy", "--save", tmp_path / "file" / "run.json"
    )
    assert (answer.code, answer.out) == (ExitCode.INCOMPLETE, "")
    assert "cannot be written" in answer.err
