"""The commands that install a PyTorch build that this machine can run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envdoctor.checks import compat, cuda, reinstall, remedies

if TYPE_CHECKING:
    from envdoctor.model.environment import Environment
    from envdoctor.model.finding import Remedy
    from envdoctor.model.snapshot import Snapshot

SHOW_GPU = "import torch; print(torch.__version__, torch.cuda.is_available())"
COMPANIONS = ("torchvision", "torchaudio")


@dataclass(frozen=True)
class Build:
    """A release of PyTorch and the index that has it."""

    version: str
    tag: str


def fitting_build(snapshot: Snapshot) -> Build | None:
    """The installed release for the driver and every GPU, else the newest one that fits.

    None if the driver or the GPUs are not known, or if nothing fits them.
    """
    machine, interpreter = snapshot.machine, snapshot.environment.interpreter
    driver, capabilities = cuda.driver_of(machine), cuda.capabilities_of(machine)
    if not driver or machine.platform.system not in {"Linux", "Windows"}:
        return None
    system, architecture = compat.system_of(machine.platform), machine.platform.architecture
    installed = compat.parse(snapshot.environment.frameworks["torch"].version)
    if installed is not None and not installed.is_prerelease:
        tag = compat.best_torch_tag(
            driver, capabilities, installed.public, system, architecture or "x86_64"
        )
        if tag is not None:
            return Build(installed.public, tag)
    found = compat.best_torch_build(
        driver, capabilities, interpreter.version, system, architecture or "x86_64"
    )
    return None if found is None else Build(found.version, found.tag)


def install_build(environment: Environment, build: Build) -> Remedy:
    """Put a build in the place of the installed one, with the partners that are installed."""
    release = f"CUDA {compat.cuda_of(build.tag)}"
    text = f"Installs PyTorch {build.version} for {release}, which this driver and GPU run."
    if reinstall.by_conda(environment, "torch"):
        cuda_version = compat.cuda_of(build.tag)
        spec = f"pytorch={build.version}=*cuda{cuda_version.replace('.', '')}*"
        return reinstall.conda_install(
            environment,
            spec,
            options="-c conda-forge",
            text=f"{text} If conda has no such build, ask it for `pytorch=*=*cuda*`.",
        )
    wanted = [f"torch=={build.version}", *_partners(environment, build.version)]
    if remedies.uses_uv(environment):
        options = f"--torch-backend={build.tag} --reinstall-package torch"
    else:
        options = f"--force-reinstall --index-url {reinstall.TORCH_INDEX}{build.tag}"
    return remedies.install(environment, *wanted, options=options, text=text)


def _partners(environment: Environment, torch: str) -> list[str]:
    """The installed partners, in the versions that were made for this torch."""
    made_for = {
        "torchvision": compat.torchvision_for(torch),
        "torchaudio": compat.torchaudio_for(torch),
    }
    return [
        f"{name}=={made_for[name]}.*"
        for name in COMPANIONS
        if name in environment.distributions and made_for[name]
    ]
