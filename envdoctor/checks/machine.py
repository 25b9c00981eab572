"""The machine: instruction sets, memory, limits, clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.hardware import GIB, frameworks_of, gib
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.snapshot import Snapshot

NEED_AVX = ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tf-nightly", "jaxlib")
"""TensorFlow's documentation (install/pip) and jaxlib's own message at import say so; torch asks
the processor when it runs."""
X86 = {"x86_64", "AMD64", "i686"}
SHARED = "/dev/shm"  # noqa: S108  looked at, never written to
SHARED_BYTES = GIB
"""Docker gives 64 MiB; a batch of pictures for each of a few loader processes takes more."""
OPEN_FILES = {"Darwin": 256}
"""The system's own default where it is below the usual 1024; only less than the default is told."""
USUAL_OPEN_FILES = 1024
PROCESSES = 256
"""A numerical library starts a thread for each CPU, and each counts. A choice."""
SHARED_SIZE = {
    "docker": ("docker run --shm-size=8g IMAGE", "Start the container with more; or `--ipc=host`."),
    "podman": ("podman run --shm-size=8g IMAGE", "Start the container with more."),
    "kubernetes": ("", "Mount an emptyDir with `medium: Memory` at /dev/shm in the pod."),
}


def lacks_avx(snapshot: Snapshot) -> Iterator[Finding]:
    """The processor does not offer AVX, and something installed is built with it."""
    machine, environment = snapshot.machine, snapshot.environment
    flags = machine.processor.flags
    if not flags or "avx" in flags or machine.platform.architecture not in X86:
        return
    users = [
        environment.distributions[name] for name in NEED_AVX if name in environment.distributions
    ]
    if not users:
        return
    virtual = machine.platform.virtual_machine
    yield Finding(
        id="cpu-lacks-avx",
        status="fail",
        title=f"The processor offers no AVX, which {users[0].name} needs",
        evidence=(
            Evidence(
                fact=f"{machine.processor.model} without the flag avx", source="/proc/cpuinfo"
            ),
            *(Evidence(fact=f"{each.name} {each.version}", source=each.location) for each in users),
        ),
        cause="Its code uses AVX without asking, and the processor ends the program at the first "
        "such instruction: `Illegal instruction`.",
        remedies=(
            Remedy(
                text=f"Give the virtual machine ({virtual}) the processor of its host: CPU type "
                "`host`, or without a compatibility mode.",
                restarts=True,
            ),
        )
        if virtual
        else (Remedy(text="Use another machine, or a build without AVX; torch runs here."),),
        verify="grep -c -w avx /proc/cpuinfo",
    )


def shared_memory_small(snapshot: Snapshot) -> Iterator[Finding]:
    """The container's /dev/shm is too small for the loader processes of torch."""
    machine, shared = snapshot.machine, snapshot.machine.memory.shared_total_bytes
    container = machine.platform.container
    if not container or shared is None or shared >= SHARED_BYTES:
        return
    if "torch" not in frameworks_of(snapshot.environment):
        return
    command, text = SHARED_SIZE.get(
        container, ("sudo mount -o remount,size=8g /dev/shm", "Make it larger.")
    )
    yield Finding(
        id="shm-too-small",
        status="warn",
        title=f"{SHARED} has {shared / (1 << 20):.0f} MiB, too little for torch's data loaders",
        evidence=(
            Evidence(fact=f"{shared / (1 << 20):.0f} MiB", source=SHARED),
            Evidence(fact=f"inside of a container ({container})", source="/proc"),
        ),
        cause="Loader processes hand batches over through /dev/shm. When it is full, the kernel "
        "ends them with a bus error.",
        remedies=(
            Remedy(command=command, text=text, restarts=True),
            Remedy(text="Or load with `num_workers=0`, which needs none of it."),
        ),
        verify="df -h /dev/shm",
    )


def killed_for_memory(snapshot: Snapshot) -> Iterator[Finding]:
    """Processes of this control group were killed because its memory was used up."""
    memory = snapshot.machine.memory
    kills = memory.limit_kills or 0
    messages = snapshot.machine.platform.kernel_messages or ()
    said = [line for line in messages if "ut of memory" in line or "oom-kill" in line]
    if not kills and not said:
        return
    limited = memory.limit_bytes is not None and memory.limit_bytes < memory.total_bytes
    facts = []
    if kills:
        facts.append(Evidence(fact=f"{kills} processes were killed", source="memory.events"))
    if limited and memory.limit_bytes is not None:
        fact = f"the limit is {gib(memory.limit_bytes)} of {gib(memory.total_bytes)}"
        facts.append(Evidence(fact=fact, source="memory.max"))
    facts += [Evidence(fact=line[:200], source="kernel log") for line in said[-1:]]
    yield Finding(
        id="out-of-memory-cgroup-limit",
        status="warn" if said or limited else "info",
        title="Processes have been killed here because memory ran out",
        evidence=tuple(facts),
        cause="The kernel kills a process when the memory of its group or of the machine is used "
        "up; it ends with exit code 137 and the word `Killed`.",
        remedies=(_more_memory(snapshot, limited=limited),),
        verify="cat /sys/fs/cgroup/memory.events",
    )


def _more_memory(snapshot: Snapshot, *, limited: bool) -> Remedy:
    platform = snapshot.machine.platform
    less = "Fewer loader processes and smaller batches on the host need less."
    if platform.wsl == 2:
        text = "Raise `memory=` under `[wsl2]` in %UserProfile%\\.wslconfig: WSL takes half of the "
        return Remedy(text=f"{text}machine by default. {less}", restarts=True)
    if limited and platform.container == "docker":
        return Remedy(
            command="docker run --memory=16g IMAGE",
            text=f"Start the container with a higher limit. {less}",
            restarts=True,
        )
    return Remedy(text=f"Raise the limit, if there is one. {less}")


def powersave(snapshot: Snapshot) -> Iterator[Finding]:
    """The CPUs save power, which makes timings slow and unsteady."""
    if "powersave" not in snapshot.machine.processor.governors:
        return
    yield Finding(
        id="cpu-governor-powersave",
        status="info",
        title="The CPUs are set to save power",
        evidence=(
            Evidence(
                fact=f"governors: {', '.join(snapshot.machine.processor.governors)}",
                source="cpufreq/scaling_governor",
            ),
        ),
        cause="It matters for benchmarks only. With the driver intel_pstate the name means that "
        "the hardware chooses the clock, which is its normal way.",
        remedies=(
            Remedy(
                command="echo performance | "
                "sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
                text="For the time of a benchmark: let the CPUs run at full clock.",
                needs_root=True,
            ),
        ),
        verify="cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    )


def limits_low(snapshot: Snapshot) -> Iterator[Finding]:
    """A process may open fewer files or start fewer threads than frameworks need."""
    limits = snapshot.machine.limits
    least = OPEN_FILES.get(snapshot.machine.platform.system, USUAL_OPEN_FILES)
    files, processes = limits.open_files, limits.processes
    if files is not None and files < least:
        yield _limit_finding("open files", files, "ulimit -n 4096", "ulimit -n")
    if processes is not None and processes < PROCESSES:
        yield _limit_finding("processes and threads", processes, "ulimit -u 4096", "ulimit -u")


def _limit_finding(what: str, value: int, command: str, verify: str) -> Finding:
    return Finding(
        id="ulimit-too-low",
        status="warn",
        subject=what,
        title=f"A process may have only {value} {what}",
        evidence=(Evidence(fact=f"limit {value}", source=verify),),
        cause="Loader processes pass batches on as open files, and libraries start a thread for "
        "each CPU. Beyond the limit they fail with `Too many open files`, `received 0 items of "
        "ancdata` or `Resource temporarily unavailable`.",
        remedies=(
            Remedy(
                command=command,
                text="Raise it in this shell; for good, in /etc/security/limits.conf or with "
                "LimitNOFILE and LimitNPROC of the service.",
            ),
        ),
        verify=verify,
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="cpu-lacks-avx",
        group="machine",
        summary="a processor without AVX under programs that need it",
        run=lacks_avx,
        page=Page(
            symptoms=("Illegal instruction (core dumped)",),
            why="TensorFlow and jaxlib are built with AVX. Small processors lack it, and virtual "
            "machines may hide it.",
            seen_by="The flags in /proc/cpuinfo, and the installed distributions.",
            confirmed_by="The import ends with the signal SIGILL.",
            remedy="The CPU type `host` for the virtual machine, or another machine.",
            sources=("tensorflow#17411", "tensorflow#19809", "TensorFlow, install/pip"),
        ),
    ),
    Check(
        id="shm-too-small",
        group="machine",
        summary="too little shared memory for data loaders",
        run=shared_memory_small,
        page=Page(
            symptoms=(
                (
                    "RuntimeError: DataLoader worker (pid 46794) is killed by signal: Bus "
                    "error. It is "
                    "possible that dataloader's workers are out of shared memory."
                ),
            ),
            why="Containers get a small /dev/shm, and torch's loaders hand batches over in it.",
            seen_by="The size of /dev/shm, inside of containers only.",
            remedy="`docker run --shm-size=8g`, `--ipc=host`, or a volume in memory.",
            sources=("pytorch#5040", "docker run, manual, --shm-size"),
        ),
    ),
    Check(
        id="out-of-memory-cgroup-limit",
        group="machine",
        summary="processes that were killed for want of memory",
        run=killed_for_memory,
        page=Page(
            symptoms=("Killed", "exit code 137"),
            why="The kernel ends a process when memory runs out.",
            seen_by="The counter of the control group, its limit, and the kernel log of the last "
            "two hours where it may be read.",
            remedy="A higher limit, or less memory in use.",
            sources=("Linux, admin-guide/cgroup-v2, memory.events",),
        ),
    ),
    Check(
        id="ulimit-too-low",
        group="machine",
        summary="low limits on open files or threads",
        run=limits_low,
        page=Page(
            symptoms=("RuntimeError: received 0 items of ancdata", "Too many open files"),
            why="Loader processes and thread pools need open files and threads.",
            seen_by="The soft limits of this process.",
            remedy="`ulimit -n 4096`, or the limits of the service.",
            sources=("setrlimit(2)", "PyTorch, torch.multiprocessing, sharing strategies"),
        ),
    ),
    Check(
        id="cpu-governor-powersave",
        group="machine",
        summary="CPUs that save power",
        run=powersave,
        page=Page(
            symptoms=("Unsteady timings",),
            why="A lower clock makes timings slower, a changing one unsteady.",
            seen_by="The scaling governors.",
            remedy="For benchmarks, the governor performance.",
            sources=("Linux, admin-guide/pm/cpufreq",),
        ),
    ),
)
