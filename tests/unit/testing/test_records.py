"""Records and files of a plugin are judged by the kit before anything of it runs."""

from __future__ import annotations

import os
from uuid import uuid4

import pytest

from envdoctor.api import Mode
from envdoctor.testing import (
    NotConforming,
    files,
    record,
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "My Backend"}, "`My Backend` is no name"),
        ({"trainer": "trainer"}, "is no package.module:Class"),
        ({"precisions": ("fp64",)}, "`fp32` is not among"),
        ({"distributions": ()}, "no distribution"),
        ({"summary": ""}, "no summary"),
        ({"modes": (Mode(name="a", summary="b", exact="c"),)}, "proven by `c`"),
        ({"modes": (Mode(name="a", summary="b"),) * 2}, "two modes"),
    ],
)
def test_a_careless_record_is_seen(changes, said, make, backend):
    with pytest.raises(NotConforming) as seen:
        record.is_complete(make(worker=object(), backend=backend(**changes)))
    assert said in str(seen.value)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (lambda _: {"THREADS": 2}, "THREADS is 2"),
        (lambda _: {"MY THREADS": "2"}, "no name of a variable"),
        (lambda _: {"ENVDOCTOR_CPUS": "0"}, "belongs to envdoctor"),
        (lambda _: os.environ.update(MARK_OF_A_PLUGIN="1") or {}, "variables of its caller"),
    ],
)
def test_variables_that_cannot_be_set_are_seen(environment, said, make, backend, monkeypatch):
    monkeypatch.setenv("MARK_OF_A_PLUGIN", "0")
    with pytest.raises(NotConforming) as seen:
        record.variables_are_valid(make(worker=object(), backend=backend(environment=environment)))
    assert said in str(seen.value)


@pytest.fixture
def package(tmp_path, monkeypatch, make, backend):
    """Writes the package of a plugin, under a name that was never imported; its subject."""

    def write(**texts):
        name = f"envdoctor_{uuid4().hex}"
        folder = tmp_path / name
        folder.mkdir()
        for file, text in {"__init__": "", "plugin": "", "trainer": "", **texts}.items():
            (folder / f"{file}.py").write_text(text.replace("PACKAGE", name))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        mine = backend(trainer=f"{name}.trainer:Trainer")
        return make(worker=object(), backend=mine, module=f"{name}.plugin")

    return write


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import numpy", "plugin imports numpy"),
        ("from PACKAGE import trainer", ".trainer"),
        ("import nobody_has_this", "No module named 'nobody_has_this'"),
    ],
)
def test_a_heavy_plugin_is_seen(text, said, package):
    with pytest.raises(NotConforming) as seen:
        files.plugin_is_light(package(plugin=text))
    assert said in str(seen.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("match x:\n case 1: pass", "trainer.py, line"),
        ("\nzip(a, b, strict=True)", "trainer.py, line 2: Python 3.9 has no `strict`"),
        ("Shape = int | None", "no `| None`"),
        ("from typing import Self", "no `Self`"),
    ],
)
def test_a_trainer_for_a_newer_python_is_seen(text, said, package):
    # The plugin module itself stays where envdoctor is, so it may be newer.
    with pytest.raises(NotConforming) as seen:
        files.syntax_is_old(package(trainer=text, plugin="from typing import Self"))
    assert said in str(seen.value)


def test_a_healthy_package_passes(package):
    text = "from __future__ import annotations\ndef f(x: int | None) -> None: ..."
    subject = package(trainer=text)
    assert files.syntax_is_old(subject) == "2 files"
    assert files.plugin_is_light(subject)
