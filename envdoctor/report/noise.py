"""What is said where two copies of one row differ so much that little or nothing is ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report import numbers
from envdoctor.statistics.disturbance import Disturbance, disturbance, is_loaded
from envdoctor.statistics.ranking import TOO_NOISY

SEEN_CPUS = 0.05
"""What is shown as 0.0 is no cause."""

if TYPE_CHECKING:
    from envdoctor.model.run import Plan, Run
    from envdoctor.statistics.resolution import Resolution


def too_noisy(run: Run, workload: str, found: Resolution) -> tuple[str, ...]:
    """The lines for grade D where nothing is ranked: how far the copies differed, and why."""
    *lines, helps = _grounds(run, workload, found)
    if not (found.biased or is_loaded(run, workload)):
        helps += f" Differences above about {_share(found.smallest_difference)} would still show."
    return (TOO_NOISY, *lines, helps)


def rough(run: Run, workload: str, found: Resolution) -> tuple[str, ...]:
    """The lines for grade D where what is far enough apart is ranked."""
    shows = _share(found.smallest_difference)
    first = f"This machine is noisy right now: only differences above about {shows} are ranked."
    return (first, *_grounds(run, workload, found))


def loaded(run: Run, workload: str) -> str:
    """That others were on the CPUs in most rounds that count; empty if they were not."""
    if not is_loaded(run, workload):
        return ""
    cause = _cause(disturbance(run, workload), run.plan.threads)
    return f"most rounds were disturbed ({cause}): undisturbed, the order may be another."


def _grounds(run: Run, workload: str, found: Resolution) -> tuple[str, ...]:
    """How far the copies differed, what was counted, what helps."""
    seen = disturbance(run, workload)
    return (
        f"  {_copies(found)}",
        f"  {_counted(seen)}",
        f"  likely cause: {_cause(seen, run.plan.threads)}",
        f"What helps: {' · '.join(_remedies(seen, run.plan))}.",
    )


def _copies(found: Resolution) -> str:
    name = found.row.title
    low, high = (_signed(end - 1) for end in (found.interval.low, found.interval.high))
    return (
        f"two copies of the same backend ({name}, {name}') differed by "
        f"{_share(abs(found.comparison.ratio - 1))} (95 % CI {low} .. {high})"
    )


def _signed(share: float) -> str:
    """Two significant digits and the sign: `+0.29 %`, `-2.1 %`, `+390 %`."""
    return f"{'-' if share < 0 else '+'}{numbers.significant(abs(share) * 100, 2)} %"


def _counted(seen: Disturbance) -> str:
    rounds = f"{seen.disturbed_rounds} of {seen.rounds} rounds were disturbed"
    if seen.worst_delay_share is None:
        return rounds
    delay = numbers.percent(seen.worst_delay_share)
    return f"run-queue delay {delay} of CPU time in the worst twentieth of blocks; {rounds}"


def _cause(seen: Disturbance, threads: int) -> str:
    """What the most frequent cause means, with what was counted of it."""
    match seen.causes[0] if seen.causes else None:
        case "foreign CPU" | "run-queue delay":
            return _others(seen, threads)
        case "steal":
            return _stolen(seen, threads)
        case "quota":
            return "the CPU quota of the control group was used up"
        case "GPU throttling":
            return "the GPU slowed itself down, for heat or power"
        case "canary":
            return "the CPU itself changed its speed: its clock, its heat or its neighbours"
        case None:
            return "unknown; no counter of this machine shows one"


def _stolen(seen: Disturbance, threads: int) -> str:
    if (seen.stolen_cpus or 0.0) < SEEN_CPUS:
        return "for moments, the hypervisor gave your CPUs to other machines"
    cpus = f"{seen.stolen_cpus:.1f} of your {_cpus(threads)}"
    return f"the hypervisor gave {cpus} to other machines"


def _others(seen: Disturbance, threads: int) -> str:
    if (seen.stolen_cpus or 0.0) > max(seen.foreign_cpus or 0.0, SEEN_CPUS):
        return _stolen(seen, threads)
    pressure = ""
    if seen.pressure_share is not None:
        share = numbers.percent(min(1.0, seen.pressure_share))
        pressure = f" (some task waited for a CPU in {share} of the time)"
    if (seen.foreign_cpus or 0.0) < SEEN_CPUS:
        return f"more threads were ready to run than there were CPUs{pressure}"
    return f"other processes used {seen.foreign_cpus:.1f} of your {_cpus(threads)}{pressure}"


def _remedies(seen: Disturbance, plan: Plan) -> list[str]:
    """What to try, the cause's own remedy first."""
    match seen.causes[0] if seen.causes else None:
        case "steal":
            first = "a machine that is not shared"
        case "quota":
            first = "a higher CPU limit"
        case "GPU throttling":
            first = "let the GPU cool down"
        case _:
            first = "close other work"
    fewer = ["--threads 1"] if plan.threads > 1 else []
    longer = ["--rigorous"] if plan.preset != "rigorous" else []
    return [first, *fewer, *longer, "run again later"]


def _cpus(threads: int) -> str:
    return "1 CPU" if threads == 1 else f"{threads} CPUs"


def _share(share: float) -> str:
    return f"{numbers.significant(share * 100, 2)} %"
