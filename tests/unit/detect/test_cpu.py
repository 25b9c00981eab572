from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.detect import cpu
from envdoctor.detect.cpu import choose_cpus
from envdoctor.model.facts import Cpu


def _cpu(allowed: tuple[int, ...], quota: float | None = None) -> Cpu:
    return Cpu(model="some", logical=64, allowed=allowed, quota=quota)


@pytest.mark.parametrize(
    ("allowed", "quota", "threads", "chosen"),
    [
        ((0, 1, 2, 3), None, None, (0, 1, 2, 3)),
        ((4, 6, 8), None, None, (4, 6, 8)),
        ((0, 1, 2, 3), 2.0, None, (0, 1)),
        ((0, 1, 2, 3), 2.9, None, (0, 1)),
        ((0, 1, 2, 3), 0.5, None, (0,)),
        ((0, 1, 2, 3), 9.0, None, (0, 1, 2, 3)),
        ((0, 1, 2, 3), None, 3, (0, 1, 2)),
        ((0, 1, 2, 3), None, 9, (0, 1, 2, 3)),
        ((0, 1, 2, 3), 2.0, 3, (0, 1)),
        ((5, 7), 1.5, 1, (5,)),
    ],
)
def test_mask_quota_and_wish_bound_the_budget(
    allowed: tuple[int, ...], quota: float | None, threads: int | None, chosen: tuple[int, ...]
) -> None:
    assert choose_cpus(_cpu(allowed, quota), threads) == chosen


@given(
    allowed=st.sets(st.integers(0, 63), min_size=1).map(lambda cpus: tuple(sorted(cpus))),
    quota=st.none() | st.floats(0.01, 100),
    threads=st.none() | st.integers(1, 100),
)
def test_the_budget_is_never_empty_and_never_beyond_the_mask(
    allowed: tuple[int, ...], quota: float | None, threads: int | None
) -> None:
    chosen = choose_cpus(_cpu(allowed, quota), threads)
    assert 1 <= len(chosen) <= len(allowed)
    assert set(chosen) <= set(allowed)
    assert quota is None or len(chosen) <= max(1, quota)


@pytest.mark.parametrize(
    ("recorded", "model"),
    [
        ("xeon", "Intel(R) Xeon(R) Platinum 8488C"),
        ("raspberry-pi", "Raspberry Pi 4 Model B Rev 1.4"),
        ("mips", "MIPS 1004Kc V2.15"),
    ],
)
def test_the_model_is_read_as_each_kind_of_machine_writes_it(
    recorded: str, model: str, machines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu, "CPUINFO", machines / "cpuinfo" / f"{recorded}.txt")
    assert cpu.read_cpu().model == model


@pytest.mark.parametrize("recorded", ["graviton", "no-such-file"])
def test_a_machine_that_names_no_model_still_has_a_word(
    recorded: str, machines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu, "CPUINFO", machines / "cpuinfo" / f"{recorded}.txt")
    assert cpu.read_cpu().model


def test_a_machine_that_tells_nothing_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "none")
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert cpu.read_cpu().model == "unknown"


def test_without_a_mask_all_cpus_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert cpu.read_cpu().allowed == (0, 1, 2)


def test_this_machine_allows_what_the_scheduler_says() -> None:
    assert cpu.detect().cpu.allowed == tuple(sorted(os.sched_getaffinity(0)))
