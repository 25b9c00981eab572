"""The facts as a block that can be pasted into a bug report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report import doctor_facts as facts
from envdoctor.report.doctor_console import clean
from envdoctor.report.doctor_markdown import fenced

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from envdoctor.model.environment import Environment
    from envdoctor.model.machine import Machine, Nvidia, NvidiaGpu
    from envdoctor.model.snapshot import ProbeResult, Snapshot

LABEL_COLUMNS = 14


def write_text(snapshot: Snapshot, stream: TextIO) -> None:
    """Write a line a fact, with its label."""
    stream.writelines(f"{line}\n" for line in block(snapshot))


def write_markdown(snapshot: Snapshot, stream: TextIO) -> None:
    """Write the same as a block that Markdown leaves as it is."""
    stream.writelines(f"{line}\n" for line in fenced("\n".join(block(snapshot)), "text"))


def block(snapshot: Snapshot) -> Iterator[str]:
    """The lines, without any control character."""
    for label, value in _facts(snapshot):
        if value:
            yield f"{label + ':':<{LABEL_COLUMNS}} {clean(value)}"


def _facts(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    yield "envdoctor", f"{snapshot.envdoctor_version}, {snapshot.taken_at}"
    yield from _machine(snapshot.machine)
    yield from _environment(snapshot.environment)
    for probe in snapshot.probes or ():
        yield "exercised", _probe(probe)
    for each in (*snapshot.machine.unseen, *snapshot.environment.unseen):
        yield "not seen", f"{each.what}: {each.reason}"


def _machine(machine: Machine) -> Iterator[tuple[str, str]]:
    platform = machine.platform
    system = [
        f"{platform.distribution} {platform.distribution_version}".strip() or platform.system,
        f"{platform.system} {platform.kernel}".strip(),
        platform.architecture,
        platform.libc,
        f"WSL {platform.wsl}" if platform.wsl else "",
        f"in {platform.container}" if platform.container else "",
        f"on {platform.virtual_machine}" if platform.virtual_machine else "",
        platform.hosted,
        platform.jetson,
    ]
    yield "system", ", ".join(part for part in system if part)
    yield "processor", facts.processor(machine)
    yield "memory", facts.memory(machine)
    yield "gpus", facts.gpus(machine)
    if machine.nvidia is not None:
        yield "nvidia", _nvidia(machine.nvidia)
        for gpu in machine.nvidia.gpus:
            yield f"gpu {gpu.index}", _gpu(gpu)
    if machine.amd is not None:
        versions = (machine.amd.driver_version, machine.amd.rocm_version)
        yield "amd", f"driver {versions[0] or 'unknown'}, ROCm {versions[1] or 'unknown'}"


def _nvidia(nvidia: Nvidia) -> str:
    driver = nvidia.driver_version or nvidia.kernel_version
    parts = [
        f"driver {driver}" if driver else "no driver loaded",
        f"CUDA {nvidia.cuda_version} at most" if nvidia.cuda_version else "",
        f"kernel module {nvidia.kernel_version}" if nvidia.kernel_version else "",
        f"library {nvidia.library_version}" if nvidia.library_version else "",
        f"NVML answers {nvidia.nvml_error}" if nvidia.nvml_error else "",
    ]
    return ", ".join(part for part in parts if part)


def _gpu(gpu: NvidiaGpu) -> str:
    size = gpu.total_bytes
    parts = [
        gpu.name,
        f"compute capability {gpu.compute_capability}" if gpu.compute_capability else "",
        facts.gigabytes(size) if size is not None else "",
        f"{facts.gigabytes(gpu.used_bytes)} in use" if gpu.used_bytes is not None else "",
        gpu.pci_address,
    ]
    return ", ".join(part for part in parts if part)


def _environment(environment: Environment) -> Iterator[tuple[str, str]]:
    found = environment.interpreter
    yield "python", facts.python_line(environment)
    yield "prefix", f"{found.prefix} (base {found.base_prefix})" + (", conda" * found.conda)
    yield "frameworks", facts.frameworks_line(environment)
    yield "around them", facts.surroundings_line(environment)
    for tool in environment.tools:
        yield "tool", f"{tool.name} {tool.version} at {tool.path}".replace("  ", " ")
    for name, value in sorted(environment.variables.items()):
        yield "variable", f"{name}={value}"
    related = (
        f"{name} {each.version}"
        for name, each in sorted(environment.distributions.items())
        if name.startswith(RELATED)
    )
    yield "related", ", ".join(related)


RELATED = ("nvidia-", "torch", "tensorflow", "jax", "triton", "keras", "libtpu", "onnx", "cuda-")
"""Beginnings of the names of distributions that belong to frameworks."""


def _probe(probe: ProbeResult) -> str:
    outcome = f"{probe.outcome.status} {probe.outcome.reason}".strip()
    return f"{probe.framework} on {probe.device or 'no device'}: {outcome}"
