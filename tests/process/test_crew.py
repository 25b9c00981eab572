"""Workers that go on from one workload to the next: all with `--quick`, else in later launches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envdoctor.bench import launching
from envdoctor.bench.presets import Preset

GOES_ON = Preset(
    "goes on", 1, 1, 2, 2, 0.05, 60.0, 0.1, fresh=False, block_seconds=0.01, launches_anew=0
)
STARTS_ANEW = replace(GOES_ON, name="starts anew", launches_anew=1)
LATER_GO_ON = replace(STARTS_ANEW, name="later", least_launches=2, most_launches=2)
TENSOR_BYTES = 256 * 2**20


@pytest.fixture(scope="module")
def workloads(tmp_path_factory, speck):
    """Three workloads that differ in nothing but their names."""
    folder = tmp_path_factory.mktemp("workloads")
    text = Path(speck).read_text()
    paths = []
    for name in ("first", "second", "third"):
        path = folder / f"{name}.toml"
        path.write_text(text.replace('name = "speck"', f'name = "{name}"'))
        paths.append(path)
    return tuple(paths)


def by_workload(run, title):
    return {cell.workload: cell for cell in run.cells if cell.row.title == title}


def test_a_worker_goes_on_and_nothing_stays_behind(engine, mark, workloads):
    run = engine(mark=mark, preset=GOES_ON, workloads=workloads, backends=("numpy",))
    found = by_workload(run, "numpy")
    assert [cell.outcome.status for cell in found.values()] == ["ok"] * 3
    assert [found[name].launches[0].fresh for name in ("first", "second", "third")] == [
        True,
        False,
        False,
    ]
    starts = {cell.launches[0].phases.start_seconds for cell in found.values()}
    assert len(starts) == 1
    assert mark.survivors() == []


def test_else_each_workload_has_a_process_of_its_own(engine, mark, workloads):
    run = engine(mark=mark, preset=STARTS_ANEW, workloads=workloads[:2], backends=("numpy",))
    found = by_workload(run, "numpy")
    assert all(cell.launches[0].fresh for cell in found.values())
    assert len({cell.launches[0].phases.start_seconds for cell in found.values()}) == 2


def test_an_import_that_was_timed_is_not_timed_again(engine, mark, workloads):
    run = engine(
        "slowed",
        mark=mark,
        preset=STARTS_ANEW,
        workloads=workloads[:2],
        order={"twin": True},
        backends=("numpy", "slowed"),
        modes=("numpy", "plain"),
    )
    assert {cell.outcome.status for cell in run.cells} == {"ok"}
    for cell in run.cells:
        (launch,) = cell.launches
        assert launch.alone
        assert launch.fresh
        assert launch.imported_alone == (cell.workload == "first")
    assert mark.survivors() == []


@pytest.mark.parametrize("when", [3, 4], ids=["when both are imported", "when one is ready"])
def test_memory_that_runs_short_after_the_imports_leaves_no_row_out(
    engine, mark, workloads, monkeypatch, when
):
    asked = []

    def short(seats):
        asked.append(len(seats))
        return len(asked) == when

    monkeypatch.setattr(launching, "memory_is_short", short)
    run = engine(
        "slowed",
        mark=mark,
        preset=STARTS_ANEW,
        workloads=workloads[:2],
        backends=("numpy", "slowed"),
        modes=("numpy", "plain"),
    )
    assert not run.plan.interleaved
    assert {cell.outcome.status for cell in run.cells} == {"ok"}
    assert all(len(cell.blocks) >= 2 for cell in run.cells)
    assert mark.survivors() == []


def test_in_later_launches_only_a_worker_goes_on(engine, mark, workloads):
    run = engine(mark=mark, preset=LATER_GO_ON, workloads=workloads[:2], backends=("numpy",))
    found = by_workload(run, "numpy")
    fresh = {name: [launch.fresh for launch in cell.launches] for name, cell in found.items()}
    assert fresh == {"first": [True, True], "second": [True, False]}
    first, second = found["first"].launches
    assert found["second"].launches[1].phases.start_seconds == second.phases.start_seconds
    assert first.phases.start_seconds != second.phases.start_seconds
    assert mark.survivors() == []


def test_where_memory_runs_short_those_that_wait_are_ended_first(
    engine, mark, workloads, monkeypatch
):
    asked = []

    def short(seats):
        asked.append(len(seats))
        return len(asked) == 3  # the first launch of the second workload, asked once

    monkeypatch.setattr(launching, "memory_is_short", short)
    run = engine(
        "slowed",
        mark=mark,
        preset=replace(LATER_GO_ON, timed_starts=False),
        workloads=workloads[:2],
        backends=("slowed",),
        modes=("plain",),
    )
    assert run.plan.interleaved
    assert [launch.fresh for launch in by_workload(run, "slowed plain")["second"].launches] == [
        True,
        True,
    ]
    assert mark.survivors() == []


def test_a_row_that_dies_starts_anew_on_the_next_workload(engine, mark, workloads):
    run = engine(
        "faulty",
        mark=mark,
        preset=GOES_ON,
        workloads=workloads[:2],
        backends=("faulty",),
        modes=("crashes-late", "healthy"),
    )
    crashed = by_workload(run, "faulty crashes-late")
    assert [cell.outcome.status for cell in crashed.values()] == ["crashed", "crashed"]
    assert all(cell.launches[0].fresh for cell in crashed.values())
    healthy = by_workload(run, "faulty healthy")
    assert [cell.outcome.status for cell in healthy.values()] == ["ok", "ok"]
    assert not healthy["second"].launches[0].fresh
    assert mark.survivors() == []


def test_each_model_is_charged_with_its_own_memory(engine, mark, workloads):
    """With what the process took for its first one, and nothing else of those before."""
    run = engine(
        "holder",
        mark=mark,
        preset=GOES_ON,
        workloads=workloads,
        backends=("holder",),
        modes=("plain", "holds"),
    )
    plain, holds = (by_workload(run, f"holder {mode}") for mode in ("plain", "holds"))
    for name in ("first", "second", "third"):
        more = holds[name].memory.working_set_bytes - plain[name].memory.working_set_bytes
        assert more == pytest.approx(TENSOR_BYTES, rel=0.05)
    first, *later = (plain[name].memory.working_set_bytes for name in ("first", "second", "third"))
    assert later == pytest.approx([first] * 2, rel=0.25)


def test_where_memory_runs_short_nobody_waits_for_the_next_workload(
    engine, mark, workloads, monkeypatch
):
    asked = []

    def short(seats):
        asked.append(len(seats))
        return len(asked) > 1  # on the second workload

    monkeypatch.setattr(launching, "memory_is_short", short)
    run = engine(
        "slowed",
        mark=mark,
        preset=GOES_ON,
        workloads=workloads,
        backends=("slowed",),
        modes=("plain", "copy"),
    )
    assert not run.plan.interleaved
    for title in ("slowed plain", "slowed copy"):
        found = by_workload(run, title)
        assert [cell.outcome.status for cell in found.values()] == ["ok"] * 3
        assert found["third"].launches[0].fresh
    assert mark.survivors() == []
