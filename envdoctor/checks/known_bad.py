"""Releases of NVIDIA's libraries that are known to compute wrongly on some GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from envdoctor.api import Check, Page
from envdoctor.checks import compat, remedies, requirements
from envdoctor.checks.evidence import all_of, installed_ones
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.checks.compat_table import KnownBad
    from envdoctor.model.environment import Environment
    from envdoctor.model.machine import NvidiaGpu
    from envdoctor.model.snapshot import Snapshot

LIBRARIES = {
    "cublas": ("nvidia-cublas", "nvidia-cublas-cu13", "nvidia-cublas-cu12"),
    "cudnn": ("nvidia-cudnn-cu13", "nvidia-cudnn-cu12", "nvidia-cudnn"),
}
"""The distributions of a library; CUDA 13 dropped the suffix of most."""


def known_bad(snapshot: Snapshot) -> Iterator[Finding]:
    """Releases of cuBLAS and cuDNN that are known to compute wrongly on GPUs of this machine."""
    environment, nvidia = snapshot.environment, snapshot.machine.nvidia
    gpus = nvidia.gpus if nvidia is not None else ()
    if not gpus:
        return
    for window in compat.known_bad():
        facts = _libraries_inside(environment, window)
        if facts is None or len(gpus) < window.gpus:
            continue
        hit = [gpu for gpu in gpus if _concerned(gpu, window)]
        if hit:
            names = sorted({gpu.name or "GPU" for gpu in hit})
            yield Finding(
                id="known-bad-cublas-cudnn",
                status="warn",
                title=f"{all_of([each.fact for each in facts])} can compute wrongly here",
                evidence=(
                    *facts,
                    Evidence(
                        fact=f"{len(hit)} x {all_of(names)}, compute capability "
                        f"{hit[0].compute_capability}",
                        source="NVML",
                    ),
                ),
                cause=f"It is a known fault of these releases: {window.effect}. JAX warns of it; "
                "others that load the same library say nothing.",
                remedies=_out_of_window(snapshot, window),
                subject=window.name,
            )
        elif not all(gpu.compute_capability for gpu in gpus):
            yield Finding(
                id="known-bad-cublas-cudnn",
                status="error",
                title="Whether this cuBLAS computes rightly here cannot be said",
                evidence=facts,
                cause="The compute capability of a GPU could not be read.",
                subject=window.name,
            )


def _libraries_inside(environment: Environment, window: KnownBad) -> tuple[Evidence, ...] | None:
    """The distributions whose versions lie in the window; None if one does not or is not there."""
    found: list[Evidence] = []
    for library, specifier in window.libraries.items():
        name = next((each for each in LIBRARIES[library] if each in environment.distributions), "")
        version = compat.parse(environment.version_of(name))
        if version is None:
            return None
        # The fourth number of a wheel is that of its build.
        if not compat.within(".".join(map(str, version.release[:3])), specifier):
            return None
        found += installed_ones(environment, name)
    return tuple(found)


def _concerned(gpu: NvidiaGpu, window: KnownBad) -> bool:
    if not window.capability_at_least:
        return True
    found = compat.parse(gpu.compute_capability)
    return found is not None and Version(window.capability_at_least) <= found < Version(
        window.capability_below
    )


def _out_of_window(snapshot: Snapshot, window: KnownBad) -> tuple[Remedy, ...]:
    environment = snapshot.environment
    if _newest_torch_helps(snapshot):
        newest = compat.newest_torch()
        text = f"Take a torch that brings newer libraries: those of {newest} are not affected."
        return (remedies.install(environment, f"torch>={newest}", options="--upgrade", text=text),)
    library = "cudnn" if "cudnn" in window.libraries else "cublas"
    name = next(each for each in LIBRARIES[library] if each in environment.distributions)
    users = requirements.required_by(environment, name)
    if library == "cudnn" and requirements.allows(environment, name, "9.10.2.21"):
        text = "Take a cuDNN after the fault; what is installed allows it."
        return (remedies.install(environment, f"{name}>=9.10.2,<10", text=text),)
    whose = f"{all_of(users)}, which brings it," if users else "what brings it"
    return (
        Remedy(
            text=f"Take a newer {whose} built for CUDA 13.2 or newer."
            if library == "cublas"
            else f"Take a newer {whose} with cuDNN 9.10.2 or newer."
        ),
    )


def _newest_torch_helps(snapshot: Snapshot) -> bool:
    """Whether torch is installed, and its newest release is newer and runs here."""
    newest, environment = compat.newest_torch(), snapshot.environment
    torch, nvidia = compat.parse(environment.version_of("torch")), snapshot.machine.nvidia
    if torch is None or nvidia is None or torch >= Version(newest):
        return False
    system = compat.system_of(snapshot.machine.platform)
    runs = compat.driver_runs(
        nvidia.driver_version, compat.torch_default_cuda(newest) or "", system
    )
    return bool(runs) and compat.newest_wheel("torch", environment.interpreter.version) == newest


CHECKS = (
    Check(
        id="known-bad-cublas-cudnn",
        group="packages",
        summary="releases of cuBLAS and cuDNN that are known to compute wrongly here",
        run=known_bad,
        page=Page(
            symptoms=("No message: wrong numbers.",),
            why="cuBLAS from 12.8 to before 13.2 may mix up the results of concurrent kernels on "
            "compute capability 10.0 to 11.x; cuDNN 9.10.0 broke binary compatibility; cuDNN "
            "before 9.10.1 with cuBLASLt from 12.9 multiplies wrongly on several GPUs.",
            seen_by="The versions of the distributions nvidia-cublas and nvidia-cudnn, and the "
            "compute capabilities and the number of GPUs.",
            confirmed_by="`envdoctor check --deep` compares results with known numbers.",
            remedy="A framework release that brings newer libraries, such as torch 2.15.",
            sources=("jax: jax_plugins/cuda/__init__.py",),
        ),
    ),
)
