"""JUnit's XML as build servers take it: it fits the schema, and a reader counts the same."""

from __future__ import annotations

import io
import runpy
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from envdoctor.model.outcome import Outcome
from envdoctor.model.run import Run
from envdoctor.report import doctor_junit, junit
from envdoctor.report.legal import legal

xmlschema = pytest.importorskip("xmlschema", reason="xmlschema is not installed: envdoctor[dev]")
junitparser = pytest.importorskip(
    "junitparser", reason="junitparser is not installed: envdoctor[dev]"
)

TESTS = Path(__file__).parents[2]
DIAGNOSES: dict[str, Any] = runpy.run_path(str(TESTS / "support" / "diagnoses.py"))
made: Callable[..., Run] = runpy.run_path(str(TESTS / "made_runs.py"))["made_run"]
HOSTILE = (
    "<script>alert(1)</script>",
    "a ]]> b <![CDATA[ c",
    "\x00\x1b[31mred\x7f\x9b",
    "\ud800 alone \udfff",
    "\ufffe\uffff",
    "\"double\" & 'single' &amp; &#0;",
    "\u05d0\u05d1 \u202edlrow",
    "line\nbreak\ttab\rreturn",
    "\u2713 \U0001f600",
)


@pytest.fixture(scope="module")
def schema() -> Any:
    return xmlschema.XMLSchema(TESTS / "support" / "junit.xsd")


def bytes_of(write: Callable[..., None], what: object, **options: object) -> bytes:
    stream = io.StringIO()
    write(what, stream, **options)
    return stream.getvalue().encode("utf-8")  # strictly: no lone surrogate has come through


def counts(suite: Any) -> dict[str, int]:
    """What a build server counts, from the cases themselves."""
    endings = Counter(
        "failures" if case.is_failure else "errors" if case.is_error else "skipped"
        for case in suite
        if not case.is_passed
    )
    return {name: endings[name] for name in ("failures", "errors", "skipped")}


def suites_of(document: bytes) -> list[Any]:
    """The suites as the reader has them, each with the totals that it claims."""
    suites = list(junitparser.JUnitXml.fromstring(document))
    for suite in suites:
        claimed = {name: getattr(suite, name) for name in ("failures", "errors", "skipped")}
        assert claimed == counts(suite)
        assert suite.tests == len(list(suite))
    return suites


def test_a_run_with_every_kind_of_row_fits_the_schema(schema: Any, run: Run) -> None:
    document = bytes_of(junit.write, run)
    schema.validate(document.decode())
    suites = suites_of(document)
    assert [suite.name for suite in suites] == [record.name for record in run.workloads]
    assert {suite.timestamp for suite in suites} == {"2026-01-01T12:00:00"}
    assert {name for suite in suites for name, count in counts(suite).items() if count} == {
        "failures",
        "errors",
        "skipped",
    }


@pytest.mark.parametrize("fail_on", ["fail", "warn"])
@pytest.mark.parametrize("name", ["sick", "healthy"])
def test_a_diagnosis_fits_the_schema(schema: Any, name: str, fail_on: str) -> None:
    document = bytes_of(doctor_junit.write, DIAGNOSES[name](), fail_on=fail_on)
    schema.validate(document.decode())
    (suite,) = suites_of(document)
    assert bool(suite.failures) is (name == "sick")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("status", ["ok", "unsupported", "different", "crashed"])
def test_a_run_of_hostile_names_fits_the_schema(schema: Any, text: str, status: str) -> None:
    plain = made(launches=1, rounds=8, workloads=("speck",))
    (cell, *_) = plain.cells
    evil = structs.replace(
        cell,
        row=structs.replace(cell.row, backend=text, mode=text),
        workload=text,
        outcome=Outcome(status=status, reason=text, hint=text, details=text),
        version=text,
    )
    run = structs.replace(
        plain,
        workloads=(structs.replace(plain.workloads[0], name=text),),
        rounds=tuple(structs.replace(each, workload=text) for each in plain.rounds),
        cells=(evil,),
    )
    document = bytes_of(junit.write, run)
    schema.validate(document.decode())
    (suite,) = suites_of(document)
    (case,) = suite
    assert suite.name == case.classname == legal(text)
    assert legal(text) in case.name
    if status != "ok":
        assert case.result[0].message.endswith(legal(text))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_diagnosis_of_hostile_findings_fits_the_schema(schema: Any, text: str) -> None:
    evil = structs.replace(DIAGNOSES["CAUSE"], id=text, title=text, cause=text, verify=text)
    document = bytes_of(
        doctor_junit.write, DIAGNOSES["diagnosis"](DIAGNOSES["check"](text, text, evil))
    )
    schema.validate(document.decode())
    ((case,),) = suites_of(document)
    assert case.name == case.classname == legal(text)
    assert case.result[0].message == legal(text)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('tests="4"', 'tests="four"'),
        ("T12:00:00", "T12:00:00+00:00"),
        (' classname="mlp-tiny"', ""),
        ("<system-out>", "<system-out/><failure type='x'/><system-out>"),
        ("<system-out>", "<system-out><b/>"),
    ],
)
def test_the_schema_refuses_what_readers_stumble_over(schema: Any, right: str, wrong: str) -> None:
    document = bytes_of(junit.write, made(launches=1, rounds=8)).decode()
    assert schema.is_valid(document)
    assert right in document
    assert not schema.is_valid(document.replace(right, wrong, 1))
