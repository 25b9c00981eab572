"""Can JAX use the NVIDIA GPU that is there?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from envdoctor.api import Check, Page
from envdoctor.checks import compat, cuda, remedies
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Framework
    from envdoctor.model.snapshot import Snapshot

SHOW_DEVICES = "import jax; print(jax.devices())"
MAJORS = ("13", "12")
"""The CUDA versions that JAX is published for, the newest first (JAX, installation guide)."""
FIRST_FOR_CUDA_13 = Version("0.7.2")
"""The first release with the extra `cuda13` (its change log)."""
FIRST_WITH_PLUGINS = Version("0.4.31")
"""The first release whose CUDA support is a plugin only (its change log, 0.4.30)."""


def find_cpu_only(snapshot: Snapshot) -> Iterator[Finding]:
    """JAX without a plugin for CUDA beside an NVIDIA GPU that one could use."""
    machine, environment = snapshot.machine, snapshot.environment
    jax = environment.frameworks.get("jax")
    if jax is None or jax.cuda or jax.rocm or machine.platform.system != "Linux":
        return
    platforms = environment.variables.get("JAX_PLATFORMS", "")
    wants_cpu = platforms in {"cpu", "tpu"} or cuda.hides_gpus(environment)
    if wants_cpu or machine.platform.jetson or not cuda.has_nvidia_gpu(machine):
        return
    release, major = compat.parse(jax.version), fitting_major(snapshot, jax)
    if release is None or release < FIRST_WITH_PLUGINS:
        return
    if major is None and cuda.driver_of(machine) and cuda.capabilities_of(machine):
        return
    yield Finding(
        id="jax-cpu-only-on-gpu-host",
        status="fail",
        title="JAX is installed without CUDA, so it cannot use the NVIDIA GPU",
        evidence=(
            Evidence(
                fact=f"jax {jax.version} without jax-cuda12-plugin and jax-cuda13-plugin",
                source="installed packages",
            ),
            *cuda.gpu_evidence(machine),
        ),
        cause="JAX finds GPUs through a plugin of its own. Without it everything runs on the CPU, "
        "with no more than a warning.",
        remedies=(_install_plugin(snapshot, jax, major),),
        verify=remedies.run_python(environment, SHOW_DEVICES),
    )


def fitting_major(snapshot: Snapshot, jax: Framework) -> str | None:
    """The newest CUDA of which the driver runs JAX's plugin and every GPU is new enough for it."""
    machine = snapshot.machine
    capabilities = [compat.parse(text) for text in cuda.capabilities_of(machine)]
    release = compat.parse(jax.version)
    for major in MAJORS:
        needs = compat.jax_cuda(major)
        floor = compat.parse(needs.capability) if needs is not None else None
        too_early = release is not None and release < FIRST_FOR_CUDA_13 and major == "13"
        if floor is None or too_early or not cuda.runs(machine, major):
            continue
        if all(each is None or each >= floor for each in capabilities):
            return major
    return None


def _install_plugin(snapshot: Snapshot, jax: Framework, major: str | None) -> Remedy:
    if major is None:
        return Remedy(
            text="Get the NVIDIA driver to work first; which of JAX's plugins fits depends on it."
        )
    return remedies.install(
        snapshot.environment,
        f"jax[cuda{major}]=={jax.version}",
        text=f"Adds the plugin and the libraries for CUDA {major}, which this driver and GPU run.",
    )


def find_old_gpu(snapshot: Snapshot) -> Iterator[Finding]:
    """A plugin for a CUDA version that has dropped this GPU."""
    machine = snapshot.machine
    jax = snapshot.environment.frameworks.get("jax")
    needs = compat.jax_cuda(jax.cuda) if jax is not None and jax.cuda else None
    floor = compat.parse(needs.capability) if needs is not None else None
    if jax is None or floor is None or machine.nvidia is None:
        return
    gpus = machine.nvidia.gpus
    old = [
        gpu
        for gpu in gpus
        if (found := compat.parse(gpu.compute_capability)) is not None and found < floor
    ]
    if not old:
        return
    major = fitting_major(snapshot, jax)
    remedy = (
        Remedy(text="Keep JAX off that GPU: leave it out of CUDA_VISIBLE_DEVICES.")
        if major is None or major == jax.cuda
        else _install_plugin(snapshot, jax, major)
    )
    yield Finding(
        id="jax-gpu-too-old",
        status="fail" if len(old) == len(gpus) else "warn",
        title="JAX's plugin for CUDA has no code for this GPU",
        evidence=(
            Evidence(
                fact=", ".join(f"{gpu.name}: {gpu.compute_capability}" for gpu in old),
                source="compute capability by NVML",
            ),
            Evidence(
                fact=f"jax-cuda{jax.cuda}-plugin needs {floor} or newer",
                source="JAX, installation guide",
            ),
        ),
        cause=f"CUDA {jax.cuda} no longer builds for GPUs of this generation.",
        remedies=(remedy,),
        verify=remedies.run_python(snapshot.environment, SHOW_DEVICES),
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="jax-cpu-only-on-gpu-host",
        group="jax",
        summary="JAX without its plugin for CUDA on a machine with an NVIDIA GPU",
        run=find_cpu_only,
        hides=("probe-sees-no-gpu",),
        page=Page(
            symptoms=("a CUDA-enabled jaxlib is not installed. Falling back to cpu.",),
            why="A plain `pip install jax` is for the CPU; CUDA comes as an extra.",
            seen_by="the GPU from NVML or the PCI bus; the installed packages",
            confirmed_by="python -c 'import jax; print(jax.devices())'",
            remedy="Install jax[cuda13], or jax[cuda12] where the driver is older than 580 or the "
            "GPU's compute capability is below 7.5.",
            sources=("jax#29068", "JaxMARL#134", "JAX, installation guide"),
        ),
    ),
    Check(
        id="jax-gpu-too-old",
        group="jax",
        summary="a JAX plugin for CUDA that has no code for this GPU",
        run=find_old_gpu,
        page=Page(
            why="The plugin for CUDA 13 needs compute capability 7.5, that for CUDA 12 needs 5.2.",
            seen_by="the compute capability from NVML and the installed plugin",
            confirmed_by="envdoctor check --deep",
            remedy="The plugin for CUDA 12, if the GPU is new enough for it.",
            sources=("JAX, installation guide",),
        ),
    ),
)
