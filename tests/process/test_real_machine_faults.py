"""Machines with real faults: mounts in a namespace, limits and variables."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest

from envdoctor.detect.cgroup import cpu_quota

SUPPORT = runpy.run_path(str(Path(__file__).parents[1] / "support" / "patients.py"))
ROOT_OF_ITS_OWN = """
mount -t tmpfs none {root}
for each in /*; do
    if [ -L "$each" ]; then cp -P "$each" {root}; fi
    if [ -d "$each" ] && [ ! -L "$each" ]; then
        mkdir {root}"$each"
        mount --rbind "$each" {root}"$each"
    fi
done
set -- chroot {root} "$@"
"""
"""Leaves files such as /.dockerenv behind, by which a container is known."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these are faults of Linux")


@pytest.fixture(autouse=True)
def _quiet(tmp_path, monkeypatch):
    SUPPORT["quiet"](monkeypatch, tmp_path / "home")


@pytest.fixture
def patient(tmp_path):
    return SUPPORT["Patient"](tmp_path / "sick")


@pytest.fixture
def found(plugins, patient):
    """What a check finds here, in this process."""
    return lambda check_id: patient.diagnose(plugins, check_id)


@pytest.fixture
def check(patient, target_of):
    """Run one check behind a command; the target of its report."""

    def call(check_id, *before, **variables):
        return target_of(patient.python, "--only", check_id, before=before, **variables)

    return call


@pytest.fixture
def mounted(namespace, check):
    """Run `envdoctor check` where lines of shell have mounted something."""

    def call(check_id, *lines, **variables):
        script = "\n".join(["set -e", *lines, 'exec "$@"'])
        return check(check_id, *namespace, "sh", "-c", script, "sh", **variables)

    return call


def over(place, folder):
    """The line of shell that puts a folder or a file in the place of another."""
    return f"mount --bind {shlex.quote(str(folder))} {place}"


def test_little_shared_memory(patient, mounted):
    patient.install_torch("2.9.1", None)

    def findings(size):
        line = f"mount -t tmpfs -o size={size} none /dev/shm"
        return mounted("shm-too-small", line, container="podman")["findings"]

    assert findings("2g") == []
    (finding,) = findings("64m")
    assert (finding["status"], finding["evidence"][0]["fact"]) == ("warn", "64 MiB")


def groups(folder, *, quota="max", limit="max", kills=0):
    """Control groups of both versions that say this; the line of shell that mounts them."""
    unlimited = {"max": "-1"}
    files = {
        "cpu.max": f"{quota} 100000",
        "memory.max": limit,
        "memory.events": f"low 0\noom_kill {kills}",
        "cpu/cpu.cfs_quota_us": unlimited.get(quota, quota),
        "cpu/cpu.cfs_period_us": "100000",
        "memory/memory.limit_in_bytes": unlimited.get(limit, limit),
        "memory/memory.oom_control": f"under_oom 0\noom_kill {kills}",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{text}\n")
    return over("/sys/fs/cgroup", folder)


@pytest.fixture
def all_cpus():
    """Every CPU of the machine: tests that run side by side are given one each."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count()))
    yield
    os.sched_setaffinity(0, mine)


@pytest.mark.usefixtures("all_cpus")
def test_a_quota_of_fewer_cpus_than_are_visible(patient, mounted, tmp_path):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("there is only one CPU to share")
    patient.install_all("numpy 2.4.6")
    check_id = "cgroup-cpu-quota-oversubscription"
    assert mounted(check_id, groups(tmp_path / "sound"))["findings"] == []
    (finding,) = mounted(check_id, groups(tmp_path / "tight", quota="100000"))["findings"]
    assert finding["status"] == "warn"
    assert finding["evidence"][0]["fact"] == "the quota is 1 CPUs"


def test_processes_that_were_killed_for_want_of_memory(mounted, tmp_path):
    check_id, log = (
        "out-of-memory-cgroup-limit",
        "[ ! -e /dev/kmsg ] || mount --bind /dev/null /dev/kmsg",
    )
    limit = str(1 << 26)
    assert mounted(check_id, log, groups(tmp_path / "sound", limit=limit))["findings"] == []
    tight = groups(tmp_path / "tight", limit=limit, kills=2)
    (finding,) = mounted(check_id, log, tight)["findings"]
    assert finding["status"] == "warn"
    assert finding["evidence"][0]["fact"] == "2 processes were killed"


@pytest.mark.parametrize(
    ("variable", "options", "subject"),
    [
        ("XDG_CACHE_HOME", "size=1m", "space"),
        ("XDG_CACHE_HOME", "size=2g,ro", "rights"),
        ("TMPDIR", "size=2g,noexec", "noexec"),
    ],
)
def test_a_folder_that_cannot_be_used(variable, options, subject, patient, mounted, tmp_path):
    patient.install_torch("2.9.1", None)
    folder = tmp_path / "folder"
    folder.mkdir()

    def findings(options):
        line = f"mount -t tmpfs -o {options} none {shlex.quote(str(folder))}"
        target = mounted("disk-or-cache-not-writable", line, **{variable: str(folder)})
        return [each for each in target["findings"] if str(folder) in each["evidence"][0]["fact"]]

    assert findings("size=2g") == []
    (finding,) = findings(options)
    assert (finding["subject"], finding["status"]) == (subject, "warn")
    assert finding["remedies"][0]["command"].startswith(f"export {variable}=")


def test_a_processor_without_avx(patient, mounted, tmp_path):
    told = Path("/proc/cpuinfo").read_text()
    if not re.search(r"^flags\s*:.*\bavx\b", told, re.MULTILINE):
        pytest.skip("this processor has no AVX to take away")
    patient.install_all("tensorflow 2.20.0")
    (tmp_path / "same").write_text(told)
    (tmp_path / "poor").write_text(re.sub(r"\b(avx\w*|fma|f16c)\b ?", "", told))
    assert mounted("cpu-lacks-avx", over("/proc/cpuinfo", tmp_path / "same"))["findings"] == []
    (finding,) = mounted("cpu-lacks-avx", over("/proc/cpuinfo", tmp_path / "poor"))["findings"]
    assert finding["status"] == "fail"


def test_cpus_that_save_power(mounted, tmp_path):
    governor = tmp_path / "cpufreq/policy0/scaling_governor"
    governor.parent.mkdir(parents=True)
    line = over("/sys/devices/system/cpu", tmp_path)
    governor.write_text("performance\n")
    assert mounted("cpu-governor-powersave", line)["findings"] == []
    governor.write_text("powersave\n")
    (finding,) = mounted("cpu-governor-powersave", line)["findings"]
    assert finding["evidence"][0]["fact"] == "governors: powersave"


@pytest.mark.parametrize(
    ("check_id", "driver", "container"),
    [
        ("container-no-gpu-runtime", "nvidia", "podman"),
        ("nouveau-driver-active", "nouveau", ""),
        ("nvidia-kernel-module-not-loaded", "", ""),
    ],
)
def test_a_card_that_nvidia_does_not_drive(check_id, driver, container, patient, mounted, tmp_path):
    if Path("/proc/driver/nvidia").exists():
        pytest.skip("a driver of NVIDIA is loaded here")
    patient.install_torch("2.9.1+cu128", "12.8")
    card, root = tmp_path / "bus/0000:01:00.0", tmp_path / "root"
    for folder in (card, root, tmp_path / driver, tmp_path / "modules"):
        folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"class": "0x030000", "device": "0x2684", "numa_node": "-1"}.items():
        (card / name).write_text(f"{text}\n")
    if driver:
        (card / "driver").symlink_to(tmp_path / driver)
    lines = [over("/sys/bus/pci/devices", card.parent), over("/sys/module", tmp_path / "modules")]
    if not container:
        lines.append(ROOT_OF_ITS_OWN.format(root=shlex.quote(str(root))))

    def findings(vendor):
        (card / "vendor").write_text(vendor)
        target = mounted(check_id, *lines, container=container)
        if target["snapshot"]["machine"]["platform"]["container"] and not container:
            pytest.skip("it shows that this is a container, where drivers are not judged")
        return target["findings"]

    assert findings("0x8086") == []
    (finding,) = findings("0x10de")
    assert finding["status"] == ("warn" if container else "fail")
    fact = finding["evidence"][0]["fact"]
    assert "0x2684 at 0000:01:00.0" in fact
    assert container or fact.endswith(f"driver: {driver or 'none'}")


def test_few_open_files(check):
    def findings(count):
        line = f'ulimit -S -n {count} && exec "$@"'
        target = check("ulimit-too-low", "sh", "-c", line, "sh")
        return [each for each in target["findings"] if each["subject"] == "open files"]

    assert findings(1024) == []
    (finding,) = findings(256)
    assert finding["title"] == "A process may have only 256 open files"


@pytest.mark.usefixtures("all_cpus")
def test_one_thread_for_several_cpus(patient, found, monkeypatch):
    if min(len(os.sched_getaffinity(0)), cpu_quota() or 2) < 2:
        pytest.skip("there is only one CPU to use")
    patient.install_torch("2.9.1", None)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert found("omp-threads-one") == []
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (finding,) = found("omp-threads-one")
    assert finding.status == "info"


def test_more_threads_than_cpus(found, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert found("omp-threads-exceed-budget") == []
    monkeypatch.setenv("OMP_NUM_THREADS", "5000")
    (finding,) = found("omp-threads-exceed-budget")
    assert "5000 threads" in finding.title


def test_certificates_and_proxies_that_are_none(found, tmp_path, monkeypatch):
    certificates = tmp_path / "ca.pem"
    certificates.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates))
    monkeypatch.setenv("https_proxy", "http://ada:secret@proxy.example:3128")
    assert found("ssl-or-proxy") == []
    certificates.unlink()
    monkeypatch.setenv("https_proxy", "proxy example 3128")
    subjects = {each.subject for each in found("ssl-or-proxy")}
    assert subjects == {"SSL_CERT_FILE", "https_proxy"}
