from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from envdoctor.detect import apple, host
from envdoctor.detect.kernel_log import interesting, read_messages

Tree = Callable[..., Path]


@pytest.mark.parametrize(
    ("files", "variables", "kind"),
    [
        ({}, {}, ""),
        ({".dockerenv": ""}, {}, "docker"),
        ({"run/.containerenv": ""}, {}, "podman"),
        ({".dockerenv": ""}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
        ({}, {"APPTAINER_CONTAINER": "/x.sif"}, "apptainer"),
        ({"run/systemd/container": "lxc"}, {}, "lxc"),
        ({}, {"container": "oci"}, "other"),
        ({"proc/1/cgroup": "12:cpu:/docker/abc"}, {}, "docker"),
        ({"proc/1/cgroup": "0::/kubepods/pod1"}, {}, "kubernetes"),
        ({"proc/1/cgroup": "0::/init.scope"}, {}, ""),
        (
            {"proc/self/mountinfo": "1 0 0:1 / / rw - overlay overlay rw,upperdir=/docker/o"},
            {},
            "docker",
        ),
        ({"proc/self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/docker-vg rw"}, {}, ""),
    ],
)
def test_containers(
    files: dict[str, str], variables: dict[str, str], kind: str, tree: Tree
) -> None:
    assert host.container_kind(tree(files), variables) == kind


@pytest.mark.parametrize(
    ("kernel", "generation"),
    [
        ("5.15.167.4-microsoft-standard-WSL2", 2),
        ("4.4.0-19041-Microsoft", 1),
        ("6.8.0-45-generic", 0),
    ],
)
def test_wsl(kernel: str, generation: int) -> None:
    assert host.wsl_generation(kernel) == generation


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"sys/class/dmi/id/sys_vendor": "QEMU"}, "kvm"),
        ({"sys/class/dmi/id/sys_vendor": "VMware, Inc."}, "vmware"),
        ({"sys/class/dmi/id/product_name": "Virtual Machine"}, "hyper-v"),
        ({"sys/class/dmi/id/product_name": "Google Compute Engine"}, "kvm"),
        ({"sys/hypervisor/type": "xen"}, "xen"),
        ({"proc/cpuinfo": "flags\t\t: fpu hypervisor avx"}, "other"),
        ({"sys/class/dmi/id/sys_vendor": "LENOVO", "proc/cpuinfo": "flags : fpu avx"}, ""),
    ],
)
def test_virtual_machines(files: dict[str, str], kind: str, tree: Tree) -> None:
    assert host.hypervisor(tree(files)) == kind


def test_a_platform_from_its_files(tree: Tree) -> None:
    root = tree(
        {
            "etc/os-release": 'NAME="Ubuntu"\nID=ubuntu\nVERSION_ID="24.04"\n',
            "etc/nv_tegra_release": "# R36 (release), REVISION: 4.0\n# more",
            "proc/self/status": "Name:\tpython\nSeccomp:\t2\n",
            "sys/fs/selinux/enforce": "1",
            "sys/power/suspend_stats/success": "3",
            host.SECURE_BOOT: "\x06\x00\x00\x00\x01",
        }
    )
    found = host.read_platform(root, {"COLAB_GPU": "1"}, "Linux")
    assert (found.distribution, found.distribution_version) == ("ubuntu", "24.04")
    assert found.jetson == "# R36 (release), REVISION: 4.0"
    assert (found.seccomp, found.selinux_enforcing, found.resumed) == (2, True, True)
    assert (found.secure_boot, found.hosted) == (True, "colab")
    assert found.kernel_messages is None


def test_a_platform_without_any_file(tmp_path: Path) -> None:
    found = host.read_platform(tmp_path, {}, "Linux")
    assert (found.secure_boot, found.selinux_enforcing, found.seccomp) == (None, None, None)
    assert (found.resumed, found.distribution, found.container) == (None, "", "")
    assert {each.what for each in host.detect(tmp_path, {}).unseen} == {"/proc", "/sys"}


@pytest.mark.parametrize(("content", "on"), [(b"\6\0\0\0\0", False), (b"\6\0", None)])
def test_secure_boot_that_is_off_or_damaged(content: bytes, on: object, tmp_path: Path) -> None:
    path = tmp_path / host.SECURE_BOOT
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert host.secure_boot(tmp_path) is on


def test_messages_of_the_kernel_that_matter() -> None:
    records = [
        "6,1,1000000,-;NVRM: Xid (PCI:0000:01:00): 13, long ago",
        "6,2,9000000000,-;NVRM: Xid (PCI:0000:01:00): 79, lost\n SUBSYSTEM=pci",
        "6,3,9000000001,-;usb 1-1: new device",
        "3,4,9000000002,-;Out of memory: Killed process 42 (python)",
        "garbage",
    ]
    assert interesting(records, now_seconds=9001.0) == (
        "NVRM: Xid (PCI:0000:01:00): 79, lost",
        "Out of memory: Killed process 42 (python)",
    )


def test_a_log_that_is_not_there_is_no_empty_one(tmp_path: Path) -> None:
    assert read_messages(tmp_path) is None


def test_apple_silicon() -> None:
    values = {"machdep.cpu.brand_string": b"Apple M3\0"}
    found = apple.read_apple(values.__getitem__, "15.1")
    assert found
    assert (found.chip, found.macos) == ("Apple M3", "15.1")
    assert apple.read_apple(lambda _: b"Intel(R) Core(TM) i7\0", "15.1") is None
    assert apple.is_translated("Darwin", lambda _: b"\1\0\0\0")
    assert not apple.is_translated("Darwin", lambda _: b"")
    assert not apple.is_translated("Linux")
