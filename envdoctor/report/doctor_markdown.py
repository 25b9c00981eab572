"""The diagnosis, and the facts, as Markdown for an issue."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envdoctor.report import doctor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from envdoctor.model.diagnosis import Diagnosis, Target
    from envdoctor.model.finding import Finding

MARKS = {"fail": "Problem", "warn": "Warning", "info": "Note"}


def write(diagnosis: Diagnosis, stream: TextIO) -> None:
    """Write problems, notes and what could not be looked at; then the facts in short."""
    stream.write("# envdoctor check\n")
    for target in diagnosis.targets:
        stream.writelines(f"{line}\n" for line in _target(target))
    stream.writelines(f"\n{plain(note)}\n" for note in diagnosis.notes)
    stream.write(f"\n{doctor.PROMISE} envdoctor {diagnosis.envdoctor_version}")
    if diagnosis.valid_as_of:
        stream.write(f", compatibility tables of {diagnosis.valid_as_of}")
    stream.write(".\n")


def _target(target: Target) -> Iterator[str]:
    yield f"\n## {plain(target.interpreter)}\n"
    yield from (f"- {plain(line)}" for line in doctor.summary(target.snapshot))
    yield f"\n{plain(doctor.counted(target))}."
    for problem in doctor.roots(target, "fail", "warn", "info"):
        yield from _finding(problem.finding, 3)
        for finding in problem.consequences:
            yield from _finding(finding, 4, "After that: ")
    if muted := [finding for finding in target.findings if finding.muted]:
        yield "\n### Muted\n"
        yield from (f"- {plain(each.title)} (`{each.id}`): {plain(each.muted)}" for each in muted)
    if unseen := doctor.unseen(target):
        yield "\n### Could not be looked at\n"
        yield from (f"- {plain(item)}" for item in unseen)


def _finding(finding: Finding, level: int, before: str = "") -> Iterator[str]:
    mark = before or f"{MARKS.get(finding.status, 'Unknown')}: "
    yield f"\n{'#' * level} {mark}{plain(finding.title)} (`{finding.id}`)\n"
    yield from (f"- {plain(doctor.evidence(fact))}" for fact in finding.evidence)
    if finding.cause:
        yield f"\n{plain(finding.cause)}"
    for number, remedy in enumerate(finding.remedies):
        needs = doctor.needs(finding, number)
        text = " ".join([remedy.text, *([f"({needs})"] if needs else [])]).strip()
        if text:
            yield f"\n{'Or: ' if number else ''}{plain(text)}"
        if remedy.command:
            yield from fenced(remedy.command)
    if finding.verify:
        yield "\nTo verify:"
        yield from fenced(finding.verify)


def fenced(text: str, language: str = "sh") -> Iterator[str]:
    """A block of code, with a fence longer than any inside."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"\n{fence}{language}\n{text}\n{fence}"


def plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    for character in "\\`*_[]<>|~#@":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())
