"""A run as JUnit's XML, which build servers read: a suite a workload, a case a row."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from envdoctor.report.beginning import local_time
from envdoctor.report.legal import legal
from envdoctor.report.sentences import row_names
from envdoctor.report.table import STATUS_WORDS, members, missed, quality_column, tables

if TYPE_CHECKING:
    from typing import TextIO

    from envdoctor.model.cell import Cell
    from envdoctor.model.run import Run
    from envdoctor.report.table import Table

FAILURES = {"different"}
"""Endings that say something of the work; the others are errors, or nobody's fault."""


def write(run: Run, stream: TextIO) -> None:
    """Write it: a row passes if it was measured, is proven, and reached its quality.

    Raises:
        InputError: the run does not say when it began.
    """
    root = ET.Element("testsuites", name="envdoctor bench")
    for table in tables(run):
        _suite(root, run, table)
    ET.indent(root)
    stream.write('<?xml version="1.0" encoding="utf-8"?>\n')
    stream.write(f"{ET.tostring(root, encoding='unicode')}\n")


def _suite(root: ET.Element, run: Run, table: Table) -> None:
    workload = table.workload.name
    suite = ET.SubElement(root, "testsuite", name=legal(workload), timestamp=local_time(run))
    cells = members(run, table)
    names = row_names(cells)
    said = {
        line.cell.row: f"{line.title}: {line.samples_per_second:.6g} samples/s, "
        f"{line.step.seconds:.6g} s a step ({line.step.low_seconds:.6g} to "
        f"{line.step.high_seconds:.6g})"
        for line in table.lines
    }
    for cell in cells:
        case = ET.SubElement(
            suite, "testcase", classname=legal(workload), name=legal(names[cell.row])
        )
        if cell.training_seconds is not None:
            case.set("time", f"{cell.training_seconds:.6f}")
        _ending(case, cell)
        if cell.row in said:
            ET.SubElement(case, "system-out").text = legal(said[cell.row])
    if table.remarks:
        ET.SubElement(suite, "system-out").text = legal("\n".join(table.remarks))
    for count, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("tests", str(len(cells)))


def _ending(case: ET.Element, cell: Cell) -> None:
    """At most one ending: build servers count no more than that."""
    status, outcome = cell.outcome.status, cell.outcome
    text = f"{STATUS_WORDS.get(status, status)}: {outcome.reason}"
    if status == "unsupported":
        ET.SubElement(case, "skipped", message=legal(text))
    elif status != "ok":
        kind = "failure" if status in FAILURES else "error"
        ending = ET.SubElement(case, kind, message=legal(text), type=status)
        ending.text = legal("\n".join(part for part in (outcome.hint, outcome.details) if part))
    elif missed(cell):
        found = quality_column(cell)
        ET.SubElement(case, "failure", message=legal(f"quality: {found}"), type="quality")
    elif not cell.comparable:
        message = "not measured: no round was finished"
        ET.SubElement(case, "error", message=message, type="not measured")
