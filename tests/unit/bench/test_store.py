from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from envdoctor.api import Backend
from envdoctor.bench import store as module
from envdoctor.bench.plan import PlannedRow
from envdoctor.bench.store import Kept, Store
from envdoctor.model.cell import Certificate, Progress, Quality
from envdoctor.model.facts import Cpu, Facts
from envdoctor.model.run import WorkloadRecord

MADE = runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))
RECORD: WorkloadRecord = MADE["made_run"]().workloads[0]
KEPT = Kept(
    at="2026-01-01T12:00:00+00:00",
    certificate=Certificate(same_work=True, tier="G64", gradient_error=4e-16),
    quality=Quality(
        metric="accuracy", value=0.96, standard_error=0.01, samples=360, loss=0.1, reached=True
    ),
    training_seconds=1.5,
    evaluation_seconds=0.1,
    timed_losses=(2.3, 2.2),
    timed_reference_error=1e-7,
    history=(Progress(step=1, training_seconds=0.1, loss=2.3),),
)


def _facts(model: str = "A Processor", gpus: tuple[str, ...] = ()) -> Facts:
    return Facts(cpu=Cpu(model=model, logical=2, allowed=(0, 1), quota=None), gpus=gpus)


@pytest.fixture
def trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The code of a backend that belongs to no plugin."""
    site = tmp_path / "site"
    (site / "envdoctor_paper").mkdir(parents=True)
    (site / "envdoctor_paper" / "__init__.py").write_text('"""Paper."""\n')
    path = site / "envdoctor_paper" / "trainer.py"
    path.write_text("class Trainer:\n    rate = 1\n")
    monkeypatch.syspath_prepend(site)
    return path


@pytest.fixture
def row(backend: Callable[..., Backend], trainer: Path) -> PlannedRow:
    paper = backend("paper", "eager", "compile")
    versions = {"python": "3.11.7", "paper": "1.0", "numpy": "2.4.0"}
    return PlannedRow(paper, paper.modes[0], "/venv/bin/python", own=True, versions=versions)


@pytest.fixture
def make(backend: Callable[..., Backend], tmp_path: Path) -> Callable[..., Store]:
    """A store as another run would open it."""
    numpy = backend("numpy")
    oracle = PlannedRow(numpy, numpy.modes[0], "", own=True)

    def open_anew(
        folder: Path = tmp_path / "kept",
        cpu: str = "A Processor",
        threads: int = 2,
        gpus: tuple[str, ...] = (),
    ) -> Store:
        return Store(folder, oracle, _facts(cpu, gpus), threads)

    return open_anew


def test_what_was_kept_is_found_again_by_the_next_run(
    make: Callable[..., Store], row: PlannedRow
) -> None:
    assert make().find(row, RECORD) is None
    make().keep(row, RECORD, KEPT)
    assert make().find(row, RECORD) == KEPT


def test_the_later_of_two_is_found(make: Callable[..., Store], row: PlannedRow) -> None:
    make().keep(row, RECORD, KEPT)
    later = structs.replace(KEPT, at="2026-01-02T12:00:00+00:00")
    make().keep(row, RECORD, later)
    assert make().find(row, RECORD) == later


def test_another_row_is_not_this_row(make: Callable[..., Store], row: PlannedRow) -> None:
    make().keep(row, RECORD, KEPT)
    newer = {**row.versions, "paper": "1.1"}
    others = {
        "version": replace(row, versions=newer),
        "NumPy": replace(row, versions={**row.versions, "numpy": "2.5.0"}),
        "mode": replace(row, mode=row.backend.modes[1]),
        "proof": replace(row, mode=replace(row.mode, exact="compile")),
        "device": replace(row, device="cuda"),
        "interpreter": replace(row, interpreter="/other/bin/python"),
        "backend": replace(row, backend=replace(row.backend, name="other")),
    }
    found = {what: make().find(other, RECORD) for what, other in others.items()}
    assert found == dict.fromkeys(others)


@pytest.mark.parametrize(
    "name", ["workload_sha256", "data_sha256", "weights_sha256", "batches_sha256"]
)
def test_another_workload_is_not_this_workload(
    name: str, make: Callable[..., Store], row: PlannedRow
) -> None:
    make().keep(row, RECORD, KEPT)
    assert make().find(row, structs.replace(RECORD, **{name: "f" * 64})) is None
    assert make().find(row, structs.replace(RECORD, summary="said otherwise")) == KEPT


def test_another_machine_or_budget_is_not_this_one(
    make: Callable[..., Store], row: PlannedRow
) -> None:
    make().keep(row, RECORD, KEPT)
    assert make(cpu="Another Processor").find(row, RECORD) is None
    assert make(threads=1).find(row, RECORD) is None


def test_another_gpu_matters_to_those_who_use_it(
    make: Callable[..., Store], row: PlannedRow
) -> None:
    on_gpu = replace(row, device="cuda")
    for each in (row, on_gpu):
        make(gpus=("A Card",)).keep(each, RECORD, KEPT)
    assert make(gpus=("Another Card",)).find(on_gpu, RECORD) is None
    assert make(gpus=("A Card",)).find(on_gpu, RECORD) == KEPT
    assert make(gpus=("Another Card",)).find(row, RECORD) == KEPT


def test_another_version_of_envdoctor_begins_anew(
    make: Callable[..., Store], row: PlannedRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    make().keep(row, RECORD, KEPT)
    monkeypatch.setattr(module, "__version__", "99.0")
    assert make().find(row, RECORD) is None


@pytest.mark.parametrize(
    "name", ["XLA_FLAGS", "OMP_NUM_THREADS", "TF_ENABLE_ONEDNN_OPTS", "NVIDIA_TF32_OVERRIDE"]
)
def test_a_variable_that_may_change_the_arithmetic_begins_anew(
    name: str, make: Callable[..., Store], row: PlannedRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(name, raising=False)
    make().keep(row, RECORD, KEPT)
    monkeypatch.setenv(name, "1")
    assert make().find(row, RECORD) is None
    monkeypatch.setenv(name, "2")
    assert make().find(row, RECORD) is None
    monkeypatch.delenv(name)
    assert make().find(row, RECORD) == KEPT


def test_a_variable_that_has_nothing_to_do_with_it_changes_nothing(
    make: Callable[..., Store], row: PlannedRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    make().keep(row, RECORD, KEPT)
    monkeypatch.setenv("EDITOR", "ed")
    monkeypatch.setenv("HOME", "/elsewhere")
    assert make().find(row, RECORD) == KEPT


def test_another_byte_in_the_code_of_the_trainer_begins_anew(
    make: Callable[..., Store], row: PlannedRow, trainer: Path
) -> None:
    make().keep(row, RECORD, KEPT)
    before = trainer.read_text()
    trainer.write_text(before.replace("1", "2"))
    assert make().find(row, RECORD) is None
    trainer.write_text(before)
    assert make().find(row, RECORD) == KEPT
    (trainer.parent / "more.py").write_text("")
    assert make().find(row, RECORD) is None


def test_another_byte_in_our_own_code_begins_anew(
    make: Callable[..., Store], row: PlannedRow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours = tmp_path / "envdoctor"
    for part in ("child", "bench", "workload"):
        (ours / part).mkdir(parents=True)
        (ours / part / "code.py").write_text("one = 1\n")
    monkeypatch.setattr(module, "_HERE", ours)
    make().keep(row, RECORD, KEPT)
    assert make().find(row, RECORD) == KEPT
    for part in ("child", "bench", "workload"):
        (ours / part / "code.py").write_text("one = 2\n")
        assert make().find(row, RECORD) is None, part
        (ours / part / "code.py").write_text("one = 1\n")
        assert make().find(row, RECORD) == KEPT


def test_another_reference_begins_anew(
    make: Callable[..., Store], row: PlannedRow, tmp_path: Path
) -> None:
    make().keep(row, RECORD, KEPT)
    assert Store(tmp_path / "kept", row, _facts(), 2).find(row, RECORD) is None


def test_a_framework_without_a_version_is_never_known(
    make: Callable[..., Store], row: PlannedRow, tmp_path: Path
) -> None:
    # Built from source, it may be another one tomorrow.
    nameless = replace(row, versions={"python": "3.11.7", "numpy": "2.4.0"})
    make().keep(nameless, RECORD, KEPT)
    assert make().find(nameless, RECORD) is None
    assert not (tmp_path / "kept").exists()


BROKEN = {
    "empty": b"",
    "cut": b'{"at": "2026',
    "no text": b"\x80\x81",
    "another kind": b"[1]",
    "without its proof": b'{"at": "2026-01-01"}',
    "wrong type": b'{"at": 3}',
    "deep": b'{"more": ' + b"[" * 100_000,
    "no unicode": b'{"at": "\xff"}',
}


@pytest.mark.parametrize("damage", BROKEN)
def test_a_broken_file_is_as_good_as_none_and_is_written_over(
    damage: str, make: Callable[..., Store], row: PlannedRow, tmp_path: Path
) -> None:
    make().keep(row, RECORD, KEPT)
    (file,) = (tmp_path / "kept").iterdir()
    file.write_bytes(BROKEN[damage])
    assert make().find(row, RECORD) is None
    make().keep(row, RECORD, KEPT)
    assert make().find(row, RECORD) == KEPT
    assert list((tmp_path / "kept").iterdir()) == [file]


def test_a_folder_that_cannot_be_is_as_good_as_none(
    make: Callable[..., Store], row: PlannedRow, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    store = make(tmp_path / "file" / "kept")
    store.keep(row, RECORD, KEPT)
    assert store.find(row, RECORD) is None


def test_a_full_disk_leaves_what_was_known(
    make: Callable[..., Store],
    row: PlannedRow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make().keep(row, RECORD, KEPT)

    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    make().keep(row, RECORD, structs.replace(KEPT, at="later"))
    assert make().find(row, RECORD) == KEPT
