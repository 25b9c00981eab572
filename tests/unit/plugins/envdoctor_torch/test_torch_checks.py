from __future__ import annotations

import pytest

from envdoctor.model.environment import Distribution, Tool
from envdoctor.model.finding import Finding
from envdoctor.model.machine import Apple, DeviceNode, Library, PciDevice, Platform
from envdoctor.model.outcome import Outcome
from envdoctor.model.snapshot import ProbeResult, ProbeStep

CPU, OLD, DEFAULT = (
    "torch-cpu-wheel-on-gpu-host",
    "driver-too-old-for-cuda-runtime",
    "torch-default-wheel-cuda13-on-12x-driver",
)
ARCHITECTURE, LIBRARIES = "gpu-arch-not-in-wheel", "ld-library-path-hijacks-cuda"


@pytest.fixture
def case(made):
    """A snapshot with torch and one GPU."""

    def make(version="2.13.0", cuda=None, driver="580.95.05", capability="8.9", **more):
        gpus = more.pop("gpus", None) or (made.gpu(compute_capability=capability),)
        torch = made.framework(
            "torch",
            version,
            cuda=cuda,
            rocm=more.pop("rocm", None),
            details=more.pop("details", {}),
        )
        machine = {"nvidia": made.nvidia(driver, gpus=gpus), **more.pop("machine", {})}
        probes = more.pop("probes", None)
        installed = {"torch": version, **more.pop("installed", {})}
        return made.snapshot(
            machine=made.machine(**machine),
            environment=made.environment(installed, frameworks={"torch": torch}, **more),
            probes=probes,
        )

    return make


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1
    return findings[0]


def test_cpu_wheel(run, case):
    finding = only(run(CPU, case("2.13.0+cpu", installed={"torchvision": "0.28.0+cpu"})))
    assert finding.status == "fail"
    assert "2.13.0+cpu" in finding.evidence[0].fact
    command = finding.remedies[0].command
    assert "-m pip install --force-reinstall" in command
    assert "https://download.pytorch.org/whl/cu130 torch==2.13.0 'torchvision==0.28.*'" in command
    assert "torch.cuda.is_available()" in finding.verify


def test_cpu_wheel_by_uv(run, case):
    found = case("2.13.0+cpu", driver="560.35.03")
    environment = found.environment
    without_pip = {k: v for k, v in environment.distributions.items() if k != "pip"}
    tools = (Tool(name="uv", path="/usr/bin/uv"),)
    from msgspec.structs import replace

    environment = replace(environment, distributions=without_pip, tools=tools)
    command = only(run(CPU, replace(found, environment=environment))).remedies[0].command
    assert command.startswith("uv pip install --python /home/ada/venv/bin/python")
    assert "--torch-backend=cu126" in command


def test_cpu_wheel_by_conda(run, case):
    torch = Distribution(name="torch", version="2.9.0", installer="conda")
    command = only(run(CPU, case("2.9.0", installed={"torch": torch}))).remedies[0].command
    assert command.startswith("conda install -p /home/ada/venv")
    assert "pip" not in command


def test_cpu_wheel_with_a_gpu_on_the_bus_only(run, made, case):
    pci = (PciDevice(address="0000:01:00.0", vendor=0x10DE, device=0x2684, class_code=0x030000),)
    finding = only(run(CPU, case("2.13.0+cpu", machine={"nvidia": None, "pci": pci})))
    assert not finding.remedies[0].command
    contained = Platform(system="Linux", container="docker")
    inside = {"nvidia": None, "pci": pci, "platform": contained}
    assert run(CPU, case("2.13.0+cpu", machine=inside)) == []
    given = made.nvidia(
        gpus=(), nodes=(DeviceNode(path="/dev/nvidia0", readable=True, writable=True),)
    )
    assert run(CPU, case("2.13.0+cpu", machine={**inside, "nvidia": given}))


def test_cpu_wheel_that_cannot_be_read(run, case):
    finding = only(run(CPU, case(details={"unreadable": "/site/torch/version.py"})))
    assert finding.status == "error"


@pytest.mark.parametrize(
    "healthy",
    [
        {"cuda": "13.0"},
        {"rocm": "6.4"},
        {"machine": {"nvidia": None}},
        {"capability": "3.0"},
        {"machine": {"platform": Platform(system="Linux", jetson="# R36")}},
        {"details": {"xpu": "20250101"}},
    ],
)
def test_no_cpu_wheel(run, case, healthy):
    assert run(CPU, case(**healthy)) == []


def test_old_driver(run, case):
    finding = only(run(OLD, case("2.6.0", cuda="12.4", driver="470.82.01")))
    assert (finding.status, finding.subject) == ("fail", "torch")
    assert "525.60.13" in finding.evidence[2].fact
    assert "/whl/cu118" in finding.remedies[0].command


@pytest.mark.parametrize("driver", ["525.60.13", "999.1", ""])
def test_driver_that_is_new_enough_or_unknown(run, case, driver):
    assert run(OLD, case("2.6.0", cuda="12.4", driver=driver)) == []


def test_unknown_cuda_is_no_fault(run, case):
    assert run(OLD, case("3.0.0", cuda="15.1")) == []


def test_forward_compatibility_is_no_fault(run, made, case):
    compat = (Library(soname="libcuda.so.1", path="/usr/local/cuda-13.0/compat/libcuda.so.1"),)
    nvidia = made.nvidia("550.54.15", cuda_libraries=compat)
    assert run(OLD, case(cuda="13.0", machine={"nvidia": nvidia})) == []


def test_default_wheel(run, case):
    finding = only(run(DEFAULT, case("2.11.0", cuda="13.0", driver="570.86.15")))
    assert "570.86.15" in finding.evidence[1].fact
    assert "/whl/cu12" in finding.remedies[0].command
    assert finding.remedies[-1].needs_root


@pytest.mark.parametrize(
    "healthy",
    [
        {"version": "2.11.0", "cuda": "13.0", "driver": "580.65.06"},
        {"version": "2.11.0", "cuda": "12.6", "driver": "570.86.15"},
        {"version": "2.11.0", "cuda": "13.0", "driver": "450.1"},
        {"version": "2.10.0", "cuda": "13.0", "driver": "570.86.15"},
    ],
)
def test_no_default_wheel(run, case, healthy):
    assert run(DEFAULT, case(**healthy)) == []


def test_the_special_case_hides_the_general_one(made):
    assert OLD in made.find_check(DEFAULT).hides


def test_missing_architecture(run, case):
    finding = only(run(ARCHITECTURE, case("2.9.1", cuda="12.6", capability="12.0")))
    assert (finding.status, "12.0" in finding.evidence[0].fact) == ("fail", True)
    assert "/whl/cu12" in finding.remedies[0].command
    assert "/whl/cu126" not in finding.remedies[0].command


def test_missing_architecture_of_one_of_two(run, made, case):
    gpus = (made.gpu(), made.gpu("Quadro P2000", index=1, compute_capability="6.1"))
    finding = only(run(ARCHITECTURE, case("2.13.0", cuda="13.0", gpus=gpus)))
    assert finding.status == "warn"
    assert "Quadro P2000" in finding.evidence[0].fact
    assert "4090" not in finding.evidence[0].fact


def test_what_the_probe_says_counts_more(run, case):
    def probed(said):
        details = {"architectures": said}
        return (
            ProbeResult(
                framework="torch", device="cpu", outcome=Outcome(status="ok"), details=details
            ),
        )

    assert run(ARCHITECTURE, case(cuda="13.0", probes=probed("sm_90 compute_90"))) != []
    assert run(ARCHITECTURE, case(cuda="13.0", probes=probed("sm_80"))) == []
    assert run(ARCHITECTURE, case(cuda="13.0", probes=probed("sm_75 compute_80"))) == []


@pytest.mark.parametrize("capability", ["8.9", "7.5", "", "99.0"])
def test_no_missing_architecture(run, case, capability):
    assert run(ARCHITECTURE, case("2.13.0", cuda="13.0", capability=capability)) == []


def test_jetson(run, case):
    orin = Platform(system="Linux", architecture="aarch64", jetson="# R36 (release)")
    machine = {"platform": orin, "nvidia": None}
    assert only(run("jetson-generic-wheel", case(machine=machine))).status == "fail"
    assert run("jetson-generic-wheel", case(cuda="12.6", machine=machine)) == []


def library_path(real):
    return {"library path": f"/usr/local/cuda/lib64/libcusparse.so.12 {real}"}


@pytest.mark.parametrize(
    ("real", "status"),
    [
        ("libcusparse.so.12.1.0.106", "warn"),
        ("libcusparse.so.12.3.1.170", "info"),
        ("libcusparse.so.12.5", "info"),
        ("libcusparse.so.12", "info"),
    ],
)
def test_libraries_in_the_way(run, case, real, status):
    installed = {"nvidia-cusparse-cu12": "12.3.1.170"}
    finding = only(
        run(LIBRARIES, case(cuda="12.4", details=library_path(real), installed=installed))
    )
    assert finding.status == status
    assert "/usr/local/cuda/lib64/libcusparse.so.12" in finding.evidence[0].fact
    assert finding.remedies[0].command == "unset LD_LIBRARY_PATH"


@pytest.mark.parametrize("installed", [{}, {"nvidia-cusparse-cu11": "11.7.5.86"}])
def test_libraries_that_no_wheel_brings(run, case, installed):
    details = library_path("libcusparse.so.12.1.0.106")
    assert run(LIBRARIES, case(details=details, installed=installed)) == []


def test_preallocation(run, made):
    frameworks = {
        "torch": made.framework("torch", "2.13.0", cuda="13.0"),
        "jax": made.framework("jax", "0.10.2", cuda="13"),
    }

    def found(**fields):
        return run(
            "framework-preallocates-gpu",
            made.snapshot(
                machine=made.machine(nvidia=made.nvidia()),
                environment=made.environment(frameworks=frameworks, **fields),
            ),
        )

    finding = only(found())
    assert finding.status == "info"
    assert "XLA_PYTHON_CLIENT_PREALLOCATE=false" in finding.remedies[0].command
    assert found(variables={"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}) == []
    assert found(variables={"XLA_PYTHON_CLIENT_MEM_FRACTION": ".4"}) == []


def test_advice_is_no_warning(run, case):
    assert only(run("fork-with-cuda", case(cuda="13.0"))).status == "info"
    assert run("fork-with-cuda", case(cuda="13.0", python="3.14.0")) == []
    assert run("fork-with-cuda", case()) == []
    apple = {"apple": Apple(chip="M3"), "nvidia": None}
    assert only(run("mps-op-fallback", case(machine=apple))).status == "info"
    variables = {"PYTORCH_ENABLE_MPS_FALLBACK": "1"}
    assert run("mps-op-fallback", case(machine=apple, variables=variables)) == []


def failed_probe(framework, said):
    """A probe that ended at the import, with what Python said."""
    step = ProbeStep(name="import", passed=False, message=said)
    outcome = Outcome(status="failed", reason=said)
    return ProbeResult(framework=framework, device="", outcome=outcome, steps=(step,))


LOST_DLL = 'OSError: [WinError 126] Error loading "C:\\torch\\lib\\fbgemm.dll"'


def test_missing_dll(run, case):
    result = failed_probe("torch", LOST_DLL)
    finding = only(run("windows-dll-load", case(probes=(result,))))
    assert "fbgemm" in finding.evidence[0].fact
    assert run("windows-dll-load", case()) == []


@pytest.mark.parametrize(
    ("framework", "said"),
    [
        ("torch", "OSError: libcudart.so.12: cannot open shared object file"),
        ("torch", "OSError: [WinError 5] Access is denied"),
        ("tensorflow", LOST_DLL),  # its own plugin knows better what is missing there
    ],
)
def test_another_failure_is_no_missing_dll(run, case, framework, said):
    assert run("windows-dll-load", case(probes=(failed_probe(framework, said),))) == []
