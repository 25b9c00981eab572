from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from msgspec import structs

from envdoctor.api import Check
from envdoctor.cli.check import exit_code
from envdoctor.errors import ExitCode
from envdoctor.model import doctor_codec
from envdoctor.plugins import Plugins

Command = Callable[..., Any]
MADE: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "support" / "diagnoses.py"))
SICK: dict[str, Check] = {
    "nvidia-module": MADE["check"]("nvidia-module", "nvidia", MADE["CAUSE"], hides=("torch-cpu",)),
    "torch-cpu": MADE["check"]("torch-cpu", "torch", MADE["EFFECT"]),
    "files": MADE["check"]("files", "packages", MADE["UNKNOWN"]),
    "sound": MADE["check"]("sound", "machine"),
}


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In an empty folder, without the configuration of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return iter(())


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`checks("sound", "files")`: these are all the checks that there are."""

    def put(*names: str) -> None:
        found = sorted((SICK[name] for name in names), key=lambda check: check.id)
        monkeypatch.setattr(Plugins, "checks", lambda _: found)

    return put


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    path = tmp_path / "facts.json"
    snapshot = MADE["sick"]().targets[0].snapshot
    path.write_text(doctor_codec.encode(snapshot), encoding="utf-8")
    return path


def test_this_environment_is_looked_at(command: Command) -> None:
    answer = command("check", "--format", "json", "--no-redact")
    assert answer.err == ""
    (target,) = json.loads(answer.out)["targets"]
    assert "click" in target["snapshot"]["environment"]["distributions"]
    assert target["snapshot"]["machine"]["platform"]["system"]
    assert target["snapshot"]["probes"] is None


CODES = [
    (("sound",), (), ExitCode.DONE),
    (("sound", "torch-cpu"), (), ExitCode.DONE),
    (("sound", "torch-cpu"), ("--fail-on", "warn"), ExitCode.PROBLEMS),
    (("nvidia-module",), (), ExitCode.PROBLEMS),
    (("files",), (), ExitCode.DONE),
    (("files",), ("--strict",), ExitCode.INCOMPLETE),
    (("files", "nvidia-module"), ("--strict",), ExitCode.PROBLEMS),
    ((), (), ExitCode.INCOMPLETE),
]


@pytest.mark.parametrize(("names", "options", "code"), CODES)
def test_the_exit_code_can_be_relied_on(
    command: Command, checks: Any, facts: Path, names: Any, options: Any, code: ExitCode
) -> None:
    checks(*names)
    assert command("check", "--facts", facts, *options).code == code


def test_a_consequence_counts() -> None:
    worse = structs.replace(MADE["EFFECT"], status="fail")
    milder = structs.replace(MADE["CAUSE"], status="warn")
    diagnosis = MADE["diagnosis"](
        MADE["check"]("nvidia-module", "nvidia", milder, hides=("torch-cpu",)),
        MADE["check"]("torch-cpu", "torch", worse),
    )
    assert diagnosis.targets[0].counts.consequences == 1
    assert exit_code(diagnosis, fail_on="fail", strict=False) == ExitCode.PROBLEMS


def test_checks_are_run_and_left_out_by_id(command: Command, checks: Any, facts: Path) -> None:
    checks(*SICK)

    def ran(*options: str) -> set[str]:
        answer = command("check", "--facts", facts, "--format", "json", *options)
        return {each["id"] for each in json.loads(answer.out)["targets"][0]["checked"]}

    assert ran() == set(SICK)
    assert ran("--only", "files", "--only", "sound") == {"files", "sound"}
    assert ran("--skip", "files") == set(SICK) - {"files"}


@pytest.mark.parametrize("option", ["--only", "--skip", "--explain"])
def test_an_unknown_id_is_wrong_usage(command: Command, checks: Any, option: str) -> None:
    checks(*SICK)
    answer = command("check", option, "torch-cpus")
    assert (answer.code, answer.out) == (ExitCode.USAGE, "")
    assert "no check called `torch-cpus`" in answer.err
    assert "Did you mean `torch-cpu`?" in answer.err


def test_the_list_names_every_check(command: Command, checks: Any) -> None:
    checks(*SICK)
    answer = command("check", "--list")
    assert (answer.code, answer.err) == (ExitCode.DONE, "")
    for check in SICK.values():
        assert f"  {check.id}\n    {check.summary}\n" in answer.out


def test_a_page_tells_all_of_a_check(command: Command, checks: Any) -> None:
    checks(*SICK)
    answer = command("check", "--explain", "nvidia-module")
    assert answer.code == ExitCode.DONE
    for words in ("nvidia-module (nvidia)", "Because.", "The facts.", "Mend it.", "torch-cpu"):
        assert words in answer.out


def test_every_real_check_has_a_page(command: Command, plugins: Plugins) -> None:
    for check in plugins.checks():
        answer = command("check", "--explain", check.id)
        assert answer.code == ExitCode.DONE
        assert "What to do" in answer.out


@pytest.mark.parametrize("options", [["--deep"], ["--python", "python"], ["--kernels"]])
def test_facts_of_elsewhere_cannot_be_looked_at_again(
    command: Command, facts: Path, options: list[str]
) -> None:
    answer = command("check", "--facts", facts, *options)
    assert answer.code == ExitCode.USAGE
    assert f"--facts and {options[0]} contradict" in answer.err


@pytest.mark.parametrize("text", ["", "[1]", '{"schema": 9}', '{"schema": 1}'])
def test_a_file_that_holds_no_facts_is_wrong_usage(
    command: Command, tmp_path: Path, text: str
) -> None:
    (tmp_path / "bad.json").write_text(text)
    answer = command("check", "--facts", tmp_path / "bad.json")
    assert (answer.code, answer.out) == (ExitCode.USAGE, "")
    assert answer.err.startswith("error:")


def test_an_interpreter_that_is_none_is_wrong_usage(command: Command, tmp_path: Path) -> None:
    assert command("check", "--python", tmp_path / "python").code == ExitCode.USAGE


def test_a_file_for_people_has_no_colour_and_keeps_secrets(
    command: Command, checks: Any, facts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks(*SICK)
    answer = command("check", "--facts", facts, "--output", tmp_path / "report.txt")
    assert (answer.code, answer.out) == (ExitCode.PROBLEMS, "")
    text = (tmp_path / "report.txt").read_text(encoding="utf-8")
    assert "The kernel module" in text
    assert "~/venv/bin/python" in text
    assert "\x1b" not in text
    assert "/home/ada" not in text


@pytest.mark.parametrize("name", ["json", "markdown", "junit"])
def test_formats_for_machines_are_redacted_unless_told_otherwise(
    command: Command, checks: Any, facts: Path, name: str
) -> None:
    checks(*SICK)
    assert "/home/ada" not in command("check", "--facts", facts, "--format", name).out
    whole = command("check", "--facts", facts, "--format", name, "--no-redact").out
    assert "/home/ada" in whole
    if name == "junit":
        assert ET.fromstring(whole.encode()).tag == "testsuites"


def test_the_terminal_shows_what_can_be_copied(command: Command, checks: Any, facts: Path) -> None:
    checks(*SICK)
    assert "/home/ada/venv/bin/python -m pip" in command("check", "--facts", facts).out
    assert "~/venv/bin/python -m pip" in command("check", "--facts", facts, "--redact").out


def test_a_place_that_cannot_be_written_is_one_sentence(
    command: Command, facts: Path, tmp_path: Path
) -> None:
    answer = command("check", "--facts", facts, "--output", tmp_path / "no" / "where")
    assert answer.code == ExitCode.USAGE
    assert "cannot be written" in answer.err


def test_a_mute_keeps_a_finding_out_of_the_exit_code(
    command: Command, checks: Any, tmp_path: Path
) -> None:
    checks("nvidia-module", "sound")
    assert command("check").code == ExitCode.PROBLEMS
    mute = '[[mute]]\nid = "nvidia-module"\nreason = "no GPU wanted"\n'
    (tmp_path / "envdoctor.toml").write_text(mute)
    answer = command("check", "-v")
    assert answer.code == ExitCode.DONE
    assert "(no GPU wanted)" in " ".join(answer.out.split())
    (tmp_path / "envdoctor.toml").write_text(f"{mute}until = 2001-01-01\n")
    answer = command("check")
    assert answer.code == ExitCode.PROBLEMS
    assert "ended on 2001-01-01" in " ".join(answer.out.split())


def test_a_mistake_in_the_mutes_is_wrong_usage(command: Command, tmp_path: Path) -> None:
    (tmp_path / "envdoctor.toml").write_text("[[mute]]\nid = 'sound'\n")
    answer = command("check")
    assert answer.code == ExitCode.USAGE
    assert "envdoctor.toml" in answer.err


def test_mutes_of_here_say_nothing_of_elsewhere(
    command: Command, checks: Any, facts: Path, tmp_path: Path
) -> None:
    checks("nvidia-module")
    mute = '[[mute]]\nid = "nvidia-module"\nreason = "no GPU wanted"\n'
    (tmp_path / "envdoctor.toml").write_text(mute)
    assert command("check", "--facts", facts).code == ExitCode.PROBLEMS


def test_it_imports_no_numpy_and_no_framework(process: Callable[..., Any]) -> None:
    answer = process("check", PYTHONPROFILEIMPORTTIME="1")
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in answer.err.splitlines()}
    assert "msgspec" in names
    assert names & {"numpy", "torch", "tensorflow", "jax", "keras", "rich"} == set()


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_any_terminal_can_show_it(process: Callable[..., Any], encoding: str) -> None:
    answer = process("check", "-v", PYTHONIOENCODING=encoding, COLUMNS="60")
    assert "Traceback" not in answer.err
    assert "\x1b" not in answer.out
    if encoding != "utf-8":
        assert "\N{CHECK MARK}" not in answer.out
