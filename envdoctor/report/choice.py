"""A recommendation in a terminal, as Markdown and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
from rich.table import Table
from rich.text import Text

from envdoctor.report import numbers
from envdoctor.report.grid import Column, draw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from rich.console import Console

    from envdoctor.choose.data import Facts
    from envdoctor.choose.records import Candidate, Choice, Figure, Judged, Reason, Source

STYLES = {"one": "green", "tie": "green", "undecided": "yellow", "none fits": "red"}
VALUES = {"speed": "step", "memory": "memory", "start-up": "start"}
FITTING = {"first", "behind", "not ranked", "not measured"}
SIGNS = {"yes": "yes", "partly": "partly", "no": "no", "unknown": "?"}


def show_choice(choice: Choice, console: Console) -> None:
    """Print the answer, the candidates, the reasons, and what would change it."""
    console.print(Text(choice.headline, style=f"bold {STYLES.get(choice.decision, 'yellow')}"))
    console.print(Text(grounds(choice), style="dim"))
    console.print()
    console.print(draw(_columns(choice), console.width))
    for title, lines in sections(choice):
        console.print()
        console.print(Text(title, style="bold"))
        for line in lines:
            console.print(_item(line))


def grounds(choice: Choice) -> str:
    """What the answer rests on: the run and the day of the facts."""
    facts = f"facts as of {choice.valid_as_of}"
    found = choice.measurement
    if found is None:
        return f"No run; {facts}."
    names = ", ".join(found.workloads)
    over = f" on {names}" if names else ""
    return f"By run {found.run} of {found.started_at[:10]}{over} ({found.machine}); {facts}."


def sections(choice: Choice) -> Iterator[tuple[str, list[str]]]:
    """The parts below the table that are not empty, each with its lines."""
    parts = (
        ("Reasons", list(_reasons(choice))),
        ("Here", [_sentence(reason) for reason in choice.here]),
        ("To run here", list(_hindrances(choice))),
        ("What would change it", [_sentence(reason) for reason in choice.would_change]),
        ("Not measured", list(choice.not_measured)),
    )
    yield from ((title, lines) for title, lines in parts if lines)


def _columns(choice: Choice) -> list[Column]:
    found = choice.candidates
    out = frozenset(i for i, each in enumerate(found) if each.outcome == "ruled out")
    return [
        Column("#", [str(each.rank or "") for each in found]),
        Column("framework", [each.framework for each in found], left=True),
        Column("best row", [each.row for each in found], rank=3, left=True),
        Column(VALUES[choice.priority], [_value(choice, each) for each in found], rank=2),
        Column("vs first", [_ratio(each) for each in found], rank=1),
        *(
            Column(need, [_answer(each, need) for each in found], left=True)
            for need in choice.needs
        ),
        Column("outcome", [each.outcome for each in found], left=True, marked=out),
        Column("installed", [each.version for each in found], rank=4, left=True),
    ]


def _value(choice: Choice, candidate: Candidate) -> str:
    if candidate.value is None:
        return ""
    if choice.priority == "memory":
        return numbers.size(round(candidate.value))
    return numbers.duration(candidate.value)


def _ratio(candidate: Candidate) -> str:
    if candidate.ratio is None:
        return ""
    ends = "" if candidate.low is None else f" ({candidate.low:.2f} to {candidate.high:.2f})"
    return f"{candidate.ratio:.2f}x{ends}"


def _answer(candidate: Candidate, need: str) -> str:
    found = (each for each in candidate.needs if each.need == need)
    return next((SIGNS[each.answer] for each in found), "")


def _reasons(choice: Choice) -> Iterator[str]:
    """Why candidates are ruled out or limited; what the recommended ones can, too."""
    for candidate in choice.candidates:
        reasons = list(candidate.reasons)
        if candidate.framework in choice.recommended:
            reasons += [each.reason for each in candidate.needs if _met(each) and each.reason]
        elif candidate.outcome == "not measured":
            reasons = [each for each in reasons if each.source.kind != "run"]
        for reason in reasons:
            yield f"{candidate.framework}: {_sentence(reason)}"


def _met(judged: Judged) -> bool:
    return judged.answer == "yes"


def _hindrances(choice: Choice) -> Iterator[str]:
    """What would have to be done here, for what fits."""
    for candidate in choice.candidates:
        if candidate.hindrance and candidate.outcome in FITTING:
            remedy = f" {candidate.remedy}" if candidate.remedy else ""
            yield f"{candidate.framework}: {candidate.hindrance.rstrip('.')}.{remedy}"


def _sentence(reason: Reason) -> str:
    return f"{reason.text} [{_place(reason.source)}]"


def _place(source: Source) -> str:
    if source.kind == "run":
        if not source.figures:
            return f"run {source.where}"
        run = source.where.partition(":")[0]
        return f"run {run}: {', '.join(map(_figure, source.figures))}"
    doubt = f", {source.confidence} confidence" if source.confidence not in {"", "high"} else ""
    return f"{source.where}{doubt}"


def _figure(figure: Figure) -> str:
    """A number with what it is of: `torch eager 1.00 ms per step on mlp-tiny`."""
    told = {
        "step_seconds": f"{numbers.duration(figure.value)} per step",
        "memory_bytes": numbers.size(round(figure.value)),
        "start_seconds": f"{numbers.duration(figure.value)} to start",
    }[figure.quantity]
    return f"{figure.row} {told} on {figure.workload}"


def _item(line: str) -> Table:
    """Text that stays to the right of its mark when it is wrapped."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=3, justify="right")
    grid.add_column(overflow="fold")
    grid.add_row(Text("-", style="yellow"), Text(line))
    return grid


def show_needs(facts: Facts, console: Console) -> None:
    """Print what `--need` takes."""
    names = [*(need.name for need in facts.needs), "python=3.14"]
    meanings = [*(need.summary for need in facts.needs), "install for this version of Python"]
    columns = [Column("need", names, left=True), Column("what it asks for", meanings, left=True)]
    console.print(draw(columns, console.width))
    console.print(Text(f"Facts as of {facts.valid_as_of}; each names its source.", style="dim"))


def write_markdown(choice: Choice, stream: TextIO) -> None:
    """Write the same as for the terminal, all columns."""
    stream.write(f"**{_plain(choice.headline)}**\n\n{_plain(grounds(choice))}\n\n")
    columns = _columns(choice)
    stream.write(f"| {' | '.join(_plain(column.heading) for column in columns)} |\n")
    stream.write(f"|{'|'.join('---' if column.left else '--:' for column in columns)}|\n")
    stream.writelines(
        f"| {' | '.join(map(_plain, row))} |\n"
        for row in zip(*(column.values for column in columns), strict=True)
    )
    for title, lines in sections(choice):
        stream.write(f"\n### {title}\n\n")
        stream.writelines(f"- {_plain(line)}\n" for line in lines)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    for character in "\\`*_[]<>|~":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())


def write_json(choice: Choice, stream: TextIO) -> None:
    """Write the whole record."""
    plain: Any = msgspec.to_builtins(choice)
    json.dump(plain, stream, allow_nan=False, ensure_ascii=False, indent=1)
    stream.write("\n")


def choice_schema() -> dict[str, Any]:
    """The JSON Schema of the answer."""
    from envdoctor.choose.records import Choice as Record

    schema = msgspec.json.schema(Record)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


WRITERS = {"json": write_json, "markdown": write_markdown}
