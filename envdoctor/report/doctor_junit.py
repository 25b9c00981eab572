"""The diagnosis as JUnit's XML, which build servers read: a suite a target, a case a check."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from envdoctor.report import doctor
from envdoctor.report.legal import legal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal, TextIO

    from envdoctor.model.diagnosis import Checked, Diagnosis, Target
    from envdoctor.model.finding import Finding


def write(diagnosis: Diagnosis, stream: TextIO, fail_on: Literal["fail", "warn"] = "fail") -> None:
    """Write it.

    Args:
        diagnosis: what was found.
        stream: where to.
        fail_on: from which status on a finding is a failure; below, it is output of its case.
    """
    root = ET.Element("testsuites", name="envdoctor check")
    for target in diagnosis.targets:
        _suite(root, target, {"fail"} if fail_on == "fail" else {"fail", "warn"})
    ET.indent(root)
    stream.write('<?xml version="1.0" encoding="utf-8"?>\n')
    stream.write(f"{ET.tostring(root, encoding='unicode')}\n")


def _suite(root: ET.Element, target: Target, failing: set[str]) -> None:
    suite = ET.SubElement(root, "testsuite", name=legal(target.interpreter))
    for checked in target.checked:
        findings = [finding for finding in target.findings if finding.id == checked.id]
        _case(suite, checked, findings, failing)
    for count, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("tests", str(len(suite)))


def _case(
    suite: ET.Element, checked: Checked, findings: Sequence[Finding], failing: set[str]
) -> None:
    """One case with one ending: build servers count no more than that."""
    name = legal(checked.id)
    case = ET.SubElement(suite, "testcase", classname=legal(checked.group), name=name)
    loud = [finding for finding in findings if not finding.muted]
    failed = [finding for finding in loud if finding.status in failing]
    errors = [finding for finding in loud if finding.status == "error"]
    muted = [finding for finding in findings if finding.muted]
    skipped = [finding for finding in loud if finding.status == "skip"]
    if failed:
        _ending(case, "failure", failed, failed[0].title).set("type", failed[0].status)
    elif errors:
        _ending(case, "error", errors, errors[0].title).set("type", "error")
    elif muted and not loud:
        _ending(case, "skipped", muted, f"muted: {muted[0].muted}")
    elif skipped:
        _ending(case, "skipped", skipped, skipped[0].title)
    rest = [finding for finding in loud if finding not in (*failed, *errors, *skipped)]
    if rest:
        ET.SubElement(case, "system-out").text = legal("\n\n".join(map(_text, rest)))


def _ending(case: ET.Element, kind: str, findings: Sequence[Finding], message: str) -> ET.Element:
    ending = ET.SubElement(case, kind, message=legal(message))
    ending.text = legal("\n\n".join(map(_text, findings)))
    return ending


def _text(finding: Finding) -> str:
    lines = [finding.title, *map(doctor.evidence, finding.evidence), finding.cause]
    for remedy in finding.remedies:
        lines += [remedy.text, remedy.command]
    if finding.verify:
        lines.append(f"To verify: {finding.verify}")
    if finding.caused_by:
        lines.append(f"It follows from {finding.caused_by}.")
    return "\n".join(line for line in lines if line)
