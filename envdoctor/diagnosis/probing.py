"""Exercises frameworks in children of the target; whatever becomes of a child is data.

A child is started as

    PYTHON -X faulthandler PRIVATE_FOLDER/start_probe.py ENTRY ANSWERS [DEVICE]

where the script is a copy of `envdoctor/child/probe.py`, ENTRY is that of the `Probe` and ANSWERS
a file. It appends a JSON object a line, each flushed before the next thing is tried:

- a `ProbeStep`, with `details` (texts) and, for the step `devices`, `devices` (texts) beside it;
- `{"begins": "matmul"}` before a step, so that a death has a place;
- `{"done": true}` at the end: without it, even exit code 0 is a death.

Without DEVICE it imports the framework and lists its devices; with it, it exercises that one. A
probe may exercise the CPU at once if that is all it lists.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import envdoctor.child
from envdoctor.errors import EnvdoctorError
from envdoctor.model.outcome import OK, Outcome
from envdoctor.model.snapshot import ProbeResult, ProbeStep
from envdoctor.target.code import CodeFolder
from envdoctor.target.process import Child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from envdoctor.api import Probe
    from envdoctor.model.environment import Environment

    Tell = Callable[[str, float], None]
    """Takes what is going on, and the share of all work that is done."""

SCRIPT = "start_probe.py"
LISTING_STEP = "devices"
LISTINGS_AT_ONCE = 3
"""Children that import, list devices and at most try the CPU, and so do not disturb one another."""
LARGEST_ANSWERS_BYTES = 1_000_000
MOST_DEVICES = 64
"""More than any machine has; a broken framework may claim anything."""


@dataclass
class Answers:
    """What a child wrote before it ended."""

    steps: list[ProbeStep] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)
    devices: list[str] = field(default_factory=list)
    begun: str = "start"
    """The step that was going on at the end."""
    done: bool = False
    garbled: bool = False


def run_probes(
    probes: Iterable[Probe], environment: Environment, tell: Tell = lambda *_: None
) -> tuple[ProbeResult, ...]:
    """Exercise every framework that is installed, on each of its devices, one device at a time."""
    present = [probe for probe in probes if is_installed(probe, environment)]
    python = environment.interpreter.path
    with tempfile.TemporaryDirectory(prefix="envdoctor-") as folder:
        prober = Prober(python, Path(folder))
        listings = _list_all(prober, present, tell)
        left = sum(len(_left(*listings[probe.name])) for probe in present)
        done = len(present)
        results: list[ProbeResult] = []
        for probe in present:
            listing, devices = listings[probe.name]
            if not _left(listing, devices):
                results.append(_of_the_cpu(listing, devices))
            for device in _left(listing, devices):
                tell(f"{probe.name} on {device}", done / (len(present) + left))
                results.append(prober.exercise(probe, listing, device))
                done += 1
    return tuple(results)


def _list_all(
    prober: Prober, present: Sequence[Probe], tell: Tell
) -> dict[str, tuple[ProbeResult, list[str]]]:
    """What became of importing each framework, by its name, and the devices that it has."""
    listings: dict[str, tuple[ProbeResult, list[str]]] = {}
    with ThreadPoolExecutor(LISTINGS_AT_ONCE) as pool:
        pending = {pool.submit(prober.list_devices, probe): probe.name for probe in present}
        tell(", ".join(pending.values()), 0.0)
        for each in as_completed(pending):
            listings[pending.pop(each)] = each.result()
            tell(", ".join(pending.values()) or "what is left", len(listings) / (len(present) + 1))
    return listings


def _left(listing: ProbeResult, devices: list[str]) -> list[str]:
    """The devices that a framework has and that were not exercised yet."""
    if listing.outcome.status != "ok" or _went_on(listing, devices):
        return []
    return devices


def _went_on(listing: ProbeResult, devices: list[str]) -> bool:
    return devices == ["cpu"] and bool(listing.steps) and listing.steps[-1].name != LISTING_STEP


def _of_the_cpu(listing: ProbeResult, devices: list[str]) -> ProbeResult:
    """The listing as the result of the CPU, if that is what it exercised or died in."""
    ended = listing.outcome.status != "ok" and devices == ["cpu"]
    if ended or _went_on(listing, devices):
        return msgspec.structs.replace(listing, device="cpu")
    return listing


def is_installed(probe: Probe, environment: Environment) -> bool:
    """Whether the environment has the framework, under one of its names."""
    return any(name in environment.distributions for name in probe.distributions) or bool(
        environment.modules.get(probe.module)
    )


class Prober:
    """Starts probes of one interpreter, with their code and their logs in a private folder."""

    def __init__(self, interpreter: str, folder: Path) -> None:
        self._interpreter = interpreter
        self._folder = folder
        self._code = CodeFolder(folder / "code")
        source = Path(envdoctor.child.__file__).parent / "probe.py"
        shutil.copy(source, self._code.folder / SCRIPT)

    def list_devices(self, probe: Probe) -> tuple[ProbeResult, list[str]]:
        """What became of importing the framework, and the devices that it has."""
        return self._run(probe, "")

    def exercise(self, probe: Probe, listing: ProbeResult, device: str) -> ProbeResult:
        """What became of exercising one device, with what the listing has told."""
        result = self._run(probe, device)[0]
        return msgspec.structs.replace(result, details={**listing.details, **result.details})

    def _run(self, probe: Probe, device: str) -> tuple[ProbeResult, list[str]]:
        name = f"{probe.name}-{device or 'devices'}".replace(os.sep, "-")
        answers, log = self._folder / f"{name}.jsonl", self._folder / f"{name}.log"
        answers.touch()
        try:
            for package in (probe.entry, *probe.builds_on):
                self._code.add(package)
            child = Child(self._command(probe, answers, device), _variables(probe), log)
        except (OSError, EnvdoctorError) as error:
            outcome = Outcome(status="failed", reason=f"the probe cannot be started: {error}")
            return ProbeResult(framework=probe.name, device=device, outcome=outcome), []
        try:
            in_time = child.wait(probe.seconds)
            found = read_answers(answers)
            outcome = decide(found, child) if in_time else _late(found, probe.seconds)
        finally:
            child.kill()
        result = ProbeResult(
            framework=probe.name,
            device=device,
            outcome=outcome,
            steps=tuple(found.steps),
            details=found.details,
            exit_code=child.exit_code if in_time else None,
            output_tail=child.log_tail(),
        )
        return result, found.devices[:MOST_DEVICES]

    def _command(self, probe: Probe, answers: Path, device: str) -> list[str]:
        script = self._code.folder / SCRIPT
        command = [self._interpreter, "-X", "faulthandler", str(script), probe.entry, str(answers)]
        return [*command, device] if device else command


def _variables(probe: Probe) -> dict[str, str]:
    """The user's own, which are part of what is examined; nothing is written beside their code."""
    return {**os.environ, **probe.environment, "PYTHONDONTWRITEBYTECODE": "1"}


def read_answers(path: Path) -> Answers:
    """Whatever can be read of what a child wrote; it may have died in the middle of a line."""
    with path.open("rb") as stream:
        lines = stream.read(LARGEST_ANSWERS_BYTES).split(b"\n")
    found = Answers()
    for line in lines[:-1]:
        try:
            _take(msgspec.json.decode(line, type=dict[str, Any]), found)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            found.garbled = True
    return found


def _take(line: dict[str, Any], found: Answers) -> None:
    if line.get("done") is True:
        found.done = True
    elif "begins" in line:
        found.begun = str(line["begins"])
    else:
        found.steps.append(msgspec.convert(line, ProbeStep))
        found.begun = f"the step after {found.steps[-1].name}"
    found.details |= {str(k): str(v) for k, v in dict(line.get("details") or {}).items()}
    found.devices += [str(device) for device in line.get("devices") or ()]


def decide(found: Answers, child: Child) -> Outcome:
    """How a child that has ended is to be taken."""
    tail = child.log_tail()
    if child.killed_from_outside:
        reason = f"it was killed during {found.begun}, most likely because memory ran out."
        return Outcome(status="out_of_memory", reason=reason, details=tail)
    if failed := next((step for step in found.steps if not step.passed), None):
        wrong = failed.error is not None
        reason = failed.message or f"{failed.name} did not pass"
        return Outcome(status="different" if wrong else "failed", reason=reason, details=tail)
    if child.exit_code or not found.done:
        reason = f"it {child.ending()} during {found.begun}."
        return Outcome(status="crashed", reason=reason, details=tail)
    if found.garbled:
        reason = "it wrote something that is no step of a probe."
        return Outcome(status="failed", reason=reason, details=tail)
    return OK


def _late(found: Answers, seconds: float) -> Outcome:
    reason = f"it had not finished {found.begun} after {seconds:g} s, and was stopped."
    return Outcome(status="timed_out", reason=reason)
