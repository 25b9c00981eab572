"""Cases, verdicts, and the command of the kit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from unittest import SkipTest

import psutil
import pytest

from envdoctor.errors import InputError
from envdoctor.model.outcome import Outcome
from envdoctor.target.channel import WorkerEnded
from envdoctor.testing import (
    REQUIREMENTS,
    Case,
    NotApplicable,
    NotConforming,
    Requirement,
    Verdict,
    __main__,
    conformance_cases,
    report,
)


@dataclass(frozen=True)
class Ends:
    """A requirement that ends in something."""

    ending: BaseException

    def __call__(self, _):
        raise self.ending


def ended(status):
    return WorkerEnded(Outcome(status=status, reason="for a reason"))


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (NotConforming("for a reason"), "failed"),
        (NotApplicable("for a reason"), "not applicable"),
        (ended("failed"), "failed"),
        (ended("crashed"), "failed"),
        (ended("unsupported"), "not applicable"),
    ],
)
def test_every_ending_is_a_verdict(ending, status, make):
    case = Case(make(worker=object()), Requirement("one", "it is so", Ends(ending)))
    assert case.judge() == Verdict(
        row="numpy", requirement="one", status=status, detail="for a reason"
    )


def test_a_case_is_a_failure_or_a_skip_to_any_runner(make):
    subject = make(worker=object())
    with pytest.raises(AssertionError, match="for a reason"):
        Case(subject, Requirement("one", "", Ends(ended("crashed")))).run()
    with pytest.raises(SkipTest, match="for a reason"):
        Case(subject, Requirement("one", "", Ends(ended("unsupported")))).run()


def test_making_cases_starts_nothing():
    before = psutil.Process().children()
    cases = conformance_cases("numpy")
    assert [str(case) for case in cases] == [f"numpy {each.name}" for each in REQUIREMENTS]
    assert {child.pid for child in psutil.Process().children()} <= {p.pid for p in before}


def test_unknown_names_are_told():
    with pytest.raises(InputError, match="no backend called `nunpy`"):
        conformance_cases("nunpy")
    with pytest.raises(InputError, match="no requirement called `sink`"):
        conformance_cases("numpy", requirements=["sink"])


def test_the_report_is_a_line_each_and_a_conclusion():
    verdicts = [
        Verdict(row="mine", requirement="sync", status="passed", detail="2.0"),
        Verdict(row="mine", requirement="memory", status="failed", detail="too little"),
    ]
    assert report.line(verdicts[1], 8) == "  failed          memory    too little"
    said = "mine earns no certificate: 1 passed, 1 failed, 0 not applicable."
    assert report.conclusion(verdicts) == said
    assert report.conclusion(verdicts[:1]).startswith("mine earns the certificate")


def test_the_command_has_three_codes(capsys):
    assert __main__.run(["numpy", "--only", "record", "--only", "light"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in out[1:3]] == [["passed", "record"], ["passed", "light"]]
    assert __main__.run(["nunpy"]) == 2
    assert "Did you mean `numpy`?" in capsys.readouterr().err
    assert __main__.run(["numpy", "--only", "sink"]) == 2
    assert __main__.run([]) == 2


def test_the_command_speaks_json(capsys):
    assert __main__.run(["numpy", "--only", "record", "--format", "json"]) == 0
    (verdict,) = json.loads(capsys.readouterr().out)
    assert (verdict["requirement"], verdict["status"]) == ("record", "passed")
