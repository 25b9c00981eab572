from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from msgspec import structs

from envdoctor.model.facts import Cpu, Facts
from envdoctor.model.run import Run
from envdoctor.statistics.comparability import changes, obstacles

made_run = runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))["made_run"]


@pytest.fixture(scope="module")
def run() -> Run:
    return made_run(rounds=6, launches=1)


def _with_record(run: Run, **values: str) -> Run:
    return structs.replace(run, workloads=(structs.replace(run.workloads[0], **values),))


def _told(a: Run, b: Run) -> list[tuple[str, str, str]]:
    return [(each.what, each.a, each.b) for each in obstacles(a, b, "mlp-tiny")]


def test_runs_of_the_same_thing_have_no_obstacle(run: Run) -> None:
    assert _told(run, made_run(seed=5)) == []


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ("workload_sha256", "workload"),
        ("data_sha256", "data"),
        ("weights_sha256", "initial weights"),
        ("batches_sha256", "batches"),
    ],
)
def test_every_hash_counts(field: str, what: str, run: Run) -> None:
    other = _with_record(run, **{field: "f" * 64})
    ((told, _, theirs),) = _told(run, other)
    assert (told, theirs) == (what, "f" * 12)


def test_another_number_of_cpus_is_told_on_both_sides(run: Run) -> None:
    other = structs.replace(run, plan=structs.replace(run.plan, cpus=(0,)))
    assert _told(run, other) == [("CPUs", "2", "1")]


def test_other_cpus_of_the_same_number_are_no_obstacle(run: Run) -> None:
    assert _told(run, structs.replace(run, plan=structs.replace(run.plan, cpus=(4, 5)))) == []


def test_another_processor_is_an_obstacle_and_so_is_one_that_is_not_known(run: Run) -> None:
    cpu = Cpu(model="Another", logical=2, allowed=(0, 1), quota=None)
    assert _told(run, structs.replace(run, facts=Facts(cpu=cpu))) == [
        ("CPU model", "A Processor", "Another")
    ]
    assert _told(run, structs.replace(run, facts=Facts()))[0][2] == "unknown"


def test_only_the_major_version_of_envdoctor_counts(run: Run) -> None:
    assert _told(run, structs.replace(run, envdoctor_version="0.9.3")) == []
    assert _told(run, structs.replace(run, envdoctor_version="1.0.0")) == [
        ("major version of envdoctor", "0", "1")
    ]


def test_another_seed_is_told_where_it_explains_other_weights(run: Run) -> None:
    reseeded = structs.replace(run, plan=structs.replace(run.plan, seed=7))
    assert _told(run, reseeded) == []
    other = _with_record(reseeded, weights_sha256="e" * 64)
    assert [what for what, _, _ in _told(run, other)] == ["seed", "initial weights"]


def test_versions_and_variables_that_differ_are_changes(run: Run) -> None:
    cell = run.cells[0]
    other = structs.replace(
        cell, versions={"python": "3.11.7", "new": "2"}, environment={"OMP_NUM_THREADS": "2"}
    )
    assert changes(cell, cell) == ()
    assert [(each.what, each.a, each.b) for each in changes(cell, other)] == [
        ("numpy", "1.0", "none"),
        ("new", "none", "2"),
        ("variable OMP_NUM_THREADS", "none", "2"),
    ]


def test_other_gpus_are_an_obstacle_to_rows_that_ran_on_one(run: Run) -> None:
    other = structs.replace(run, facts=structs.replace(run.facts, gpus=("H100 (80 GiB)",)))
    assert _told(run, other) == []
    rows = tuple(structs.replace(row, device="cuda") for row in run.plan.rows)
    on_gpu = structs.replace(other, plan=structs.replace(other.plan, rows=rows))
    assert _told(on_gpu, on_gpu) == []
    slower = structs.replace(on_gpu, facts=structs.replace(on_gpu.facts, gpus=("T4 (15 GiB)",)))
    assert _told(on_gpu, slower) == [("GPUs", "H100 (80 GiB)", "T4 (15 GiB)")]
    old = structs.replace(on_gpu, facts=structs.replace(on_gpu.facts, gpus=()))
    assert _told(on_gpu, old) == [("GPUs", "H100 (80 GiB)", "unknown")]
