"""The CPUs that a process is paid for, against the threads that libraries start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.hardware import frameworks_of, thread_budget
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.snapshot import Snapshot

POOLS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
LIMITS = (
    *POOLS,
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
"""Variables that say how many threads a library starts."""


def quota_ignored(snapshot: Snapshot) -> Iterator[Finding]:
    """The control groups grant fewer CPUs than libraries will start threads for."""
    processor, environment = snapshot.machine.processor, snapshot.environment
    budget = thread_budget(snapshot.machine)
    visible = len(processor.allowed) or processor.logical
    if processor.quota is None or budget is None or visible <= budget:
        return
    if not (frameworks_of(environment) or environment.version_of("numpy")):
        return
    told = [_count(environment.variables.get(name, "")) for name in POOLS]
    if any(count is not None for count in told):
        return  # the user has taken care of it, or check `omp-threads-exceed-budget` speaks
    facts = [
        Evidence(fact=f"the quota is {processor.quota:g} CPUs", source="control groups"),
        Evidence(fact=f"{visible} CPUs are visible", source="affinity"),
    ]
    if processor.throttled_periods:
        fact = f"stopped in {processor.throttled_periods} periods so far"
        facts.append(Evidence(fact=fact, source="cpu.stat"))
    yield Finding(
        id="cgroup-cpu-quota-oversubscription",
        status="warn" if visible >= 2 * budget else "info",
        title=f"Libraries will start {visible} threads for {processor.quota:g} CPUs' worth of time",
        evidence=tuple(facts),
        cause="Libraries count the visible CPUs and know nothing of the quota. When it is used up, "
        "all threads are stopped until the next period, and wait for each other.",
        remedies=(_limit(budget),),
        verify="grep throttled /sys/fs/cgroup/cpu.stat",
    )


def one_thread(snapshot: Snapshot) -> Iterator[Finding]:
    """OpenMP is held to one thread although there are more CPUs."""
    budget = thread_budget(snapshot.machine)
    value = snapshot.environment.variables.get("OMP_NUM_THREADS", "")
    if budget is None or budget < 2 or _count(value) != 1:
        return
    if not frameworks_of(snapshot.environment):
        return
    yield Finding(
        id="omp-threads-one",
        status="info",
        title=f"OMP_NUM_THREADS=1 leaves {budget - 1} of {budget} CPUs idle",
        evidence=(
            Evidence(fact="OMP_NUM_THREADS=1", source="environment"),
            Evidence(fact=f"{budget} CPUs may be used", source="affinity and quota"),
        ),
        cause="Operations on the CPU run on one thread. torchrun sets it so for each of its "
        "processes, where it is right if there is one for each CPU.",
        remedies=(_limit(budget),),
        verify="printenv OMP_NUM_THREADS",
    )


def too_many_threads(snapshot: Snapshot) -> Iterator[Finding]:
    """A variable asks for more threads than CPUs may be used."""
    budget = thread_budget(snapshot.machine)
    variables = snapshot.environment.variables
    if budget is None:
        return
    over = [
        (name, count)
        for name in LIMITS
        if (count := _count(variables.get(name, ""))) is not None and count > budget
    ]
    if not over:
        return
    facts = tuple(Evidence(fact=f"{name}={count}", source="environment") for name, count in over)
    yield Finding(
        id="omp-threads-exceed-budget",
        status="warn",
        title=f"{over[0][0]} asks for {over[0][1]} threads where {budget} CPUs may be used",
        evidence=(*facts, Evidence(fact=f"{budget} CPUs", source="affinity and quota")),
        cause="Threads beyond the CPUs take turns, and those that wait for the others spin.",
        remedies=(
            Remedy(
                command="export " + " ".join(f"{name}={budget}" for name, _ in over),
                text="As many threads as CPUs.",
            ),
        ),
        verify=f"printenv {over[0][0]}",
    )


def _count(value: str) -> int | None:
    """The first number of a list as OpenMP reads it, `8` or `8,2`; None if it is none."""
    first = value.partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) else None


def _limit(budget: int) -> Remedy:
    return Remedy(
        command="export " + " ".join(f"{name}={budget}" for name in POOLS),
        text="As many threads as are paid for. TensorFlow has calls of its own: "
        "tf.config.threading.set_intra_op_parallelism_threads and its inter-op twin.",
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="cgroup-cpu-quota-oversubscription",
        group="machine",
        summary="more threads than the CPU quota pays for",
        run=quota_ignored,
        hides=("omp-threads-exceed-budget",),
        page=Page(
            symptoms=("Slow in a container, fast outside; no error",),
            why="A quota is no smaller set of CPUs: all are visible, and all threads are stopped "
            "when the time is used up. Ten times slower and more has been measured.",
            seen_by="The least quota of all control groups of this process, the affinity mask, and "
            "the variables that limit threads.",
            confirmed_by="`nr_throttled` in cpu.stat grows while a job runs.",
            remedy="Limit the threads to the quota, rounded down.",
            sources=("oneTBB#190", "llvm#225493", "OpenBLAS#6059", "ollama#17916"),
        ),
    ),
    Check(
        id="omp-threads-one",
        group="machine",
        summary="one thread where there could be more",
        run=one_thread,
        page=Page(
            symptoms=(
                "Setting OMP_NUM_THREADS environment variable for each process to be 1 in default",
            ),
            why="With one thread a single CPU works.",
            seen_by="OMP_NUM_THREADS against affinity and quota.",
            remedy="Set it to the number of CPUs for each process.",
            sources=("timm#1033",),
        ),
    ),
    Check(
        id="omp-threads-exceed-budget",
        group="machine",
        summary="more threads asked for than CPUs may be used",
        run=too_many_threads,
        page=Page(
            symptoms=("Slow, with all CPUs busy",),
            why="Threads beyond the CPUs hinder each other.",
            seen_by="The variables that set numbers of threads, against affinity and quota.",
            remedy="As many threads as CPUs.",
            sources=("oneTBB#190", "OpenBLAS#6059"),
        ),
    ),
)
