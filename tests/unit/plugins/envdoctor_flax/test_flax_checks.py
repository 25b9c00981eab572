from __future__ import annotations

import pytest

from envdoctor_flax.facts import collect

PAIR = "flax-jax-mismatch"


@pytest.fixture
def case(made):
    def make(**installed):
        return made.snapshot(environment=made.environment(installed))

    return make


def test_an_old_flax_beside_a_new_jax(run, case):
    (finding,) = run(PAIR, case(flax="0.7.2", jax="0.4.31"))
    assert finding.status == "fail"
    assert [each.fact for each in finding.evidence] == ["flax 0.7.2", "jax 0.4.31"]
    commands = [remedy.command for remedy in finding.remedies]
    assert commands[0].endswith("'flax>=0.8' jax==0.4.31")
    assert "'jax<0.4.26'" in commands[1]


@pytest.mark.parametrize(
    ("flax", "jax"),
    [("0.7.2", "0.4.23"), ("0.8.0", "0.4.31"), ("0.12.8", "0.10.2"), ("?", "0.10.2")],
)
def test_pairs_that_are_not_known_to_fail(run, case, flax, jax):
    assert run(PAIR, case(flax=flax, jax=jax)) == []


def test_flax_or_jax_alone(run, case):
    assert run(PAIR, case(flax="0.7.2")) == []
    assert run(PAIR, case(jax="0.10.2")) == []


def test_facts(made):
    found = collect(made.environment({"flax": "0.12.8", "optax": "0.2.8", "jax": "0.10.2"}))
    assert (found.name, found.version) == ("flax", "0.12.8")
    assert found.details == {"jax": "0.10.2", "optax": "0.2.8"}
    assert collect(made.environment({"jax": "0.10.2"})) is None
