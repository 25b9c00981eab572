from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from envdoctor.detect import amd, libraries, nvidia, pci, tools, tpu
from envdoctor.detect.nvml_question import Answer, read_answer
from envdoctor.model.machine import Machine, Nvidia, NvidiaGpu

Tree = Callable[..., Path]
BUS = "sys/bus/pci/devices"


def device(address: str, vendor: str, number: str, kind: str, **more: str) -> dict[str, str]:
    values = {"vendor": vendor, "device": number, "class": kind, **more}
    return {f"{BUS}/{address}/{name}": f"{value}\n" for name, value in values.items()}


GPU = device(
    "0000:01:00.0",
    "0x10de",
    "0x2684",
    "0x030000",
    current_link_width="8",
    max_link_width="16",
    current_link_speed="2.5 GT/s PCIe",
    max_link_speed="Unknown",
    numa_node="-1",
)


def test_devices_of_the_bus(tree: Tree) -> None:
    disk = device("0000:00:01.0", "0x8086", "0x1", "0x010802")
    intel = device("0000:00:02.0", "0x8086", "0x56a0", "0x030000", max_link_width="255")
    root = tree({**GPU, **disk, **intel})
    driver = root / "sys/bus/pci/drivers/nvidia"
    driver.mkdir(parents=True)
    (root / BUS / "0000:01:00.0/driver").symlink_to(driver)
    found = pci.detect(root)
    first, second = found.pci
    assert (first.address, first.max_link_width, first.driver) == ("0000:00:02.0", None, "")
    assert (second.vendor, second.device, second.class_code) == (0x10DE, 0x2684, 0x030000)
    assert (second.driver, second.link_width, second.max_link_width) == ("nvidia", 8, 16)
    assert (second.link_speed, second.max_link_speed) == ("2.5 GT/s PCIe", "")
    assert second.numa_node == -1
    assert found.intel_gpus == ("0x56a0 (no driver)",)


@pytest.mark.parametrize(
    ("version", "name"),
    [(90402, "gfx942"), (90010, "gfx90a"), (110000, "gfx1100"), (100306, "gfx1036")],
)
def test_names_of_amd_architectures(version: int, name: str) -> None:
    assert amd.gfx_name(version) == name


def test_the_topology_of_amd(tree: Tree) -> None:
    node = f"{amd.TOPOLOGY}/1"
    root = tree(
        {
            f"{amd.TOPOLOGY}/0/properties": "cpu_cores_count 16\ngfx_target_version 0\n",
            f"{node}/properties": "simd_count 304\ngfx_target_version 90402\n",
            f"{node}/name": "ip discovery\n",
            f"{node}/mem_banks/0/properties": "heap_type 1\nsize_in_bytes 4096\n",
            f"{node}/mem_banks/1/properties": "heap_type 0\nsize_in_bytes 99\n",
            "dev/kfd": "",
            "dev/dri/renderD128": "",
            "opt/rocm/.info/version": "6.2.4-123\n",
        }
    )
    found = amd.read_amd(root, [44])
    assert found
    assert [(gpu.gfx, gpu.name, gpu.total_bytes) for gpu in found.gpus] == [("gfx942", "", 4096)]
    assert [each.path for each in found.nodes] == ["/dev/kfd", "/dev/dri/renderD128"]
    assert (found.groups, found.rocm_version) == ((44,), "6.2.4-123")


def test_tpu_chips_and_their_holder(tree: Tree) -> None:
    chip = device("0000:00:04.0", "0x1ae0", "0x0063", "0xff0000")
    network = device("0000:00:05.0", "0x1ae0", "0x0042", "0x020000")
    root = tree(
        {**chip, **network, "dev/vfio/0": "", "dev/vfio/vfio": "", "tmp/libtpu_lockfile": ""}
    )
    (root / "proc/4242/fd").mkdir(parents=True)
    (root / "proc/4242/fd/7").symlink_to("/dev/vfio/0")
    found = tpu.read_tpu(root)
    assert found
    assert (found.chips, found.lock_file, found.holder) == (1, True, 4242)
    assert [each.path for each in found.nodes] == ["/dev/vfio/0"]
    assert tpu.read_tpu(tree(network)) is None


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build",
            "580.65.06",
        ),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5", "550.54.15"),
        ("GCC version: gcc 12.3.0", ""),
        ("", ""),
    ],
)
def test_the_version_of_the_loaded_module(text: str, version: str) -> None:
    assert nvidia.driver_version(text) == version


def test_nvidias_files(tree: Tree) -> None:
    status = "Package: nvidia-driver-550\nStatus: install ok installed\nVersion: 1\n\n"
    status += "Package: nvidia-driver-535\nStatus: deinstall ok config-files\n\n"
    status += "Package: libnvidia-gl-550\nStatus: install ok installed\n"
    root = tree(
        {
            "dev/nvidia0": "",
            "dev/nvidia-nvswitch0": "",
            "dev/nvidia-caps/nvidia-cap1": "",
            "proc/12/comm": "nv-fabricmanage\n",
            "sys/module/nvidia/version": "1",
            "lib/modules/6.8/updates/dkms/nvidia.ko.zst": "",
            "lib/modules/6.9/kernel/x.ko": "",
            "usr/lib/libnvidia-ml.so.550.90.07": "",
            "var/lib/dpkg/status": status,
        }
    )
    (root / "usr/lib/libnvidia-ml.so.1").symlink_to("libnvidia-ml.so.550.90.07")
    found = nvidia.read_files(root, {})
    assert found
    assert [node.path for node in found.nodes] == ["/dev/nvidia-nvswitch0", "/dev/nvidia0"]
    assert (found.modules, found.built_for) == (("nvidia",), ("6.8",))
    assert found.library_version == "550.90.07"
    assert found.fabric_manager is True
    assert found.driver_packages == ("nvidia-driver-550",)


def test_a_bare_card_is_seen_and_nothing_is_asked(tree: Tree) -> None:
    def never(seconds: float) -> Answer:
        raise AssertionError("NVML was asked")

    found = nvidia.detect(tree(GPU), {}, never)
    assert found.nvidia == Nvidia()


def test_what_nvml_tells_joins_what_files_tell(tree: Tree) -> None:
    told = Nvidia(nvml_error=0, driver_version="580.1", gpus=(NvidiaGpu(index=0),))
    root = tree({"dev/nvidia0": ""})
    found = nvidia.detect(root, {}, lambda seconds: Answer(told))
    assert found.nvidia
    assert (found.nvidia.driver_version, len(found.nvidia.nodes)) == ("580.1", 1)
    hung = nvidia.detect(root, {}, lambda seconds: Answer(Nvidia(nvml_timed_out=True), "late"))
    assert hung.nvidia
    assert hung.nvidia.nvml_timed_out
    assert [(each.what, each.reason) for each in hung.unseen] == [("NVML", "late")]
    assert nvidia.detect(tree({"x": ""}), {}) == Machine()


def test_answers_of_the_child() -> None:
    assert read_answer(b'{"nvml_error":18}', 0).nvidia.nvml_error == 18
    assert "SIGKILL" in read_answer(b"", -9).reason
    assert "exit code 1" in read_answer(b"", 1).reason
    assert "signal 63" in read_answer(b"", -63).reason or "SIG" in read_answer(b"", -63).reason


def _cache(*entries: tuple[int, str, str]) -> bytes:
    table, strings = b"", b""
    start = libraries.HEADER_BYTES + len(entries) * libraries.ENTRY.size
    for flags, name, path in entries:
        key = start + len(strings)
        strings += name.encode() + b"\0"
        value = start + len(strings)
        strings += path.encode() + b"\0"
        table += libraries.ENTRY.pack(flags, key, value, 0, 0)
    head = libraries.MAGIC + struct.pack("<II", len(entries), len(strings))
    return head.ljust(libraries.HEADER_BYTES, b"\0") + table + strings


def test_the_loaders_cache() -> None:
    cache = _cache(
        (0x0303, "libcuda.so.1", "/a/libcuda.so.1"),
        (0x0003, "libcuda.so.1", "/i386/libcuda.so.1"),
        (0x0303, "libcuda.so", "/a/libcuda.so"),
    )
    for content in (cache, b"ld.so-1.7.0".ljust(64, b"\0") + cache):
        assert libraries.cached_paths(content, "libcuda.so.1", "x86_64") == ["/a/libcuda.so.1"]
    assert len(libraries.cached_paths(cache, "libcuda.so.1", "riscv64")) == 2


@pytest.mark.parametrize(
    "damaged", [b"", b"nonsense libcuda.so.1", libraries.MAGIC + b"libcuda.so.1"]
)
def test_a_cache_of_another_format(damaged: bytes) -> None:
    assert libraries.cached_paths(damaged, "libcuda.so.1", "x86_64") == []


def test_a_cache_whose_count_lies() -> None:
    cache = bytearray(_cache((0x0303, "libcuda.so.1", "/a/libcuda.so.1")))
    cache[20:24] = struct.pack("<I", 1 << 30)
    assert libraries.cached_paths(bytes(cache), "libcuda.so.1", "x86_64") is not None


def test_the_order_of_the_loader(tree: Tree) -> None:
    root = tree(
        {"opt/x/libcuda.so.1": "", "usr/lib/libcuda.so.1": "", "usr/lib/wsl/lib/libcuda.so.1": ""}
    )
    (root / "lib").symlink_to("usr/lib")
    found = libraries.find_libraries(
        "libcuda.so.1", root, {"LD_LIBRARY_PATH": ":/gone:/opt/x:"}, nvidia.WSL_FOLDERS
    )
    assert [(each.path, each.origin) for each in found] == [
        ("/opt/x/libcuda.so.1", "LD_LIBRARY_PATH"),
        ("/lib/libcuda.so.1", "default folder"),
        ("/usr/lib/wsl/lib/libcuda.so.1", "WSL folder"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "version"),
    [
        ("version.json", '{"cuda": {"name": "CUDA SDK", "version": "12.4.1"}}', "12.4.1"),
        ("version.json", "{", ""),
        ("version.json", "[]", ""),
        ("version.txt", "CUDA Version 10.2.89", "10.2.89"),
        ("include/cuda.h", "#define CUDA_VERSION 13000\n", "13.0"),
    ],
)
def test_versions_of_toolkits(name: str, content: str, version: str, tree: Tree) -> None:
    assert tools.toolkit_version(tree({name: content})) == version


def test_the_order_of_toolkits(tree: Tree) -> None:
    root = tree(
        {"usr/local/cuda/bin/nvcc": "", "usr/local/cuda/version.txt": "CUDA Version 11.8.0"}
    )
    found = tools.find_toolkits(root, {"CUDA_HOME": "/gone"}, "")
    assert [(each.version, each.origin) for each in found] == [
        ("", "CUDA_HOME"),
        ("11.8.0", "/usr/local/cuda"),
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_file_that_may_not_be_opened(tree: Tree) -> None:
    root = tree({"dev/nvidia0": ""})
    (root / "dev/nvidia0").chmod(0)
    found = nvidia.read_files(root, {})
    assert found
    assert not found.nodes[0].readable
