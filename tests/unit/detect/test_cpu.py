from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
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
    allowed: tuple[int, ...],
    quota: float | None,
    threads: int | None,
    chosen: tuple[int, ...],
    tmp_path: Path,
) -> None:
    assert choose_cpus(_cpu(allowed, quota), threads, tmp_path / "none") == chosen


@given(
    allowed=st.sets(st.integers(0, 63), min_size=1).map(lambda cpus: tuple(sorted(cpus))),
    quota=st.none() | st.floats(0.01, 100),
    threads=st.none() | st.integers(1, 100),
)
@pytest.mark.parametrize("machine", ["none", "laptop", "server", "cluster-on-die", "isolated"])
def test_the_budget_is_never_empty_and_never_beyond_the_mask(
    allowed: tuple[int, ...],
    quota: float | None,
    threads: int | None,
    machine: str,
    sysfs: Callable[[str], Path],
) -> None:
    chosen = choose_cpus(_cpu(allowed, quota), threads, sysfs(machine))
    wanted = min(len(allowed), threads or 64, max(1, int(quota)) if quota else 64)
    assert len(chosen) == wanted
    assert list(chosen) == sorted(set(chosen))
    assert set(chosen) <= set(allowed)


@dataclass(frozen=True)
class Machine:
    """What a kernel says of its CPUs: the siblings of each core, the nodes, the isolated."""

    cores: tuple[tuple[int, ...], ...]
    nodes: tuple[str, ...] = ()
    isolated: str = ""


SERVER = tuple((core, core + 8) for core in range(8))
TREES = {
    # Firmware numbers siblings next to each other on some machines ...
    "laptop": Machine(((0, 1), (2, 3), (4, 5), (6, 7)), ("0-7",)),
    # ... and after all cores on others.
    "server": Machine(SERVER, ("0-3,8-11", "4-7,12-15")),
    # Nodes of different size, as where a mask or a failed module leaves one of them smaller.
    "cluster-on-die": Machine(tuple((cpu,) for cpu in range(8)), ("0-1", "2-7")),
    "isolated": Machine(SERVER, ("0-3,8-11", "4-7,12-15"), "6-7,14-15"),
}


@pytest.fixture(scope="module")
def sysfs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Writes each machine as the kernel would, once."""
    root = tmp_path_factory.mktemp("sysfs")
    for name, machine in TREES.items():
        for core in machine.cores:
            for number in core:
                topology = root / name / "cpu" / f"cpu{number}" / "topology"
                topology.mkdir(parents=True)
                siblings = ",".join(str(each) for each in core)
                (topology / "thread_siblings_list").write_text(f"{siblings}\n")
        (root / name / "cpu" / "isolated").write_text(f"{machine.isolated}\n")
        for number, cpus in enumerate(machine.nodes):
            node = root / name / "node" / f"node{number}"
            node.mkdir(parents=True)
            (node / "cpulist").write_text(f"{cpus}\n")
    return lambda name: root / name


ALL = tuple(range(16))


@pytest.mark.parametrize(
    ("machine", "allowed", "threads", "chosen"),
    [
        # One CPU of each core, then the others.
        ("laptop", ALL[:8], 2, (0, 2)),
        ("laptop", ALL[:8], 4, (0, 2, 4, 6)),
        ("laptop", ALL[:8], 5, (0, 1, 2, 4, 6)),
        ("laptop", ALL[:8], None, ALL[:8]),
        ("laptop", (1, 2, 3), 2, (1, 2)),
        ("laptop", (3, 5, 7), 2, (3, 5)),
        # One node where it has as many cores.
        ("server", ALL, 4, (0, 1, 2, 3)),
        ("server", (2, 3, *ALL[4:8], 10, 11), 4, (4, 5, 6, 7)),
        ("server", (0, 1, 5, 6, 7), 3, (5, 6, 7)),
        # Real cores of the other node come before siblings of this one.
        ("server", ALL, 6, (0, 1, 2, 3, 4, 5)),
        ("server", ALL, 10, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)),
        # A sibling whose first is not allowed is a core of its own.
        ("server", (0, 8, 9, 10), 3, (0, 9, 10)),
        ("server", ALL[2:], 4, (2, 3, 8, 9)),
        ("cluster-on-die", ALL[:8], 2, (0, 1)),
        ("cluster-on-die", ALL[:8], 4, (2, 3, 4, 5)),
        # No node has as many: the largest gives first.
        ("cluster-on-die", ALL[:8], 7, (0, 2, 3, 4, 5, 6, 7)),
        # An isolated CPU is the quietest for one thread, and a trap for several.
        ("isolated", ALL, 1, (6,)),
        ("isolated", ALL[:6], 1, (0,)),
        ("isolated", ALL, 4, (0, 1, 2, 3)),
        ("isolated", ALL[4:8], 3, (4, 5, 6)),
        ("isolated", (6, 7, 14, 15), 2, (6, 7)),
        ("isolated", (5, 6, 14, 15), 2, (5, 6)),
        ("isolated", ALL, None, ALL),
    ],
)
def test_the_best_cpus_are_taken(
    machine: str,
    allowed: tuple[int, ...],
    threads: int | None,
    chosen: tuple[int, ...],
    sysfs: Callable[[str], Path],
) -> None:
    assert choose_cpus(_cpu(allowed), threads, sysfs(machine)) == chosen


@pytest.mark.parametrize("text", ["", "nonsense", "0-", "-1", "3-1", ",,", "\xff"])
def test_a_description_that_makes_no_sense_is_ignored(text: str, tmp_path: Path) -> None:
    for name in (
        "cpu/isolated",
        "cpu/cpu0/topology/thread_siblings_list",
        "cpu/cpu1/topology/thread_siblings_list",
        "node/node0/cpulist",
        "node/nodeX/cpulist",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="latin-1")
    assert choose_cpus(_cpu((0, 1, 2)), 2, tmp_path) == (0, 1)


def test_this_machine_gives_a_budget() -> None:
    found = cpu.read_cpu()
    assert len(choose_cpus(found, 1)) == 1
    assert set(choose_cpus(found, None)) <= set(found.allowed)


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
    assert cpu.read_cpu().allowed == tuple(sorted(os.sched_getaffinity(0)))
