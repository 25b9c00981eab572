"""Requirements that do not hold."""

from __future__ import annotations

import pytest

from envdoctor.checks import requirements
from envdoctor.model.environment import Requirement

ID = "declared-dependency-conflict"
PROTOBUF = "protobuf-generated-code-mismatch"


@pytest.fixture
def asks(distribution):
    """`asks("a", numpy="<2")`: a distribution that requires this."""

    def make(name, version="1.0", **wanted):
        found = tuple(
            Requirement(name=each.replace("_", "-"), specifier=text)
            for each, text in wanted.items()
        )
        return distribution(name, version, requires=found)

    return make


def test_a_version_that_one_does_not_want(run, snapshot, environment, asks):
    sick = environment(
        {"numpy": "2.4.6", "a": asks("a", numpy="<2.3"), "b": asks("b", numpy=">=2")}
    )
    (finding,) = run(ID, snapshot(environment=sick))
    assert (finding.status, finding.subject) == ("warn", "numpy")
    assert finding.evidence[1].fact == "a 1.0 requires numpy<2.3"
    assert finding.remedies[0].command.endswith("-m pip install 'numpy<2.3,>=2'")
    assert finding.verify == "/home/ada/venv/bin/python -m pip check"


def test_what_no_version_satisfies(run, snapshot, environment, asks):
    sick = environment({"numpy": "2.4.6", "a": asks("a", numpy="<2"), "b": asks("b", numpy=">=2")})
    (finding,) = run(ID, snapshot(environment=sick))
    assert finding.remedies[0].command.endswith("-m pip install --upgrade a")


def test_what_is_missing(run, snapshot, environment, asks):
    (finding,) = run(ID, snapshot(environment=environment({"a": asks("a", tqdm=">=4")})))
    assert finding.title == "tqdm is missing, which a requires"
    assert finding.remedies[0].command.endswith("'tqdm>=4'")


def test_one_cause_is_one_finding(run, snapshot, environment, asks):
    askers = {name: asks(name, numpy="<2") for name in ("a", "b", "c")}
    (finding,) = run(ID, snapshot(environment=environment({"numpy": "2.4", **askers})))
    assert "a, b and c" in finding.title


@pytest.mark.parametrize(
    ("version", "specifier"),
    [
        ("2.4.6", ""),
        ("2.4.6", ">=2"),
        ("2.5.0rc1", ">=2"),
        ("2.13.0+cpu", "==2.13.0"),
        ("unknown", ">=2"),
        ("2.4.6", "not a specifier"),
    ],
)
def test_what_holds_or_cannot_be_read_is_well(run, snapshot, environment, asks, version, specifier):
    well = environment({"numpy": version, "a": asks("a", numpy=specifier)})
    assert run(ID, snapshot(environment=well)) == []


def test_what_other_checks_report_is_not_told_twice(run, snapshot, environment, asks):
    sick = environment(
        {
            "torch": "2.14.0",
            "torchvision": asks("torchvision", "0.28.0", torch="==2.13.0"),
            "protobuf": "6.30",
            "onnx": asks("onnx", protobuf="<6"),
        }
    )
    assert run(ID, snapshot(environment=sick)) == []


def test_generated_code_of_another_major(run, snapshot, environment, asks):
    sick = environment(
        {
            "protobuf": "5.29.6",
            "tensorflow": asks("tensorflow", "2.15.1", protobuf="<5,>=3.20.3"),
            "onnx": asks("onnx", protobuf=">=4.25.1"),
        }
    )
    (finding,) = run(PROTOBUF, snapshot(environment=sick))
    assert finding.status == "fail"
    assert finding.remedies[0].command.endswith("'protobuf<5,>=3.20.3,>=4.25.1'")


def test_another_minor_of_protobuf_is_a_warning(run, snapshot, environment, asks):
    sick = environment({"protobuf": "6.30.0", "a": asks("a", protobuf=">=6.31")})
    (finding,) = run(PROTOBUF, snapshot(environment=sick))
    assert finding.status == "warn"


def test_protobuf_that_fits_or_is_missing(run, snapshot, environment, asks):
    well = environment({"protobuf": "6.30.0", "a": asks("a", protobuf=">=6,<8")})
    assert run(PROTOBUF, snapshot(environment=well)) == []
    missing = environment({"a": asks("a", protobuf=">=6,<8")})
    assert run(PROTOBUF, snapshot(environment=missing)) == []
    assert len(run(ID, snapshot(environment=missing))) == 1


@pytest.mark.parametrize(
    ("wishes", "agreed"),
    [
        ((">=1", "<2"), "<2,>=1"),
        (("<1.5", ">=1.5"), None),
        (("==1.2.*", ">=1.2.3"), "==1.2.*,>=1.2.3"),
        (("==1.2.3", "!=1.2.3"), None),
        (("!=1.2.3",), "!=1.2.3"),
        (("~=2.1", "<2.2"), "<2.2,~=2.1"),
        (("===odd",), None),
        ((), ""),
    ],
)
def test_what_all_agree_on(wishes, agreed):
    assert requirements.agreed(wishes) == agreed
