"""The backend of the guide is installed as written, proven, broken and timed."""

from __future__ import annotations

import csv
import inspect
import re
import tomllib
from dataclasses import MISSING, fields

import pytest

from envdoctor import api, hookspecs
from envdoctor.child.contract import Trainer
from envdoctor.errors import ExitCode

DOCTOR_RECORDS = {api.Check, api.Page, api.Collector, api.Probe}
DOCTOR_HOOKS = {"envdoctor_checks", "envdoctor_collectors", "envdoctor_probes"}
"""These are in the guide to checks, whose test looks for them."""
EXPORTS = [getattr(api, name) for name in api.__all__]
RECORDS = [each for each in EXPORTS if isinstance(each, type) and each not in DOCTOR_RECORDS]
HOOKS = [
    name
    for name, value in vars(hookspecs).items()
    if hasattr(value, "envdoctor_spec") and name not in DOCTOR_HOOKS
]


@pytest.fixture
def guide(open_page):
    return open_page("docs/guides/write-a-backend.md")


@pytest.fixture
def installed(guide, shell):
    """A shell in which the guide's distribution is installed."""
    guide.write_files(shell.folder, "toml", "python")
    project = tomllib.loads((shell.folder / "pyproject.toml").read_text())["project"]
    entries = project["entry-points"]["envdoctor"]
    about = shell.folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = "".join(f"{name} = {value}\n" for name, value in entries.items())
    (about / "entry_points.txt").write_text(f"[envdoctor]\n{lines}")
    return shell


def test_it_is_listed_and_proven(guide, installed):
    _, plugins, parity, _ = guide.commands()
    assert "mine" in installed.run(plugins).stdout
    proof = installed.run(parity, "--threads", "1", "--quiet")
    assert proof.returncode == 0, proof.stdout + proof.stderr
    lines = [line for line in proof.stdout.splitlines() if line.startswith("mine")]
    assert len(lines) == 2
    assert all(line.split()[-1] == "yes" for line in lines)


def test_the_mistake_is_named_as_the_guide_says(guide, installed):
    (change,) = guide.blocks("diff")
    (answer,) = guide.blocks("text")
    path = installed.folder / change.title
    removed, added = (line[1:] for line in change.text.splitlines())
    before = path.read_text()
    assert before.count(f"{removed}\n") == 1
    path.write_text(before.replace(f"{removed}\n", f"{added}\n"))
    proof = installed.run(answer.title, "--threads", "1", "--quiet")
    assert proof.returncode == 1
    for line in answer.text.splitlines():
        assert line in proof.stdout
    assert proof.stdout.count(answer.text.splitlines()[-1]) == 2, "not in both precisions"


def test_it_is_timed_beside_numpy(guide, installed):
    *_, bench = guide.commands()
    done = installed.run(bench, "--quick", "--threads", "1", "--quiet", "--format", "csv")
    # A busy machine may rank nothing; that, too, comes after both rows were measured.
    assert done.returncode in {ExitCode.DONE, ExitCode.INCOMPLETE}, done.stdout + done.stderr
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert [(row["backend"], row["status"]) for row in rows] == [("mine", "ok"), ("numpy", "ok")]
    assert all(float(row["step_seconds"]) > 0 for row in rows)


def test_every_hook_is_there(guide):
    told = guide.table("## Reference: hooks and records")
    assert set(HOOKS) == set(told) - {"hook"}
    assert len(HOOKS) == 5


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_field_of_a_record_is_there(guide, record):
    told = guide.table(f"### `{record.__name__}`")
    assert set(told) - {"field"} == {field.name for field in fields(record)}
    for field in fields(record):
        default = told[field.name][1].strip("`")
        if field.default is MISSING:
            assert not default
        elif not callable(field.default):
            assert eval(default) == field.default


def test_the_trainer_of_the_guide_has_every_method_of_the_contract(guide):
    (block,) = [each for each in guide.blocks("python") if each.title.endswith("trainer.py")]
    methods = [
        name
        for name, value in vars(Trainer).items()
        if inspect.isfunction(inspect.unwrap(getattr(value, "__func__", value)))
        and not name.startswith("_")
    ]
    assert len(methods) >= 9
    for name in methods:
        assert re.search(rf"^    def {name}\(", block.text, re.MULTILINE), name


def test_the_child_side_of_the_guide_is_python_of_3_9(guide):
    import ast

    for block in guide.blocks("python"):
        ast.parse(block.text, feature_version=(3, 9))
