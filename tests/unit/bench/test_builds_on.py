from __future__ import annotations

from types import SimpleNamespace

import pytest

from envdoctor.api import Backend, Mode, Setting
from envdoctor.bench.worker import _prepare
from envdoctor.target.channel import WorkerEnded
from envdoctor.target.code import CodeFolder


def backend(**fields):
    return Backend(
        name="mine",
        summary="",
        module="numpy",
        distributions=("numpy",),
        trainer="envdoctor_numpy.trainer:Trainer",
        modes=(Mode(name="numpy", summary=""),),
        **fields,
    )


@pytest.fixture
def host(tmp_path):
    return SimpleNamespace(folder=SimpleNamespace(code=CodeFolder(tmp_path / "code")))


def copied(host):
    return {path.name for path in host.folder.code.folder.iterdir() if path.is_dir()}


def test_what_a_trainer_builds_on_travels_with_it(host):
    _prepare(host, backend(), Setting("numpy"))
    assert copied(host) == {"envdoctor", "envdoctor_numpy"}
    _prepare(host, backend(builds_on=("envdoctor_torch",)), Setting("numpy"))
    assert copied(host) == {"envdoctor", "envdoctor_numpy", "envdoctor_torch"}


def test_what_is_not_there_ends_the_row_with_its_name(host):
    with pytest.raises(WorkerEnded) as ended:
        _prepare(host, backend(builds_on=("envdoctor_nowhere",)), Setting("numpy"))
    assert "envdoctor_nowhere" in ended.value.outcome.reason
