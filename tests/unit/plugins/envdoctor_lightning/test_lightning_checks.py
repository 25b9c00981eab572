from __future__ import annotations

import pytest

from envdoctor_lightning.facts import PAYLOAD, collect

STOLEN, TWO = "lightning-stolen-release", "lightning-two-versions"


@pytest.fixture
def case(made, tmp_path):
    def make(**versions):
        installed = {
            name.replace("_", "-"): made.distribution(
                name.replace("_", "-"), version, location=str(tmp_path)
            )
            for name, version in versions.items()
        }
        found = collect(made.environment(installed))
        frameworks = {} if found is None else {"lightning": found}
        return made.snapshot(environment=made.environment(installed, frameworks=frameworks))

    return make


def test_either_name_is_lightning(case):
    both = case(lightning="2.6.6", pytorch_lightning="2.5.0").environment.frameworks["lightning"]
    assert both.version == "2.6.6"
    assert both.details == {"lightning": "2.6.6", "pytorch-lightning": "2.5.0"}
    alone = case(pytorch_lightning="2.5.0").environment.frameworks["lightning"]
    assert alone.version == "2.5.0"
    assert alone.location.endswith("pytorch_lightning")
    assert case().environment.frameworks == {}


@pytest.mark.parametrize("version", ["2.6.2", "2.6.3"])
def test_a_stolen_release(run, case, version):
    (finding,) = run(STOLEN, case(lightning=version))
    assert finding.status == "fail"
    assert finding.remedies[0].command.endswith("uninstall -y lightning")
    assert "import lightning" not in finding.verify


def test_its_program_shows_under_any_version(run, case, tmp_path):
    path = tmp_path / "lightning" / PAYLOAD
    path.parent.mkdir(parents=True)
    path.touch()
    (finding,) = run(STOLEN, case(lightning="2.6.9"))
    assert finding.evidence[0].source == str(path)


@pytest.mark.parametrize("version", ["2.6.1", "2.6.4", "2.6.6", "?"])
def test_a_sound_release(run, case, version):
    assert run(STOLEN, case(lightning=version)) == []


def test_two_versions(run, case):
    (finding,) = run(TWO, case(lightning="2.6.6", pytorch_lightning="2.5.0"))
    assert finding.status == "info"
    assert "pytorch-lightning==2.6.6" in finding.remedies[0].command


def test_one_version(run, case):
    assert run(TWO, case(lightning="2.6.6", pytorch_lightning="2.6.6")) == []
    assert run(TWO, case(pytorch_lightning="2.5.0")) == []
