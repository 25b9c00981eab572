"""The health of NVIDIA GPUs: heat, power, memory errors, messages of the driver, the bus."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.hardware import name_of, whole_gpus
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.finding import Status
    from envdoctor.model.machine import NvidiaGpu
    from envdoctor.model.snapshot import Snapshot

HW_SLOWDOWN, SW_THERMAL, HW_THERMAL, POWER_BRAKE = 0x8, 0x20, 0x40, 0x80
"""Bits of nvml.h, nvmlClocksEventReason*."""
CAPPED = 0.95
"""Below this part of its default, a power limit was set on purpose. A choice."""
FATAL_XIDS = frozenset({48, 56, 57, 58, 62, 63, 64, 65, 68, 69, 73, 74, 79, 80, 81, 92, 119, 120})
"""The Xid errors that Azure's node health checks fail on (azure_gpu_xid.nhc)."""
XID = re.compile(r"NVRM: Xid \((?:PCI:)?([0-9a-fA-F:.]+)\): (\d+)")
ADMINISTRATOR = "Tell who looks after the machine; "


def thermal_throttle(snapshot: Snapshot) -> Iterator[Finding]:
    """The clocks are lowered because of heat."""
    for gpu in whole_gpus(snapshot.machine):
        if not (gpu.event_bits or 0) & (SW_THERMAL | HW_THERMAL):
            continue
        yield Finding(
            id="gpu-thermal-throttle",
            status="warn",
            subject=name_of(gpu),
            title=f"{name_of(gpu)} slows itself down because it is hot",
            evidence=(_bits(gpu), *_temperature(gpu)),
            cause="Above its limit of temperature the GPU lowers its clocks; every job "
            "takes longer.",
            remedies=(Remedy(text="See to its cooling: fans, dust, air flow, the room."),),
            verify="nvidia-smi -q -d PERFORMANCE,TEMPERATURE",
        )


def power_capped(snapshot: Snapshot) -> Iterator[Finding]:
    """The power limit was set below the card's own."""
    for gpu in whole_gpus(snapshot.machine):
        limit, default = gpu.power_limit_watts, gpu.default_power_limit_watts
        if not limit or not default or limit >= CAPPED * default:
            continue
        yield Finding(
            id="gpu-power-capped",
            status="info",
            subject=name_of(gpu),
            title=f"{name_of(gpu)} is limited to {limit:.0f} W of {default:.0f} W",
            evidence=(
                Evidence(fact=f"power limit {limit:.0f} W, default {default:.0f} W", source="NVML"),
            ),
            cause="Somebody has lowered the limit. Under full load the clocks follow it.",
            remedies=(
                Remedy(
                    command=f"sudo nvidia-smi -i {gpu.index} -pl {default:.0f}",
                    text="Give it its default back, if nobody meant it so.",
                    needs_root=True,
                ),
            ),
            verify="nvidia-smi -q -d POWER",
        )


def hardware_slowdown(snapshot: Snapshot) -> Iterator[Finding]:
    """The board itself has lowered the clocks, not for heat."""
    for gpu in whole_gpus(snapshot.machine):
        bits = gpu.event_bits or 0
        braked = bool(bits & POWER_BRAKE)
        if not braked and (not bits & HW_SLOWDOWN or bits & HW_THERMAL):
            continue
        yield Finding(
            id="gpu-hw-slowdown",
            # nvml.h: the general bit may also show while the clocks change.
            status="warn" if braked else "info",
            subject=name_of(gpu),
            title=f"The hardware slows {name_of(gpu)} down",
            evidence=(_bits(gpu), *_temperature(gpu)),
            cause="The power supply or the server asks the GPU to draw less."
            if braked
            else "The board reports a slowdown; it may pass, as while the clocks change.",
            remedies=(
                Remedy(text=f"{ADMINISTRATOR}power supply and cables are what to look at first."),
            ),
            verify="nvidia-smi -q -d PERFORMANCE",
        )


def memory_errors(snapshot: Snapshot) -> Iterator[Finding]:
    """The GPU's memory has had errors that could not be corrected."""
    for gpu in whole_gpus(snapshot.machine):
        status, facts = _judge_memory(gpu)
        if status is None:
            continue
        yield Finding(
            id="gpu-ecc-uncorrectable",
            status=status,
            subject=name_of(gpu),
            title=f"{name_of(gpu)} had memory errors in the past"
            if status == "info"
            else f"The memory of {name_of(gpu)} has errors that cannot be corrected",
            evidence=tuple(Evidence(fact=fact, source="NVML") for fact in facts),
            cause="An error that cannot be corrected ends the programs that use the GPU, and may "
            "come again until the faulty rows are replaced, which happens at a reset.",
            remedies=()
            if status == "info"
            else (
                Remedy(
                    command=f"sudo nvidia-smi --gpu-reset -i {gpu.index}",
                    text=f"{ADMINISTRATOR}once no job uses it, reset the GPU or start the machine "
                    "anew. If errors return, have it replaced.",
                    needs_root=True,
                ),
            ),
            verify="nvidia-smi -q -d ECC,ROW_REMAPPER",
        )


def _judge_memory(gpu: NvidiaGpu) -> tuple[Status | None, list[str]]:
    facts: list[str] = []
    status: Status | None = None
    if gpu.ecc_aggregate_uncorrected:
        status = "info"
        facts.append(f"{gpu.ecc_aggregate_uncorrected} uncorrectable errors in its life")
    if gpu.remapped_pending:
        status = "warn"
        facts.append("rows wait to be replaced at the next reset")
    if gpu.ecc_volatile_uncorrected:
        status = "fail"
        count = gpu.ecc_volatile_uncorrected
        facts.append(f"{count} uncorrectable errors since the driver was loaded")
    if gpu.remapped_failed:
        status = "fail"
        facts.append("replacing a row has failed")
    return status, facts


def xid_in_log(snapshot: Snapshot) -> Iterator[Finding]:
    """The driver has written an error to the kernel log that ends jobs."""
    machine = snapshot.machine
    if not whole_gpus(machine) or machine.platform.wsl or machine.platform.system != "Linux":
        return
    if machine.platform.kernel_messages is None:
        yield Finding(
            id="gpu-xid-in-log",
            status="error",
            title="The kernel log may not be read, so that errors of the GPU in it were not seen",
            evidence=(Evidence(fact="it may not be opened", source="/dev/kmsg"),),
        )
        return
    found: dict[tuple[str, int], str] = {}
    for line in machine.platform.kernel_messages:
        match = XID.search(line)
        if match and int(match[2]) in FATAL_XIDS:
            found[match[1], int(match[2])] = line
    for (address, number), line in found.items():
        yield Finding(
            id="gpu-xid-in-log",
            status="fail",
            subject=f"{address}, Xid {number}",
            title=f"The GPU at {address} has reported Xid {number}",
            evidence=(Evidence(fact=line[:200], source="kernel log"),),
            cause="The driver reports a fault of the hardware, the bus or the firmware with this "
            "number. Jobs on the GPU have ended or will.",
            remedies=(
                Remedy(
                    text=f"{ADMINISTRATOR}NVIDIA's catalogue of Xid errors says what {number} "
                    "means. Starting the machine anew is the usual first step."
                ),
            ),
            verify="sudo dmesg | grep -i xid",
        )


def link_degraded(snapshot: Snapshot) -> Iterator[Finding]:
    """The GPU is connected with fewer lanes than it and the slot could have."""
    for gpu in whole_gpus(snapshot.machine):
        width, most = gpu.link_width, gpu.max_link_width
        if not width or not most or width >= most:
            continue
        # Half is what boards give each of two cards by design; less than that they do not.
        status: Status = "warn" if width * 4 <= most else "info"
        yield Finding(
            id="pcie-link-degraded",
            status=status,
            subject=name_of(gpu),
            title=f"{name_of(gpu)} is connected with {width} of {most} PCIe lanes",
            evidence=(
                Evidence(
                    fact=f"link width {width}, possible with this GPU and system: {most}",
                    source="NVML",
                ),
            ),
            cause="Copies between host and GPU are slower by the same factor. A card that is not "
            "seated well, a riser or another card in a shared slot does this.",
            remedies=(
                Remedy(
                    text="Look at it under load; if it stays so, reseat the card or change the "
                    "slot."
                ),
            ),
            verify="nvidia-smi --query-gpu=index,pcie.link.width.current,pcie.link.width.max "
            "--format=csv",
        )


def _bits(gpu: NvidiaGpu) -> Evidence:
    return Evidence(fact=f"clock event reasons {gpu.event_bits or 0:#x}", source="NVML")


def _temperature(gpu: NvidiaGpu) -> tuple[Evidence, ...]:
    if gpu.temperature_celsius is None:
        return ()
    return (Evidence(fact=f"{gpu.temperature_celsius:.0f} °C", source="NVML"),)


CHECKS: tuple[Check, ...] = (
    Check(
        id="gpu-thermal-throttle",
        group="nvidia",
        summary="a GPU that is too hot for its clocks",
        run=thermal_throttle,
        page=Page(
            symptoms=("Steps become slower after a few minutes",),
            why="Heat makes the GPU lower its clocks.",
            seen_by="NVML's clock event reasons, at the moment of the check. It is worth most "
            "while a job runs.",
            remedy="Cooling.",
            sources=("nvml.h, nvmlClocksEventReason*", "azure_gpu_clock_throttling.nhc"),
        ),
    ),
    Check(
        id="gpu-power-capped",
        group="nvidia",
        summary="a GPU with a lowered power limit",
        run=power_capped,
        page=Page(
            symptoms=("Slower than the same card elsewhere",),
            why="At full load a GPU always runs into its power limit, which is normal; a lowered "
            "limit makes it slower than its like.",
            seen_by="NVML: power limit against the card's default.",
            remedy="`sudo nvidia-smi -pl WATTS`",
            sources=("nvidia-smi manual", "azure_gpu_clock_throttling.nhc"),
        ),
    ),
    Check(
        id="gpu-hw-slowdown",
        group="nvidia",
        summary="a GPU that its board or server slows down",
        run=hardware_slowdown,
        page=Page(
            symptoms=("Clocks drop to a half or less",),
            why="A power brake comes from the power supply or the server.",
            seen_by="NVML's clock event reasons, at the moment of the check.",
            remedy="Power supply and cables; an administrator.",
            sources=("nvml.h, nvmlClocksEventReason*",),
        ),
    ),
    Check(
        id="gpu-ecc-uncorrectable",
        group="nvidia",
        summary="errors in a GPU's memory",
        run=memory_errors,
        page=Page(
            symptoms=("CUDA error: uncorrectable ECC error encountered",),
            why="The memory corrects single errors itself; others end the programs that use it.",
            seen_by="NVML: errors since the driver was loaded and in the GPU's life, rows that are "
            "or could not be replaced.",
            remedy="Reset the GPU when no job uses it; replace it if errors return.",
            sources=("azure_gpu_ecc.nhc", "NVIDIA GPU memory error management"),
        ),
    ),
    Check(
        id="gpu-xid-in-log",
        group="nvidia",
        summary="errors of the GPU in the kernel log",
        run=xid_in_log,
        page=Page(
            symptoms=("NVRM: Xid (PCI:0000:3b:00): 79",),
            why="The driver writes what has happened to a GPU to the kernel log, by number.",
            seen_by="The kernel log of the last two hours, where it may be read.",
            confirmed_by="`sudo dmesg | grep -i xid`",
            remedy="By NVIDIA's catalogue of Xid errors; an administrator.",
            sources=("azure_gpu_xid.nhc", "NVIDIA Xid errors"),
        ),
    ),
    Check(
        id="pcie-link-degraded",
        group="nvidia",
        summary="a GPU with fewer PCIe lanes than it could have",
        run=link_degraded,
        page=Page(
            symptoms=("Copies to the GPU are slow",),
            why="Each lane carries a part of the traffic between host and GPU.",
            seen_by="NVML: the width of the link against what this GPU and this system allow. The "
            "speed is no sign: an idle GPU lowers it.",
            remedy="Reseat the card, or another slot.",
            sources=("nvml.h, nvmlDeviceGetMaxPcieLinkWidth",),
        ),
    ),
)
