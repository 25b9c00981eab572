"""The check of the guide is installed as written, run and tested."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from dataclasses import MISSING, fields

import pytest

from envdoctor import api, hookspecs
from envdoctor.errors import ExitCode

RECORDS = [api.Check, api.Page, api.Collector, api.Probe]


@pytest.fixture
def guide(open_page):
    return open_page("docs/guides/write-a-check.md")


@pytest.fixture
def installed(guide, shell, monkeypatch):
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
    monkeypatch.setenv("XDG_CONFIG_HOME", str(shell.folder / "config"))
    return shell


def test_it_finds_what_is_wrong(guide, installed, monkeypatch):
    check, explain = guide.commands()
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")
    sick = installed.run(check, "--fail-on", "warn")
    assert sick.returncode == ExitCode.PROBLEMS, sick.stdout + sick.stderr
    assert "! OMP_NUM_THREADS asks for 4096 threads on" in sick.stdout
    assert "unset OMP_NUM_THREADS" in sick.stdout
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    healthy = installed.run(check, "--fail-on", "warn")
    assert healthy.returncode == ExitCode.DONE, healthy.stdout + healthy.stderr
    page = installed.run(explain)
    assert "Unset the variable" in page.stdout


def test_its_own_tests_pass(installed):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_threads.py"],
        cwd=installed.folder,
        env={"PYTHONPATH": str(installed.folder), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_every_hook_of_the_doctor_is_there(guide):
    told = set(guide.table("## Reference")) - {"hook"}
    assert told == {"envdoctor_checks", "envdoctor_collectors", "envdoctor_probes"}
    assert all(hasattr(hookspecs, name) for name in told)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_field_of_a_record_is_there(guide, record):
    told = guide.table(f"### `{record.__name__}`")
    assert set(told) - {"field"} == {field.name for field in fields(record)}
    for field in fields(record):
        default = told[field.name][1].strip("`")
        if field.default is not MISSING:
            assert eval(default) == field.default


def test_the_mute_of_the_guide_is_understood(open_page, tmp_path):
    from envdoctor.diagnosis.mutes import read_mutes

    page = open_page("docs/guides/check-your-setup.md")
    page.write_files(tmp_path, "toml")
    (mute,) = read_mutes(tmp_path)
    assert mute.until is not None
