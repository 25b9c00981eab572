from __future__ import annotations

import pytest

from envdoctor.checks.probe_causes import BY_TEXT
from envdoctor.model.environment import Requirement
from envdoctor.model.machine import HostMemory, Processor
from envdoctor.model.outcome import OK, Outcome
from envdoctor.model.snapshot import ProbeResult, ProbeStep

TEXTS = {
    "OMP: Error #15: Initializing libiomp5.so": "duplicate-openmp-runtime",
    "ImportError: libcusparse.so.12: undefined symbol: __nvJitLinkComplete_12_4": (
        "ld-library-path-hijacks-cuda"
    ),
    "libstdc++.so.6: version `GLIBCXX_3.4.29' not found": "glibcxx-too-old",
    "/lib64/libc.so.6: version `GLIBC_2.28' not found": "glibc-too-old",
    "AttributeError: _ARRAY_API not found": "numpy2-abi-break",
    "in mindspore/ops/auto_generate: A module that was compiled using NumPy 1.x cannot": (
        "mindspore-numpy-2"
    ),
    "RuntimeError: operator torchvision::nms does not exist": "torchvision-torch-mismatch",
    "TypeError: Descriptors cannot be created directly.": "protobuf-generated-code-mismatch",
    "OSError: [WinError 126] The specified module": "windows-dll-load",
    "libgomp: cannot allocate memory in static TLS block": "static-tls-exhausted",
    "AttributeError: partially initialized module 'torch'": "local-file-shadows-module",
    "jaxlib version 2 is newer than and incompatible with jax version 1": "jax-jaxlib-mismatch",
    "Mismatched PJRT plugin PJRT API version (0.54)": "jax-plugin-version-mismatch",
    "libdevice not found at ./libdevice.10.bc": "missing-libdevice-or-ptxas",
    "Cannot dlopen some GPU libraries. Please": "tf-cannot-find-cuda",
    "The NVIDIA driver on your system is too old (found version 11040)": (
        "driver-too-old-for-cuda-runtime"
    ),
    "CUDA error: all CUDA-capable devices are busy or unavailable": "gpu-exclusive-compute-mode",
    "CUDA error: no kernel image is available for execution": "gpu-arch-not-in-wheel",
    "Error 802: system not yet initialized": "fabric-manager-missing",
    "Error 803: system has unsupported display driver / cuda driver combination": (
        "nvml-driver-library-mismatch"
    ),
    "Error 804: forward compatibility was attempted": "cuda-compat-on-geforce",
    "CUDA unknown error - this may be due to": "cuda-broken-after-suspend",
    "RuntimeError: No CUDA GPUs... Error 100: no CUDA-capable device is detected": (
        "cuda-visible-devices-hides-gpus"
    ),
    "RuntimeError: HIP error: invalid device function": "rocm-wheel-lacks-gfx",
    "torch.OutOfMemoryError: CUDA out of memory.": "gpu-memory-held-by-other-process",
    "ImportError: libcudart.so.12: cannot open shared object file": (
        "broken-install-record-mismatch"
    ),
    "ModuleNotFoundError: No module named 'torch._C'": "broken-install-record-mismatch",
}


def result(status, code=None, framework="torch", device="cpu", **fields):
    outcome = Outcome(status=status, reason=fields.pop("reason", "it ended"))
    return ProbeResult(
        framework=framework, device=device, outcome=outcome, exit_code=code, **fields
    )


@pytest.fixture
def case(snapshot, environment):
    def make(*probes, installed=None, **more):
        found = environment({"torch": "2.13.0", **(installed or {})})
        return snapshot(environment=found, probes=probes, **more)

    return make


@pytest.mark.parametrize(("said", "cause"), TEXTS.items())
def test_known_last_words(run, case, said, cause):
    step = ProbeStep(name="import", passed=False, message=said)
    (finding,) = run("probe-failed", case(result("failed", reason=said, steps=(step,), device="")))
    assert (finding.status, finding.caused_by) == ("fail", cause)
    assert finding.title == "PyTorch cannot be imported"
    assert said[:60] in finding.evidence[0].fact
    assert finding.remedies
    assert finding.verify == "/home/ada/venv/bin/python -X faulthandler -c 'import torch'"


def test_an_older_numpy_goes_where_it_breaks_nothing(run, case, distribution):
    said = "AttributeError: _ARRAY_API not found"
    step = ProbeStep(name="import", passed=False, message=said)
    probe = result("failed", reason=said, steps=(step,), device="")
    (alone,) = run("probe-failed", case(probe, installed={"numpy": "2.4.6"}))
    assert alone.remedies[0].command.endswith("-m pip install 'numpy<2'")
    jax = distribution("jax", "0.10.2", requires=(Requirement(name="numpy", specifier=">=2.0"),))
    (beside,) = run("probe-failed", case(probe, installed={"numpy": "2.4.6", "jax": jax}))
    assert beside.remedies[0].command.endswith("pip install torch==2.13.0 'numpy<2'")
    assert "-m venv ~/.venvs/torch && ~/.venvs/torch/bin/python" in beside.remedies[0].command


def test_every_known_text_is_tested():
    assert {cause.check for _, cause in BY_TEXT} == set(TEXTS.values())


def test_unknown_last_words(run, case):
    step = ProbeStep(name="gradient", passed=False, message="RuntimeError: odd")
    (finding,) = run("probe-failed", case(result("failed", steps=(step,), device="cuda:0")))
    assert (finding.caused_by, finding.subject) == ("", "torch on cuda:0")
    assert finding.title == "PyTorch raises an error on cuda:0"
    assert "--force-reinstall" in finding.remedies[0].command


@pytest.mark.parametrize(
    ("code", "name", "cause"),
    [
        (-4, "SIGILL", "cpu-lacks-avx"),
        (-6, "SIGABRT", ""),
        (-7, "SIGBUS", "shm-too-small"),
        (-8, "SIGFPE", ""),
        (-11, "SIGSEGV", ""),
    ],
)
def test_signals(run, case, code, name, cause):
    (finding,) = run("probe-crashed", case(result("crashed", code)))
    assert (finding.status, finding.caused_by) == ("fail", cause)
    assert name in finding.title
    assert finding.remedies


def test_the_kernel_ends_it(run, case, machine):
    memory = HostMemory(limit_bytes=2 << 30)
    probes = result("out_of_memory", -9, output_tail="OMP: Error #15")
    (finding,) = run("probe-crashed", case(probes, machine=machine(memory=memory)))
    assert finding.caused_by == "out-of-memory-cgroup-limit"
    assert "2.0 GiB" in finding.evidence[-1].fact
    assert "2.0 GiB" in finding.remedies[0].text


def test_a_processor_without_avx(run, case, machine):
    old = machine(processor=Processor(model="Celeron N4505", flags=("sse4_2",)))
    (finding,) = run("probe-crashed", case(result("crashed", -4), machine=old))
    assert finding.evidence[-1].fact == "Celeron N4505 without AVX"


def test_an_abort_with_last_words(run, case):
    tail = "OMP: Error #15: Initializing libiomp5.so, but found libgomp already initialized."
    (finding,) = run("probe-crashed", case(result("crashed", -6, output_tail=tail)))
    assert finding.caused_by == "duplicate-openmp-runtime"
    assert "KMP_DUPLICATE_LIB_OK" not in str(finding)


@pytest.mark.parametrize("code", [0, 3])
def test_an_exit_in_the_middle(run, case, code):
    (finding,) = run("probe-crashed", case(result("crashed", code)))
    assert finding.title == "PyTorch ends the Python process on cpu"


def test_the_place_of_a_crash(run, case):
    tail = 'Fatal Python error: Segmentation fault\n\n  File "/x/torch/_ops.py", line 7 in load\n'
    (finding,) = run("probe-crashed", case(result("crashed", -11, output_tail=tail)))
    assert finding.evidence[1].source == "/x/torch/_ops.py:7"


def test_delays(run, case):
    (finding,) = run("probe-timed-out", case(result("timed_out", device="cuda:1")))
    assert finding.title == "PyTorch does not finish on cuda:1"
    assert finding.remedies[0].command == "nvidia-smi"
    (finding,) = run("probe-timed-out", case(result("timed_out", device="")))
    assert not finding.remedies[0].command


def test_wrong_numbers(run, case):
    steps = (
        ProbeStep(name="matmul", passed=False, error=0.25, message="matmul differs by 0.25"),
        ProbeStep(name="gradient", passed=True, error=0.0),
    )
    (finding,) = run("probe-wrong-numbers", case(result("different", steps=steps)))
    assert finding.title == "PyTorch computes wrong numbers on cpu: matmul"
    assert "0.25" in finding.evidence[0].fact


def test_one_death_hides_no_other(run, case):
    found = run(
        "probe-crashed",
        case(result("crashed", -11), result("crashed", -4, framework="jax"), result("ok")),
    )
    assert [each.subject for each in found] == ["torch on cpu", "jax on cpu"]


IDS = ("probe-failed", "probe-crashed", "probe-timed-out", "probe-wrong-numbers")


@pytest.mark.parametrize("check", [*IDS, "probe-sees-no-gpu"])
def test_all_is_well(run, case, snapshot, check):
    step = ProbeStep(name="matmul", passed=True, error=1e-8)
    assert run(check, case(result("ok", 0, steps=(step,)))) == []
    assert run(check, case(result("unsupported"))) == []
    assert run(check, snapshot()) == []


@pytest.fixture
def blind(snapshot, environment, machine, nvidia, framework):
    def make(devices="cpu", why="", cuda="13.0", gpus=True, **variables):
        torch = framework("torch", "2.13.0", cuda=cuda)
        details = {"devices": devices, "no_gpu": why}
        probe = ProbeResult(framework="torch", device="cpu", outcome=OK, details=details)
        return snapshot(
            machine=machine(nvidia=nvidia() if gpus else None),
            environment=environment(
                {"torch": "2.13.0"}, frameworks={"torch": torch}, variables=variables
            ),
            probes=(probe,),
        )

    return make


def test_no_gpu_is_seen(run, blind):
    why = "RuntimeError: Unexpected error... Error 802: system not yet initialized"
    (finding,) = run("probe-sees-no-gpu", blind(why=why))
    assert (finding.subject, finding.caused_by) == ("torch", "fabric-manager-missing")
    assert finding.evidence[-1].fact == why
    (finding,) = run("probe-sees-no-gpu", blind())
    assert finding.caused_by == ""


def test_a_gpu_is_seen_or_not_wanted(run, blind):
    for healthy in (
        blind("cpu cuda:0"),
        blind(cuda=None),
        blind(gpus=False),
        blind(CUDA_VISIBLE_DEVICES="-1"),
    ):
        assert run("probe-sees-no-gpu", healthy) == []
