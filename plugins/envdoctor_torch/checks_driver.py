"""Does the NVIDIA driver run the CUDA version that frameworks are built for?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from envdoctor.api import Check, Page
from envdoctor.checks import compat, cuda, remedies
from envdoctor.model.finding import Evidence, Finding, Remedy
from envdoctor_torch.checks_remedies import SHOW_GPU, fitting_build, install_build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.snapshot import Snapshot

CUDA_13_BY_DEFAULT = Version("2.11")
"""The release of PyTorch whose plain wheel is for CUDA 13."""


def find_old_driver(snapshot: Snapshot) -> Iterator[Finding]:
    """A build for a CUDA major that the driver does not run; of any framework."""
    machine = snapshot.machine
    for name, framework in sorted(snapshot.environment.frameworks.items()):
        if not framework.cuda or cuda.runs(machine, framework.cuda) is not False:
            continue
        major = framework.cuda.partition(".")[0]
        floor = compat.driver_floor(framework.cuda, compat.system_of(machine.platform))
        yield Finding(
            id="driver-too-old-for-cuda-runtime",
            status="fail",
            subject=name,
            title=f"The NVIDIA driver is too old for {name}, which is built for CUDA {major}",
            evidence=(
                Evidence(fact=f"{name} {framework.version} is built for CUDA {framework.cuda}"),
                Evidence(fact=f"NVIDIA driver {cuda.driver_of(machine)}", source="NVML"),
                Evidence(
                    fact=f"CUDA {major} needs driver {floor} or newer",
                    source="NVIDIA CUDA release notes, table 2",
                ),
            ),
            cause="A driver runs programs for the CUDA majors that it knows; this one is of before "
            f"CUDA {major}, so {name} finds no GPU.",
            remedies=_older_build(snapshot, name, framework.cuda),
            verify=remedies.run_python(snapshot.environment, SHOW_GPU) if name == "torch" else "",
        )


def _older_build(snapshot: Snapshot, name: str, built_for: str) -> tuple[Remedy, ...]:
    update = cuda.update_driver(snapshot.machine, built_for)
    build = fitting_build(snapshot) if name == "torch" else None
    return (update,) if build is None else (install_build(snapshot.environment, build), update)


def find_default_wheel(snapshot: Snapshot) -> Iterator[Finding]:
    """The plain wheel of 2.11 or newer, which is for CUDA 13, with a driver of before that."""
    torch, machine = snapshot.environment.frameworks.get("torch"), snapshot.machine
    if torch is None or not (torch.cuda or "").startswith("13"):
        return
    release = compat.parse(torch.version)
    if release is None or release < CUDA_13_BY_DEFAULT or cuda.runs(machine, "12") is not True:
        return
    if cuda.runs(machine, torch.cuda or "") is not False:
        return
    build = fitting_build(snapshot)
    update = cuda.update_driver(machine, torch.cuda or "")
    fixes = (update,) if build is None else (install_build(snapshot.environment, build), update)
    yield Finding(
        id="torch-default-wheel-cuda13-on-12x-driver",
        status="fail",
        title="This PyTorch is built for CUDA 13, and the driver runs CUDA 12 at most",
        evidence=(
            Evidence(
                fact=f"torch {torch.version} is built for CUDA {torch.cuda}",
                source="torch/version.py",
            ),
            Evidence(fact=f"NVIDIA driver {cuda.driver_of(machine)}", source="NVML"),
            Evidence(
                fact=f"CUDA 13 needs driver {compat.driver_floor('13')} or newer",
                source="NVIDIA CUDA release notes, table 2",
            ),
        ),
        cause="Since PyTorch 2.11 a plain `pip install torch` brings the build for CUDA 13. "
        "`torch.cuda.is_available()` is False, and everything runs on the CPU.",
        remedies=fixes,
        verify=remedies.run_python(snapshot.environment, SHOW_GPU),
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="driver-too-old-for-cuda-runtime",
        group="nvidia",
        summary="a framework built for a newer CUDA major than the driver runs",
        run=find_old_driver,
        hides=("probe-sees-no-gpu",),
        page=Page(
            symptoms=(
                "RuntimeError: The NVIDIA driver on your system is too old (found version 11040)",
                "CUDA driver version is insufficient for CUDA runtime version",
            ),
            why="By minor-version compatibility a driver runs every program of the CUDA majors "
            "that it knows, and none of a newer major.",
            seen_by="the driver's version from NVML or /proc; the CUDA version of each framework "
            "from its files; NVIDIA's table of the oldest driver for each major",
            confirmed_by="envdoctor check --deep",
            remedy="Update the driver, or install the framework for an older CUDA.",
            sources=("Fooocus#1313", "pytorch#112553", "NVIDIA CUDA release notes, table 2"),
        ),
    ),
    Check(
        id="torch-default-wheel-cuda13-on-12x-driver",
        group="torch",
        summary="PyTorch's default wheel, for CUDA 13, with a driver for CUDA 12",
        run=find_default_wheel,
        hides=("driver-too-old-for-cuda-runtime", "probe-sees-no-gpu"),
        page=Page(
            symptoms=(
                "torch.cuda.is_available() is False",
                "The NVIDIA driver on your system is too old (found version 12070)",
            ),
            why="PyTorch 2.11 changed its default wheel from CUDA 12.8 to CUDA 13.0, which needs "
            "driver 580 or newer and a GPU of compute capability 7.5 or newer.",
            seen_by="the CUDA version in torch/version.py and the driver's version",
            confirmed_by="envdoctor check --deep",
            remedy="Install the build for CUDA 12 from PyTorch's own index, or update the driver.",
            sources=("nvMolKit#209", "RLinf#1410", "unsloth#6982"),
        ),
    ),
)
