"""The facts are whole: each has a source, a day, and a framework and a need that exist."""

from __future__ import annotations

from datetime import date

import pytest

from envdoctor.choose.data import facts
from envdoctor.plugins import load_plugins

FACTS = facts()
SOURCED = [*FACTS.facts, *FACTS.pythons]


@pytest.mark.parametrize("fact", SOURCED, ids=lambda fact: f"{fact.framework} {fact.source}")
def test_a_fact_has_a_page_and_a_day(fact):
    assert fact.source.startswith("https://")
    assert date(2025, 1, 1) < date.fromisoformat(fact.seen)
    assert date.fromisoformat(fact.seen) <= date.fromisoformat(FACTS.valid_as_of)


def test_facts_are_about_known_frameworks_and_needs_once_each():
    names = {each.name for each in FACTS.frameworks}
    needs = {each.name for each in FACTS.needs}
    assert {fact.framework for fact in SOURCED} <= names
    assert {base for each in FACTS.frameworks for base in each.through} <= names
    assert {fact.need for fact in FACTS.facts} <= needs
    assert {fact.with_ for fact in FACTS.facts} <= {"", *needs}
    keys = [(fact.framework, fact.need, fact.with_) for fact in FACTS.facts]
    assert len(keys) == len(set(keys))


def test_a_limit_is_told():
    assert [fact for fact in FACTS.facts if not fact.says.strip()] == []


def test_every_backend_of_ours_is_told_about():
    ours = {backend.name for backend in load_plugins(strangers=False).backends()}
    assert ours <= {each.name for each in FACTS.frameworks}
