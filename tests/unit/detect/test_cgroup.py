from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from envdoctor.detect.cgroup import cpu_quota, memory_limit

Groups = Callable[..., tuple[Path, Path]]
V2 = "0::/user.slice/app.scope\n"
V1 = "12:cpu,cpuacct:/docker/abc\n7:memory:/docker/abc\n1:name=systemd:/docker/abc\n"


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"user.slice/app.scope/cpu.max": "150000 100000\n"}, 1.5),
        ({"user.slice/app.scope/cpu.max": "max 100000\n"}, None),
        ({"user.slice/app.scope/cpu.max": "max 100000", "user.slice/cpu.max": "200000 100000"}, 2),
        ({"user.slice/app.scope/cpu.max": "400000 100000", "cpu.max": "50000 100000"}, 0.5),
        ({"user.slice/other.scope/cpu.max": "100000 100000"}, None),
        ({"user.slice/app.scope/cpu.max": ""}, None),
        ({"user.slice/app.scope/cpu.max": "nonsense"}, None),
        ({"user.slice/app.scope/cpu.max": "100000 0"}, None),
        ({}, None),
    ],
)
def test_the_least_cpu_quota_of_all_ancestors_counts(
    files: dict[str, str], quota: float | None, groups: Groups
) -> None:
    assert cpu_quota(*groups(V2, files)) == quota


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"user.slice/app.scope/memory.max": "1000000\n"}, 1_000_000),
        ({"user.slice/app.scope/memory.max": "max\n"}, None),
        ({"user.slice/app.scope/memory.max": "3000", "user.slice/memory.max": "2000"}, 2000),
        ({"user.slice/app.scope/memory.max": "max", "memory.max": "4000"}, 4000),
        ({}, None),
    ],
)
def test_the_least_memory_of_all_ancestors_counts(
    files: dict[str, str], limit: int | None, groups: Groups
) -> None:
    assert memory_limit(*groups(V2, files)) == limit


@pytest.mark.parametrize("folder", ["cpu,cpuacct", "cpu"])
@pytest.mark.parametrize(
    ("quota_us", "period_us", "quota"),
    [("250000", "100000", 2.5), ("-1", "100000", None), ("250000", "0", None), ("", "", None)],
)
def test_version_1_is_read_where_it_is_mounted(
    folder: str, quota_us: str, period_us: str, quota: float | None, groups: Groups
) -> None:
    files = {
        f"{folder}/docker/abc/cpu.cfs_quota_us": quota_us,
        f"{folder}/docker/abc/cpu.cfs_period_us": period_us,
    }
    assert cpu_quota(*groups(V1, files)) == quota


def test_version_1_limits_nest_too(groups: Groups) -> None:
    files = {
        "memory/docker/abc/memory.limit_in_bytes": "9000",
        "memory/docker/memory.limit_in_bytes": "8000",
        # What version 1 writes where there is no limit.
        "memory/memory.limit_in_bytes": "9223372036854771712",
    }
    assert memory_limit(*groups(V1, files)) == 8000


def test_no_limit_of_version_1_is_none(groups: Groups) -> None:
    files = {"memory/memory.limit_in_bytes": "9223372036854771712"}
    assert memory_limit(*groups(V1, files)) is None


def test_a_container_that_sees_its_own_group_as_the_root(groups: Groups) -> None:
    # Inside a container the membership names a path of the host, which is not mounted here.
    files = {"cpu.max": "200000 100000", "memory.max": "5000"}
    root, member = groups("0::/kubepods/pod1/container\n", files)
    assert cpu_quota(root, member) == 2
    assert memory_limit(root, member) == 5000


def test_a_version_1_container_sees_its_own_group_as_the_root(groups: Groups) -> None:
    files = {
        "cpu,cpuacct/cpu.cfs_quota_us": "100000",
        "cpu,cpuacct/cpu.cfs_period_us": "100000",
    }
    assert cpu_quota(*groups(V1, files)) == 1


@pytest.mark.parametrize("path", ["/../../outside", "/../sibling", "/"])
def test_a_group_outside_the_namespace_does_no_harm(path: str, groups: Groups) -> None:
    root, member = groups(f"0::{path}\n", {"cpu.max": "200000 100000"})
    assert cpu_quota(root, member) == 2


def test_a_machine_without_control_groups_has_no_limits(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path / "none", tmp_path / "neither") is None
    assert memory_limit(tmp_path / "none", tmp_path / "neither") is None


@pytest.mark.parametrize("membership", ["", "garbage\n", ":\n", "0:\n", "\xff\xfe\n"])
def test_a_strange_membership_has_no_limits(membership: str, groups: Groups) -> None:
    root, member = groups(membership, {"sub/cpu.max": "100000 100000"})
    assert cpu_quota(root, member) is None
