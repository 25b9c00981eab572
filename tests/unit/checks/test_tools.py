"""Tools around the frameworks."""

from __future__ import annotations

import pytest

from envdoctor.model.environment import Requirement

SICK = [
    ("gym-unmaintained", {"gym": "0.26.2", "numpy": "2.0.0"}, "warn", "install gymnasium"),
    (
        "tensorboard-setuptools",
        {"tensorboard": "2.20.0", "setuptools": "82.0.1"},
        "warn",
        "'tensorboard>=2.21.0'",
    ),
    ("flax-jax-mismatch", {"flax": "0.7.5", "jax": "0.4.26"}, "fail", "'flax>=0.8' jax==0.4.26"),
    (
        "transformers-disables-torch",
        {"transformers": "5.0.0", "torch": "2.3.1"},
        "fail",
        "'torch>=2.4'",
    ),
    ("transformers-without-backend", {"transformers": "4.57.1"}, "info", ""),
    ("transformers-without-backend", {"transformers": "5.0", "jax": "0.10"}, "info", ""),
    (
        "torchtext-unmaintained",
        {"torchtext": "0.18.0", "torch": "2.4.0"},
        "fail",
        "uninstall -y torchtext",
    ),
    (
        "tensorflow-addons-unmaintained",
        {"tensorflow-addons": "0.23.0", "tensorflow": "2.16.1"},
        "fail",
        "uninstall -y tensorflow-addons",
    ),
]
WELL = [
    ("gym-unmaintained", {"gym": "0.26.2", "numpy": "1.26.4"}),
    ("gym-unmaintained", {"gym": "0.26.2"}),
    ("gym-unmaintained", {"gymnasium": "1.4.0", "numpy": "2.4.6"}),
    ("tensorboard-setuptools", {"tensorboard": "2.21.0", "setuptools": "84.0"}),
    ("tensorboard-setuptools", {"tensorboard": "2.20.0", "setuptools": "81.9"}),
    ("tensorboard-setuptools", {"tensorboard": "2.20.0"}),
    ("flax-jax-mismatch", {"flax": "0.8.0", "jax": "0.4.26"}),
    ("flax-jax-mismatch", {"flax": "0.7.5", "jax": "0.4.25"}),
    ("flax-jax-mismatch", {"flax": "0.7.5"}),
    ("transformers-disables-torch", {"transformers": "5.0.0", "torch": "2.4.0"}),
    ("transformers-disables-torch", {"transformers": "4.57.1", "torch": "2.3.1"}),
    ("transformers-without-backend", {"transformers": "5.0", "torch": "2.13.0"}),
    ("transformers-without-backend", {"transformers": "4.57", "tensorflow-cpu": "2.21.0"}),
    ("torchtext-unmaintained", {"torchtext": "0.18.0", "torch": "2.3.1"}),
    ("torchtext-unmaintained", {"torchtext": "0.18.0"}),
    ("tensorflow-addons-unmaintained", {"tensorflow-addons": "0.23.0", "tensorflow": "2.15.1"}),
]


@pytest.mark.parametrize(("check_id", "installed", "status", "words"), SICK)
def test_what_is_known_not_to_work(run, snapshot, environment, check_id, installed, status, words):
    (finding,) = run(check_id, snapshot(environment=environment(installed)))
    assert finding.status == status
    facts = [each.fact for each in finding.evidence]
    assert f"{next(iter(installed))} {next(iter(installed.values()))}" in facts
    assert any(words in each.command for each in finding.remedies) or not words


@pytest.mark.parametrize(("check_id", "installed"), WELL)
def test_what_is_just_on_the_right_side(run, snapshot, environment, check_id, installed):
    assert run(check_id, snapshot(environment=environment(installed))) == []


def test_a_tensorboard_that_something_pins_stays(run, snapshot, environment, distribution):
    pin = (Requirement(name="tensorboard", specifier="~=2.20.0"),)
    sick = environment(
        {
            "tensorflow": distribution("tensorflow", "2.20.0", requires=pin),
            "tensorboard": "2.20.0",
            "setuptools": "84.2",
        }
    )
    (finding,) = run("tensorboard-setuptools", snapshot(environment=sick))
    assert finding.remedies[0].command.endswith("'setuptools<82'")


def test_legacy_keras_suits_the_add_ons(run, snapshot, environment):
    well = environment(
        {"tensorflow-addons": "0.23.0", "tensorflow": "2.16.1"},
        variables={"TF_USE_LEGACY_KERAS": "1"},
    )
    assert run("tensorflow-addons-unmaintained", snapshot(environment=well)) == []
