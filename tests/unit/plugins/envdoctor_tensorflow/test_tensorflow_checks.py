from __future__ import annotations

import pytest

from envdoctor.model.machine import Platform
from envdoctor.model.outcome import OK
from envdoctor.model.snapshot import ProbeResult

CUDA, DEVICE = "tf-cannot-find-cuda", "missing-libdevice-or-ptxas"
WINDOWS = "tf-native-windows-gpu-unsupported"
BUILD = {"cuda build": "yes", "distribution": "tensorflow"}
LIBRARIES = {"nvidia-cudnn-cu12": "9.3.0.75", "nvidia-cublas-cu12": "12.5.3.2"}


@pytest.fixture
def case(made):
    def make(version="2.21.0", installed=None, platform=None, nvidia="yes", probes=None, **fields):
        fields = {"cuda": "12.5.1", "cudnn": "9", "details": BUILD, **fields}
        tensorflow = made.framework("tensorflow", version, **fields)
        machine = {"nvidia": made.nvidia() if nvidia else None}
        if platform is not None:
            machine["platform"] = platform
        return made.snapshot(
            machine=made.machine(**machine),
            environment=made.environment(
                {"tensorflow": version, **(installed or {})},
                frameworks={"tensorflow": tensorflow},
            ),
            probes=probes,
        )

    return make


def test_missing_cuda(run, case):
    (finding,) = run(CUDA, case())
    assert finding.status == "fail"
    assert "nvidia-cudnn-cu12" in finding.evidence[1].fact
    assert finding.remedies[0].command.endswith("-m pip install 'tensorflow[and-cuda]==2.21.0'")


def test_an_old_release_has_no_such_extra(run, case):
    (finding,) = run(CUDA, case("2.12.0", cuda="11.8", cudnn="8"))
    assert not finding.remedies[0].command


@pytest.mark.parametrize(
    "healthy",
    [
        {"installed": LIBRARIES},
        {"nvidia": None},
        {"details": {**BUILD, "system cudnn": "/usr/lib/libcudnn.so.9"}},
        {"cuda": None, "details": {"cuda build": "no", "distribution": "tensorflow"}},
        {"platform": Platform(system="Windows")},
    ],
)
def test_no_missing_cuda(run, case, healthy):
    assert run(CUDA, case(**healthy)) == []


def test_who_took_the_build_for_the_cpu_has_chosen(run, case):
    details = {"cuda build": "no", "distribution": "tensorflow-cpu"}
    (finding,) = run(CUDA, case(cuda=None, details=details))
    assert finding.status == "info"
    assert "uninstall -y tensorflow-cpu" in finding.remedies[0].command


def test_what_cannot_be_read(run, case):
    (finding,) = run(CUDA, case(cuda=None, details={"unreadable": "/x/build_info.py"}))
    assert finding.status == "error"


def test_windows(run, case):
    windows = Platform(system="Windows", architecture="AMD64")
    (finding,) = run(WINDOWS, case(platform=windows, cuda=None))
    assert finding.status == "warn"
    assert run(WINDOWS, case("2.10.1", platform=windows)) == []
    assert run(WINDOWS, case(platform=windows, nvidia=None)) == []
    assert run(WINDOWS, case()) == []


def test_missing_libdevice(run, case):
    (finding,) = run(DEVICE, case(installed=LIBRARIES))
    assert finding.status == "warn"
    assert finding.remedies[0].command.endswith("install nvidia-cuda-nvcc-cu12")
    assert run(DEVICE, case(installed={"nvidia-cuda-nvcc-cu12": "12.5.82"})) == []
    assert run(DEVICE, case(details={**BUILD, "libdevice": "/usr/local/cuda/x.bc"})) == []
    assert run(DEVICE, case(nvidia=None)) == []


def test_linux_on_arm(run, case):
    arm = Platform(system="Linux", architecture="aarch64")
    (finding,) = run("tf-aarch64-third-party", case(platform=arm, cuda=None))
    assert finding.status == "info"
    # Only the plain build comes from somebody else: neither that for CUDA, nor any on x86.
    assert run("tf-aarch64-third-party", case(platform=arm)) == []
    assert run("tf-aarch64-third-party", case(cuda=None)) == []


NEAREST = {
    "numa-node-negative": "could not open file to read NUMA node: /sys/bus/pci/devices/x/numa_node",
    "xla-factory-noise": "W0000 Cannot dlopen some GPU libraries. Please make sure they are there.",
}
"""Other lines of TensorFlow on the same matter, which the explanation does not fit."""


@pytest.mark.parametrize(
    ("check", "line"),
    [
        (
            "numa-node-negative",
            "I0000 successful NUMA node read from SysFS had negative value (-1), but",
        ),
        (
            "xla-factory-noise",
            (
                "E0000 Unable to register cuDNN factory: Attempting to register factory for plugin "
                "cuDNN when one has already been registered"
            ),
        ),
    ],
)
def test_harmless_noise(run, case, check, line):
    def logged(text):
        return (ProbeResult(framework="tensorflow", device="cpu", outcome=OK, output_tail=text),)

    (finding,) = run(check, case(probes=logged(f"first\n{line}\nlast")))
    assert (finding.status, finding.evidence[0].fact) == ("info", line)
    for other in ("all is well", NEAREST[check]):
        assert run(check, case(probes=logged(other))) == []
    assert run(check, case()) == []
