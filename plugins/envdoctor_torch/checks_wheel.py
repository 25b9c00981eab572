"""Is the installed build of PyTorch one for this machine's GPUs?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from envdoctor.api import Check, Page
from envdoctor.checks import compat, cuda, remedies
from envdoctor.model.finding import Evidence, Finding, Remedy
from envdoctor_torch.checks_remedies import SHOW_GPU, fitting_build, install_build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Framework
    from envdoctor.model.machine import NvidiaGpu
    from envdoctor.model.snapshot import Snapshot


def find_cpu_wheel(snapshot: Snapshot) -> Iterator[Finding]:
    """A build without CUDA beside an NVIDIA GPU that some build could use."""
    torch, machine = snapshot.environment.frameworks.get("torch"), snapshot.machine
    if torch is None or not cuda.has_nvidia_gpu(machine) or machine.platform.jetson:
        return
    if torch.details.get("unreadable"):
        yield _unreadable("torch-cpu-wheel-on-gpu-host", torch)
        return
    if torch.cuda or torch.rocm or torch.details.get("xpu"):
        return
    build = fitting_build(snapshot)
    if build is None and cuda.capabilities_of(machine) and cuda.driver_of(machine):
        # No build that is known of runs here: the one for the CPU is the right one.
        return
    environment = snapshot.environment
    first = (
        install_build(environment, build)
        if build is not None
        else Remedy(
            text="Get the NVIDIA driver to work first; which build of PyTorch fits depends on it."
        )
    )
    yield Finding(
        id="torch-cpu-wheel-on-gpu-host",
        status="fail",
        title="PyTorch is a build without CUDA, so it cannot use the NVIDIA GPU",
        evidence=(
            Evidence(
                fact=f"torch {torch.version} is built without CUDA", source="torch/version.py"
            ),
            *cuda.gpu_evidence(machine),
        ),
        cause="This build has no code for GPUs: everything runs on the CPU, and asking for CUDA "
        "raises an error.",
        remedies=(first,),
        verify=remedies.run_python(environment, SHOW_GPU),
    )


def find_missing_architecture(snapshot: Snapshot) -> Iterator[Finding]:
    """GPUs that the build has no kernels for."""
    torch, machine = snapshot.environment.frameworks.get("torch"), snapshot.machine
    if torch is None or not torch.cuda or machine.nvidia is None:
        return
    unsupported = [gpu for gpu in machine.nvidia.gpus if _supports(snapshot, torch, gpu) is False]
    if not unsupported:
        return
    tag = compat.tag_of(torch.cuda)
    every = len(unsupported) == len(machine.nvidia.gpus)
    names = ", ".join(
        dict.fromkeys(
            f"{gpu.name} (compute capability {gpu.compute_capability})" for gpu in unsupported
        )
    )
    yield Finding(
        id="gpu-arch-not-in-wheel",
        status="fail" if every else "warn",
        title="This PyTorch has no code for the GPU"
        if every
        else "This PyTorch has no code for one of the GPUs",
        evidence=(
            Evidence(fact=names, source="NVML"),
            Evidence(fact=f"torch {torch.version}, build {tag}", source="torch/version.py"),
        ),
        cause="A build holds code for certain generations of GPUs only; on any other the first "
        "operation fails with `no kernel image is available`.",
        remedies=_architecture_remedies(snapshot, every=every),
        verify=remedies.run_python(
            snapshot.environment, "import torch; print(torch.ones(2, device='cuda') + 1)"
        ),
    )


def _architecture_remedies(snapshot: Snapshot, *, every: bool) -> tuple[Remedy, ...]:
    build = fitting_build(snapshot)
    if build is not None:
        return (install_build(snapshot.environment, build),)
    if not every:
        return (Remedy(text="Keep work off that GPU: leave it out of CUDA_VISIBLE_DEVICES."),)
    return (Remedy(text="Use the CPU, build PyTorch for this GPU, or use another GPU."),)


def _supports(snapshot: Snapshot, torch: Framework, gpu: NvidiaGpu) -> bool | None:
    """What a probe has said of the build counts more than the table."""
    architecture = snapshot.machine.platform.architecture or "x86_64"
    told = _architectures(snapshot)
    wanted = compat.parse(gpu.compute_capability)
    if not told or wanted is None:
        tag = compat.tag_of(torch.cuda or "")
        return compat.torch_supports(torch.version, tag, gpu.compute_capability, architecture)
    machine_code = [each for kind, each in told if kind == "sm"]
    intermediate = [each for kind, each in told if kind == "compute"]
    return any(
        each.major == wanted.major and each.minor <= wanted.minor for each in machine_code
    ) or any(each <= wanted for each in intermediate)


def _architectures(snapshot: Snapshot) -> list[tuple[str, Version]]:
    """`sm_86` and `compute_90` of the probe's list; suffixes of families are left out."""
    said = [
        probe.details.get("architectures", "")
        for probe in snapshot.probes or ()
        if probe.framework == "torch"
    ]
    words = next((text for text in said if text), "").split()
    pairs = [word.partition("_") for word in words]
    return [
        (kind, Version(f"{number[:-1]}.{number[-1]}"))
        for kind, _, number in pairs
        if number.isdigit() and len(number) > 1
    ]


def find_jetson_wheel(snapshot: Snapshot) -> Iterator[Finding]:
    """A build for the CPU on a Jetson."""
    torch, platform = snapshot.environment.frameworks.get("torch"), snapshot.machine.platform
    if torch is None or not platform.jetson or torch.cuda or torch.details.get("unreadable"):
        return
    yield Finding(
        id="jetson-generic-wheel",
        status="fail",
        title="PyTorch is a build without CUDA, so it cannot use the Jetson's GPU",
        evidence=(
            Evidence(fact=platform.jetson, source="/etc/nv_tegra_release"),
            Evidence(
                fact=f"torch {torch.version} is built without CUDA", source="torch/version.py"
            ),
        ),
        cause="The package index has builds for ARM servers; those for a Jetson are made by NVIDIA "
        "for each release of JetPack.",
        remedies=(
            Remedy(
                text="Install NVIDIA's wheel for this JetPack release and this Python, which "
                "NVIDIA's page `Installing PyTorch for Jetson Platform` names."
            ),
        ),
        verify=remedies.run_python(snapshot.environment, SHOW_GPU),
    )


def _unreadable(check_id: str, torch: Framework) -> Finding:
    path = torch.details["unreadable"]
    return Finding(
        id=check_id,
        status="error",
        title="How PyTorch was built cannot be told",
        evidence=(Evidence(fact="the file cannot be read", source=path),),
        cause="Its version file is missing or damaged, which says whether it is built for CUDA.",
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="torch-cpu-wheel-on-gpu-host",
        group="torch",
        summary="a PyTorch build without CUDA on a machine with an NVIDIA GPU",
        run=find_cpu_wheel,
        hides=("probe-sees-no-gpu",),
        page=Page(
            symptoms=(
                "AssertionError: Torch not compiled with CUDA enabled",
                "torch.cuda.is_available() is False, and training is slow",
            ),
            why="PyTorch is published in builds for the CPU and for several CUDA versions. The "
            "build for the CPU has no code for GPUs, whatever driver there is.",
            seen_by="the GPU from NVML or the PCI bus; the build from the text of torch/version.py",
            confirmed_by="python -c 'import torch; print(torch.version.cuda)' prints None",
            remedy="Install the build for the newest CUDA version that the driver runs, from "
            "PyTorch's index for that build.",
            sources=("pytorch#28111", "XPixelGroup/HAT#85", "nvMolKit#209"),
        ),
    ),
    Check(
        id="gpu-arch-not-in-wheel",
        group="torch",
        summary="a PyTorch build without code for this GPU",
        run=find_missing_architecture,
        page=Page(
            symptoms=(
                "sm_120 is not compatible with the current PyTorch installation",
                "CUDA error: no kernel image is available for execution on the device",
            ),
            why="A build holds machine code for a list of compute capabilities. It runs on GPUs of "
            "the same major and the same or a newer minor; a newer GPU needs a newer build, and "
            "an old one an older build.",
            seen_by="the compute capability from NVML against the list of the build, from the "
            "table of published wheels or, with --deep, from PyTorch itself",
            confirmed_by="python -c 'import torch; print(torch.cuda.get_arch_list())'",
            remedy="For Blackwell a build for CUDA 12.8 or newer; for GPUs older than Turing the "
            "build for CUDA 12.6.",
            sources=("pytorch#31285", "pytorch#150733", "ComfyUI#16438"),
        ),
    ),
    Check(
        id="jetson-generic-wheel",
        group="torch",
        summary="a PyTorch build for the CPU on a Jetson",
        run=find_jetson_wheel,
        hides=("torch-cpu-wheel-on-gpu-host", "probe-sees-no-gpu"),
        page=Page(
            symptoms=("torch.cuda.is_available() is False on a Jetson",),
            why="The GPU of a Jetson needs builds made for its JetPack release; the wheels of the "
            "package index for ARM are made for other machines.",
            seen_by="/etc/nv_tegra_release and torch/version.py",
            remedy="NVIDIA's wheel for the JetPack release.",
            sources=("NVIDIA, Installing PyTorch for Jetson Platform",),
        ),
    ),
)
