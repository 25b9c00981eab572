from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from envdoctor.library.heads import LARGEST_READ_BYTES
from envdoctor.library.index import list_runs
from envdoctor.library.index_file import INDEX
from envdoctor.library.names import set_name

JANUARY, FEBRUARY = "20260101-120000-ab01", "20260201-120000-ab02"


def test_runs_are_listed_newest_first_with_what_they_say(store, tmp_path):
    store(1)
    store(2, workloads=("mlp-tiny", "cnn-tiny"), state="interrupted")
    set_name(tmp_path, "base", JANUARY)
    newest, oldest = list_runs(tmp_path).runs
    assert [newest.id, oldest.id] == [FEBRUARY, JANUARY]
    assert newest.workloads == ("mlp-tiny", "cnn-tiny")
    assert (newest.state, oldest.state) == ("interrupted", "finished")
    assert oldest.rows == ("numpy", "torch eager", "torch compile", "jax jit")
    assert (oldest.verdict, oldest.grade) == ("jax jit", "A")
    assert (newest.names, oldest.names) == ((), ("base",))


def test_a_folder_that_is_not_there_holds_none(tmp_path):
    listing = list_runs(tmp_path / "none")
    assert (listing.total, listing.runs, listing.problems) == (0, (), ())


def _cut(path):
    path.write_bytes(path.read_bytes()[:-500])


def _future(path):
    path.write_bytes(path.read_bytes().replace(b'"schema": 1', b'"schema": 9', 1))


def _huge(path):
    with path.open("wb") as stream:
        stream.write(b'{"weights": [')
        stream.truncate(100_000_000)


def _middle(path):
    data = path.read_bytes()
    place = data.index(b'"wall_ns": ')
    path.write_bytes(data[:place] + b'"wall_ns": x' + data[place + 12 :])


FAULTS = {
    "cut": (_cut, "is cut off"),
    "future": (_future, "has schema 9; this envdoctor reads schema 1."),
    "huge": (_huge, "too large to read (100 MB)"),
    "foreign": (lambda path: path.write_text('{"a": 1}'), "is not a run file of envdoctor"),
    "empty": (lambda path: path.write_bytes(b""), "is not a run file of envdoctor"),
    "bytes": (lambda path: path.write_bytes(b"\xff\x00" * 9), "is not a run file of envdoctor"),
    "deep": (lambda path: path.write_text("[" * 100_000), "is not a run file of envdoctor"),
    "corrupted": (_middle, "is not a run file of envdoctor, or is damaged"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_file_is_a_sentence_and_the_rest_is_listed(fault, store, tmp_path):
    spoil, said = FAULTS[fault]
    store(2)
    spoil(store(1))
    for _ in range(2):  # looked at, and remembered
        listing = list_runs(tmp_path)
        assert [entry.id for entry in listing.runs] == [FEBRUARY]
        (problem,) = listing.problems
        assert said in problem.problem
        assert problem.problem.startswith(f"{JANUARY}.json ")


def test_a_huge_run_is_listed_without_being_read(store, tmp_path, monkeypatch):
    path = store(1)
    data = path.read_bytes()
    filler = b" " * (LARGEST_READ_BYTES + 1)
    path.write_bytes(data.removesuffix(b"\n}\n") + filler + b"\n}\n")
    monkeypatch.setattr("envdoctor.model.codec.read", None)
    (entry,) = list_runs(tmp_path).runs
    assert entry.verdict == "too large for a list"


def test_a_run_in_another_layout_is_listed(store, tmp_path):
    path = store(1)
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert [entry.id for entry in list_runs(tmp_path).runs] == [JANUARY]


def test_a_file_whose_name_is_no_text_is_a_sentence(store, tmp_path):
    store(1)
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.json")).write_text("{}")
    except OSError:
        pytest.skip("this file system takes no such name")
    for _ in range(2):
        listing = list_runs(tmp_path)
        assert [entry.id for entry in listing.runs] == [JANUARY]
        assert [entry.problem for entry in listing.problems] == [
            "?.json has a name that is no text."
        ]


@pytest.mark.parametrize("damage", [b"", b"{", b'{"version": 3}', b"\xff", b"[" * 100_000])
def test_a_damaged_index_is_made_again(damage, store, tmp_path):
    store(1)
    before = list_runs(tmp_path)
    (tmp_path / INDEX).write_bytes(damage)
    assert list_runs(tmp_path) == before
    assert len((tmp_path / INDEX).read_bytes()) > 100


def test_a_file_that_changed_is_looked_at_again(store, tmp_path):
    path = store(1)
    list_runs(tmp_path)
    shutil.copy(store(2, {"numpy": 1e-4, "torch eager": 1e-3}), path)
    assert {entry.verdict for entry in list_runs(tmp_path).runs} == {"numpy"}
    path.unlink()
    assert [entry.id for entry in list_runs(tmp_path).runs] == [FEBRUARY]


def test_a_file_of_the_same_size_and_age_is_looked_at_again(store, tmp_path):
    """As one that was copied with its times: only the change of the file itself tells."""
    path = store(1)
    list_runs(tmp_path)
    status, data = path.stat(), path.read_bytes()
    path.write_bytes(data.replace(b'"state": "finished"', b'"state": "crippled"', 1))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert list_runs(tmp_path, judged=False).runs[0].state == "crippled"


def test_a_file_that_vanishes_while_it_is_listed_stops_nothing(store, tmp_path, monkeypatch):
    store(1)
    gone = store(2)
    real = os.scandir

    def scan(folder):
        files = list(real(folder))
        gone.unlink()
        return files

    monkeypatch.setattr("os.scandir", scan)
    assert [entry.id for entry in list_runs(tmp_path).runs] == [JANUARY]


def test_an_index_that_is_damaged_inside_an_entry_is_made_again(store, tmp_path):
    store(1)
    before = list_runs(tmp_path)
    data = (tmp_path / INDEX).read_bytes()
    assert b'"verdict":"jax jit"' in data
    (tmp_path / INDEX).write_bytes(data.replace(b'"verdict":"jax jit"', b'"verdict":[]'))
    assert list_runs(tmp_path) == before
    assert (tmp_path / INDEX).read_bytes() == data


def test_verdicts_come_by_and_by_the_newest_first(store, tmp_path, monkeypatch):
    monkeypatch.setattr("envdoctor.library.index.MOST_JUDGED", 2)
    for month in range(1, 6):
        store(month)
    for judged in (2, 4, 5, 5):
        verdicts = [bool(entry.verdict) for entry in list_runs(tmp_path).runs]
        assert verdicts == [True] * judged + [False] * (5 - judged)


def test_a_list_that_knows_its_files_starts_without_what_reads_them(store, tmp_path):
    store(1)
    list_runs(tmp_path)
    code = (
        "import sys, pathlib\n"
        "from envdoctor.library.index import list_runs\n"
        f"print(len(list_runs(pathlib.Path({str(tmp_path)!r})).runs))\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, modules = done.stdout.splitlines()
    assert count == "1"
    assert (
        set(modules.split()) & {"envdoctor.model.run", "envdoctor.statistics", "tempfile"} == set()
    )


def test_what_is_known_is_not_read_again(store, tmp_path, monkeypatch):
    store(1)
    before = list_runs(tmp_path)
    monkeypatch.setattr("envdoctor.library.heads.read_entry", None)
    monkeypatch.setattr("envdoctor.library.outcomes.outcome_of", None)
    assert list_runs(tmp_path) == before


def test_a_folder_that_takes_no_file_is_listed(store, tmp_path, monkeypatch):
    store(1)

    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    assert len(list_runs(tmp_path).runs) == 1
    assert not (tmp_path / INDEX).exists()


def test_lists_and_names_made_at_once_lose_nothing(store, tmp_path):
    runs = [store(month).stem for month in range(1, 9)]

    def work(run):
        set_name(tmp_path, f"name-{run}", run)
        list_runs(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, runs))
    listing = list_runs(tmp_path)
    assert {entry.id: entry.names for entry in listing.runs} == {
        run: (f"name-{run}",) for run in runs
    }
    assert list(tmp_path.glob(f"{INDEX}.*")) == []


def test_a_list_of_many_known_runs_looks_into_none_and_keeps_the_newest(store, tmp_path):
    first = store(1, {"numpy": 4e-4, "jax jit": 2e-4}, rounds=2, launches=1)
    data = first.read_bytes()
    for number in range(999):
        moment = f"2025-01-01T00:{number // 60:02}:{number % 60:02}+00:00".encode()
        other = data.replace(b"2026-01-01T12:00:00+00:00", moment, 1)
        (tmp_path / f"20250101-000000-{number:04}.json").write_bytes(other)
    list_runs(tmp_path, limit=20)
    listing = list_runs(tmp_path, limit=20)
    assert (listing.total, len(listing.runs)) == (1_000, 20)
    numbers = [f"20250101-000000-{number:04}" for number in range(998, 979, -1)]
    assert [entry.id for entry in listing.runs] == [JANUARY, *numbers]


VERDICTS = {
    "tie": ({"numpy": 4e-4, "jax jit": 1e-4, "torch eager": 1e-4}, {}, "torch eager"),
    "noisy": ({"numpy": 4e-4, "jax jit": 1e-4}, {"twin_factor": 1.3}, "too noisy to rank"),
    "alone": ({"numpy": 4e-4}, {}, "only numpy"),
    "few": ({"numpy": 4e-4, "jax jit": 1e-4}, {"rounds": 1, "launches": 1}, "too few rounds"),
}


@pytest.mark.parametrize("case", VERDICTS)
def test_the_verdict_is_short_and_claims_no_more_than_the_ranking(case, store, tmp_path):
    times, fields, said = VERDICTS[case]
    store(1, times, **fields)
    (entry,) = list_runs(tmp_path).runs
    assert said in entry.verdict
    assert (" = " in entry.verdict) == (case == "tie")


def test_several_workloads_are_counted(store, tmp_path, made):
    from envdoctor.model import codec

    path = store(1, workloads=("mlp-tiny", "cnn-tiny"))
    run = codec.read(path)
    other = made["made_run"]({**made["STEP_SECONDS"], "torch eager": 1e-5}, workloads=("cnn-tiny",))
    cells = tuple(cell for cell in run.cells if cell.workload == "mlp-tiny") + other.cells
    codec.write(msgspec.structs.replace(run, cells=cells), path)
    (entry,) = list_runs(tmp_path).runs
    assert entry.verdict == "jax jit on 1 of 2, torch eager on 1 of 2"
