"""NVIDIA GPUs in use: who holds their memory, and how they are shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.hardware import gib, name_of, whole_gpus
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.machine import NvidiaGpu
    from envdoctor.model.snapshot import Snapshot

HELD = 0.5
"""The part of a GPU's memory from which on its use by others is told. A choice: a desktop takes a
tenth, and JAX alone asks for three quarters (jax, docs/gpu_memory_allocation.rst)."""
QUERY = "nvidia-smi --query-compute-apps=pid,process_name,used_memory --format=csv"
BFLOAT16_SINCE, HALF_SINCE = 8, 7
"""Major compute capabilities of GPUs that multiply in these precisions with tensor cores."""


def memory_held(snapshot: Snapshot) -> Iterator[Finding]:
    """Most of a GPU's memory is in use before anything of ours has started."""
    for gpu in whole_gpus(snapshot.machine):
        if gpu.mig or not gpu.total_bytes or gpu.used_bytes is None or gpu.processes == ():
            continue
        if gpu.used_bytes < HELD * gpu.total_bytes:
            continue
        count = len(gpu.processes or ())
        who = (
            f"{count} process{'es' if count > 1 else ''} compute{'' if count > 1 else 's'} on it"
            if count
            else "who holds it cannot be seen from here"
        )
        yield Finding(
            id="gpu-memory-held-by-other-process",
            status="warn",
            subject=name_of(gpu),
            title=f"{gib(gpu.used_bytes)} of {gib(gpu.total_bytes)} of {name_of(gpu)} are taken",
            evidence=(
                Evidence(fact=f"{gib(gpu.total_bytes - gpu.used_bytes)} are free", source="NVML"),
                Evidence(fact=who, source="NVML"),
            ),
            cause="Another program holds the memory. A new one runs out of it sooner than the size "
            "of the card suggests.",
            remedies=(
                Remedy(command=QUERY, text="See which jobs they are; end those of yours."),
                *_fit_in(gpu, torch="torch" in snapshot.environment.frameworks),
            ),
            verify="nvidia-smi --query-gpu=index,memory.free --format=csv",
        )


def _fit_in(gpu: NvidiaGpu, *, torch: bool) -> Iterator[Remedy]:
    """What makes a job fit into what is free: batch size, precision, allocator, in this order."""
    total, used = gpu.total_bytes or 0, gpu.used_bytes or 0
    part = (total - used) / total if total else 0.0
    yield Remedy(
        text=f"Or fit into the {gib(total - used)} that are free: a batch that fills "
        f"the empty card "
        f"must shrink to about {part:.0%} of its size."
    )
    major = int(gpu.compute_capability.partition(".")[0] or 0)
    if major >= HALF_SINCE:
        name = "bfloat16" if major >= BFLOAT16_SINCE else "float16 with loss scaling"
        yield Remedy(text=f"Train in {name}: activations take half of the memory.")
    if torch:
        yield Remedy(
            command="export PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True",
            text="Let PyTorch's allocator grow its segments, where it fails with memory that is "
            "reserved but not allocated.",
        )


def exclusive_mode(snapshot: Snapshot) -> Iterator[Finding]:
    """A GPU takes one process only and has one, or takes none."""
    for gpu in whole_gpus(snapshot.machine):
        prohibited = gpu.compute_mode == "prohibited"
        if not prohibited and not (gpu.compute_mode == "exclusive process" and gpu.processes):
            continue
        taken = Evidence(fact="a process computes on it already", source="NVML")
        yield Finding(
            id="gpu-exclusive-compute-mode",
            status="fail" if prohibited else "warn",
            subject=name_of(gpu),
            title=f"{name_of(gpu)} takes no program"
            if prohibited
            else f"{name_of(gpu)} takes one program only, and has one",
            evidence=(
                Evidence(fact=f"compute mode: {gpu.compute_mode}", source="NVML"),
                *(() if prohibited else (taken,)),
            ),
            cause="Somebody has set the compute mode. Another program is told that all devices are "
            "busy or unavailable.",
            remedies=(
                Remedy(
                    command=f"sudo nvidia-smi -i {gpu.index} -c DEFAULT",
                    text="Let several programs use it; on a shared machine, ask first.",
                    needs_root=True,
                ),
            ),
            verify="nvidia-smi --query-gpu=index,compute_mode --format=csv",
        )


def persistence_off(snapshot: Snapshot) -> Iterator[Finding]:
    """The driver lets go of a GPU whenever nobody uses it."""
    if snapshot.machine.platform.wsl or snapshot.machine.platform.system != "Linux":
        return
    gpus = [gpu for gpu in whole_gpus(snapshot.machine) if gpu.persistence is False]
    if not gpus:
        return
    yield Finding(
        id="persistence-off",
        status="info",
        title="The first use of the GPU is slow, because persistence mode is off",
        evidence=tuple(
            Evidence(fact=f"{name_of(gpu)}: persistence mode is off", source="NVML") for gpu in gpus
        ),
        cause="The driver starts an unused GPU anew for every program, which takes a second or "
        "more. A display that runs on the GPU keeps it awake as well.",
        remedies=(
            Remedy(command="sudo nvidia-smi -pm 1", text="Keep it started.", needs_root=True),
        ),
        verify="nvidia-smi --query-gpu=index,persistence_mode --format=csv",
    )


def mig_enabled(snapshot: Snapshot) -> Iterator[Finding]:
    """A GPU is divided, which changes what programs see."""
    gpus = [gpu for gpu in whole_gpus(snapshot.machine) if gpu.mig]
    if not gpus:
        return
    yield Finding(
        id="mig-enabled",
        status="info",
        title="A GPU is divided into slices (MIG)",
        evidence=tuple(Evidence(fact=f"{name_of(gpu)}: MIG is on", source="NVML") for gpu in gpus),
        cause="A CUDA program sees one slice, with a part of memory and multiprocessors.",
        remedies=(Remedy(command="nvidia-smi -L", text="List the slices."),),
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="gpu-memory-held-by-other-process",
        group="nvidia",
        summary="GPU memory that other programs hold",
        run=memory_held,
        page=Page(
            symptoms=("torch.OutOfMemoryError: CUDA out of memory",),
            why="The memory of a GPU is shared by all its programs, and is given to whoever asks "
            "first.",
            seen_by="NVML: memory in use and the processes that compute. Inside of a container "
            "the processes cannot be seen.",
            confirmed_by=f"`{QUERY}`",
            remedy="End jobs of yours that are left over; otherwise a smaller batch, a smaller "
            "precision, and then the allocator's settings.",
            sources=("nvidia-smi manual", "PyTorch, notes on CUDA memory management"),
        ),
    ),
    Check(
        id="gpu-exclusive-compute-mode",
        group="nvidia",
        summary="a GPU that takes one program or none",
        run=exclusive_mode,
        page=Page(
            symptoms=("CUDA error: all CUDA-capable devices are busy or unavailable",),
            why="In exclusive mode a second program is turned away; in prohibited mode each is.",
            seen_by="NVML: compute mode and processes.",
            remedy="`sudo nvidia-smi -c DEFAULT`",
            sources=("pytorch#3871", "timm#1033"),
        ),
    ),
    Check(
        id="persistence-off",
        group="nvidia",
        summary="a GPU that is started anew for every program",
        run=persistence_off,
        page=Page(
            symptoms=("The first CUDA call takes seconds",),
            why="Without persistence mode the driver lets go of a GPU that nobody uses.",
            seen_by="NVML: persistence mode.",
            remedy="`sudo nvidia-smi -pm 1`, or the service nvidia-persistenced.",
            sources=("azure_gpu_persistence.nhc", "NVIDIA, Driver Persistence"),
        ),
    ),
    Check(
        id="mig-enabled",
        group="nvidia",
        summary="a GPU that is divided",
        run=mig_enabled,
        page=Page(
            symptoms=("Fewer or smaller devices than the server has",),
            why="Multi-Instance GPU divides a GPU into slices of their own.",
            seen_by="NVML: MIG mode.",
            remedy="None is needed: it is meant to be so.",
            sources=("NVIDIA Multi-Instance GPU user guide",),
        ),
    ),
)
