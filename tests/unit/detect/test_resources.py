from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from envdoctor.detect import folders, limits, memory, processor
from envdoctor.detect.cgroup import memory_kills, throttled_periods

Tree = Callable[..., Path]


def test_soft_limits() -> None:
    told = {1: (1024, 4096), 2: (-1, -1)}
    module = SimpleNamespace(
        RLIMIT_NOFILE=1, RLIMIT_NPROC=2, RLIM_INFINITY=-1, getrlimit=told.__getitem__
    )
    found = limits.read_limits(module)
    assert (found.open_files, found.processes, found.locked_memory_bytes) == (1024, None, None)


def test_places_follow_the_variables() -> None:
    found = dict(folders.places({"HOME": "/home/ada", "HF_HOME": "/big/hf", "XDG_CACHE_HOME": ""}))
    assert found["HF_HOME"] == Path("/big/hf")
    assert found["TORCH_HOME"] == Path("/home/ada/.cache/torch")
    assert found["TRITON_CACHE_DIR"] == Path("/home/ada/.triton/cache")
    moved = dict(folders.places({"HOME": "/home/ada", "XDG_CACHE_HOME": "/c"}))
    assert moved["pip cache"] == Path("/c/pip")


def test_a_folder_that_is_not_there_is_judged_by_the_one_above(tmp_path: Path) -> None:
    found = folders.read_folder("HF_HOME", tmp_path / "a" / "b")
    assert (found.exists, found.writable) == (False, True)
    assert found.free_bytes is not None
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    assert not folders.read_folder("HF_HOME", tmp_path / "file" / "b").writable


def test_certificates_that_variables_name(tmp_path: Path) -> None:
    found = folders.detect({"SSL_CERT_FILE": str(tmp_path / "gone"), "SSL_CERT_DIR": str(tmp_path)})
    assert [(each.variable, each.exists) for each in found.named_files] == [
        ("SSL_CERT_FILE", False),
        ("SSL_CERT_DIR", True),
    ]


def test_amounts_of_memory(tree: Tree) -> None:
    root = tree({"proc/meminfo": "MemTotal: 16 kB\nMemAvailable: 8 kB\nSwapTotal: 4 kB\n"})
    assert memory.read_amounts(root) == (16384, 8192, 4096)


def test_memory_without_proc_comes_from_elsewhere(tmp_path: Path) -> None:
    total, available, _ = memory.read_amounts(tmp_path)
    assert total >= available > 0


@pytest.mark.parametrize(
    ("text", "flags", "cores"),
    [
        (
            (
                "processor: 0\nflags\t: fpu AVX avx2\nphysical id\t: 0\ncore id\t: 0\n\n"
                "processor: 1\nflags\t: fpu\nphysical id\t: 0\ncore id\t: 0\n"
            ),
            ("fpu", "avx", "avx2"),
            1,
        ),
        ("processor: 0\nFeatures : fp asimd\n", ("fp", "asimd"), None),
        ("", (), None),
    ],
)
def test_flags_and_cores(text: str, flags: object, cores: object, tree: Tree) -> None:
    root = tree({"proc/cpuinfo": text})
    assert processor.read_flags(root) == flags
    assert processor.read_physical(root) == cores


def test_cores_nodes_and_governors_from_sysfs(tree: Tree) -> None:
    cpu = "sys/devices/system/cpu"
    root = tree(
        {
            f"{cpu}/cpu0/topology/thread_siblings_list": "0-1",
            f"{cpu}/cpu1/topology/thread_siblings_list": "0-1",
            f"{cpu}/cpu2/topology/thread_siblings_list": "2",
            f"{cpu}/cpufreq/policy0/scaling_governor": "powersave",
            f"{cpu}/cpufreq/policy1/scaling_governor": "powersave",
            "sys/devices/system/node/node0/cpulist": "0-2",
            "sys/devices/system/node/node1/cpulist": "",
        }
    )
    assert processor.read_physical(root) == 2
    assert processor.read_nodes(root) == 1
    assert processor.read_governors(root) == ("powersave",)


def test_counters_of_the_control_group(groups: Callable[..., tuple[Path, Path]]) -> None:
    root, member = groups(
        "0::/a/b\n",
        {
            "a/b/cpu.stat": "usage_usec 5\nnr_throttled 7\n",
            "a/b/memory.events": "low 0\noom 1\noom_kill 2\n",
            "a/memory.events": "oom_kill 9\n",
        },
    )
    assert throttled_periods(root, member) == 7
    assert memory_kills(root, member) == 2


def test_counters_of_version_1_and_of_none(groups: Callable[..., tuple[Path, Path]]) -> None:
    root, member = groups(
        "4:memory:/x\n", {"memory/x/memory.oom_control": "under_oom 0\noom_kill 3\n"}
    )
    assert memory_kills(root, member) == 3
    assert throttled_periods(root, member) is None
