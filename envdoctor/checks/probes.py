"""Judges what became of exercising frameworks; each by itself, with the cause where it is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks import cuda, probe_causes, remedies
from envdoctor.checks.probe_causes import Cause, explain, put_back, signal_name
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.snapshot import ProbeResult, Snapshot

NAMES = {"torch": "PyTorch", "jax": "JAX", "tensorflow": "TensorFlow", "numpy": "NumPy"}
LONGEST_FACT = 300
WITHOUT_GPU = {"JAX_PLATFORMS": "cpu"}
"""Variables by which users ask a framework to leave the GPU alone."""
_FRAME = re.compile(r'^\s*File "(.+)", line (\d+) in (\S+)', re.MULTILINE)
_CRASHED = ("crashed", "out_of_memory")


def find_failures(snapshot: Snapshot) -> Iterator[Finding]:
    """What raised an error."""
    for result in snapshot.probes or ():
        if result.outcome.status != "failed":
            continue
        step = next((each for each in result.steps if not each.passed), None)
        said = step.message if step is not None and step.message else result.outcome.reason
        cause = explain(said) or explain(result.output_tail)
        importing = step is not None and step.name == "import"
        name = _name(result)
        yield Finding(
            id="probe-failed",
            status="fail",
            subject=_subject(result),
            title=f"{name} cannot be imported"
            if importing
            else f"{name} raises an error{_on(result)}",
            evidence=(
                Evidence(fact=_shorten(said), source=f"step {step.name}" if step else "the probe"),
            ),
            cause=cause.sentence if cause else "It is installed, and does not work.",
            remedies=_mend(snapshot, result, cause),
            verify=_verify(snapshot, result),
            caused_by=cause.check if cause else "",
        )


def find_crashes(snapshot: Snapshot) -> Iterator[Finding]:
    """What ended the process."""
    for result in snapshot.probes or ():
        if result.outcome.status not in _CRASHED:
            continue
        name, ending = _name(result), signal_name(result.exit_code)
        cause = explain(result.output_tail) if ending != "SIGKILL" else None
        cause = cause or probe_causes.BY_SIGNAL.get(ending)
        words = f"killed by {ending}" if ending else f"it ended with exit code {result.exit_code}"
        facts = [Evidence(fact=_shorten(result.outcome.reason or words), source="the probe")]
        if found := _FRAME.search(result.output_tail):
            facts.append(Evidence(fact=f"in {found[3]}", source=f"{found[1]}:{found[2]}"))
        facts += _facts_of(snapshot, ending)
        yield Finding(
            id="probe-crashed",
            status="fail",
            subject=_subject(result),
            title=f"{name} ends the Python process{_on(result)}"
            + (f" ({ending})" if ending else ""),
            evidence=tuple(facts),
            cause=cause.sentence
            if cause
            else "The process ended in the middle of its work, without an error that Python knows.",
            remedies=_mend(snapshot, result, cause),
            verify=_verify(snapshot, result),
            caused_by=cause.check if cause else "",
        )


def _facts_of(snapshot: Snapshot, ending: str) -> list[Evidence]:
    """What the machine has to do with such an ending."""
    machine = snapshot.machine
    shared = machine.memory.shared_total_bytes
    if ending == "SIGILL" and machine.processor.flags and "avx" not in machine.processor.flags:
        return [Evidence(fact=f"{machine.processor.model} without AVX", source="/proc/cpuinfo")]
    if ending == "SIGBUS" and shared is not None:
        return [Evidence(fact=f"{shared / 2**20:.0f} MiB of shared memory", source="statvfs")]
    if ending == "SIGKILL" and machine.memory.limit_bytes:
        limit = machine.memory.limit_bytes / 2**30
        return [Evidence(fact=f"the memory limit is {limit:.1f} GiB", source="control group")]
    return []


def find_delays(snapshot: Snapshot) -> Iterator[Finding]:
    """What did not finish."""
    for result in snapshot.probes or ():
        if result.outcome.status != "timed_out":
            continue
        on_device = result.device not in {"", "cpu"}
        yield Finding(
            id="probe-timed-out",
            status="fail",
            subject=_subject(result),
            title=f"{_name(result)} does not finish{_on(result)}",
            evidence=(Evidence(fact=_shorten(result.outcome.reason), source="the probe"),),
            cause="The driver hangs, or another process holds the device."
            if on_device
            else "Importing or starting it hangs: on a slow network folder, on a lock that another "
            "process holds, or on a driver that does not answer.",
            remedies=(
                Remedy(
                    command="nvidia-smi" if result.device.startswith(("cuda", "gpu")) else "",
                    text="If this hangs as well, it is the driver: restart the machine."
                    if on_device
                    else "Run the command below; Ctrl-C shows where it waits.",
                ),
            ),
            verify=_verify(snapshot, result),
        )


def find_wrong_numbers(snapshot: Snapshot) -> Iterator[Finding]:
    """What computed something else than the known answer."""
    for result in snapshot.probes or ():
        wrong = [step for step in result.steps if not step.passed and step.error is not None]
        if not wrong:
            continue
        names = ", ".join(step.name for step in wrong)
        yield Finding(
            id="probe-wrong-numbers",
            status="fail",
            subject=_subject(result),
            title=f"{_name(result)} computes wrong numbers{_on(result)}: {names}",
            evidence=tuple(
                Evidence(fact=_shorten(step.message or f"error {step.error:.3g}"), source=step.name)
                for step in wrong
            ),
            cause="Small problems with known answers came out wrong, by more than rounding. A "
            "library with a known fault, a damaged installation or faulty hardware does this.",
            remedies=put_back(snapshot, result),
            verify=_verify(snapshot, result),
        )


def find_unseen_gpus(snapshot: Snapshot) -> Iterator[Finding]:
    """Frameworks that are built for CUDA and see no GPU, where NVML sees one."""
    machine, environment = snapshot.machine, snapshot.environment
    if machine.nvidia is None or not machine.nvidia.gpus or cuda.hides_gpus(environment):
        return
    if any(environment.variables.get(key) == value for key, value in WITHOUT_GPU.items()):
        return
    for name, framework in sorted(environment.frameworks.items()):
        results = [each for each in snapshot.probes or () if each.framework == name]
        listed = {each.details.get("devices", "") for each in results}
        if not framework.cuda or listed != {"cpu"}:
            continue
        said = next((text for each in results if (text := each.details.get("no_gpu"))), "")
        cause = explain(said) or next(
            (found for each in results if (found := explain(each.output_tail))), None
        )
        yield Finding(
            id="probe-sees-no-gpu",
            status="fail",
            subject=name,
            title=f"{NAMES.get(name, name)} is built for CUDA and finds no GPU",
            evidence=(
                *cuda.gpu_evidence(machine),
                *((Evidence(fact=_shorten(said), source=name),) if said else ()),
            ),
            cause=cause.sentence if cause else "It does not say why; everything runs on the CPU.",
            remedies=_mend(snapshot, results[0], cause) if cause else (),
            verify=_verify(snapshot, results[0]),
            caused_by=cause.check if cause else "",
        )


def _name(result: ProbeResult) -> str:
    return NAMES.get(result.framework, result.framework)


def _on(result: ProbeResult) -> str:
    return f" on {result.device}" if result.device else ""


def _subject(result: ProbeResult) -> str:
    return f"{result.framework}{_on(result)}"


def _shorten(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= LONGEST_FACT else f"{words[:LONGEST_FACT]}..."


def _mend(snapshot: Snapshot, result: ProbeResult, cause: Cause | None) -> tuple[Remedy, ...]:
    return cause.mend(snapshot, result) if cause else put_back(snapshot, result)


def _verify(snapshot: Snapshot, result: ProbeResult) -> str:
    """A crash is worth a trace; everything beyond the import only the probe itself can repeat."""
    python = remedies.python(snapshot.environment)
    if not result.device:
        return f"{python} -X faulthandler -c 'import {result.framework}'"
    return f"envdoctor check --deep --python {python}"


def _page(symptom: str, why: str, remedy: str) -> Page:
    return Page(
        symptoms=(symptom,),
        why=why,
        seen_by="what became of a process of its own for each framework and device, with --deep",
        confirmed_by="running the command that the finding names",
        remedy=remedy,
        sources=("signal(7)", "CUDA Runtime API, cudaError", "the check that the cause names"),
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="probe-failed",
        group="probes",
        summary="a framework that raises an error when it is exercised",
        run=find_failures,
        page=_page(
            "ImportError: undefined symbol; RuntimeError: CUDA error",
            "A framework can be installed without a fault that files show, and still not work.",
            "What the error is known to mean is said with it.",
        ),
    ),
    Check(
        id="probe-crashed",
        group="probes",
        summary="a framework that ends the process when it is exercised",
        run=find_crashes,
        page=_page(
            "Segmentation fault; Illegal instruction; Killed; Aborted",
            "A fault in compiled code ends Python itself, so that no traceback is seen.",
            "The signal tells the kind: SIGILL a missing instruction, SIGBUS shared memory, "
            "SIGKILL memory, SIGSEGV parts that do not go together.",
        ),
    ),
    Check(
        id="probe-timed-out",
        group="probes",
        summary="a framework that does not finish a small task",
        run=find_delays,
        page=_page(
            "import hangs",
            "A driver that hangs, or a device that another process holds, never answers.",
            "Find out who holds the device; restart the machine if the driver hangs.",
        ),
    ),
    Check(
        id="probe-wrong-numbers",
        group="probes",
        summary="a framework that computes wrong numbers",
        run=find_wrong_numbers,
        page=_page(
            "losses that are not the same on another machine, or NaN",
            "Products of small integers are exact in every format; a difference is a fault.",
            "Install the framework again; if it stays, suspect libraries and then hardware.",
        ),
    ),
    Check(
        id="probe-sees-no-gpu",
        group="probes",
        summary="a framework built for CUDA that finds no GPU",
        run=find_unseen_gpus,
        page=_page(
            "torch.cuda.is_available() is False",
            "Between a GPU and a framework are a driver, device files, libraries and variables.",
            "The finding that it is listed under is what to mend.",
        ),
    ),
)
