"""The files to copy are well-formed, and the commands in them exist and do what is said of them."""

from __future__ import annotations

import runpy
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from envdoctor.cli import dispatch
from envdoctor.cli.main import main
from envdoctor.errors import ExitCode
from envdoctor.model import codec

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
ACTION = EXAMPLES / "github-action.yml"
HOOKS = EXAMPLES / "pre-commit-config.yaml"
made = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps():
    return read(ACTION)["jobs"]["training-speed"]["steps"]


def scripts():
    """What a shell is to run, by the file that says so."""
    found = [(ACTION.name, step["run"]) for step in steps() if "run" in step]
    for hook in read(HOOKS)["repos"][0]["hooks"]:
        words = shlex.split(hook["entry"])
        found.append((HOOKS.name, words[2] if words[:2] == ["bash", "-c"] else hook["entry"]))
    return found


def commands():
    """The arguments of every `envdoctor` command in the examples."""
    found = []
    for name, script in scripts():
        for line in script.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words, own = [*lexer, ";"], None
            for word in words:
                if word == "envdoctor":
                    own = []
                elif set(word) <= set("();<>|&"):
                    if own is not None:
                        found.append((name, own))
                    own = None
                elif own is not None:
                    own.append(word)
    return found


def test_there_are_commands_to_check():
    assert {words[0] for name, words in commands() if name == ACTION.name} == {
        "bench",
        "check",
        "compare",
        "report",
    }
    assert {words[0] for name, words in commands() if name == HOOKS.name} == {
        "bench",
        "check",
        "compare",
    }


@pytest.mark.parametrize(("name", "words"), commands(), ids=lambda value: " ".join(value)[:60])
def test_every_command_is_understood(name, words):
    parent = click.Context(main, info_name="envdoctor")
    main.commands[words[0]].make_context(words[0], words[1:], parent)


@pytest.mark.parametrize(("name", "script"), scripts())
def test_every_script_parses(name, script):
    subprocess.run(["bash", "-n"], input=script, text=True, check=True, timeout=30)


@pytest.mark.parametrize("name", [ACTION.name, HOOKS.name])
@pytest.mark.parametrize(
    ("slower", "code"),
    [(1.0, ExitCode.DONE), (1.06, ExitCode.DONE), (1.3, ExitCode.PROBLEMS)],
)
def test_only_what_is_surely_more_than_10_percent_slower_fails(
    name, slower, code, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    seconds = made["STEP_SECONDS"]
    after = {**seconds, "torch eager": seconds["torch eager"] * slower}
    (words,) = [words for of, words in commands() if of == name and words[0] == "compare"]
    codec.write(made["made_run"](seed=1), Path(words[1]))
    codec.write(made["made_run"](after, seed=2, versions={"torch": "9.9"}), Path(words[2]))
    assert dispatch(words) == code
    captured = capsys.readouterr()
    assert "torch eager over numpy takes" in captured.out
    assert captured.err == ""


def test_the_page_that_is_made_is_the_one_that_is_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (words,) = [words for of, words in commands() if words[0] == "report"]
    made_files = {words[1], words[2], words[words.index("-o") + 1]}
    (upload,) = [step for step in steps() if "upload-artifact" in step.get("uses", "")]
    assert set(upload["with"]["path"].split()) == made_files


def test_the_hooks_have_what_pre_commit_asks_for():
    for hook in read(HOOKS)["repos"][0]["hooks"]:
        assert {"id", "name", "entry", "language", "files"} <= set(hook)
        assert hook["pass_filenames"] is False
