from __future__ import annotations

from dataclasses import replace

import pytest

from envdoctor.diagnosis.judge import choose_checks, judge
from envdoctor.errors import InputError
from envdoctor.model.finding import Finding


def causes(target):
    return {finding.id: finding.caused_by for finding in target.findings}


def test_all_well_is_no_finding(healthy, make_check):
    target = judge([make_check("a"), make_check("b")], healthy)
    assert target.findings == ()
    assert (target.counts.checks, target.counts.fail) == (2, 0)
    assert [(checked.id, checked.status) for checked in target.checked] == [
        ("a", "ok"),
        ("b", "ok"),
    ]
    assert target.interpreter == healthy.environment.interpreter.path


def test_the_worst_comes_first(healthy, make_check):
    wanted = ["fail", "warn", "error", "info", "skip"]
    checks = [
        make_check(f"{letter}", status) for letter, status in zip("edcba", wanted, strict=True)
    ]
    assert [finding.status for finding in judge(checks[::-1], healthy).findings] == wanted


def test_several_findings_of_one_check_are_in_the_order_of_their_subjects(healthy, make_check):
    check = make_check("a")
    found = [Finding(id="a", status="warn", title="A", subject=name) for name in ("y", "x")]
    target = judge([replace(check, run=lambda _: found)], healthy)
    assert [finding.subject for finding in target.findings] == ["x", "y"]
    assert target.counts.warn == 2


@pytest.mark.parametrize("raised", [ValueError("no such key"), SystemExit(3), RecursionError()])
def test_a_check_that_breaks_off_is_a_finding_and_stops_no_other(healthy, make_check, raised):
    def run(_):
        yield Finding(id="a", status="warn", title="never kept")
        raise raised

    target = judge([replace(make_check("a"), run=run), make_check("b", "warn")], healthy)
    assert [(f.id, f.status) for f in target.findings] == [("b", "warn"), ("a", "error")]
    assert type(raised).__name__ in target.findings[1].cause
    assert target.counts.error == 1


def test_ctrl_c_is_not_a_finding(healthy, make_check):
    def run(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge([replace(make_check("a"), run=run)], healthy)


@pytest.mark.parametrize("found", ["text", Finding(id="other", status="fail", title="A"), None])
def test_what_is_no_finding_of_the_check_is_its_fault(healthy, make_check, found):
    (finding,) = judge([replace(make_check("a"), run=lambda _: [found])], healthy).findings
    assert (finding.id, finding.status) == ("a", "error")


@pytest.mark.parametrize("status", ["warn", "fail"])
def test_a_cause_explains_its_consequences(healthy, make_check, status):
    checks = [make_check("cause", status, hides=("effect",)), make_check("effect", "fail")]
    target = judge(checks, healthy)
    assert causes(target) == {"cause": "", "effect": "cause"}
    assert target.counts.consequences == 1
    assert target.counts.fail == (2 if status == "fail" else 1)


@pytest.mark.parametrize("statuses", [(), ("info",), ("error",), ("skip",), ("ok",)])
def test_a_cause_that_was_not_found_explains_nothing(healthy, make_check, statuses):
    checks = [make_check("cause", *statuses, hides=("effect",)), make_check("effect", "fail")]
    assert causes(judge(checks, healthy))["effect"] == ""


def test_a_chain_leads_to_its_root(healthy, make_check):
    checks = [
        make_check("c", "fail"),
        make_check("b", "warn", hides=("c",)),
        make_check("a", "fail", hides=("b",)),
    ]
    assert causes(judge(checks, healthy)) == {"a": "", "b": "a", "c": "a"}


def test_a_link_that_was_not_found_breaks_the_chain(healthy, make_check):
    checks = [
        make_check("a", "fail", hides=("b",)),
        make_check("b", hides=("c",)),
        make_check("c", "fail"),
    ]
    assert causes(judge(checks, healthy)) == {"a": "", "c": ""}


def test_of_two_causes_the_worse_one_counts(healthy, make_check):
    checks = [
        make_check("a", "warn", hides=("c",)),
        make_check("b", "fail", hides=("c",)),
        make_check("c", "fail"),
    ]
    assert causes(judge(checks, healthy))["c"] == "b"


def test_a_circle_keeps_one_in_sight(healthy, make_check):
    checks = [
        make_check("a", "fail", hides=("b", "a")),
        make_check("b", "fail", hides=("c",)),
        make_check("c", "fail", hides=("b",)),
        make_check("d", "fail", hides=("e",)),
        make_check("e", "fail", hides=("d",)),
    ]
    found = causes(judge(checks, healthy))
    assert found == {"a": "", "b": "a", "c": "a", "d": "", "e": "d"}


def test_a_check_may_name_the_cause_itself(healthy, make_check):
    told = make_check("b", "fail", caused_by="a")
    assert causes(judge([make_check("a", "warn"), told], healthy))["b"] == "a"
    assert causes(judge([make_check("a"), told], healthy))["b"] == ""


def test_a_muted_finding_keeps_its_reason_and_explains_nothing(healthy, make_check):
    checks = [make_check("a", "fail", hides=("b",)), make_check("b", "warn")]
    target = judge(checks, healthy, {"a": "known"})
    assert {finding.id: finding.muted for finding in target.findings} == {"a": "known", "b": ""}
    assert causes(target)["b"] == ""
    assert (target.counts.fail, target.counts.warn, target.counts.muted) == (0, 1, 1)
    assert [checked.status for checked in target.checked] == ["ok", "warn"]


def test_checks_are_chosen_by_id(make_check):
    checks = [make_check(name) for name in ("a", "b", "c")]
    assert [check.id for check in choose_checks(checks)] == ["a", "b", "c"]
    assert [check.id for check in choose_checks(checks, only=["b", "c"])] == ["b", "c"]
    assert [check.id for check in choose_checks(checks, ["b", "c"], ["c"])] == ["b"]


@pytest.mark.parametrize("option", ["only", "skip"])
def test_an_unknown_id_is_a_mistake_with_a_suggestion(make_check, option):
    checks = [make_check("shm-too-small")]
    with pytest.raises(InputError, match="no check called `shm-to-small`") as caught:
        choose_checks(checks, **{option: ["shm-to-small"]})
    assert "`shm-too-small`" in caught.value.hint
    with pytest.raises(InputError) as caught:
        choose_checks(checks, **{option: ["zzz"]})
    assert "--list" in caught.value.hint
