"""The tables as Markdown, for a pull request or an issue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report import table as t
from envdoctor.report.folds import EXPLANATION, fold_tables
from envdoctor.report.remarks import summary

if TYPE_CHECKING:
    from typing import TextIO

    from envdoctor.model.run import Run


def write(run: Run, stream: TextIO) -> None:
    """Write the tables of a run, what was left out, and how to read them."""
    found = t.tables(run)
    for table in found:
        _write_table(table, stream)
    _write_folds(run, stream)
    stream.writelines(f"{plain(line)}\n\n" for line in summary(run))
    if any(table.lines for table in found):
        stream.write(" ".join(t.footnotes(run)) + "\n")
    for absent in run.unavailable:
        remedy = f" To add it: {_code(absent.remedy)}" if absent.remedy else ""
        stream.write(f"\n- {plain(absent.backend)}: {plain(absent.reason)}{remedy}\n")
    stream.writelines(
        f"\n- plugin left out: {plain(broken.plugin)}: {plain(broken.reason)}\n"
        for broken in run.broken_plugins
    )


def _write_table(table: t.Table, stream: TextIO) -> None:
    stream.write(f"### {plain(table.heading)}\n\n")
    if table.effort:
        stream.write(f"{plain(table.effort)}\n\n")
    stream.write(grid(table))
    stream.writelines(f"\n{plain(remark)}\n" for remark in table.remarks)
    for note in table.notes:
        stream.write(f"\n- {plain(note.title)}: {plain(note.reason)} {plain(note.hint)}".rstrip())
        stream.write("\n")
    stream.write("\n")


def _write_folds(run: Run, stream: TextIO) -> None:
    """Write the tables of cross-validation, and how to read them."""
    found = fold_tables(run)
    for table in found:
        stream.write(f"### {plain(table.heading)}\n\n")
        if table.rows:
            stream.write(f"| {' | '.join(map(plain, table.headings))} |\n")
            stream.write(f"|---|{'--:|' * (len(table.headings) - 1)}\n")
        stream.writelines(f"| {' | '.join(map(plain, row))} |\n" for row in table.rows)
        stream.writelines(f"\n- {plain(note)}\n" for note in table.notes)
        stream.write("\n")
    if any(table.rows for table in found):
        stream.write(f"{EXPLANATION}\n\n")


def grid(table: t.Table) -> str:
    """The rows with a speed under their headings; nothing if there are none."""
    if not table.lines:
        return ""
    headings = _headings(table)
    lines = [headings, ["--:", "---", *["--:"] * (len(headings) - 2)]]
    lines += ([plain(cell) for cell in _cells(table, line)] for line in table.lines)
    marks = [" | ", "|", *[" | "] * len(table.lines)]
    return "".join(
        f"{mark.lstrip()}{mark.join(line)}{mark.rstrip()}\n"
        for mark, line in zip(marks, lines, strict=True)
    )


def _headings(table: t.Table) -> list[str]:
    tokens = ["tokens/s"] if table.workload.tokens is not None else []
    speed = ["step", "samples/s", *tokens, "vs fastest", "95 % CI", "verdict"]
    energy = ["J/1k samples"] if _has_energy(table) else []
    costs = ["warm-up", "memory", "cpu", "util", *energy]
    return ["#", "backend", *speed, *costs, t.quality_heading(table.workload), "same work"]


def _has_energy(table: t.Table) -> bool:
    return any(line.energy for line in table.lines)


def _cells(table: t.Table, line: t.Line) -> list[str]:
    samples, symbols = t.speed_columns(line)
    return [
        t.rank_column(line),
        line.title,
        " ".join(t.step_columns(line)),
        samples,
        *([symbols] if table.workload.tokens is not None else []),
        *t.ratio_columns(line, table.ranking),
        t.verdict_column(line),
        t.warmup_column(line),
        t.memory_column(line.cell),
        t.cpu_column(line),
        t.utilisation_column(line),
        *([t.energy_column(line)] if _has_energy(table) else []),
        t.quality_column(line.cell),
        t.proof_column(line.cell),
    ]


def _code(text: str) -> str:
    """Text as a code span; more backticks around it than in it."""
    fence = "`"
    while fence in text:
        fence += "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    for character in "\\`*_[]<>|":
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", " ")
