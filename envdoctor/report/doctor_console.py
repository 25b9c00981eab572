"""The diagnosis in a terminal, as lines of text; without Rich, whose import takes longer."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envdoctor.report import doctor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.diagnosis import Diagnosis, Target
    from envdoctor.model.finding import Finding, Status

SYMBOLS = {"ok": "✓", "fail": "✗", "warn": "!", "error": "?", "info": "i", "skip": "-"}
PLAIN_SYMBOLS = {**SYMBOLS, "ok": "+", "fail": "x"}
COLOURS = {"ok": "32", "fail": "31", "warn": "33", "error": "33", "bold": "1", "dim": "2"}
"""As a terminal numbers them."""
COMMAND_COLOUR = "36"
NARROWEST_COLUMNS = 30
LABEL_COLUMNS = 8
MOST_UNSEEN = 3
"""How many things that could not be looked at are named without asking."""
LONGEST_REASON = 70


@dataclass(frozen=True)
class Look:
    """What the terminal can show, and how much is wanted."""

    width: int = 80
    colour: bool = False
    unicode: bool = True
    verbose: bool = False

    def paint(self, text: str, style: str) -> str:
        """A text in a colour, if there is any."""
        code = COLOURS.get(style, style)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text

    def symbol(self, status: Status) -> str:
        """The mark of a status, in its colour."""
        symbols = SYMBOLS if self.unicode else PLAIN_SYMBOLS
        return self.paint(symbols[status], COLOURS.get(status, ""))

    def wrap(self, text: str, indent: int = 0) -> list[str]:
        """A paragraph in lines that fit behind an indent; a word is never cut."""
        text = clean(text) if self.unicode else clean(text).replace("·", "-")
        width = max(NARROWEST_COLUMNS, self.width) - indent
        return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


def clean(text: str) -> str:
    """One line without control characters: a file's name may try to steer the terminal."""
    return "".join(each for each in " ".join(text.split()) if each.isprintable())


def render(diagnosis: Diagnosis, look: Look) -> Iterator[str]:
    """The lines of the report."""
    several = len(diagnosis.targets) > 1
    for number, target in enumerate(diagnosis.targets):
        if number:
            yield ""
        if several:
            yield look.paint(clean(target.interpreter), "bold")
        yield from _target(target, look)
    for note in diagnosis.notes:
        yield from look.wrap(note)
    if look.verbose and diagnosis.valid_as_of:
        tables = f"Compatibility tables of {diagnosis.valid_as_of}"
        yield from look.wrap(f"{tables}; what is newer counts as unknown.")
    yield from (look.paint(line, "dim") for line in look.wrap(doctor.PROMISE))


def _target(target: Target, look: Look) -> Iterator[str]:
    for line in doctor.summary(target.snapshot):
        yield from look.wrap(line)
    yield ""
    for group in doctor.groups(target):
        first, *rest = look.wrap(group.headline, 2)
        yield f"{look.symbol(group.status)} {first}"
        yield from (f"  {line}" for line in rest)
    for problem in doctor.roots(target, "fail", "warn"):
        yield ""
        yield from _problem(problem, look)
    if look.verbose:
        yield from _details(target, look)
    yield ""
    yield from look.wrap(doctor.counted(target))
    yield from _unseen(target, look)


def _problem(problem: doctor.Problem, look: Look) -> Iterator[str]:
    yield from _finding(problem.finding, look)
    for finding in problem.consequences:
        lines = look.wrap(f"after that: {finding.title} [{finding.id}]", 4)
        yield from (f"    {line}" for line in lines)
        if look.verbose:
            yield from (f"  {line}" for line in _body(finding, look))
        elif finding.remedies and finding.remedies[0].command:
            yield from _command(finding.remedies[0].command, look)


def _finding(finding: Finding, look: Look) -> Iterator[str]:
    first, *rest = look.wrap(f"{finding.title} [{finding.id}]", 2)
    yield f"{look.symbol(finding.status)} {look.paint(first, 'bold')}"
    yield from (f"  {look.paint(line, 'bold')}" for line in rest)
    yield from _body(finding, look)


def _body(finding: Finding, look: Look) -> Iterator[str]:
    for fact in finding.evidence:
        yield from _labelled("seen", doctor.evidence(fact), look)
    if finding.cause:
        yield from _labelled("why", finding.cause, look)
    for number, remedy in enumerate(finding.remedies):
        needs = doctor.needs(finding, number)
        text = " ".join([remedy.text, *([f"({needs})"] if needs else [])]).strip()
        label = "or" if number else "do"
        if text:
            yield from _labelled(label, text, look)
            label = ""
        if remedy.command:
            yield from _command(remedy.command, look, label)
    if finding.verify:
        yield from _command(finding.verify, look, "verify")


def _labelled(label: str, text: str, look: Look) -> Iterator[str]:
    for line in look.wrap(text, 2 + LABEL_COLUMNS):
        yield f"  {look.paint(label.ljust(LABEL_COLUMNS), 'dim')}{line}"
        label = ""


def _command(command: str, look: Look, label: str = "") -> Iterator[str]:
    """A command as it is to be copied: never wrapped."""
    for line in command.splitlines():
        bare = "".join(each for each in line if each.isprintable())
        start = look.paint(label.ljust(LABEL_COLUMNS), "dim")
        yield f"  {start}{look.paint(bare, COMMAND_COLOUR)}"
        label = ""


def _details(target: Target, look: Look) -> Iterator[str]:
    """What is only told when asked: notes, muted findings, and every check."""
    for problem in doctor.roots(target, "info"):
        yield ""
        yield from _problem(problem, look)
    muted = [finding for finding in target.findings if finding.muted]
    if muted:
        yield ""
    for finding in muted:
        yield from look.wrap(f"muted: {finding.title} [{finding.id}] ({finding.muted})")
    if target.checked:
        yield ""
    for checked in target.checked:
        first, *rest = look.wrap(f"{checked.id}: {checked.summary}", 4)
        yield f"  {look.symbol(checked.status)} {first}"
        yield from (f"    {line}" for line in rest)


def _unseen(target: Target, look: Look) -> Iterator[str]:
    found = doctor.unseen(target)
    if not found:
        return
    if look.verbose:
        yield "Could not be looked at:"
        for item in found:
            first, *rest = look.wrap(item, 4)
            yield f"  {look.symbol('error')} {first}"
            yield from (f"    {line}" for line in rest)
        return
    short = [textwrap.shorten(item, LONGEST_REASON, placeholder="...") for item in found]
    more = len(found) - MOST_UNSEEN
    end = f"; and {more} more" if more > 0 else ""
    listed = "; ".join(short[:MOST_UNSEEN])
    yield from look.wrap(f"Could not be looked at: {listed}{end} (-v says more).")
