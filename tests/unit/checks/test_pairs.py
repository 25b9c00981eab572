"""Distributions that must match each other."""

from __future__ import annotations

import pytest

from envdoctor.model.environment import Requirement

VISION, AUDIO, KERAS = "torchvision-torch-mismatch", "torchaudio-torch-skew", "keras3-vs-tf-keras"


def test_a_torchvision_of_another_release(run, snapshot, environment):
    sick = environment({"torch": "2.13.0+cu126", "torchvision": "0.26.0+cu126"})
    (finding,) = run(VISION, snapshot(environment=sick))
    assert finding.status == "fail"
    assert finding.evidence[-1].fact == "torchvision 0.26.0+cu126 is made for torch 2.11"
    assert finding.remedies[0].command.endswith(
        "--index-url https://download.pytorch.org/whl/cu126 torch==2.13.0 'torchvision==0.28.*'"
    )


def test_a_torchvision_that_pins_another_patch(run, snapshot, environment, distribution):
    pin = (Requirement(name="torch", specifier="==2.4.0"),)
    vision = distribution("torchvision", "0.19.0", requires=pin)
    sick = environment({"torch": "2.4.1", "torchvision": vision})
    (finding,) = run(VISION, snapshot(environment=sick))
    assert finding.evidence[-1].fact == "torchvision 0.19.0 requires torch==2.4.0"


def test_a_torchvision_of_another_build(run, snapshot, environment):
    sick = environment({"torch": "2.13.0+cpu", "torchvision": "0.28.0+cu126"})
    (finding,) = run(VISION, snapshot(environment=sick))
    assert finding.evidence[-1].fact == "the builds differ: cpu and cu126"
    assert finding.remedies[0].command.endswith(
        "--force-reinstall --no-deps --index-url https://download.pytorch.org/whl/cpu "
        "'torchvision==0.28.*'"
    )


def test_in_conda_the_remedy_is_condas(run, snapshot, environment, distribution):
    torch = distribution("torch", "2.13.0", installer="conda")
    sick = environment(
        {"torch": torch, "torchvision": "0.26.0"}, interpreter={"prefix": "/opt/conda"}
    )
    (finding,) = run(VISION, snapshot(environment=sick))
    assert finding.remedies[0].command == "conda install -p /opt/conda torchvision=0.28"


@pytest.mark.parametrize(
    ("torch", "vision"),
    [
        ("2.13.0", "0.28.0"),
        ("2.13.0+cpu", "0.28.0+cpu"),
        ("2.13.0+cpu", "0.28.0"),
        ("2.13.0+cu126", "0.28.0+cu128"),
        ("2.15.0", "0.29.2"),
        ("2.14.1", "0.29.1"),
        ("2.99.0", "0.28.0"),
        ("2.13.0", "0.99.0"),
        ("2.13.0", ""),
        ("2.13.0+git1234", "0.28.0+cu126"),
    ],
)
def test_pairs_that_fit_or_are_not_known(run, snapshot, environment, torch, vision):
    well = environment({"torch": torch, **({"torchvision": vision} if vision else {})})
    assert run(VISION, snapshot(environment=well)) == []


@pytest.mark.parametrize(
    ("torch", "audio", "status", "wanted"),
    [
        ("2.9.1+cu128", "2.11.0", "fail", "torchaudio==2.9.*"),
        ("2.13.0", "2.10.0", "warn", "torchaudio==2.11.*"),
        ("2.10.0", "2.8.0", "warn", "torchaudio==2.10.*"),
        ("2.15.0", "2.11.0", "info", ""),
    ],
)
def test_a_torchaudio_of_another_release(run, snapshot, environment, torch, audio, status, wanted):
    sick = environment({"torch": torch, "torchaudio": audio})
    (finding,) = run(AUDIO, snapshot(environment=sick))
    assert finding.status == status
    commands = [each.command for each in finding.remedies]
    assert (wanted in commands[0]) if wanted else commands == []


@pytest.mark.parametrize(
    "installed", [{"torch": "2.11.0+cu130", "torchaudio": "2.11.0"}, {"torch": "2.13.0"}]
)
def test_the_same_release_or_no_torchaudio(run, snapshot, environment, installed):
    assert run(AUDIO, snapshot(environment=environment(installed))) == []


TENSORFLOW = {"tensorflow": "2.19.1", "keras": "3.10.0"}


def test_transformers_that_wants_keras_2(run, snapshot, environment):
    sick = environment({**TENSORFLOW, "transformers": "4.57.1"})
    (finding,) = run(KERAS, snapshot(environment=sick))
    assert finding.status == "warn"
    assert finding.remedies[0].command.endswith("'tf-keras==2.19.*'")


def test_a_variable_that_wants_keras_2(run, snapshot, environment):
    sick = environment(TENSORFLOW, variables={"TF_USE_LEGACY_KERAS": "1"})
    (finding,) = run(KERAS, snapshot(environment=sick))
    assert (finding.status, finding.evidence[0].fact) == ("fail", "TF_USE_LEGACY_KERAS=1")


def test_no_release_is_named_that_may_not_exist(run, snapshot, environment):
    sick = environment({"tensorflow": "2.99.0"}, variables={"TF_USE_LEGACY_KERAS": "true"})
    (finding,) = run(KERAS, snapshot(environment=sick))
    assert finding.remedies[0].command.endswith("install tf-keras")


@pytest.mark.parametrize(
    ("installed", "variables"),
    [
        ({**TENSORFLOW, "transformers": "5.2.0"}, {}),
        ({**TENSORFLOW, "transformers": "4.57.1", "tf-keras": "2.19.0"}, {}),
        ({**TENSORFLOW, "transformers": "4.57.1"}, {"USE_TF": "0"}),
        ({"tensorflow": "2.15.1", "keras": "2.15.0", "transformers": "4.57.1"}, {}),
        ({"transformers": "4.57.1", "torch": "2.13.0"}, {"TF_USE_LEGACY_KERAS": "1"}),
        (TENSORFLOW, {"TF_USE_LEGACY_KERAS": "0"}),
        (TENSORFLOW, {}),
    ],
)
def test_where_nothing_wants_keras_2(run, snapshot, environment, installed, variables):
    well = environment(installed, variables=variables)
    assert run(KERAS, snapshot(environment=well)) == []
