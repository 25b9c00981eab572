"""Variables that hide devices from frameworks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.hardware import frameworks_of, whole_gpus
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envdoctor.model.snapshot import Snapshot

AMD_VARIABLES = ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


def hidden_devices(snapshot: Snapshot) -> Iterator[Finding]:
    """A variable names no device, or one that is not there."""
    gpus = whole_gpus(snapshot.machine)
    variables = snapshot.environment.variables
    divided = any(gpu.mig for gpu in gpus)
    if gpus and "CUDA_VISIBLE_DEVICES" in variables and not divided:
        value = variables["CUDA_VISIBLE_DEVICES"]
        seen, odd = visible(value, len(gpus), [gpu.uuid for gpu in gpus])
        yield from _judge(snapshot, "CUDA_VISIBLE_DEVICES", len(gpus), seen, odd)
    amd = snapshot.machine.amd.gpus if snapshot.machine.amd else ()
    for name in AMD_VARIABLES:
        if amd and name in variables:
            seen, odd = visible(variables[name], len(amd), ())
            # ROCm knows its GPUs by identifiers of its own, which sysfs does not have.
            if not odd.startswith("GPU-"):
                yield from _judge(snapshot, name, len(amd), seen, odd)


def visible(value: str, count: int, identifiers: Sequence[str]) -> tuple[int, str]:
    """How many devices a list shows, and the entry that ends it early; empty if none does.

    What comes after an entry that is no device is not visible either (CUDA C++ programming guide,
    environment variables).

    Args:
        value: of the variable.
        count: of the devices.
        identifiers: those of the devices, as NVML has them.
    """
    entries = [entry.strip() for entry in value.split(",")] if value.strip() else []
    for place, entry in enumerate(entries):
        known = entry.isdecimal() and int(entry) < count
        if entry.startswith("MIG-"):
            known = True
        elif entry.startswith("GPU-"):
            known = sum(each.startswith(entry) for each in identifiers) == 1
        if not known:
            return place, entry or "an empty entry"
    return len(entries), ""


def _judge(snapshot: Snapshot, variable: str, count: int, seen: int, odd: str) -> Iterator[Finding]:
    value = snapshot.environment.variables[variable]
    deliberate = value.strip() in {"", "-1", "NoDevFiles"}
    if seen and not odd:
        return
    wanted = bool(frameworks_of(snapshot.environment))
    title = (
        f"{variable} hides every GPU"
        if not seen
        else f"{variable} names a GPU that is not there, and hides what follows"
    )
    yield Finding(
        id="cuda-visible-devices-hides-gpus",
        status="warn" if wanted else "info",
        subject=variable,
        title=title,
        evidence=(
            Evidence(fact=f'{variable}="{value}"', source="environment"),
            Evidence(
                fact=f"{count} GPU{'s' if count > 1 else ''}, {seen} visible",
                source="NVML" if variable.startswith("CUDA") else "sysfs",
            ),
        ),
        cause="Frameworks see the devices that the variable lists. This list is empty."
        if deliberate
        else f"Frameworks see the devices that the variable lists, up to the first that is none: "
        f"{odd}.",
        remedies=(
            Remedy(
                command=f"unset {variable}",
                text="Show all devices again; look for where it is set, such as ~/.bashrc or the "
                "notebook, where it must be done before the framework starts.",
            ),
        ),
        verify=f'printenv {variable} || echo "not set"',
    )


def jax_on_cpu(snapshot: Snapshot) -> Iterator[Finding]:
    """JAX is told to use the CPU although its CUDA plugin is installed."""
    environment = snapshot.environment
    value = environment.variables.get("JAX_PLATFORMS", "")
    plugins = [name for name in environment.distributions if name.startswith("jax-cuda")]
    if value.strip() != "cpu" or not plugins or not whole_gpus(snapshot.machine):
        return
    yield Finding(
        id="jax-platforms-hides-gpus",
        status="info",
        title="JAX_PLATFORMS keeps JAX on the CPU",
        evidence=(
            Evidence(fact="JAX_PLATFORMS=cpu", source="environment"),
            Evidence(fact=f"{plugins[0]} is installed", source="environment"),
        ),
        cause="JAX uses only the platforms that the variable names.",
        remedies=(Remedy(command="unset JAX_PLATFORMS", text="Let JAX use the GPU."),),
        verify='printenv JAX_PLATFORMS || echo "not set"',
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="cuda-visible-devices-hides-gpus",
        group="devices",
        summary="a variable that hides GPUs",
        run=hidden_devices,
        hides=("probe-sees-no-gpu",),
        page=Page(
            symptoms=(
                "torch.cuda.device_count() is 0, without an error",
                (
                    "CUDA unknown error - this may be due to an incorrectly set up "
                    "environment, e.g. "
                    "changing env variable CUDA_VISIBLE_DEVICES after program start."
                ),
            ),
            why="CUDA shows the devices that CUDA_VISIBLE_DEVICES lists, up to the "
            "first entry that "
            "is no device. HIP_VISIBLE_DEVICES and ROCR_VISIBLE_DEVICES do so for AMD.",
            seen_by="The variables, and the GPUs that NVML or sysfs lists. Slices (MIG) are not "
            "judged.",
            remedy="Unset the variable, or list devices that are there.",
            sources=("pytorch#49081", "CUDA C++ programming guide, environment variables"),
        ),
    ),
    Check(
        id="jax-platforms-hides-gpus",
        group="devices",
        summary="a variable that keeps JAX on the CPU",
        run=jax_on_cpu,
        hides=("probe-sees-no-gpu",),
        page=Page(
            symptoms=("jax.devices() lists the CPU only",),
            why="JAX_PLATFORMS names the platforms that JAX may use.",
            seen_by="The variable, the installed plugins and the GPUs.",
            remedy="Unset it.",
            sources=("JAX, configuration options",),
        ),
    ),
)
