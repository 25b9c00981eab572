"""AMD GPUs: whether the build has code for them, and whether they may be opened."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.hardware import AMD, DISPLAY, GIVEN_AWAY
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from envdoctor.model.machine import Amd, DeviceNode, Machine
    from envdoctor.model.snapshot import Snapshot

OVERRIDE = "HSA_OVERRIDE_GFX_VERSION"
FAMILIES = {"gfx103": ("gfx1030", "10.3.0"), "gfx110": ("gfx1100", "11.0.0")}
"""Families whose members run each other's code: the one that wheels are built for, and how the
variable is to name it. It is what users of such cards do; AMD does not support it."""
GENERIC = {
    "gfx9-4-generic": ("gfx94",),
    "gfx9-generic": ("gfx900", "gfx902", "gfx904", "gfx906", "gfx909", "gfx90c"),
    "gfx10-1-generic": ("gfx101",),
    "gfx10-3-generic": ("gfx103",),
    "gfx11-generic": ("gfx110", "gfx115"),
    "gfx12-generic": ("gfx120",),
}
"""Targets that several architectures run (LLVM, user guide for AMDGPU, generic processors)."""


def wheel_lacks_gfx(snapshot: Snapshot) -> Iterator[Finding]:
    """No GPU of AMD is among those that this build of torch has code for."""
    amd, torch = snapshot.machine.amd, snapshot.environment.frameworks.get("torch")
    if amd is None or not amd.gpus or torch is None or not torch.rocm:
        return
    targets = re.findall(r"gfx[0-9a-z-]+", torch.details.get("rocm_architectures", ""))
    if not targets:
        return
    fitting = [gpu.gfx for gpu in amd.gpus if runs(gpu.gfx, targets)]
    override = snapshot.environment.variables.get(OVERRIDE, "")
    if override:
        if fitting:
            yield _needless_override(fitting[0], override)
        return
    if fitting:
        return  # what is left over is the graphics part of a processor, as a rule
    yield Finding(
        id="rocm-wheel-lacks-gfx",
        status="fail",
        title=f"This build of torch has no code for {amd.gpus[0].gfx}",
        evidence=(
            *(Evidence(fact=f"the GPU is {gpu.gfx}", source="/sys/class/kfd") for gpu in amd.gpus),
            Evidence(
                fact=f"torch {torch.version} is built for {', '.join(targets)}",
                source=torch.location,
            ),
        ),
        cause="A program for AMD GPUs holds code for the architectures that it was built for, and "
        "runs on no other: the first kernel ends with `invalid device function`.",
        remedies=tuple(_ways(amd.gpus[0].gfx, targets)),
        verify="envdoctor check --deep",
    )


def runs(gfx: str, targets: Collection[str]) -> bool:
    """Whether a GPU runs code for one of these targets."""
    if gfx in targets:
        return True
    return any(gfx.startswith(prefix) for target in targets for prefix in GENERIC.get(target, ()))


def _ways(gfx: str, targets: Collection[str]) -> Iterator[Remedy]:
    yield Remedy(
        text="Install a build whose list of GPUs names yours; AMD's documentation of ROCm lists "
        "the supported ones."
    )
    target, version = FAMILIES.get(gfx[:6], ("", ""))
    if target in targets:
        yield Remedy(
            command=f"export {OVERRIDE}={version}",
            text=f"Not supported by AMD: let it run code for {target}, of the same family.",
        )


def _needless_override(gfx: str, override: str) -> Finding:
    return Finding(
        id="rocm-wheel-lacks-gfx",
        status="warn",
        title=f"{OVERRIDE} is set although torch has code for this GPU",
        evidence=(
            Evidence(fact=f"{OVERRIDE}={override}", source="environment"),
            Evidence(fact=f"torch is built for {gfx}", source="torch"),
        ),
        cause="The variable makes the GPU run code for another one, which may fail or be slower.",
        remedies=(Remedy(command=f"unset {OVERRIDE}", text="Use the code for this GPU."),),
        verify="envdoctor check --deep",
    )


def device_permission(snapshot: Snapshot) -> Iterator[Finding]:
    """A build for ROCm is installed, and the device files may not be opened or are not there."""
    machine = snapshot.machine
    wanted = [each for each in snapshot.environment.frameworks.values() if each.rocm]
    if not wanted or machine.amd is None or machine.platform.wsl:
        return
    nodes = machine.amd.nodes
    refused = [node for node in nodes if not (node.readable and node.writable)]
    kfd = any(node.path == "/dev/kfd" for node in nodes)
    # One card of several that may not be opened hinders nothing, the one gate to all of them does.
    open_cards = [node for node in nodes if "renderD" in node.path and node not in refused]
    if kfd and open_cards and not any(node.path == "/dev/kfd" for node in refused):
        return
    if not kfd and not _cards(machine):
        return
    facts = [
        Evidence(fact=f"{node.path} may not be opened, group {node.group}", source="/dev")
        for node in refused
    ]
    if not kfd:
        facts.append(Evidence(fact="there is no /dev/kfd", source="/dev"))
    elif not facts:
        facts.append(Evidence(fact="there is no /dev/dri/renderD*", source="/dev"))
    mine = ", ".join(str(group) for group in machine.amd.groups) or "none"
    built = tuple(f"{each.name} {each.version} for ROCm {each.rocm}" for each in wanted)
    yield Finding(
        id="rocm-device-permission",
        status="fail",
        title="This process may not open the AMD GPU"
        if refused
        else "The AMD GPU has no device file here",
        evidence=(
            *facts,
            Evidence(fact=f"this process is in the groups {mine}", source="getgroups"),
            *(Evidence(fact=fact, source="environment") for fact in built),
        ),
        cause="ROCm opens /dev/kfd and /dev/dri/renderD* for reading and writing. Without them "
        "frameworks see no GPU.",
        remedies=(_let_in(machine.amd, refused, machine.platform.container),),
        verify="ls -l /dev/kfd /dev/dri/renderD* && id",
    )


def _cards(machine: Machine) -> bool:
    return any(
        each.vendor == AMD and each.class_code >> 16 == DISPLAY and each.driver not in GIVEN_AWAY
        for each in machine.pci
    )


def _let_in(amd: Amd, refused: list[DeviceNode], container: str) -> Remedy:
    groups = sorted({node.group for node in refused if node.group and node.group not in amd.groups})
    if container:
        flags = "".join(f" --group-add {group}" for group in groups)
        return Remedy(
            command=f"docker run --device=/dev/kfd --device=/dev/dri{flags} IMAGE",
            text="Start the container with the devices and their groups, by number: names may "
            "mean other numbers inside.",
            restarts=True,
        )
    if not refused:
        return Remedy(
            command="sudo modprobe amdgpu",
            text="Load the driver; if /dev/kfd does not appear, ROCm does not support this kernel "
            "or this card.",
            needs_root=True,
        )
    return Remedy(
        command='sudo usermod -aG render,video "$USER"',
        text="Join the groups of the device files, and log in anew.",
        needs_root=True,
        restarts=True,
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="rocm-wheel-lacks-gfx",
        group="amd",
        summary="a build of torch without code for the AMD GPU",
        run=wheel_lacks_gfx,
        page=Page(
            symptoms=("RuntimeError: HIP error: invalid device function",),
            why="Code for AMD GPUs is built for single architectures.",
            seen_by="The architectures of the kernel driver's topology, and those that the files "
            "of torch name. Where torch names none, nothing is said.",
            confirmed_by="`envdoctor check --deep`",
            remedy=f"Another build. {OVERRIDE} only within a family, and without AMD's support.",
            sources=("pytorch#132570", "pytorch#164346", "rocALUTION#197"),
        ),
    ),
    Check(
        id="rocm-device-permission",
        group="amd",
        summary="an AMD GPU that this process may not open",
        run=device_permission,
        page=Page(
            symptoms=("Unable to open /dev/kfd read-write: Permission denied",),
            why="The device files belong to the groups render and video.",
            seen_by="The rights of /dev/kfd and /dev/dri/renderD*, and the groups of this process. "
            "Only if a build for ROCm is installed.",
            remedy="Join the groups, or start the container with devices and groups.",
            sources=("ROCm-docker#116", "rocminfo#34"),
        ),
    ),
)
