from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from envdoctor.api import Backend
from envdoctor.bench.caches import HEADERS, VARIABLES, Caches, kept_folder
from envdoctor.bench.plan import PlannedRow

ASK_INDUCTOR = """
from torch._inductor.runtime.cache_dir_utils import default_cache_dir
print(default_cache_dir())
"""
WORKLOAD, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def row(backend: Callable[..., Backend]) -> PlannedRow:
    torch = backend("torch", "compile", "eager")
    versions = {"python": "3.11.7", "torch": "2.13.0"}
    mode = replace(torch.modes[0], keeps=True)
    return PlannedRow(torch, mode, "", own=True, versions=versions)


def test_each_compiler_has_a_place_of_its_own_in_the_folder(tmp_path: Path) -> None:
    variables = Caches(tmp_path / "compiled").variables()
    assert set(variables) == set(VARIABLES)
    assert {Path(place).parent for place in variables.values()} == {tmp_path / "compiled"}
    assert len(set(variables.values())) == len(variables)


def test_caches_that_are_off_by_default_stay_off(tmp_path: Path) -> None:
    assert not any("JAX" in name or "XLA" in name for name in Caches(tmp_path).variables())


def test_what_lies_in_the_temporary_folder_of_a_run_is_kept_too(tmp_path: Path) -> None:
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        Caches(tmp_path / "compiled").link(tmp_path / run)
    (first,), (second,) = (list((tmp_path / run).iterdir()) for run in ("one", "two"))
    (first / "header.h.gch").write_text("compiled")
    assert (second / "header.h.gch").read_text() == "compiled"


def test_a_run_goes_on_where_links_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("a required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    Caches(tmp_path / "compiled").link(tmp_path)


def test_the_folder_is_where_inductor_looks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = "DOMAIN\\ada:b"
    monkeypatch.setattr("getpass.getuser", lambda: user)
    Caches(tmp_path / "compiled").link(tmp_path)
    finished = subprocess.run(
        [sys.executable, "-c", ASK_INDUCTOR],
        env={**os.environ, "TMPDIR": str(tmp_path), "LOGNAME": user},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(finished.stdout.strip()).resolve() == tmp_path / "compiled" / HEADERS


def test_a_program_is_cold_until_it_was_compiled_and_warm_ever_after(
    row: PlannedRow, tmp_path: Path
) -> None:
    caches = Caches(tmp_path / "compiled")
    assert caches.state(row, WORKLOAD) == "cold"
    caches.compiled(row, WORKLOAD)
    assert caches.state(row, WORKLOAD) == "warm"
    assert Caches(tmp_path / "compiled").state(row, WORKLOAD) == "warm"


def test_what_keeps_nothing_on_disk_is_always_cold(row: PlannedRow, tmp_path: Path) -> None:
    forgetful = replace(row, mode=replace(row.mode, keeps=False))
    caches = Caches(tmp_path)
    caches.compiled(forgetful, WORKLOAD)
    assert caches.state(forgetful, WORKLOAD) == "cold"


def test_another_program_is_still_cold(row: PlannedRow, tmp_path: Path) -> None:
    caches = Caches(tmp_path)
    caches.compiled(row, WORKLOAD)
    assert caches.state(row, OTHER) == "cold"
    others = (
        replace(row, mode=row.backend.modes[1]),
        replace(row, device="cuda"),
        replace(row, versions={**row.versions, "torch": "2.14.0"}),
    )
    assert [caches.state(other, WORKLOAD) for other in others] == ["cold"] * 3


def test_a_twin_finds_what_its_original_compiled(row: PlannedRow, tmp_path: Path) -> None:
    caches = Caches(tmp_path)
    caches.compiled(row, WORKLOAD)
    assert caches.state(replace(row, twin=True), WORKLOAD) == "warm"


def test_a_new_folder_is_cold_even_if_another_is_warm(row: PlannedRow, tmp_path: Path) -> None:
    Caches(tmp_path / "one").compiled(row, WORKLOAD)
    assert Caches(tmp_path / "two").state(row, WORKLOAD) == "cold"


def test_runs_with_the_same_versions_share_a_folder(row: PlannedRow, tmp_path: Path) -> None:
    eager = replace(row, mode=row.backend.modes[1])
    newer = replace(row, versions={**row.versions, "torch": "2.14.0"})
    here = kept_folder(tmp_path, [row, eager])
    assert here == kept_folder(tmp_path, [eager, row])
    assert here != kept_folder(tmp_path, [newer])
    assert tmp_path in here.parents
    assert not here.exists()
